package pipeline

import (
	"fmt"
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
)

// Kinds of events that ask something of the account's money (SPEC of an event: its attributes). What cannot be read is a dead letter; what can be read
// and must not be done is refused: nothing changes, and a notification says why.
const (
	eventHold   = "hold"
	eventCommit = "commit"
	eventCancel = "cancel"
	eventRedeem = "redeem"
	eventRefund = "refund"
	eventAdjust = "adjust"
)

// command is one event that asks something of the money.
type command struct {
	kind string
	ledger.Command
	rec     *retail.Receipt
	wrong   *retail.Problem
	refused ledger.Refusal
	spent   ledger.Burn
}

// readCommand reads what an event asks for. ok is false for an event that asks nothing of the money. Texts alias the receipt.
func readCommand(rec *retail.Receipt) (c command, ok bool) {
	c = command{kind: rec.EventKind(), rec: rec}
	c.Event, c.Shop, c.At = rec.ID, rec.Shop.ID, rec.EndedAt
	switch c.kind {
	case eventHold:
		c.hold(true)
		c.amount(true)
		c.purchase()
	case eventCommit:
		c.hold(false)
		c.amount(c.Hold == "")
	case eventCancel:
		c.hold(true)
	case eventRedeem:
		c.amount(true)
		c.purchase()
		c.Reference = rec.Attribute("gift")
	case eventRefund:
		c.Reference = c.needed("redeem", "the id of the event that spent")
		c.amount(true)
	case eventAdjust:
		c.adjust()
	default:
		return c, false
	}
	c.wallet()
	return c, true
}

// checkCommand refuses an event that does not say what its kind needs.
func checkCommand(rec *retail.Receipt) *retail.Problem {
	c, _ := readCommand(rec)
	return c.wrong
}

func (c *command) refuse(key, observed, expected, hint string) {
	if c.wrong == nil {
		c.wrong = &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/" + key, Observed: strconv.Quote(observed), Expected: expected, Hint: hint}
	}
}

func (c *command) needed(key, what string) string {
	text := c.rec.Attribute(key)
	if text == "" {
		c.refuse(key, text, what, "an event of kind "+c.kind+" needs it")
	}
	return text
}

func (c *command) hold(required bool) {
	if c.Hold = c.rec.Attribute("hold"); c.Hold == "" && required {
		c.needed("hold", "the id of the reservation")
	}
	if len(c.Hold) > ledger.MaxHoldID {
		c.refuse("hold", c.Hold, fmt.Sprintf("at most %d bytes", ledger.MaxHoldID), "")
	}
}

// amount reads what is asked for: positive, in the units of the wallet.
func (c *command) amount(required bool) {
	if text := c.rec.Attribute("amount"); text != "" || required {
		c.Amount = c.positive("amount", text)
	}
}

// purchase reads the basket that is paid, and how it is delivered: one that is prepared for later is reserved for longer.
func (c *command) purchase() {
	if text := c.rec.Attribute("purchase"); text != "" {
		c.Purchase = c.positive("purchase", text)
	}
	switch c.rec.Attribute("channel") {
	case retail.Drive.String(), retail.Online.String(), retail.ClickCollect.String(), retail.Delivery.String():
		c.Online = true
	}
}

func (c *command) positive(key, text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil || a <= 0 {
		c.refuse(key, text, "an amount above zero with at most two decimals, such as 10.00", "")
	}
	return a
}

func (c *command) adjust() {
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
		at, err := rules.ParseMoment(text, true)
		if err != nil || at <= 0 {
			c.refuse("expires", text, "a day such as 2027-12-31, or an instant such as 2027-12-31T23:00:00Z", "leave it out to mean never")
		}
		c.ExpiresAt = at
	}
}

const maxReason = 64

func (c *command) wallet() {
	c.Wallet = c.rec.Attribute("wallet")
	if c.Wallet != "" && !ledger.ValidWallet(c.Wallet) {
		c.refuse("wallet", c.Wallet, "1 to 32 of a-z, 0-9 and -", "leave it out to mean the programme's currency")
	}
}

// own copies what the account keeps out of the fetch buffer.
func (c *command) own() {
	c.Hold, c.Wallet = string([]byte(c.Hold)), string([]byte(c.Wallet))
}

// command carries out what an event asks of the money, before campaigns judge it. It reports whether campaigns may: not when it was refused. The
// footprint is the event's own and is left empty but for what was spent.
func (t *task) command(slot *state.Slot) (bool, error) {
	c, ok := readCommand(&t.receipt)
	if !ok {
		return true, nil
	}
	c.own()
	terms := t.ruleset.TermsOf(c.Wallet, c.At)
	c.Terms = terms.Ledger()
	var err error
	if spends := c.kind == eventHold || c.kind == eventRedeem; spends && !terms.Accepts(&t.receipt.Shop) {
		c.refused = ledger.RefusedStore
	} else {
		err = t.carryOut(slot, &c)
	}
	t.asked = c
	return c.refused == "", err
}

func (t *task) carryOut(slot *state.Slot, c *command) (err error) {
	a, j, cmd := &slot.Account, &t.journal, &c.Command
	switch c.kind {
	case eventHold:
		c.refused = a.Reserve(j, slot.ID, cmd)
	case eventCommit:
		if c.Hold != "" {
			c.spent, c.refused = a.Settle(j, slot.ID, cmd)
		} else {
			c.spent, c.refused = a.Spend(j, slot.ID, cmd, true)
		}
	case eventCancel:
		c.refused = a.Release(j, slot.ID, cmd)
	case eventRedeem:
		c.spent, c.refused = a.Spend(j, slot.ID, cmd, false)
	case eventAdjust:
		c.refused = a.Adjust(j, slot.ID, cmd)
	case eventRefund:
		c.refused, err = t.refund(slot, cmd)
	}
	return err
}

// burn is what the event at hand has spent, for its footprint; empty when it spent nothing.
func (t *task) burn() string {
	if t.asked.spent.Left() == 0 {
		return ""
	}
	return string(t.asked.spent.AppendBinary(nil))
}

// refund looks what was spent up in the footprint of the event that spent it, and leaves there what may still be refunded.
func (t *task) refund(slot *state.Slot, c *ledger.Command) (ledger.Refusal, error) {
	spent := retail.ReceiptID(c.Reference)
	defer t.footprint.Reset() // it is the refund's own again
	found, err := t.recall(slot, spent, xxhash.Sum64String(c.Reference))
	if err != nil {
		return "", err
	}
	if !found || t.footprint.Burn == "" {
		return ledger.RefusedBurnUnknown, nil
	}
	burn, err := ledger.DecodeBurn([]byte(t.footprint.Burn))
	if err != nil {
		return "", fmt.Errorf("%w: what %s of account %s spent: %w", ErrInvariant, spent, slot.ID, err)
	}
	if refused := slot.Account.Refund(&t.journal, slot.ID, c, &burn); refused != "" {
		return refused, nil
	}
	t.footprint.Burn = string(burn.AppendBinary(nil))
	t.value = t.footprint.AppendBinary(t.value[:0])
	t.part.PutFootprint(slot, spent, t.value)
	return "", nil
}
