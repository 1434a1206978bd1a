package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// writeArchive writes n receipts of the load test's stream in blocks of the archive's size. It packs blocks as they are, which is a tenth of the cost
// of the library that receipt archive uses.
func writeArchive(tb testing.TB, path, codec string, n int) {
	tb.Helper()
	g, err := loadtest.New(loadtest.Options{Seed: 5, MisplacedBP: -1, Members: max(n/20, 100), PerDay: float64(n) / 56})
	if err != nil {
		tb.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	schema, _ := schemas.CurrentSchema("receipt")
	text := func(b []byte, s string) []byte { return append(appendLong(b, int64(len(s))), s...) }
	head := text(text(appendLong([]byte(ocfMagic), 2), "avro.schema"), schema.Text)
	mark := []byte("0123456789abcdef")
	_, _ = out.Write(append(append(text(text(head, "avro.codec"), codec), 0), mark...)) // Flush tells
	var body []byte
	var it loadtest.Item
	for made, count := 0, 0; made < n; {
		if g.Next(&it); it.Raw != nil {
			continue
		}
		body = schemas.AppendReceiptBody(body, &it.Receipt)
		made, count = made+1, count+1
		if count < archiveBlock && made < n {
			continue
		}
		packed := pack(tb, codec, body)
		_, _ = out.Write(append(append(appendLong(appendLong(nil, int64(count)), int64(len(packed))), packed...), mark...))
		body, count = body[:0], 0
	}
	if err := out.Flush(); err != nil {
		tb.Fatal(err)
	}
}

func pack(tb testing.TB, codec string, body []byte) []byte {
	tb.Helper()
	switch codec {
	case "deflate":
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.DefaultCompression)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			tb.Fatal(err)
		}
		if err := w.Close(); err != nil {
			tb.Fatal(err)
		}
		return b.Bytes()
	case "zstandard":
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			tb.Fatal(err)
		}
		return w.EncodeAll(body, nil)
	}
	return body
}

// BenchmarkSimulate is the whole command but for the printing: read, unpack, decode, judge, sum. -cpu 1 makes it the figure of one core.
func BenchmarkSimulate(b *testing.B) {
	n := 50_000
	if s := os.Getenv("SIMULATE_RECEIPTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	draft, findings := rules.Parse("draft", []byte(simulated))
	if draft == nil {
		b.Fatal(findings)
	}
	var live []*rules.Campaign
	for _, f := range rules.Library() {
		c, findings := rules.Parse(f.Name, f.Doc)
		if c == nil {
			b.Fatal(findings)
		}
		live = append(live, c)
	}
	for _, codec := range []string{"deflate", "zstandard", "null"} {
		path := filepath.Join(b.TempDir(), codec+".avro")
		writeArchive(b, path, codec, n)
		for name, o := range map[string]backtest.Options{"draft": {}, "against20": {Against: live, Compare: true}} {
			b.Run(codec+"/"+name, func(b *testing.B) {
				o.Drafts, o.Currency, o.Workers = []*rules.Campaign{draft}, "EUR", 1
				b.ReportAllocs()
				begun := processorTime(b)
				for b.Loop() {
					simulateFile(b, path, o, n)
				}
				spent := processorTime(b) - begun
				b.ReportMetric(float64(n)*float64(b.N)/spent.Seconds(), "receipts/cpu-s")
			})
		}
	}
}

// processorTime is what the process has used: on a machine with other work the clock on the wall says little.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func simulateFile(b *testing.B, path string, o backtest.Options, n int) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	past, err := openArchive(f, path)
	if err != nil {
		b.Fatal(err)
	}
	o.From, o.To = past.from, past.to
	o.ShiftWeeks = backtest.FitWeeks(o.Drafts, o.From, o.To)
	r, err := backtest.Run(context.Background(), past.source, o)
	if err != nil || r.Archive.Receipts+r.Archive.Repeats+r.Archive.Refused != int64(n) || r.Cost.NetMinor <= 0 {
		b.Fatalf("%v: %+v", err, r)
	}
}
