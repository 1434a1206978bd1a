package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// FuzzReceiptFile reads any bytes as a file of receipts. Goal: no panic and bounded memory, an end, texts in the order of their lines, and of a file that
// encoding/json takes for an array its elements, each once - or an error. What follows an array is an error, too.
func FuzzReceiptFile(f *testing.F) {
	for _, s := range []string{"", "[]", "[{}] ", "[{}][{}]", "[{},]", "{\n}{}\n", "{}\n\n{}\r\n\f{}", "\n\n [1,\"]\",[2]]", "{\"a\":\n1}\nx", "\x00", "[\"\xff\"]", strings.Repeat("[", 20_000)} {
		f.Add([]byte(s))
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		f.Add(z.Bytes())
	}
	w, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.EncodeAll([]byte("[{}]"), nil))
	f.Add(w.EncodeAll([]byte(`["`+strings.Repeat("a", 3*ingest.MaxReceiptBytes)+`"]`), nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		texts, bad := readFile(t, file)
		var want []json.RawMessage
		if len(file) > 8<<10 || len(file) == 0 || bytes.Trim(file, " \t\r\n") == nil || bytes.Trim(file, " \t\r\n")[0] != '[' {
			return
		}
		if err := json.Unmarshal(file, &want); (err == nil) != (bad == nil) {
			t.Fatalf("read with %v; encoding/json says %v", bad, err)
		}
		if bad != nil {
			return
		}
		if len(texts) != len(want) {
			t.Fatalf("%d of %d elements", len(texts), len(want))
		}
		for i := range want {
			if texts[i] != string(want[i]) {
				t.Fatalf("element %d is %q, want %q", i, texts[i], want[i])
			}
		}
	})
}

// readFile reads a file to its end.
func readFile(t *testing.T, file []byte) (texts []string, err error) {
	t.Helper()
	in, err := openReceipts(&Globals{In: bytes.NewReader(file)}, "-")
	if err != nil {
		return nil, err
	}
	for line := in.line; in.next(); line = in.line {
		if len(in.text) == 0 || len(in.text) > ingest.MaxReceiptBytes+2 || in.line <= line && len(texts) > 0 {
			t.Fatalf("line %d after %d: %d bytes", in.line, line, len(in.text))
		}
		if len(texts) < 10_000 { // bombs hold more
			texts = append(texts, string(in.text))
		}
	}
	return texts, errors.Join(in.err, in.Close())
}

// FuzzArchive reads any bytes as an archive. Goal: no panic, memory bounded by what one block may hold, and receipts that can be written as JSON.
func FuzzArchive(f *testing.F) {
	var file bytes.Buffer
	a, err := newArchive(&file, "deflate")
	if err != nil {
		f.Fatal(err)
	}
	var r retail.Receipt
	if pr := schemas.DecodeReceiptJSON([]byte(`{"receipt_id":"r","type":"SALE","store":{"store_id":"S"},"terminal_id":"T","sequence_no":1,"ended_at":"2026-12-01T00:30:00+01:00","total_minor":250,"coupons":["c"],
		"lines":[{"line_no":1,"unit_price_minor":250,"gross_minor":250,"net_minor":250,"vat_rate_bp":550}],"attributes":{"a":"b"}}`), &r); pr != nil {
		f.Fatal(pr)
	}
	if err := errors.Join(a.add(&r), a.add(&r), a.flush()); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	for _, codec := range []string{"null", "deflate", "zstandard"} {
		f.Add(smallArchive(codec, schemas.AppendReceiptBody(nil, &r), 1))
		f.Add(smallArchive(codec, schemas.AppendReceiptBody(nil, &r), 1<<40))
	}
	path := filepath.Join(f.TempDir(), "a.avro")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out := new(bytes.Buffer)
		err := (&ReceiptArchiveCmd{From: path}).Run(t.Context(), &Globals{Out: out, Err: io.Discard})
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 4*maxOCFBlock {
			t.Fatalf("a file of %d bytes took %d bytes of memory", len(b), spent)
		}
		var exit *ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("an error without a code: %v", err)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("printed %q", line)
			}
		}
	})
}

// smallArchive writes one block of count receipts by hand.
func smallArchive(codec string, body []byte, count int64) []byte {
	text := func(b []byte, s string) []byte { return append(appendLong(b, int64(len(s))), s...) }
	switch codec {
	case "zstandard":
		w, _ := zstd.NewWriter(nil) // without options there is nothing to refuse
		body = w.EncodeAll(body, nil)
	case "deflate": // one stored block: last, length, its complement
		n := len(body)
		body = append([]byte{1, byte(n), byte(n >> 8), byte(^n), byte(^n >> 8)}, body...)
	}
	mark := []byte("sixteen bytes ok")
	current, _ := schemas.CurrentSchema("receipt")
	out := text(text(appendLong([]byte(ocfMagic), 2), "avro.schema"), current.Text)
	out = append(append(text(text(out, "avro.codec"), codec), 0), mark...)
	out = append(appendLong(appendLong(out, count), int64(len(body))), body...)
	return append(out, mark...)
}

// FuzzConfig reads any bytes as a configuration file and asks it for every flag.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("brokers: [kafka-1:9092, kafka-2:9092]\ncommit-interval: 50ms\n"))
	f.Add([]byte("brokers: [a, [b, {c: d}]]\nlog-level: ~\n"))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nbrokers: [*b, *b]\n"))
	f.Add([]byte("? [1]\n: 2\n"))
	parser, err := newParser(&Main{}, func(int) {})
	if err != nil {
		f.Fatal(err)
	}
	flags := allFlags(parser.Model.Node)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := loadConfig(bytes.NewReader(b))
		if err != nil {
			return
		}
		if err := c.Validate(parser.Model); err != nil {
			return
		}
		for _, flag := range flags {
			if v, err := c.Resolve(nil, nil, flag); err == nil && v != nil {
				if _, ok := v.(string); !ok {
					t.Fatalf("%s is %T", flag.Name, v)
				}
			}
		}
	})
}

// FuzzMinorUnits multiplies any quantity by any price; the oracle computes with fractions.
func FuzzMinorUnits(f *testing.F) {
	f.Add(int64(3), "12.345")
	f.Add(int64(2147483647), "9999999.9999")
	f.Add(int64(-1), "0.005")
	f.Add(int64(1), "1e999999")
	f.Add(int64(1), "-.5")
	f.Fuzz(func(t *testing.T, quantity int64, price string) {
		got, err := minorUnits(quantity, price)
		if err != nil {
			return
		}
		p, ok := new(big.Rat).SetString(price)
		if !ok || got > money.Max || got < money.Min {
			t.Fatalf("%d x %q is %d", quantity, price, got)
		}
		p.Mul(p, new(big.Rat).SetInt64(quantity)).Mul(p, big.NewRat(100, 1))
		off := new(big.Rat).Sub(p, new(big.Rat).SetInt64(int64(got)))
		tie := off.Abs(off).Cmp(big.NewRat(1, 2))
		if away := new(big.Rat).SetInt64(int64(got)); tie > 0 || tie == 0 && away.Abs(away).Cmp(p.Abs(p)) < 0 {
			t.Fatalf("%d x %q is %d", quantity, price, got)
		}
	})
}
