package audit

import (
	"context"
	"fmt"

	"cagnotte/loadtest/wire"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"
)

// rows runs a query and hands every row to fn.
func (a *auditor) rows(ctx context.Context, fn func(driver.Rows) error, query string, args ...any) error {
	rows, err := a.o.ClickHouse.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("clickhouse: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return fmt.Errorf("clickhouse: %w", err)
		}
	}
	return rows.Err()
}

// tables compares the rows in ClickHouse, table by table: FINAL reads a whole table, so each is read once, for all partitions.
func (a *auditor) tables(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(a.o.Parallel)
	for _, table := range []func(context.Context) error{a.tableLedger, a.tableReceipts, a.tableDecisions, a.tableBalances, a.tableDead} {
		group.Go(func() error { return table(ctx) })
	}
	return group.Wait()
}

// part finds the partition that a row names; a row of none is a difference.
func (a *auditor) part(number int32, row string) *part {
	if number < 0 || int(number) >= len(a.parts) {
		a.report.differ(Other, "clickhouse: row of no partition", 0, "%s names partition %d", row, number)
		return nil
	}
	return a.parts[number]
}

func (a *auditor) tableReceipts(ctx context.Context) error {
	n, seen := int64(0), map[string]bool{}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var net, offset int64
		var number int32
		if err := r.Scan(&id, &net, &offset, &number); err != nil {
			return err
		}
		n++
		if p := a.part(number, "receipt "+id); p != nil {
			p.receiptRow(id, net, offset, seen[id])
		}
		seen[id] = true
		return nil
	}, "SELECT receipt_id, total_minor, _offset, _partition FROM cagnotte_raw.receipts FINAL")
	if err != nil {
		return err
	}
	a.report.saw("clickhouse: receipts", n)
	for _, p := range a.parts {
		for id, want := range p.expected.Receipts {
			if !seen[id] {
				a.report.differ(Lost, "clickhouse: receipt missing", want.Net, "receipt %s of %d-%d", id, p.number, want.Offset)
			}
		}
	}
	return nil
}

func (p *part) receiptRow(id string, net, offset int64, again bool) {
	want, there := p.expected.Receipts[id]
	switch {
	case again:
		p.a.report.differ(Doubled, "clickhouse: receipt stands twice", net, "receipt %s", id)
	case !there:
		p.a.report.differ(Doubled, "clickhouse: receipt that must not be", net, "receipt %s of %d-%d", id, p.number, offset)
	case want.Net != net || want.Offset != offset:
		p.a.report.differ(Cents, "clickhouse: receipt differs", net-want.Net, "receipt %s: %d at offset %d, must be %d at offset %d", id, net, offset, want.Net, want.Offset)
	}
}

const ledgerColumns = `_partition, account_id, toInt64(seq), toString(kind), amount_minor, pending_after_minor, available_after_minor, toString(campaign), campaign_version,
 receipt_id, toString(store_id), toUnixTimestamp64Milli(at), toUnixTimestamp64Milli(active_from), toUnixTimestamp64Milli(expires_at), toString(reason),
 arrayMap(x -> toString(x), postings.book), postings.party, postings.amount_minor, toString(wallet), reference`

// tableLedger compares every entry, all of its columns, with the one in Kafka.
func (a *auditor) tableLedger(ctx context.Context) error {
	n, counts := int64(0), map[string]int64{}
	err := a.rows(ctx, func(r driver.Rows) error {
		number, account, e, err := scanEntry(r)
		if err != nil {
			return err
		}
		n++
		counts[account]++
		if p := a.part(number, "entry of "+account); p != nil {
			p.entryRow(account, e)
		}
		return nil
	}, "SELECT "+ledgerColumns+" FROM cagnotte_raw.ledger_entries FINAL")
	if err != nil {
		return err
	}
	a.report.saw("clickhouse: ledger entries", n)
	for id, b := range a.last {
		switch {
		case counts[id] < b.seq:
			a.report.differ(Lost, "clickhouse: entries missing", 0, "account %s has %d of %d entries", id, counts[id], b.seq)
		case counts[id] > b.seq:
			a.report.differ(Doubled, "clickhouse: entries doubled", 0, "account %s has %d entries, must have %d", id, counts[id], b.seq)
		}
	}
	return nil
}

func (p *part) entryRow(account string, e *wire.Entry) {
	b := p.books[account]
	switch {
	case b == nil || e.Seq > int64(len(b.digests)) || e.Seq < 1:
		p.a.report.differ(Doubled, "clickhouse: entry that must not be", e.Amount, "account %s entry %d", account, e.Seq)
	case b.digests[e.Seq-1] != digestEntry(e):
		p.a.report.differ(Cents, "clickhouse: entry differs", 0, "account %s entry %d is not the one in Kafka: %+v", account, e.Seq, *e)
	}
}

