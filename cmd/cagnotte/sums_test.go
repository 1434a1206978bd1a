package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"os"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// sums are the figures of a replay, in minor units.
type sums struct {
	receipts   int
	byMonth    map[string]int64 // 2010-12
	byCustomer map[string]int64 // "" is anonymous
	lines      int64            // number of lines

	// Only ClickHouse knows these; a restart must not change them.
	entries, granted, decisions int64
}

func newSums() *sums { return &sums{byMonth: map[string]int64{}, byCustomer: map[string]int64{}} }

func (s *sums) equal(o *sums) bool {
	return s.receipts == o.receipts && s.lines == o.lines && s.entries == o.entries && s.granted == o.granted && s.decisions == o.decisions &&
		maps.Equal(s.byMonth, o.byMonth) && maps.Equal(s.byCustomer, o.byCustomer)
}

// String leaves the customers out: there are thousands.
func (s *sums) String() string {
	return fmt.Sprintf("%d receipts, %d lines, %d customers, %v by month, %d entries, %d granted, %d decisions",
		s.receipts, s.lines, len(s.byCustomer), s.byMonth, s.entries, s.granted, s.decisions)
}

// sumFile adds the file up with rationals: net of a line is quantity x unit_price in pence, rounded half away from zero; the month of an invoice is
// that of its first line.
func sumFile(t *testing.T, path string) *sums {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	rows, s, months := csv.NewReader(z), newSums(), map[string]string{}
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			s.receipts = len(months)
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		invoice, stamp, customer := row[0], row[4], row[6]
		if months[invoice] == "" {
			months[invoice] = stamp[:7]
		}
		pence := penceOf(t, row[3], row[5])
		s.lines++
		s.byMonth[months[invoice]] += pence
		s.byCustomer[customer] += pence
	}
}

func penceOf(t *testing.T, quantity, price string) int64 {
	t.Helper()
	q, ok1 := new(big.Rat).SetString(quantity)
	p, ok2 := new(big.Rat).SetString(price)
	if !ok1 || !ok2 {
		t.Fatalf("not numbers: %q %q", quantity, price)
	}
	exact := new(big.Rat).Mul(q, p)
	exact.Mul(exact, big.NewRat(100, 1))
	magnitude := new(big.Rat).Abs(exact)
	magnitude.Add(magnitude, big.NewRat(1, 2))
	whole := new(big.Int).Quo(magnitude.Num(), magnitude.Denom()).Int64()
	if exact.Sign() < 0 {
		return -whole
	}
	return whole
}

// readSums asks the running dev's ClickHouse, through the views that everybody reads.
func readSums(t *testing.T, dir string) *sums {
	t.Helper()
	conn := openClickHouse(t, dir)
	s := newSums()
	s.byMonth = sumBy(t, conn, "SELECT formatDateTime(business_date, '%Y-%m'), sum(amount_minor) FROM cagnotte.receipts GROUP BY 1")
	s.byCustomer = sumBy(t, conn, "SELECT account_id, sum(amount_minor) FROM cagnotte.receipts GROUP BY 1")
	s.receipts = int(number(t, conn, "SELECT toInt64(count()) FROM cagnotte.receipts"))
	s.lines = number(t, conn, "SELECT toInt64(count()) FROM cagnotte.receipt_lines")
	s.entries = number(t, conn, "SELECT toInt64(count()) FROM cagnotte.ledger_entries")
	s.granted = number(t, conn, "SELECT sumIf(amount_minor, kind IN ('EARN', 'REVERSE')) FROM cagnotte.ledger_entries")
	s.decisions = number(t, conn, "SELECT toInt64(uniqExact(receipt_id)) FROM cagnotte_raw.decisions")
	checkBooks(t, conn, s)
	return s
}

// checkBooks looks for what a loss or a repeat would leave behind.
func checkBooks(t *testing.T, conn driver.Conn, s *sums) {
	t.Helper()
	if lines := sumBy(t, conn, "SELECT account_id, sum(amount_minor) FROM cagnotte.receipt_lines GROUP BY 1"); !maps.Equal(lines, s.byCustomer) {
		t.Error("the lines do not add up to their receipts")
	}
	// A return that names no original is decided by no campaign; all sales are, as the replay's campaigns look at every basket.
	if sales := number(t, conn, "SELECT toInt64(count()) FROM cagnotte.receipts WHERE type != 'RETURN'"); s.decisions != sales {
		t.Errorf("%d receipts have a decision, of %d sales", s.decisions, sales)
	}
	holes := "SELECT toInt64(count()) FROM (SELECT account_id FROM cagnotte.ledger_entries GROUP BY account_id HAVING count() != max(seq) OR uniqExact(seq) != count())"
	if n := number(t, conn, holes); n != 0 {
		t.Errorf("%d accounts have holes or repeats in their sequence of entries", n)
	}
	differ := `SELECT toInt64(count()) FROM
		(SELECT account_id, max(seq) AS last, argMaxIf(pending_after_minor, seq, wallet = '') AS pending, argMaxIf(available_after_minor, seq, wallet = '') AS available FROM cagnotte.ledger_entries GROUP BY account_id) AS l
		FULL JOIN (SELECT account_id, version, pending_minor, available_minor FROM cagnotte.balances WHERE version > 0) AS b USING (account_id)
		WHERE l.last != b.version OR l.pending != b.pending_minor OR l.available != b.available_minor`
	if n := number(t, conn, differ); n != 0 {
		t.Errorf("%d accounts have a balance that is not their last entry's", n)
	}
	if s.entries == 0 || s.granted <= 0 {
		t.Errorf("%d entries, %d granted: nothing was rewarded", s.entries, s.granted)
	}
}

func sumBy(t *testing.T, conn driver.Conn, query string) map[string]int64 {
	t.Helper()
	rows, err := conn.Query(testContext(t), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var key string
		var sum int64
		if err := rows.Scan(&key, &sum); err != nil {
			t.Fatal(err)
		}
		out[key] = sum
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func number(t *testing.T, conn driver.Conn, query string) int64 {
	t.Helper()
	var n int64
	if err := conn.QueryRow(testContext(t), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func compareSums(t *testing.T, got, want *sums) {
	t.Helper()
	if got.receipts != want.receipts || got.lines != want.lines {
		t.Errorf("ClickHouse has %d receipts with %d lines, the file %d with %d", got.receipts, got.lines, want.receipts, want.lines)
	}
	for month, sum := range want.byMonth {
		if got.byMonth[month] != sum {
			t.Errorf("%s: ClickHouse has %d, the file %d", month, got.byMonth[month], sum)
		}
	}
	if !maps.Equal(got.byMonth, want.byMonth) || !maps.Equal(got.byCustomer, want.byCustomer) {
		t.Errorf("sums by month or customer differ: ClickHouse %v, file %v", got, want)
	}
}
