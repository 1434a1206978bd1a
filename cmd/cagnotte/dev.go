package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"cagnotte/pipeline/programmes"
	"cagnotte/pipeline/retail"
)

// DevCmd runs everything in one process: broker, registry, ClickHouse, pipeline, sink, pages and shops that sell.
type DevCmd struct {
	Data   string `env:"CAGNOTTE_DEV_DATA" type:"path" placeholder:"DIR" help:"Data directory (default: .cagnotte, for a replay or a programme a directory of its own below it)."`
	Listen string `default:"localhost:8080" help:"Address of the pages, of /v1/receipts, of /metrics and of the probes."`

	Programme string `placeholder:"NAME|DIR" help:"Run this programme instead of the demo's campaigns and supermarkets: its campaigns, shops, products and members."`

	Rate   float64 `help:"Receipts per second of the demo shops (default: 20, or what the programme says)."`
	Shops  int     `help:"Number of demo shops (default: 20, or what the programme says)."`
	Seed   uint64  `help:"Seed of the demo shops: the same seed sells the same baskets (default: 1, or the programme's)."`
	NoDemo bool    `help:"No demo shops: receipts come by HTTP or Kafka only."`

	Replay       string `placeholder:"FILE|DIR" help:"Stream real receipts instead of demo shops: Online Retail lines or X5 receipts, plain or gzip."`
	Speed        string `default:"max" placeholder:"N|max" help:"Replay N times as fast as it happened, or as fast as it goes."`
	ExitWhenDone bool   `help:"End when the whole replay has arrived in ClickHouse."`

	KafkaBrokers   []string `placeholder:"HOST:PORT" help:"Use this Kafka instead of the one inside; topics are created where they are missing."`
	ClickHouseAddr string   `name:"clickhouse-addr" placeholder:"HOST:PORT" help:"Use this ClickHouse (native protocol) instead of the one inside."`
	Partitions     int32    `default:"8" help:"Partitions of the topics, when the data directory is new."`
}

// Help returns examples.
func (DevCmd) Help() string {
	return `Broker, schema registry, ClickHouse, pipeline, sink, pages and demo shops in one process; nothing else is needed. A second start continues where the
first one stopped, also when it was killed. Ctrl-C ends everything in order, twice at once.

Examples:
  cagnotte dev
  cagnotte dev --programme cafe                             see cagnotte programme ls
  cagnotte dev --replay ../shared/data/online_retail_uci/lines.csv.gz
  cagnotte dev --replay lines.csv.gz --speed 86400          a day per second
  cagnotte dev --kafka-brokers kafka:9092 --schema-registry http://registry:8081 --clickhouse-addr clickhouse:9000
  cagnotte receipt send receipts.ndjson                     in another terminal: finds the running dev`
}

// Validate checks the bounds of the flags.
func (c *DevCmd) Validate() error {
	switch {
	case c.Rate < 0 || c.Rate > 100_000:
		return fmt.Errorf("--rate %g: want more than 0 and at most 100000", c.Rate)
	case c.Programme != "" && c.Replay != "":
		return errors.New("--programme and --replay: give one of them")
	case c.Shops < 0 || c.Shops > 2000:
		return fmt.Errorf("--shops %d: want 1 to 2000", c.Shops)
	case c.Partitions < 1 || c.Partitions > 256:
		return fmt.Errorf("--partitions %d: want 1 to 256", c.Partitions)
	case c.ExitWhenDone && c.Replay == "":
		return errors.New("--exit-when-done needs --replay: demo shops never end")
	}
	_, err := c.speed()
	return err
}

// speed returns the factor, 0 for as fast as it goes.
func (c *DevCmd) speed() (float64, error) {
	if c.Speed == "max" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(c.Speed, 64)
	if err != nil || n <= 0 || n > 1e9 {
		return 0, fmt.Errorf("--speed %q: want max, or a number above 0 such as 3600", c.Speed)
	}
	return n, nil
}

