package rules

import (
	"math"
	"math/bits"

	"cagnotte/pipeline/money"
)

// The legal clip (D5): after stacking, before every cap, so that what the law takes never uses up a cap. A limit is on what all campaigns give for
// a line together, with the till's own discount; campaigns take from it in evaluation order. What a campaign gives for a line is exact:
// percent of its price, an amount for its pieces. A reward for the whole (fixed, ladder) may be attributed to any of its lines, first to those
// without a limit. When a limit binds, the reward is rounded down (D2), and rounding up needs room like any other part of a reward.

// claim is a candidate's part in one line: the line's room, -1 without a limit, and what is given for it, in millionths of a cent.
type claim struct {
	line       int32
	room, want int64
}

// limit reduces what a candidate wants to what the law leaves; with take, that is no longer left for the next.
func (e *Evaluator) limit(c *candidate, take bool) {
	c.lawful, c.rail = c.uncapped, -1
	if e.claim(c) {
		if c.rule.byPercent || c.rule.byPiece {
			e.limitLines(c)
		} else {
			e.limitPool(c)
		}
		if take && c.lawful > 0 {
			e.take(c)
		}
	}
	c.desired = c.rule.doc.Reward.capped(c.lawful)
}

// claim lists the candidate's lines. It returns false when none of them has a limit for it.
func (e *Evaluator) claim(c *candidate) bool {
	if c.uncapped == 0 || c.rule.doc.Reward.Wallet != "" || c.attach == OnBasket && !e.railAll {
		return false
	}
	e.claims, e.free = e.claims[:0], false
	limited := false
	if len(c.rule.gift.times) > 0 {
		e.repeatedLines(c)
	} else {
		e.line(c)
	}
	for _, line := range e.own {
		room := e.room(line, c.attach)
		e.claims = append(e.claims, claim{line: line, room: room})
		limited = limited || room >= 0
		e.free = e.free || room < 0 && e.lines[line].net > 0
	}
	return limited
}

// room returns what is left of a line for a reward with this attachment.
func (e *Evaluator) room(line int32, a Attachment) int64 {
	r := &e.rooms[line]
	if a == OnProduct && r.product >= 0 && (r.all < 0 || r.product <= r.all) {
		return r.product
	}
	return r.all
}

// limitLines reduces a reward that is given line by line.
func (e *Evaluator) limitLines(c *candidate) {
	rw := &c.rule.doc.Reward
	sum, bound := int64(0), false
	for i := range e.claims {
		cl := &e.claims[i]
		w := &e.lines[cl.line]
		if cl.want = micro(w.net, rw.Percent); rw.Percent == 0 {
			cl.want = micro(rw.PerUnit*money.Amount(max(min(w.pieces, maxPieces), -maxPieces)), money.One)
		}
		if cl.room >= 0 && cl.want > cl.room {
			cl.want, bound = cl.room, true
			e.blame(c, cl.line)
		}
		sum = addSat(sum, cl.want)
	}
	floor := max(money.MulDiv(money.Amount(sum), 1, int64(money.One), money.Floor), 0)
	if bound {
		c.lawful = min(floor, c.uncapped)
		return
	}
	if over := micro(c.uncapped, money.One) - sum; over > 0 && !e.absorb(c, over) {
		c.lawful = min(floor, c.uncapped)
	}
}

// maxPieces keeps the product with an amount within int64.
const maxPieces = 1 << 20

// absorb finds room for what rounding adds to a reward.
func (e *Evaluator) absorb(c *candidate, over int64) bool {
	if e.free {
		return true
	}
	spare := int64(0)
	for i := range e.claims {
		spare = addSat(spare, max(e.claims[i].room-max(e.claims[i].want, 0), 0))
	}
	if spare < over {
		e.blame(c, e.claims[0].line)
		return false
	}
	for i := range e.claims {
		cl := &e.claims[i]
		part := min(over, max(cl.room-max(cl.want, 0), 0))
		cl.want, over = max(cl.want, 0)+part, over-part
	}
	return true
}

// limitPool reduces a reward that is given for all lines together.
func (e *Evaluator) limitPool(c *candidate) {
	if e.free {
		return
	}
	sum := int64(0)
	for i := range e.claims {
		sum = addSat(sum, max(e.claims[i].room, 0))
	}
	if most := money.Amount(sum / int64(money.One)); sum != math.MaxInt64 && most < c.uncapped {
		c.lawful = most
		e.blame(c, e.claims[0].line)
	}
	left := micro(c.lawful, money.One)
	for i := range e.claims {
		e.claims[i].want = min(left, max(e.claims[i].room, 0))
		left -= e.claims[i].want
	}
}

// blame notes the first limit that bound: of those about the line the tightest. A return does not know their names.
func (e *Evaluator) blame(c *candidate, line int32) {
	if c.rail >= 0 || e.sale == nil {
		return
	}
	r := &e.rooms[line]
	attach := OnBasket
	if c.attach == OnProduct && r.product >= 0 && (r.all < 0 || r.product <= r.all) {
		attach = OnProduct
	}
	for m := e.lines[line].rails; m != 0; m &= m - 1 {
		i := int32(bits.TrailingZeros64(m))
		if f := &e.rs.rails.rails[i]; f.Attachment == attach && (c.rail < 0 || f.Max < e.rs.rails.rails[c.rail].Max) {
			c.rail = i
		}
	}
}

// take uses up the room of the candidate's lines.
func (e *Evaluator) take(c *candidate) {
	for i := range e.claims {
		cl := &e.claims[i]
		if cl.want <= 0 {
			continue
		}
		r := &e.rooms[cl.line]
		if r.product >= 0 && c.attach == OnProduct {
			r.product = max(r.product-cl.want, 0)
		}
		if r.all >= 0 {
			r.all = max(r.all-cl.want, 0)
		}
	}
}

// explainLaw tells what the law kept from being given.
func (e *Evaluator) explainLaw(c *candidate, d *Decision) {
	if c.lawful == c.uncapped {
		return
	}
	s := Step{Node: "guardrails", Code: StepLegalClip, Unit: Minor, Observed: int64(c.uncapped), Expected: int64(c.lawful)}
	if c.rail >= 0 {
		s.Node, s.ExpectedText = e.rs.rails.nodes[c.rail], e.rs.rails.rails[c.rail].ID
	}
	d.step(s)
}

// capped cuts a reward to what one receipt may get.
func (rw *Reward) capped(a money.Amount) money.Amount {
	if rw.MaxPerReceipt != 0 {
		return min(a, rw.MaxPerReceipt)
	}
	return a
}
