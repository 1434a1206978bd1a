package sink

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/schemas/engine"
	"cagnotte/schemas/engine/enginetest"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// flood makes what the pipeline makes of seeded receipts of some twelve lines: a ledger entry, a balance and a decision each.
type flood struct {
	gen   *loadtest.Generator
	codec *schemas.Codec
	item  loadtest.Item
	seq   map[retail.AccountID]uint64
}

func newFlood(tb testing.TB, codec *schemas.Codec) *flood {
	tb.Helper()
	start := retail.Instant(time.Now().Add(-72 * time.Hour).UnixMilli())
	gen, err := loadtest.New(loadtest.Options{Seed: 1, Start: start, PerDay: 1_000_000, Partitions: 8, MalformedBP: -1})
	if err != nil {
		tb.Fatal(err)
	}
	return &flood{gen: gen, codec: codec, seq: map[retail.AccountID]uint64{}}
}

func (f *flood) next() []*kgo.Record {
	f.gen.Next(&f.item)
	r := &f.item.Receipt
	key := []byte(r.Key())
	id := []byte(string(r.ID))
	out := []*kgo.Record{{Topic: schemas.TopicReceipts, Key: key, Value: f.codec.AppendReceipt(nil, r)}}
	d := schemas.ReceiptDecision{Receipt: r.ID, Account: r.Loyalty.AccountID, Shop: r.Shop.ID, EndedAt: r.EndedAt, Total: r.Total, Currency: "EUR", RulesetVersion: 3}
	for i := range 2 {
		d.Results = append(d.Results, rules.Result{Campaign: "campaign-" + strconv.Itoa(i), Version: 1, Outcome: rules.Awarded, Granted: 12, Desired: 12,
			Funding: []ledger.Share{{Party: "retailer", Rate: money.One}}, Steps: make([]rules.Step, 4)})
	}
	out = append(out, &kgo.Record{Topic: schemas.TopicDecisions, Key: id, Value: f.codec.AppendDecision(nil, &d)})
	if a := r.Loyalty.AccountID; a != "" {
		f.seq[a]++
		e := ledger.Entry{Account: a, Seq: f.seq[a], Kind: ledger.Earn, Amount: 12, Campaign: "campaign-0", Receipt: r.ID, Shop: r.Shop.ID, At: r.EndedAt,
			Postings: []ledger.Posting{{Book: ledger.MemberPending, Party: string(a), Amount: 12}, {Book: ledger.Funding, Party: "retailer", Amount: -12}}}
		out = append(out,
			&kgo.Record{Topic: schemas.TopicLedger, Key: key, Value: f.codec.AppendLedger(nil, &schemas.LedgerRecord{Account: a, Currency: "EUR", Entries: []ledger.Entry{e}})},
			&kgo.Record{Topic: schemas.TopicBalances, Key: key, Value: f.codec.AppendBalance(nil, &schemas.BalanceUpdate{Account: a, Version: f.seq[a], Currency: "EUR", Pending: 12})})
	}
	return out
}

// rig is broker, engine and codec of a benchmark.
type rig struct {
	brokers []string
	addr    string
	pid     int // of the engine
	codec   *schemas.Codec
}

func newRig(b *testing.B) rig {
	b.Helper()
	reg, err := schemas.StartRegistry("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = reg.Close() })
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		b.Fatal(err)
	}
	codec, err := schemas.NewCodec(b.Context(), client)
	if err != nil {
		b.Fatal(err)
	}
	e := enginetest.StartWith(b, engine.Options{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err := schemas.Migrate(b.Context(), e.Addr, nil); err != nil {
		b.Fatal(err)
	}
	return rig{fakeBroker(b, 8), e.Addr, e.Pid(), codec}
}

func (r rig) producer(b *testing.B) *kgo.Client {
	b.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(200_000))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cl.Close)
	return cl
}

func (r rig) start(b *testing.B, o *Observer) (stop func()) {
	b.Helper()
	s, err := New(Options{Brokers: r.brokers, Addr: r.addr, Codec: r.codec, Observer: o, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkCatchUp: how fast a sink copies what has piled up; one op is one receipt with all that follows from it.
func BenchmarkCatchUp(b *testing.B) {
	r := newRig(b)
	cl, f := r.producer(b), newFlood(b, r.codec)
	var want int64
	for range b.N {
		for _, rec := range f.next() {
			want++
			cl.Produce(b.Context(), rec, nil)
		}
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	var records, rows atomic.Int64
	all := make(chan struct{})
	b.ResetTimer()
	before, engineBefore := cpu(), cpuOf(r.pid)
	stop := r.start(b, &Observer{Inserted: func(i Insert) {
		rows.Add(int64(i.Rows))
		if records.Add(int64(i.Records)) == want {
			close(all)
		}
	}})
	<-all
	b.StopTimer()
	b.ReportMetric(float64(rows.Load())/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-us/receipt") // sink and broker
	b.ReportMetric(float64((cpuOf(r.pid)-engineBefore).Microseconds())/float64(b.N), "engine-cpu-us/receipt")
	stop()
}

// BenchmarkVisible: how late rows are visible, open loop, at 500 receipts a second; one op is one receipt. The figures are of the oldest record
// of each block, so they are above those of a record.
func BenchmarkVisible(b *testing.B) {
	r := newRig(b)
	cl, f := r.producer(b), newFlood(b, r.codec)
	var mu sync.Mutex
	var ages []time.Duration
	stop := r.start(b, &Observer{Inserted: func(i Insert) {
		mu.Lock()
		defer mu.Unlock()
		ages = append(ages, i.Age)
	}})
	time.Sleep(2 * time.Second) // joining is not what is measured
	b.ResetTimer()
	began := time.Now()
	for i := range b.N {
		time.Sleep(time.Until(began.Add(time.Duration(i) * 2 * time.Millisecond)))
		for _, rec := range f.next() {
			cl.Produce(b.Context(), rec, nil)
		}
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	b.StopTimer()
	stop()
	slices.Sort(ages)
	b.ReportMetric(ages[len(ages)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(ages[len(ages)*99/100].Seconds()*1000, "p99-ms")
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is what another process has used, 0 where the system does not say.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // the kernel's ticks, 100 a second
}
