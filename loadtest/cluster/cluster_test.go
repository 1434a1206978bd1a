package cluster_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest/cluster"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) {
	cluster.HostIfChild()
	os.Exit(m.Run())
}

const partitions = 4

// The three kinds of cluster pass one conformance: topics, transactions, append time, and data that outlives a kill.
func TestFake(t *testing.T) {
	c, err := cluster.StartFake(cluster.FakeOptions{Dir: t.TempDir(), Partitions: partitions})
	conform(t, c, err)
}

func TestFakeChild(t *testing.T) {
	c, err := cluster.StartFakeChild(cluster.FakeOptions{Dir: t.TempDir(), Partitions: partitions, LogWriter: testLog{t}})
	conform(t, c, err)
}

func TestKafka(t *testing.T) {
	needKafka(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := cluster.StartKafka(ctx, cluster.KafkaOptions{Dir: t.TempDir(), Partitions: partitions, HeapMB: 384, Progress: testLog{t}})
	conform(t, c, err)
}

// needKafka skips where the machine cannot run Kafka, unless services are mandatory.
func needKafka(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skipf("-short leaves %s out: it starts a real Kafka", t.Name())
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("CAGNOTTE_CI=1 and no %s on PATH", tool)
		}
		t.Skipf("no %s on PATH", tool)
	}
}

func conform(t *testing.T, c *cluster.Cluster, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	defer func() {
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := cluster.CreateTopics(ctx, c.Brokers, partitions, 1); err != nil {
		t.Fatalf("a second CreateTopics: %v", err)
	}
	if err := cluster.CreateTopics(ctx, c.Brokers, partitions+1, 1); err == nil {
		t.Fatal("CreateTopics with another number of partitions: no error")
	}
	transactions(t, ctx, c)
	appendTime(t, ctx, c)
	c.Kill()
	if pid := c.PID(0); pid != 0 {
		t.Fatalf("pid %d after Kill", pid)
	}
	if err := c.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	expect(t, ctx, c, schemas.TopicLedger, "committed")
}

// transactions produces one committed and one aborted transaction over two topics; only the first is read.
func transactions(t *testing.T, ctx context.Context, c *cluster.Cluster) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.TransactionalID("conformance"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, step := range []struct {
		value string
		end   kgo.TransactionEndTry
	}{{"aborted", kgo.TryAbort}, {"committed", kgo.TryCommit}} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{schemas.TopicLedger, schemas.TopicBalances} {
			r := &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(step.value)}
			if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatalf("produce: %v", err)
			}
		}
		if err := cl.EndTransaction(ctx, step.end); err != nil {
			t.Fatalf("end transaction: %v", err)
		}
	}
	expect(t, ctx, c, schemas.TopicLedger, "committed")
	expect(t, ctx, c, schemas.TopicBalances, "committed")
}

// expect reads a whole topic, read committed, and wants exactly the values.
func expect(t *testing.T, ctx context.Context, c *cluster.Cluster, topic string, want ...string) {
	t.Helper()
	var got []string
	for _, r := range readAll(t, ctx, c, topic) {
		got = append(got, string(r.Value))
	}
	if strings.Join(got, ",") != strings.Join(want, ",") {
		t.Fatalf("%s holds %q, want %q", topic, got, want)
	}
}

func readAll(t *testing.T, ctx context.Context, c *cluster.Cluster, topic string) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	var out []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("read %s: %v (missing up to %v)", topic, err, left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

// appendTime produces records with wild timestamps, in one batch and in several codecs: the broker's clock decides.
func appendTime(t *testing.T, ctx context.Context, c *cluster.Cluster) {
	t.Helper()
	begun := time.Now().Add(-time.Second)
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.SnappyCompression(), kgo.ZstdCompression()} {
		cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		var batch []*kgo.Record
		for j, at := range []time.Time{time.UnixMilli(1000), time.Now(), time.Now().Add(24 * time.Hour)} {
			batch = append(batch, &kgo.Record{Topic: schemas.TopicReceipts, Key: fmt.Appendf(nil, "%d", i), Value: fmt.Appendf(nil, "value %d", j),
				Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}}})
		}
		if err := cl.ProduceSync(ctx, batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		cl.Close()
	}
	got := readAll(t, ctx, c, schemas.TopicReceipts)
	if len(got) != 9 {
		t.Fatalf("%d receipts, want 9", len(got))
	}
	for _, r := range got {
		if r.Timestamp.Before(begun) || r.Timestamp.After(time.Now().Add(time.Second)) || len(r.Headers) != 1 || !strings.HasPrefix(string(r.Value), "value ") {
			t.Errorf("receipt %s at %v with %d headers, want the broker's time", r.Value, r.Timestamp, len(r.Headers))
		}
	}
}

// testLog writes a child's output into the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}
