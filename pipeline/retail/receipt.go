// Package retail holds what a till says: receipts, their lines, and the checks that a receipt must pass.
//
// A Receipt is frozen once decoded: nobody changes it, and conditions read it as it came (decision D6). Strings may alias the buffer the
// receipt was decoded from (see schemas), so whoever keeps one beyond the record clones it. The package is pure.
package retail

import "cagnotte/pipeline/money"

// Identifiers. Each is a distinct type so that one cannot be passed for another; the empty string means "none".
type (
	// ReceiptID is the idempotency key of a receipt, unique for ever.
	ReceiptID string
	// AccountID is an opaque token of the loyalty account (one household, many cards). Never a card number, phone or e-mail.
	AccountID string
	// ShopID names a physical shop (`store_id` on the wire).
	ShopID string
)

// Instant is a moment in UTC, in milliseconds since 1970. Zero means "none".
type Instant int64

// Date is a local calendar day, in days since 1970-01-01.
type Date int32

// Receipt is one closed transaction of a till (ARTS RetailTransaction), or an Event of an account, which travels among its receipts so that an
// account has one order of all that happens to it. Money is in minor units, VAT included; return lines are negative.
// An optional field that is absent holds its zero value.
type Receipt struct {
	ID           ReceiptID
	Type         ReceiptType
	Training     bool // DSFinV-K AVTraining: never rewarded, never in a KPI
	Shop         Shop
	TerminalID   string
	OperatorID   string
	BusinessDate Date
	SequenceNo   int64
	StartedAt    Instant
	EndedAt      Instant // close, UTC: the event time of every rule
	UTCOffsetMin int32   // the shop's offset at close, 60 or 120 for Paris
	Channel      Channel
	Currency     string // ISO 4217
	Loyalty      Loyalty
	Lines        []Line
	Discounts    []Discount // basket level, negative amounts
	Taxes        []TaxTotal
	Tenders      []Tender
	Total        money.Amount // sum of the lines' Net plus the basket discounts
	Tax          money.Amount
	Coupons      []string
	Original     Original
	Source       Source
	Attributes   []Attribute
}

// Shop is where the receipt was closed.
type Shop struct {
	ID      ShopID
	GLN     string // GS1 GLN, 13 digits
	Banner  string
	Country string // ISO 3166 alpha-2
}

// Loyalty names the account; AccountID is empty on an anonymous receipt.
type Loyalty struct {
	AccountID AccountID
	ProgramID string
	Capture   Capture
}

// Line is one position of the basket.
type Line struct {
	No            int32
	Kind          LineKind
	GTIN          string
	SKU           string
	Description   string
	Department    string
	Category      string // slash path, GROCERY/COFFEE/CAPSULES
	Brand         string
	QuantityMilli int64 // 1000 is one piece or one kilogram; negative on a return
	Unit          Unit
	UnitPrice     money.Amount
	Gross         money.Amount // before discounts
	Net           money.Amount // paid, after all discounts
	VATRateBP     int32
	Discounts     []Discount
	Ineligible    bool     // the till's loyalty_eligible = false: tobacco, press, gift cards
	ReturnOfLine  int32    // line number of the original receipt, 0 when unknown
	Labels        []string // what the product is known for, lower case: organic, eco-a, msc
}

// Discount is an immediate discount, already inside Net when it stands on a line.
type Discount struct {
	Amount      money.Amount
	Kind        DiscountKind
	PromotionID string
	FundedBy    string // RETAILER or a supplier's GLN
}

// TaxTotal is one VAT rate's share.
type TaxTotal struct {
	VATRateBP int32
	Taxable   money.Amount
	Tax       money.Amount
}

// Tender is one means of payment.
type Tender struct {
	Type   TenderType
	Amount money.Amount
}

// Original points at the receipt that a RETURN or VOID is about; the zero value means "not given".
type Original struct {
	Given        bool
	ReceiptID    ReceiptID
	ShopID       ShopID
	TerminalID   string
	BusinessDate Date
	SequenceNo   int64
	Reason       string
}

// Source names the sending system.
type Source struct {
	POSVendor, POSVersion, Sender string
}

// Attribute is one pair of the extension map. Keys are unique within a receipt; order is the wire's.
type Attribute struct{ Key, Value string }

// EventAttribute is the attribute of an Event that says what happened.
const EventAttribute = "event"

// Kinds of events from partition to partition about a receipt without an account: their account is the receipt's id, so nobody's.
const (
	EventClaimAsked    = "claim_asked"
	EventClaimReturned = "claim_returned"
)

// EventKind says what happened: enrolment, consent, club-fee and the like. Empty unless the receipt is an Event.
func (r *Receipt) EventKind() string {
	if r.Type != Event {
		return ""
	}
	return r.Attribute(EventAttribute)
}

// AboutEvent reports that r is no receipt of a till: an Event, or the Return or Void of one, which carries the attribute event as well.
func (r *Receipt) AboutEvent() bool {
	return r.Type == Event || (r.Type == Return || r.Type == Void) && r.Attribute(EventAttribute) != ""
}

// Attribute returns the value of the extension map under key, empty when there is none.
func (r *Receipt) Attribute(key string) string {
	for i := range r.Attributes {
		if r.Attributes[i].Key == key {
			return r.Attributes[i].Value
		}
	}
	return ""
}

// Key returns what the receipt is partitioned by: its account, else its own id.
func (r *Receipt) Key() string {
	if r.Loyalty.AccountID != "" {
		return string(r.Loyalty.AccountID)
	}
	return string(r.ID)
}

// Reset empties the receipt and keeps the capacity of its slices, so that a decoder can reuse it.
func (r *Receipt) Reset() {
	lines := r.Lines[:cap(r.Lines)]
	for i := range lines {
		lines[i] = Line{Discounts: lines[i].Discounts[:0], Labels: lines[i].Labels[:0]}
	}
	*r = Receipt{
		Lines: lines[:0], Discounts: r.Discounts[:0], Taxes: r.Taxes[:0], Tenders: r.Tenders[:0],
		Coupons: r.Coupons[:0], Attributes: r.Attributes[:0],
	}
}
