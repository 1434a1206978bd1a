package rules

import (
	"slices"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// candidate is one campaign that is considered for the receipt at hand. Evaluate and Return fill it from different sources and then share
// settle, so that a return cannot judge otherwise than the sale did.
type candidate struct {
	rule      *rule // nil on a return whose campaign version is not in the ruleset
	index     int32 // of the rule; on a return, of the award
	basis     basis
	wide      bool // every line that counts, but for those in except
	except    int32
	first     int32  // of its pairs, -1: none
	last      int32  // of its pairs
	barred    uint64 // limits that keep lines of its products from counting
	barredNet money.Amount

	open, shop bool // the instant and the shop are accepted
	refused    refusal
	verdict    celVerdict
	holds      bool         // thresholds are met, of a multiplier or marker
	draws      bool         // number was drawn
	number     int64        // below a million
	repeated   money.Amount // what a multiplier repeats
	attach     Attachment   // of the reward
	arm        Arm
	bucket     int32        // of the experiment, 0 to 9 999
	uncapped   money.Amount // before any limit
	lawful     money.Amount // what the law leaves of it
	rail       int32        // the limit that bound, -1: none
	tight      bool         // a limit may bind
	desired    money.Amount // after the receipt's cap
	room       money.Amount // of the member cap, -1 without
	granted    money.Amount
	winner     *rule        // that outranked it
	best       money.Amount // what the winner desired
	award      int32        // in the footprint, -1: not kept
	period     int32
	activeFrom retail.Instant
	expiresAt  retail.Instant
}

// Evaluate judges a SALE or EXCHANGE against every campaign that concerns it, an EVENT against those about its kind, and writes one Result per campaign to d, in evaluation order.
// Training receipts and other types get none. account is empty for an anonymous receipt; v is read only when it is not.
//
// fp receives what a later return needs. It must be empty, or hold returns that came before this sale: then the results are those of what
// remains. fp may be nil for an anonymous receipt. ContentHash is left alone.
//
// Texts in d's steps may alias r. Nothing is allocated once the evaluator's caches are warm.
func (e *Evaluator) Evaluate(rs *Ruleset, r *retail.Receipt, account retail.AccountID, v View, d *Decision, fp *Footprint) {
	d.Reset()
	d.RulesetVersion = rs.number
	if fp == nil {
		fp = &e.scratch
		fp.Reset()
	}
	fp.beginSale(r)
	if r.Training || r.Type != retail.Sale && r.Type != retail.Exchange && r.Type != retail.Event {
		fp.Returned = fp.Returned[:0]
		return
	}
	e.use(rs)
	if r.Type == retail.Event && len(r.Lines) == 0 {
		r = e.withPiece(r)
	}
	e.sale, e.view, e.now, e.day, e.shop = r, v, r.EndedAt, e.dayOf(r.EndedAt), e.shopOf(&r.Shop)
	e.weigh(r)
	e.match(r)
	e.openRooms(r)
	e.sort()
	for _, i := range e.order {
		e.judge(&e.cands[i], r, account, v)
	}
	e.settle()
	e.keep(r, account, fp)
	e.saleAt = r.EndedAt
	e.reportAll(r, account, v, d, fp)
	if len(fp.Returned) > 0 || fp.Voided {
		e.catchUp(rs, v, d, fp)
	}
	e.sale, e.view, e.expert.r = nil, nil, nil
}

// reportAll writes the results of a sale in evaluation order. Stateful campaigns of a sale that was partly returned before it came wait for what is
// left of it.
func (e *Evaluator) reportAll(r *retail.Receipt, account retail.AccountID, v View, d *Decision, fp *Footprint) {
	early := len(fp.Returned) > 0 || fp.Voided
	for n := 0; n < len(e.order); {
		c := &e.cands[e.order[n]]
		if !c.rule.state.counts {
			e.report(c, r, account, d)
			n++
			continue
		}
		end := e.together(n)
		if !early || !e.anyKept(e.order[n:end]) {
			e.reportCounts(e.order[n:end], r, account, v, d, fp)
		}
		n = end
	}
}

// sort brings the candidates into evaluation order (D5); rules are numbered in it. Candidates are few and come nearly sorted.
func (e *Evaluator) sort() {
	e.order = e.order[:0]
	for i := range e.cands {
		e.order = append(e.order, int32(i))
		for j := i; j > 0 && e.cands[e.order[j-1]].index > e.cands[i].index; j-- {
			e.order[j], e.order[j-1] = e.order[j-1], e.order[j]
		}
		if i == sortLimit {
			e.sortMany()
			return
		}
	}
}

// sortLimit is where insertion becomes slower than the library's sort.
const sortLimit = 48

func (e *Evaluator) sortMany() {
	for i := len(e.order); i < len(e.cands); i++ {
		e.order = append(e.order, int32(i))
	}
	slices.SortFunc(e.order, func(a, b int32) int { return int(e.cands[a].index) - int(e.cands[b].index) })
}

// judge tests the conditions that a return does not change, and computes what the campaign wants to give.
func (e *Evaluator) judge(c *candidate, rec *retail.Receipt, account retail.AccountID, v View) {
	r := c.rule
	clock := e.clockOf(c.index)
	c.open = r.window.holds(e.now) && clock.isOpen(r, e.now)
	c.shop = e.shop.holds(r.shops) && r.allows(rec.Channel)
	c.room = -1
	if account != "" {
		c.arm, c.bucket = e.armOf(r, account)
	}
	if !c.open || !c.shop {
		return
	}
	if r.extra != nil {
		if c.refused = e.admit(c, rec, account); c.refused != admitted {
			return
		}
	}
	e.want(c)
	if c.uncapped != 0 && r.doc.Reward.Draw.Prize != 0 {
		e.play(c, rec.ID)
	}
	if account == "" || c.uncapped == 0 && !c.holds && !(r.state.counts && r.meets(&c.basis, e.total)) {
		return
	}
	v0 := &r.doc.Validity
	c.activeFrom = v0.activeFrom(e.now)
	c.expiresAt = clock.expiresAt(r, e.now, max(c.activeFrom, e.now))
	if limit := r.doc.Reward.MaxPerMember.Amount; limit != 0 {
		c.period = clock.periodAt(r, e.now)
		c.room = max(limit-v.CapUsed(r.owner(), c.period), 0)
	}
}

// armOf draws the side of the experiment: the same for an account for ever, independent between campaigns (D31).
func (e *Evaluator) armOf(r *rule, account retail.AccountID) (Arm, int32) {
	if r.doc.HoldoutBP == 0 {
		return Treatment, 0
	}
	e.hash = append(append(e.hash[:0], r.salt...), account...)
	bucket := int32(xxhash.Sum64(e.hash) % 10_000)
	if bucket < r.doc.HoldoutBP {
		return Holdout, bucket
	}
	return Treatment, bucket
}

// ArmOf returns the side of a campaign's experiment an account is on: Holdout when xxhash64(id + "|" + account) mod 10 000 < holdoutBP.
func ArmOf(id string, account retail.AccountID, holdoutBP int32) Arm {
	if account == "" {
		return NoArm
	}
	if int32(xxhash.Sum64String(id+"|"+string(account))%10_000) < holdoutBP {
		return Holdout
	}
	return Treatment
}

// winner is the campaign that a stacking group has chosen.
type winner struct {
	group int32
	cand  int32
}

// want computes what the campaign would give, before and after the receipt's cap, when no limit of the law stands in the way.
func (e *Evaluator) want(c *candidate) {
	if c.rule.state.counts {
		c.uncapped, c.lawful, c.rail, c.desired = 0, 0, -1, 0
		return
	}
	c.uncapped = c.rule.reward(&c.basis, e.total)
	if c.uncapped != 0 && c.rule.doc.Reward.Every != 0 {
		c.uncapped = e.nth(c)
	}
	c.lawful, c.rail, c.desired = c.uncapped, -1, c.rule.doc.Reward.capped(c.uncapped)
	if g := &c.rule.gift; g.marker || len(g.times) > 0 {
		c.holds, c.repeated = c.rule.passes(&c.basis, e.total), 0
	}
}

// settle goes from what campaigns want to what they grant: stacking (D7), what the law leaves (D5), then the member cap (D9).
func (e *Evaluator) settle() {
	e.winners = e.winners[:0]
	e.tight = e.railed && e.load()
	if !e.rs.multiply {
		e.phase(false)
		return
	}
	if e.railed {
		e.tightenAll()
	}
	e.phase(false)
	if e.multiply() {
		e.phase(true)
	}
}

// phase settles the candidates that are no multipliers, or then those that are.
func (e *Evaluator) phase(multipliers bool) {
	for _, i := range e.order {
		c := &e.cands[i]
		if len(c.rule.gift.times) > 0 != multipliers {
			continue
		}
		c.winner, c.best, c.granted = nil, 0, 0
		if e.tight && c.tight && c.rule.group != 0 && c.uncapped > 0 {
			e.limit(c, false)
		}
		e.stand(i)
	}
	for _, i := range e.order {
		c := &e.cands[i]
		if c.uncapped == 0 || len(c.rule.gift.times) > 0 != multipliers {
			continue
		}
		if w := e.winnerOf(c.rule.group); w >= 0 && w != i && c.rewarded() {
			c.winner, c.best = e.cands[w].rule, e.cands[w].desired
			continue
		}
		if e.tight && c.tight {
			e.limit(c, c.arm == Treatment)
		}
		if !c.rewarded() {
			continue
		}
		c.granted = c.desired
		if c.room >= 0 {
			c.granted = min(c.granted, c.room)
		}
	}
}

// rewarded reports whether the campaign gives something to this account, before stacking and caps.
func (c *candidate) rewarded() bool { return c.desired > 0 && c.arm == Treatment }

// stand lets a candidate stand for its group. Candidates come in order of priority, so that an equal one does not replace an earlier one.
func (e *Evaluator) stand(i int32) {
	c := &e.cands[i]
	if !c.rewarded() || c.rule.group == 0 || c.rule.doc.Stacking.Mode == Stack {
		return
	}
	for n := range e.winners {
		w := &e.winners[n]
		if w.group != c.rule.group {
			continue
		}
		if c.rule.doc.Stacking.Mode == BestForMember && c.desired > e.cands[w.cand].desired {
			w.cand = i
		}
		return
	}
	e.winners = append(e.winners, winner{c.rule.group, i})
}

// winnerOf returns the candidate that a group has chosen, -1 when the group does not choose.
func (e *Evaluator) winnerOf(group int32) int32 {
	for i := range e.winners {
		if e.winners[i].group == group {
			return e.winners[i].cand
		}
	}
	return -1
}
