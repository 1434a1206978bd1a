package rules

import "cagnotte/pipeline/retail"

// Concerns reports whether some campaign is about something of the receipt on its day. When none is, Evaluate has nothing to say of it: no result and
// an empty footprint. It is for those who read receipts by the million and pay for each; it uses the caches that Evaluate uses.
func (e *Evaluator) Concerns(rs *Ruleset, r *retail.Receipt) bool {
	e.use(rs)
	x := &rs.index
	if r.Type == retail.Event {
		return len(x.events[r.EventKind()]) > 0
	}
	e.day, e.shop = e.dayOf(r.EndedAt), e.shopOf(&r.Shop)
	if len(e.basketRules(r.Channel)) > 0 {
		return true
	}
	for i := range r.Lines {
		if l := &r.Lines[i]; len(e.shelfOf(l).rules) > 0 || x.product(l) {
			return true
		}
	}
	return false
}

// product reports whether some rule is found by what the line says besides its shelf.
func (x *index) product(l *retail.Line) bool {
	if len(x.gtin) > 0 && l.GTIN != "" && len(x.gtin[l.GTIN]) > 0 || len(x.sku) > 0 && l.SKU != "" && len(x.sku[l.SKU]) > 0 {
		return true
	}
	if len(x.label) == 0 {
		return false
	}
	for _, label := range l.Labels {
		if len(x.label[label]) > 0 {
			return true
		}
	}
	return false
}
