package explain

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Status says in one word what is known about the receipt.
type Status string

// Statuses.
const (
	Decided    Status = "decided"     // campaigns considered it: Campaigns says what became of it
	NoCampaign Status = "no_campaign" // processed, and no campaign concerned it
	Pending    Status = "pending"     // received, not processed yet
	Refused    Status = "refused"     // refused: Refusals say why and what to do
	Training   Status = "training"    // a training receipt, which nothing looks at
	Unknown    Status = "unknown"     // never seen under this id
)

// Explanation is the answer in one language: sentences for people beside numbers for programs. Amounts are minor units of Currency, instants
// RFC 3339 in the zone of the sentence beside them. The member's token is masked throughout.
type Explanation struct {
	Lang         string        `json:"lang"`
	ReceiptID    string        `json:"receipt_id"`
	Status       Status        `json:"status"`
	Summary      []string      `json:"summary"`
	Receipt      *Receipt      `json:"receipt,omitempty"`
	Totals       *Totals       `json:"totals,omitempty"`
	Campaigns    []Campaign    `json:"campaigns,omitempty"`
	Entries      []Entry       `json:"entries,omitempty"`
	Returns      []ReturnPart  `json:"returns,omitempty"`
	Refusals     []Refusal     `json:"refusals,omitempty"`
	Verification *Verification `json:"verification,omitempty"`

	words *words
}

// Receipt is the head of the receipt.
type Receipt struct {
	Type       string       `json:"type"`
	Event      string       `json:"event,omitempty"` // kind of an EVENT
	StoreID    string       `json:"store_id"`
	Channel    string       `json:"channel"`
	EndedAt    string       `json:"ended_at"`
	ReceivedAt string       `json:"received_at"`
	Currency   string       `json:"currency"`
	Total      money.Amount `json:"total_minor"`
	Member     string       `json:"member,omitempty"`
	OriginalID string       `json:"original_receipt_id,omitempty"`
	Partition  int32        `json:"partition"`
	Offset     int64        `json:"offset"`
}

// Totals sums the campaigns: of the currency, and of each other wallet for itself, as points are no euros.
type Totals struct {
	Considered int `json:"campaigns_considered"`
	Rewarded   int `json:"campaigns_rewarded"`
	Sums
	Wallets  []WalletSums `json:"wallets,omitempty"`
	Ruleset  int64        `json:"ruleset_version"`   // offset of the campaigns topic up to which rules were known
	Unbooked bool         `json:"unbooked,omitzero"` // the ledger says otherwise than the decision, or does not have it yet
}

// Sums are the totals of one wallet.
type Sums struct {
	Granted   money.Amount `json:"granted_minor"`    // by this receipt; negative on a return
	TakenBack money.Amount `json:"taken_back_minor"` // by later returns, positive
	Standing  money.Amount `json:"standing_minor"`   // granted less taken back
	HeldOut   money.Amount `json:"held_out_minor"`   // what members of the comparison groups would have had
	Booked    money.Amount `json:"booked_minor"`     // in the ledger, under this receipt
}

// WalletSums are the totals of a wallet that is not the currency's.
type WalletSums struct {
	Wallet string `json:"wallet"`
	Sums
}

// Campaign is one campaign's part.
type Campaign struct {
	Campaign   string       `json:"campaign"`
	Version    int32        `json:"version"`
	Name       string       `json:"name"`
	Rule       string       `json:"rule,omitempty"` // the campaign in one sentence
	Arm        string       `json:"arm"`
	Outcome    string       `json:"outcome"`
	Label      string       `json:"outcome_label"`
	Reason     string       `json:"reason"`
	Wallet     string       `json:"wallet,omitempty"` // that desired, granted and funding are in; empty: the currency
	Basis      money.Amount `json:"basis_minor"`
	Desired    money.Amount `json:"desired_minor"`
	Granted    money.Amount `json:"granted_minor"`
	CappedBy   string       `json:"capped_by,omitempty"`
	OutrankBy  string       `json:"outranked_by,omitempty"`
	Steps      []Step       `json:"steps"`
	ActiveFrom string       `json:"active_from,omitempty"`
	ExpiresAt  string       `json:"expires_at,omitempty"`
	Validity   string       `json:"validity,omitempty"`
	Funding    []Funder     `json:"funding,omitempty"`
	Funded     string       `json:"funded,omitempty"`
}

// Step is one test with what was observed and expected, each formatted.
type Step struct {
	Node     string `json:"node"`
	Code     string `json:"code"`
	Passed   bool   `json:"passed"`
	Observed string `json:"observed,omitempty"`
	Expected string `json:"expected,omitempty"`
	Text     string `json:"text"`
}

// Funder is who pays, and how much of it. Amount is positive where the funder pays, negative where it gets back.
type Funder struct {
	Party   string       `json:"party"`
	RatePPM int64        `json:"rate_ppm"`
	Amount  money.Amount `json:"amount_minor"`
}

// Entry is one ledger entry.
type Entry struct {
	Seq       uint64       `json:"seq"`
	Kind      string       `json:"kind"`
	Campaign  string       `json:"campaign,omitempty"`
	Wallet    string       `json:"wallet,omitempty"`
	Amount    money.Amount `json:"amount_minor"`
	At        string       `json:"at"`
	Pending   money.Amount `json:"pending_after_minor"`
	Available money.Amount `json:"available_after_minor"`
	Reason    string       `json:"reason,omitempty"`
	Text      string       `json:"text"`
}

// ReturnPart is a later return.
type ReturnPart struct {
	ReceiptID string       `json:"receipt_id"`
	Type      string       `json:"type"`
	EndedAt   string       `json:"ended_at"`
	Granted   money.Amount `json:"granted_minor"` // in the currency
	Text      string       `json:"text"`
}

// Refusal is a dead letter with its remedy.
type Refusal struct {
	Code       string `json:"code"`
	Label      string `json:"label"`
	Path       string `json:"path,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Hint       string `json:"hint,omitempty"`
	ReceivedAt string `json:"received_at"`
	Partition  int32  `json:"partition"`
	Offset     int64  `json:"offset"`
	Text       string `json:"text"`
	Remedy     string `json:"remedy"`
}

// Verification says whether the decision, derived again from the log, is the recorded one.
type Verification struct {
	Identical   bool         `json:"identical"`
	Records     int64        `json:"records_read"`
	Judged      int64        `json:"records_of_the_member"`
	Partition   int32        `json:"partition"`
	From        int64        `json:"from_offset"`
	To          int64        `json:"to_offset"`
	Ruleset     int64        `json:"ruleset_version"`
	Results     int          `json:"campaigns_compared"`
	Steps       int          `json:"steps_compared"`
	Entries     int          `json:"entries_compared"`
	Differences []Difference `json:"differences,omitempty"`
	Text        string       `json:"text"`
}

// Difference is one place where the recorded and the derived decision part.
type Difference struct {
	Where    string `json:"where"`
	What     string `json:"what"`
	Recorded string `json:"recorded"`
	Derived  string `json:"derived"`
}

// Mask hides a member's token: its last four characters stay, fewer of a short one.
func Mask(a retail.AccountID) string {
	r := []rune(string(a))
	keep := 4
	switch {
	case len(r) == 0:
		return ""
	case len(r) < 6:
		keep = 0
	case len(r) < 10:
		keep = 2
	}
	return "••••" + string(r[len(r)-keep:])
}
