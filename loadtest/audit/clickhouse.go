package audit

import (
	"context"
	"fmt"

	"cagnotte/loadtest/wire"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
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

// tables compares the partition's rows in ClickHouse.
func (p *part) tables(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.tableReceipts, p.tableLedger, p.tableBalances, p.tableDead, p.tableDecisions} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *part) tableReceipts(ctx context.Context) error {
	n, seen := int64(0), make(map[string]bool, len(p.expected.Receipts))
	err := p.a.rows(ctx, func(r driver.Rows) error {
		var id string
		var net, offset int64
		if err := r.Scan(&id, &net, &offset); err != nil {
			return err
		}
		n++
		want, there := p.expected.Receipts[id]
		switch {
		case seen[id]:
			p.a.report.differ(Doubled, "clickhouse: receipt stands twice", net, "receipt %s", id)
		case !there:
			p.a.report.differ(Doubled, "clickhouse: receipt that must not be", net, "receipt %s of %d-%d", id, p.number, offset)
		case want.Net != net || want.Offset != offset:
			p.a.report.differ(Cents, "clickhouse: receipt differs", net-want.Net, "receipt %s: %d at offset %d, must be %d at offset %d", id, net, offset, want.Net, want.Offset)
		}
		seen[id] = true
		return nil
	}, "SELECT receipt_id, total_minor, _offset FROM cagnotte_raw.receipts FINAL WHERE _partition = ?", p.number)
	if err != nil {
		return err
	}
	p.a.report.saw("clickhouse: receipts", n)
	for id, want := range p.expected.Receipts {
		if !seen[id] {
			p.a.report.differ(Lost, "clickhouse: receipt missing", want.Net, "receipt %s of %d-%d", id, p.number, want.Offset)
		}
	}
	return nil
}

const ledgerColumns = `account_id, toInt64(seq), toString(kind), amount_minor, pending_after_minor, available_after_minor, toString(campaign), campaign_version,
 receipt_id, toString(store_id), toUnixTimestamp64Milli(at), toUnixTimestamp64Milli(active_from), toUnixTimestamp64Milli(expires_at), toString(reason),
 arrayMap(x -> toString(x), postings.book), postings.party, postings.amount_minor`

// tableLedger compares every entry, all of its columns, with the one in Kafka.
func (p *part) tableLedger(ctx context.Context) error {
	n, counts := int64(0), map[string]int64{}
	err := p.a.rows(ctx, func(r driver.Rows) error {
		account, e, err := scanEntry(r)
		if err != nil {
			return err
		}
		n++
		counts[account]++
		b := p.books[account]
		switch {
		case b == nil || e.Seq > int64(len(b.digests)) || e.Seq < 1:
			p.a.report.differ(Doubled, "clickhouse: entry that must not be", e.Amount, "account %s entry %d", account, e.Seq)
		case b.digests[e.Seq-1] != digestEntry(e):
			p.a.report.differ(Cents, "clickhouse: entry differs", 0, "account %s entry %d is not the one in Kafka: %+v", account, e.Seq, *e)
		}
		return nil
	}, "SELECT "+ledgerColumns+" FROM cagnotte_raw.ledger_entries FINAL WHERE _partition = ?", p.number)
	if err != nil {
		return err
	}
	p.a.report.saw("clickhouse: ledger entries", n)
	for id, b := range p.books {
		switch want := int64(len(b.digests)); {
		case counts[id] < want:
			p.a.report.differ(Lost, "clickhouse: entries missing", 0, "account %s has %d of %d entries", id, counts[id], want)
		case counts[id] > want:
			p.a.report.differ(Doubled, "clickhouse: entries doubled", 0, "account %s has %d entries, must have %d", id, counts[id], want)
		}
	}
	return nil
}

