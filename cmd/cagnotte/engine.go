package main

import (
	"context"
	"fmt"
	"time"

	"cagnotte/schemas/engine"
)

// EngineCmd runs the embedded ClickHouse by itself, for tools and for looking at the tables of a dev that is not running.
type EngineCmd struct {
	Dir      string `default:".cagnotte/engine" type:"path" help:"Directory of the tables."`
	CacheDir string `type:"path" help:"Where the engine's library is kept (default: the user's cache directory)."`
	TCPPort  int    `name:"tcp-port" default:"9000" help:"Port of the native protocol, 0 for a free one."`
	HTTPPort int    `name:"http-port" default:"8123" help:"Port of HTTP, 0 for a free one."`
	Binary   string `type:"path" help:"A clickhouse executable or libchdb to use instead of looking for one."`
}

// stopWait bounds how long an engine may take to end in order.
const stopWait = 20 * time.Second

// Help returns examples.
func (EngineCmd) Help() string {
	return "Examples:\n  cagnotte engine --dir /var/lib/cagnotte/engine\n  cagnotte migrate up --clickhouse-addr localhost:9000\n  curl 'http://localhost:8123/?query=SELECT+count()+FROM+cagnotte.receipts'"
}

// Run runs the engine until the context ends.
func (c *EngineCmd) Run(ctx context.Context, g *Globals) error {
	e, err := engine.Start(ctx, engine.Options{
		Dir: c.Dir, CacheDir: c.CacheDir, TCPPort: c.TCPPort, HTTPPort: c.HTTPPort, Binary: c.Binary, Progress: g.Err, Logger: g.Logger,
	})
	if err != nil {
		return err
	}
	g.say("ClickHouse: native %s, http://%s, tables in %s; Ctrl-C ends it", e.Addr, e.HTTPAddr, c.Dir)
	select {
	case <-e.Done():
		return fmt.Errorf("the engine ended by itself: see %s", c.Dir)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	return e.Stop(ctx)
}
