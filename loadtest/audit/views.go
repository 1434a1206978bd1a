package audit

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"
)

func hashText(s string) uint64 { return xxhash.Sum64String(s) }

// views compares what the data team reads. The views add nothing to the tables but names and filters, so sums tell whether they are right; ledger and
// balances are compared by account.
func (a *auditor) views(ctx context.Context) error {
	t := &a.totals
	if err := a.sum(ctx, "view receipts", t.receipts, t.receiptNet, "SELECT toInt64(count()), toInt64(sum(amount_minor)) FROM cagnotte.receipts"); err != nil {
		return err
	}
	if err := a.sum(ctx, "view ledger_entries", t.entries, t.entrySum, "SELECT toInt64(count()), toInt64(sumIf(amount_minor, kind NOT IN ('ACTIVATE', 'COMMIT') AND wallet = '')) FROM cagnotte.ledger_entries"); err != nil {
		return err
	}
	granted := int64(0)
	for _, v := range t.decided {
		granted += v
	}
	if err := a.sum(ctx, "view decisions", t.movements, granted, "SELECT toInt64(countIf(granted_minor != 0)), toInt64(sum(granted_minor)) FROM cagnotte.decisions"); err != nil {
		return err
	}
	if err := a.sum(ctx, "view dead_letters", t.dead, 0, "SELECT toInt64(count()), toInt64(0) FROM cagnotte.dead_letters WHERE topic = '"+topicReceipts+"' AND value_bytes = length(base64Decode(value_base64))"); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{a.viewCampaigns, a.viewLedger, a.viewBalances, a.viewMinutes} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sum compares a count and a sum of money.
func (a *auditor) sum(ctx context.Context, what string, count, minor int64, query string) error {
	return a.rows(ctx, func(r driver.Rows) error {
		var n, sum int64
		if err := r.Scan(&n, &sum); err != nil {
			return err
		}
		a.report.saw(what, n)
		switch {
		case n < count:
			a.report.differ(Lost, what+": rows", 0, "%d rows, must be %d", n, count)
		case n > count:
			a.report.differ(Doubled, what+": rows", 0, "%d rows, must be %d", n, count)
		}
		if sum != minor {
			a.report.differ(Cents, what+": sum", sum-minor, "%d minor units, must be %d", sum, minor)
		}
		return nil
	}, query)
}

// viewCampaigns compares rewards and ghosts by campaign.
func (a *auditor) viewCampaigns(ctx context.Context) error {
	got := map[string][2]int64{}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var granted, ghost int64
		if err := r.Scan(&id, &granted, &ghost); err != nil {
			return err
		}
		got[id] = [2]int64{granted, ghost}
		return nil
	}, "SELECT campaign, toInt64(sum(granted_minor)), toInt64(sumIf(desired_minor, arm = 'HOLDOUT')) FROM cagnotte.decisions GROUP BY campaign")
	if err != nil {
		return err
	}
	for _, id := range a.o.Campaigns.IDs() {
		want := [2]int64{a.totals.decided[id], a.totals.ghosts[id]}
		a.report.saw("campaigns", 1)
		if got[id] != want {
			a.report.differ(Cents, "view decisions: campaign", got[id][0]-want[0], "campaign %s: granted %d, ghost %d; must be %d, %d", id, got[id][0], got[id][1], want[0], want[1])
		}
	}
	return nil
}

// viewLedger compares the sum of every account's entries.
func (a *auditor) viewLedger(ctx context.Context) error {
	left := make(map[string]bool, len(a.last))
	for id := range a.last {
		left[id] = true
	}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var n, sum int64
		if err := r.Scan(&id, &n, &sum); err != nil {
			return err
		}
		delete(left, id)
		if want := a.last[id]; n != want.seq || sum != want.pending+want.available {
			a.report.differ(Cents, "view ledger_entries: account", sum-want.pending-want.available, "account %s: %d entries of %d, must be %d of %d", id, n, sum, want.seq, want.pending+want.available)
		}
		return nil
	}, "SELECT account_id, toInt64(count()), toInt64(sumIf(amount_minor, kind NOT IN ('ACTIVATE', 'COMMIT') AND wallet = '')) FROM cagnotte.ledger_entries GROUP BY account_id")
	for id := range left {
		a.report.differ(Lost, "view ledger_entries: account missing", 0, "account %s", id)
	}
	return err
}

func (a *auditor) viewBalances(ctx context.Context) error {
	left := make(map[string]bool, len(a.last))
	for id := range a.last {
		left[id] = true
	}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var got balance
		if err := r.Scan(&id, &got.pending, &got.available, &got.lifetime); err != nil {
			return err
		}
		delete(left, id)
		want := a.last[id]
		got.seq = want.seq
		a.sameBalance("view balances", id, want, got, true, true)
		return nil
	}, "SELECT account_id, pending_minor, available_minor, lifetime_earned_minor FROM cagnotte.balances")
	for id := range left {
		a.report.differ(Lost, "view balances: account missing", 0, "account %s", id)
	}
	return err
}

// viewMinutes compares the counters that the live page shows, by campaign: they come from the metrics topic, on another way than the decisions.
func (a *auditor) viewMinutes(ctx context.Context) error {
	got := map[string]int64{}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var granted int64
		if err := r.Scan(&id, &granted); err != nil {
			return err
		}
		got[id] = granted
		return nil
	}, "SELECT campaign, toInt64(sum(granted_minor) - sum(reversed_minor)) FROM cagnotte.campaign_minutes GROUP BY campaign")
	if err != nil {
		return err
	}
	for _, id := range a.o.Campaigns.IDs() {
		if want := a.totals.decided[id]; got[id] != want {
			a.report.differ(Cents, "view campaign_minutes: campaign", got[id]-want, "campaign %s: %d granted less reversed, must be %d", id, got[id], want)
		}
	}
	return a.counters(ctx)
}

// counters compares what the commits counted.
func (a *auditor) counters(ctx context.Context) error {
	t := &a.totals
	return a.rows(ctx, func(r driver.Rows) error {
		var duplicates, rejected, forwarded int64
		if err := r.Scan(&duplicates, &rejected, &forwarded); err != nil {
			return err
		}
		for _, c := range []struct {
			name      string
			got, want int64
		}{{"duplicates", duplicates, t.duplicates}, {"rejected", rejected, t.dead}, {"forwarded", forwarded, int64(len(a.moved))}} {
			a.report.saw("counter "+c.name, c.got)
			if c.got != c.want {
				a.report.differ(Other, "metrics: counter", 0, "%s: %d counted, must be %d", c.name, c.got, c.want)
			}
		}
		return nil
	}, "SELECT toInt64(sum(duplicates)), toInt64(sum(rejected)), toInt64(sum(forwarded)) FROM cagnotte_raw.metric_batches FINAL")
}
