package ingest_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/ingest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The policy's refusals and the door's own, each with its code and status, none of them in the stream.
func TestBadInput(t *testing.T) {
	d := open(t, nil)
	change := func(old, new string) string {
		text := strings.Replace(sale("bad"), old, new, 1)
		if text == sale("bad") {
			t.Fatalf("%q is not in the receipt", old)
		}
		return text
	}
	ended := closed.Format(time.RFC3339)
	big := strings.Repeat("x", ingest.MaxReceiptBytes)
	for _, c := range []struct {
		name, body, status, code, path string
		headers                        []string
	}{
		{"empty", ``, "400", "RCP-0001", "", nil},
		{"not JSON", `receipt_id=1`, "400", "RCP-0001", "", nil},
		{"cut", sale("bad")[:strings.Index(sale("bad"), `"S1"`)], "400", "RCP-0001", "/store/store_id", nil},
		{"two receipts", sale("bad") + sale("bad"), "400", "RCP-0001", "", nil},
		{"array to the single call", "[" + sale("bad") + "]", "422", "RCP-0001", "", nil},
		{"missing id", change(`"receipt_id":"bad",`, ``), "422", "RCP-0001", "/receipt_id", nil},
		{"empty id", change(`"receipt_id":"bad"`, `"receipt_id":""`), "422", "RCP-0001", "/receipt_id", nil},
		{"unknown field", change(`"type"`, `"typ":"SALE","type"`), "422", "RCP-0001", "/typ", nil},
		{"unknown symbol", change(`SALE`, `SELL`), "422", "RCP-0001", "/type", nil},
		{"UNKNOWN type", change(`SALE`, `UNKNOWN`), "422", "RCP-0001", "/type", nil},
		{"decimal amount", change(`"total_minor":250`, `"total_minor":2.5`), "422", "RCP-0001", "/total_minor", nil},
		{"no lines", change(`"lines":[`, `"lines":[],"coupons":[],"tenders":[],"taxes":[],"attributes":{},"discounts":[`), "422", "RCP-0001", "/discounts/0/line_no", nil},
		{"lines missing", sale("bad")[:strings.Index(sale("bad"), `,
"lines"`)] + "}", "422", "RCP-0001", "/lines", nil},
		{"currency", change(`"type"`, `"currency":"USD","type"`), "422", "RCP-0004", "/currency", nil},
		{"total", change(`"total_minor":250`, `"total_minor":990`), "422", "RCP-0005", "/total_minor", nil},
		{"sign", change(`"net_minor":250`, `"net_minor":-250`), "422", "RCP-0006", "/lines/0/net_minor", nil},
		{"future", change(ended, closed.Add(time.Hour).Format(time.RFC3339)), "422", "RCP-0007", "/ended_at", nil},
		{"past", change(ended, closed.AddDate(-2, 0, 0).Format(time.RFC3339)), "422", "RCP-0007", "/ended_at", nil},
		{"void without original", change(`SALE`, `VOID`), "422", "RCP-0008", "/original", nil},
		{"too many lines", change(`"lines":[`, `"lines":[`+manyLines(2001)), "413", "RCP-0009", "/lines", nil},
		{"long id", strings.ReplaceAll(sale("bad"), `"bad"`, `"`+strings.Repeat("b", 129)+`"`), "413", "RCP-0009", "/receipt_id", nil},
		{"large receipt", change(`"type"`, `"operator_id":"`+big+`","type"`), "413", "RCP-0009", "", nil},
		{"large body", strings.Repeat(" ", ingest.DefaultMaxBodyBytes) + sale("bad"), "413", "RCP-0009", "", nil},
		{"amount range", strings.ReplaceAll(sale("bad"), "250", "9007199254740993"), "422", "RCP-0010", "/lines/0/net_minor", nil},
		{"same line twice", change(`"lines":[`, `"lines":[{"line_no":1,"sku":"k","unit_price_minor":0,"gross_minor":0,"net_minor":0,"vat_rate_bp":0},`), "422", "RCP-0011", "/lines/1/line_no", nil},
		{"form", sale("bad"), "415", "API-0001", "", []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"latin-1", sale("bad"), "415", "API-0001", "", []string{"Content-Type", "application/json; charset=iso-8859-1"}},
		{"ndjson to the single call", sale("bad"), "415", "API-0001", "", []string{"Content-Type", "application/x-ndjson"}},
		{"broken Content-Type", sale("bad"), "415", "API-0001", "", []string{"Content-Type", ";;"}},
		{"brotli", sale("bad"), "415", "API-0002", "", []string{"Content-Encoding", "br"}},
		{"gzip that is none", sale("bad"), "400", "API-0007", "", []string{"Content-Encoding", "gzip"}},
		{"zstd that is none", sale("bad"), "400", "API-0007", "", []string{"Content-Encoding", "zstd"}},
		{"gzip cut", gzipped(sale("bad"))[:40], "400", "API-0007", "", []string{"Content-Encoding", "gzip"}},
		{"gzip bomb", gzipped(strings.Repeat(" ", 8<<20)), "413", "RCP-0009", "", []string{"Content-Encoding", "gzip"}},
		{"zstd bomb", zstandard(strings.Repeat(" ", 8<<20)), "413", "RCP-0009", "", []string{"Content-Encoding", "zstd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/v1/receipts", "/v1/receipts:validate"} {
				got := d.post(t, path, c.body, c.headers...)
				if fmt.Sprint(got.Status) != c.status || got.Code != c.code || (c.path != "" && got.Errors[0].Path != c.path) {
					t.Fatalf("%s: got %d %s at %s (%s), want %s %s at %s", path, got.Status, got.Code, got.Errors[0].Path, got.Detail, c.status, c.code, c.path)
				}
				e := got.Errors[0]
				if got.Header.Get("Content-Type") != "application/problem+json" || got.outcome() != c.status || e.Observed == "" || e.Expected == "" || e.Detail == "" || got.Type == "" || e.Code != c.code {
					t.Fatalf("not a whole problem: %+v", got)
				}
			}
		})
	}
	if got := d.post(t, "/v1/receipts", sale("good")); got.Status != 202 {
		t.Fatalf("after all that: %+v", got)
	}
	d.records(t, 1)
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"line_no":%d,"unit_price_minor":0,"gross_minor":0,"net_minor":0,"vat_rate_bp":0},`, i+2)
	}
	return b.String()
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func zstandard(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}
