package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// gift is what is compiled of the rewards that few campaigns have.
type gift struct {
	times    []uint64 // keys of the campaigns that are multiplied
	dressed  bool     // a wallet, donation, badge or event goes with it
	marker   bool     // worth nothing by itself: an event for another account, or a badge alone
	byStore  bool     // the shop of the sale pays
	operator bool     // something goes to the account of the till's operator
}

func newGift(c *Campaign) gift {
	rw := &c.Reward
	g := gift{
		dressed: rw.Wallet != "" || rw.Donate.Rate != 0 || rw.Badge != "" || rw.Notice.Kind != "",
		marker:  rw.Notice.Kind != "" || rw.Badge != "" && !rw.Valued(), operator: rw.Notice.To == ToOperator,
	}
	for _, id := range rw.Times.Of {
		g.times = append(g.times, CampaignKey(id))
	}
	for i := range c.Funding {
		g.byStore = g.byStore || c.Funding[i].Party == ledger.Store
	}
	return g
}

// usual reports whether the reward is one that the fast path knows all of.
func (g *gift) usual() bool { return len(g.times) == 0 && !g.marker && !g.byStore && !g.operator }

// passes reports whether the thresholds are met.
func (r *rule) passes(b *basis, basket money.Amount) bool {
	w := &r.doc.When
	return !r.nothing(b) && b.net >= w.MinSpend && b.pieces >= w.MinQuantity && (w.MinBasket == 0 || basket >= w.MinBasket)
}

// of is how many points an amount is worth.
func (p *Points) of(net money.Amount) money.Amount { return perUnit(p.Get, int64(max(net, 0)/p.For)) }

// drawn is the number of a receipt in a draw, below 1 000 000: the first eight bytes of SHA-256(seed|campaign|receipt), big endian, modulo a million.
// Whoever knows the seed can verify every draw; whoever does not can foresee none.
func (e *Evaluator) drawn(r *rule, id retail.ReceiptID) int64 {
	e.hash = append(append(append(append(e.hash[:0], r.doc.Reward.Draw.Seed...), '|'), r.salt...), id...)
	sum := sha256.Sum256(e.hash)
	return int64(binary.BigEndian.Uint64(sum[:8]) % 1_000_000)
}

// play draws for a receipt whose conditions hold. A return does not draw again: the award was won.
func (e *Evaluator) play(c *candidate, id retail.ReceiptID) {
	c.draws, c.number = true, e.drawn(c.rule, id)
	if c.number >= int64(c.rule.doc.Reward.Draw.Chance) {
		c.uncapped, c.lawful, c.desired = 0, 0, 0
	}
}

// multiply computes what the multipliers want (D5): they come after all others, whose rewards they repeat. Who is held out or outranked counts
// nothing, nor does another multiplier, nor a goal, which belongs to no single receipt. It reports whether there is any.
func (e *Evaluator) multiply() (any bool) {
	for _, i := range e.order {
		c := &e.cands[i]
		if len(c.rule.gift.times) == 0 {
			continue
		}
		any = true
		if !c.holds {
			continue
		}
		rw := &c.rule.doc.Reward
		c.repeated, c.attach = 0, OnBasket
		for _, j := range e.order {
			b := &e.cands[j]
			if !c.multiplies(b) {
				continue
			}
			c.repeated += b.desired
			if b.attach == OnProduct {
				c.attach = OnProduct
			}
		}
		c.uncapped = money.MulDiv(c.repeated, rw.Times.Hundredths-100, 100, rw.Rounding)
		c.lawful, c.rail, c.desired = c.uncapped, -1, rw.capped(c.uncapped)
	}
	return any
}

// multiplies reports whether a multiplier repeats what the other candidate wants.
func (c *candidate) multiplies(b *candidate) bool {
	return b.desired > 0 && b.arm != Holdout && b.winner == nil && len(b.rule.gift.times) == 0 && b.rule.doc.Reward.Wallet == c.rule.doc.Reward.Wallet &&
		slices.Contains(c.rule.gift.times, b.rule.key)
}

// repeatedLines lists the lines of what a multiplier repeats: its reward is attached to them.
func (e *Evaluator) repeatedLines(c *candidate) {
	e.union = e.union[:0]
	for _, j := range e.order {
		if b := &e.cands[j]; c.multiplies(b) {
			e.line(b)
			for _, line := range e.own {
				if !slices.Contains(e.union, line) {
					e.union = append(e.union, line)
				}
			}
		}
	}
	e.own = append(e.own[:0], e.union...)
}

