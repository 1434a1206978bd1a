package dashboards

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cagnotte/schemas"
	"cagnotte/schemas/engine/enginetest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// broker is a Kafka in this process with the product's topics and a registry beside it.
type broker struct {
	addrs []string
	codec *schemas.Codec
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	registry, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	rc, err := sr.NewClient(sr.URLs(registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(t.Context(), rc)
	if err != nil {
		t.Fatal(err)
	}
	b := &broker{addrs: cluster.ListenAddrs(), codec: codec}
	adm := kadm.NewClient(b.client(t))
	for _, topic := range schemas.Topics() {
		partitions := int32(1)
		if topic.Partitioned {
			partitions = 2
		}
		if _, err := adm.CreateTopic(t.Context(), partitions, 1, nil, topic.Name); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *broker) client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func (b *broker) batch(m *schemas.MetricBatch) *kgo.Record {
	return &kgo.Record{Topic: schemas.TopicMetrics, Partition: m.Partition, Value: b.codec.AppendMetrics(nil, m)}
}

func send(t *testing.T, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// transaction sends the records in a transaction of its own and commits or aborts it.
func transaction(t *testing.T, cl *kgo.Client, commit kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	send(t, cl, records...)
	if err := cl.EndTransaction(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
}

// until asks for the page's state until it satisfies the test.
func until(t *testing.T, url, what string, good func(Snapshot) bool) Snapshot {
	t.Helper()
	var s Snapshot
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, body := get(t, url+"/api/now")
		if resp.StatusCode != http.StatusOK {
			continue
		}
		s = Snapshot{}
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		if good(s) {
			return s
		}
	}
	t.Fatalf("%s: %+v", what, s)
	return s
}

const liveDoc = `{"id": "%s", "version": %d, "name": {"fr": "Café", "en": "Coffee"}, "window": {"from": "2026-01-01", "to": "2036-01-01", "tz": "Europe/Paris"}, "reward": {"percent": 10}, "holdout": 10, "budget": {"total": 100.00}}`

// TestLive: goal, that the page counts what was committed and nothing else, without any ClickHouse: history, live batches, aborted and repeated
// ones, campaigns with their versions, and what waits.
func TestLive(t *testing.T) {
	b := startBroker(t)
	plain, tx := b.client(t), b.client(t, kgo.TransactionalID("task-0"))
	now := time.Now().UnixMilli()
	send(t, plain, b.batch(batchOf(1, 1, 7, now)), &kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte("coffee"), Value: fmt.Appendf(nil, liveDoc, "coffee", 1)})
	transaction(t, tx, kgo.TryCommit, b.batch(batchOf(0, 1, 10, now)), b.batch(batchOf(0, 2, 20, now)))

	_, url := serve(t, Options{Brokers: b.addrs, Codec: b.codec, Location: time.UTC})
	s := until(t, url, "history", func(s Snapshot) bool { return s.Today.Receipts == 37 && len(s.Campaigns) == 1 && !s.Starting })
	if !s.Today.Complete || s.Campaigns[0].GrantedMinor != 370 || s.Budget != (Budget{100_00, 370, 1}) || s.Campaigns[0].Name.FR != "Café" || s.Minute.Shops != 1 {
		t.Errorf("after the history %+v", s)
	}

	transaction(t, tx, kgo.TryAbort, b.batch(batchOf(0, 3, 1000, now)))
	transaction(t, tx, kgo.TryCommit, b.batch(batchOf(0, 3, 3, now)))
	transaction(t, tx, kgo.TryCommit, b.batch(batchOf(0, 3, 4, now))) // the same commit, produced again
	send(t, plain, &kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte("tea"), Value: fmt.Appendf(nil, liveDoc, "tea", 2)},
		&kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte("bad"), Value: []byte("{")}, &kgo.Record{Topic: schemas.TopicMetrics, Value: []byte("no batch")})
	until(t, url, "live batches", func(s Snapshot) bool { return s.Today.Receipts == 41 && len(s.Campaigns) == 2 && s.BehindMs >= 0 })

	// Task 0 says that it has read 30 records: five of 35 wait, at least since now.
	var receipts []*kgo.Record
	for range 35 {
		receipts = append(receipts, &kgo.Record{Topic: schemas.TopicReceipts, Value: []byte("x")})
	}
	send(t, plain, receipts...)
	s = until(t, url, "what waits", func(s Snapshot) bool { return s.Lag.Records == 5 })
	if s.Lag.Seconds < 0 || s.Lag.Seconds > 30 || s.Lag.Partitions != 2 {
		t.Errorf("lag %+v", s.Lag)
	}

	resp, body := get(t, url+"/api/campaigns/coffee")
	var d CampaignDetail
	if err := json.Unmarshal([]byte(body), &d); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode, err)
	}
	if len(d.Unavailable) != 4 || d.Row.GrantedMinor != 410 || d.Rule.PercentPPM != 100_000 || d.Spend.Relative.Reason == "" {
		t.Errorf("a page without ClickHouse %+v", d)
	}
}

