package main

import (
	"context"
	"fmt"
	"time"

	"cagnotte/pipeline/money"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// dueMargin is what a timer may be late by: the pipeline keeps its wall clock behind (see pipeline/timers.go).
const dueMargin = 15 * time.Second

// waitSunk returns when the sink has written everything that is in the topics, and no timer is due that would add to it: rewards of years ago
// activate and lapse as soon as they are booked.
func (d *dev) waitSunk(ctx context.Context) error {
	for {
		done, err := sunk(ctx, d.backend.opts, sinkGroup)
		if done && err == nil {
			done, err = d.nothingDue(ctx)
		}
		if err != nil || done {
			return err
		}
		if err := sleep(ctx, drainPoll); err != nil {
			return err
		}
	}
}

func (d *dev) nothingDue(ctx context.Context) (bool, error) {
	var due uint64
	err := withClickHouse(d.backend.clickhouse, func(conn driver.Conn) error {
		return conn.QueryRow(ctx, "SELECT count() FROM cagnotte.balances WHERE next_due_at > toDateTime64(0, 3, 'UTC') AND next_due_at <= $1",
			time.Now().Add(-dueMargin)).Scan(&due)
	})
	if err != nil {
		return false, fmt.Errorf("look for timers that are due: %w", err)
	}
	return due == 0, nil
}

// totals is what ClickHouse holds, through the views that the data team reads.
type totals struct {
	receipts, members, entries uint64
	amount, granted            int64 // minor units
}

func readTotals(ctx context.Context, addr string) (totals, error) {
	var t totals
	err := withClickHouse(addr, func(conn driver.Conn) error {
		err := conn.QueryRow(ctx, "SELECT count(), uniqExactIf(account_id, account_id != ''), sum(amount_minor) FROM cagnotte.receipts").
			Scan(&t.receipts, &t.members, &t.amount)
		if err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT count(), sumIf(amount_minor, kind IN ('EARN', 'REVERSE')) FROM cagnotte.ledger_entries").
			Scan(&t.entries, &t.granted)
	})
	if err != nil {
		return t, fmt.Errorf("read the totals: %w", err)
	}
	return t, nil
}

// reportReplay prints the closing line of a replay.
func (d *dev) reportReplay(ctx context.Context, progress *replayProgress) error {
	t, err := readTotals(ctx, d.backend.clickhouse)
	if err != nil {
		return err
	}
	s, _ := progress.snapshot()
	took := time.Duration(s.Seconds * float64(time.Second)).Round(10 * time.Millisecond)
	cur := d.policy.Currency
	d.g.say("  replay done: %d receipts sent in %v (%.0f/s); in ClickHouse %d receipts of %d members, %s %s; %d ledger entries, %s %s granted",
		s.Sent, took, float64(s.Sent)/max(s.Seconds, 0.001), t.receipts, t.members, money.Amount(t.amount), cur, t.entries, money.Amount(t.granted), cur)
	return nil
}
