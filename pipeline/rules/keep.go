package rules

import "cagnotte/pipeline/retail"

// keep writes the footprint: the campaigns that want to give something, and the lines they count. A campaign that wants nothing of the whole
// basket wants nothing of a smaller one either, so a return need not know it; but for multipliers, as another campaign can win its group then.
func (e *Evaluator) keep(r *retail.Receipt, account retail.AccountID, fp *Footprint) {
	if account != "" {
		for _, i := range e.order {
			e.keepAward(&e.cands[i], fp)
			if c := &e.cands[i]; c.award >= 0 && !c.rule.gift.usual() {
				c.rule.keepPlace(r, fp)
			}
		}
	}
	if len(fp.Awards) == 0 {
		fp.Returned, fp.Voided = fp.Returned[:0], false
		return
	}
	fp.Total = e.total
	words := fp.words()
	fp.masks = grow(fp.masks, words*len(r.Lines))
	clear(fp.masks)
	e.mark(r, fp.masks, words)
	e.attached(words)
	e.keepLines(r, fp, words)
	fp.forgetUnknown()
}

func (e *Evaluator) keepAward(c *candidate, fp *Footprint) {
	c.award = -1
	if c.uncapped == 0 && !(c.rule.gift.marker && c.holds) && !e.mayRepeat(c) && !(c.rule.state.counts && c.open && c.shop && c.refused == admitted && c.rule.meets(&c.basis, e.total)) {
		return
	}
	if c.rule.byStore {
		fp.Shop = string(e.sale.Shop.ID)
	}
	c.award = int32(len(fp.Awards))
	fp.Awards = append(fp.Awards, Award{
		CampaignKey: c.rule.key, Version: c.rule.version, Arm: c.arm, Room: c.room, Granted: c.granted,
		Period: c.period, ActiveFrom: c.activeFrom, ExpiresAt: c.expiresAt,
	})
}

// mark sets, for every line, the bits of the awards it counts for.
func (e *Evaluator) mark(r *retail.Receipt, masks []uint64, words int) {
	set := func(line, award int32) { masks[int(line)*words+int(award)/64] |= 1 << (award % 64) }
	for _, p := range e.pairs {
		if a := e.cands[p.cand].award; a >= 0 {
			set(p.line, a)
		}
	}
	for i := range e.cands {
		c := &e.cands[i]
		if !c.wide || c.award < 0 {
			continue
		}
		for line := range e.lines {
			if e.lines[line].counts && (c.except < 0 || !e.excluded(c.except, line, r)) {
				set(int32(line), c.award)
			}
		}
	}
}

// attached sets the bits of the awards that are attached to products, or are repeated by what may be.
func (e *Evaluator) attached(words int) {
	e.product = grow(e.product, words)
	clear(e.product)
	for i := range e.cands {
		if c := &e.cands[i]; c.award >= 0 && (c.rule.attach == OnProduct || e.rs.multiply && e.isRepeated(c)) {
			e.product[c.award/64] |= 1 << (c.award % 64)
		}
	}
}

// keepLines stores the lines that count for an award, and others of their products, over which a return without a line number is spread;
// every line when an award looks at the basket's total.
func (e *Evaluator) keepLines(r *retail.Receipt, fp *Footprint, words int) {
	all := e.needsTotal()
	fp.Products = e.rs.products && e.countsProducts()
	e.tags = grow(e.tags, len(r.Lines))
	var products productFilter
	for i := range r.Lines {
		e.tags[i] = productTag(&r.Lines[i])
		if !zero(fp.masks[i*words : (i+1)*words]) {
			products.add(e.tags[i])
		}
	}
	n := 0
	for i := range r.Lines {
		mask := fp.masks[i*words : (i+1)*words]
		if !all && zero(mask) && !products.has(e.tags[i]) || e.lines[i].rails&e.rs.rails.never != 0 {
			continue
		}
		l := &r.Lines[i]
		fp.Lines = append(fp.Lines, FootprintLine{No: l.No, Net: e.lines[i].net, QuantityMilli: l.QuantityMilli, Each: l.Unit == retail.Each,
			Product: e.tags[i], Limits: e.limitsOf(i, l, mask)})
		copy(fp.masks[n*words:], mask)
		n++
	}
	fp.masks = fp.masks[:n*words]
}

// productFilter is a set of product tags that may hold a few more than were added: then a line too many is kept.
type productFilter [16]uint64

func (p *productFilter) add(tag uint32) { p[tag>>6&15] |= 1 << (tag & 63) }

func (p *productFilter) has(tag uint32) bool { return tag != 0 && p[tag>>6&15]&(1<<(tag&63)) != 0 }

func (e *Evaluator) needsTotal() bool {
	for i := range e.cands {
		if e.cands[i].award >= 0 && e.cands[i].rule.doc.When.MinBasket != 0 {
			return true
		}
	}
	return false
}

func (e *Evaluator) countsProducts() bool {
	for i := range e.cands {
		if r := e.cands[i].rule; r.state.counts && r.state.kind == CountProducts {
			return true
		}
	}
	return false
}

func zero(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return false
		}
	}
	return true
}
