package pipeline

import (
	"errors"
	"fmt"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// task is one partition of the receipts: its state, its clock and its scratch memory. Owned by the loop's goroutine.
type task struct {
	p         *Pipeline
	out       *outputs
	partition int32
	part      *state.Partition

	next     int64          // next input offset, including the open transaction
	clock    retail.Instant // greatest append time seen
	eventAt  retail.Instant // greatest event time seen
	counter  int64          // of the last COMMIT
	highMark int64          // of the input, as last fetched
	ruleset  *rules.Ruleset // for the open transaction
	saved    savepoint
	desk     *desk       // budgets; nil in a replay
	cuts     []BudgetCut // in a replay: what budgets have limited of the record at hand

	flushedAt, syncedAt time.Time // last write-back, and the last that was synced

	receipt   retail.Receipt
	decision  rules.Decision
	footprint rules.Footprint
	journal   ledger.Journal
	asked     rules.Command  // of the event at hand
	seenAt    retail.Instant // close of the account's latest receipt before the one at hand
	steady    steadySpan
	wallets   []schemas.WalletBalance
	evaluator *rules.Evaluator
	scratch   []byte
	value     []byte
	due       []retail.AccountID
	metrics   metricsBuilder
	sampled   []ReceiptEvent
	commit    pendingCommit
}

// savepoint is what an abort returns to.
type savepoint struct {
	next           int64
	clock, eventAt retail.Instant
}

// begin remembers where an abort goes back to and fixes the rules of the transaction.
func (t *task) begin(rs *rules.Ruleset) {
	t.saved = savepoint{t.next, t.clock, t.eventAt}
	t.ruleset = rs
	if t.desk != nil {
		t.desk.terms = t.p.budgetTerms(rs)
	}
	t.metrics.reset(t.partition)
	t.sampled = t.sampled[:0]
	t.commit = pendingCommit{}
}

// active reports whether the open transaction has something to commit for this task.
func (t *task) active() bool {
	return t.next != t.saved.next || t.part.OverlayBytes() > 0
}

// abort forgets the open transaction.
func (t *task) abort() error {
	t.next, t.clock, t.eventAt = t.saved.next, t.saved.clock, t.saved.eventAt
	t.desk.forget()
	if err := t.part.Abort(); err != nil {
		return fmt.Errorf("partition %d: abort: %w", t.partition, err)
	}
	return nil
}

// admit checks the order of offsets: each record once, never backwards. Offsets may jump over aborted records, so a gap cannot be told from a loss
// here; the auditor compares sets. It reports false for a transaction's marker, and for a record that is already part of the state.
func (t *task) admit(r *kgo.Record) (bool, error) {
	if r.Offset < t.next {
		if t.p.opts.Embedded {
			return false, nil
		}
		return false, fmt.Errorf("%w: partition %d: offset %d came after %d: the consumer went back; hint: the group's offsets were changed by hand, or two members share the state directory", ErrInvariant, t.partition, r.Offset, t.next-1)
	}
	t.next = r.Offset + 1
	if r.Attrs.IsControl() {
		return false, nil
	}
	t.clock = max(t.clock, retail.Instant(r.Timestamp.UnixMilli()))
	return true, nil
}

// close writes committed state back and closes the partition's store. An overlay that was not committed is dropped.
func (t *task) close() error {
	err := errors.Join(t.part.Abort(), t.part.Flush(true), t.part.Close())
	if err != nil {
		return fmt.Errorf("partition %d: close: %w", t.partition, err)
	}
	return nil
}
