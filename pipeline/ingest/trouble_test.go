package ingest_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cagnotte/pipeline/ingest"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A broker that refuses, or does not answer, means 503: no success without an acknowledgement, and the same receipt is taken later.
func TestKafkaTrouble(t *testing.T) {
	d := open(t, func(o *ingest.Options) { o.AckTimeout = 300 * time.Millisecond }, kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }))
	var healthy atomic.Bool
	d.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		d.cluster.KeepControl()
		if healthy.Load() {
			return nil, nil, false
		}
		res := req.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range req.(*kmsg.ProduceRequest).Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.NotEnoughReplicas.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	got := d.post(t, "/v1/receipts", sale("r1"))
	if got.Status != 503 || got.Code != "API-0006" || got.Header.Get("Retry-After") == "" {
		t.Fatalf("%+v", got)
	}
	if got := d.post(t, "/v1/receipts:batch", "["+sale("r2")+","+sale("r3")+"]"); got.Status != 503 || got.Header.Get("Retry-After") == "" {
		t.Fatalf("a batch of which nothing was stored: %+v", got)
	}
	got = d.post(t, "/v1/receipts:batch", "["+sale("r2")+",{}]")
	if got.Status != 200 || got.RetryCount != 1 || got.Refused != 1 || got.Results[0].Status != "retry" || got.Results[0].Code != "API-0006" || got.Header.Get("Retry-After") == "" {
		t.Fatalf("a batch of which one may be sent again: %+v", got)
	}
	healthy.Store(true)
	for deadline := time.Now().Add(10 * time.Second); got.Status >= 400 || got.Results != nil; {
		if time.Now().After(deadline) {
			t.Fatalf("Kafka is back: %+v", got)
		}
		got = d.post(t, "/v1/receipts", sale("r1"))
	}
}

// A full producer buffer means 429 at once.
func TestBufferFull(t *testing.T) {
	d := open(t, nil, kgo.MaxBufferedRecords(1), kgo.ProducerLinger(0))
	release := make(chan struct{})
	d.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		d.cluster.KeepControl()
		d.cluster.SleepControl(func() { <-release })
		return nil, nil, false
	})
	answers := make(chan *reply, 8)
	for i := range cap(answers) {
		go func() { answers <- d.post(t, "/v1/receipts", sale(fmt.Sprint("r", i))) }()
	}
	count := map[int]int{}
	for range cap(answers) {
		got := <-answers
		count[got.Status]++
		if got.Status == 429 && (got.Code != "API-0005" || got.Header.Get("Retry-After") != "1") {
			t.Fatalf("%+v", got)
		}
		if count[429] == 1 && got.Status == 429 {
			close(release) // the buffer was seen full: let the broker go on
		}
	}
	if count[429] == 0 || count[202] == 0 || count[429]+count[202] != cap(answers) {
		t.Fatalf("answers by status: %v", count)
	}
	d.records(t, count[202])
}
