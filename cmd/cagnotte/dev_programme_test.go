package main

import (
	"bytes"
	"context"
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