func scanEntry(r driver.Rows) (number int32, account string, e *wire.Entry, err error) {
	e = &wire.Entry{}
	var books, parties []string
	var amounts []int64
	err = r.Scan(&number, &account, &e.Seq, &e.Kind, &e.Amount, &e.PendingAfter, &e.AvailableAfter, &e.Campaign, &e.Version, &e.Receipt, &e.Shop, &e.At, &e.ActiveFrom,
		&e.ExpiresAt, &e.Reason, &books, &parties, &amounts, &e.Wallet, &e.Reference)
	for i := range min(len(books), len(parties), len(amounts)) {
		e.Postings = append(e.Postings, wire.Posting{Book: books[i], Party: parties[i], Amount: amounts[i]})
	}
	return number, account, e, err
}

func (a *auditor) tableBalances(ctx context.Context) error {
	n, seen := int64(0), map[string]bool{}
	err := a.rows(ctx, func(r driver.Rows) error {
		var id string
		var b balance
		if err := r.Scan(&id, &b.seq, &b.pending, &b.available, &b.lifetime); err != nil {
			return err
		}
		n++
		if seen[id] {
			a.report.differ(Doubled, "clickhouse: balance stands twice", 0, "account %s", id)
		}
		seen[id] = true
		a.sameBalance("clickhouse", id, a.last[id], b, true, true)
		return nil
	}, "SELECT account_id, toInt64(version), pending_minor, available_minor, lifetime_earned_minor FROM cagnotte_raw.balances FINAL")
	if err != nil {
		return err
	}
	a.report.saw("clickhouse: balances", n)
	for id, b := range a.last {
		if !seen[id] {
			a.sameBalance("clickhouse", id, b, balance{}, false, true)
		}
	}
	return nil
}

func (a *auditor) tableDead(ctx context.Context) error {
	got := make([]map[int64]deadLetter, len(a.parts))
	for i := range got {
		got[i] = map[int64]deadLetter{}
	}
	n := int64(0)
	err := a.rows(ctx, func(r driver.Rows) error {
		var offset int64
		var number int32
		var d deadLetter
		var value string
		if err := r.Scan(&number, &offset, &d.code, &value); err != nil {
			return err
		}
		n++
		if a.part(number, "dead letter") == nil {
			return nil
		}
		d.hash = hashText(value)
		if _, twice := got[number][offset]; twice {
			a.report.differ(Doubled, "clickhouse: dead letter stands twice", 0, "receipt offset %d-%d", number, offset)
		}
		got[number][offset] = d
		return nil
	}, "SELECT partition, offset, toString(code), value FROM cagnotte_raw.dead_letters FINAL WHERE topic = ?", topicReceipts)
	if err != nil {
		return err
	}
	a.report.saw("clickhouse: dead letters", n)
	for i, p := range a.parts {
		p.compareDead("clickhouse", got[i])
	}
	return nil
}

// tableDecisions compares what the decisions say was granted, receipt by receipt and campaign by campaign.
func (a *auditor) tableDecisions(ctx context.Context) error {
	want := map[moveKey]int64{}
	for _, p := range a.parts {
		for _, acct := range p.expected.Accounts {
			for _, m := range acct.Movements {
				want[moveKey{m.Receipt, m.Campaign}] = m.Amount
			}
		}
	}
	n := int64(0)
	err := a.rows(ctx, func(r driver.Rows) error {
		var k moveKey
		var granted int64
		if err := r.Scan(&k.receipt, &k.campaign, &granted); err != nil {
			return err
		}
		n++
		if w, there := want[k]; !there || w != granted {
			a.report.differ(Cents, "clickhouse: decision differs", granted-w, "receipt %s and campaign %s: granted %d, must be %d", k.receipt, k.campaign, granted, w)
		}
		delete(want, k)
		return nil
	}, `SELECT receipt_id, toString(c), g FROM cagnotte_raw.decisions FINAL ARRAY JOIN results.campaign AS c, results.granted_minor AS g WHERE g != 0`)
	if err != nil {
		return err
	}
	a.report.saw("clickhouse: decisions with a reward", n)
	for k, w := range want {
		a.report.differ(Lost, "clickhouse: decision missing", w, "receipt %s and campaign %s: granted %d", k.receipt, k.campaign, w)
	}
	return nil
}
