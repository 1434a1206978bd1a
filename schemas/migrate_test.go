package schemas_test

import (
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"cagnotte/schemas"
	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func TestMain(m *testing.M) {
	engine.HostIfChild()
	os.Exit(m.Run())
}

func connect(t *testing.T, addr, user string) driver.Conn {
	t.Helper()
	opts, err := schemas.ClickHouseOptions(addr)
	if err != nil {
		t.Fatal(err)
	}
	opts.Auth.Username = user
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func texts(t *testing.T, conn driver.Conn, query string, args ...any) (out []string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// Migrations run, at once from several processes and again, and what they make keeps its promises: every column says what it is, nothing is
// Nullable, every table removes repeats of a resent block, every view can be read, by the reader too.
func TestMigrate(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := schemas.Migrate(t.Context(), e.Addr, slog.Default()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := schemas.Migrate(t.Context(), e.Addr, nil); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, e.Addr, "default")
	t.Run("status", func(t *testing.T) {
		status, err := schemas.MigrationStatus(t.Context(), e.Addr)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range status {
			if !m.Applied || m.AppliedAt.IsZero() {
				t.Errorf("%+v is not applied", m)
			}
		}
		if len(status) < 13 {
			t.Errorf("got %d migrations", len(status))
		}
	})
	t.Run("columns", func(t *testing.T) {
		const ours = "database IN ('cagnotte', 'cagnotte_raw') AND table NOT LIKE 'goose%'"
		if bare := texts(t, conn, "SELECT concat(table, '.', name) FROM system.columns WHERE "+ours+" AND comment = '' AND name != '_version'"); len(bare) > 0 {
			t.Errorf("columns without a comment: %v", bare)
		}
		if unit := texts(t, conn, "SELECT concat(table, '.', name) FROM system.columns WHERE "+ours+" AND name LIKE '%_minor' AND comment NOT LIKE '%minor units%'"); len(unit) > 0 {
			t.Errorf("amounts without their unit: %v", unit)
		}
		if null := texts(t, conn, "SELECT concat(table, '.', name) FROM system.columns WHERE "+ours+" AND type LIKE '%Nullable%'"); len(null) > 0 {
			t.Errorf("nullable columns: %v", null)
		}
		if low := texts(t, conn, "SELECT concat(table, '.', name) FROM system.columns WHERE database = 'cagnotte' AND type LIKE '%LowCardinality%'"); len(low) > 0 {
			t.Errorf("columns of views that tools stumble on: %v", low)
		}
	})
	t.Run("tables", func(t *testing.T) {
		for _, q := range texts(t, conn, "SELECT create_table_query FROM system.tables WHERE database = 'cagnotte_raw' AND engine LIKE '%MergeTree' AND name NOT LIKE 'goose%'") {
			if !strings.Contains(q, "ReplacingMergeTree(") || !strings.Contains(q, "non_replicated_deduplication_window = 20000") {
				t.Errorf("a table that keeps repeats: %s", q)
			}
		}
	})
	t.Run("upgrade", func(t *testing.T) { upgrade(t, conn, e.Addr) })
	t.Run("claimed", func(t *testing.T) { claimed(t, conn) })
	t.Run("views", func(t *testing.T) {
		views := texts(t, conn, "SELECT name FROM system.tables WHERE database = 'cagnotte' AND comment != '' ORDER BY name")
		want := "balances campaign_members campaign_minutes campaigns dead_letters decisions ledger_entries liabilities member_events notifications receipt_lines receipts store_days wallet_balances"
		if got := strings.Join(views, " "); got != want {
			t.Errorf("got views %s, want %s", got, want)
		}
		for _, v := range []string{"ledger_entries", "wallet_balances", "liabilities", "notifications"} { // the question that everybody asks first
			if err := conn.Exec(t.Context(), "SELECT count() FROM cagnotte."+v+" WHERE wallet = '' FORMAT Null"); err != nil {
				t.Errorf("the programme's currency in %s: %v", v, err)
			}
		}
		reader := connect(t, e.Addr, schemas.ReaderRole)
		for _, v := range views {
			if err := reader.Exec(t.Context(), "SELECT * FROM cagnotte."+v+" FORMAT Null"); err != nil {
				t.Errorf("%s: %v", v, err)
			}
		}
		if err := reader.Exec(t.Context(), "SELECT * FROM cagnotte_raw.receipts FORMAT Null"); err == nil {
			t.Error("the reader may read the raw tables")
		}
	})
}

// claimed holds that of a receipt which a member claimed afterwards the claimed row stays, wherever the two stand in their partitions and whichever comes first.
func claimed(t *testing.T, conn driver.Conn) {
	const columns = "(receipt_id, type, ended_at, account_id, attributes, _partition, _offset) VALUES "
	for _, q := range []string{
		"INSERT INTO cagnotte_raw.receipts " + columns + "('later', 'SALE', '2026-11-02 10:00:00', '', {}, 1, 5), ('first', 'SALE', '2026-11-02 10:00:00', 'ann', {'claim': 'c2'}, 2, 900)",
		"INSERT INTO cagnotte_raw.receipts " + columns + "('later', 'SALE', '2026-11-02 10:00:00', 'ann', {'claim': 'c1'}, 2, 800), ('first', 'SALE', '2026-11-02 10:00:00', '', {}, 1, 6)",
		"INSERT INTO cagnotte_raw.receipts " + columns + "('later', 'SALE', '2026-11-02 10:00:00', 'ann', {'claim': 'c1'}, 2, 700)",
		"INSERT INTO cagnotte_raw.decisions (receipt_id, ended_at, account_id, input_offset) VALUES ('later', '2026-11-02 10:00:00', '', 5)",
		"INSERT INTO cagnotte_raw.decisions (receipt_id, ended_at, account_id, input_offset) VALUES ('later', '2026-11-02 10:00:00', 'ann', 800)",
	} {
		if err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	for q, want := range map[string]string{
		"SELECT concat(receipt_id, ' ', account_id, ' ', toString(_offset)) FROM cagnotte.receipts WHERE receipt_id IN ('later', 'first') ORDER BY 1": "first ann 900 later ann 700",
		"SELECT concat(receipt_id, ' ', account_id) FROM cagnotte_raw.decisions FINAL WHERE receipt_id = 'later'":                                     "later ann",
	} {
		if got := strings.Join(texts(t, conn, q), " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", q, got, want)
		}
	}
}

// upgrade holds that rows from before labels and events are read as they were: each line without labels, none an event.
func upgrade(t *testing.T, conn driver.Conn, addr string) {
	for _, q := range []string{
		"ALTER TABLE cagnotte_raw.receipts DROP COLUMN `lines.labels`, DROP COLUMN is_event",
		"INSERT INTO cagnotte_raw.receipts (receipt_id, type, ended_at, account_id, total_minor, `lines.line_no`, `lines.net_minor`) VALUES ('old', 'SALE', now64(3), 'a', 5, [1, 2], [2, 3])",
		"ALTER TABLE cagnotte_raw.goose_db_version DELETE WHERE version_id >= 16 SETTINGS mutations_sync = 1",
	} {
		if err := conn.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := schemas.Migrate(t.Context(), addr, nil); err != nil {
		t.Fatal(err)
	}
	const insert = "INSERT INTO cagnotte_raw.receipts (receipt_id, type, ended_at, account_id, total_minor, attributes, `lines.line_no`, `lines.net_minor`, `lines.labels`) VALUES " +
		"('new', 'SALE', now64(3), 'a', 7, {}, [1, 2], [3, 4], [[], ['organic', 'msc']]), ('event', 'EVENT', now64(3), 'a', 9, {'event': 'club'}, [], [], []), " +
		"('back', 'RETURN', now64(3), 'a', -9, {'event': 'club'}, [], [], []), ('promo', 'SALE', now64(3), '', 11, {'event': 'spring'}, [], [], [])"
	if err := conn.Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]string{
		"SELECT concat(receipt_id, toString(line_no), toString(labels)) FROM cagnotte.receipt_lines ORDER BY 1": "new1[] new2['organic','msc'] old1[] old2[]",
		"SELECT receipt_id FROM cagnotte.receipts ORDER BY 1":                                                   "new old promo",
		"SELECT concat(receipt_id, ' ', event, ' ', type) FROM cagnotte.member_events ORDER BY 1":               "back club RETURN event club EVENT",
		"SELECT toString(sum(receipts)) FROM cagnotte.store_days":                                               "3",
	} {
		if got := strings.Join(texts(t, conn, q), " "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", q, got, want)
		}
	}
}

func TestClickHouseOptions(t *testing.T) {
	opts, err := schemas.ClickHouseOptions("clickhouse://u:secret@db:9440/x?secure=true")
	if err != nil || opts.Auth.Username != "u" || opts.TLS == nil || opts.Addr[0] != "db:9440" {
		t.Errorf("got %+v, %v", opts, err)
	}
	for _, bad := range []string{"", "clickhouse://u:secret@db:9440?dial_timeout=x"} {
		if _, err := schemas.ClickHouseOptions(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error without the password", bad, err)
		}
	}
}
