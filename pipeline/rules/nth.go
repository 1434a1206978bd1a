package rules

import (
	"slices"

	"cagnotte/pipeline/money"
)

// A reward on every nth piece (D8): the pieces of the matching lines are put in order of price, the dearest first, and cut into groups of n. What
// does not fill a group earns nothing. Of each full group one piece is rewarded, the cheapest unless said otherwise; or each group has a fixed
// reward. Like pieces come together that way, and a smaller basket never earns more.

// run is equal pieces of one line; the price of a line is spread over its pieces, the odd cents on the first ones.
type run struct {
	price money.Amount
	count int64
}

// groups is how many full groups there are.
func (b *basis) groups(n int64) int64 { return max(b.pieces, 0) / n }

// nth is the reward of a campaign by groups whose thresholds are met.
func (e *Evaluator) nth(c *candidate) money.Amount {
	rw := &c.rule.doc.Reward
	if rw.Fixed != 0 {
		return perUnit(rw.Fixed, c.basis.groups(rw.Every))
	}
	return rw.Percent.Of(e.picked(c), rw.Rounding)
}

// picked sums the prices of the pieces that are rewarded.
func (e *Evaluator) picked(c *candidate) (sum money.Amount) {
	rw := &c.rule.doc.Reward
	e.line(c)
	e.runs = e.runs[:0]
	for _, i := range e.own {
		if w := &e.lines[i]; w.net > 0 && w.pieces > 0 {
			each, odd := w.net/money.Amount(w.pieces), int64(w.net)%w.pieces
			e.runs = append(e.runs, run{each + 1, odd}, run{each, w.pieces - odd})
		}
	}
	slices.SortFunc(e.runs, func(a, b run) int { return cmpOr(int(b.price-a.price), int(b.count-a.count)) })
	last, at := c.basis.groups(rw.Every)*rw.Every, int64(0)
	for _, r := range e.runs {
		from := min(at, last)
		at += r.count
		to := min(at, last)
		n := to/rw.Every - from/rw.Every
		if rw.Pick == Dearest {
			n = (to+rw.Every-1)/rw.Every - (from+rw.Every-1)/rw.Every
		}
		sum += r.price * money.Amount(n)
	}
	return sum
}

// line lists the lines that count for a candidate.
func (e *Evaluator) line(c *candidate) {
	e.own = e.own[:0]
	for p := c.first; p >= 0; p = e.pairs[p].next {
		e.own = append(e.own, e.pairs[p].line)
	}
	if !c.wide {
		return
	}
	for i := range e.lines {
		if e.lines[i].counts && (c.except < 0 || !e.excluded(c.except, i, e.sale)) {
			e.own = append(e.own, int32(i))
		}
	}
}

// Pick says which piece of a group is rewarded.
type Pick uint8

// Picks.
const (
	Cheapest Pick = iota
	Dearest
)

// String returns the word of the grammar.
func (p Pick) String() string { return pick(p, "cheapest", "dearest") }

// maxEvery bounds a group.
const maxEvery = 1000

// every reads the keys of a reward that make it one on every nth piece.
func (n node) every(k map[string]node, r *Reward) {
	every, which := child(k, n, "every"), child(k, n, "pick")
	r.Every = every.integer(2, maxEvery)
	i := which.choice("cheapest", "dearest")
	if i >= 0 {
		r.Pick = Pick(i)
	}
	switch {
	case every.given() && r.Percent == 0 && r.Fixed == 0:
		every.fail(CodeConflict, "every counts groups of pieces", "a reward by percent or fixed", "")
	case which.given() && (r.Percent == 0 || !every.given()):
		which.fail(CodeConflict, "pick chooses the piece of a group that a percentage is given on", "percent and every", "")
	}
}
