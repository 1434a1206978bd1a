package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	waitingLimit   = 10 * time.Second // for the whole search
	waitingRecords = 500_000          // searched at most
)

// findWaiting looks for the receipt in what the pipeline or the sink has not got to, nil when it is not there.
func (c *ReceiptExplainCmd) findWaiting(ctx context.Context, g *Globals) (*explain.Waiting, error) {
	ctx, cancel := context.WithTimeout(ctx, waitingLimit)
	defer cancel()
	cl, err := g.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(1<<20))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	reader := topicReader{g: g, from: "start"}
	adm := kadm.NewClient(cl)
	begin, end, err := reader.offsets(ctx, adm)
	if err != nil {
		return nil, err
	}
	done, err := c.skipDone(ctx, adm, begin, end)
	if err != nil || len(end) == 0 {
		return nil, err
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicReceipts: begin})
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return nil, err
	}
	return c.search(ctx, &reader, cl, codec, end, done)
}

// skipDone moves the beginnings to the first record that the pipeline or the sink has not committed, and returns where the pipeline stands.
func (c *ReceiptExplainCmd) skipDone(ctx context.Context, adm *kadm.Client, begin map[int32]kgo.Offset, end map[int32]int64) (map[int32]int64, error) {
	done := map[int32]int64{}
	groups := make([]kadm.OffsetResponses, 2)
	for i, group := range []string{c.Group, sinkGroup} {
		var err error
		if groups[i], err = adm.FetchOffsets(ctx, group); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
			return nil, fmt.Errorf("offsets of group %s: %w", group, err)
		}
	}
	for p := range begin {
		at, known := groups[0].Lookup(schemas.TopicReceipts, p)
		if known {
			done[p] = at.At
		}
		sunk, sinks := groups[1].Lookup(schemas.TopicReceipts, p)
		if !known || !sinks {
			continue
		}
		from := min(at.At, sunk.At)
		if e, ok := end[p]; ok && from >= e {
			delete(end, p)
		}
		if from >= 0 {
			begin[p] = kgo.NewOffset().At(max(from, begin[p].EpochOffset().Offset))
		}
	}
	for p := range begin {
		if _, more := end[p]; !more {
			delete(begin, p)
		}
	}
	return done, nil
}

func (c *ReceiptExplainCmd) search(ctx context.Context, reader *topicReader, cl *kgo.Client, codec *schemas.Codec, end map[int32]int64, done map[int32]int64) (*explain.Waiting, error) {
	var found *explain.Waiting
	var r retail.Receipt
	needle, read := []byte(c.ID), 0
	err := reader.raw(ctx, cl, end, func(rec *kgo.Record) error {
		if read++; read > waitingRecords {
			return fmt.Errorf("not among the first %d records that wait", waitingRecords)
		}
		if !bytes.Contains(rec.Value, needle) || codec.DecodeReceipt(rec.Value, &r) != nil || string(r.ID) != c.ID {
			return nil
		}
		found = &explain.Waiting{Partition: rec.Partition, Offset: rec.Offset, Since: retail.Instant(rec.Timestamp.UnixMilli()), Ahead: max(0, rec.Offset-done[rec.Partition])}
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return found, err
}

// raw calls each with every record up to the ends, without decoding it.
func (t *topicReader) raw(ctx context.Context, cl *kgo.Client, end map[int32]int64, each func(*kgo.Record) error) error {
	for len(end) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil {
			return exitf(ExitUnreachable, "read %s: %w", schemas.TopicReceipts, err)
		}
		var failed error
		fetches.EachRecord(func(rec *kgo.Record) {
			if last, ok := end[rec.Partition]; ok && rec.Offset+1 >= last {
				delete(end, rec.Partition)
			}
			if failed == nil {
				failed = each(rec)
			}
		})
		if failed != nil {
			return failed
		}
		t.skipMarkers(cl, end)
	}
	return nil
}
