package sink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// plan is what the metadata of a committed offset says: the records from that offset up to to are, or may be, in ClickHouse as one block,
// together with the spans of other partitions that carry the same set. Whoever owns the partition next sends exactly that block again.
type plan struct {
	to   int64
	size int    // spans of the block
	set  string // hash of the block's token
}

// String is the metadata.
func (p plan) String() string { return fmt.Sprintf("to=%d n=%d set=%s", p.to, p.size, p.set) }

// parsePlan reads metadata; one that is not a plan, such as that of an offset committed by a tool, is none.
func parsePlan(metadata string, from int64) (p plan, ok bool) {
	for field := range strings.FieldsSeq(metadata) {
		key, value, _ := strings.Cut(field, "=")
		var err error
		switch key {
		case "to":
			p.to, err = strconv.ParseInt(value, 10, 64)
		case "n":
			p.size, err = strconv.Atoi(value)
		case "set":
			p.set = value
		}
		if err != nil {
			return plan{}, false
		}
	}
	return p, p.to > from && p.size > 0 && p.set != ""
}

// token names a block: table, topic, and the spans by partition.
func token(table, topic string, spans []span) string {
	var b strings.Builder
	b.WriteString(table + "/" + topic)
	for i, s := range spans {
		sep := ","
		if i == 0 {
			sep = "/"
		}
		fmt.Fprintf(&b, "%s%d/%d-%d", sep, s.partition, s.from, s.to)
	}
	return b.String()
}

func setOf(token string) string { return strconv.FormatUint(xxhash.Sum64String(token), 16) }

// membership is who we are in the group: it is taken when records are polled, and every commit that concerns them must still be made as that.
// Without this, a member that was away for long would rejoin by itself, and its old plan would be accepted under its new generation.
type membership struct {
	member     string
	generation int32
}

// errFenced says that the group has gone on without us: what we hold is another member's by now.
var errFenced = errors.New("the group has moved on: another member owns the partitions")

// mark is an offset to commit, with its metadata.
type mark struct {
	offset   int64
	metadata string
}

// commit writes the marks to the group as the member m, or returns errFenced.
func commit(ctx context.Context, cl *kgo.Client, m membership, marks map[string]map[int32]mark) error {
	if len(marks) == 0 {
		return nil
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		if req.MemberID != m.member || req.Generation != m.generation {
			return errFenced
		}
		annotate(req, marks)
		return nil
	})
	var failure error
	cl.CommitOffsetsSync(ctx, offsetsOf(marks), func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failure = commitError(resp, err)
	})
	return failure
}

func annotate(req *kmsg.OffsetCommitRequest, marks map[string]map[int32]mark) {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			metadata := marks[t.Topic][t.Partitions[j].Partition].metadata
			t.Partitions[j].Metadata = &metadata
		}
	}
}

func offsetsOf(marks map[string]map[int32]mark) map[string]map[int32]kgo.EpochOffset {
	out := make(map[string]map[int32]kgo.EpochOffset, len(marks))
	for topic, partitions := range marks {
		out[topic] = make(map[int32]kgo.EpochOffset, len(partitions))
		for p, m := range partitions {
			out[topic][p] = kgo.EpochOffset{Epoch: -1, Offset: m.offset}
		}
	}
	return out
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			switch err := kerr.ErrorForCode(p.ErrorCode); {
			case err == nil:
			case errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.FencedInstanceID):
				return fmt.Errorf("commit offsets: %w: %w", errFenced, err)
			default:
				return fmt.Errorf("commit offset of %s/%d: %w", t.Topic, p.Partition, err)
			}
		}
	}
	return nil
}
