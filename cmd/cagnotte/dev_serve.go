package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"cagnotte/dashboards"
	"cagnotte/loadtest"
	"cagnotte/pipeline"
	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/rules"
	"cagnotte/pipeline/sink"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sinkGroup is the group whose offsets say what ClickHouse has.
const sinkGroup = "cagnotte-sink"

func (d *dev) startSink(ctx context.Context) error {
	begun, b := time.Now(), &d.backend
	meter, err := newSinkMeter(d.tel.meter)
	if err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	observer := meter.observer()
	observer.Visible = d.tel.traceRow
	s, err := sink.New(sink.Options{
		Brokers: b.brokers, ClientOpts: b.opts, Group: sinkGroup, Addr: b.clickhouse, Codec: b.codec, Policy: d.policy, Logger: d.g.Logger,
		Observer: observer,
	})
	if err != nil {
		return err
	}
	d.life.spawn(ctx, "sink", s.Run)
	d.life.started("sink", "to "+b.clickhouse, begun)
	return nil
}

// checkListen finds out before anything is started whether the pages can be served.
func (c *DevCmd) checkListen() error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return exitf(ExitFailed, "--listen %s: %w: end what uses the port, or give another, such as --listen localhost:8081", c.Listen, err)
	}
	return ln.Close()
}

// startPages serves the pages, the receipts API and the metrics on one address.
func (d *dev) startPages(ctx context.Context) error {
	begun, b := time.Now(), &d.backend
	cl, err := kgo.NewClient(append(b.opts, ingest.ClientOpts()...)...)
	if err != nil {
		return fmt.Errorf("receipts API: %w", err)
	}
	d.life.onStop("receipts API", func(context.Context) error {
		cl.Close()
		return nil
	})
	door := ingest.New(ingest.Options{Client: cl, Codec: b.codec, Policy: d.policy, Partitions: b.partitions, Logger: d.g.Logger, CheckEvent: pipeline.CheckEvent})
	pages, err := dashboards.New(dashboards.Options{
		Listen: d.cmd.Listen, ClickHouseAddr: b.clickhouse, Brokers: b.brokers, ClientOpts: b.opts, Codec: b.codec, Ingest: d.tel.traced(door),
		Metrics: d.tel.metrics, Logger: d.g.Logger, Currency: d.policy.Currency,
	})
	if err != nil {
		return exitf(ExitFailed, "%w: give another address with --listen", err)
	}
	d.life.spawn(ctx, "pages", pages.Run)
	d.url = "http://" + d.cmd.Listen
	if strings.HasSuffix(d.cmd.Listen, ":0") {
		d.url = "http://" + pages.Addr()
	}
	d.life.started("pages", d.url, begun)
	return nil
}

// startShops starts the demo shops, unless a replay takes their place.
func (d *dev) startShops(ctx context.Context) error {
	if d.cmd.NoDemo || d.source != nil {
		return nil
	}
	begun, b := time.Now(), &d.backend
	cl, err := kgo.NewClient(append(b.opts, kgo.RecordPartitioner(loadtest.DemoPartitioner()))...)
	if err != nil {
		return fmt.Errorf("demo shops: %w", err)
	}
	o, err := d.demoOptions()
	if err != nil {
		return err
	}
	o.Client, o.Codec, o.Partitions = cl, b.codec, b.partitions
	d.life.onStop("demo client", func(ctx context.Context) error {
		defer cl.Close()
		if err := cl.Flush(ctx); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("last receipts of the demo shops: %w", err)
		}
		return nil
	})
	d.life.spawn(ctx, "shops", func(ctx context.Context) error {
		return loadtest.Demo(ctx, o)
	})
	d.life.started("shops", fmt.Sprintf("%d, about %g receipts/s", o.Shops, o.Rate), begun)
	return nil
}

// demoOptions says what the demo shops sell, at which pace: the supermarkets, or the programme's; flags win.
func (d *dev) demoOptions() (loadtest.DemoOptions, error) {
	o := loadtest.DemoOptions{Rate: 20, Shops: 20, Seed: 1, ResumeFile: d.dir.file("demo.json"), Logger: d.g.Logger}
	var err error
	if d.programme == nil {
		o.Effects, err = demoEffects()
	} else {
		s := &d.programme.About.Stream
		o.Rate, o.Shops, o.Seed, o.Members = float64(s.PerHour)/3600, s.Shops, s.Seed, s.Members
		o.AnonymousBP, o.ReturnBP, o.Effects = share(s.Shares.Anonymous), share(s.Shares.Returns), effectsOf(d.programme.Campaigns)
		o.Trade, err = tradeOf(d.programme)
	}
	if d.cmd.Rate > 0 {
		o.Rate = d.cmd.Rate
	}
	if d.cmd.Shops > 0 {
		o.Shops = d.cmd.Shops
	}
	if d.cmd.Seed > 0 {
		o.Seed = d.cmd.Seed
	}
	return o, err
}

// demoLift is the share of lines, in basis points, that a campaign with a holdout adds to the baskets of its treatment arm in the demo, so that the
// measured lift has a truth to find.
const demoLift = 600

func demoEffects() ([]loadtest.Effect, error) {
	var campaigns []*rules.Campaign
	for _, doc := range rules.Library() {
		c, diags := rules.Parse(doc.Name, doc.Doc)
		if c == nil {
			return nil, fmt.Errorf("campaign %s: %v", doc.Name, diags[0])
		}
		campaigns = append(campaigns, c)
	}
	return effectsOf(campaigns), nil
}