// mayRepeat reports whether a multiplier has something to repeat once its campaign wins its group, which a return can bring about.
func (e *Evaluator) mayRepeat(c *candidate) bool {
	if !c.holds || len(c.rule.gift.times) == 0 {
		return false
	}
	for i := range e.cands {
		if b := &e.cands[i]; b.uncapped > 0 && slices.Contains(c.rule.gift.times, b.rule.key) {
			return true
		}
	}
	return false
}

// isRepeated reports whether a multiplier that is kept may repeat what the candidate wants: a return must know the law of those lines too.
func (e *Evaluator) isRepeated(c *candidate) bool {
	for i := range e.cands {
		if m := &e.cands[i]; m.award >= 0 && slices.Contains(m.rule.gift.times, c.rule.key) {
			return true
		}
	}
	return false
}

// tightenAll makes every limit of the law be asked line by line: multipliers come later and must find the room that is left.
func (e *Evaluator) tightenAll() {
	for _, i := range e.order {
		if len(e.cands[i].rule.gift.times) > 0 && e.cands[i].holds {
			e.tight = true
		}
	}
	for i := range e.cands {
		e.cands[i].tight = e.cands[i].tight || e.tight
	}
}

// stands reports whether a reward that is worth nothing is given all the same: its conditions hold, to somebody who is not held out.
func (c *candidate) stands() bool { return c.rule.gift.marker && c.holds && c.arm == Treatment }

// held is 1 when the campaign stands for the receipt: by what it grants, or as a marker.
func (c *candidate) held(granted money.Amount) int8 {
	if granted > 0 || c.stands() {
		return 1
	}
	return 0
}

// emitted is what the campaign has sent to another account for the receipt as it stands.
func (c *candidate) emitted() Emission {
	if n := &c.rule.doc.Reward.Notice; n.Kind == "" || !c.stands() {
		return Emission{}
	}
	return Emission{Net: c.basis.net, Pieces: c.basis.pieces}
}

// dress adds to a result where its reward goes, what comes with it, and what changes of what it sends.
func (c *candidate) dress(res *Result, old before, held int8) {
	rw := &c.rule.doc.Reward
	res.Wallet, res.Donate, res.Badge = rw.Wallet, rw.Donate, rw.Badge
	if rw.Badge == "" && rw.Notice.Kind == "" {
		return
	}
	res.Held = held - old.held
	if rw.Notice.Kind != "" {
		now := c.emitted()
		res.Emit = Emission{Kind: rw.Notice.Kind, To: rw.Notice.To, Net: now.Net - old.emit.Net, Pieces: now.Pieces - old.emit.Pieces}
	}
}

// explainGifts tells a draw's number, and what a multiplier repeats.
func (e *Evaluator) explainGifts(c *candidate, d *Decision) {
	if c.draws {
		chance := int64(c.rule.doc.Reward.Draw.Chance)
		d.step(Step{Node: "reward.draw", Code: StepDraw, Unit: Count, Passed: c.number < chance, Observed: c.number, Expected: chance})
	}
	if len(c.rule.gift.times) > 0 && c.holds {
		d.step(Step{Node: "reward.times", Code: StepTimes, Unit: Minor, Passed: c.repeated > 0, Observed: int64(c.repeated), Expected: int64(c.uncapped)})
	}
}

// keepPlace notes in the footprint where a sale took place, when a return will need it.
func (r *rule) keepPlace(rec *retail.Receipt, fp *Footprint) {
	if r.gift.byStore {
		fp.Shop = string(rec.Shop.ID)
	}
	if r.gift.operator {
		fp.Operator = rec.OperatorID
	}
}

// comparable checks that what a group chooses among can be compared: rewards into one wallet, all judged in one phase.
func comparable(members []*rule) error {
	if members[0].doc.Stacking.Mode == Stack {
		return nil
	}
	type class struct {
		wallet string
		times  bool
	}
	classes := map[class][]*rule{}
	var seen []class
	for _, r := range members {
		k := class{r.doc.Reward.Wallet, len(r.gift.times) > 0}
		if classes[k] == nil {
			seen = append(seen, k)
		}
		classes[k] = append(classes[k], r)
	}
	for i, a := range seen {
		for _, b := range seen[:i] {
			if x, y := overlapping(classes[b], classes[a]); x != nil {
				return fmt.Errorf("compile campaigns: %s and %s are both in stacking group %q and cannot be compared: a group gives into one wallet, and multipliers have groups of their own",
					x.id, y.id, x.doc.Stacking.Group)
			}
		}
	}
	return nil
}
