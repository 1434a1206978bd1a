package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cagnotte/loadtest/drive"
	"cagnotte/loadtest/peers"
)

// LoadBenchCmd is the benchmark.
type LoadBenchCmd struct {
	Receipts  int64  `default:"1000000" help:"Receipts on the preloaded topic."`
	Seed      uint64 `default:"1" help:"The same seed makes the same stream."`
	Members   int    `default:"2000000" help:"Loyalty accounts; how often each one shops follows Zipf 1.1."`
	Flat      bool   `help:"Every member shops alike often: all accounts come into being, and no cache holds them."`
	Shops     int    `default:"300" help:"Shops."`
	Campaigns string `type:"existingdir" help:"Directory with campaign documents (default: 20 live ones as a network would run them)." placeholder:"DIR"`

	CommitInterval time.Duration `help:"Of the product (default: its own)." placeholder:"50ms"`
	CacheAccounts  int           `help:"Of the product (default: its own)." placeholder:"N"`
	LatencyRate    float64       `help:"Receipts per second under which the latency to the ledger is measured (default: half of the product's throughput)." placeholder:"N"`
	PathRate       float64       `help:"Receipts per second under which the latency of the whole path is measured (default: half of what it copes with)." placeholder:"N"`
	LatencyFor     time.Duration `default:"30s" help:"Length of each latency measurement, after 10 s of warm-up; 0 leaves them out."`
	Timeout        time.Duration `default:"10m" help:"How long each phase may take."`
	Profile        string        `type:"path" help:"Write ten seconds of the product's processor profile to this file, for go tool pprof." placeholder:"FILE"`
	ProductOnly    bool          `help:"Leave the yardsticks out."`
	JSON           string        `type:"path" name:"json" help:"Write the result as JSON to this file." placeholder:"FILE"`
	loadStack      `embed:""`
}

// Help returns examples.
func (LoadBenchCmd) Help() string {
	return `Preloads receipts and lets three consumers eat them, one after the other, each a process of its own on the same broker: the product; a pass-through with the product's transactions and output bytes and no processing; and a thin whole, which adds decoding and a write-back state in Pebble and has no rules. Then it measures latency, open loop and each on a fresh stack: to the committed ledger at half of the product's throughput, with nothing else running; and over the whole path to ClickHouse, at half of what broker, pipeline, sink and ClickHouse together cope with on this machine.

Examples:
  cagnotte load bench
  cagnotte load bench --receipts 300000 --kafka real --json bench.json
  cagnotte load bench --receipts 200000 --latency-rate 5000`
}

// Validate checks the bounds of the flags.
func (c *LoadBenchCmd) Validate() error {
	switch {
	case c.Receipts < 1000:
		return fmt.Errorf("--receipts %d: want 1000 or more", c.Receipts)
	case c.LatencyRate < 0 || c.PathRate < 0 || c.LatencyFor < 0:
		return fmt.Errorf("--latency-rate %g, --path-rate %g, --latency-for %v: want 0 or more", c.LatencyRate, c.PathRate, c.LatencyFor)
	}
	return c.check()
}

// Run measures and prints.
func (c *LoadBenchCmd) Run(ctx context.Context, g *Globals) error {
	stack, done, err := c.stack(g)
	if err != nil {
		return err
	}
	stack.CommitInterval, stack.CacheAccounts = c.CommitInterval, c.CacheAccounts
	result, err := drive.Bench(ctx, drive.BenchOptions{
		Stack: stack, Receipts: c.Receipts, Seed: c.Seed, Members: c.Members, Flat: c.Flat, Shops: c.Shops, CampaignsDir: c.Campaigns,
		LatencyRate: c.LatencyRate, PathRate: c.PathRate, LatencyFor: c.LatencyFor, Timeout: c.Timeout,
		Profile: c.Profile, ProductOnly: c.ProductOnly,
	})
	if err == nil && c.JSON != "" {
		err = writeJSON(c.JSON, result)
	}
	if err == nil && g.format() == "table" {
		err = result.Write(g.Out)
	} else if err == nil {
		err = json.NewEncoder(g.Out).Encode(result)
	}
	done(err == nil)
	return err
}

// LoadPeerCmd is a yardstick, run by the benchmark as a child.
type LoadPeerCmd struct {
	Kind       string `enum:"pass,thin" required:"" help:"Which yardstick."`
	Group      string `required:"" help:"Its consumer group."`
	Partitions int32  `required:"" help:"Partitions of its output topics."`
	Receipts   int64  `required:"" help:"How many receipts the product has processed."`
	StateDir   string `required:"" type:"path" help:"State of the thin one."`
}

// Run works until it is told to end.
func (c *LoadPeerCmd) Run(ctx context.Context, g *Globals) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return err
	}
	return drive.RunPeer(ctx, c.Kind, peers.Options{Brokers: g.Brokers, Codec: codec, Group: c.Group, Partitions: c.Partitions, StateDir: c.StateDir}, c.Receipts)
}
