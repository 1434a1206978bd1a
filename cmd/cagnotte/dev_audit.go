package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// auditWait bounds how long a start after a kill waits for the backlog before it looks at the books.
const auditWait = 20 * time.Second

// auditAfterKill checks, once what was in the topics has been processed and copied, that nothing was lost or doubled: each account's entries are
// numbered without holes, and its balance is its last entry's. It runs before anything new comes in; only timers may fire meanwhile, whose entries
// and balances reach ClickHouse one after the other, so a difference counts only when it stays.
func (d *dev) auditAfterKill(ctx context.Context) error {
	if !d.dir.unclean {
		return nil
	}
	begun := time.Now()
	waitCtx, cancel := context.WithTimeout(ctx, auditWait)
	defer cancel()
	var b books
	for first := true; first || b.holes+b.differ > 0; first = false {
		err := d.caughtUp(waitCtx)
		if err == nil {
			b, err = readBooks(waitCtx, d.backend.clickhouse)
		}
		if err != nil && waitCtx.Err() == nil {
			return err
		}
		if err := sleep(waitCtx, drainPoll); err != nil {
			return d.auditEnded(ctx, b)
		}
	}
	d.life.started("audit", fmt.Sprintf("%d accounts, %d entries: all books agree", b.accounts, b.entries), begun)
	return nil
}

// auditEnded says what it means that the time is over.
func (d *dev) auditEnded(ctx context.Context, b books) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if b.holes+b.differ == 0 {
		d.g.say("  audit      left out: the backlog needs longer than %v", auditWait)
		return nil
	}
	return exitf(ExitFailed, "audit after the kill: of %d accounts, %d have holes or repeats in their entries and %d a balance that is not their last entry's; keep %s and report it",
		b.accounts, b.holes, b.differ, d.dir.path)
}

// caughtUp returns when the pipeline has processed the receipts topic and ClickHouse has all that followed.
func (d *dev) caughtUp(ctx context.Context) error {
	for {
		done, err := d.idle(ctx)
		if done || (err != nil && ctx.Err() == nil) {
			return err
		}
		if err := sleep(ctx, drainPoll); err != nil {
			return err
		}
	}
}

func (d *dev) idle(ctx context.Context) (bool, error) {
	cl, err := kgo.NewClient(d.backend.opts...)
	if err != nil {
		return false, fmt.Errorf("look at the backlog: %w", err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, schemas.TopicReceipts)
	if err != nil {
		return false, fmt.Errorf("look at the backlog: %w", err)
	}
	rest := map[string]map[int32]kgo.Offset{schemas.TopicReceipts: {}}
	next := d.drain.positions()
	ends.Each(func(end kadm.ListedOffset) {
		if at := next[end.Partition]; at < end.Offset {
			rest[end.Topic][end.Partition] = kgo.NewOffset().At(at)
		}
	})
	if waiting, err := anyRecord(ctx, d.backend.opts, rest, ends); waiting || err != nil {
		return false, err
	}
	return sunk(ctx, d.backend.opts, sinkGroup)
}

// books are what the audit counts.
type books struct{ accounts, entries, holes, differ uint64 }

const booksQuery = `
SELECT count(), sum(l.entries), countIf(l.entries != l.last OR l.distinct != l.entries),
       countIf(b.version != l.last OR b.pending_minor != l.pending OR b.available_minor != l.available)
FROM (
    SELECT account_id, count() AS entries, uniqExact(seq) AS distinct, max(seq) AS last,
           argMaxIf(pending_after_minor, seq, wallet = '') AS pending, argMaxIf(available_after_minor, seq, wallet = '') AS available
    FROM cagnotte.ledger_entries GROUP BY account_id
) AS l
LEFT JOIN cagnotte.balances AS b USING (account_id)`

func readBooks(ctx context.Context, addr string) (books, error) {
	var b books
	err := withClickHouse(addr, func(conn driver.Conn) error {
		return conn.QueryRow(ctx, booksQuery).Scan(&b.accounts, &b.entries, &b.holes, &b.differ)
	})
	if err != nil {
		return b, fmt.Errorf("audit: %w", err)
	}
	return b, nil
}

// withClickHouse calls fn with a connection.
func withClickHouse(addr string, fn func(driver.Conn) error) error {
	opts, err := schemas.ClickHouseOptions(addr)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return err
	}
	return errors.Join(fn(conn), conn.Close())
}
