package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topicReceipts is a source of what the receipts topic holds from an append time to its end at the start.
type topicReceipts struct {
	client *kgo.Client
	codec  *schemas.Codec
	reader topicReader
	end    map[int32]int64 // by partition, those that are not read to the end yet
	done   int64
	total  int64

	mu  sync.Mutex
	bad error
}

// recordsPerChunk is how many records are decoded at a time.
const recordsPerChunk = 1000

func openTopic(ctx context.Context, g *Globals, since time.Time, span string) (*pastReceipts, error) {
	codec, err := g.NewCodec(ctx)
	if err != nil {
		return nil, err
	}
	cl, err := g.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, err
	}
	t := &topicReceipts{client: cl, codec: codec, reader: topicReader{g: g, from: since.UTC().Format(time.RFC3339)}}
	begin, end, err := t.reader.offsets(ctx, kadm.NewClient(cl))
	if err != nil {
		cl.Close()
		return nil, err
	}
	for p, last := range end {
		t.total += last - begin[p].EpochOffset().Offset
	}
	t.end = end
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicReceipts: begin})
	return &pastReceipts{
		name: fmt.Sprintf("%s, %s", schemas.TopicReceipts, span), source: t, bad: t.firstBad, from: retail.Instant(since.UnixMilli()), to: retail.Instant(time.Now().UnixMilli()),
		closers: []func() error{func() error { cl.Close(); return nil }},
	}, nil
}

func (t *topicReceipts) firstBad() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bad
}

// Progress implements backtest.Source, in records.
func (t *topicReceipts) Progress() (done, total int64) { return min(t.done, t.total), t.total }

// Chunk implements backtest.Source.
func (t *topicReceipts) Chunk() backtest.Chunk { return &topicChunk{of: t} }

// topicChunk is what one poll brought.
type topicChunk struct {
	of      *topicReceipts
	records []*kgo.Record
	next    int // to decode
}

// Read implements backtest.Chunk.
func (c *topicChunk) Read(ctx context.Context) error {
	t := c.of
	c.records, c.next = c.records[:0], 0
	for len(c.records) == 0 {
		if len(t.end) == 0 {
			return io.EOF
		}
		fetches := t.client.PollRecords(ctx, recordsPerChunk)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil {
			return exitf(ExitUnreachable, "read %s: %w", schemas.TopicReceipts, err)
		}
		fetches.EachRecord(c.take)
		t.reader.skipMarkers(t.client, t.end)
	}
	return nil
}

// take keeps a record that was there at the start.
func (c *topicChunk) take(r *kgo.Record) {
	last, ok := c.of.end[r.Partition]
	if !ok {
		return
	}
	if r.Offset+1 >= last {
		delete(c.of.end, r.Partition)
	}
	if r.Offset < last {
		c.of.done++
		c.records = append(c.records, r)
	}
}

// Decode implements backtest.Chunk.
func (c *topicChunk) Decode(into []retail.Receipt, most int) (list []retail.Receipt, unreadable int64, err error) {
	for ; len(into) < most && c.next < len(c.records); c.next++ {
		rec := c.records[c.next]
		into = oneMore(into)
		err := c.of.codec.DecodeReceipt(rec.Value, &into[len(into)-1])
		if err == nil {
			continue
		}
		into = into[:len(into)-1]
		var d *schemas.DecodeError
		if errors.As(err, &d) && d.Retryable {
			return into, unreadable, exitf(ExitUnreachable, "partition %d offset %d: %w", rec.Partition, rec.Offset, err)
		}
		unreadable++
		c.of.note(fmt.Errorf("partition %d offset %d: %w", rec.Partition, rec.Offset, err))
	}
	return into, unreadable, nil
}

func (t *topicReceipts) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bad == nil {
		t.bad = err
	}
}
