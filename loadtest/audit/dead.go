package audit

import (
	"context"
	"fmt"
	"strconv"

	"cagnotte/schemas"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// deadLetter is one refused record as the dead-letter topic holds it.
type deadLetter struct {
	code string
	hash uint64 // of the value
}

// deadLetters compares the refusals with the model's, code by code and byte by byte.
func (p *part) deadLetters(ctx context.Context) error {
	p.dead = map[int64]deadLetter{}
	err := p.a.each(ctx, topicDeadLetters, p.number, func(r *kgo.Record) error {
		h := headers(r)
		offset, err := strconv.ParseInt(h[schemas.HeaderErrorOffset], 10, 64)
		partition, err2 := strconv.ParseInt(h[schemas.HeaderErrorPartition], 10, 32)
		if err != nil || err2 != nil || int32(partition) != p.number || h[schemas.HeaderErrorTopic] != topicReceipts {
			p.a.report.differ(Other, "dead letter without its origin", 0, "dead letter %d-%d names %q-%q@%q", r.Partition, r.Offset, h[schemas.HeaderErrorTopic], h[schemas.HeaderErrorPartition], h[schemas.HeaderErrorOffset])
			return nil
		}
		d := deadLetter{h[schemas.HeaderErrorCode], xxhash.Sum64(r.Value)}
		if was, twice := p.dead[offset]; twice && (!p.a.o.Repeats || was != d) {
			p.a.report.differ(Doubled, "dead letter stands twice", 0, "receipt offset %d-%d: %s and %s", p.number, offset, was.code, d.code)
		}
		p.dead[offset] = d
		return nil
	})
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	p.a.report.saw("dead letters", int64(len(p.dead)))
	p.compareDead("dead-letter topic", p.dead)
	return nil
}

func headers(r *kgo.Record) map[string]string {
	m := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		if _, there := m[h.Key]; !there {
			m[h.Key] = string(h.Value)
		}
	}
	return m
}

func (p *part) compareDead(where string, got map[int64]deadLetter) {
	expected := map[int64]bool{}
	for _, want := range p.expected.Dead {
		expected[want.Offset] = true
		d, there := got[want.Offset]
		switch {
		case !there:
			p.a.report.differ(Lost, where+": dead letter missing", 0, "receipt offset %d-%d must be refused with %s", p.number, want.Offset, want.Code)
		case d.code != want.Code:
			p.a.report.differ(Other, where+": dead letter with another code", 0, "receipt offset %d-%d: %s, must be %s", p.number, want.Offset, d.code, want.Code)
		case d.hash != p.deadValues[want.Offset]:
			p.a.report.differ(Lost, where+": dead letter with other bytes", 0, "receipt offset %d-%d: the value is not the original's", p.number, want.Offset)
		}
	}
	for offset, d := range got {
		if !expected[offset] {
			p.a.report.differ(Lost, where+": good receipt refused", 0, "receipt offset %d-%d is refused with %s and must be accepted", p.number, offset, d.code)
		}
	}
}
