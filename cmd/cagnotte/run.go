package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/retail"

	"github.com/alecthomas/kong"
	"golang.org/x/sync/errgroup"
)

// RunCmd runs one member of the pipeline's group.
type RunCmd struct {
	StateDir       string        `default:".cagnotte/state" type:"path" help:"Directory of the local state (Pebble). A lost one is restored from the changelog."`
	Group          string        `default:"cagnotte" help:"Consumer group. All members of a programme share it."`
	Instance       string        `help:"Name of this member within the group, stable over restarts (default: the host name)."`
	Currency       string        `default:"EUR" help:"The programme's currency, ISO 4217. Receipts in another are refused."`
	CommitInterval time.Duration `default:"50ms" help:"How often a transaction is committed: it is the latency to the ledger. 10ms to 5s."`
	MaxRecords     int           `default:"5000" help:"Receipts per transaction at most."`
	CacheAccounts  int           `default:"150000" help:"Accounts kept decoded in memory, about 1.6 KB each; --memory-mb must hold them nearly twice."`
	MemoryMB       int64         `name:"memory-mb" default:"650" help:"Soft limit of what Go's collector lets stand, in MB; Pebble's memtables and block cache come on top, up to 400. GOMEMLIMIT, when set, wins; 0 for none."`
	MaxReceiptAge  time.Duration `default:"9600h" help:"Receipts that closed longer before they arrived are refused; 0 accepts any age (archives)."`
	Embedded       bool          `help:"The broker is the development broker, which may lose group offsets when it is killed: the changelog decides where to go on."`
	EventKeyFlag
	MetricsListen string `default:"127.0.0.1:9464" help:"Address of /metrics, /livez, /readyz and /startupz; empty for none."`
}

// Help returns examples.
func (RunCmd) Help() string {
	return `One process of the stream processor. Start as many as there are machines, at most one per partition; Kafka shares the partitions out.

Examples:
  cagnotte run --brokers kafka-1:9092,kafka-2:9092 --schema-registry http://registry:8081 --state-dir /var/lib/cagnotte
  CAGNOTTE_SASL_PASSWORD=... cagnotte run --sasl scram-sha-512 --sasl-user cagnotte --tls-ca ca.pem
  curl localhost:9464/readyz`
}

// Validate checks the bounds of the flags.
func (c *RunCmd) Validate() error {
	switch {
	case c.CommitInterval < 10*time.Millisecond || c.CommitInterval > 5*time.Second:
		return fmt.Errorf("--commit-interval %v: want 10ms to 5s", c.CommitInterval)
	case c.MaxRecords < 1 || c.MaxRecords > 100_000:
		return fmt.Errorf("--max-records %d: want 1 to 100000", c.MaxRecords)
	case c.CacheAccounts < 1000:
		return fmt.Errorf("--cache-accounts %d: want 1000 or more", c.CacheAccounts)
	case c.MemoryMB < 0:
		return fmt.Errorf("--memory-mb %d: want 0 or more", c.MemoryMB)
	case c.MaxReceiptAge < 0:
		return errors.New("--max-receipt-age: want 0 or more")
	case len(c.Currency) != 3:
		return fmt.Errorf("--currency %q: want three letters, such as EUR", c.Currency)
	}
	return nil
}

// Run processes until the context ends.
func (c *RunCmd) Run(ctx context.Context, kctx *kong.Context, g *Globals) error {
	g.Logger.Info("starting", append([]any{"command", "run", "version", version()}, effective(kctx)...)...)
	limitMemory(c.MemoryMB)
	tel, err := startTelemetry(ctx, g, "run")
	if err != nil {
		return err
	}
	defer tel.close(ctx, g)
	p, err := c.pipeline(ctx, g, tel)
	if err != nil {
		return err
	}
	return c.serve(ctx, p, tel)
}

// limitMemory keeps the accounts' cache, which the collector would let grow to twice its size, within what the process is given. The limit must leave
// room above what is alive: with 400,000 accounts of 1.6 KB under a limit of 700 MB the collector took half of the processor.
func limitMemory(mb int64) {
	if mb > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(mb << 20)
	}
}

func (c *RunCmd) pipeline(ctx context.Context, g *Globals, tel *telemetry) (*pipeline.Pipeline, error) {
	opts, err := c.options(ctx, g)
	if err != nil {
		return nil, err
	}
	meter, err := newPipelineMeter(tel.meter)
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	opts.Observer = meter.observer()
	opts.Observer.OnReceipt = tel.traceReceipt
	return pipeline.New(opts)
}

func (c *RunCmd) options(ctx context.Context, g *Globals) (pipeline.Options, error) {
	clientOpts, err := g.ClientOpts()
	if err != nil {
		return pipeline.Options{}, err
	}
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return pipeline.Options{}, err
	}
	eventKey, err := c.EventKeyFlag.read()
	if err != nil {
		return pipeline.Options{}, err
	}
	policy := retail.DefaultPolicy()
	policy.Currency = c.Currency
	policy.MaxAgeMs = retail.Instant(c.MaxReceiptAge.Milliseconds())
	return pipeline.Options{
		Brokers: g.Brokers, ClientOpts: clientOpts, Group: c.Group, Instance: c.instance(), StateDir: c.StateDir, Codec: codec, Policy: policy,
		Currency: c.Currency, CommitInterval: c.CommitInterval, MaxRecords: c.MaxRecords, CacheAccounts: c.CacheAccounts, Embedded: c.Embedded,
		EngineVersion: version(), Logger: g.Logger, EventKey: eventKey,
	}, nil
}

func (c *RunCmd) instance() string {
	if c.Instance != "" {
		return c.Instance
	}
	if host, err := os.Hostname(); err == nil {
		return host
	}
	return "0"
}

// serve runs the pipeline beside its probes; the end of one is the end of both.
func (c *RunCmd) serve(ctx context.Context, p *pipeline.Pipeline, tel *telemetry) error {
	var ended atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	group.Go(func() error {
		defer stop()
		defer ended.Store(true)
		return p.Run(ctx)
	})
	group.Go(func() error {
		return serveOps(ctx, c.MetricsListen, probes{
			live:    func() bool { return !ended.Load() },
			ready:   func() bool { ready, _ := p.Ready(); return ready },
			started: func() bool { _, started := p.Ready(); return started },
		}, tel.metrics)
	})
	return group.Wait()
}
