package rules

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// together returns the end of the group of candidates from n on that count for one campaign: itself, or its objectives.
func (e *Evaluator) together(n int) int {
	r := e.cands[e.order[n]].rule
	end := n + 1
	for end < len(e.order) && e.cands[e.order[end]].rule.state.counts && e.cands[e.order[end]].rule.state.parent == r.state.parent {
		end++
	}
	return end
}

// anyKept reports whether the receipt counts for the group.
func (e *Evaluator) anyKept(group []int32) bool {
	for _, i := range group {
		if e.cands[i].award >= 0 {
			return true
		}
	}
	return false
}

// reportCounts writes the result of a stateful campaign for a sale.
func (e *Evaluator) reportCounts(group []int32, r *retail.Receipt, account retail.AccountID, v View, d *Decision, fp *Footprint) {
	c := &e.cands[group[0]]
	from := len(d.steps)
	e.part.advances = e.part.advances[:0]
	var kept bool
	var net money.Amount
	for _, i := range group {
		if x := &e.cands[i]; x.award >= 0 && account != "" {
			kept = true
			e.counted(&e.part, x, e.now, 1)
			net = max(net, x.basis.net)
			c = x
		}
	}
	if !kept {
		c = &e.cands[group[0]]
		e.explainPlace(c, r, d)
		if c.open && c.shop && c.rule.extra != nil {
			e.explainExtra(c, r, d)
		}
		if c.open && c.shop && c.refused != notTargeted {
			e.explainBasis(c, d)
		}
		if account == "" {
			d.step(Step{Node: "holdout", Code: StepNoAccount})
		}
		res := c.result(d, from)
		res.Outcome = e.notCounted(c, account)
		d.Results = append(d.Results, res)
		return
	}
	e.explainBasis(c, d)
	res := e.post(c, e.now, v, d, from, fp)
	res.Basis = net
	d.Results = append(d.Results, res)
}

// notCounted names why a receipt does not count for a stateful campaign.
func (e *Evaluator) notCounted(c *candidate, account retail.AccountID) Outcome {
	switch o := c.outcome(account); {
	case o == OutOfWindow || o == ShopExcluded || o == NotTargeted:
		return o
	case c.basis.net <= 0 && c.basis.pieces <= 0:
		return NothingEligible
	case c.refused != admitted || !c.rule.meets(&c.basis, e.total):
		return BelowThreshold
	}
	return NoAccount
}

// result fills what all results of a candidate have; a stateful campaign speaks for its objectives.
func (c *candidate) result(d *Decision, from int) Result {
	res := Result{
		Campaign: c.rule.id, CampaignKey: c.rule.owner(), Version: c.rule.version, Arm: c.arm, Basis: c.basis.net,
		Period: c.period, ActiveFrom: c.activeFrom, ExpiresAt: c.expiresAt, Funding: c.rule.funding, Steps: d.steps[from:len(d.steps):len(d.steps)],
	}
	if c.rule.gift.dressed {
		c.dress(&res, before{}, 0)
	}
	return res
}

// post compares what the campaign owes before and after the part in e.part, and makes the difference a result. ended is the sale's close.
func (e *Evaluator) post(c *candidate, ended retail.Instant, v View, d *Decision, from int, fp *Footprint) Result {
	r := &e.rs.rules[c.rule.state.parent]
	list, slot := v.Counters(r.key), c.rule.slotAt(ended)
	if tooLate(list, slot) {
		e.part.advances = e.part.advances[:0]
		d.step(Step{Node: "progress", Code: StepProgressLate, Unit: Time, Observed: int64(ended)})
	}
	future := e.after(list, r.key, e.part.advances)
	if r.doc.Tiers.given() {
		if e.sale != nil {
			e.climb(r, &e.part, slot, slotIn(list, slot), slotIn(future, slot), d)
		}
		res := c.result(d, from)
		res.Outcome, res.Advances = InProgress, d.advance(e.part.advances)
		return res
	}
	owedBefore, doneBefore := r.standing(r.scope(list, slot))
	owed, done := r.standing(r.scope(future, slot))
	home := r.home(slot)
	stands := money.Amount(keyValue(slotIn(list, home), keyGranted))
	d.step(r.progressStep(r.scope(future, slot), slot, done > doneBefore))
	grant := c.grant(r, owed-owedBefore, owed, stands, list, home, e.now)
	e.part.add(home, keyGranted, int64(grant))
	if grant > 0 && r.doc.Progress.KeepDone {
		e.part.add(home, keyActive, max(0, int64(max(c.activeFrom, e.saleAt)/hourMs)-keyValue(slotIn(list, home), keyActive)))
	}
	c.desired, c.granted = owed-owedBefore, grant
	c.lawful = min(c.desired, max(0, owed-stands)) // what stands already is not owed again
	if c.lawful > 0 {
		e.explainLimits(c, d)
	}
	res := c.result(d, from)
	res.Standing, res.Before = true, stands
	res.Desired, res.Granted, res.Advances = c.desired, grant, d.advance(e.part.advances)
	res.Outcome = c.counted(done > doneBefore)
	if c.rule.doc.Reward.Badge != "" && c.arm == Treatment {
		res.Held = int8(min(done, 1) - min(doneBefore, 1))
	}
	if c.room >= 0 && c.arm == Treatment && grant < c.lawful {
		res.CappedBy = "member"
	}
	fp.stand(r, stands+grant)
	return res
}

