package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/retail"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// pipelineMeter turns the pipeline's events into instruments. Labels are results, codes, phases and partitions: never a shop, account or receipt.
type pipelineMeter struct {
	receipts, deadLetters, entries, fired, aborts, lost, restored, flushedBytes metric.Int64Counter
	commit, restore, flush                                                      metric.Float64Histogram

	phases  map[string]metric.MeasurementOption
	results map[string]metric.MeasurementOption

	mu         sync.Mutex // guards what the gauges read
	partitions map[int32]taskGauge
	lastCommit time.Time
	state      int64
}

// taskGauge is the last that is known of a partition.
type taskGauge struct {
	lagRecords int64
	lag        time.Duration
	attrs      metric.MeasurementOption
}

// meterSet creates instruments and keeps the first error, so that the caller checks once.
type meterSet struct {
	meter metric.Meter
	errs  []error
}

func (s *meterSet) counter(name, unit, help string) metric.Int64Counter {
	c, err := s.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(help))
	s.errs = append(s.errs, err)
	return c
}

func (s *meterSet) seconds(name, help string) metric.Float64Histogram {
	h, err := s.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(help))
	s.errs = append(s.errs, err)
	return h
}

func (s *meterSet) gauge(name, unit, help string, observe func(metric.Float64Observer)) {
	_, err := s.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(help),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			observe(o)
			return nil
		}))
	s.errs = append(s.errs, err)
}

func newPipelineMeter(meter metric.Meter) (*pipelineMeter, error) {
	s := &meterSet{meter: meter}
	m := &pipelineMeter{
		receipts:     s.counter("cagnotte.receipts", "", "Receipts committed, by result: accepted, duplicate, rejected, forwarded."),
		deadLetters:  s.counter("cagnotte.dead_letters", "", "Records refused, by validation code; counted before their transaction ends."),
		entries:      s.counter("cagnotte.ledger.entries", "", "Ledger entries committed."),
		fired:        s.counter("cagnotte.timers.fired", "", "Timers that fired: activations and expiries."),
		aborts:       s.counter("cagnotte.commit.aborts", "", "Transactions aborted for a rebalance."),
		lost:         s.counter("cagnotte.sessions.lost", "", "Sessions that ended with an error and were built again from the log."),
		restored:     s.counter("cagnotte.restore.records", "", "Changelog records applied on restores."),
		flushedBytes: s.counter("cagnotte.state.flushed", "By", "Bytes written back to Pebble."),
		commit:       s.seconds("cagnotte.commit.duration", "A transaction's time by phase: process, stage, end."),
		restore:      s.seconds("cagnotte.restore.duration", "Time until a partition was ready."),
		flush:        s.seconds("cagnotte.state.flush.duration", "Time of a write-back to Pebble."),
		phases:       labels("phase", "process", "stage", "end"),
		results:      labels("result", "accepted", "duplicate", "rejected", "forwarded"),
		partitions:   map[int32]taskGauge{},
		lastCommit:   time.Now(),
	}
	m.gauges(s)
	return m, errors.Join(s.errs...)
}

func labels(key string, values ...string) map[string]metric.MeasurementOption {
	out := make(map[string]metric.MeasurementOption, len(values))
	for _, v := range values {
		out[v] = metric.WithAttributeSet(attribute.NewSet(attribute.String(key, v)))
	}
	return out
}

func (m *pipelineMeter) gauges(s *meterSet) {
	s.gauge("cagnotte.commit.age", "s", "Time since the last commit of this process. Grows while nothing comes in, too: read it with the lag.", func(o metric.Float64Observer) {
		m.mu.Lock()
		defer m.mu.Unlock()
		o.Observe(time.Since(m.lastCommit).Seconds())
	})
	s.gauge("cagnotte.state.overlay", "By", "State that the last commit made dirty.", func(o metric.Float64Observer) {
		m.mu.Lock()
		defer m.mu.Unlock()
		o.Observe(float64(m.state))
	})
	s.gauge("cagnotte.consumer.lag.records", "", "Receipts appended and not yet processed, by partition.", func(o metric.Float64Observer) {
		m.eachTask(func(g taskGauge) { o.Observe(float64(g.lagRecords), g.attrs) })
	})
	s.gauge("cagnotte.consumer.lag", "s", "Age of the last processed receipt when it was committed, 0 when caught up, by partition.", func(o metric.Float64Observer) {
		m.eachTask(func(g taskGauge) { o.Observe(g.lag.Seconds(), g.attrs) })
	})
}

func (m *pipelineMeter) eachTask(fn func(taskGauge)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.partitions {
		fn(g)
	}
}

// observer returns the callbacks. They run on the processing goroutine: counters only.
func (m *pipelineMeter) observer() *pipeline.Observer {
	ctx := context.Background()
	return &pipeline.Observer{
		OnCommit: m.onCommit,
		OnAbort:  func() { m.aborts.Add(ctx, 1) },
		OnDeadLetter: func(code retail.Code) {
			m.deadLetters.Add(ctx, 1, metric.WithAttributes(attribute.String("code", string(code))))
		},
		OnRestore: m.onRestore,
		OnRevoke: func(partition int32) {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.partitions, partition)
		},
		OnSessionLost: func(error) { m.lost.Add(ctx, 1) },
		OnFlush: func(d time.Duration, bytes int) {
			m.flush.Record(ctx, d.Seconds())
			m.flushedBytes.Add(ctx, int64(bytes))
		},
	}
}

func (m *pipelineMeter) onCommit(e pipeline.CommitEvent) {
	ctx := context.Background()
	var sum pipeline.TaskCommit
	m.mu.Lock()
	m.lastCommit, m.state = time.Now(), int64(e.StateBytes)
	for _, t := range e.Tasks {
		sum.Receipts += t.Receipts
		sum.Duplicates += t.Duplicates
		sum.Rejected += t.Rejected
		sum.Forwarded += t.Forwarded
		sum.Entries += t.Entries
		sum.Fired += t.Fired
		g := m.task(t.Partition)
		g.lagRecords, g.lag = t.LagRecords, time.Duration(t.LagMs)*time.Millisecond
		m.partitions[t.Partition] = g
	}
	m.mu.Unlock()
	m.receipts.Add(ctx, sum.Receipts, m.results["accepted"])
	m.receipts.Add(ctx, sum.Duplicates, m.results["duplicate"])
	m.receipts.Add(ctx, sum.Rejected, m.results["rejected"])
	m.receipts.Add(ctx, sum.Forwarded, m.results["forwarded"])
	m.entries.Add(ctx, sum.Entries)
	m.fired.Add(ctx, sum.Fired)
	m.commit.Record(ctx, e.Process.Seconds(), m.phases["process"])
	m.commit.Record(ctx, e.Stage.Seconds(), m.phases["stage"])
	m.commit.Record(ctx, e.End.Seconds(), m.phases["end"])
}

func (m *pipelineMeter) onRestore(e pipeline.RestoreEvent) {
	ctx := context.Background()
	m.restore.Record(ctx, e.Took.Seconds())
	m.restored.Add(ctx, e.Records)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partitions[e.Partition] = m.task(e.Partition)
}

// task returns the gauge of a partition, with its label made once. The caller holds mu.
func (m *pipelineMeter) task(partition int32) taskGauge {
	g, ok := m.partitions[partition]
	if !ok {
		g.attrs = metric.WithAttributeSet(attribute.NewSet(attribute.String("partition", strconv.Itoa(int(partition)))))
	}
	return g
}
