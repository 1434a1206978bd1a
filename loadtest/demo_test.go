package loadtest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// TestDemoResumesWithoutRepeating runs the demo shops twice with one resume file: event times are now, and no sale of the first run comes again.
func TestDemoResumesWithoutRepeating(t *testing.T) {
	broker, err := cluster.StartFake(cluster.FakeOptions{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.Background()) })
	codec := newCodec(t)
	resume := filepath.Join(t.TempDir(), "demo.json")
	first := demoRun(t, broker.Brokers, codec, resume)
	second := demoRun(t, broker.Brokers, codec, resume)
	for id := range first {
		delete(second, id)
	}
	if len(first) < 100 || len(second) < 100 {
		t.Fatalf("%d sales first, %d new ones after the restart; the rate was 500/s for 0.6 s", len(first), len(second))
	}
	ids := map[string]int{}
	readAll(t, broker.Brokers, func(r *kgo.Record) {
		var rec retail.Receipt
		if codec.DecodeReceipt(r.Value, &rec) != nil || rec.Type != retail.Sale {
			return
		}
		ids[strings.Clone(string(rec.ID))]++
		if age := time.Since(time.UnixMilli(int64(rec.EndedAt))); age < -time.Minute && age > -900*24*time.Hour {
			t.Errorf("receipt %s closed at %d", rec.ID, rec.EndedAt)
		}
	})
	repeats := 0
	for _, n := range ids {
		repeats += n - 1
	}
	if repeats > len(ids)/20 { // duplicates are a hundredth of the stream
		t.Fatalf("%d of %d sales stand more than once", repeats, len(ids))
	}
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

// demoRun streams for a moment and returns the ids of the sales that are new on the topic.
func demoRun(t *testing.T, brokers []string, codec *schemas.Codec, resume string) map[string]bool {
	t.Helper()
	before := map[string]bool{}
	readAll(t, brokers, func(r *kgo.Record) { before[string(r.Value)] = true })
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(loadtest.DemoPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, stop := context.WithTimeout(context.Background(), 600*time.Millisecond)
	defer stop()
	if err := loadtest.Demo(ctx, loadtest.DemoOptions{Client: cl, Codec: codec, Partitions: 2, Rate: 500, Shops: 10, Seed: 3, ResumeFile: resume}); err != nil {
		t.Fatal(err)
	}
	if err := cl.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	after := map[string]bool{}
	readAll(t, brokers, func(r *kgo.Record) {
		if !before[string(r.Value)] {
			after[string(r.Value)] = true
		}
	})
	return after
}

func readAll(t *testing.T, brokers []string, each func(*kgo.Record)) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(schemas.TopicReceipts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
		f := cl.PollFetches(ctx)
		cancel()
		if f.NumRecords() == 0 {
			return
		}
		f.EachRecord(each)
	}
}
