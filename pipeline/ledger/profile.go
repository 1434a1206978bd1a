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

// Fact holds from From (inclusive) to To (exclusive; 0: until further notice).
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

// Holds reports whether a fact held at an instant.
func (p *Profile) Holds(kind FactKind, key uint64, at retail.Instant) bool {
	for i := range p.Facts {
		f := &p.Facts[i]
		if f.Kind == kind && f.Key == key && f.From <= at && (f.To == 0 || at < f.To) {
			return true
		}
	}
	return false
}

// Begin notes that a fact holds from an instant on, until to (0: until further notice). What was known of the same fact from that instant on is
// replaced: of two statements about one instant the later one that arrives counts.
func (p *Profile) Begin(kind FactKind, key uint64, from, to retail.Instant) {
	p.End(kind, key, from)
	if to != 0 && to <= from {
		return
	}
	f := Fact{kind, key, from, to}
	i, found := slices.BinarySearchFunc(p.Facts, f, compareFacts)
	if found {
		p.Facts[i] = f
		return
	}
	if next := i; next < len(p.Facts) && p.Facts[next].Kind == kind && p.Facts[next].Key == key && (to == 0 || to > p.Facts[next].From) {
		f.To = p.Facts[next].From // a statement that came late does not undo one that was made after it
	}
	p.Facts = slices.Insert(p.Facts, i, f)
	p.bound()
}

// End notes that a fact does not hold from an instant on.
func (p *Profile) End(kind FactKind, key uint64, at retail.Instant) {
	kept := p.Facts[:0]
	for _, f := range p.Facts {
		if f.Kind == kind && f.Key == key && f.From <= at && (f.To == 0 || at < f.To) {
			f.To = at
			if f.From == at {
				continue
			}
		}
		kept = append(kept, f)
	}
	p.Facts = kept
}

// bound drops the fact that ended first, or began first when none has ended.
func (p *Profile) bound() {
	if len(p.Facts) <= MaxFacts {
		return
	}
	drop := 0
	for i := range p.Facts {
		if c := cmp.Compare(lapse(p.Facts[i].To), lapse(p.Facts[drop].To)); c < 0 || c == 0 && p.Facts[i].From < p.Facts[drop].From {
			drop = i
		}
	}
	p.Facts = slices.Delete(p.Facts, drop, drop+1)
}

// Bought notes the close of a sale.
func (p *Profile) Bought(at retail.Instant) {
	if p.FirstReceiptAt == 0 || at < p.FirstReceiptAt {
		p.FirstReceiptAt = at
	}
}