// TestLiveStops: goal, that a server whose broker is away starts, says that it is not ready, and stops at once.
func TestLiveStops(t *testing.T) {
	b := startBroker(t)
	s, url := serve(t, Options{Brokers: []string{"127.0.0.1:1"}, Codec: b.codec})
	if resp, _ := get(t, url+"/readyz"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready without a broker: %d", resp.StatusCode)
	}
	if resp, _ := get(t, url+"/livez"); resp.StatusCode != http.StatusOK {
		t.Errorf("not alive: %d", resp.StatusCode)
	}
	_ = s
}

// TestLag: what waits is as old as the task's clock when the task said that more was there, else as the first look that found it; a marker at
// the end is no receipt; nothing is ever negative.
func TestLag(t *testing.T) {
	end := func(offset int64) kadm.ListedOffset { return kadm.ListedOffset{Partition: 3, Offset: offset} }
	tail := &tail{since: map[int32]int64{}}
	cases := []struct {
		name    string
		end     int64
		in      position
		now     int64
		records int64
		seconds float64
	}{
		{"caught up", 10, position{10, 1000, 0}, 50_000, 0, 0},
		{"a marker at the end", 11, position{10, 1000, 0}, 50_000, 0, 0},
		{"new arrivals after a quiet hour", 15, position{10, 1000, 0}, 60_000, 5, 0},
		{"still there four seconds later", 15, position{10, 1000, 0}, 64_000, 5, 4},
		{"the task moved on", 20, position{14, 63_000, 0}, 65_000, 6, 2},
		{"the task says that more waits", 20, position{15, 30_000, 5}, 66_000, 5, 36},
		{"a clock ahead", 20, position{15, 90_000, 5}, 70_000, 5, 10},
		{"caught up again", 20, position{20, 66_000, 0}, 67_000, 0, 0},
	}
	for _, tc := range cases {
		var lag Lag
		tail.wait(&lag, end(tc.end), tc.in, tc.now)
		if lag.Records != tc.records || lag.Seconds != tc.seconds {
			t.Errorf("%s: %d records, %v s; want %d, %v", tc.name, lag.Records, lag.Seconds, tc.records, tc.seconds)
		}
	}
}

// TestLiveBase: goal, that a server which starts in the middle of the day shows the whole day: what ClickHouse has of earlier commits and what
// the topic still holds, each once. Method: commits 1 to 3 only in ClickHouse, 4 in both, 5 only in the topic.
func TestLiveBase(t *testing.T) {
	b := startBroker(t)
	e := enginetest.Start(t, t.TempDir())
	if err := schemas.Migrate(t.Context(), e.Addr, nil); err != nil {
		t.Fatal(err)
	}
	opts, err := schemas.ClickHouseOptions(e.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	now := time.Now().UnixMilli()
	row := func(counter, receipts int64) string {
		return fmt.Sprintf("(0, %d, fromUnixTimestamp64Milli(%d), %d, %d)", counter, now, receipts, counter)
	}
	execAll(t, conn, "INSERT INTO cagnotte_raw.metric_batches (task_partition, counter, as_of, receipts, _offset) VALUES "+row(1, 100)+", "+row(2, 200)+", "+row(3, 300)+", "+row(4, 1000))
	plain := b.client(t)
	send(t, plain, b.batch(batchOf(0, 4, 1000, now)))
	_, url := serve(t, Options{Brokers: b.addrs, Codec: b.codec, Location: time.UTC, ClickHouseAddr: e.Addr})
	until(t, url, "the base", func(s Snapshot) bool { return s.Today.Receipts == 1600 && s.Today.Complete })
	send(t, plain, b.batch(batchOf(0, 5, 7, time.Now().UnixMilli())))
	s := until(t, url, "the next commit", func(s Snapshot) bool { return s.Today.Receipts == 1607 })
	if sum(s.Series.Receipts) > 1607 {
		t.Errorf("the series counts %d receipts", sum(s.Series.Receipts))
	}
}
