package main

import (
	"context"
	"fmt"
	"time"

	"cagnotte/dashboards"
)

// DashCmd serves the live pages. Several may run at once: each follows the metrics topic for itself.
type DashCmd struct {
	Listen         string `default:"localhost:8080" help:"Address of the pages. Port 0 takes a free one." placeholder:"HOST:PORT"`
	ClickHouseAddr string `name:"clickhouse-addr" help:"ClickHouse, native protocol: host:port or clickhouse://user:password@host:port. Without it the pages show live figures only." placeholder:"HOST:PORT"`
	TimeZone       string `name:"time-zone" help:"Zone in which days begin, such as Europe/Paris (default: the machine's)." placeholder:"ZONE"`
	Currency       string `default:"EUR" help:"Currency of all amounts, ISO 4217."`
	Fixture        bool   `help:"Show canned data: needs neither Kafka nor ClickHouse."`
}

// Run serves until ctx ends.
func (c *DashCmd) Run(ctx context.Context, g *Globals) error {
	opts, err := c.options(ctx, g)
	if err != nil {
		return err
	}
	server, err := dashboards.New(opts)
	if err != nil {
		return exitf(ExitFailed, "%w", err)
	}
	fmt.Fprintf(g.Err, "pages on http://%s\n", server.Addr())
	return server.Run(ctx)
}

// options turns flags into the server's options; with --fixture nothing is connected to.
func (c *DashCmd) options(ctx context.Context, g *Globals) (dashboards.Options, error) {
	opts := dashboards.Options{Listen: c.Listen, ClickHouseAddr: c.ClickHouseAddr, Currency: c.Currency, Fixture: c.Fixture, Logger: g.Logger}
	if c.TimeZone != "" {
		zone, err := time.LoadLocation(c.TimeZone)
		if err != nil {
			return opts, exitf(ExitUsage, "--time-zone %q: %w", c.TimeZone, err)
		}
		opts.Location = zone
	}
	if c.Fixture {
		return opts, nil
	}
	var err error
	if opts.Codec, err = g.NewCodec(ctx); err != nil {
		return opts, err
	}
	opts.Brokers = g.Brokers
	opts.ClientOpts, err = g.ClientOpts()
	return opts, err
}
