package rules

import "cagnotte/pipeline/retail"

// keep writes the footprint: the campaigns that want to give something, and the lines they count. A campaign that wants nothing of the whole
// basket wants nothing of a smaller one either, so a return need not know it.
func (e *Evaluator) keep(r *retail.Receipt, account retail.AccountID, fp *Footprint) {
	if account != "" {
		for _, i := range e.order {
			e.keepAward(&e.cands[i], fp)
		}
	}
	if len(fp.Awards) == 0 {
		fp.Returned, fp.Voided = fp.Returned[:0], false
		return
	}
	words := fp.words()
	fp.masks = grow(fp.masks, words*len(r.Lines))
	clear(fp.masks)
	e.mark(r, fp.masks, words)
	e.keepLines(r, fp, words)
	fp.forgetUnknown()
}

func (e *Evaluator) keepAward(c *candidate, fp *Footprint) {
	c.award = -1
	if c.desired == 0 {
		return
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

// keepLines stores the lines that count for an award; every line when an award looks at the basket's total.
func (e *Evaluator) keepLines(r *retail.Receipt, fp *Footprint, words int) {
	all := e.needsTotal()
	n := 0
	for i := range r.Lines {
		mask := fp.masks[i*words : (i+1)*words]
		if !all && zero(mask) {
			continue
		}
		fp.Lines = append(fp.Lines, footprintLine(&r.Lines[i], e.lines[i].net))
		copy(fp.masks[n*words:], mask)
		n++
	}
	fp.masks = fp.masks[:n*words]
}

func (e *Evaluator) needsTotal() bool {
	for i := range e.cands {
		if e.cands[i].award >= 0 && e.cands[i].rule.doc.When.MinBasket != 0 {
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
