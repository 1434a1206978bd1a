package schemas

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Notification is the JSON value of a notifications record: something that a member may be told. (ID) names it: what is produced again says the same.
type Notification struct {
	ID        string           `json:"id"`
	Account   retail.AccountID `json:"account"`
	At        retail.Instant   `json:"at"`   // ms since 1970: of what happened, never of the processing
	Type      string           `json:"type"` // such as BURN_HELD or EXPIRING
	Campaign  string           `json:"campaign,omitempty"`
	Wallet    string           `json:"wallet,omitempty"` // empty: the programme's currency
	Amount    money.Amount     `json:"amount_minor,omitempty"`
	Value     string           `json:"value,omitempty"`     // what was reached; a reason
	Target    string           `json:"target,omitempty"`    // of what
	Reference string           `json:"reference,omitempty"` // a reservation, or an event
	TextKey   string           `json:"text_key"`
	ExpiresAt retail.Instant   `json:"expires_at,omitempty"` // ms since 1970
}
