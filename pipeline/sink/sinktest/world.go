// Package sinktest is the conformance suite of a ClickHouse sink: it fills the product's topics with records whose right sums it knows, breaks
// things while a sink copies them, and compares what the views then say, to the cent and to the row.
package sinktest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
	"cagnotte/schemas/engine"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// Partitions of the topics of a world.
const Partitions = 4

// World is a broker with the product's topics, a migrated ClickHouse, and the truth about what was produced.
type World struct {
	Brokers []string
	Addr    string // of ClickHouse, the same over restarts
	Codec   *schemas.Codec
	Policy  retail.Policy

	tb     testing.TB
	setup  Setup
	engine *engine.Engine
	dir    string
	gen    *generator
	truth  *truth
}

// Setup gives a world its parts. What they start ends with the test.
type Setup struct {
	// Brokers starts a broker with the product's topics, of so many partitions each.
	Brokers func(tb testing.TB, partitions int32) []string
	// Engine starts ClickHouse.
	Engine func(testing.TB, engine.Options) *engine.Engine
}

// NewWorld starts a world that ends with the test.
func NewWorld(tb testing.TB, setup Setup) *World {
	tb.Helper()
	w := &World{Codec: newCodec(tb), Policy: retail.DefaultPolicy(), tb: tb, setup: setup, dir: tb.TempDir(), truth: newTruth()}
	w.Policy.Currency = "EUR"
	w.gen = newGenerator(w)
	w.engine = setup.Engine(tb, engine.Options{Dir: w.dir})
	w.Addr = w.engine.Addr
	w.Brokers = setup.Brokers(tb, Partitions)
	if err := schemas.Migrate(tb.Context(), w.Addr, nil); err != nil {
		tb.Fatal(err)
	}
	w.stopMerges()
	return w
}

func newCodec(tb testing.TB) *schemas.Codec {
	tb.Helper()
	reg, err := schemas.StartRegistry(filepath.Join(tb.TempDir(), "registry.json"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = reg.Close() })
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		tb.Fatal(err)
	}
	codec, err := schemas.NewCodec(tb.Context(), client)
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

// KillEngine ends ClickHouse as a crash would.
func (w *World) KillEngine() {
	w.engine.Kill()
	<-w.engine.Done()
}

// RestartEngine starts ClickHouse over the same tables at the same address.
func (w *World) RestartEngine() {
	w.tb.Helper()
	_, port := splitPort(w.Addr)
	w.engine = w.setup.Engine(w.tb, engine.Options{Dir: w.dir, TCPPort: port})
}

// awaitUp waits until ClickHouse answers.
func (w *World) awaitUp() {
	w.tb.Helper()
	conn := w.Conn()
	defer conn.Close()
	for range 200 {
		if conn.Ping(context.Background()) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.tb.Fatal("ClickHouse did not come back")
}

// Conn opens a connection to ClickHouse. Close it: an engine that stops waits for open ones.
func (w *World) Conn() driver.Conn {
	w.tb.Helper()
	opts, err := schemas.ClickHouseOptions(w.Addr)
	if err != nil {
		w.tb.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		w.tb.Fatal(err)
	}
	return conn
}

// Produce appends records of about n receipts and everything that follows from them, in several transactions, with aborted ones between.
func (w *World) Produce(n int) {
	w.tb.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers...), kgo.TransactionalID("sinktest"), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(1<<20))
	if err != nil {
		w.tb.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(w.tb.Context(), time.Minute)
	defer cancel()
	for n > 0 {
		batch := min(n, 250)
		n -= batch
		w.abort(ctx, cl)
		w.transact(ctx, cl, w.gen.batch(batch), kgo.TryCommit)
		w.transact(ctx, cl, w.gen.refusals(), kgo.TryCommit)
	}
}

// abort produces records that nobody may see.
func (w *World) abort(ctx context.Context, cl *kgo.Client) {
	decoy := newGenerator(w)
	decoy.prefix, decoy.truth = "aborted-", newTruth()
	w.transact(ctx, cl, decoy.batch(5), kgo.TryAbort)
}

func (w *World) transact(ctx context.Context, cl *kgo.Client, records []*kgo.Record, end kgo.TransactionEndTry) {
	w.tb.Helper()
	if err := cl.BeginTransaction(); err != nil {
		w.tb.Fatal(err)
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		w.tb.Fatal(err)
	}
	if err := cl.EndTransaction(ctx, end); err != nil {
		w.tb.Fatal(err)
	}
}
