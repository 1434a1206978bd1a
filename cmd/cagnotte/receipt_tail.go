package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ReceiptTailCmd prints receipts from Kafka.
type ReceiptTailCmd struct {
	From   string `default:"end" help:"Where to begin: start, end, or an instant such as 2026-12-01T08:00:00Z."`
	N      int64  `short:"n" help:"Stop after so many receipts; 0 means never." default:"0"`
	Follow bool   `default:"true" negatable:"" help:"Wait for more at the end of the topic; --no-follow stops there."`
	Meta   bool   `help:"Wrap each receipt with its partition, offset and append time."`
}

// tailRow is a receipt with its place in the topic.
type tailRow struct {
	Partition  int32           `json:"partition"`
	Offset     int64           `json:"offset"`
	AppendedAt time.Time       `json:"appended_at"`
	Receipt    json.RawMessage `json:"receipt"`
}

// Run prints one receipt per line. Records that cannot be read are named on standard error and passed over.
func (c *ReceiptTailCmd) Run(ctx context.Context, g *Globals) error {
	var printed int64
	t := topicReader{g: g, from: c.From, follow: c.Follow}
	return t.run(ctx, func(rec *kgo.Record, r *retail.Receipt) error {
		text := schemas.EncodeReceiptJSON(nil, r)
		if c.Meta {
			wrapped, err := json.Marshal(tailRow{rec.Partition, rec.Offset, rec.Timestamp.UTC(), text})
			if err != nil {
				return err
			}
			text = wrapped
		}
		if _, err := fmt.Fprintf(g.Out, "%s\n", text); err != nil {
			return err
		}
		if printed++; printed == c.N {
			return errEnough
		}
		return nil
	})
}

// errEnough ends a reading without a failure.
var errEnough = errors.New("enough")

// topicReader reads the receipts topic with the schemas of the registry.
type topicReader struct {
	g      *Globals
	from   string
	follow bool
	bad    int64 // records that could not be read
}

// maxBadNamed bounds the lines about unreadable records.
const maxBadNamed = 20

// run calls each with every receipt from the start asked for, to the end that the topic had at the start unless it follows.
func (t *topicReader) run(ctx context.Context, each func(*kgo.Record, *retail.Receipt) error) error {
	codec, err := t.g.NewCodec(ctx)
	if err != nil {
		return err
	}
	cl, err := t.g.NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer cl.Close()
	begin, end, err := t.offsets(ctx, kadm.NewClient(cl))
	if err != nil {
		return err
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicReceipts: begin})
	return t.loop(ctx, cl, codec, end, each)
}

// offsets returns where each partition begins and ends now; a partition that has nothing to read is not in end.
func (t *topicReader) offsets(ctx context.Context, adm *kadm.Client) (begin map[int32]kgo.Offset, end map[int32]int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	ends, err := adm.ListCommittedOffsets(ctx, schemas.TopicReceipts)
	if err != nil {
		return nil, nil, exitf(ExitUnreachable, "brokers %v: %w", t.g.Brokers, err)
	}
	starts, err := t.starts(ctx, adm, ends)
	if err != nil {
		return nil, nil, err
	}
	begin, end = map[int32]kgo.Offset{}, map[int32]int64{}
	for p, e := range ends[schemas.TopicReceipts] {
		s, ok := starts.Lookup(schemas.TopicReceipts, p)
		if err := errors.Join(e.Err, s.Err); err != nil || !ok {
			return nil, nil, exitf(ExitNotFound, "topic %s: %w", schemas.TopicReceipts, errors.Join(err, errors.New("create the topics first, or start cagnotte dev")))
		}
		begin[p] = kgo.NewOffset().At(s.Offset)
		if s.Offset < e.Offset {
			end[p] = e.Offset
		}
	}
	return begin, end, nil
}

func (t *topicReader) starts(ctx context.Context, adm *kadm.Client, ends kadm.ListedOffsets) (kadm.ListedOffsets, error) {
	switch t.from {
	case "end":
		return ends, nil
	case "start":
		return adm.ListStartOffsets(ctx, schemas.TopicReceipts)
	}
	at, err := time.Parse(time.RFC3339, t.from)
	if err != nil {
		return nil, exitf(ExitUsage, "--from %q: want start, end, or an instant such as 2026-12-01T08:00:00Z", t.from)
	}
	return adm.ListOffsetsAfterMilli(ctx, at.UnixMilli(), schemas.TopicReceipts)
}

func (t *topicReader) loop(ctx context.Context, cl *kgo.Client, codec *schemas.Codec, end map[int32]int64, each func(*kgo.Record, *retail.Receipt) error) error {
	var r retail.Receipt
	for t.follow || len(end) > 0 {
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
				failed = t.one(codec, rec, &r, each)
			}
		})
		t.skipMarkers(cl, end)
		if errors.Is(failed, errEnough) {
			return nil
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// skipMarkers takes partitions off the list whose last offsets hold no record that is shown: the position passes over them.
func (t *topicReader) skipMarkers(cl *kgo.Client, end map[int32]int64) {
	for p, at := range cl.UncommittedOffsets()[schemas.TopicReceipts] {
		if last, ok := end[p]; ok && at.Offset >= last {
			delete(end, p)
		}
	}
}

func (t *topicReader) one(codec *schemas.Codec, rec *kgo.Record, r *retail.Receipt, each func(*kgo.Record, *retail.Receipt) error) error {
	err := codec.DecodeReceipt(rec.Value, r)
	if err == nil {
		return each(rec, r)
	}
	var d *schemas.DecodeError
	if errors.As(err, &d) && d.Retryable {
		return exitf(ExitUnreachable, "partition %d offset %d: %w", rec.Partition, rec.Offset, err)
	}
	if t.bad++; t.bad <= maxBadNamed {
		t.g.say("partition %d offset %d: %v", rec.Partition, rec.Offset, err)
	}
	return nil
}
