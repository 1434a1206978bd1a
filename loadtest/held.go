package loadtest

import (
	"math/rand/v2"

	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/kgo"
)

// made is all that is needed to make a sale, or an EVENT, again.
type made struct {
	number uint64
	at     retail.Instant
	event  bool
}

// ring remembers the last sales.
type ring struct {
	sales []made
	at    int
}

const remembered = 1 << 16

func (r *ring) add(s made) {
	if len(r.sales) < remembered {
		r.sales = append(r.sales, s)
		return
	}
	r.sales[r.at] = s
	r.at = (r.at + 1) % remembered
}

func (r *ring) pick(rng *rand.Rand) (made, bool) {
	if len(r.sales) == 0 {
		return made{}, false
	}
	return r.sales[rng.IntN(len(r.sales))], true
}

// held is a sale, or the early return of one, that waits for its turn.
type held struct {
	due   uint64
	sale  made
	early bool
}

// queue holds back a few dozen items; it looks through them only when one is due.
type queue struct {
	items []held
	first uint64 // smallest due
}

func (q *queue) add(h held) {
	if len(q.items) == 0 || h.due < q.first {
		q.first = h.due
	}
	q.items = append(q.items, h)
}

// due removes and returns the item that is due first, when its time has come.
func (q *queue) due(pos uint64) (held, bool) {
	if len(q.items) == 0 || pos < q.first {
		return held{}, false
	}
	best := 0
	for i := range q.items {
		if q.items[i].due < q.items[best].due {
			best = i
		}
	}
	out := q.items[best]
	q.items = append(q.items[:best], q.items[best+1:]...)
	q.first = ^uint64(0)
	for i := range q.items {
		q.first = min(q.first, q.items[i].due)
	}
	return out, true
}

// partitionOf is where a stock Kafka client puts the key (murmur2).
func (g *Generator) partitionOf(key string) int32 {
	return int32(g.partitioner.Partition(&kgo.Record{Key: []byte(key)}, int(g.o.Partitions)))
}
