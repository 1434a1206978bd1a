package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cagnotte/loadtest/drive"
	"cagnotte/schemas/engine"
)

// LoadCmd tries the product under load.
type LoadCmd struct {
	Run   LoadRunCmd   `cmd:"" default:"withargs" help:"Send seeded receipts, kill parts of the product, and audit the outcome to the cent."`
	Bench LoadBenchCmd `cmd:"" help:"Measure throughput, CPU and latency beside a pass-through and a thin yardstick."`
	Peer  LoadPeerCmd  `cmd:"" hidden:"" help:"Run one of the yardsticks of the benchmark."`
}

// loadStack are the flags that say what is under load.
type loadStack struct {
	Kafka      string `default:"fake" help:"fake: the development broker as a child process; real: an Apache Kafka of our own; or bootstrap addresses of one that is there." placeholder:"fake|real|HOST:PORT,..."`
	KafkaCache string `type:"path" help:"Where Kafka's jars are kept (default: the user's cache directory)." placeholder:"DIR"`
	Engine     string `type:"path" help:"A clickhouse executable or libchdb to use instead of looking for one." placeholder:"FILE"`
	Partitions int32  `default:"8" help:"Partitions of the topics."`
	Dir        string `type:"path" help:"Directory for data and logs, kept afterwards; it must be empty or new (default: a temporary one that is removed when all went well)." placeholder:"DIR"`
}

// LoadRunCmd is one run.
type LoadRunCmd struct {
	Receipts  int64   `default:"1000000" help:"How many receipts to send."`
	Rate      float64 `default:"0" help:"Receipts per second, open loop; 0 is as fast as it goes."`
	Seed      uint64  `default:"1" help:"The same seed makes the same stream."`
	Days      int     `default:"20" help:"Days of event time that the stream spans, ending an hour ago."`
	Members   int     `default:"200000" help:"Loyalty accounts; how often each one shops follows Zipf 1.1."`
	Shops     int     `default:"60" help:"Shops."`
	Campaigns string  `type:"existingdir" help:"Directory with campaign documents (default: the 20 of the load test, which use every construct)." placeholder:"DIR"`
	Budgets   int     `default:"0" help:"So many campaigns more, each with a budget that the stream uses up; the audit wants 0 overshoot and 99.5 % used."`
	Mechanics string  `default:"receipts" enum:"receipts,all" help:"all: also member events, wallets, goals, tiers and spending, with documents for every mechanic of the campaign language."`
	Instances int     `default:"1" help:"Instances of the pipeline."`
	Audit     bool    `help:"Recompute everything and compare: topics, state stores, ClickHouse tables and views. Exit 1 on any difference."`

	KillPipeline time.Duration `help:"kill -9 an instance of the pipeline this often." placeholder:"10s"`
	KillSink     time.Duration `help:"kill -9 the sink this often." placeholder:"20s"`
	KillEngine   time.Duration `help:"kill -9 ClickHouse this often." placeholder:"30s"`
	KillBroker   time.Duration `help:"kill -9 the broker this often." placeholder:"30s"`
	Rebalance    time.Duration `help:"Have one more instance of the pipeline join this often, and leave the next time." placeholder:"30s"`

	DrainTimeout time.Duration `default:"5m" help:"How long the pipeline, and then the sink, may take to catch up after the last receipt."`
	JSON         string        `type:"path" name:"json" help:"Write the result as JSON to this file." placeholder:"FILE"`
	loadStack    `embed:""`
}

// Help returns examples.
func (LoadRunCmd) Help() string {
	return `Starts a broker, a schema registry, the pipeline, the sink and ClickHouse, each as a process of its own; sends seeded receipts with returns, repeats, late, misplaced and malformed ones; kills parts on schedule; waits until all has drained; and, with --audit, recomputes the outcome with an independent model and compares it to the cent and to the row.

Examples:
  cagnotte load --receipts 1000000 --audit --kill-pipeline 10s --kill-engine 30s
  cagnotte load --receipts 300000 --audit --kafka real --kill-broker 20s
  cagnotte load --receipts 1000000 --budgets 50 --partitions 8 --instances 3 --kill-pipeline 10s --rebalance 30s --audit
  cagnotte load --receipts 30000 --mechanics all --members 2000 --audit
  cagnotte load --receipts 200000 --rate 5000 --json result.json`
}

