package budget

import (
	"math/rand/v2"
	"testing"

	"cagnotte/pipeline/money"
)

// world is one budget over some partitions, with a network that the test may abuse. All state passes through its encoding at every commit, so that
// what is not stored cannot matter.
type world struct {
	t          testing.TB
	rng        *rand.Rand
	terms      Terms
	ceiling    money.Amount // the greatest total so far: what may never be overshot
	partitions int32
	book       []byte
	leases     [][]byte
	requests   [][]byte // on their way to the owner
	grants     [][]byte // on their way to the holders
	granted    money.Amount
	refunded   money.Amount
	refused    int
	messages   int
}

func newWorld(t testing.TB, rng *rand.Rand, terms Terms, partitions int32) *world {
	w := &world{t: t, rng: rng, terms: terms, ceiling: terms.Total, partitions: partitions}
	b := NewBook(terms, partitions)
	w.book = b.AppendBinary(nil)
	for range partitions {
		l := Open(terms, partitions)
		w.leases = append(w.leases, l.AppendBinary(nil))
	}
	return w
}

func (w *world) lease(p int32) Lease {
	l, err := DecodeLease(w.leases[p])
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// commit ends a transaction of partition p: what it says goes out, what it is is kept.
func (w *world) commit(p int32, l *Lease) {
	if r, ok := l.Report(p); ok {
		w.requests = append(w.requests, r.AppendBinary(nil))
		w.messages++
	}
	w.leases[p] = l.AppendBinary(nil)
}

// award lets partition p want to grant an amount, as the rules would: reduced to what is left.
func (w *world) award(l *Lease, wanted money.Amount) {
	got := min(wanted, l.Left())
	if err := l.Spend(got, wanted); err != nil {
		w.t.Fatal(err)
	}
	w.granted += got
	if got < wanted {
		w.refused++
	}
}

func (w *world) refund(l *Lease, amount money.Amount) {
	amount = min(amount, l.Used())
	l.Refund(amount, w.terms.Recycle)
	w.refunded += amount
}

// owner is a transaction of the owner that hears one request and serves.
func (w *world) owner(request []byte) {
	b, err := DecodeBook(w.book)
	if err != nil {
		w.t.Fatal(err)
	}
	if request != nil {
		r, err := ParseRequest(request)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := b.Hear(r); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, g := range b.Serve(w.terms, nil) {
		w.grants = append(w.grants, g.AppendBinary(nil))
		w.messages++
	}
	w.book = b.AppendBinary(nil)
}

// deliver is a transaction of a holder that takes one grant.
func (w *world) deliver(grant []byte) {
	g, err := ParseGrant(grant)
	if err != nil {
		w.t.Fatal(err)
	}
	l := w.lease(g.Partition)
	if _, err := l.Take(g); err != nil {
		w.t.Fatal(err)
	}
	w.commit(g.Partition, &l)
}

// settle delivers everything in order until it is silent.
func (w *world) settle() {
	for rounds := 0; len(w.requests)+len(w.grants) > 0; rounds++ {
		if rounds > 10_000 {
			w.t.Fatal("the partitions and the owner talk for ever")
		}
		w.round()
	}
}

// round delivers what is on its way now, once.
func (w *world) round() {
	requests, grants := w.requests, w.grants
	w.requests, w.grants = nil, nil
	for _, r := range requests {
		w.owner(r)
	}
	for _, g := range grants {
		w.deliver(g)
	}
}

// check is I5: what stands granted is within the budget, by what members got and not by what the machines believe.
func (w *world) check() {
	stands := w.granted
	if w.terms.Recycle {
		stands -= w.refunded
	}
	if stands > w.ceiling {
		w.t.Fatalf("%v stand granted of a budget of %v", stands, w.ceiling)
	}
	var used money.Amount
	for p := range w.partitions {
		l := w.lease(p)
		used += l.Used()
	}
	if used != stands {
		w.t.Fatalf("the leases say %v, members have %v", used, stands)
	}
	if b, err := DecodeBook(w.book); err != nil || b.Out() > w.ceiling {
		w.t.Fatalf("%v are out of a budget of %v, %v", b.Out(), w.ceiling, err)
	}
}
