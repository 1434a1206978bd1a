package pipeline

import (
	"errors"
	"fmt"
	"strconv"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errRetry marks a record that cannot be judged now (the registry is away): the transaction is given up and the session tries again.
var errRetry = errors.New("try again")

// process handles one record: every branch ends in exactly one of dead letter, forward, duplicate or accepted.
func (t *task) process(r *kgo.Record) error {
	fresh, err := t.admit(r)
	if err != nil || !fresh {
		return err
	}
	rec := &t.receipt
	if err := t.p.opts.Codec.DecodeReceipt(r.Value, rec); err != nil {
		return t.undecodable(r, err)
	}
	if home := schemas.PartitionOf(rec.Key(), t.p.partitions); home != t.partition {
		t.metrics.batch.Forwarded++
		t.out.forward(r, home)
		return nil
	}
	appended := retail.Instant(r.Timestamp.UnixMilli())
	if pr := t.p.opts.Policy.Validate(rec, appended); pr != nil {
		t.reject(r, "VALIDATE", pr)
		return nil
	}
	if pr := t.checkEvent(r); pr != nil {
		t.reject(r, "VALIDATE", pr)
		return nil
	}
	t.eventAt = max(t.eventAt, rec.EndedAt)
	if rec.Loyalty.AccountID == "" {
		return t.anonymous(r, appended)
	}
	if rec.Type == retail.Event {
		if done, err := t.aboutKept(); done || err != nil {
			return err
		}
	}
	return t.member(r, appended)
}

// undecodable separates what will never be readable from what the registry could still explain.
func (t *task) undecodable(r *kgo.Record, err error) error {
	var d *schemas.DecodeError
	if !errors.As(err, &d) {
		return fmt.Errorf("decode %s-%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	if d.Retryable {
		return fmt.Errorf("%w: decode %s-%d@%d: %w", errRetry, r.Topic, r.Partition, r.Offset, err)
	}
	t.receipt.Reset()
	t.reject(r, "DECODE", &retail.Problem{Code: d.Code, Path: "", Observed: d.Detail, Expected: "a framed receipt", Hint: "schema id " + strconv.Itoa(d.SchemaID)})
	return nil
}

// anonymous receipts hold no state: campaigns are told that they would have matched, nobody is credited. Only what members may claim is kept.
func (t *task) anonymous(r *kgo.Record, appended retail.Instant) error {
	rec := &t.receipt
	t.metrics.accept(rec)
	t.decision.Reset()
	if earns(rec) {
		t.evaluator.Evaluate(t.ruleset, rec, "", rules.Nobody{}, &t.decision, &t.footprint)
		t.metrics.decide(rec, t.decision.Results)
	}
	t.decide(r, appended)
	if t.ruleset.Claims() {
		return t.keepAnonymous(r)
	}
	return nil
}

// member handles the receipt of an account: timers first, then idempotency, then the rules.
func (t *task) member(r *kgo.Record, appended retail.Instant) error {
	rec := &t.receipt
	slot, err := t.part.Account(rec.Loyalty.AccountID)
	if err != nil {
		return fmt.Errorf("account of %s-%d@%d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	hash, scratch := rec.ContentHash(t.scratch)
	t.scratch = scratch
	hash = max(hash, 1) // zero in a footprint means: the receipt itself has not come yet, only a return of it
	id := xxhash.Sum64String(string(rec.ID))
	found, err := t.recall(slot, rec.ID, id)
	if err != nil {
		return err
	}
	if found && t.footprint.ContentHash != 0 {
		return t.repeated(r, hash)
	}
	if !found {
		t.footprint.Reset()
	}
	acct := &slot.Account
	if acct.MergedInto != "" || len(acct.Absorbed) > 0 {
		if sent, err := t.elsewhere(slot, r, found); err != nil || sent {
			return err
		}
	}
	t.part.Touch(slot)
	t.journal.Reset()
	t.decision.Reset()
	t.asked = rules.Command{}
	t.seenAt = acct.LastReceiptAt
	t.fire(slot, t.clock)
	t.metrics.accept(rec)
	if err := t.apply(slot, hash); err != nil {
		return err
	}
	acct.Remember(id)
	if rec.Type != retail.Event {
		acct.LastReceiptAt = max(acct.LastReceiptAt, rec.EndedAt)
	}
	t.emitEntries(slot, appended, r)
	t.metrics.decide(rec, t.decision.Results)
	t.decide(r, appended)
	return nil
}

// recall loads the footprint that the account holds under the receipt's id into t.footprint. Most receipts are new, and most accounts can say so
// without a read.
func (t *task) recall(slot *state.Slot, receipt retail.ReceiptID, id uint64) (bool, error) {
	known, unsure := slot.Account.Knows(id)
	if !known && !unsure {
		return false, nil
	}
	if !known {
		absent, err := t.part.Absent(slot, receipt)
		if absent || err != nil {
			return false, err
		}
	}
	return t.load(slot, receipt)
}

func (t *task) load(slot *state.Slot, receipt retail.ReceiptID) (bool, error) {
	v, found, err := t.part.Footprint(slot.ID, receipt, t.value[:0])
	if err != nil || !found {
		return false, err
	}
	t.value = v
	if err := t.footprint.Decode(v); err != nil {
		return false, fmt.Errorf("%w: footprint of account %s: %w; hint: the state directory is damaged, remove it and restore from the changelog", ErrInvariant, slot.ID, err)
	}
	return true, nil
}

// repeated: the same content again is a duplicate and changes nothing (I7); other content under a known id is a conflict.
func (t *task) repeated(r *kgo.Record, hash uint64) error {
	if t.footprint.ContentHash == hash {
		t.metrics.batch.Duplicates++
		return nil
	}
	t.reject(r, "STATE", &retail.Problem{Code: retail.CodeConflict, Path: "/receipt_id", Observed: "other content under a known id", Expected: "the same content, or an id of its own", Hint: "never reuse a receipt_id; a correction is a VOID and a new receipt"})
	return nil
}

// apply runs the rules for one accepted receipt of an account and books what they say.
func (t *task) apply(slot *state.Slot, hash uint64) error {
	rec := &t.receipt
	if givesBack(rec) {
		if err := t.giveBack(slot); err != nil {
			return err
		}
		t.footprint.Reset()
	} else if earns(rec) {
		if rec.Type == retail.Event {
			rules.NoteEvent(&slot.Account.Profile, rec)
			done, err := t.command(slot)
			if err != nil {
				return err
			}
			if !done {
				t.noted(slot, hash)
				return nil
			}
		}
		t.evaluator.Evaluate(t.ruleset, rec, slot.ID, rules.MemberView{Account: &slot.Account}, &t.decision, &t.footprint)
		if err := t.limit(true); err != nil {
			return err
		}
		t.post(slot)
		t.emit(slot)
		if rec.Type != retail.Event {
			slot.Account.Bought(rec.EndedAt)
		}
	}
	t.noted(slot, hash)
	return nil
}

// noted keeps the receipt's own footprint: by it a repeat is known.
func (t *task) noted(slot *state.Slot, hash uint64) {
	t.footprint.ContentHash, t.footprint.EndedAt, t.footprint.Burn = hash, t.receipt.EndedAt, t.burn()
	t.value = t.footprint.AppendBinary(t.value[:0])
	t.part.PutFootprint(slot, t.receipt.ID, t.value)
}

// post books the results: grants earn, take-backs reverse, and caps follow both.
func (t *task) post(slot *state.Slot) {
	rec := &t.receipt
	for i := range t.decision.Results {
		res := &t.decision.Results[i]
		res.Post(&slot.Account)
		if res.Granted == 0 {
			continue
		}
		g := res.Grant(rec, &t.footprint)
		g.Terms = t.ruleset.TermsOf(res.Wallet, rec.EndedAt).Ledger()
		if res.Granted > 0 {
			slot.Account.Earn(&t.journal, slot.ID, &g)
		} else {
			slot.Account.Reverse(&t.journal, slot.ID, &g)
		}
	}
}

// emitEntries sends what the journal holds, timers and receipt together: one record, atomic for every reader.
func (t *task) emitEntries(slot *state.Slot, appended retail.Instant, cause *kgo.Record) {
	t.notify(slot, cause)
	if len(t.journal.Entries) == 0 {
		return
	}
	t.metrics.book(t.journal.Entries)
	t.out.ledger(t.partition, &schemas.LedgerRecord{Account: slot.ID, Currency: t.p.opts.Currency, Entries: t.journal.Entries, ProcessedAt: appended}, cause)
}

// decide sends the decision of the receipt, when any campaign considered it.
func (t *task) decide(r *kgo.Record, appended retail.Instant) {
	rec := &t.receipt
	if tp := traceparent(r); tp != "" {
		t.sampled = append(t.sampled, ReceiptEvent{Traceparent: tp, Receipt: retail.ReceiptID(string([]byte(rec.ID))), Partition: r.Partition, Offset: r.Offset, AppendedAt: appended, Results: len(t.decision.Results)})
	}
	if len(t.decision.Results) == 0 {
		return
	}
	t.out.decision(t.partition, &schemas.ReceiptDecision{
		Receipt: rec.ID, Account: rec.Loyalty.AccountID, Shop: rec.Shop.ID, Channel: rec.Channel, Type: rec.Type, EndedAt: rec.EndedAt,
		Total: rec.Total, Currency: rec.Currency, Partition: r.Partition, Offset: r.Offset, ProcessedAt: appended,
		RulesetVersion: t.ruleset.Version(), Results: t.decision.Results,
	}, r)
}

// earns: training never does, a VOID or RETURN gives back instead. What an event earns is up to the campaigns that are about it.
func earns(r *retail.Receipt) bool {
	return !r.Training && (r.Type == retail.Sale || r.Type == retail.Exchange || r.Type == retail.Event)
}

func givesBack(r *retail.Receipt) bool {
	return !r.Training && (r.Type == retail.Return || r.Type == retail.Void)
}
