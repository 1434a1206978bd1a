// Package wire reads the product's topics for the auditor.
//
// It shares no decoder with the product: it takes the schema's text from the registry by the id that each record names, and decodes with a general
// Avro library into structs of its own, which hold only what an audit needs. A sample is read a second time with another library (see Reader).
package wire

// Receipt is one closed transaction, as the receipts topic carries it. Amounts are minor units, instants ms since 1970, quantities thousandths.
type Receipt struct {
	ID         string     `avro:"receipt_id"`
	Type       string     `avro:"type"`
	Training   bool       `avro:"training"`
	Store      Store      `avro:"store"`
	TerminalID string     `avro:"terminal_id"`
	OperatorID string     `avro:"operator_id"`
	EndedAt    int64      `avro:"ended_at"`
	Channel    string     `avro:"channel"`
	Currency   string     `avro:"currency"`
	Loyalty    *Loyalty   `avro:"loyalty"`
	Lines      []Line     `avro:"lines"`
	Discounts  []Discount `avro:"discounts"`
	Total      int64      `avro:"total_minor"`
	Coupons    []string   `avro:"coupons"`
	Original   *Original  `avro:"original"`
	// Attributes say of an EVENT what happened: event names its kind.
	Attributes map[string]string `avro:"attributes"`
}

// Store is where the receipt was closed.
type Store struct {
	ID      string `avro:"store_id"`
	Banner  string `avro:"banner"`
	Country string `avro:"country"`
}

// Loyalty names the account.
type Loyalty struct {
	AccountID string `avro:"account_id"`
}

// Line is one position of the basket.
type Line struct {
	No           int32  `avro:"line_no"`
	Kind         string `avro:"kind"`
	GTIN         string `avro:"gtin"`
	SKU          string `avro:"sku"`
	Department   string `avro:"department"`
	Category     string `avro:"category"`
	Brand        string `avro:"brand"`
	Quantity     int64  `avro:"quantity_milli"`
	Unit         string `avro:"unit"`
	UnitPrice    int64  `avro:"unit_price_minor"`
	Gross        int64  `avro:"gross_minor"`
	Net          int64  `avro:"net_minor"`
	Eligible     bool   `avro:"loyalty_eligible"`
	ReturnOfLine int32  `avro:"return_of_line"`
	// Labels are what the product is known for: organic, eco-a.
	Labels []string `avro:"labels"`
}

// Discount is a discount of the whole basket.
type Discount struct {
	Amount int64 `avro:"amount_minor"`
}

// Original is what a return refers to.
type Original struct {
	ReceiptID    string `avro:"receipt_id"`
	StoreID      string `avro:"store_id"`
	TerminalID   string `avro:"terminal_id"`
	BusinessDate int32  `avro:"business_date"`
	SequenceNo   int64  `avro:"sequence_no"`
}

// Account returns the loyalty account, empty when the receipt is anonymous.
func (r *Receipt) Account() string {
	if r.Loyalty == nil {
		return ""
	}
	return r.Loyalty.AccountID
}

// Event returns the kind of what happened, empty when the receipt is not an EVENT.
func (r *Receipt) Event() string {
	if r.Type != "EVENT" {
		return ""
	}
	return r.Attributes["event"]
}

// Ledger is the value of a ledger record: the entries of one step of one account.
type Ledger struct {
	Account     string  `avro:"account_id"`
	Currency    string  `avro:"currency"`
	Entries     []Entry `avro:"entries"`
	ProcessedAt int64   `avro:"processed_at"` // append time of the receipt that caused it
}

// Entry is one double-entry fact.
type Entry struct {
	Seq            int64     `avro:"seq"`
	Kind           string    `avro:"kind"`
	Amount         int64     `avro:"amount_minor"`
	PendingAfter   int64     `avro:"pending_after_minor"`
	AvailableAfter int64     `avro:"available_after_minor"`
	Campaign       string    `avro:"campaign"`
	Version        int32     `avro:"campaign_version"`
	Receipt        string    `avro:"receipt_id"`
	Shop           string    `avro:"store_id"`
	At             int64     `avro:"at"`
	ActiveFrom     int64     `avro:"active_from"`
	ExpiresAt      int64     `avro:"expires_at"`
	Reason         string    `avro:"reason"`
	Wallet         string    `avro:"wallet"` // empty: the programme's currency
	Reference      string    `avro:"reference"`
	Postings       []Posting `avro:"postings"`
}

// Posting is one side of an entry.
type Posting struct {
	Book   string `avro:"book"`
	Party  string `avro:"party"`
	Amount int64  `avro:"amount_minor"`
}

// Balance is the value of a balance record.
type Balance struct {
	Account        string `avro:"account_id"`
	Version        int64  `avro:"version"`
	Pending        int64  `avro:"pending_minor"`
	Available      int64  `avro:"available_minor"`
	LifetimeEarned int64  `avro:"lifetime_earned_minor"`
	Held           int64  `avro:"held_minor"`
	// Wallets are the further ones.
	Wallets []WalletBalance `avro:"wallets"`
}

// WalletBalance is what an account has in one further wallet.
type WalletBalance struct {
	Wallet         string `avro:"wallet"`
	Pending        int64  `avro:"pending_minor"`
	Available      int64  `avro:"available_minor"`
	Held           int64  `avro:"held_minor"`
	LifetimeEarned int64  `avro:"lifetime_earned_minor"`
}

// Decision is what the campaigns made of one receipt.
type Decision struct {
	Receipt string   `avro:"receipt_id"`
	Account *string  `avro:"account_id"`
	Results []Result `avro:"results"`
}

// Result is one campaign's part of a decision.
type Result struct {
	Campaign string  `avro:"campaign"`
	Granted  int64   `avro:"granted_minor"`
	CappedBy *string `avro:"capped_by"`
}