// dev is a run of DevCmd: what has been started so far.
type dev struct {
	cmd  *DevCmd
	g    *Globals
	dir  *devDir
	life *life

	source    replaySource          // nil without --replay
	programme *programmes.Programme // nil without --programme
	policy    retail.Policy
	backend   devBackend
	tel       *telemetry
	drain     *drain
	url       string // of the pages
}

// Run starts everything, waits for a signal or the end of the replay, and stops everything.
func (c *DevCmd) Run(ctx context.Context, g *Globals) error {
	d := &dev{cmd: c, g: g, life: newLife(g), drain: newDrain()}
	if err := c.checkListen(); err != nil {
		return err
	}
	if err := d.open(); err != nil {
		return err
	}
	closeLog, err := d.logToFile()
	if err != nil {
		return errors.Join(err, d.dir.close(true))
	}
	runErr := d.start(ctx)
	if runErr == nil {
		runErr = d.serve(ctx)
	}
	if ctx.Err() != nil {
		g.say("\nending in order; once more ends at once")
	}
	begun := time.Now()
	stopErr := d.life.shutdown(ctx)
	closeErr := d.dir.close(stopErr == nil)
	g.say("ended in %.1f s; the data is in %s", time.Since(begun).Seconds(), d.dir.path)
	if ctx.Err() != nil && errors.Is(runErr, context.Canceled) {
		runErr = nil
	}
	return errors.Join(runErr, stopErr, closeErr, closeLog())
}

// open finds out what is to be run, and opens the data directory for it.
func (d *dev) open() error {
	path, currency := d.cmd.Data, "EUR"
	d.policy = retail.DefaultPolicy()
	if path == "" {
		path = devDataDir
	}
	if d.cmd.Replay != "" {
		source, err := openReplay(d.cmd.Replay)
		if err != nil {
			return err
		}
		d.source, currency = source, source.about().currency
		d.policy.MaxAgeMs = 0
		if d.cmd.Data == "" {
			path = filepath.Join(devDataDir, source.about().campaigns)
		}
	}
	if d.cmd.Programme != "" {
		p, err := loadProgramme(d.cmd.Programme)
		if err != nil {
			return err
		}
		d.programme, currency = p, p.About.Currency
		if d.cmd.Data == "" {
			path = filepath.Join(devDataDir, p.Name)
		}
	}
	d.policy.Currency = currency
	var err error
	d.dir, err = openDevDir(path, devWant{
		currency: currency, partitions: d.cmd.Partitions, ownBroker: len(d.cmd.KafkaBrokers) == 0, ownClickHouse: d.cmd.ClickHouseAddr == "",
	})
	return err
}

// logBytesMax is the size above which dev.log is begun anew.
const logBytesMax = 64 << 20

// logToFile sends the parts' logs to dev.log, and to the terminal only what needs a look.
func (d *dev) logToFile() (func() error, error) {
	path := d.dir.file("dev.log")
	if info, err := os.Stat(path); err == nil && info.Size() > logBytesMax {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("start a new log: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	level := max(d.g.LogLevel, slog.LevelWarn)
	if d.g.LogLevel < slog.LevelInfo {
		level = d.g.LogLevel
	}
	terminal := slog.NewTextHandler(d.g.Err, &slog.HandlerOptions{Level: level})
	d.g.Logger = slog.New(slog.NewMultiHandler(slog.NewJSONHandler(f, &slog.HandlerOptions{Level: min(d.g.LogLevel, slog.LevelInfo)}), terminal))
	return f.Close, nil
}

// serve waits for the end.
func (d *dev) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	if d.source != nil {
		go func() { done <- d.replayed(ctx) }()
	}
	for {
		select {
		case err := <-d.life.failed:
			return err
		case <-ctx.Done():
			return nil
		case err := <-done:
			if err != nil || d.cmd.ExitWhenDone {
				return err
			}
		}
	}
}