// Validate checks the bounds of the flags.
func (c *LoadRunCmd) Validate() error {
	switch {
	case c.Receipts < 1:
		return fmt.Errorf("--receipts %d: want 1 or more", c.Receipts)
	case c.Rate < 0:
		return fmt.Errorf("--rate %g: want 0 or more", c.Rate)
	case c.Days < 1 || c.Days > 300:
		return fmt.Errorf("--days %d: want 1 to 300", c.Days)
	case c.Budgets < 0 || c.Budgets > 100:
		return fmt.Errorf("--budgets %d: want 0 to 100", c.Budgets)
	case c.Instances < 1 || c.Instances > int(c.Partitions):
		return fmt.Errorf("--instances %d: want 1 to the number of partitions, %d", c.Instances, c.Partitions)
	case c.KillBroker > 0 && c.Kafka != "fake" && c.Kafka != "real":
		return errors.New("--kill-broker: only a broker of our own can be killed: use --kafka fake or real")
	}
	for _, d := range []time.Duration{c.KillPipeline, c.KillSink, c.KillEngine, c.KillBroker, c.Rebalance} {
		if d < 0 || d > 0 && d < time.Second {
			return fmt.Errorf("every %v: want 1s or more, or 0 for never", d)
		}
	}
	return c.check()
}

func (s *loadStack) check() error {
	if s.Partitions < 1 || s.Partitions > 1000 {
		return fmt.Errorf("--partitions %d: want 1 to 1000", s.Partitions)
	}
	return nil
}

// Run drives the load and reports.
func (c *LoadRunCmd) Run(ctx context.Context, g *Globals) error {
	stack, done, err := c.stack(g)
	if err != nil {
		return err
	}
	stack.Instances, stack.Embedded = c.Instances, c.Kafka == "fake" && c.KillBroker > 0
	result, err := drive.Run(ctx, drive.Options{
		Stack: stack, Receipts: c.Receipts, Seed: c.Seed, Rate: c.Rate, Days: c.Days, Members: c.Members, Shops: c.Shops, CampaignsDir: c.Campaigns, Mechanics: c.Mechanics == "all", Budgets: c.Budgets, Audit: c.Audit,
		Kill:         drive.KillPlan{Pipeline: c.KillPipeline, Sink: c.KillSink, Engine: c.KillEngine, Broker: c.KillBroker, Rebalance: c.Rebalance},
		DrainTimeout: c.DrainTimeout, Terminal: isTerminal(g.Err),
	})
	if result != nil && c.JSON != "" {
		err = errors.Join(err, writeJSON(c.JSON, result))
	}
	if err == nil {
		err = c.report(g, result)
	}
	done(err == nil)
	return err
}

// report prints the result in the form that was asked for; anything that is not right ends the command with 1.
func (c *LoadRunCmd) report(g *Globals, r *drive.Result) error {
	var err error
	if g.format() == "table" {
		err = r.Write(g.Out)
	} else {
		err = json.NewEncoder(g.Out).Encode(r)
	}
	if err == nil && !r.OK() {
		err = errors.New("the load run found differences or problems")
	}
	return err
}

// stack fills the options that run and bench share. done removes a temporary directory when all went well.
func (s *loadStack) stack(g *Globals) (o drive.StackOptions, done func(ok bool), err error) {
	exe, err := os.Executable()
	if err != nil {
		return o, nil, fmt.Errorf("own executable: %w", err)
	}
	dir, done, err := s.workDir(g)
	if err != nil {
		return o, nil, err
	}
	o = drive.StackOptions{
		Exe: exe, Dir: dir, Kafka: s.Kafka, KafkaCache: s.KafkaCache, Partitions: s.Partitions, Instances: 1, Progress: g.Err, Logger: g.Logger,
		StartEngine: func(ctx context.Context, dir string, tcp, http int) (*drive.Engine, error) {
			e, err := engine.Start(ctx, engine.Options{Dir: dir, TCPPort: tcp, HTTPPort: http, Binary: s.Engine, Progress: g.Err, Logger: g.Logger})
			if err != nil {
				return nil, err
			}
			return &drive.Engine{Addr: e.Addr, HTTPAddr: e.HTTPAddr, Kill: func() { e.Kill(); <-e.Done() }, Stop: e.Stop, Done: e.Done(), PID: e.Pid()}, nil
		},
	}
	return o, done, nil
}

func (s *loadStack) workDir(g *Globals) (dir string, done func(ok bool), err error) {
	if s.Dir == "" {
		dir, err = os.MkdirTemp("", "cagnotte-load-")
		return dir, func(ok bool) {
			if !ok {
				g.say("data and logs are kept in %s", dir)
				return
			}
			if err := os.RemoveAll(dir); err != nil {
				g.Logger.Warn("remove the temporary directory", "error", err)
			}
		}, err
	}
	dir, err = filepath.Abs(s.Dir)
	if err != nil {
		return "", nil, err
	}
	names, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	if len(names) > 0 {
		return "", nil, exitf(ExitUsage, "--dir %s: it holds %s; want an empty or new directory", dir, strings.TrimSpace(names[0].Name()))
	}
	return dir, func(bool) {}, nil
}

func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeFileAtomic(path, append(raw, '\n'))
}
