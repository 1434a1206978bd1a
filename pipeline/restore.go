package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// restoration brings assigned partitions to the state that their changelog's high watermark stands for:
//
//  1. open the local Pebble: it says up to which changelog offset it is complete;
//  2. take H, the changelog's high watermark (not the read-committed end: the newest commit's marker may still be on its way);
//  3. read committed records until the position reaches H, applying whole commit groups; a last owner that is dead is fenced, then 2 and 3 again;
//  4. compare the last COMMIT's input offset with the group's: equal, or the task halts (on an embedded broker the COMMIT wins);
//  5. hand the task over at the COMMIT's input offset.
type restoration struct {
	m     *member
	cl    *kgo.Client
	tasks map[int32]*restoring
	open  int // not yet at H
}

// restoring is one partition on its way.
type restoring struct {
	*task
	target   int64 // H
	position int64 // next changelog offset
	group    int64 // the group's input offset, -1 when none
	last     commitRecord
	haveLast bool
	records  int64
	began    time.Time
	fenced   string
	done     bool
}

// stall is how long the reader waits at an unchanged position before it suspects an open transaction.
const stall = 300 * time.Millisecond

func (m *member) restoreAll(ctx context.Context, parts []int32, group map[int32]kgo.Offset) ([]*task, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	r := &restoration{m: m, tasks: map[int32]*restoring{}}
	defer r.close()
	if err := r.openAll(ctx, parts, group); err != nil {
		return nil, errors.Join(err, r.abandon())
	}
	if err := r.read(ctx); err != nil {
		return nil, errors.Join(err, r.abandon())
	}
	tasks := make([]*task, 0, len(parts))
	for _, part := range parts {
		rt := r.tasks[part]
		if err := rt.handOver(m.p.opts.Embedded); err != nil {
			return nil, errors.Join(err, r.abandon())
		}
		m.p.opts.Observer.restored(RestoreEvent{Partition: part, Records: rt.records, NextOffset: rt.next, Took: time.Since(rt.began), Fenced: rt.fenced})
		m.p.log.Info("partition ready", "partition", part, "changelog_records", rt.records, "next_offset", rt.next, "took", time.Since(rt.began).Round(time.Millisecond))
		tasks = append(tasks, rt.task)
	}
	return tasks, nil
}

func (r *restoration) close() {
	if r.cl != nil {
		r.cl.Close()
	}
}

// abandon closes the partitions that were opened, after an error.
func (r *restoration) abandon() error {
	var errs []error
	for _, rt := range r.tasks {
		errs = append(errs, rt.part.Close())
	}
	return errors.Join(errs...)
}

// openAll opens the local stores side by side: each replays its own write-ahead log.
func (r *restoration) openAll(ctx context.Context, parts []int32, group map[int32]kgo.Offset) error {
	stores := make([]*state.Partition, len(parts))
	var g errgroup.Group
	for i, part := range parts {
		g.Go(func() error {
			if err := r.m.waitClosed(ctx, part); err != nil {
				return err
			}
			p, err := r.m.store.Partition(part)
			stores[i] = p
			return err
		})
	}
	err := g.Wait()
	for i, part := range parts {
		if stores[i] != nil {
			err = errors.Join(err, r.adopt(part, stores[i], group[part].EpochOffset().Offset))
		}
	}
	return err
}

// adopt notes where an opened partition stands.
func (r *restoration) adopt(part int32, p *state.Partition, group int64) (err error) {
	t := &task{p: r.m.p, out: r.m.out, partition: part, part: p, evaluator: rules.NewEvaluator()}
	t.desk = newDesk(t)
	rt := &restoring{task: t, group: group, began: time.Now(), position: p.Meta().ChangelogOffset}
	r.tasks[part] = rt
	if last := p.Meta().Commit; len(last) > 0 {
		rt.haveLast = true
		if rt.last, err = parseCommit(last); err != nil {
			return fmt.Errorf("%w: partition %d: %w", ErrInvariant, part, err)
		}
	}
	return nil
}

// read consumes the changelogs to their high watermarks. When the last owner turns out to be dead it is fenced, and what it may have committed
// between the first look and the fence is read too: after that nobody else can write these partitions.
func (r *restoration) read(ctx context.Context) error {
	for {
		if err := r.readTo(ctx); err != nil {
			return err
		}
		fenced, err := r.fenceOwners(ctx)
		if err != nil || !fenced {
			return err
		}
	}
}

func (r *restoration) readTo(ctx context.Context) error {
	if err := r.aim(ctx); err != nil || r.open == 0 {
		return err
	}
	if r.cl != nil {
		return r.drain(ctx)
	}
	starts := map[int32]kgo.Offset{}
	for part, rt := range r.tasks {
		starts[part] = kgo.NewOffset().At(rt.position)
	}
	if err := r.follow(starts); err != nil {
		return err
	}
	return r.drain(ctx)
}

// follow opens the reader of the changelogs.
func (r *restoration) follow(starts map[int32]kgo.Offset) error {
	cl, err := r.m.p.opts.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicChangelog: starts}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.FetchMaxPartitionBytes(8<<20), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err != nil {
		return err
	}
	r.cl = cl
	return nil
}

