package rules

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// before is what a campaign had come to before the return at hand.
type before struct {
	basis   money.Amount
	desired money.Amount
	held    int8
	emit    Emission
}

// Return takes the RETURN lines of ret - all lines when it is a VOID - off the sale that fp stands for and judges the rest again, with the campaign versions, conditions and
// cap room of the sale (D12). Each campaign that is touched gets a Result whose Basis, Desired and Granted are changes, so that the results
// of a sale and of its returns sum to what remains. fp is updated. What remains does not depend on the order or partition of the returns.
//
// When the sale is not known yet, the lines are remembered and there are no results. Granted may be positive for a campaign that the remaining
// basket makes the winner of its stacking group; it never goes beyond the room its member cap has now.
func (e *Evaluator) Return(rs *Ruleset, ret *retail.Receipt, v View, d *Decision, fp *Footprint) {
	d.Reset()
	d.RulesetVersion = rs.number
	e.now = ret.EndedAt
	if ret.Training {
		return
	}
	if ret.Type == retail.Void {
		e.void(rs, v, d, fp)
		return
	}
	if !fp.HasSale() {
		fp.remember(ret)
		return
	}
	if len(fp.Awards) == 0 {
		return
	}
	e.begin(rs, fp)
	excessBefore := fp.remaining(e.remains)
	unknown := fp.giveBack(ret)
	e.rejudge(fp, v, d, excessBefore, unknown)
	e.recount(fp, v, d)
}

// void takes the whole sale back, whether it is known already or not.
func (e *Evaluator) void(rs *Ruleset, v View, d *Decision, fp *Footprint) {
	if !fp.HasSale() {
		fp.Voided = true
		return
	}
	if len(fp.Awards) == 0 {
		return
	}
	e.begin(rs, fp)
	excess := fp.remaining(e.remains)
	fp.Voided = true
	e.rejudge(fp, v, d, excess, 0)
	e.recount(fp, v, d)
}

// catchUp applies returns that came before the sale, by the same steps as if they came now, and turns the results into those of what remains.
// The room of the caps is the one the sale has just found: nothing of it is posted yet.
func (e *Evaluator) catchUp(rs *Ruleset, v View, d *Decision, fp *Footprint) {
	if len(fp.Awards) == 0 {
		return
	}
	returned, voided := fp.Returned, fp.Voided
	fp.Returned, fp.Voided = fp.Returned[:0:0], false
	e.begin(rs, fp)
	fp.Returned, fp.Voided = returned, voided
	e.late.Reset()
	e.parts = e.parts[:0] // of stateful campaigns nothing has been counted yet
	e.rejudge(fp, nil, &e.late, 0, 0)
	for i := range e.late.Results {
		d.amend(&e.late.Results[i])
	}
	e.recount(fp, v, d)
}

// amend adds the change by a return to the result of its sale.
func (d *Decision) amend(change *Result) {
	for i := range d.Results {
		r := &d.Results[i]
		if r.CampaignKey != change.CampaignKey {
			continue
		}
		r.Basis, r.Desired, r.Granted = r.Basis+change.Basis, r.Desired+change.Desired, r.Granted+change.Granted
		if r.Outcome = change.Outcome; r.Granted > 0 {
			r.Outcome = Awarded
			if r.Granted < r.Desired {
				r.Outcome = Capped
			}
		}
		r.Held, r.Emit.Net, r.Emit.Pieces = r.Held+change.Held, r.Emit.Net+change.Emit.Net, r.Emit.Pieces+change.Emit.Pieces
		if r.Granted == 0 && r.Held > 0 {
			r.Outcome = Awarded
		}
		r.CappedBy = change.CappedBy
		from := len(d.steps)
		d.steps = append(d.steps, change.Steps...)
		r.Steps = d.steps[from:len(d.steps):len(d.steps)]
	}
}

// begin makes a candidate of each award and notes what it had come to.
func (e *Evaluator) begin(rs *Ruleset, fp *Footprint) {
	e.use(rs)
	e.cands, e.order, e.olds = e.cands[:0], e.order[:0], e.olds[:0]
	e.remains = grow(e.remains, len(fp.Lines))
	fp.remaining(e.remains)
	e.count(fp)
	for i := range fp.Awards {
		c := candidate{index: int32(i), open: true, shop: true, arm: fp.Awards[i].Arm, bucket: -1, room: -1, rail: -1, first: -1, last: -1}
		if at, ok := rs.byVersion[versionKey{fp.Awards[i].CampaignKey, fp.Awards[i].Version}]; ok {
			c.rule = &rs.rules[at]
			c.attach = c.rule.attach
			e.order = append(e.order, int32(i))
		}
		e.cands = append(e.cands, c)
	}
	e.measure(fp)
	if e.railed || rs.multiply {
		e.settle()
	}
	for i := range e.cands {
		c := &e.cands[i]
		old := before{basis: c.basis.net, desired: c.desired}
		if c.rule != nil && c.rule.gift.dressed {
			old.held, old.emit = c.held(fp.Awards[i].Granted), c.emitted()
		}
		e.olds = append(e.olds, old)
	}
	e.saleAt, e.sale = fp.EndedAt, nil
	e.uncount(fp)
}

