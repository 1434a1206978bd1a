package audit

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"
	"cagnotte/schemas"
	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) {
	engine.HostIfChild()
	os.Exit(m.Run())
}

// copyist puts into ClickHouse what stands in Kafka, as a sink must.
type copyist struct {
	*world
	conn driver.Conn
}

func (c *copyist) insert(table string, columns string, rows [][]any) {
	c.t.Helper()
	batch, err := c.conn.PrepareBatch(context.Background(), "INSERT INTO cagnotte_raw."+table+" ("+columns+")")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, row := range rows {
		if err := batch.Append(row...); err != nil {
			c.t.Fatal(table, err)
		}
	}
	if err := batch.Send(); err != nil {
		c.t.Fatal(table, err)
	}
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func (c *copyist) copyAll() {
	a := &auditor{o: c.options(), report: NewReport()}
	for p := range int32(partitions) {
		c.receipts(a, p)
		c.ledgers(a, p)
		c.deadLetters(a, p)
	}
}

// receipts also writes what depends on them: decisions and counters.
func (c *copyist) receipts(a *auditor, p int32) {
	e, _ := c.replay(a, p)
	var receipts, decisions [][]any
	for id, s := range e.Receipts {
		training := uint8(0)
		if s.Training {
			training = 1
		}
		receipts = append(receipts, []any{id, training, at(1_700_000_000_000), s.Net, p, s.Offset})
	}
	c.insert("receipts", "receipt_id, training, ended_at, total_minor, _partition, _offset", receipts)
	given, taken := map[string]int64{}, map[string]int64{}
	for _, acct := range e.Accounts {
		byReceipt := map[string][]model.Movement{}
		for _, m := range acct.Movements {
			given[m.Campaign] += max(m.Amount, 0)
			taken[m.Campaign] += max(-m.Amount, 0)
			byReceipt[m.Receipt] = append(byReceipt[m.Receipt], m)
		}
		for id, list := range byReceipt {
			decisions = append(decisions, decision(id, p, "TREATMENT", list))
		}
	}
	for campaign, ghost := range e.Ghosts {
		row := decision(fmt.Sprintf("ghosts of %s %d", campaign, p), p, "HOLDOUT", []model.Movement{{Campaign: campaign}})
		row[6] = []int64{ghost}
		decisions = append(decisions, row)
	}
	c.insert("decisions", "receipt_id, input_partition, `results.campaign`, `results.campaign_version`, `results.arm`, `results.outcome`, `results.desired_minor`, `results.granted_minor`, `results.basis_minor`, `results.capped_by`, `results.period`, `results.active_from`, `results.expires_at`, `results.funding_party`, `results.funding_rate_ppm`, `results.step_node`, `results.step_code`, `results.step_passed`, `results.step_unit`, `results.step_observed`, `results.step_expected`, `results.step_observed_text`, `results.step_expected_text`", decisions)
	c.counters(p, given, taken, e.Duplicates, int64(len(e.Dead)), int64(len(e.Moved)))
}

// decision is a row with as many results as there are movements; what the audit does not read is empty.
func decision(id string, p int32, arm string, list []model.Movement) []any {
	n := len(list)
	campaigns, arms, granted := make([]string, n), make([]string, n), make([]int64, n)
	for i, m := range list {
		campaigns[i], arms[i], granted[i] = m.Campaign, arm, m.Amount
	}
	texts, numbers, ints, times := make([]string, n), make([]int64, n), make([]int32, n), make([]time.Time, n)
	for i := range times {
		times[i] = at(0)
	}
	deepTexts, deepNumbers, deepFlags := make([][]string, n), make([][]int64, n), make([][]uint8, n)
	return []any{id, p, campaigns, ints, arms, texts, numbers, granted, numbers, texts, ints, times, times, deepTexts, deepNumbers,
		deepTexts, deepTexts, deepFlags, deepTexts, deepNumbers, deepNumbers, deepTexts, deepTexts}
}

func (c *copyist) counters(p int32, given, taken map[string]int64, duplicates, rejected, forwarded int64) {
	var ids []string
	var granted, reversed []int64
	for id := range given {
		ids, granted, reversed = append(ids, id), append(granted, given[id]), append(reversed, taken[id])
	}
	zeros := make([]int64, len(ids))
	arms, minutes, versions, squares := make([]string, len(ids)), make([]time.Time, len(ids)), make([]int32, len(ids)), make([]float64, len(ids))
	for i := range ids {
		arms[i], minutes[i] = "TREATMENT", at(0)
	}
	c.insert("metric_batches", "task_partition, counter, duplicates, rejected, forwarded, `cells.campaign`, `cells.campaign_version`, `cells.arm`, `cells.minute`, `cells.considered`, `cells.qualified`, `cells.rewarded`, `cells.basket_sum_minor`, `cells.basket_sum_sq`, `cells.granted_minor`, `cells.reversed_minor`, `cells.ghost_minor`",
		[][]any{{p, int64(1), duplicates, rejected, forwarded, ids, versions, arms, minutes, zeros, zeros, zeros, zeros, squares, granted, reversed, zeros}})
}

// ledgers copies entries and the balances that follow from them.
func (c *copyist) ledgers(a *auditor, p int32) {
	var entries, balances [][]any
	last := map[string]wire.Balance{}
	err := a.each(context.Background(), schemas.TopicLedger, p, func(r *kgo.Record) error {
		var rec wire.Ledger
		if err := a.o.Reader.Decode(r.Value, &rec); err != nil {
			return err
		}
		for _, e := range rec.Entries {
			var books, parties []string
			var amounts []int64
			for _, x := range e.Postings {
				books, parties, amounts = append(books, x.Book), append(parties, x.Party), append(amounts, x.Amount)
			}
			entries = append(entries, []any{rec.Account, uint64(e.Seq), e.Kind, e.Amount, e.PendingAfter, e.AvailableAfter, e.Campaign, e.Version, e.Receipt, e.Shop, at(e.At),
				at(e.ActiveFrom), at(e.ExpiresAt), e.Reason, books, parties, amounts, p, r.Offset})
			b := last[rec.Account]
			last[rec.Account] = wire.Balance{Version: e.Seq, Pending: e.PendingAfter, Available: e.AvailableAfter, LifetimeEarned: b.LifetimeEarned + e.Amount}
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for id, b := range last {
		balances = append(balances, []any{id, uint64(b.Version), b.Pending, b.Available, b.LifetimeEarned, p})
	}
	c.insert("ledger_entries", "account_id, seq, kind, amount_minor, pending_after_minor, available_after_minor, campaign, campaign_version, receipt_id, store_id, at, active_from, expires_at, reason, `postings.book`, `postings.party`, `postings.amount_minor`, _partition, _offset", entries)
	c.insert("balances", "account_id, version, pending_minor, available_minor, lifetime_earned_minor, _partition", balances)
}

func (c *copyist) deadLetters(a *auditor, p int32) {
	var rows [][]any
	err := a.each(context.Background(), schemas.TopicDeadLetters, p, func(r *kgo.Record) error {
		h := headers(r)
		var offset int64
		for _, d := range h[schemas.HeaderErrorOffset] {
			offset = offset*10 + int64(d-'0')
		}
		rows = append(rows, []any{schemas.TopicReceipts, p, offset, h[schemas.HeaderErrorCode], string(r.Value)})
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.insert("dead_letters", "topic, partition, offset, code, value", rows)
}

// TestClickHouseIsCompared copies rightly first, and then spoils one table after the other: each fault must be named.
func TestClickHouseIsCompared(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	if err := schemas.Migrate(context.Background(), e.Addr, nil); err != nil {
		t.Fatal(err)
	}
	o, err := schemas.ClickHouseOptions(e.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w := newWorld(t)
	w.stream(600)
	w.product()
	c := &copyist{world: w, conn: conn}
	c.copyAll()
	run := func() *Report { return w.audit(func(o *Options) { o.ClickHouse = conn }) }
	rep := run()
	var text strings.Builder
	if _ = rep.Write(&text); !rep.OK() {
		t.Fatal(text.String())
	}
	for _, kind := range []string{"clickhouse: receipts", "clickhouse: ledger entries", "clickhouse: balances", "clickhouse: dead letters", "clickhouse: decisions with a reward", "view receipts", "view decisions", "campaigns", "counter rejected"} {
		if rep.Checked[kind] == 0 {
			t.Errorf("nothing was compared of: %s", kind)
		}
	}
	const one = " = (SELECT min(receipt_id) FROM cagnotte_raw.receipts WHERE training = 0)"
	changes := []spoil{
		{"clickhouse: receipt differs", "ALTER TABLE cagnotte_raw.receipts UPDATE total_minor = total_minor + 1 WHERE receipt_id" + one},
		{"clickhouse: receipt that must not be", "INSERT INTO cagnotte_raw.receipts (receipt_id, _partition) VALUES ('stranger', 0)"},
		{"clickhouse: entry differs", "ALTER TABLE cagnotte_raw.ledger_entries UPDATE reason = 'other' WHERE seq = 1 AND account_id = (SELECT min(account_id) FROM cagnotte_raw.balances)"},
		{"clickhouse: entry that must not be", "INSERT INTO cagnotte_raw.ledger_entries (account_id, seq, amount_minor, _partition) VALUES ('stranger', 1, 5, 0)"},
		{"clickhouse: balance differs", "ALTER TABLE cagnotte_raw.balances UPDATE available_minor = available_minor - 1 WHERE account_id = (SELECT max(account_id) FROM cagnotte_raw.balances)"},
		{"clickhouse: dead letter with other bytes", "ALTER TABLE cagnotte_raw.dead_letters UPDATE value = concat(value, 'x') WHERE length(value) > 0"},
	}
	removals := []spoil{
		{"clickhouse: receipt missing", "ALTER TABLE cagnotte_raw.receipts DELETE WHERE receipt_id" + one},
		{"clickhouse: entries missing", "ALTER TABLE cagnotte_raw.ledger_entries DELETE WHERE seq = 1 AND account_id = (SELECT min(account_id) FROM cagnotte_raw.balances)"},
		{"clickhouse: balance missing", "ALTER TABLE cagnotte_raw.balances DELETE WHERE account_id = (SELECT max(account_id) FROM cagnotte_raw.balances)"},
		{"clickhouse: dead letter missing", "ALTER TABLE cagnotte_raw.dead_letters DELETE WHERE 1"},
		{"clickhouse: decision missing", "ALTER TABLE cagnotte_raw.decisions DELETE WHERE input_partition = 1"},
		{"view decisions: campaign", "SELECT 1"},
		{"view campaign_minutes: campaign", "ALTER TABLE cagnotte_raw.metric_batches DELETE WHERE task_partition = 2"},
		{"metrics: counter", "SELECT 1"},
	}
	for _, round := range [][]spoil{changes, removals} {
		for _, s := range round {
			if err := conn.Exec(clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 1})), s.statement); err != nil {
				t.Fatal(s.statement, err)
			}
		}
		rep := run()
		text.Reset()
		_ = rep.Write(&text)
		for _, s := range round {
			if !rep.Has(s.class) {
				t.Errorf("not found: %s\n%s", s.class, text.String())
			}
		}
	}
}

// spoil is a fault and the class under which an audit must name it.
type spoil struct{ class, statement string }