// aim takes H for each partition, and refuses a changelog that has been trimmed past what the local state has.
func (r *restoration) aim(ctx context.Context) error {
	cl, err := r.m.p.opts.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	ends, err := adm.ListEndOffsets(ctx, schemas.TopicChangelog)
	if err != nil {
		return fmt.Errorf("changelog high watermark: %w", err)
	}
	starts, err := adm.ListStartOffsets(ctx, schemas.TopicChangelog)
	if err != nil {
		return fmt.Errorf("changelog start: %w", err)
	}
	input, err := adm.ListEndOffsets(ctx, schemas.TopicReceipts)
	if err != nil {
		return fmt.Errorf("end of the input: %w", err)
	}
	r.open = 0
	for part, rt := range r.tasks {
		mark, _ := input.Lookup(schemas.TopicReceipts, part)
		rt.highMark = mark.Offset
		end, ok := ends.Lookup(schemas.TopicChangelog, part)
		if !ok || end.Err != nil {
			return fmt.Errorf("changelog %d high watermark: %w", part, errors.Join(end.Err, errSetup))
		}
		start, _ := starts.Lookup(schemas.TopicChangelog, part)
		if rt.position < start.Offset {
			return fmt.Errorf("%w: changelog %d starts at %d, the local state ends at %d; hint: restore a checkpoint of this partition first", ErrInvariant, part, start.Offset, rt.position)
		}
		if rt.position > end.Offset {
			return fmt.Errorf("%w: the state of partition %d stands at changelog offset %d, the changelog ends at %d; hint: the state directory belongs to another cluster, or the broker lost data", ErrInvariant, part, rt.position, end.Offset)
		}
		rt.target = end.Offset
		rt.done = rt.position >= rt.target
		if !rt.done {
			r.open++
		}
	}
	return nil
}

// drain polls until every partition is at H. When nothing moves, an open transaction stands in the way: its owner is fenced when it is dead.
func (r *restoration) drain(ctx context.Context) error {
	deadline := r.m.p.opts.TransactionTimeout + 30*time.Second
	last := time.Now()
	for r.open > 0 {
		pollCtx, cancel := context.WithTimeout(ctx, stall)
		fetches := r.cl.PollFetches(pollCtx)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetchError(pollCtx, fetches); err != nil {
			return err
		}
		moved, err := r.take(fetches)
		if err != nil {
			return err
		}
		if moved {
			last = time.Now()
			continue
		}
		if _, err := r.fenceOwners(ctx); err != nil {
			return err
		}
		if time.Since(last) > deadline {
			return fmt.Errorf("changelog: %d partitions do not reach their high watermark: an open transaction is in the way; hint: describe the broker's transactions", r.open)
		}
	}
	return nil
}

func (r *restoration) take(fetches kgo.Fetches) (moved bool, err error) {
	fetches.EachRecord(func(rec *kgo.Record) {
		if err != nil {
			return
		}
		rt := r.tasks[rec.Partition]
		moved = true
		rt.position = rec.Offset + 1
		if !rec.Attrs.IsControl() {
			err = rt.apply(rec)
		}
		if !rt.done && rt.position >= rt.target {
			rt.done = true
			r.open--
		}
	})
	return moved, err
}

// apply takes one changelog record; a commit group reaches Pebble when its COMMIT record comes, in one batch.
func (rt *restoring) apply(rec *kgo.Record) error {
	if bytes.Equal(rec.Key, keyCommit) {
		return rt.applyCommit(rec)
	}
	rt.records++
	if err := rt.part.Apply(rec.Key, rec.Value); err != nil {
		return fmt.Errorf("%w: changelog %d@%d: %w", ErrInvariant, rt.partition, rec.Offset, err)
	}
	return nil
}

func (rt *restoring) applyCommit(rec *kgo.Record) error {
	c, err := parseCommit(rec.Value)
	if err != nil {
		return fmt.Errorf("%w: changelog %d@%d: %w", ErrInvariant, rt.partition, rec.Offset, err)
	}
	if rt.haveLast && c.Counter != rt.last.Counter+1 {
		return fmt.Errorf("%w: changelog %d@%d: commit %d follows commit %d: two owners wrote this partition", ErrInvariant, rt.partition, rec.Offset, c.Counter, rt.last.Counter)
	}
	meta := state.Meta{ChangelogOffset: rec.Offset + 1, Commit: bytes.Clone(rec.Value), Hash: c.Hash}
	if err := rt.part.ApplyCommit(meta); err != nil {
		return fmt.Errorf("%w: changelog %d@%d: %w", ErrInvariant, rt.partition, rec.Offset, err)
	}
	rt.last, rt.haveLast = c, true
	return nil
}

// handOver turns a restored partition into a task at the input offset of its last COMMIT.
func (rt *restoring) handOver(embedded bool) error {
	t := rt.task
	if !rt.haveLast {
		t.next = max(rt.group, 0)
		if rt.group > 0 && !embedded {
			return fmt.Errorf("%w: partition %d: the group stands at %d but the changelog holds no commit; hint: the changelog was deleted, or the group is an older one: reset its offsets", ErrInvariant, t.partition, rt.group)
		}
		if embedded {
			t.next = 0
		}
		return nil
	}
	t.next, t.clock, t.eventAt, t.counter = rt.last.Next, rt.last.Clock, rt.last.EventAt, rt.last.Counter
	if rt.group == t.next || rt.group < 0 {
		return nil
	}
	if !embedded {
		return fmt.Errorf("%w: partition %d: the last commit says input offset %d, the group says %d; hint: were the group's offsets changed by hand?", ErrInvariant, t.partition, t.next, rt.group)
	}
	t.p.log.Warn("the embedded broker lost group offsets in an unclean stop: going on at the COMMIT record", "partition", t.partition, "commit_offset", t.next, "group_offset", rt.group)
	return nil
}
