package rules

// uncount takes what the footprint's receipt has come to so far off the parts of its stateful campaigns: a return changes their counters by what is
// left less what was.
func (e *Evaluator) uncount(fp *Footprint) {
	e.parts = e.parts[:0]
	for n := 0; n < len(e.order); {
		end := e.group(n)
		if end > n {
			p := e.nextPart()
			for _, a := range e.order[n:end] {
				e.counted(p, &e.cands[a], fp.EndedAt, -1)
			}
			n = end
			continue
		}
		n++
	}
}

// group returns the end of a group of stateful awards that begins at n; n when none does.
func (e *Evaluator) group(n int) int {
	if !e.cands[e.order[n]].rule.state.counts {
		return n
	}
	return e.together(n)
}

// nextPart lends an empty part; memory is reused.
func (e *Evaluator) nextPart() *part {
	if len(e.parts) < cap(e.parts) {
		e.parts = e.parts[:len(e.parts)+1]
	} else {
		e.parts = append(e.parts, part{})
	}
	p := &e.parts[len(e.parts)-1]
	p.advances = p.advances[:0]
	return p
}

// recount adds what is left of the sale to the parts, and reports what that changes. Without parts nothing of the sale has been counted yet.
func (e *Evaluator) recount(fp *Footprint, v View, d *Decision) {
	fresh, at := len(e.parts) == 0, 0
	for n := 0; n < len(e.order); {
		end := e.group(n)
		if end == n {
			n++
			continue
		}
		e.part.advances = e.part.advances[:0]
		if !fresh {
			e.part.advances = append(e.part.advances, e.parts[at].advances...)
			at++
		}
		e.reportRecount(fp, e.order[n:end], fresh, v, d)
		n = end
	}
}

func (e *Evaluator) reportRecount(fp *Footprint, group []int32, fresh bool, v View, d *Decision) {
	from := len(d.steps)
	c := &e.cands[group[0]]
	var net, was int64
	for _, a := range group {
		x := &e.cands[a]
		e.counted(&e.part, x, fp.EndedAt, 1)
		net, was = max(net, int64(x.basis.net)), max(was, int64(e.olds[a].basis))
	}
	e.part.drop()
	if len(e.part.advances) == 0 && !fresh {
		return
	}
	award := &fp.Awards[group[0]]
	c.room = -1
	if limit := c.rule.doc.Reward.MaxPerMember.Amount; limit != 0 {
		c.room = max(0, limit-v.CapUsed(c.rule.owner(), award.Period))
	}
	c.period, c.activeFrom, c.expiresAt = award.Period, award.ActiveFrom, award.ExpiresAt
	if fresh {
		was = 0
	}
	d.step(Step{Node: "returns", Code: StepReturned, Unit: Minor, Passed: true, Observed: net, Expected: was})
	res := e.post(c, fp.EndedAt, v, d, from, fp)
	res.Basis = c.basis.net - e.olds[group[0]].basis
	if fresh {
		res.Basis = c.basis.net
	}
	d.Results = append(d.Results, res)
}

// drop forgets what came to nothing.
func (p *part) drop() {
	kept := p.advances[:0]
	for _, a := range p.advances {
		if a.Delta != 0 {
			kept = append(kept, a)
		}
	}
	p.advances = kept
}
