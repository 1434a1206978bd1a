package ledger

import (
	"cmp"
	"math"
	"slices"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// compareLots is the order of Account.Lots. Among active lots it is the order of spending: first expiring first, never-lapsing last.
func compareLots(a, b *Lot) int {
	if a.Active != b.Active {
		if b.Active {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(lapse(a.ExpiresAt), lapse(b.ExpiresAt)); c != 0 {
		return c
	}
	if c := cmp.Compare(a.ActiveFrom, b.ActiveFrom); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Campaign, b.Campaign); c != 0 {
		return c
	}
	return cmp.Compare(a.Version, b.Version)
}

// lapse puts "never" after every instant.
func lapse(at retail.Instant) retail.Instant {
	if at == 0 {
		return math.MaxInt64
	}
	return at
}

// addLot inserts the lot in order, or adds to the one it equals in all but the amount.
func (p *Purse) addLot(l Lot) {
	i, found := slices.BinarySearchFunc(p.Lots, l, func(x, y Lot) int { return compareLots(&x, &y) })
	if found {
		p.Lots[i].Remaining += l.Remaining
		return
	}
	p.Lots = slices.Insert(p.Lots, i, l)
}

// credit makes amount of the lot spendable. What is owed comes first: only what the deficit leaves goes into a lot. It returns the part
// that the deficit took.
func (p *Purse) credit(l Lot) (absorbed money.Amount) {
	absorbed = min(l.Remaining, p.deficit())
	p.Available += l.Remaining
	l.Remaining -= absorbed
	if l.Remaining > 0 {
		l.Active, l.ActiveFrom = true, 0
		p.addLot(l)
	}
	return absorbed
}

// deficit is what the member owes after a return of spent money. While there is one there is no active lot: reversals drain the lots
// first, and credits fill the hole first.
func (p *Purse) deficit() money.Amount { return max(0, -p.Available) }

// drain takes up to amount from the lots that match, in order, and returns what it took. Balances are the caller's.
func (p *Purse) drain(amount money.Amount, match func(*Lot) bool) (taken money.Amount) {
	kept := p.Lots[:0]
	for i := range p.Lots {
		l := &p.Lots[i]
		if amount > 0 && match(l) {
			part := min(amount, l.Remaining)
			l.Remaining -= part
			amount -= part
			taken += part
		}
		if l.Remaining > 0 {
			kept = append(kept, *l)
		}
	}
	p.Lots = kept
	return taken
}
