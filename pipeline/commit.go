package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// This is the one file that knows the order of durability (DESIGN.md, "Commit order"):
//
//	cycle    begin -> poll and process until the interval, the count or the bytes are reached -> fire due timers
//	stage    overlay -> changelog records, balances, metrics, then one COMMIT record per task, into the open transaction
//	end      Kafka decides: outputs + changelog + input offsets, all or nothing
//	settle   committed: overlay becomes dirty cache, at the changelog position that the COMMIT record got
//	         aborted:   overlay dropped, values decoded again from their last committed encoding
//	         error:     outcome unknown: return, everything in memory is dropped and restored from the log. Never guess.
//	flush    every second or so: dirty values -> Pebble with the position they cover
//
// Invariants: nothing reaches Pebble that Kafka has not committed. The position in Pebble never runs ahead of the values beside it. A value that
// leaves memory is already on the changelog.

// produceCtx is background on purpose: a cancelled context must not fail records of a transaction that is being finished.
var produceCtx = context.Background()

// pendingCommit is what one task has at stake in the open transaction.
type pendingCommit struct {
	record  commitRecord
	value   []byte
	offset  int64 // of the COMMIT record on the changelog, known once it is acknowledged
	entries int64
	fired   int64
	staged  bool
}

// run joins the group and cycles until ctx ends or an error puts memory in doubt.
func (m *member) run(ctx context.Context) error {
	if err := m.open(ctx); err != nil {
		return err
	}
	m.p.setReady(true)
	for ctx.Err() == nil {
		if err := m.cycle(ctx); err != nil {
			return err
		}
		if err := m.writeBack(); err != nil {
			return err
		}
	}
	return nil
}

// cycle is one transaction.
func (m *member) cycle(ctx context.Context) error {
	m.pin.member, m.pin.generation = m.sess.Client().GroupMetadata() // before reap looks at the tasks: see idle.go
	if err := m.reap(); err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	begun := time.Now()
	records, err := m.gather(ctx)
	if err != nil {
		return m.giveUp(err)
	}
	if err := errors.Join(m.budgets(ctx), m.timers(), m.p.opts.at("processed")); err != nil {
		return m.giveUp(err)
	}
	processed := time.Now()
	if m.stage(); records == 0 && !m.staged() {
		m.sess.AllowRebalance()
		return nil // nothing happened: the transaction stays open on this side, the broker has not heard of it
	}
	if err := m.p.opts.at("staged"); err != nil {
		return m.giveUp(err)
	}
	staged := time.Now()
	committed, err := m.end(records > 0)
	m.begun = false
	if err := errors.Join(err, m.p.opts.at("ended")); err != nil {
		return err
	}
	m.event.Records, m.event.Process, m.event.Stage, m.event.End = records, processed.Sub(begun), staged.Sub(processed), time.Since(staged)
	if err := m.settle(committed); err != nil {
		return err
	}
	m.sess.AllowRebalance()
	return m.p.opts.at("settled")
}

