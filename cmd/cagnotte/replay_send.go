package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// replayer sends a source to Kafka, in order, from where the last run stopped.
type replayer struct {
	source   replaySource
	progress *replayProgress
	client   *kgo.Client
	codec    *schemas.Codec
	speed    float64 // times real time; 0 is as fast as it goes
}

// replayBuffered bounds the receipts on their way to the broker.
const replayBuffered = 2000

// run sends what is left and returns when all of it is acknowledged.
func (p *replayer) run(ctx context.Context) error {
	state, _ := p.progress.snapshot()
	var pace pacer
	var failed firstError
	for i := 0; ; i++ {
		var r retail.Receipt
		err := p.source.next(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if i < state.Sent {
			continue
		}
		if err := p.pause(ctx, &pace, r.EndedAt); err != nil {
			return err
		}
		p.client.Produce(ctx, p.record(&r), func(rec *kgo.Record, err error) {
			if err != nil {
				failed.set(fmt.Errorf("send receipt %d: %w", i, err))
				return
			}
			p.progress.acked(i, rec.Partition, rec.Offset)
		})
		if err := failed.get(); err != nil {
			return err
		}
	}
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("send the receipts: %w", err)
	}
	_, err := p.progress.snapshot()
	return errors.Join(failed.get(), err)
}

func (p *replayer) record(r *retail.Receipt) *kgo.Record {
	return &kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(r.Key()), Value: p.codec.AppendReceipt(nil, r)}
}

// pause keeps the receipts' own distances, divided by the speed.
func (p *replayer) pause(ctx context.Context, pace *pacer, at retail.Instant) error {
	if p.speed == 0 {
		return ctx.Err()
	}
	return sleep(ctx, pace.until(at, p.speed))
}

// pacer maps event time to wall time from its first use on.
type pacer struct {
	begun time.Time
	first retail.Instant
}

// until returns how long to wait before the receipt of event time at is sent.
func (p *pacer) until(at retail.Instant, speed float64) time.Duration {
	if p.begun.IsZero() {
		p.begun, p.first = time.Now(), at
	}
	due := p.begun.Add(time.Duration(float64(at-p.first) / speed * float64(time.Millisecond)))
	return time.Until(due)
}

// sleep waits unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
