package schemas

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/pressly/goose/v3"
)

// ClickHouse databases. The raw one is ours and may change; the other holds the views that are the contract with the data team.
const (
	DatabaseRaw   = "cagnotte_raw"
	DatabaseViews = "cagnotte"
	// ReaderRole may read DatabaseViews and nothing else. On the embedded engine it is a user of that name, without a password.
	ReaderRole = "cagnotte_reader"
)

//go:embed clickhouse/*.sql
var migrations embed.FS

// Migration is one step of the ClickHouse schema.
type Migration struct {
	Version   int64
	Name      string
	Applied   bool
	AppliedAt time.Time // zero when not applied
}

// ClickHouseOptions reads an address: host:port of the native protocol, or a DSN, clickhouse://user:password@host:port/?secure=true.
// The connection's database is not set.
func ClickHouseOptions(addr string) (*clickhouse.Options, error) {
	if addr == "" {
		return nil, errors.New("clickhouse address is empty: want host:port or clickhouse://user:password@host:port")
	}
	if !strings.Contains(addr, "://") {
		return &clickhouse.Options{Addr: strings.Split(addr, ","), Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4}}, nil
	}
	opts, err := clickhouse.ParseDSN(addr)
	if err != nil {
		// The driver's error repeats the DSN, and with it the password.
		return nil, errors.New("clickhouse address is not a DSN: want clickhouse://user:password@host:port")
	}
	opts.Auth.Database = ""
	if opts.Compression == nil {
		opts.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	return opts, nil
}

// Migrate brings the ClickHouse at addr (see ClickHouseOptions) to the current schema: databases, tables, views, and the reader's role
// where the server lets us. It is idempotent, and safe to call from several processes at once. nil logs nothing.
func Migrate(ctx context.Context, addr string, logger *slog.Logger) error {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return withProvider(ctx, addr, func(db *sql.DB, p *goose.Provider) error {
		results, err := p.Up(ctx)
		if err != nil {
			return fmt.Errorf("migrate clickhouse: %w", err)
		}
		for _, r := range results {
			logger.Info("clickhouse migrated", "version", r.Source.Version, "file", r.Source.Path, "took", r.Duration)
		}
		createReader(ctx, db, logger)
		return nil
	})
}

// MigrationStatus lists all migrations, and which of them the ClickHouse at addr has.
func MigrationStatus(ctx context.Context, addr string) ([]Migration, error) {
	var out []Migration
	err := withProvider(ctx, addr, func(_ *sql.DB, p *goose.Provider) error {
		status, err := p.Status(ctx)
		if err != nil {
			return fmt.Errorf("migration status of clickhouse: %w", err)
		}
		for _, s := range status {
			out = append(out, Migration{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt})
		}
		return nil
	})
	return out, err
}

// withProvider opens the database that keeps the migrations' own table and calls f.
func withProvider(ctx context.Context, addr string, f func(*sql.DB, *goose.Provider) error) error {
	opts, err := ClickHouseOptions(addr)
	if err != nil {
		return err
	}
	if err := createDatabases(ctx, *opts); err != nil {
		return err
	}
	opts.Auth.Database = DatabaseRaw
	db := clickhouse.OpenDB(opts)
	defer db.Close()
	files, err := fs.Sub(migrations, "clickhouse")
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectClickHouse, db, files)
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	return f(db, p)
}

// minServer is the first ClickHouse that removes repeats in dependent views and merges FINAL over partitions as we need it.
const minMajor, minMinor = 25, 3

func createDatabases(ctx context.Context, opts clickhouse.Options) error {
	conn, err := clickhouse.Open(&opts)
	if err != nil {
		return fmt.Errorf("connect to clickhouse at %v: %w", opts.Addr, err)
	}
	defer conn.Close()
	v, err := conn.ServerVersion()
	if err != nil {
		return fmt.Errorf("connect to clickhouse at %v: %w", opts.Addr, err)
	}
	if v.Version.Major < minMajor || (v.Version.Major == minMajor && v.Version.Minor < minMinor) {
		return fmt.Errorf("clickhouse at %v is %v: need %d.%d or later", opts.Addr, v.Version, minMajor, minMinor)
	}
	for _, name := range []string{DatabaseRaw, DatabaseViews} {
		if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+name); err != nil {
			return fmt.Errorf("create clickhouse database %s: %w", name, err)
		}
	}
	return nil
}

// createReader makes the read-only role. A server whose users are managed elsewhere, such as the embedded engine's, refuses: that is logged
// and no failure, for the tables and views work without it.
func createReader(ctx context.Context, db *sql.DB, logger *slog.Logger) {
	for _, q := range []string{
		"CREATE ROLE IF NOT EXISTS " + ReaderRole,
		"GRANT SELECT ON " + DatabaseViews + ".* TO " + ReaderRole,
		"CREATE SETTINGS PROFILE IF NOT EXISTS " + ReaderRole + " SETTINGS readonly = 2, max_execution_time = 60, max_memory_usage = 4000000000, max_result_rows = 1000000 TO " + ReaderRole,
		"CREATE QUOTA IF NOT EXISTS " + ReaderRole + " FOR INTERVAL 1 minute MAX queries = 1200, execution_time = 120 TO " + ReaderRole,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			logger.Info("clickhouse: no reader role: users are managed elsewhere", "statement", q, "reason", err)
			return
		}
	}
}
