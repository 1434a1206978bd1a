package dashboards

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/singleflight"
)

//go:embed queries/*.sql
var queryFiles embed.FS

const (
	maxQueries   = 3 // at once, for all viewers together
	queryTimeout = 8 * time.Second
)

// reader runs the named queries of queries/ on ClickHouse: a few at a time, each with a time limit, and callers that ask the same at the same
// time share one answer. Safe for concurrent use.
type reader struct {
	conn   driver.Conn
	named  map[string]string
	slots  chan struct{}
	flight singleflight.Group
	told   func(name string, took time.Duration, err error)
}

// openReader reads the queries and prepares connections; nothing is dialled before the first query.
func openReader(addr string, told func(string, time.Duration, error)) (*reader, error) {
	named, err := loadQueries()
	if err != nil {
		return nil, err
	}
	opts, err := schemas.ClickHouseOptions(addr)
	if err != nil {
		return nil, err
	}
	opts.DialTimeout, opts.ReadTimeout = 3*time.Second, queryTimeout+2*time.Second
	opts.MaxOpenConns, opts.MaxIdleConns = maxQueries, maxQueries
	opts.Settings = clickhouse.Settings{
		"readonly": 2, "max_execution_time": int(queryTimeout / time.Second), "max_threads": 2, "max_result_rows": 100_000,
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	return &reader{conn: conn, named: named, slots: make(chan struct{}, maxQueries), told: told}, nil
}

// loadQueries returns the embedded queries by file name without its ending.
func loadQueries() (map[string]string, error) {
	names, err := fs.Glob(queryFiles, "queries/*.sql")
	if err != nil {
		return nil, fmt.Errorf("embedded queries: %w", err)
	}
	named := make(map[string]string, len(names))
	for _, name := range names {
		text, err := queryFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("embedded queries: %w", err)
		}
		named[strings.TrimSuffix(path.Base(name), ".sql")] = string(text)
	}
	return named, nil
}

func (r *reader) close() { _ = r.conn.Close() } // nothing is written through it

// params are a query's parameters, by name. Values are sent beside the text, never inside it.
type params = clickhouse.Parameters

// read runs a named query and scans all rows into dst, a pointer to a slice of structs with `ch` tags. Callers with the same name and
// parameters at the same time share one run and must not change what they get.
func read[T any](ctx context.Context, r *reader, name string, p params) ([]T, error) {
	key := name + fmt.Sprint(p) // maps print in key order
	result := r.flight.DoChan(key, func() (any, error) { return run[T](r, name, p) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("query %s: %w", name, ctx.Err())
	case got := <-result:
		if got.Err != nil {
			return nil, fmt.Errorf("query %s: %w", name, got.Err)
		}
		return got.Val.([]T), nil
	}
}

// run waits for a slot and asks. It has its own time limit, because its answer may be for several callers.
func run[T any](r *reader, name string, p params) (rows []T, err error) {
	text, ok := r.named[name]
	if !ok {
		return nil, fmt.Errorf("no file queries/%s.sql", name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout+time.Second)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for one of %d slots: %w", maxQueries, ctx.Err())
	}
	began := time.Now()
	err = r.conn.Select(clickhouse.Context(ctx, clickhouse.WithParameters(p)), &rows, text)
	if r.told != nil {
		r.told(name, time.Since(began), err)
	}
	return rows, err
}
