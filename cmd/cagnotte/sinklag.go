package main

import (
	"context"
	"fmt"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sunk tells whether ClickHouse has every record of the topics that the sink copies. A committed offset before the end is no proof of a missing record:
// what lies between may be transaction markers and aborted records only, so the rest is read.
func sunk(ctx context.Context, opts []kgo.Opt, group string) (bool, error) {
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return false, fmt.Errorf("sink's lag: %w", err)
	}
	defer cl.Close()
	rest, ends, err := unsunk(ctx, kadm.NewClient(cl), group)
	if err != nil {
		return false, fmt.Errorf("sink's lag: %w", err)
	}
	if len(rest) == 0 {
		return true, nil
	}
	found, err := anyRecord(ctx, opts, rest, ends)
	return !found && err == nil, err
}

// unsunk returns, for each partition whose end the group has not committed, where its rest begins and the end.
func unsunk(ctx context.Context, adm *kadm.Client, group string) (map[string]map[int32]kgo.Offset, kadm.ListedOffsets, error) {
	var topics []string
	for _, t := range schemas.Topics() {
		if !internal(t.Name) {
			topics = append(topics, t.Name)
		}
	}
	ends, err := adm.ListCommittedOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, err
	}
	committed, err := adm.FetchOffsets(ctx, group)
	if err != nil {
		return nil, nil, err
	}
	rest := map[string]map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		at := int64(0)
		if c, ok := committed.Lookup(end.Topic, end.Partition); ok && c.At > 0 {
			at = c.At
		}
		if at >= end.Offset {
			return
		}
		if rest[end.Topic] == nil {
			rest[end.Topic] = map[int32]kgo.Offset{}
		}
		rest[end.Topic][end.Partition] = kgo.NewOffset().At(at)
	})
	return rest, ends, nil
}

// anyRecord reads the rests to their ends, or to the first record.
func anyRecord(ctx context.Context, opts []kgo.Opt, rest map[string]map[int32]kgo.Offset, ends kadm.ListedOffsets) (bool, error) {
	cl, err := kgo.NewClient(append(opts, kgo.ConsumePartitions(rest), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(50*time.Millisecond))...)
	if err != nil {
		return false, fmt.Errorf("sink's lag: %w", err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for open := count(rest); open > 0; {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return true, nil // not known within the time: ask again
		}
		if err := fetches.Err0(); err != nil {
			return false, fmt.Errorf("sink's lag: %w", err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end, _ := ends.Lookup(r.Topic, r.Partition)
			if !r.Attrs.IsControl() && r.Offset < end.Offset {
				return true, nil
			}
			if r.Offset == end.Offset-1 {
				open--
			}
		}
	}
	return false, nil
}

func count(rest map[string]map[int32]kgo.Offset) int {
	n := 0
	for _, partitions := range rest {
		n += len(partitions)
	}
	return n
}

// internal topics are the pipeline's own: the sink does not read them.
func internal(topic string) bool {
	return topic == schemas.TopicChangelog || topic == schemas.TopicBudgetRequests || topic == schemas.TopicBudgetGrants
}
