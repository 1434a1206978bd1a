package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/sink"

	"golang.org/x/sync/errgroup"
)

// SinkCmd copies the topics to ClickHouse.
type SinkCmd struct {
	ClickHouseFlags `embed:""`
	Group           string        `default:"cagnotte-sink" env:"CAGNOTTE_SINK_GROUP" help:"Consumer group. All members share the work."`
	FlushInterval   time.Duration `default:"500ms" help:"Longest time that rows wait for company before they are inserted. 10ms to 1m."`
	MaxRows         int           `default:"50000" help:"Records per flush at most."`
	Currency        string        `default:"EUR" help:"The programme's currency, as of cagnotte run: receipts in another are refused there and not copied here."`
	MaxReceiptAge   time.Duration `default:"9600h" help:"As of cagnotte run; 0 accepts any age (archives)."`
	MetricsListen   string        `default:"127.0.0.1:9465" help:"Address of /metrics, /livez, /readyz and /startupz; empty for none."`
}

// Help returns examples.
func (SinkCmd) Help() string {
	return `Receipts, ledger, balances, decisions, metrics, dead letters and campaigns, from Kafka to ClickHouse, each row once. Migrate ClickHouse first.

Examples:
  cagnotte migrate up --clickhouse-addr clickhouse:9000 && cagnotte sink --clickhouse-addr clickhouse:9000
  CAGNOTTE_CLICKHOUSE_ADDR='clickhouse://cagnotte:secret@clickhouse:9440/?secure=true' cagnotte sink`
}

// Validate checks the bounds of the flags.
func (c *SinkCmd) Validate() error {
	switch {
	case c.FlushInterval < 10*time.Millisecond || c.FlushInterval > time.Minute:
		return fmt.Errorf("--flush-interval %v: want 10ms to 1m", c.FlushInterval)
	case c.MaxRows < 1 || c.MaxRows > 500_000:
		return fmt.Errorf("--max-rows %d: want 1 to 500000", c.MaxRows)
	case c.MaxReceiptAge < 0:
		return errors.New("--max-receipt-age: want 0 or more")
	case len(c.Currency) != 3:
		return fmt.Errorf("--currency %q: want three letters, such as EUR", c.Currency)
	}
	return nil
}

// Run copies until the context ends.
func (c *SinkCmd) Run(ctx context.Context, g *Globals) error {
	tel, err := startTelemetry(ctx, g, "sink")
	if err != nil {
		return err
	}
	defer tel.close(ctx, g)
	health := &sinkHealth{}
	s, err := c.sink(ctx, g, tel, health)
	if err != nil {
		return err
	}
	g.Logger.Info("sink starts", "brokers", g.Brokers, "group", c.Group, "version", version())
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer stop()
		return s.Run(ctx)
	})
	group.Go(func() error { return serveOps(ctx, c.MetricsListen, health.probes(), tel.metrics) })
	return group.Wait()
}

func (c *SinkCmd) sink(ctx context.Context, g *Globals, tel *telemetry, health *sinkHealth) (*sink.Sink, error) {
	clientOpts, err := g.ClientOpts()
	if err != nil {
		return nil, err
	}
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return nil, err
	}
	meter, err := newSinkMeter(tel.meter)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	observer := meter.observer()
	observer.Visible = tel.traceRow
	policy := retail.DefaultPolicy()
	policy.Currency, policy.MaxAgeMs = c.Currency, retail.Instant(c.MaxReceiptAge.Milliseconds())
	s, err := sink.New(sink.Options{
		Brokers: g.Brokers, ClientOpts: clientOpts, Group: c.Group, Addr: c.addr(), Codec: codec, Policy: policy,
		FlushInterval: c.FlushInterval, MaxRows: c.MaxRows, Logger: g.Logger, Observer: health.watch(observer),
	})
	if err != nil {
		return nil, exitf(ExitUsage, "%w", err)
	}
	return s, nil
}

// sinkHealth is what the probes know of the sink: it is ready unless it is failing right now.
type sinkHealth struct{ failing atomic.Bool }

// watch puts itself in front of an observer.
func (h *sinkHealth) watch(o *sink.Observer) *sink.Observer {
	committed, ended, retried := o.Committed, o.SessionEnded, o.Retried
	o.Committed = func(n int) {
		h.failing.Store(false)
		if committed != nil {
			committed(n)
		}
	}
	o.SessionEnded = func(err error) {
		h.failing.Store(true)
		if ended != nil {
			ended(err)
		}
	}
	o.Retried = func(table string, attempt int, err error) {
		h.failing.Store(true)
		if retried != nil {
			retried(table, attempt, err)
		}
	}
	return o
}

func (h *sinkHealth) probes() probes {
	always := func() bool { return true } // a sink that cannot reach Kafka or ClickHouse waits for them; a restart would not help
	return probes{live: always, ready: func() bool { return !h.failing.Load() }, started: always}
}
