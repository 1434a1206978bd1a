package schemas

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// LedgerRecord is the value of a ledger record: all entries of one step of one account, in sequence order.
type LedgerRecord struct {
	Account  retail.AccountID
	Currency string
	Entries  []ledger.Entry
	// ProcessedAt is the append time of the input that caused the step (the task clock for timers), so that a repeat is byte-identical.
	ProcessedAt retail.Instant
}

// BalanceUpdate is the value of a balance record. Version is the account's sequence; what is not in Wallets is of the programme's currency.
type BalanceUpdate struct {
	Account        retail.AccountID
	Version        uint64
	Currency       string
	Pending        money.Amount
	Available      money.Amount
	LifetimeEarned money.Amount
	NextDueAt      retail.Instant // next timer, 0 when none
	UpdatedAt      retail.Instant // append time of the last input
	Held           money.Amount   // reserved by tills
	Wallets        []WalletBalance
}

// WalletBalance is what an account has in one further wallet.
type WalletBalance struct {
	Wallet         string
	Pending        money.Amount
	Available      money.Amount
	Held           money.Amount
	LifetimeEarned money.Amount
}

// ReceiptDecision is the value of a decision record: what each considered campaign made of one receipt.
type ReceiptDecision struct {
	Receipt        retail.ReceiptID
	Account        retail.AccountID // empty when anonymous
	Shop           retail.ShopID
	Channel        retail.Channel
	Type           retail.ReceiptType
	EndedAt        retail.Instant
	Total          money.Amount
	Currency       string
	Partition      int32 // of the input record
	Offset         int64
	ProcessedAt    retail.Instant // append time of the input record
	RulesetVersion int64
	Results        []rules.Result
}

// MetricBatch is the value of a metrics record: what one commit of one task added. (Partition, Counter) names it; a later one of the same name
// replaces the earlier as a whole (see pipeline/DESIGN.md, torn transactions).
type MetricBatch struct {
	Partition     int32
	Counter       int64
	AsOf          retail.Instant // task clock
	CommittedAt   retail.Instant // wall clock of the committer: for lag only, never for money
	EventAt       retail.Instant // latest event time seen
	InputOffset   int64          // next input offset
	LagRecords    int64          // high watermark - next input offset
	Receipts      int64          // accepted
	Members       int64          // accepted with an account
	Duplicates    int64
	Rejected      int64
	Forwarded     int64
	Net           money.Amount // of accepted receipts
	GrantedMinor  money.Amount
	ReversedMinor money.Amount
	Campaigns     []CampaignCell
	Shops         []ShopCell
}

// CampaignCell counts one campaign x arm x event minute.
type CampaignCell struct {
	Campaign    string
	Version     int32
	Arm         rules.Arm
	Minute      retail.Instant // start of the event minute
	Considered  int64          // receipts
	Qualified   int64          // receipts with Desired > 0
	Rewarded    int64          // receipts with Granted > 0
	BasketSum   money.Amount   // of considered receipts
	BasketSumSq float64        // of considered receipts, minor units squared; display only
	Granted     money.Amount
	Reversed    money.Amount // positive
	Ghost       money.Amount // desired in the holdout
}

// ShopCell counts one shop within a commit.
type ShopCell struct {
	Shop     retail.ShopID
	Receipts int64
	Members  int64
	Net      money.Amount
}
