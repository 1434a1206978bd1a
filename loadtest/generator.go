// Package loadtest makes seeded streams of receipts whose right answer is known.
//
// A Generator is deterministic: the same Options give the same items, byte for byte. It also makes what real tills make: returns, repeats, late and
// misplaced receipts, and broken ones. Its sub-packages judge a product with it: model recomputes what must come out, audit compares, drive feeds
// and kills, peers measures yardsticks. None of them shares the product's rules, ledger, state, pipeline or sink.
package loadtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Kind says why an item is in the stream.
type Kind uint8

// Kinds of items.
const (
	KindSale      Kind = iota // an ordinary sale (or exchange)
	KindReturn                // gives back lines of an earlier sale, or voids it
	KindEarly                 // a return that is sent before its sale
	KindLate                  // a sale that is sent long after its neighbours
	KindDuplicate             // the same receipt once more
	KindConflict              // the id of an earlier receipt with other content
	KindMisplaced             // a sale on a partition that its key does not belong to
	KindMalformed             // must become a dead letter
	KindEvent                 // what happens to an account apart from a till
	kinds
)

// String names the kind.
func (k Kind) String() string {
	return [...]string{"sale", "return", "early-return", "late", "duplicate", "conflict", "misplaced", "malformed", "event"}[k%kinds]
}

// Item is one record to send. Next fills and reuses it: everything in it is valid until the next call with the same Item.
type Item struct {
	Receipt   retail.Receipt
	Raw       []byte // the value to send instead of the encoded receipt; nil mostly
	Kind      Kind
	Flaw      string // what is broken, for KindMalformed
	Key       string // of the Kafka record
	Partition int32  // -1: where the key belongs
	Number    uint64 // of the receipt the item is made from; unique per stream, save for repeats

	text []byte // what the receipt's own strings alias
}

// Options configure a Generator. The zero value of a field takes the default named here; shares are basis points of all items.
type Options struct {
	Seed       uint64
	Start      retail.Instant // close of the first receipt; default 2026-09-01 00:00 UTC
	PerDay     float64        // receipts of an average day of event time; default 50,000
	First      uint64         // number of the first receipt; a later stream that starts higher repeats none
	Partitions int32          // of the receipts topic, to misplace keys; default 8
	Members    int            // default 200,000
	ZipfS      float64        // skew of the members, default 1.1
	ZipfV      float64        // flattens the head of the distribution, default 50
	Shops      int            // default 60
	Effects    []Effect       // treatment effects
	Trade      *Trade         // what is sold, and what else happens; nil: the supermarket

	AnonymousBP, ReturnBP, ExchangeBP, DuplicateBP, LateBP, MalformedBP, ConflictBP, MisplacedBP int // defaults: see Fill
	// Mechanics adds what the larger half of the campaign language speaks of: EVENTs (8 % of the items unless EventBP says otherwise), labels on
	// articles, coupons.
	Mechanics bool
	EventBP   int
	// Encode turns a receipt into the bytes of the wire; malformed bytes are made from them. nil: only flaws of content are made.
	Encode func(dst []byte, r *retail.Receipt) []byte
}

// Fill sets the defaults: 25 % anonymous, 4 % returns, 0.2 % exchanges, 1 % duplicates, 2 % late, 0.2 % malformed, 0.02 % conflicts, 0.1 % misplaced. A share of -1
// means none.
func (o *Options) Fill() {
	def(&o.Start, retail.Instant(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).UnixMilli()))
	def(&o.PerDay, 50_000)
	def(&o.Partitions, 8)
	def(&o.Members, 200_000)
	def(&o.ZipfS, 1.1)
	def(&o.ZipfV, 50)
	def(&o.Shops, 60)
	for _, share := range []struct {
		field *int
		value int
	}{{&o.AnonymousBP, 2500}, {&o.ReturnBP, 400}, {&o.ExchangeBP, 20}, {&o.DuplicateBP, 100}, {&o.LateBP, 200}, {&o.MalformedBP, 20}, {&o.ConflictBP, 2}, {&o.MisplacedBP, 10}} {
		def(share.field, share.value)
		*share.field = max(*share.field, 0)
	}
	if !o.Mechanics {
		o.EventBP = 0
		return
	}
	def(&o.EventBP, 800)
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o *Options) check() error {
	switch {
	case o.Shops < 1 || o.Shops > 2000:
		return fmt.Errorf("generator: shops must be 1 to 2000, not %d", o.Shops)
	case o.Members < 1:
		return fmt.Errorf("generator: members must be at least 1, not %d", o.Members)
	case o.ZipfS <= 1 || o.ZipfV < 1:
		return fmt.Errorf("generator: Zipf wants s above 1 and v at least 1, not %g and %g", o.ZipfS, o.ZipfV)
	case o.PerDay <= 0:
		return fmt.Errorf("generator: receipts per day must be positive, not %g", o.PerDay)
	}
	return o.Trade.check()
}

// Generator makes the stream. Not safe for concurrent use; two of them with the same Options give the same items.
type Generator struct {
	o            Options
	build        *builder
	scratch      Item // the original of a return, the victim of a flaw
	pcg          *rand.PCG
	rng          *rand.Rand // the stream's own choices
	clock        float64    // event time of the next receipt, ms
	now          func() retail.Instant
	pos          uint64 // items made
	next         uint64 // number of the next receipt
	recent       ring   // sales that can be given back or sent again
	waiting      queue  // sales and returns held back
	lastReturned made
	happened     ring // EVENTs that can be taken back or sent again
	burns        ring // those that spend, which can be refunded
	counts       [kinds]int64
	enrolled     map[uint64]bool // newcomers that have been

	partitioner kgo.TopicPartitioner
}

