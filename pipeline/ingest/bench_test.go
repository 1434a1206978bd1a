package ingest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"cagnotte/schemas"
)

// handler returns the door itself, without the network between it and the client.
func handler(b *testing.B) http.Handler {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, schemas.TopicReceipts))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cluster.Close)
	client, err := kgo.NewClient(append(ingest.ClientOpts(), kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	return ingest.New(ingest.Options{Client: client, Codec: newCodec(b), Policy: retail.DefaultPolicy(), Partitions: partitions})
}

func send(b *testing.B, h http.Handler, path, contentType, body string, want int) {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != want {
		b.Fatalf("%d: %s", rec.Code, rec.Body)
	}
}

// Checking alone: JSON in, verdict out, no Kafka.
func BenchmarkValidate(b *testing.B) {
	h := handler(b)
	body := line("v")
	b.ReportAllocs()
	for b.Loop() {
		send(b, h, "/v1/receipts:validate", "application/json", body, 200)
	}
}

// Batches of 500 distinct receipts, each acknowledged: the figure is per receipt.
func BenchmarkBatch500(b *testing.B) {
	h := handler(b)
	template := line("#")
	var n atomic.Int64
	b.ReportAllocs()
	for b.Loop() {
		var body strings.Builder
		for range 500 {
			body.WriteString(strings.ReplaceAll(template, "#", fmt.Sprint("r", n.Add(1))) + "\n")
		}
		send(b, h, "/v1/receipts:batch", "application/x-ndjson", body.String(), 200)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n.Load()), "ns/receipt")
}

// Single receipts from 64 tills at once, each waiting for its acknowledgement.
func BenchmarkSingles(b *testing.B) {
	h := handler(b)
	template := line("#")
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			send(b, h, "/v1/receipts", "application/json", strings.ReplaceAll(template, "#", fmt.Sprint("s", n.Add(1))), 202)
		}
	})
}
