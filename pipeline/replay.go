package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Replay judges records of one partition again, by the very code of a task, with its state in memory and its outputs going nowhere. It is how a
// decision is derived from the log a second time: feed it the partition's records in order, from the first on.
//
// A receipt of one account reads and writes only that account, so whoever asks about one account may Pass over all other records; then the state
// is no larger than that account's. A Replay belongs to one goroutine.
type Replay struct {
	task  *task
	store *state.Store
	docs  []*kgo.Record // of the campaigns topic, in their order
	sets  map[int64]*rules.Ruleset
	cuts  map[int64][]BudgetCut
	code  retail.Code // of the last refusal
}

// ReplayOptions says what the pipeline was run with. Codec and Partitions are required.
type ReplayOptions struct {
	Codec      *schemas.Codec
	Policy     retail.Policy
	Currency   string // of the programme; default EUR
	Partition  int32
	Partitions int32
	Campaigns  []*kgo.Record         // records of the campaigns topic, in offset order
	Cuts       map[int64][]BudgetCut // what budgets have limited, by the receipt's offset, in the order of the steps
	Logger     *slog.Logger
}

// Judged is what became of one record. Decision and Entries are valid until the next call.
type Judged struct {
	Receipt   retail.ReceiptID
	Refused   retail.Code // of the dead letter, empty when there was none
	Duplicate bool        // the receipt was known with the same content
	Forwarded bool        // the record belongs to another partition
	Results   []rules.Result
	Entries   []ledger.Entry // timers that fired first, then the receipt's own
}

// replayMemTable keeps the memory of a store that holds one account small.
const replayMemTable = 1 << 20

// NewReplay opens a replay of one partition. Close it after use.
func NewReplay(o ReplayOptions) (*Replay, error) {
	if o.Codec == nil || o.Partitions < 1 || o.Partition < 0 || o.Partition >= o.Partitions {
		return nil, fmt.Errorf("replay: a codec and a partition of the topic's are required, got %d of %d", o.Partition, o.Partitions)
	}
	r := &Replay{docs: o.Campaigns, cuts: o.Cuts, sets: map[int64]*rules.Ruleset{}}
	opts := Options{Brokers: []string{"none"}, Codec: o.Codec, StateDir: "replay", Policy: o.Policy, Currency: o.Currency, Logger: o.Logger}
	opts.Observer = &Observer{OnDeadLetter: func(code retail.Code) { r.code = code }}
	p, err := New(opts)
	if err != nil {
		return nil, err
	}
	p.partitions = o.Partitions
	if r.store, err = state.Open(state.Options{Dir: opts.StateDir, FS: vfs.NewMem(), CacheAccounts: 16, BlockCacheBytes: replayMemTable, MemTableBytes: replayMemTable, Logger: p.log}); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	part, err := r.store.Partition(o.Partition)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("replay: %w", err), r.store.Close())
	}
	nowhere := func(context.Context, *kgo.Record, func(*kgo.Record, error)) {}
	r.task = &task{p: p, out: &outputs{produce: nowhere, codec: o.Codec}, partition: o.Partition, part: part, evaluator: rules.NewEvaluator()}
	return r, nil
}

// Close frees the state.
func (r *Replay) Close() error { return errors.Join(r.task.close(), r.store.Close()) }

// Pass moves the clock over a record that is not to be judged.
func (r *Replay) Pass(rec *kgo.Record) error {
	_, err := r.task.admit(rec)
	return err
}

// Judge processes a record with the rules that were known when the campaigns topic had been read up to rulesetVersion.
func (r *Replay) Judge(rec *kgo.Record, rulesetVersion int64) (Judged, error) {
	rs, err := r.ruleset(rulesetVersion)
	if err != nil {
		return Judged{}, err
	}
	t := r.task
	r.code = ""
	t.begin(rs)
	t.cuts = r.cuts[rec.Offset]
	t.decision.Reset()
	t.journal.Reset()
	t.receipt.Reset()
	if err := t.process(rec); err != nil {
		return Judged{}, err
	}
	t.out.reset()
	b := &t.metrics.batch
	return Judged{
		Receipt: retail.ReceiptID(strings.Clone(string(t.receipt.ID))), Refused: r.code, Duplicate: b.Duplicates > 0, Forwarded: b.Forwarded > 0,
		Results: t.decision.Results, Entries: t.journal.Entries,
	}, nil
}

// Account returns the account as the records judged so far left it; it is the replay's own.
func (r *Replay) Account(id retail.AccountID) (*ledger.Account, error) {
	slot, err := r.task.part.Account(id)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	return &slot.Account, nil
}

// maxReplaySets bounds the compiled rulesets that are kept; a member's receipts need few.
const maxReplaySets = 8

// ruleset compiles the documents before an offset, as the rules feed does.
func (r *Replay) ruleset(version int64) (*rules.Ruleset, error) {
	if rs := r.sets[version]; rs != nil {
		return rs, nil
	}
	feed := &rulesFeed{log: r.task.p.log, docs: map[string]*rules.Campaign{}, next: version}
	for _, doc := range r.docs {
		if doc.Offset < version {
			feed.add(doc)
		}
	}
	if err := feed.compile(); err != nil {
		return nil, fmt.Errorf("replay: campaigns up to offset %d: %w", version, err)
	}
	if len(r.sets) >= maxReplaySets {
		clear(r.sets)
	}
	r.sets[version] = feed.ruleset()
	return r.sets[version], nil
}