// keyActive is the hour from which all that stands granted is spendable, for campaigns that keep it then: that of the latest reward, whichever came last.
const keyActive uint32 = 1<<32 - 3

// grant is what is given or taken back for a change of what is owed. What stands is never taken below what is owed, and never given twice.
func (c *candidate) grant(r *rule, delta, owed, stands money.Amount, list []ledger.Counter, home int32, now retail.Instant) money.Amount {
	switch {
	case c.arm != Treatment:
		return 0
	case delta > 0:
		give := min(delta, max(0, owed-stands))
		if c.room >= 0 {
			give = min(give, c.room)
		}
		return give
	case stands <= owed:
		return 0
	case r.doc.Progress.KeepDone && int64(now/hourMs) >= keyValue(slotIn(list, home), keyActive):
		return 0 // completed and spendable: it stays (D13)
	}
	return owed - stands
}

// counted names what a receipt did to a stateful campaign.
func (c *candidate) counted(completed bool) Outcome {
	switch {
	case c.granted < 0:
		return Reversed
	case c.arm == Holdout:
		return HeldOut
	case c.lawful > 0 && c.granted == 0:
		return CapReached
	case c.lawful > c.granted && c.granted > 0:
		return Capped
	case c.granted > 0, completed && c.rule.gift.marker:
		return Awarded
	}
	return InProgress
}

// progressStep tells how far the goal is: against the next completion.
func (r *rule) progressStep(list []ledger.Counter, slot int32, completed bool) Step {
	p := &r.doc.Progress
	s := Step{Node: "progress", Code: StepProgress, Unit: Count, Passed: completed}
	switch {
	case len(p.Objectives) > 0:
		s.Observed, s.Expected = int64(p.reached(list)), int64(p.Need)
	case p.Streak > 0:
		s.Observed, s.Expected = p.longest(list), int64(p.Streak)
	case p.RollingDays > 0:
		s.Observed, s.Expected = p.best(list), p.Target
	default:
		s.Observed, s.Expected = value(p.Count, 0, list), p.Target
	}
	if p.Count.money() && p.Streak == 0 {
		s.Unit = Minor
	}
	for _, l := range r.doc.Reward.Ladder {
		at := int64(l.Spend)
		if !p.Count.money() {
			at /= 100
		}
		if s.Expected = at; s.Observed < at {
			break
		}
	}
	if p.Repeat && s.Expected > 0 && p.Streak == 0 {
		s.Expected *= s.Observed/s.Expected + 1
		if completed && p.Target > 0 {
			s.Expected = s.Observed / p.Target * p.Target
		}
	}
	return s
}

// best is the largest sum of any rolling window.
func (p *Progress) best(list []ledger.Counter) (best int64) {
	for len(list) > 0 && list[0].Slot < slotWhole {
		sum, rest, first := int64(0), list, list[0].Slot
		for len(rest) > 0 && rest[0].Slot < first+p.RollingDays {
			var slot []ledger.Counter
			slot, rest = nextSlot(rest)
			sum += value(p.Count, 0, slot)
		}
		best = max(best, sum)
		_, list = nextSlot(list)
	}
	return best
}

// advance keeps a copy of the changes for a result.
func (d *Decision) advance(list []Advance) []Advance {
	from := len(d.advances)
	d.advances = append(d.advances, list...)
	return d.advances[from:len(d.advances):len(d.advances)]
}

// stand notes in the footprint what stands granted for a stateful campaign.
func (f *Footprint) stand(r *rule, granted money.Amount) {
	for i := range f.Awards {
		if a := &f.Awards[i]; a.CampaignKey == r.key {
			a.Granted = granted
		}
	}
}

// GrantedBefore is what stood granted before the result changed it: the footprint already holds what stands now. It is what the split over funders
// goes by.
func (f *Footprint) GrantedBefore(res *Result) money.Amount {
	if res.Standing {
		return res.Before
	}
	for i := range f.Awards {
		if f.Awards[i].CampaignKey == res.CampaignKey {
			return max(0, f.Awards[i].Granted-res.Granted)
		}
	}
	return max(0, -res.Granted)
}
