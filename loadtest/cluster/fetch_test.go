package cluster_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestAbortedStaysHidden: goal, a read-committed consumer never sees what was aborted, whatever limits it fetches with; method, an aborted record at
// the head of each partition, more behind it than one fetch may bring.
func TestAbortedStaysHidden(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const partitions, bulk = 4, 30
	c, err := cluster.StartFake(cluster.FakeOptions{Dir: t.TempDir(), Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Stop(context.Background()) }()
	if err := cluster.CreateTopics(ctx, c.Brokers, partitions, 1); err != nil {
		t.Fatal(err)
	}
	produceAborted(ctx, t, c.Brokers, partitions)
	produceBulk(ctx, t, c.Brokers, partitions, bulk)

	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.ConsumeTopics(schemas.TopicReceipts), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(3<<20), kgo.FetchMaxPartitionBytes(2<<20), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for seen := 0; seen < partitions*bulk; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d records of %d: %v", seen, partitions*bulk, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			seen++
			if string(r.Value) == "aborted" {
				t.Fatalf("partition %d offset %d was aborted and is seen", r.Partition, r.Offset)
			}
		})
	}
}

func produceAborted(ctx context.Context, t *testing.T, brokers []string, partitions int32) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.TransactionalID("aborts"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for p := range partitions {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: schemas.TopicReceipts, Partition: p, Value: []byte("aborted")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}

func produceBulk(ctx context.Context, t *testing.T, brokers []string, partitions int32, n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	value := bytes.Repeat([]byte("x"), 100<<10)
	for p := range partitions {
		for range n {
			if err := cl.ProduceSync(ctx, &kgo.Record{Topic: schemas.TopicReceipts, Partition: p, Value: value}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
