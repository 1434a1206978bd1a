package pipeline

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkReceipt measures what a receipt costs between the broker's two clients: decode, validation, rules of the shipped library, ledger, state with
// write-back, and the encoding of every output. The producer is replaced by one that only acknowledges; commits come every 2,500 receipts.
func BenchmarkReceipt(b *testing.B) {
	t, values := benchTask(b, 60_000)
	if t.p.opts.Policy.MaxAgeMs != 0 {
		b.Fatal("the stream is older than the policy allows")
	}
	m := &member{p: t.p, out: t.out, list: []*task{t}, tasks: map[int32]*task{}}
	b.ReportAllocs()
	b.ResetTimer()
	t.begin(t.p.rules.ruleset())
	now := time.Now()
	for i := range b.N {
		r := &kgo.Record{Topic: schemas.TopicReceipts, Value: values[i%len(values)], Offset: int64(i), Timestamp: now}
		if err := t.process(r); err != nil {
			b.Fatal(err)
		}
		if i%2500 == 2499 {
			benchCommit(b, m, t)
		}
	}
	b.StopTimer()
	if d := t.metrics.batch.Rejected; d > 0 {
		b.Fatalf("%d receipts of the last commit were refused", d)
	}
}

func benchCommit(b *testing.B, m *member, t *task) {
	if err := m.timers(); err != nil {
		b.Fatal(err)
	}
	m.stage()
	t.commit.offset = t.counter
	if err := m.settle(true); err != nil {
		b.Fatal(err)
	}
	if err := m.writeBack(); err != nil {
		b.Fatal(err)
	}
	t.begin(t.p.rules.ruleset())
}

func benchTask(b *testing.B, n int) (*task, [][]byte) {
	codec := simCodec(b)
	o := Options{Brokers: []string{"none"}, Codec: codec, StateDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)}
	if err := o.fill(); err != nil {
		b.Fatal(err)
	}
	o.Policy.MaxAgeMs = 0
	p := &Pipeline{opts: o, log: o.Logger, partitions: 1, rules: &rulesFeed{log: o.Logger}}
	p.rules.current.Store(benchRules(b))
	store, err := state.Open(state.Options{Dir: o.StateDir, CacheAccounts: o.CacheAccounts, Logger: o.Logger})
	if err != nil {
		b.Fatal(err)
	}
	part, err := store.Partition(0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = part.Close(); _ = store.Close() })
	out := &outputs{codec: codec, produce: func(_ context.Context, r *kgo.Record, promise func(*kgo.Record, error)) { promise(r, nil) }}
	out.promise = func(_ *kgo.Record, err error) { out.fail(err) }
	return &task{p: p, out: out, partition: 0, part: part, evaluator: rules.NewEvaluator()}, benchValues(b, codec, n)
}

func benchRules(b *testing.B) *rules.Ruleset {
	var list []*rules.Campaign
	for _, f := range rules.Library() {
		c, diags := rules.Parse(f.Name, f.Doc)
		if c == nil {
			b.Fatal(f.Name, diags)
		}
		list = append(list, c)
	}
	rs, err := rules.Compile(list)
	if err != nil {
		b.Fatal(err)
	}
	return rs.WithVersion(1)
}

// benchValues encodes n receipts of the generator. Each pass over them after the first is a stream of repeats, so n bounds a meaningful -benchtime.
func benchValues(b *testing.B, codec *schemas.Codec, n int) [][]byte {
	g, err := loadtest.New(loadtest.Options{Seed: 7, Start: retail.Instant(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC).UnixMilli())})
	if err != nil {
		b.Fatal(err)
	}
	var values [][]byte
	var it loadtest.Item
	for len(values) < n {
		g.Next(&it)
		if it.Raw == nil && it.Flaw == "" {
			values = append(values, codec.AppendReceipt(nil, &it.Receipt))
		}
	}
	return values
}
