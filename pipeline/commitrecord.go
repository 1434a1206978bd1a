package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

type rulesetPtr = *rules.Ruleset

// keyCommit is the changelog key that is no account's.
var keyCommit = []byte("\x00commit")

// commitRecord makes the changelog self-describing: it closes the group of changelog records of one commit of one task.
type commitRecord struct {
	Next    int64 // input offset
	Ruleset int64
	Clock   retail.Instant
	EventAt retail.Instant
	Counter int64
	Hash    uint64 // running hash over all changelog values up to here
	Owner   string // transactional id
}

const commitVersion = 1

func (c commitRecord) append(dst []byte) []byte {
	dst = append(dst, commitVersion)
	for _, v := range []int64{c.Next, c.Ruleset, int64(c.Clock), int64(c.EventAt), c.Counter} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.BigEndian.AppendUint64(dst, c.Hash)
	return append(dst, c.Owner...)
}

var errShort = errors.New("record is too short")

func parseCommit(b []byte) (commitRecord, error) {
	var c commitRecord
	if len(b) == 0 || b[0] != commitVersion {
		return c, fmt.Errorf("commit record: version %v is not known to this program; hint: upgrade it", b[:min(len(b), 1)])
	}
	b = b[1:]
	for _, f := range []*int64{&c.Next, &c.Ruleset, (*int64)(&c.Clock), (*int64)(&c.EventAt), &c.Counter} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return c, fmt.Errorf("commit record: %w", errShort)
		}
		*f, b = v, b[n:]
	}
	if len(b) < 8 {
		return c, fmt.Errorf("commit record: %w", errShort)
	}
	c.Hash, c.Owner = binary.BigEndian.Uint64(b), string(b[8:])
	return c, nil
}

// changelog writes one state record.
func (o *outputs) changelog(t *task, key, value []byte) {
	o.send(schemas.TopicChangelog, t.partition, o.copyBytes(key), o.copyBytes(value), nil)
}

func (o *outputs) commitRecord(t *task, value []byte) {
	r := o.record()
	r.Topic, r.Partition, r.Key, r.Value = schemas.TopicChangelog, t.partition, keyCommit, value
	o.produce(produceCtx, r, t.noteCommit)
}

// noteCommit runs on the client's goroutine, before the flush of end returns; the loop reads the offset only after it.
func (t *task) noteCommit(r *kgo.Record, err error) {
	t.out.fail(err)
	t.commit.offset = r.Offset
}