func (m *member) begin() error {
	if m.begun {
		return nil
	}
	if err := m.sess.Begin(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	m.begun = true
	return nil
}

// gather polls and processes until the transaction is full. Tasks join it when their first record comes.
func (m *member) gather(ctx context.Context) (int, error) {
	o := &m.p.opts
	rs := m.p.rules.ruleset()
	for _, t := range m.list {
		t.begin(rs)
	}
	pollCtx, cancel := context.WithTimeout(ctx, o.CommitInterval)
	defer cancel()
	records, bytes := 0, 0
	for records < o.MaxRecords && bytes < o.MaxBytes && pollCtx.Err() == nil {
		take, full := m.portion(o.MaxRecords - records)
		if full && records > 0 {
			break
		}
		fetches := m.sess.PollRecords(pollCtx, take)
		if err := fetchError(ctx, fetches); err != nil {
			return records, err
		}
		m.adopt(rs)
		n, b, err := m.consume(fetches)
		if err != nil {
			return records, err
		}
		records, bytes = records+n, bytes+b
	}
	return records, nil
}

// adopt takes in tasks that were assigned since the transaction began: their records may already be in the fetch.
func (m *member) adopt(rs rulesetPtr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tasks {
		if t.ruleset == nil {
			t.begin(rs)
			m.list = append(m.list, t)
		}
	}
	slices.SortFunc(m.list, byPartition)
}

// consume hands each partition's records to its task.
func (m *member) consume(fetches kgo.Fetches) (records, bytes int, err error) {
	fetches.EachPartition(func(fp kgo.FetchTopicPartition) {
		if err != nil || len(fp.Records) == 0 {
			return
		}
		t := m.find(fp.Partition)
		if t == nil {
			err = fmt.Errorf("records of partition %d came without its task", fp.Partition)
			return
		}
		t.highMark = fp.HighWatermark
		for _, r := range fp.Records {
			records, bytes = records+1, bytes+len(r.Value)
			if err = t.process(r); err != nil {
				return
			}
		}
	})
	return records, bytes, err
}

func (m *member) find(partition int32) *task {
	for _, t := range m.list {
		if t.partition == partition {
			return t
		}
	}
	return nil
}

func fetchError(ctx context.Context, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if ctx.Err() == nil && e.Err != context.DeadlineExceeded {
			return fmt.Errorf("fetch %s-%d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	return nil
}

func (m *member) timers() error {
	for _, t := range m.list {
		if err := t.fireDue(); err != nil {
			return err
		}
	}
	return nil
}

// budgets takes in what owners and holders of leases have to say. Like timers it comes when the poll has blocked rebalances.
func (m *member) budgets(ctx context.Context) error {
	if len(m.p.budgetTerms(m.p.rules.ruleset()).byKey) == 0 && m.feed.cl == nil {
		return nil
	}
	if err := m.feed.follow(m.list); err != nil {
		return err
	}
	fresh, err := m.feed.poll(ctx)
	if err != nil {
		return err
	}
	for _, t := range m.list {
		if err := errors.Join(t.desk.take(fresh[t]), t.desk.review()); err != nil {
			return err
		}
	}
	return nil
}

// stage puts everything that follows from the overlay into the transaction; the COMMIT record is last.
func (m *member) stage() {
	m.event.Tasks = m.event.Tasks[:0]
	m.event.StateBytes = 0
	for _, t := range m.list {
		t.desk.stage()
		if t.active() {
			m.event.StateBytes += t.part.OverlayBytes()
			t.stage()
		}
	}
}

func (t *task) stage() {
	t.part.Stage(func(key, value []byte, s *state.Slot) {
		t.out.changelog(t, key, value)
		if s != nil && !keeps(s) { // not a note
			t.out.balance(t.partition, t.balance(s))
		}
	})
	t.counter++
	b := &t.metrics.batch
	b.Counter, b.AsOf, b.EventAt, b.InputOffset = t.counter, t.clock, t.eventAt, t.next
	b.CommittedAt = retail.Instant(t.p.opts.Now().UnixMilli())
	b.LagRecords = max(t.highMark-t.next, 0)
	t.out.metrics(t.partition, b)
	t.commit.record = commitRecord{
		Next: t.next, Ruleset: t.ruleset.Version(), Clock: t.clock, EventAt: t.eventAt, Counter: t.counter,
		Hash: t.part.StagedHash(), Owner: t.p.opts.transactionalID(),
	}
	t.commit.value = t.out.encode(t.commit.record.append)
	t.commit.staged = true
	t.out.commitRecord(t, t.commit.value)
}

func (t *task) balance(s *state.Slot) *schemas.BalanceUpdate {
	a := &s.Account
	t.wallets = t.wallets[:0]
	for i := range a.Wallets {
		w := &a.Wallets[i]
		t.wallets = append(t.wallets, schemas.WalletBalance{
			Wallet: w.Name, Pending: w.Pending, Available: w.Available, Held: a.Held(w.Name), LifetimeEarned: w.LifetimeEarned,
		})
	}
	return &schemas.BalanceUpdate{
		Account: s.ID, Version: a.Seq, Currency: t.p.opts.Currency, Pending: a.Pending, Available: a.Available,
		LifetimeEarned: a.LifetimeEarned, NextDueAt: a.NextDue(), UpdatedAt: t.clock, Held: a.Held(""), Wallets: t.wallets,
	}
}

// staged reports whether any task has something in the open transaction.
func (m *member) staged() bool {
	return slices.ContainsFunc(m.list, func(t *task) bool { return t.commit.staged })
}

// end ends the transaction: a commit when every record was taken, else an abort. An error means that the outcome is unknown.
func (m *member) end(withInput bool) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*m.p.opts.TransactionTimeout)
	defer cancel()
	if err := m.sess.Client().Flush(ctx); err != nil {
		return false, fmt.Errorf("flush: %w", err)
	}
	if err := m.p.opts.at("flushed"); err != nil {
		return false, err
	}
	if err := m.out.err(); err != nil {
		_, _ = m.sess.End(ctx, kgo.TryAbort)
		return false, fmt.Errorf("produce: %w", err)
	}
	if !withInput {
		return m.endIdle(ctx)
	}
	committed, err := m.sess.End(ctx, kgo.TryCommit)
	if err != nil {
		return false, fmt.Errorf("end transaction: %w", err)
	}
	return committed, nil
}

// giveUp aborts what is open, so that the broker need not wait for the transaction's timeout, and passes err on.
func (m *member) giveUp(err error) error {
	if errors.Is(err, errKilled) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.p.opts.TransactionTimeout)
	defer cancel()
	_, _ = m.sess.End(ctx, kgo.TryAbort)
	return err
}

