package rules

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// lineWork is a line of the receipt at hand.
type lineWork struct {
	net    money.Amount // paid: after its share of the basket's discounts
	pieces int64
	counts bool
	rails  uint64 // limits that are about the line, here and now
	shelf  *shelfMemo
}

// basis is what the matching lines add up to.
type basis struct {
	net    money.Amount
	pieces int64
}

// pair says that a line counts for a candidate; next is the candidate's next pair, -1 at its end.
type pair struct{ line, cand, next int32 }

// weigh computes what each line is worth: the price paid, after its share of the basket's discounts (D3, D4).
func (e *Evaluator) weigh(r *retail.Receipt) {
	e.lines = grow(e.lines, len(r.Lines))
	for i := range r.Lines {
		e.lines[i] = lineWork{net: r.Lines[i].Net}
	}
	e.allocate(r)
	e.total, e.whole, e.limited, e.barred = r.Total, basis{}, 0, false
	active := e.active(e.shop.rails, r)
	for i := range r.Lines {
		w, l := &e.lines[i], &r.Lines[i]
		w.shelf = e.shelfOf(l)
		if w.rails = e.rs.rails.about(w.shelf, l.GTIN) & active; w.rails&e.rs.rails.never != 0 {
			e.total -= w.net
			e.barred = true
			continue
		}
		if w.counts = counts(r.Type, l, w.net); w.counts {
			e.limited |= w.rails
			w.pieces = pieces(l.Unit == retail.Each, l.QuantityMilli, w.net)
			if w.net == 0 && r.Type == retail.Event {
				w.pieces = freePieces(l.Unit == retail.Each, l.QuantityMilli)
			}
			e.whole.net += w.net
			e.whole.pieces += w.pieces
		}
	}
}

// counts reports whether a line may be rewarded: sold goods and services, and in an exchange what is given back for them.
func counts(t retail.ReceiptType, l *retail.Line, net money.Amount) bool {
	switch {
	case l.Ineligible:
		return false
	case l.Kind == retail.SaleLine || l.Kind == retail.Service:
		return net > 0 || net == 0 && t == retail.Event
	default:
		return l.Kind == retail.ReturnLine && t == retail.Exchange && net <= 0
	}
}

// pieces counts whole pieces; a line by weight or length is one piece. What has no price counts only where it is given back.
func pieces(each bool, quantityMilli int64, net money.Amount) int64 {
	switch {
	case net == 0 && quantityMilli >= 0:
		return 0
	case each:
		return quantityMilli / 1000
	case net > 0:
		return 1
	case net < 0:
		return -1
	}
	return 0
}

// allocate spreads the basket's discounts over the lines with a positive net, never below zero.
func (e *Evaluator) allocate(r *retail.Receipt) {
	var discount, sum money.Amount
	for i := range r.Discounts {
		discount += r.Discounts[i].Amount
	}
	if discount == 0 {
		return
	}
	e.weights = grow(e.weights, 2*len(e.lines))
	weights, shares := e.weights[:len(e.lines)], e.weights[len(e.lines):]
	for i := range e.lines {
		weights[i] = max(e.lines[i].net, 0)
		sum += weights[i]
	}
	if sum == 0 {
		return
	}
	money.Allocate(max(discount, -sum), weights, shares)
	for i := range e.lines {
		e.lines[i].net += shares[i]
	}
}

// grow returns a slice of length n, reusing s.
func grow[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]T, n, n+n/2+8)
}

// match finds the candidates: rules that a line's products concern, and rules for the whole basket that accept the shop.
func (e *Evaluator) match(r *retail.Receipt) {
	e.cands, e.pairs, e.order = e.cands[:0], e.pairs[:0], e.order[:0]
	if e.receipt++; e.receipt == 0 { // the counter came round: forget old marks
		clear(e.touched)
		clear(e.sets)
		e.receipt = 1
	}
	if r.Type == retail.Event {
		e.matchEvent(r)
		return
	}
	x := &e.rs.index
	for i := range r.Lines {
		l := &r.Lines[i]
		for _, rule := range e.lines[i].shelf.rules {
			e.hitShelf(rule, i, l)
		}
		if len(x.gtin) > 0 && l.GTIN != "" {
			e.hitProduct(x.gtin[l.GTIN], i, l)
		}
		if len(x.sku) > 0 && l.SKU != "" {
			e.hitProduct(x.sku[l.SKU], i, l)
		}
		if len(x.label) > 0 && len(l.Labels) > 0 {
			e.hitLabels(i, l)
		}
	}
	for _, rule := range e.basketRules(r.Channel) {
		e.hitBasket(rule, r)
	}
}

