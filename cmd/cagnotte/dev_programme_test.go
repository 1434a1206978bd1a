package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// dev --programme publishes the programme's campaigns and sells what it sells, at its pace; flags win.
func TestDevRunsAProgramme(t *testing.T) {
	p, err := loadProgramme("cafe")
	if err != nil {
		t.Fatal(err)
	}
	g, _, _ := campaignGlobals()
	d := &dev{cmd: &DevCmd{Programme: "cafe"}, g: g, dir: &devDir{path: t.TempDir()}, programme: p}
	docs, err := d.campaignDocs()
	if err != nil || len(docs) != len(p.Campaigns) {
		t.Fatalf("%d documents: %v", len(docs), err)
	}
	if fresh, err := unpublished(docs, nil); err != nil || len(fresh) != len(docs) {
		t.Errorf("%d to publish: %v", len(fresh), err)
	}
	o, err := d.demoOptions()
	if err != nil || o.Rate != float64(p.About.Stream.PerHour)/3600 || o.Shops != p.About.Stream.Shops || o.Seed != p.About.Stream.Seed {
		t.Fatalf("%+v: %v", o, err)
	}
	d.cmd.Rate, d.cmd.Shops, d.cmd.Seed = 500, 3, 7
	if o, err = d.demoOptions(); err != nil || o.Rate != 500 || o.Shops != 3 || o.Seed != 7 {
		t.Errorf("flags do not win: %+v %v", o, err)
	}
	coffees, shops := demoCoffees(t, o)
	if coffees == 0 || len(shops) == 0 || len(shops) > 3 {
		t.Errorf("%d coffees in %v", coffees, shops)
	}
}

// demoCoffees runs the demo shops for a moment on a broker inside and reads what they sold.
func demoCoffees(t *testing.T, o loadtest.DemoOptions) (coffees int, shops map[retail.ShopID]bool) {
	t.Helper()
	broker, err := cluster.StartFake(cluster.FakeOptions{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.Background()) })
	reg, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	registry, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	if o.Codec, err = schemas.NewCodec(t.Context(), registry); err != nil {
		t.Fatal(err)
	}
	if o.Client, err = kgo.NewClient(kgo.SeedBrokers(broker.Brokers...), kgo.RecordPartitioner(loadtest.DemoPartitioner()),
		kgo.ConsumeTopics(schemas.TopicReceipts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Client.Close)
	o.Partitions, o.ResumeFile = 2, ""
	ctx, stop := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer stop()
	if err := loadtest.Demo(ctx, o); err != nil {
		t.Fatal(err)
	}
	if err := o.Client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	shops = map[retail.ShopID]bool{}
	read, done := context.WithTimeout(t.Context(), 5*time.Second)
	defer done()
	o.Client.PollFetches(read).EachRecord(func(r *kgo.Record) {
		var rec retail.Receipt
		if o.Codec.DecodeReceipt(r.Value, &rec) != nil {
			return
		}
		if rec.Type != retail.Event {
			shops[retail.ShopID(bytes.Clone([]byte(rec.Shop.ID)))] = true
		}
		for i := range rec.Lines {
			if strings.HasPrefix(rec.Lines[i].Category, "DRINKS/COFFEE") {
				coffees++
			}
		}
	})
	return coffees, shops
}

// Goal: dev --programme as a reader starts it: broker, registry, ClickHouse, pipeline, sink and pages run the programme and nothing else. Method: the café as a
// process, at ten times its pace; what ClickHouse then holds; a second start in the same directory.
func TestDevProgrammeEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole product, which -short leaves out")
	}
	dir := newDevDataDir(t)
	settings := filepath.Join(dir, "settings.json")
	if err := os.WriteFile(settings, bytes.Replace(mustRead(t, settings), []byte("GBP"), []byte("EUR"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	start := func(fresh int) *devProcess {
		p := startCommand(t, "dev", "--data", dir, "--listen", "localhost:0", "--programme", "cafe", "--rate", "100")
		p.waitFor(t, "open http", 2*time.Minute)
		if want := fmt.Sprintf("12 live, %d of them new", fresh); !strings.Contains(p.output(), want) {
			t.Errorf("want %q: %s", want, p.output())
		}
		return p
	}
	p := start(12)
	conn := openClickHouse(t, dir)
	for deadline := time.Now().Add(time.Minute); number(t, conn, "SELECT toInt64(uniqExact(campaign)) FROM cagnotte.ledger_entries WHERE kind = 'EARN'") < 5; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("fewer than five campaigns of the café have rewarded anybody: %s", p.output())
		}
	}
	programme, err := loadProgramme("cafe")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"": true} // commands of members have no campaign
	for _, c := range programme.Campaigns {
		known[c.ID] = true
	}
	for id, sum := range sumBy(t, conn, "SELECT campaign, sum(amount_minor) FROM cagnotte.ledger_entries WHERE kind = 'EARN' GROUP BY 1") {
		if !known[id] || sum <= 0 {
			t.Errorf("campaign %q has given %d cents", id, sum)
		}
	}
	if n := number(t, conn, "SELECT toInt64(countIf(not startsWith(store_id, 'C'))) FROM cagnotte.receipts WHERE type != 'EVENT'"); n != 0 {
		t.Errorf("%d receipts are of other shops than the café's", n)
	}
	p.interrupt(t)
	start(0).interrupt(t)
}

// openClickHouse connects to the ClickHouse of a running dev.
func openClickHouse(t *testing.T, dir string) driver.Conn {
	t.Helper()
	e, err := readEndpoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := schemas.ClickHouseOptions(e.ClickHouse)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
