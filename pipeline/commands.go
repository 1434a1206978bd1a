package pipeline

import (
	"fmt"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
)

// checkCommand refuses an event that does not say what its kind needs.
func checkCommand(rec *retail.Receipt) *retail.Problem {
	if pr := checkMerge(rec); pr != nil {
		return pr
	}
	if pr := checkClaim(rec); pr != nil {
		return pr
	}
	c, _ := rules.ReadCommand(rec)
	return c.Wrong
}

// command carries out what an event asks of the money, before campaigns judge it. It reports whether campaigns may: not when it was refused. The
// footprint is the event's own and is left empty but for what was spent.
func (t *task) command(slot *state.Slot) (bool, error) {
	if ok, err := t.merging(slot); ok {
		return false, err
	}
	if ok, err := t.claiming(slot); ok {
		return false, err
	}
	c, ok := rules.ReadCommand(&t.receipt)
	if !ok {
		return true, nil
	}
	var err error
	if c.Kind == rules.EventRefund {
		err = t.refund(slot, &c)
	} else {
		c.Do(t.ruleset, &slot.Account, &t.journal, slot.ID, nil)
	}
	t.asked = c
	return c.Refused == "", err
}

// burn is what the event at hand has spent, for its footprint; empty when it spent nothing.
func (t *task) burn() string {
	if t.asked.Spent.Left() == 0 {
		return ""
	}
	return string(t.asked.Spent.AppendBinary(nil))
}

// refund looks what was spent up in the footprint of the event that spent it, and leaves there what may still be refunded.
func (t *task) refund(slot *state.Slot, c *rules.Command) error {
	spent := retail.ReceiptID(c.Reference)
	defer t.footprint.Reset() // it is the refund's own again
	found, err := t.recall(slot, spent, xxhash.Sum64String(c.Reference))
	if err != nil {
		return err
	}
	if !found || t.footprint.Burn == "" {
		c.Do(t.ruleset, &slot.Account, &t.journal, slot.ID, nil)
		return nil
	}
	burn, err := ledger.DecodeBurn([]byte(t.footprint.Burn))
	if err != nil {
		return fmt.Errorf("%w: what %s of account %s spent: %w", ErrInvariant, spent, slot.ID, err)
	}
	if c.Do(t.ruleset, &slot.Account, &t.journal, slot.ID, &burn); c.Refused != "" {
		return nil
	}
	t.footprint.Burn = string(burn.AppendBinary(nil))
	t.value = t.footprint.AppendBinary(t.value[:0])
	t.part.PutFootprint(slot, spent, t.value)
	return nil
}
