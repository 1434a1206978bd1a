package drive

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"cagnotte/loadtest/wire"
)

// LatencyResult is what receipts waited for under an open load. Every receipt counts from the instant at which it was due to be sent, or from its
// append; one that waits does not keep the next from being sent.
type LatencyResult struct {
	Rate       float64  `json:"receipts_per_second"`
	Append     *Summary `json:"due_to_append"`
	Ledger     *Summary `json:"append_to_ledger"`
	ClickHouse *Summary `json:"due_to_decision_in_clickhouse,omitempty"`
}

const latencyWarmUp = 10 * time.Second

// ledgerLatency measures at a part of the maximum, with the broker and the pipeline alone on the machine.
func (b *bench) ledgerLatency(ctx context.Context) error {
	rate := b.o.LatencyRate
	if rate == 0 {
		rate = b.result.Product.PerSecond / 2
	}
	s, p, err := b.fresh(ctx, "ledger", int64(rate*(b.o.LatencyFor+latencyWarmUp).Seconds()))
	defer s.close()
	if err == nil {
		err = s.startPipelines()
	}
	if err != nil {
		return err
	}
	b.result.ToLedger, err = b.watchLatency(ctx, s, p, rate)
	return err
}

// wholePath measures what broker, pipeline, sink and ClickHouse cope with together, and then the latency at half of it.
func (b *bench) wholePath(ctx context.Context) error {
	burst := min(b.o.Receipts, 200_000)
	s, p, err := b.fresh(ctx, "path", 10*burst)
	defer s.close()
	if err == nil {
		err = s.startClickHouse(ctx)
	}
	if err == nil {
		err = s.startPipelines()
	}
	if err == nil {
		err = s.pipelinesReady(ctx, time.Minute)
	}
	if err != nil {
		return err
	}
	p.Count = burst
	if err := b.pathThroughput(ctx, s, p); err != nil {
		return err
	}
	rate := b.o.PathRate
	if rate == 0 {
		rate = b.result.PathPerSecond / 2
	}
	p.Count = int64(rate * (b.o.LatencyFor + latencyWarmUp).Seconds())
	b.result.WholePath, err = b.watchLatency(ctx, s, p, rate)
	return err
}

// pathThroughput sends a burst and waits until its last decision is in ClickHouse.
func (b *bench) pathThroughput(ctx context.Context, s *stack, p *Producer) error {
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	looks, stop := context.WithCancel(ctx)
	defer stop()
	visible := &visibility{h: &Histogram{}}
	p.Visible = visible
	looked := make(chan error, 1)
	go func() { looked <- visible.look(looks, s.engine.Addr) }()
	began := time.Now()
	if err := p.Run(ctx, s.brokers); err != nil {
		return err
	}
	if err := visible.empty(ctx); err != nil {
		return fmt.Errorf("%d of %d receipts have no decision in ClickHouse: %w", visible.left(), p.Count, err)
	}
	b.result.PathPerSecond = float64(p.Count) / time.Since(began).Seconds()
	b.say("whole path: %.0f receipts/s", b.result.PathPerSecond)
	stop()
	return <-looked
}

// fresh starts a broker with the campaigns, and makes the stream.
// The stream is as dense as if count receipts made a day: more of them would close after they are sent.
func (b *bench) fresh(ctx context.Context, name string, count int64) (*stack, *Producer, error) {
	so := b.o.Stack
	so.Dir = filepath.Join(so.Dir, name)
	s, err := newStack(ctx, so)
	if err != nil {
		return s, nil, err
	}
	p, docs, err := benchStream(s, b.o, count, 0)
	if err == nil {
		err = publish(ctx, s.brokers, docs)
	}
	return s, p, err
}

// watchLatency sends at the rate, and watches the ledger and, where there is one, ClickHouse.
func (b *bench) watchLatency(ctx context.Context, s *stack, p *Producer, rate float64) (*LatencyResult, error) {
	b.say("latency at %.0f receipts/s for %v, after %v of warm-up", rate, b.o.LatencyFor, latencyWarmUp)
	side, stop := context.WithCancel(ctx)
	defer stop()
	ledger, from := &Histogram{}, time.Now().Add(latencyWarmUp)
	visible := &visibility{h: &Histogram{}, from: from}
	p.Rate, p.Latency, p.LatencyFrom, p.Visible = rate, &Histogram{}, from, nil
	watching := []func() error{func() error { return ledgerLatency(side, s.brokers, wire.NewReader(s.client), ledger, from) }}
	if s.engine != nil {
		p.Visible = visible
		watching = append(watching, func() error { return visible.look(side, s.engine.Addr) })
	}
	errs := make(chan error, len(watching))
	for _, w := range watching {
		go func() { errs <- w() }()
	}
	if err := p.Run(ctx, s.brokers); err != nil {
		return nil, err
	}
	settle, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := visible.empty(settle); err != nil {
		b.say("%d receipts were not seen in ClickHouse within 20 s after the last was sent: they are missing in the figures", visible.left())
	}
	_ = sleep(ctx, time.Second) // the last transactions
	stop()
	var err error
	for range watching {
		err = errors.Join(err, <-errs)
	}
	return latencyResult(rate, p, ledger, visible), err
}

func latencyResult(rate float64, p *Producer, ledger *Histogram, visible *visibility) *LatencyResult {
	due, led := p.Latency.Summary(), ledger.Summary()
	r := &LatencyResult{Rate: rate, Append: &due, Ledger: &led}
	if p.Visible != nil {
		ch := visible.h.Summary()
		r.ClickHouse = &ch
	}
	return r
}

func (r *LatencyResult) write(p *printer, what string) {
	p.printf("\n%s, %.0f receipts/s, open loop, ms\n%-34s %10s %10s %10s %10s\n", what, r.Rate, "", "p50", "p99", "p999", "max")
	p.latency("due to append", *r.Append)
	p.latency("append to committed ledger", *r.Ledger)
	if r.ClickHouse != nil {
		p.latency("due to decision in ClickHouse", *r.ClickHouse)
	}
}