func scanEntry(r driver.Rows) (account string, e *wire.Entry, err error) {
	e = &wire.Entry{}
	var books, parties []string
	var amounts []int64
	err = r.Scan(&account, &e.Seq, &e.Kind, &e.Amount, &e.PendingAfter, &e.AvailableAfter, &e.Campaign, &e.Version, &e.Receipt, &e.Shop, &e.At, &e.ActiveFrom,
		&e.ExpiresAt, &e.Reason, &books, &parties, &amounts)
	for i := range min(len(books), len(parties), len(amounts)) {
		e.Postings = append(e.Postings, wire.Posting{Book: books[i], Party: parties[i], Amount: amounts[i]})
	}
	return account, e, err
}

func (p *part) tableBalances(ctx context.Context) error {
	n, seen := int64(0), map[string]bool{}
	err := p.a.rows(ctx, func(r driver.Rows) error {
		var id string
		var b balance
		if err := r.Scan(&id, &b.seq, &b.pending, &b.available, &b.lifetime); err != nil {
			return err
		}
		n++
		want := balance{}
		if k := p.books[id]; k != nil {
			want = k.balance
		}
		if seen[id] {
			p.a.report.differ(Doubled, "clickhouse: balance stands twice", 0, "account %s", id)
		}
		seen[id] = true
		p.a.sameBalance("clickhouse", id, want, b, true, true)
		return nil
	}, "SELECT account_id, toInt64(version), pending_minor, available_minor, lifetime_earned_minor FROM cagnotte_raw.balances FINAL WHERE _partition = ?", p.number)
	if err != nil {
		return err
	}
	p.a.report.saw("clickhouse: balances", n)
	for id, b := range p.books {
		if !seen[id] {
			p.a.sameBalance("clickhouse", id, b.balance, balance{}, false, true)
		}
	}
	return nil
}

func (p *part) tableDead(ctx context.Context) error {
	got := map[int64]deadLetter{}
	err := p.a.rows(ctx, func(r driver.Rows) error {
		var offset int64
		var d deadLetter
		var value string
		if err := r.Scan(&offset, &d.code, &value); err != nil {
			return err
		}
		d.hash = hashText(value)
		if _, twice := got[offset]; twice {
			p.a.report.differ(Doubled, "clickhouse: dead letter stands twice", 0, "receipt offset %d-%d", p.number, offset)
		}
		got[offset] = d
		return nil
	}, "SELECT offset, toString(code), value FROM cagnotte_raw.dead_letters FINAL WHERE topic = ? AND partition = ?", topicReceipts, p.number)
	if err != nil {
		return err
	}
	p.a.report.saw("clickhouse: dead letters", int64(len(got)))
	p.compareDead("clickhouse", got)
	return nil
}

// tableDecisions compares what the decisions say was granted, receipt by receipt and campaign by campaign.
func (p *part) tableDecisions(ctx context.Context) error {
	want := map[moveKey]int64{}
	for _, acct := range p.expected.Accounts {
		for _, m := range acct.Movements {
			want[moveKey{m.Receipt, m.Campaign}] = m.Amount
		}
	}
	n := int64(0)
	err := p.a.rows(ctx, func(r driver.Rows) error {
		var k moveKey
		var granted int64
		if err := r.Scan(&k.receipt, &k.campaign, &granted); err != nil {
			return err
		}
		n++
		if w, there := want[k]; !there || w != granted {
			p.a.report.differ(Cents, "clickhouse: decision differs", granted-w, "receipt %s and campaign %s: granted %d, must be %d", k.receipt, k.campaign, granted, w)
		}
		delete(want, k)
		return nil
	}, `SELECT receipt_id, toString(c), g FROM cagnotte_raw.decisions FINAL ARRAY JOIN results.campaign AS c, results.granted_minor AS g WHERE g != 0 AND input_partition = ?`, p.number)
	if err != nil {
		return err
	}
	p.a.report.saw("clickhouse: decisions with a reward", n)
	for k, w := range want {
		p.a.report.differ(Lost, "clickhouse: decision missing", w, "receipt %s and campaign %s: granted %d", k.receipt, k.campaign, w)
	}
	return nil
}