// settle follows Kafka's decision.
func (m *member) settle(committed bool) error {
	if !committed {
		return m.rollBack()
	}
	for _, t := range m.list {
		if t.commit.staged {
			m.event.Tasks = append(m.event.Tasks, t.settled())
		}
	}
	m.out.reset()
	m.report()
	return nil
}

// settled makes the overlay of a committed task the state, at the position after its COMMIT record.
func (t *task) settled() TaskCommit {
	c := &t.commit
	t.part.Commit(state.Meta{ChangelogOffset: c.offset + 1, Commit: bytes.Clone(c.value), Hash: c.record.Hash})
	b := &t.metrics.batch
	lag := int64(0)
	if !t.caughtUp() {
		lag = max(int64(b.CommittedAt-t.clock), 0)
	}
	return TaskCommit{
		Partition: t.partition, Receipts: b.Receipts, Duplicates: b.Duplicates, Rejected: b.Rejected, Forwarded: b.Forwarded,
		Entries: c.entries, Fired: c.fired, LagRecords: b.LagRecords, LagMs: lag, NextOffset: t.next,
	}
}

// rollBack returns to the state before the transaction, and makes sure that the consumer does too: a rebalance resets it to the group's offsets,
// which on an embedded broker may differ from the COMMIT record's.
func (m *member) rollBack() error {
	if m.p.opts.Observer.OnAbort != nil {
		m.p.opts.Observer.OnAbort()
	}
	m.feed.close()
	offsets := map[int32]kgo.EpochOffset{}
	for _, t := range m.list {
		if t.commit.staged {
			t.counter--
		}
		if err := t.abort(); err != nil {
			return err
		}
		m.mu.Lock()
		if m.tasks[t.partition] == t {
			offsets[t.partition] = kgo.EpochOffset{Epoch: -1, Offset: t.next}
		}
		m.mu.Unlock()
	}
	m.sess.Client().SetOffsets(map[string]map[int32]kgo.EpochOffset{schemas.TopicReceipts: offsets})
	m.out.reset()
	m.sess.AllowRebalance()
	return nil
}

func (m *member) report() {
	o := m.p.opts.Observer
	if o.OnCommit != nil && len(m.event.Tasks) > 0 {
		o.OnCommit(m.event)
	}
	if o.OnReceipt == nil {
		return
	}
	now := time.Now()
	for _, t := range m.list {
		for _, e := range t.sampled {
			e.CommittedAt = now
			o.OnReceipt(e)
		}
	}
}

// writeBack copies dirty values to Pebble, of one task in sixteen per cycle: a write-back, and above all its sync, holds the loop up, and what one
// task takes is a few milliseconds, what all of them take in a row is what the slowest receipts waited for.
func (m *member) writeBack() error {
	now := time.Now()
	for range 1 + len(m.list)/16 {
		t := m.mostOverdue(now)
		if t == nil {
			return nil
		}
		sync := now.Sub(t.syncedAt) >= m.p.opts.SyncInterval
		if err := errors.Join(t.flush(sync), m.p.opts.at("written back")); err != nil {
			return err
		}
		if t.flushedAt = now; sync {
			t.syncedAt = now
		}
	}
	return nil
}

// mostOverdue returns the task that was written back longest ago, nil when none is due.
func (m *member) mostOverdue(now time.Time) *task {
	var due *task
	for _, t := range m.list {
		if now.Sub(t.flushedAt) < m.p.opts.FlushInterval && t.part.DirtyBytes() < state.FlushBytes {
			continue
		}
		if due == nil || t.flushedAt.Before(due.flushedAt) {
			due = t
		}
	}
	return due
}

func (t *task) flush(sync bool) error {
	begun := time.Now()
	dirty := t.part.DirtyBytes()
	if err := t.part.Flush(sync); err != nil {
		return fmt.Errorf("partition %d: write back: %w", t.partition, err)
	}
	if f := t.p.opts.Observer.OnFlush; f != nil && dirty > 0 {
		f(time.Since(begun), dirty)
	}
	return nil
}
