package drive

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/audit"
	"cagnotte/loadtest/cluster"
	"cagnotte/loadtest/peers"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const parts = 2

func broker(t *testing.T) []string {
	t.Helper()
	b, err := cluster.StartFake(cluster.FakeOptions{Partitions: parts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Stop(context.Background()) })
	return b.Brokers
}

func newCodec(t *testing.T) *schemas.Codec {
	t.Helper()
	reg, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	cl, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), cl)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func produce(t *testing.T, brokers []string, n int64, rate float64) *Producer {
	t.Helper()
	codec := newCodec(t)
	g, err := loadtest.New(loadtest.Options{Seed: 1, Partitions: parts, Encode: codec.AppendReceipt})
	if err != nil {
		t.Fatal(err)
	}
	p := &Producer{Generator: g, Codec: codec, Count: n, Rate: rate, Sent: &audit.Sent{}, Latency: &Histogram{}}
	if err := p.Run(context.Background(), brokers); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProducerAccountsForEveryReceipt(t *testing.T) {
	brokers := broker(t)
	p := produce(t, brokers, 3000, 0)
	if p.Acknowledged() != 3000 || p.Sent.Len() != 3000 || p.Latency.Count() != 3000 {
		t.Fatalf("acknowledged %d, noted %d, measured %d of 3000", p.Acknowledged(), p.Sent.Len(), p.Latency.Count())
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	offsets, err := kadm.NewClient(cl).ListEndOffsets(context.Background(), schemas.TopicReceipts)
	if err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	offsets.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	if sum != 3000 {
		t.Fatalf("%d records on the topic", sum)
	}
}

// TestOpenLoop checks that a receipt that is late counts from when it was due.
func TestOpenLoop(t *testing.T) {
	p := pacer{began: time.Now().Add(-time.Second), rate: 100}
	due, err := p.wait(context.Background(), 50)
	if err != nil {
		t.Fatal(err)
	}
	if late := time.Since(due); late < 400*time.Millisecond || late > 700*time.Millisecond {
		t.Fatalf("the 50th of 100 per second, a second in, is %v late", late)
	}
	began := time.Now()
	produce(t, broker(t), 200, 1000)
	if took := time.Since(began); took < 199*time.Millisecond {
		t.Fatalf("200 receipts at 1000 per second took %v", took)
	}
}

// TestDrainSeesThroughMarkers commits a group exactly to the last data record, which transaction markers follow.
func TestDrainSeesThroughMarkers(t *testing.T) {
	brokers := broker(t)
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx := context.Background()
	write := func(commit kgo.TransactionEndTry) {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: schemas.TopicReceipts, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
	}
	write(kgo.TryCommit) // offset 0, marker at 1
	write(kgo.TryAbort)  // offset 2, marker at 3: no reader of committed records ever sees them
	commit := func(offset int64) {
		o := kadm.Offsets{}
		o.AddOffset(schemas.TopicReceipts, 0, offset, -1)
		if err := kadm.NewClient(cl).CommitAllOffsets(ctx, "g", o); err != nil {
			t.Fatal(err)
		}
	}
	short := func() error {
		ctx, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
		defer cancel()
		return drain(ctx, brokers, "g", 0, []string{schemas.TopicReceipts}, nil)
	}
	commit(0)
	if err := short(); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a group that has read nothing has drained: %v", err)
	}
	commit(1)
	if err := short(); err != nil {
		t.Fatalf("a group that has read the only record has not drained: %v", err)
	}
}

// TestProcess starts, kills and stops a child.
func TestProcess(t *testing.T) {
	crashed := make(chan string, 4)
	p := NewProcess("sleeper", "/bin/sh", io.Discard, "-c", "sleep 30")
	p.Crashed = func(name string, _ error) { crashed <- name }
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if p.Start() == nil {
		t.Fatal("a running process was started again")
	}
	p.Kill()
	if p.Running() || p.PID() != 0 {
		t.Fatal("it runs after a kill")
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = p.Stop(ctx) // the shell dies of the signal, which is an exit code
	if p.Running() {
		t.Fatal("it runs after a stop")
	}
	if len(crashed) != 0 {
		t.Fatal("an end that was ours was reported as a crash")
	}
	q := NewProcess("crasher", "/bin/sh", io.Discard, "-c", "exit 3")
	q.Crashed = p.Crashed
	if err := q.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-crashed:
	case <-time.After(5 * time.Second):
		t.Fatal("a crash was not reported")
	}
}

// TestYardsticks lets both eat a small topic and checks that they finish and write what they were told to.
func TestYardsticks(t *testing.T) {
	brokers := broker(t)
	codec := newCodec(t)
	produce(t, brokers, 2000, 0)
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(schemas.TopicLedger))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for range 1000 { // as if every second receipt had made a ledger record of 100 bytes
		cl.Produce(context.Background(), &kgo.Record{Value: make([]byte, 100)}, nil)
	}
	if err := cl.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"pass", "thin"} {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		group := "bench-" + kind
		go func() {
			done <- RunPeer(ctx, kind, peers.Options{Brokers: brokers, Codec: codec, Group: group, Partitions: parts, StateDir: t.TempDir(), Accounts: 100}, 2000)
		}()
		wait, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := drain(wait, brokers, group, 0, []string{schemas.TopicReceipts}, nil)
		cancel()
		stop()
		if runErr := <-done; runErr != nil {
			t.Fatal(kind, runErr)
		}
		if err != nil {
			t.Fatal(kind, err)
		}
		e := &ender{brokers: brokers, adm: kadm.NewClient(cl), known: map[place]known{}}
		ends, err := e.read(context.Background(), group+"."+schemas.TopicLedger)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for _, parts := range ends {
			for _, end := range parts {
				n += end
			}
		}
		if n < 950 || n > 1100 { // markers are among the offsets
			t.Errorf("%s wrote %d ledger records for 2000 receipts, want about 1000", kind, n)
		}
	}
}

func TestMeasuresOfThisProcess(t *testing.T) {
	if now, peak := memoryOf(os.Getpid()); now <= 0 || peak < now {
		t.Fatalf("resident %d, peak %d", now, peak)
	}
	began := cpuOf(os.Getpid())
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
	}
	if used := cpuOf(os.Getpid()) - began; used <= 0 {
		t.Fatalf("100 ms of work cost %v", used)
	}
}

func TestRefusedStreamIsNoFigure(t *testing.T) {
	for share, wantErr := range map[float64]bool{0.002: false, 0.37: true} {
		if err := refused([]peers.Output{{Topic: schemas.TopicLedger, PerReceipt: 2}, {Topic: schemas.TopicDeadLetters, PerReceipt: share}}); (err != nil) != wantErr {
			t.Errorf("%g dead letters per receipt: %v", share, err)
		}
	}
}
