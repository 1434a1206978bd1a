package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/rules"
)

// writeArchive writes n receipts of the load test's stream.
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
	a, err := newArchive(f, codec)
	if err != nil {
		tb.Fatal(err)
	}
	var it loadtest.Item
	for a.count < int64(n) {
		if g.Next(&it); it.Raw != nil {
			continue
		}
		if err := a.add(&it.Receipt); err != nil {
			tb.Fatal(err)
		}
	}
	if err := a.flush(); err != nil {
		tb.Fatal(err)
	}
}

// benchDrafts are the drafts that are measured: their windows hold the whole archive, so that every receipt is judged.
var benchDrafts = []struct{ name, doc string }{
	{"percent", `reward: {percent: 10}`},
	{"capped", `
reward: {percent: 10, max_per_member: {amount: 5.00, per: week}}
budget: {total: 100000.00}
holdout: 10`},
	{"card", `
progress: {count: pieces, target: 10, repeat: true}
reward: {percent: 100}`},
}

const benchHead = `
id: bench-draft
version: 1
name: Bench
window: {from: 2026-12-01, to: 2027-02-28, tz: Europe/Paris}
lines: {category: GROCERY/COFFEE}
`

// BenchmarkSimulate is the whole command but for the printing: read, unpack, decode, judge, sum. -cpu 1 makes it the figure of one core.
// SIMULATE_RECEIPTS sets the size of the archive, SIMULATE_DIR keeps archives for the next run.
func BenchmarkSimulate(b *testing.B) {
	n := benchReceipts(b)
	for _, codec := range []string{"zstandard", "deflate", "null"} {
		path := benchArchive(b, codec, n)
		for _, d := range benchDrafts {
			draft := mustParse(b, d.name, benchHead+d.doc)
			benchSimulate(b, codec+"/"+d.name, path, n, backtest.Options{Drafts: []*rules.Campaign{draft}})
		}
		o := backtest.Options{Drafts: []*rules.Campaign{mustParse(b, "percent", benchHead+benchDrafts[0].doc)}, Compare: true}
		for _, f := range rules.Library() {
			o.Against = append(o.Against, mustParse(b, f.Name, string(f.Doc)))
		}
		benchSimulate(b, codec+"/against20", path, n, o)
	}
}

func benchReceipts(b *testing.B) int {
	b.Helper()
	s := os.Getenv("SIMULATE_RECEIPTS")
	if s == "" {
		return 50_000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func benchArchive(b *testing.B, codec string, n int) string {
	b.Helper()
	dir := os.Getenv("SIMULATE_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%d.avro", codec, n))
	if _, err := os.Stat(path); err != nil {
		writeArchive(b, path, codec, n)
	}
	return path
}

func mustParse(b *testing.B, name, doc string) *rules.Campaign {
	b.Helper()
	c, findings := rules.Parse(name, []byte(doc))
	if c == nil {
		b.Fatal(findings)
	}
	return c
}

func benchSimulate(b *testing.B, name, path string, n int, o backtest.Options) {
	b.Run(name, func(b *testing.B) {
		o.Currency, o.Workers = "EUR", 1
		b.ReportAllocs()
		begun := processorTime(b)
		for b.Loop() {
			simulateFile(b, path, o, n)
		}
		spent := processorTime(b) - begun
		b.ReportMetric(float64(n)*float64(b.N)/spent.Seconds(), "receipts/cpu-s")
	})
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
