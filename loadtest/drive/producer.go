package drive

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/audit"
	"cagnotte/schemas"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer sends a generator's stream. Open loop: with a rate, each receipt has its instant, and one that is late is sent at once; what it waited
// counts in Latency, however slow the broker is (no coordinated omission).
type Producer struct {
	Generator *loadtest.Generator
	Codec     *schemas.Codec
	Count     int64
	Rate      float64     // per second; 0: as fast as it goes
	Sent      *audit.Sent // where acknowledged records are noted; nil: nowhere
	Latency   *Histogram  // from the instant a receipt is due to its acknowledgement; nil: not measured
	// LatencyFrom: receipts that were due before do not count in Latency.
	LatencyFrom time.Time
	Visible     *visibility // told about each acknowledged record; nil: nobody is

	item    loadtest.Item // reused: what is sent is a copy
	started atomic.Int64  // handed to the client
	acked   atomic.Int64
	bytes   atomic.Int64
	failed  atomic.Pointer[error]
}

// Acknowledged returns how many records the broker has.
func (p *Producer) Acknowledged() int64 { return p.acked.Load() }

// Bytes is the size of all acknowledged values.
func (p *Producer) Bytes() int64 { return p.bytes.Load() }

// producerOpts make a client that loses and doubles nothing: all replicas, idempotent, in order.
func producerOpts(brokers []string) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID("cagnotte-load"), kgo.RecordPartitioner(loadtest.DemoPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.MaxBufferedRecords(20_000), kgo.ProducerBatchMaxBytes(1 << 20), kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.RecordDeliveryTimeout(5 * time.Minute),
	}
}

// Run sends Count items and waits until all of them are acknowledged.
func (p *Producer) Run(ctx context.Context, brokers []string) error {
	cl, err := kgo.NewClient(producerOpts(brokers)...)
	if err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	defer cl.Close()
	began := time.Now()
	pace := pacer{began: began, rate: p.Rate}
	for n := range p.Count {
		due, err := pace.wait(ctx, n)
		if err != nil {
			return err
		}
		if err := p.failure(); err != nil {
			return err
		}
		p.send(ctx, cl, due)
	}
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	return p.failure()
}

func (p *Producer) failure() error {
	if err := p.failed.Load(); err != nil {
		return fmt.Errorf("producer: a receipt was not accepted by the broker: %w", *err)
	}
	return nil
}

func (p *Producer) send(ctx context.Context, cl *kgo.Client, due time.Time) {
	it := &p.item
	p.Generator.Next(it)
	r := &kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(it.Key), Value: it.Raw, Partition: it.Partition}
	if r.Value == nil {
		r.Value = p.Codec.AppendReceipt(make([]byte, 0, 2048), &it.Receipt)
	}
	p.started.Add(1)
	cl.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err != nil {
			p.failed.CompareAndSwap(nil, &err)
			return
		}
		p.note(r, due)
	})
}

func (p *Producer) note(r *kgo.Record, due time.Time) {
	p.acked.Add(1)
	p.bytes.Add(int64(len(r.Value)))
	if p.Latency != nil && due.After(p.LatencyFrom) {
		p.Latency.Add(time.Since(due), 1)
	}
	if p.Sent != nil {
		p.Sent.Add(r.Partition, r.Offset, xxhash.Sum64(r.Value))
	}
	if p.Visible != nil {
		p.Visible.sent(r.Partition, r.Offset, due)
	}
}

// pacer says when the n-th receipt is due.
type pacer struct {
	began time.Time
	rate  float64
}

// wait sleeps until the n-th receipt is due and returns that instant.
func (p *pacer) wait(ctx context.Context, n int64) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	if p.rate <= 0 {
		return time.Now(), nil
	}
	due := p.began.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
	early := time.Until(due)
	if early < time.Millisecond { // below a timer's grain: in bunches of a millisecond
		return due, nil
	}
	t := time.NewTimer(early)
	defer t.Stop()
	select {
	case <-t.C:
		return due, nil
	case <-ctx.Done():
		return due, ctx.Err()
	}
}