// hitShelf counts a line for a rule that its shelf concerns; products excluded singly are still to be tested.
func (e *Evaluator) hitShelf(i int32, line int, l *retail.Line) {
	r := &e.rs.rules[i]
	if r.exclude >= 0 && e.rs.index.excludes[r.exclude].product(l) || r.byLabel && !r.include.labelled(l) {
		return
	}
	e.hit(i, line)
}

func (e *Evaluator) hitProduct(list []int32, line int, l *retail.Line) {
	for _, i := range list {
		if e.selects(&e.rs.rules[i], l) {
			e.hit(i, line)
		}
	}
}

// selects reports whether a line is one of the rule's, by everything that its document says of lines.
func (e *Evaluator) selects(r *rule, l *retail.Line) bool {
	if !r.include.includes(l) || r.byLabel && !r.include.labelled(l) {
		return false
	}
	ex := r.exclude
	return ex < 0 || !e.rs.index.excludes[ex].shelf(l) && !e.rs.index.excludes[ex].product(l)
}

func (e *Evaluator) hit(rule int32, line int) {
	c := e.candidate(rule)
	if c < 0 {
		return
	}
	w := &e.lines[line]
	if !w.counts {
		e.bar(c, w)
		return
	}
	e.cands[c].basis.net += w.net
	e.cands[c].basis.pieces += w.pieces
	e.join(c, int32(line))
}

// bar notes a line that the law keeps from counting.
func (e *Evaluator) bar(c int32, w *lineWork) {
	if never := w.rails & e.rs.rails.never; never != 0 {
		e.cands[c].barred |= never
		e.cands[c].barredNet += w.net
	}
}

// join appends a line to the candidate's list.
func (e *Evaluator) join(c, line int32) {
	n := int32(len(e.pairs))
	e.pairs = append(e.pairs, pair{line, c, -1})
	if w := &e.cands[c]; w.last < 0 {
		w.first, w.last = n, n
	} else {
		e.pairs[w.last].next, w.last = n, n
	}
}

// hitBasket counts every line that is not excluded. The sum is made once for all rules with the same exclusions.
func (e *Evaluator) hitBasket(i int32, r *retail.Receipt) {
	c := e.candidate(i)
	if c < 0 {
		return
	}
	set := e.rs.rules[i].exclude
	e.cands[c].wide, e.cands[c].except = true, set
	for n := range e.lines {
		if e.barred && (set < 0 || !e.excluded(set, n, r)) {
			e.bar(c, &e.lines[n])
		}
	}
	if set < 0 {
		e.cands[c].basis = e.whole
		return
	}
	e.cands[c].basis = e.without(set, r)
}

// setBasis is the basis of a receipt without one set of exclusions.
type setBasis struct {
	receipt uint32
	basis   basis
}

func (e *Evaluator) without(set int32, r *retail.Receipt) basis {
	s := &e.sets[set]
	if s.receipt == e.receipt {
		return s.basis
	}
	*s = setBasis{receipt: e.receipt}
	for n := range e.lines {
		if w := &e.lines[n]; w.counts && !e.excluded(set, n, r) {
			s.basis.net += w.net
			s.basis.pieces += w.pieces
		}
	}
	return s.basis
}

// excluded reports whether a line is in a set of exclusions.
func (e *Evaluator) excluded(set int32, line int, r *retail.Receipt) bool {
	x, l := &e.rs.index.excludes[set], &r.Lines[line]
	if set < 64 {
		return e.lines[line].shelf.excluded&(1<<set) != 0 || x.product(l)
	}
	return x.shelf(l) || x.product(l)
}

// candidate returns the place of a rule among the receipt's candidates; -1 when the rule is not to be considered at this instant.
func (e *Evaluator) candidate(i int32) int32 {
	if e.touched[i] == e.receipt {
		return e.slot[i]
	}
	e.touched[i] = e.receipt
	r := &e.rs.rules[i]
	if !r.considered.holds(e.now) {
		e.slot[i] = -1
		return -1
	}
	n := int32(len(e.cands))
	e.slot[i] = n
	e.cands = append(e.cands, candidate{rule: r, index: i, first: -1, last: -1, attach: r.attach})
	return n
}
