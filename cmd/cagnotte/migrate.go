package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"cagnotte/schemas"
)

// ClickHouseFlags names the ClickHouse to work on.
type ClickHouseFlags struct {
	ClickHouseAddr string `name:"clickhouse-addr" placeholder:"HOST:PORT|DSN" help:"ClickHouse, native protocol: host:port or clickhouse://user:password@host:port/?secure=true (default: that of a dev in this directory, else localhost:9000)."`
}

// addr returns the address to use.
func (f *ClickHouseFlags) addr() string {
	if f.ClickHouseAddr != "" {
		return f.ClickHouseAddr
	}
	if dev := devEndpoints().ClickHouse; dev != "" {
		return dev
	}
	return "localhost:9000"
}

// MigrateCmd brings ClickHouse to the current schema, or says where it stands.
type MigrateCmd struct {
	Up     MigrateUpCmd     `cmd:"" help:"Create or upgrade databases, tables and views. Idempotent."`
	Status MigrateStatusCmd `cmd:"" help:"List the migrations and which of them ClickHouse has."`
}

// Help returns examples.
func (MigrateCmd) Help() string {
	return "Examples:\n  cagnotte migrate up --clickhouse-addr localhost:9000\n  cagnotte migrate status -o json"
}

// MigrateUpCmd is cagnotte migrate up.
type MigrateUpCmd struct {
	ClickHouseFlags `embed:""`
}

// Run applies what is missing.
func (c *MigrateUpCmd) Run(ctx context.Context, g *Globals) error {
	if err := schemas.Migrate(ctx, c.addr(), g.Logger); err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	g.say("ClickHouse has the current schema")
	return nil
}

// MigrateStatusCmd is cagnotte migrate status.
type MigrateStatusCmd struct {
	ClickHouseFlags `embed:""`
}

// migrationRow is the JSON form of one migration.
type migrationRow struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Run lists the migrations.
func (c *MigrateStatusCmd) Run(ctx context.Context, g *Globals) error {
	list, err := schemas.MigrationStatus(ctx, c.addr())
	if err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	rows := make([]migrationRow, len(list))
	for i, m := range list {
		rows[i] = migrationRow(m)
	}
	return g.writeMigrations(rows)
}

func (g *Globals) writeMigrations(rows []migrationRow) error {
	enc := json.NewEncoder(g.Out)
	switch g.format() {
	case "json":
		return enc.Encode(rows)
	case "ndjson":
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(g.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tAPPLIED\tFILE")
	for _, r := range rows {
		applied := "no"
		if r.Applied {
			applied = r.AppliedAt.UTC().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\n", r.Version, applied, r.Name)
	}
	return w.Flush()
}
