package ledger

import (
	"cmp"
	"slices"

	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// Profile is what events have said about the member. Every fact has its instants, so that a receipt is judged by what held when it was closed, however
// late it comes (D18).
type Profile struct {
	EnrolledAt     retail.Instant // 0: not known
	FirstReceiptAt retail.Instant // earliest close of a sale; 0: none yet
	Birthday       int16          // month x 100 + day; 0: not known
	Referrer       retail.AccountID
	Facts          []Fact // sorted by (Kind, Key, From)
}

// FactKind is what a fact is about.
type FactKind uint8

// Fact kinds.
const (
	Consent FactKind = iota + 1 // key: purpose
	Segment                     // key: name of the segment
	OptIn                       // key: campaign
	Club                        // key: name of the paid club
)

// Fact is a statement: from From (inclusive) on something holds until To (exclusive; 0: until further notice), or, when To is From, no more. It stands until
// From of the next statement about the same.
type Fact struct {
	Kind     FactKind
	Key      uint64 // FactKey of the name
	From, To retail.Instant
}

// MaxFacts bounds a profile; the fact that ended first falls out first.
const MaxFacts = 64

// FactKey is the key under which a name is remembered.
func FactKey(name string) uint64 { return xxhash.Sum64String(name) }

func compareFacts(a, b Fact) int {
	return cmpAll(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key), cmp.Compare(a.From, b.From))
}

// told reports whether any event has said something.
func (p *Profile) told() bool {
	return p.EnrolledAt != 0 || p.Birthday != 0 || p.Referrer != "" || len(p.Facts) > 0
}

// Holds reports whether a fact held at an instant: the last statement up to then says so.
func (p *Profile) Holds(kind FactKind, key uint64, at retail.Instant) bool {
	holds := false
	for i := range p.Facts {
		if f := &p.Facts[i]; f.Kind == kind && f.Key == key && f.From <= at { // in ascending order of From
			holds = f.To == 0 || at < f.To
		}
	}
	return holds
}

// Begin notes that a fact holds from an instant on, until to (0: until further notice). It does not matter when a statement arrives, but of two about
// one instant the one that arrives later counts.
func (p *Profile) Begin(kind FactKind, key uint64, from, to retail.Instant) {
	if to != 0 {
		to = max(to, from)
	}
	p.state(Fact{kind, key, from, to})
}

// End notes that a fact does not hold from an instant on. The statement is kept also when nothing was known to hold: who withdraws a consent before it
// was heard that he gave it has withdrawn it.
func (p *Profile) End(kind FactKind, key uint64, at retail.Instant) { p.state(Fact{kind, key, at, at}) }

func (p *Profile) state(f Fact) {
	i, found := slices.BinarySearchFunc(p.Facts, f, compareFacts)
	if found {
		p.Facts[i] = f
		return
	}
	p.Facts = slices.Insert(p.Facts, i, f)
	p.bound()
}

// bound drops the statement that ended first, or began first when several did: one that ends another outlives it.
func (p *Profile) bound() {
	if len(p.Facts) <= MaxFacts {
		return
	}
	drop := 0
	for i := range p.Facts {
		if c := cmp.Compare(p.ends(i), p.ends(drop)); c < 0 || c == 0 && p.Facts[i].From < p.Facts[drop].From {
			drop = i
		}
	}
	p.Facts = slices.Delete(p.Facts, drop, drop+1)
}

// ends is when a statement has no effect any more: its own end, or the next statement.
func (p *Profile) ends(i int) retail.Instant {
	f := &p.Facts[i]
	end := lapse(f.To)
	if next := i + 1; next < len(p.Facts) && p.Facts[next].Kind == f.Kind && p.Facts[next].Key == f.Key {
		end = min(end, p.Facts[next].From)
	}
	return end
}

// Bought notes the close of a sale.
func (p *Profile) Bought(at retail.Instant) {
	if p.FirstReceiptAt == 0 || at < p.FirstReceiptAt {
		p.FirstReceiptAt = at
	}
}