// New returns a Generator at the start of its stream.
func New(o Options) (*Generator, error) {
	o.Fill()
	if err := o.check(); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(seasonZone)
	if err != nil {
		return nil, fmt.Errorf("generator: %w", err)
	}
	pcg := rand.NewPCG(o.Seed, mix(o.First))
	return &Generator{
		o: o, build: newBuilder(o, newSeason(zone)), pcg: pcg, rng: rand.New(pcg), clock: float64(o.Start), next: o.First,
		enrolled: map[uint64]bool{}, partitioner: kgo.StickyKeyPartitioner(nil).ForTopic(""),
	}, nil
}

// Counts returns how many items of each kind were made.
func (g *Generator) Counts() map[string]int64 {
	out := map[string]int64{}
	for k, n := range g.counts {
		out[Kind(k).String()] = n
	}
	return out
}

// Clock is the event time that the stream has reached.
func (g *Generator) Clock() retail.Instant { return retail.Instant(g.clock) }

// Next fills it with the next item. The stream has no end.
func (g *Generator) Next(it *Item) {
	g.pos++
	it.Raw, it.Flaw, it.Partition = nil, "", -1
	g.choose(it)
	if it.Raw == nil || it.Key == "" {
		it.Key = it.Receipt.Key()
	}
	g.counts[it.Kind]++
}

func (g *Generator) choose(it *Item) {
	if w, ok := g.waiting.due(g.pos); ok {
		g.release(it, w)
		return
	}
	if n := g.o.Trade.eventsPer10k(); n > 0 && g.rng.IntN(10000) < n {
		g.tradeEvent(it)
		return
	}
	roll := g.rng.IntN(10000)
	cut := func(bp int) bool { roll -= bp; return roll < 0 }
	switch {
	case cut(g.o.ReturnBP):
		g.giveBack(it)
	case cut(g.o.DuplicateBP):
		g.again(it)
	case cut(g.o.LateBP):
		g.holdBack()
		g.sale(it)
	case cut(g.o.MalformedBP):
		g.malformed(it)
	case cut(g.o.ConflictBP):
		g.conflict(it)
	case cut(g.o.MisplacedBP):
		g.misplaced(it)
	case cut(g.o.EventBP):
		g.event(it)
	default:
		g.sale(it)
	}
}

// tick moves event time on to the next receipt: exponential gaps, shorter when the tills are busy.
func (g *Generator) tick() retail.Instant {
	if g.now != nil {
		g.clock = float64(g.now())
		return retail.Instant(g.clock)
	}
	busy, _ := g.build.season.at(retail.Instant(g.clock))
	g.clock += min(g.rng.ExpFloat64()*86_400_000/g.o.PerDay/busy, hourMs)
	return retail.Instant(g.clock)
}

// number takes the next receipt number.
func (g *Generator) number() uint64 {
	n := g.next
	g.next++
	return n
}

func (g *Generator) sale(it *Item) {
	s := made{number: g.number(), at: g.tick()}
	g.make(it, s, KindSale)
	if g.isNew() {
		g.enrol(it, s)
		return
	}
	g.recent.add(s)
}

func (g *Generator) make(it *Item, s made, k Kind) {
	if s.event {
		g.build.happening(it, s.number, s.at)
	} else {
		g.build.sale(it, s.number, s.at)
	}
	it.Kind, it.Number = k, s.number
}

// holdBack makes a sale that is sent later; one in ten is given back before it is sent.
func (g *Generator) holdBack() {
	s := made{number: g.number(), at: g.tick()}
	due := g.pos + 2 + g.rng.Uint64N(4096)
	if g.rng.IntN(10) == 0 {
		g.waiting.add(held{due: g.pos + 1, sale: s, early: true})
	}
	g.waiting.add(held{due: due, sale: s})
}

func (g *Generator) release(it *Item, w held) {
	if w.early {
		g.returnOf(it, w.sale)
		it.Kind = KindEarly
		return
	}
	if w.sale.event {
		g.happen(it, w.sale)
		return
	}
	g.recent.add(w.sale)
	g.make(it, w.sale, KindLate)
}

func (g *Generator) again(it *Item) {
	s, ok := g.recent.pick(g.rng)
	if !ok {
		g.sale(it)
		return
	}
	g.make(it, s, KindDuplicate)
}

// conflict sends the id of an earlier receipt of a member with other content.
func (g *Generator) conflict(it *Item) {
	s, ok := g.recent.pick(g.rng)
	if !ok {
		g.sale(it)
		return
	}
	g.make(it, s, KindConflict)
	if it.Receipt.Loyalty.AccountID == "" {
		it.Kind = KindDuplicate // without an account there is no memory that could tell
		return
	}
	l := &it.Receipt.Lines[0]
	l.QuantityMilli *= 2
	l.Gross *= 2
	l.Net *= 2
	totals(&it.Receipt, 0)
}

func (g *Generator) misplaced(it *Item) {
	g.sale(it)
	if g.o.Partitions < 2 {
		return
	}
	it.Kind = KindMisplaced
	right := g.partitionOf(it.Receipt.Key())
	it.Partition = (right + 1 + int32(g.rng.IntN(int(g.o.Partitions-1)))) % g.o.Partitions
}
