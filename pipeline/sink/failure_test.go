package sink

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"cagnotte/pipeline/sink/sinktest"
	"cagnotte/schemas"
	"cagnotte/schemas/engine/enginetest"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// quiet runs a sink over a fresh broker until it gives up, and returns why. ClickHouse is not there: nothing in these tests gets that far.
func quiet(t *testing.T, brokers []string, o *Observer) error {
	t.Helper()
	s, err := New(Options{Brokers: brokers, Addr: "127.0.0.1:1", Codec: newTestCodec(t), Observer: o, RetryFor: time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return s.Run(ctx)
}

func produce(t *testing.T, brokers []string, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// A record of our own topics that cannot be read stops the sink, with its place: skipping it would lose money from the books in silence.
func TestUnreadableLedger(t *testing.T) {
	t.Parallel()
	brokers := fakeBroker(t, 2)
	produce(t, brokers, &kgo.Record{Topic: schemas.TopicLedger, Partition: 1, Key: []byte("A"), Value: []byte("not a ledger record")})
	err := quiet(t, brokers, nil)
	if err == nil || !strings.Contains(err.Error(), "cagnotte.ledger/1 offset 0") {
		t.Errorf("got %v, want an error that names the record", err)
	}
}

// Offsets that no longer exist stop the sink: records were deleted before they were copied.
func TestDeletedRecords(t *testing.T) {
	t.Parallel()
	brokers := fakeBroker(t, 2)
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: schemas.TopicReceipts, Partition: 0, At: 1000, LeaderEpoch: -1})
	if err := kadm.NewClient(cl).CommitAllOffsets(t.Context(), "cagnotte-sink", offsets); err != nil {
		t.Fatal(err)
	}
	err = quiet(t, brokers, nil)
	if err == nil || !strings.Contains(err.Error(), "cagnotte.receipts/0") || !strings.Contains(err.Error(), "deleted before they were copied") {
		t.Errorf("got %v, want an error that names the partition and the remedy", err)
	}
}

// While ClickHouse is away the sink keeps its plan and starts over; it does not move on, and a receipt that nobody can read does not stop it.
func TestClickHouseAway(t *testing.T) {
	t.Parallel()
	brokers := fakeBroker(t, 1)
	produce(t, brokers, &kgo.Record{Topic: schemas.TopicReceipts, Key: []byte("k"), Value: []byte("garbage")},
		&kgo.Record{Topic: schemas.TopicDeadLetters, Key: []byte("k"), Value: []byte("garbage")})
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var ended []error
	var skipped []string
	s, err := New(Options{Brokers: brokers, Addr: "127.0.0.1:1", Codec: newTestCodec(t), RetryFor: time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		Observer: &Observer{
			Skipped: func(topic, code string) {
				mu.Lock()
				defer mu.Unlock()
				skipped = append(skipped, topic+" "+code)
			},
			SessionEnded: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if ended = append(ended, err); len(ended) == 3 {
					cancel()
				}
			}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	for _, err := range ended {
		if !errors.Is(err, errUnreachable) {
			t.Errorf("a session ended with %v", err)
		}
	}
	if len(ended) != 3 || len(skipped) == 0 || skipped[0] != "cagnotte.receipts RCP-0001" {
		t.Errorf("ended %v, skipped %v", ended, skipped)
	}
	checkPlan(t, brokers)
}

func checkPlan(t *testing.T, brokers []string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	offsets, err := kadm.NewClient(cl).FetchOffsets(t.Context(), "cagnotte-sink")
	if err != nil {
		t.Fatal(err)
	}
	o, ok := offsets.Lookup(schemas.TopicDeadLetters, 0)
	if p, planned := parsePlan(o.Metadata, o.At); !ok || o.At != 0 || !planned || p.to != 1 {
		t.Errorf("got offset %d, metadata %q, want the plan of offset 0 to 1", o.At, o.Metadata)
	}
}

// A sink that gives its session up at once when ClickHouse does not answer goes through sessions and plans, to the same end.
func TestEngineKilledImpatient(t *testing.T) {
	t.Parallel()
	w := sinktest.NewWorld(t, sinktest.Setup{Brokers: fakeBroker, Engine: enginetest.StartWith})
	sinktest.EngineKilled(t, w, func(ctx context.Context, env sinktest.Env) error { return runWith(ctx, env, 10*time.Millisecond) })
}

// The blocks of one plan go to several members where not all of their parts come together.
func TestBlocksOf(t *testing.T) {
	opts := Options{}
	x := &session{Sink: &Sink{opts: opts}, blocks: map[string]*block{}}
	for _, src := range sources() {
		x.blocks[src.topic] = x.newBlock(src)
	}
	spans := []span{{0, 5, 9}, {2, 7, 8}, {3, 1, 100}}
	set := setOf(token("cagnotte_raw.decisions", schemas.TopicDecisions, spans))
	var all []due
	for _, s := range spans {
		all = append(all, due{place{schemas.TopicDecisions, s.partition}, &part{from: s.from, plan: &plan{s.to, 3, set}}})
	}
	if got := x.blocksOf(all); len(got) != 1 || len(got[0]) != 3 {
		t.Errorf("all parts are here: got %d blocks, want 1", len(got))
	}
	if got := x.blocksOf(all[:2]); len(got) != 2 {
		t.Errorf("a part is missing: got %d blocks, want 2", len(got))
	}
	all[1].from++ // committed past its beginning by hand
	if got := x.blocksOf(all); len(got) != 3 {
		t.Errorf("a part has other bounds: got %d blocks, want 3", len(got))
	}
}