// count sums what is left of the basket, and of what the law leaves for its lines.
func (e *Evaluator) count(fp *Footprint) {
	e.total, e.railed, e.railAll = fp.Total, false, false
	e.lines, e.rooms, e.tags = grow(e.lines, len(fp.Lines)), grow(e.rooms, len(fp.Lines)), grow(e.tags, len(fp.Lines))
	for i := range fp.Lines {
		e.tags[i] = fp.Lines[i].Product
		l, left := &fp.Lines[i], e.remains[i]
		e.total -= l.Net - left.net
		e.lines[i] = lineWork{net: left.net, pieces: pieces(l.Each, left.quantityMilli, left.net)}
		if fp.Event && left.net == 0 {
			e.lines[i].pieces = freePieces(l.Each, left.quantityMilli)
		}
		e.openRoom(i, l.Net, &l.Limits)
	}
}

// measure computes the basis of every award and what its campaign wants to give for it.
func (e *Evaluator) measure(fp *Footprint) {
	e.pairs = e.pairs[:0]
	for _, a := range e.order {
		c := &e.cands[a]
		c.basis, c.first, c.last = basis{}, -1, -1
		for i := range fp.Lines {
			if fp.Counts(i, int(a)) {
				c.basis.net += e.lines[i].net
				c.basis.pieces += e.lines[i].pieces
				e.join(a, int32(i))
			}
		}
		e.want(c)
	}
}

// rejudge computes what remains and reports the changes.
func (e *Evaluator) rejudge(fp *Footprint, v View, d *Decision, excessBefore, unknown money.Amount) {
	excess := fp.remaining(e.remains) - excessBefore
	e.count(fp)
	e.measure(fp)
	for _, a := range e.order {
		e.cands[a].room = e.cands[a].roomNow(&fp.Awards[a], v)
	}
	e.settle()
	for _, a := range e.order {
		if e.cands[a].rule.state.counts {
			continue
		}
		e.reportReturn(&e.cands[a], &fp.Awards[a], &e.olds[a], d, excess, unknown)
	}
}

// roomNow bounds a grant by the room that the sale found, and an increase by the room there is now. Without other receipts in between the
// second is a constant, so that it does not make the result depend on the path.
func (c *candidate) roomNow(a *Award, v View) money.Amount {
	if a.Room < 0 || v == nil {
		return a.Room
	}
	limit := c.rule.doc.Reward.MaxPerMember.Amount
	if limit == 0 {
		return a.Room // what the budget left for the sale
	}
	others := v.CapUsed(a.CampaignKey, a.Period) - a.Granted
	return min(a.Room, max(limit-others, a.Granted))
}

func (e *Evaluator) reportReturn(c *candidate, a *Award, old *before, d *Decision, excess, unknown money.Amount) {
	delta := c.granted - a.Granted
	a.Granted = c.granted
	if delta == 0 && c.basis.net == old.basis && c.desired == old.desired && excess == 0 && (!c.rule.gift.marker || c.emitted() == old.emit && c.held(0) == old.held) {
		return
	}
	from := len(d.steps)
	d.step(Step{Node: "returns", Code: StepReturned, Unit: Minor, Passed: true, Observed: int64(c.basis.net), Expected: int64(old.basis)})
	if excess != 0 {
		d.step(Step{Node: "returns", Code: StepReturnExcess, Unit: Minor, Observed: int64(excess)})
	}
	if unknown != 0 {
		d.step(Step{Node: "returns", Code: StepReturnUnknown, Unit: Minor, Observed: int64(unknown)})
	}
	e.explainReward(c, d)
	d.Results = append(d.Results, Result{
		Campaign: c.rule.id, CampaignKey: c.rule.key, Version: c.rule.version, Arm: c.arm, Outcome: c.afterReturn(delta),
		Basis: c.basis.net - old.basis, Desired: c.desired - old.desired, Granted: delta, CappedBy: c.cappedBy(),
		Period: a.Period, ActiveFrom: a.ActiveFrom, ExpiresAt: a.ExpiresAt,
		Funding: c.rule.funding, Steps: d.steps[from:len(d.steps):len(d.steps)],
	})
	if c.rule.gift.dressed {
		c.dress(&d.Results[len(d.Results)-1], *old, c.held(c.granted))
	}
}

// afterReturn names what a return did. Where nothing was granted before either, the reason stays the one of the sale.
func (c *candidate) afterReturn(delta money.Amount) Outcome {
	switch {
	case delta > 0 && c.granted < c.desired:
		return Capped
	case delta > 0:
		return Awarded
	case c.arm == Holdout:
		return HeldOut
	case delta == 0 && c.winner != nil:
		return Outranked
	case delta == 0 && c.granted == 0 && c.desired > 0:
		return CapReached
	}
	return Reversed
}

// remember keeps the lines of a return that came before its sale.
func (f *Footprint) remember(ret *retail.Receipt) {
	for i := range ret.Lines {
		if r, ok := returnedBy(&ret.Lines[i]); ok {
			f.add(r)
		}
	}
}

// giveBack sums the lines of a return and returns the net of those that concern no line of the footprint.
func (f *Footprint) giveBack(ret *retail.Receipt) (unknown money.Amount) {
	for i := range ret.Lines {
		r, ok := returnedBy(&ret.Lines[i])
		if !ok {
			continue
		}
		if !f.known(&r) {
			unknown += r.Net
			continue
		}
		f.add(r)
	}
	return unknown
}

// returnedBy reads a RETURN line: it is about the line it names, else about its product, else about the line of its own number.
func returnedBy(l *retail.Line) (Returned, bool) {
	if l.Kind != retail.ReturnLine {
		return Returned{}, false
	}
	r := Returned{Line: l.ReturnOfLine, Net: l.Net.Abs(), QuantityMilli: max(l.QuantityMilli, -l.QuantityMilli)}
	if r.Line == 0 {
		r.Product = uint16(productTag(l))
	}
	if r.Line == 0 && r.Product == 0 {
		r.Line = l.No
	}
	return r, true
}
