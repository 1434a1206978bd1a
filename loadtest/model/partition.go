package model

import (
	"errors"
	"fmt"

	"cagnotte/loadtest/wire"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is one record of the receipts topic, in the order of its partition.
type Record struct {
	Offset   int64
	Appended int64 // broker's time, ms
	Value    []byte
}

// Dead is a dead letter that must exist.
type Dead struct {
	Offset int64
	Code   string
}

// Moved is a record that is on the wrong partition and must be copied to the right one, once.
type Moved struct {
	Offset int64
	To     int32
	Hash   uint64 // of the value
}

// Seen is a receipt that must be visible: one row, however often it was sent.
type Seen struct {
	Offset   int64 // of its first acceptance
	Net      int64
	Training bool // kept, and left out of every figure
	Event    bool // kept, and no receipt in any figure
}

// Expected is what one partition must come to.
type Expected struct {
	Accounts   map[string]*Account
	Receipts   map[string]Seen // accepted, by id
	Dead       []Dead
	Moved      []Moved
	Duplicates int64            // of accounts' receipts
	Granted    map[string]int64 // by campaign, returns deducted
	Ghosts     map[string]int64 // by campaign: what the holdout would have had, returns deducted
	Cut        map[string]int64 // by campaign: what members would have had with a larger budget
	Parts      map[Cut]string   // the shop's part of a budget that each movement belongs to
	Emitted    []Emitted        // records to other accounts that the product must have written
	Arrived    []Arrived        // those that it has
	Records    int64
}

// Partition replays one partition of the receipts topic. Not safe for concurrent use.
type Partition struct {
	campaigns  *Campaigns
	limits     Limits
	reader     *wire.Reader
	number     int32
	partitions int32
	pool       *texter
	place      kgo.TopicPartitioner
	out        *Expected
	clock      int64 // latest append
	cuts       map[Cut]int64
	budgets    map[string]Budget
}

// NewPartition starts the replay of partition number of partitions.
func NewPartition(c *Campaigns, l Limits, r *wire.Reader, number, partitions int32) *Partition {
	return &Partition{
		campaigns: c, limits: l, reader: r, number: number, partitions: partitions, pool: newTexter(),
		place: kgo.StickyKeyPartitioner(nil).ForTopic(""),
		out:   &Expected{Accounts: map[string]*Account{}, Receipts: map[string]Seen{}, Granted: map[string]int64{}, Ghosts: map[string]int64{}, Cut: map[string]int64{}, Parts: map[Cut]string{}},
	}
}

// Expected returns what the records fed so far must come to. It is the partition's own: do not feed it any more.
func (p *Partition) Expected() *Expected { return p.out }

// Feed replays the next record. An error is a fault of the audit, not of the record.
func (p *Partition) Feed(rec Record) error {
	p.out.Records++
	var r wire.Receipt
	if err := p.reader.Decode(rec.Value, &r); err != nil {
		if !errors.Is(err, wire.ErrUnreadable) {
			return fmt.Errorf("replay partition %d offset %d: %w", p.number, rec.Offset, err)
		}
		p.dead(rec, codeSchema)
		return nil
	}
	key := r.Account()
	if key == "" {
		key = r.ID
	}
	if home := int32(p.place.Partition(&kgo.Record{Key: []byte(key)}, int(p.partitions))); home != p.number {
		p.out.Moved = append(p.out.Moved, Moved{Offset: rec.Offset, To: home, Hash: xxhash.Sum64(rec.Value)})
		return nil
	}
	p.arrive(rec, &r)
	if code := p.limits.refuse(&r, rec.Appended); code != "" {
		p.dead(rec, code)
		return nil
	}
	p.accept(rec, &r)
	return nil
}

func (p *Partition) dead(rec Record, code string) {
	p.out.Dead = append(p.out.Dead, Dead{rec.Offset, code})
}

func (p *Partition) accept(rec Record, r *wire.Receipt) {
	p.clock = max(p.clock, rec.Appended)
	if id := r.Account(); id != "" {
		p.account(id).Fire(p.clock) // what is due by the append of a record happens before it
		accepted, conflict := p.receive(p.account(id), r)
		if conflict {
			p.dead(rec, codeConflict)
		}
		if !accepted {
			if !conflict {
				p.out.Duplicates++
			}
			return
		}
	}
	if _, again := p.out.Receipts[r.ID]; again {
		return // an anonymous receipt, sent twice
	}
	p.out.Receipts[string([]byte(r.ID))] = Seen{Offset: rec.Offset, Net: r.Total, Training: r.Training, Event: aboutEvent(r)}
}

func (p *Partition) account(id string) *Account {
	a := p.out.Accounts[id]
	if a == nil {
		a = newAccount()
		p.out.Accounts[string([]byte(id))] = a
	}
	return a
}

// ghost sums what the holdout would have had.
func (p *Partition) ghost(w *award, desired int64) {
	if w.heldOut {
		p.out.Ghosts[w.c.id] += desired
	}
}
