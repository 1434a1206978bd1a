package pipeline

import (
	"cagnotte/pipeline/rules"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
)

// giveBack handles a RETURN or VOID: the original's footprint is reduced and what remains is evaluated again with the campaigns' original versions;
// the difference is posted (D12). A return without its original claws nothing back and is flagged by its warning (D14). A return that comes before
// its sale waits in a footprint of its own and is applied when the sale arrives.
func (t *task) giveBack(slot *state.Slot) error {
	rec := &t.receipt
	original := rec.OriginalID()
	if original == "" || original == rec.ID {
		return nil
	}
	id := xxhash.Sum64String(string(original))
	found, err := t.recall(slot, original, id)
	if err != nil {
		return err
	}
	if !found {
		t.footprint.Reset()
		slot.Account.Remember(id)
	}
	t.evaluator.Return(t.ruleset, rec, rules.MemberView{Account: &slot.Account}, &t.decision, &t.footprint)
	if err := t.limit(false); err != nil {
		return err
	}
	t.post(slot)
	t.emit(slot)
	t.value = t.footprint.AppendBinary(t.value[:0])
	t.part.PutFootprint(slot, original, t.value)
	return nil
}
