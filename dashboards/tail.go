package dashboards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	historyMs   = 15 * 60 * 1000 // what is read back at start; older steps come from ClickHouse
	historyMost = 5000           // records per partition, whichever is less
	lagEvery    = 2 * time.Second
)

// tail follows the metrics and the campaigns topics with a client of its own, outside any group, and measures how much waits on the receipts
// topic. Only committed records count.
type tail struct {
	cl      *kgo.Client
	adm     *kadm.Client
	codec   *schemas.Codec
	board   *board
	catalog *catalog
	log     *slog.Logger

	next     map[int32]int64 // of the metrics topic, by the poll loop only
	ends     map[int32]int64 // where history ended at start, by the poll loop only
	caughtUp atomic.Bool
	lag      atomic.Pointer[Lag]
	since    map[int32]int64 // first seen waiting, ms, by the lag loop only
	skipped  atomic.Int64    // records that could not be decoded
}

func newTail(o *Options, b *board, c *catalog) (*tail, error) {
	opts := append(append([]kgo.Opt{}, o.ClientOpts...),
		kgo.SeedBrokers(o.Brokers...), kgo.ClientID("cagnotte-dashboards"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // so that the position reaches the end although a marker is the last record
		kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxBytes(16<<20))
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &tail{cl: cl, adm: kadm.NewClient(cl), codec: o.Codec, board: b, catalog: c, log: o.Logger, next: map[int32]int64{}, since: map[int32]int64{}}, nil
}

// run follows the topics until ctx ends. A broker that is away is waited for.
func (t *tail) run(ctx context.Context) error {
	defer t.cl.Close()
	for !t.start(ctx) {
		if !sleep(ctx, time.Second) {
			return nil
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); t.followLag(ctx) }()
	defer func() { <-done }()
	for ctx.Err() == nil {
		fetches := t.cl.PollFetches(ctx)
		fetches.EachError(func(topic string, p int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				t.log.Warn("pages cannot read a topic now", "topic", topic, "partition", p, "error", err)
			}
		})
		fetches.EachRecord(t.take)
		t.noteEnd()
	}
	return nil
}

// start finds where to begin and asks for the partitions; false when the topics are not there yet.
func (t *tail) start(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	from, err := t.adm.ListOffsetsAfterMilli(ctx, time.Now().UnixMilli()-historyMs, schemas.TopicMetrics)
	if err == nil {
		err = from.Error()
	}
	var starts, ends kadm.ListedOffsets
	if err == nil {
		starts, err = t.adm.ListStartOffsets(ctx, schemas.TopicMetrics)
	}
	if err == nil {
		ends, err = t.adm.ListCommittedOffsets(ctx, schemas.TopicMetrics)
	}
	if err != nil || ends.Error() != nil || starts.Error() != nil || len(ends[schemas.TopicMetrics]) == 0 {
		t.log.Debug("pages wait for the metrics topic", "error", err)
		return false
	}
	t.ends = map[int32]int64{}
	parts := map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		first, _ := starts.Lookup(end.Topic, end.Partition)
		at := max(first.Offset, end.Offset-historyMost)
		if after, ok := from.Lookup(end.Topic, end.Partition); ok && after.Offset > at {
			at = after.Offset
		}
		t.ends[end.Partition], t.next[end.Partition] = end.Offset, at
		parts[end.Partition] = kgo.NewOffset().At(at)
	})
	t.cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		schemas.TopicMetrics: parts, schemas.TopicCampaigns: {0: kgo.NewOffset().AtStart()},
	})
	t.noteEnd()
	return true
}

// take counts one record.
func (t *tail) take(r *kgo.Record) {
	if r.Topic == schemas.TopicMetrics {
		t.next[r.Partition] = r.Offset + 1
	}
	switch {
	case r.Attrs.IsControl():
	case r.Topic == schemas.TopicCampaigns:
		t.catalog.add(string(r.Key), r.Value)
	default:
		var m schemas.MetricBatch
		if err := t.codec.DecodeMetrics(r.Value, &m); err != nil {
			if t.skipped.Add(1) == 1 {
				t.log.Warn("a metrics record cannot be decoded and is not shown", "partition", r.Partition, "offset", r.Offset, "error", err)
			}
			return
		}
		t.board.add(&m, time.Now().UnixMilli(), t.caughtUp.Load())
	}
}

// noteEnd notices when the history has been read.
func (t *tail) noteEnd() {
	if t.caughtUp.Load() {
		return
	}
	for p, end := range t.ends {
		if t.next[p] < end {
			return
		}
	}
	t.caughtUp.Store(true)
}

// followLag measures the backlog and looks for partitions that were added, until ctx ends.
func (t *tail) followLag(ctx context.Context) {
	for {
		if err := t.measureLag(ctx); err != nil && ctx.Err() == nil {
			t.log.Debug("pages cannot measure the lag now", "error", err)
		}
		if !sleep(ctx, lagEvery) {
			return
		}
	}
}

func (t *tail) measureLag(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ends, err := t.adm.ListCommittedOffsets(ctx, schemas.TopicReceipts)
	if err != nil {
		return fmt.Errorf("end of receipts: %w", err)
	}
	now, inputs := time.Now().UnixMilli(), t.board.inputs()
	lag := Lag{AsOfMs: now}
	ends.Each(func(end kadm.ListedOffset) {
		lag.Partitions++
		if in, ok := inputs[end.Partition]; ok && end.Err == nil {
			t.wait(&lag, end, in, now)
		}
	})
	t.lag.Store(&lag)
	return nil
}

// wait adds one partition's backlog. A transaction that forwards receipts leaves a marker at the end, which is no receipt.
func (t *tail) wait(lag *Lag, end kadm.ListedOffset, in position, now int64) {
	backlog := end.Offset - in.offset
	if backlog <= 1 {
		delete(t.since, end.Partition)
		return
	}
	since, seen := t.since[end.Partition]
	if !seen {
		since = now
		t.since[end.Partition] = now
	}
	// What waits is younger than the task's clock. When the task itself said that more was waiting, the next record follows its clock closely;
	// otherwise it came after the first look that found it.
	if in.waiting > 0 {
		since = min(since, in.asOf)
	} else {
		since = max(since, in.asOf)
	}
	lag.Records += backlog
	lag.Seconds = max(lag.Seconds, float64(max(0, now-since))/1000)
}

// sleep waits, and returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
