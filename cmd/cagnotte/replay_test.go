package main

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// dataDir returns the directory of the real data sets; without it a test is skipped, and fails where the data is mandatory.
func dataDir(t *testing.T, set string) string {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	dir = filepath.Join(dir, set)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("CAGNOTTE_CI=1 and no data: %v", err)
		}
		t.Skipf("no data set %s: set CAGNOTTE_DATA", dir)
	}
	return dir
}

// The short way and the long way of the same product agree.
func TestMinorUnitsTwoWays(t *testing.T) {
	for _, price := range []string{"0", "0.1", "-0.5", "12.345", "9999999.9999", "0.0005", "-3.3335", "7"} {
		for _, quantity := range []int64{0, 1, -1, 3, -7, 80995, math.MaxInt32, math.MinInt32} {
			short, err1 := minorUnits(quantity, price)
			long, err2 := minorUnits(quantity, longer(price))
			if (err1 == nil) != (err2 == nil) || short != long {
				t.Errorf("%d x %s: %d, %v; the long way %d, %v", quantity, price, short, err1, long, err2)
			}
		}
	}
}

// longer writes the same number with more decimals than the short way takes.
func longer(price string) string {
	if !strings.Contains(price, ".") {
		price += "."
	}
	return price + "00000"
}

func TestMinorUnits(t *testing.T) {
	for _, c := range []struct {
		quantity int64
		price    string
		want     money.Amount
	}{
		{6, "2.55", 1530}, {1, "0.001", 0}, {5, "0.001", 1}, {-5, "0.001", -1}, {4, "0.001", 0}, {-1, "12.50", -1250}, {1, "-11062.06", -1106206},
		{1, "0.005", 1}, {1, "0.0049999", 0}, {80995, "2.08", 16846960}, {0, "9.99", 0}, {3, "1", 300},
	} {
		if got, err := minorUnits(c.quantity, c.price); err != nil || got != c.want {
			t.Errorf("%d x %s: got %d, %v; want %d", c.quantity, c.price, got, err, c.want)
		}
	}
	for _, price := range []string{"", "x", "1e9", "1/3", "1_0", "0x10", "+1", "1.+5", "--1", "999999999999999999999999"} {
		if got, err := minorUnits(1, price); err == nil {
			t.Errorf("price %q: got %d, want an error", price, got)
		}
	}
}

// Every real receipt passes the checks that the pipeline makes, and is counted once.
func TestReplaySources(t *testing.T) {
	for _, c := range []struct {
		set, file       string
		receipts        int
		returns         int
		anonymous       int
		total           money.Amount
		currency        string
		accounts, shops int
	}{
		{"online_retail_uci", "lines.csv.gz", 25900, 5172, 3710, 974774793, "GBP", 4372, 38},
		{"x5_retailhero", "", 1861, 0, 0, 0, "RUB", 101, 0},
	} {
		source, err := openReplay(filepath.Join(dataDir(t, c.set), c.file))
		if err != nil {
			t.Fatal(err)
		}
		policy := retail.DefaultPolicy()
		policy.MaxAgeMs, policy.Currency = 0, c.currency
		got, accounts, shops := readAllReceipts(t, source, &policy)
		if got.receipts != c.receipts || got.receipts != source.about().receipts || got.returns != c.returns || got.anonymous != c.anonymous {
			t.Errorf("%s: %+v", c.set, got)
		}
		if c.total != 0 && got.total != c.total {
			t.Errorf("%s: total %v, want %v", c.set, got.total, c.total)
		}
		if accounts != c.accounts || (c.shops != 0 && shops != c.shops) {
			t.Errorf("%s: %d accounts, %d shops", c.set, accounts, shops)
		}
	}
}

type receiptCount struct {
	receipts, returns, anonymous int
	total                        money.Amount
}

func readAllReceipts(t *testing.T, source replaySource, policy *retail.Policy) (got receiptCount, accounts, shops int) {
	t.Helper()
	defer source.close()
	ids, who, where := map[retail.ReceiptID]bool{}, map[retail.AccountID]bool{}, map[retail.ShopID]bool{}
	var last retail.Instant
	for {
		var r retail.Receipt
		err := source.next(&r)
		if errors.Is(err, io.EOF) {
			return got, len(who), len(where)
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := policy.Validate(&r, 1<<42); p != nil {
			t.Fatalf("receipt %s: %v", r.ID, p)
		}
		if ids[r.ID] {
			t.Fatalf("receipt %s came twice", r.ID)
		}
		if r.EndedAt < last-retail.Instant(2*3600*1000) {
			t.Errorf("receipt %s is hours behind the one before", r.ID)
		}
		last = max(last, r.EndedAt)
		ids[r.ID], where[r.Shop.ID] = true, true
		got.receipts++
		got.total += r.Total
		if r.Type == retail.Return {
			got.returns++
		}
		if r.Loyalty.AccountID == "" {
			got.anonymous++
		} else {
			who[r.Loyalty.AccountID] = true
		}
	}
}

func TestReplayRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	header := "invoice_no,stock_code,description,quantity,invoice_ts,unit_price,customer_id,country\n"
	for name, c := range map[string]struct {
		path string
		code int
	}{
		"missing":       {filepath.Join(dir, "nothing.csv"), ExitNotFound},
		"empty":         {write("empty.csv", ""), ExitInvalid},
		"other columns": {write("other.csv", "a,b\n1,2\n"), ExitInvalid},
		"not gzip":      {write("plain.csv.gz", header), ExitInvalid},
		"bad quantity":  {write("quantity.csv", header+"1,A,x,many,2010-12-01T08:26:00,1.00,1,France\n"), ExitInvalid},
		"bad price":     {write("price.csv", header+"1,A,x,1,2010-12-01T08:26:00,1e9,1,France\n"), ExitInvalid},
		"bad time":      {write("time.csv", header+"1,A,x,1,yesterday,1.00,1,France\n"), ExitInvalid},
		"short row":     {write("short.csv", header+"1,A,x\n"), ExitInvalid},
	} {
		source, err := openReplay(c.path)
		if err == nil {
			var r retail.Receipt
			err = source.next(&r)
		}
		if exitCode(err) != c.code {
			t.Errorf("%s: exit code %d (%v), want %d", name, exitCode(err), err, c.code)
		}
	}
}
