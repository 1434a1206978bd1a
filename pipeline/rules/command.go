package rules

import (
	"fmt"
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Kinds of events that ask something of the account's money, by their attributes. What cannot be read is a dead letter; what can be read and must not be
// done is refused: nothing changes, and a notification says why.
const (
	EventHold   = "hold"
	EventCommit = "commit"
	EventCancel = "cancel"
	EventRedeem = "redeem"
	EventRefund = "refund"
	EventAdjust = "adjust"
)

// Command is one event that asks something of the money.
type Command struct {
	ledger.Command
	Kind    string
	Wrong   *retail.Problem // what cannot be read
	Refused ledger.Refusal  // why it was not done; empty when it was
	Spent   ledger.Burn

	rec *retail.Receipt
}

// ReadCommand reads what an event asks for. ok is false for an event that asks nothing of the money. Texts alias the receipt.
func ReadCommand(rec *retail.Receipt) (c Command, ok bool) {
	c = Command{Kind: rec.EventKind(), rec: rec}
	c.Event, c.Shop, c.At = rec.ID, rec.Shop.ID, rec.EndedAt
	switch c.Kind {
	case EventHold:
		c.readHold(true)
		c.readAmount(true)
		c.readPurchase()
	case EventCommit:
		c.readHold(false)
		c.readAmount(c.Hold == "")
	case EventCancel:
		c.readHold(true)
	case EventRedeem:
		c.readAmount(true)
		c.readPurchase()
		c.Reference = rec.Attribute("gift")
	case EventRefund:
		c.Reference = c.needed("redeem", "the id of the event that spent")
		c.readAmount(true)
	case EventAdjust:
		c.readAdjust()
	default:
		return c, false
	}
	c.readWallet()
	return c, true
}

func (c *Command) refuse(key, observed, expected, hint string) {
	if c.Wrong == nil {
		c.Wrong = &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/" + key, Observed: strconv.Quote(observed), Expected: expected, Hint: hint}
	}
}

func (c *Command) needed(key, what string) string {
	text := c.rec.Attribute(key)
	if text == "" {
		c.refuse(key, text, what, "an event of kind "+c.Kind+" needs it")
	}
	return text
}

func (c *Command) readHold(required bool) {
	if c.Hold = c.rec.Attribute("hold"); c.Hold == "" && required {
		c.needed("hold", "the id of the reservation")
	}
	if len(c.Hold) > ledger.MaxHoldID {
		c.refuse("hold", c.Hold, fmt.Sprintf("at most %d bytes", ledger.MaxHoldID), "")
	}
}

// amount reads what is asked for: positive, in the units of the wallet.
func (c *Command) readAmount(required bool) {
	if text := c.rec.Attribute("amount"); text != "" || required {
		c.Amount = c.positive("amount", text)
	}
}

// purchase reads the basket that is paid, and how it is delivered: one that is prepared for later is reserved for longer.
func (c *Command) readPurchase() {
	if text := c.rec.Attribute("purchase"); text != "" {
		c.Purchase = c.positive("purchase", text)
	}
	switch c.rec.Attribute("channel") {
	case retail.Drive.String(), retail.Online.String(), retail.ClickCollect.String(), retail.Delivery.String():
		c.Online = true
	}
}

func (c *Command) positive(key, text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil || a <= 0 {
		c.refuse(key, text, "an amount above zero with at most two decimals, such as 10.00", "")
	}
	return a
}

func (c *Command) readAdjust() {
	text := c.rec.Attribute("amount")
	a, err := money.Parse(text)
	if err != nil || a == 0 {
		c.refuse("amount", text, "an amount with at most two decimals, such as 10.00 or -10.00", "")
	}
	c.Amount, c.Reason = a, c.needed("reason", "why the balance is corrected")
	if len(c.Reason) > maxReason {
		c.refuse("reason", c.Reason, fmt.Sprintf("at most %d bytes", maxReason), "")
	}
	if text := c.rec.Attribute("expires"); text != "" {
		at, err := ParseMoment(text, true)
		if err != nil || at <= 0 {
			c.refuse("expires", text, "a day such as 2027-12-31, or an instant such as 2027-12-31T23:00:00Z", "leave it out to mean never")
		}
		c.ExpiresAt = at
	}
}

const maxReason = 64

func (c *Command) readWallet() {
	c.Wallet = c.rec.Attribute("wallet")
	if c.Wallet != "" && !ledger.ValidWallet(c.Wallet) {
		c.refuse("wallet", c.Wallet, "1 to 32 of a-z, 0-9 and -", "leave it out to mean the programme's currency")
	}
}

// Do asks the account for it, by the terms of the wallet that hold at the event's instant. burn is what the event that a refund names has spent, nil when
// it is not known; what may still be refunded is left in it. The command keeps nothing of the receipt's memory in the account.
func (c *Command) Do(rs *Ruleset, a *ledger.Account, j *ledger.Journal, id retail.AccountID, burn *ledger.Burn) {
	c.Hold, c.Wallet = string([]byte(c.Hold)), string([]byte(c.Wallet))
	terms := rs.TermsOf(c.Wallet, c.At)
	c.Terms = terms.Ledger()
	if spends := c.Kind == EventHold || c.Kind == EventRedeem; spends && !terms.Accepts(&c.rec.Shop) {
		c.Refused = ledger.RefusedStore
		return
	}
	switch cmd := &c.Command; c.Kind {
	case EventHold:
		c.Refused = a.Reserve(j, id, cmd)
	case EventCommit:
		if c.Hold != "" {
			c.Spent, c.Refused = a.Settle(j, id, cmd)
		} else {
			c.Spent, c.Refused = a.Spend(j, id, cmd, true)
		}
	case EventCancel:
		c.Refused = a.Release(j, id, cmd)
	case EventRedeem:
		c.Spent, c.Refused = a.Spend(j, id, cmd, false)
	case EventAdjust:
		c.Refused = a.Adjust(j, id, cmd)
	case EventRefund:
		if c.Refused = ledger.RefusedBurnUnknown; burn != nil {
			c.Refused = a.Refund(j, id, cmd, burn)
		}
	}
}

// About is the reservation or the event that a command is about.
func (c *Command) About() string {
	if c.Hold != "" {
		return c.Hold
	}
	return c.Reference
}
