package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stall is how long a topic may answer nothing before its end before the audit gives up.
const stall = 60 * time.Second

// each hands every committed record of a partition to fn, in order, up to the end that the partition has now.
func (a *auditor) each(ctx context.Context, topic string, partition int32, fn func(*kgo.Record) error) error {
	opts := append([]kgo.Opt{
		kgo.SeedBrokers(a.o.Brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxPartitionBytes(8 << 20),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}), kgo.ClientID("audit"),
	}, a.o.ClientOpts...)
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("read %s-%d: %w", topic, partition, err)
	}
	defer cl.Close()
	end, err := committedEnd(ctx, cl, topic, partition)
	if err != nil {
		return err
	}
	for next := int64(0); next < end; {
		if next, err = poll(ctx, cl, next, end, fn); err != nil {
			return fmt.Errorf("read %s-%d at %d of %d: %w", topic, partition, next, end, err)
		}
	}
	return nil
}

// committedEnd is the offset after the last record that a reader of committed records will ever see of what is there now.
func committedEnd(ctx context.Context, cl *kgo.Client, topic string, partition int32) (int64, error) {
	adm := kadm.NewClient(cl)
	deadline := time.Now().Add(stall)
	for {
		stable, err := adm.ListCommittedOffsets(ctx, topic)
		if err != nil {
			return 0, fmt.Errorf("end of %s: %w", topic, err)
		}
		high, err := adm.ListEndOffsets(ctx, topic)
		if err != nil {
			return 0, fmt.Errorf("end of %s: %w", topic, err)
		}
		s, _ := stable.Lookup(topic, partition)
		h, ok := high.Lookup(topic, partition)
		if !ok || h.Err != nil {
			return 0, fmt.Errorf("end of %s-%d: unknown (%w)", topic, partition, h.Err)
		}
		if s.Offset == h.Offset {
			return h.Offset, nil
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("%s-%d: a transaction is open since %s: stable up to %d of %d", topic, partition, stall, s.Offset, h.Offset)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func poll(ctx context.Context, cl *kgo.Client, next, end int64, fn func(*kgo.Record) error) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, stall)
	defer cancel()
	fetches := cl.PollFetches(ctx)
	if err := fetches.Err0(); err != nil {
		return next, err
	}
	var first error
	fetches.EachError(func(_ string, _ int32, err error) { first = err })
	fetches.EachRecord(func(r *kgo.Record) {
		if r.Offset >= end || first != nil {
			return
		}
		next = r.Offset + 1
		if !r.Attrs.IsControl() {
			first = fn(r)
		}
	})
	return next, first
}
