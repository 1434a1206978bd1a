package rules

import (
	"math/bits"

	"cagnotte/pipeline/retail"
)

// Step codes: what was tested. Whether it held is Step.Passed.
const (
	StepWindow        StepCode = "window"         // the receipt's close against the window
	StepHours         StepCode = "hours"          // hours and weekdays
	StepStore         StepCode = "store"          // the shop is one of the campaign's
	StepChannel       StepCode = "channel"        // the channel is one of the campaign's
	StepWho           StepCode = "who"            // a condition on the member that does not hold; the node says which
	StepCoupon        StepCode = "coupon"         // one of the campaign's coupons was scanned
	StepDraw          StepCode = "draw"           // the receipt's number of a million against the chance
	StepTimes         StepCode = "times"          // what the multiplied campaigns give, and what is given on top
	StepCEL           StepCode = "cel"            // the expert condition: true, false, or why it could not be told
	StepLines         StepCode = "lines"          // no matching line counts; where some do, Result.Basis says how much
	StepMinSpend      StepCode = "min_spend"      // spend against the threshold
	StepMinQuantity   StepCode = "min_quantity"   // pieces against the threshold
	StepMinBasket     StepCode = "min_basket"     // basket against the threshold
	StepReward        StepCode = "reward"         // what the reward came to; not passed: less than one cent, or below the ladder
	StepLegalNever    StepCode = "legal_never"    // products for which the law forbids any reward did not count
	StepLegalClip     StepCode = "legal_clip"     // a limit of the law bound: what was wanted, and what it leaves
	StepReceiptCap    StepCode = "receipt_cap"    // the receipt's cap bound
	StepHoldout       StepCode = "holdout"        // the account's bucket against the holdout's, both of 10 000
	StepOutranked     StepCode = "outranked"      // another campaign of the group won
	StepMemberCap     StepCode = "member_cap"     // what was wanted against the room of the member's cap
	StepNoAccount     StepCode = "no_account"     // the receipt is anonymous
	StepReturned      StepCode = "returned"       // what is left of the matching lines, against what was before this return
	StepReturnExcess  StepCode = "return_excess"  // more was given back than the lines held; ignored
	StepReturnUnknown StepCode = "return_unknown" // given back for lines that no reward was given for
)

// outcome names what became of a candidate; when several reasons hold, the first of Outcome's order.
func (c *candidate) outcome(account retail.AccountID) Outcome {
	switch {
	case !c.open:
		return OutOfWindow
	case !c.shop:
		return ShopExcluded
	case c.refused == notTargeted:
		return NotTargeted
	case c.rule.gift.marker && c.holds:
		return c.marked(account)
	case c.uncapped == 0 && c.rule.nothing(&c.basis) && c.rule.doc.When.empty():
		return NothingEligible
	case c.uncapped == 0:
		return BelowThreshold
	case account == "":
		return NoAccount
	case c.arm == Holdout:
		return HeldOut
	case c.winner != nil:
		return Outranked
	case c.granted == 0:
		return CapReached
	case c.granted < c.desired:
		return Capped
	}
	return Awarded
}

// marked is outcome for a reward that is worth nothing by itself, and whose conditions hold.
func (c *candidate) marked(account retail.AccountID) Outcome {
	switch {
	case account == "":
		return NoAccount
	case c.arm == Holdout:
		return HeldOut
	}
	return Awarded
}

func (c *candidate) cappedBy() string {
	switch {
	case c.room >= 0 && c.rewarded() && c.winner == nil && c.granted < c.desired:
		return "member"
	case c.desired < c.lawful:
		return "receipt"
	case c.lawful < c.uncapped:
		return "legal"
	}
	return ""
}

// report writes the result of a sale.
func (e *Evaluator) report(c *candidate, r *retail.Receipt, account retail.AccountID, d *Decision) {
	from := len(d.steps)
	e.explainPlace(c, r, d)
	if c.open && c.shop && c.rule.extra != nil {
		e.explainExtra(c, r, d)
	}
	if c.open && c.shop && c.refused != notTargeted {
		e.explainReward(c, d)
	}
	if account == "" && (c.uncapped > 0 || c.rule.gift.marker && c.holds) {
		d.step(Step{Node: "holdout", Code: StepNoAccount})
	}
	d.Results = append(d.Results, Result{
		Campaign: c.rule.id, CampaignKey: c.rule.key, Version: c.rule.version, Arm: c.arm, Outcome: c.outcome(account),
		Basis: c.basis.net, Desired: c.desired, Granted: c.granted, CappedBy: c.cappedBy(),
		Period: c.period, ActiveFrom: c.activeFrom, ExpiresAt: c.expiresAt,
		Funding: c.rule.funding, Steps: d.steps[from:len(d.steps):len(d.steps)],
	})
	if c.rule.gift.dressed {
		c.dress(&d.Results[len(d.Results)-1], before{}, c.held(c.granted))
	}
}

func (d *Decision) step(s Step) { d.steps = append(d.steps, s) }

// explainPlace tells which of instant, shop and channel was refused.
func (e *Evaluator) explainPlace(c *candidate, r *retail.Receipt, d *Decision) {
	doc := c.rule.doc
	switch {
	case e.now < c.rule.window.from:
		d.step(Step{Node: "window.from", Code: StepWindow, Unit: Time, Observed: int64(e.now), Expected: int64(c.rule.window.from)})
	case e.now >= c.rule.window.to:
		d.step(Step{Node: "window.to", Code: StepWindow, Unit: Time, Observed: int64(e.now), Expected: int64(c.rule.window.to)})
	case !c.open && doc.Window.Weekdays != 0 && doc.Window.Hours == Hours{}:
		d.step(Step{Node: "window.weekdays", Code: StepHours, Unit: Time, Observed: int64(e.now)})
	case !c.open:
		d.step(Step{Node: "window.hours", Code: StepHours, Unit: Time, Observed: int64(e.now)})
	}
	if !e.shop.holds(c.rule.shops) {
		d.step(Step{Node: "stores", Code: StepStore, Unit: Text, ObservedText: string(r.Shop.ID)})
	}
	if !c.rule.allows(r.Channel) {
		d.step(Step{Node: "channels", Code: StepChannel, Unit: Text, ObservedText: r.Channel.String()})
	}
}

// explainBasis tells which lines count, against the thresholds.
func (e *Evaluator) explainBasis(c *candidate, d *Decision) {
	doc := c.rule.doc
	w := &doc.When
	if c.barred != 0 {
		rail := bits.TrailingZeros64(c.barred)
		d.step(Step{Node: e.rs.rails.nodes[rail], Code: StepLegalNever, Unit: Minor, Observed: int64(c.barredNet), ExpectedText: e.rs.rails.rails[rail].ID})
	}
	if c.rule.nothing(&c.basis) {
		d.step(Step{Node: "lines", Code: StepLines, Unit: Minor, Observed: int64(c.basis.net)})
	}
	if w.MinSpend != 0 {
		d.step(atLeast("when.min_spend", StepMinSpend, Minor, int64(c.basis.net), int64(w.MinSpend)))
	}
	if w.MinQuantity != 0 {
		d.step(atLeast("when.min_quantity", StepMinQuantity, Count, c.basis.pieces, w.MinQuantity))
	}
	if w.MinBasket != 0 {
		d.step(atLeast("when.min_basket", StepMinBasket, Minor, int64(e.total), int64(w.MinBasket)))
	}
}

// explainReward tells how the basis became a grant. Return uses it as well.
func (e *Evaluator) explainReward(c *candidate, d *Decision) {
	doc := c.rule.doc
	e.explainBasis(c, d)
	e.explainGifts(c, d)
	if c.rule.gift.marker {
		return
	}
	d.step(Step{Node: "reward", Code: StepReward, Unit: Minor, Passed: c.uncapped > 0, Observed: int64(c.uncapped), Expected: doc.Reward.firstStep(c)})
	e.explainLaw(c, d)
	if c.desired < c.lawful {
		d.step(Step{Node: "reward.max_per_receipt", Code: StepReceiptCap, Unit: Minor, Observed: int64(c.lawful), Expected: int64(c.desired)})
	}
	if c.desired > 0 {
		e.explainLimits(c, d)
	}
}

// firstStep is what a ladder's first step would have given, when it was not reached.
func (rw *Reward) firstStep(c *candidate) int64 {
	if len(rw.Ladder) > 0 && c.uncapped == 0 {
		return int64(rw.Ladder[0].Get)
	}
	return int64(c.uncapped)
}

func (e *Evaluator) explainLimits(c *candidate, d *Decision) {
	switch {
	case c.arm == Holdout && c.bucket < 0: // a return: the side was drawn with the sale
		d.step(Step{Node: "holdout", Code: StepHoldout, Unit: NoUnit})
	case c.arm == Holdout:
		d.step(Step{Node: "holdout", Code: StepHoldout, Unit: Count, Observed: int64(c.bucket), Expected: int64(c.rule.doc.HoldoutBP)})
	case c.winner != nil:
		d.step(Step{Node: "stacking", Code: StepOutranked, Unit: Minor, Observed: int64(c.desired), Expected: int64(c.best), ExpectedText: c.winner.id})
	case c.room >= 0 && c.arm == Treatment:
		d.step(Step{Node: "reward.max_per_member", Code: StepMemberCap, Unit: Minor, Passed: c.granted == c.desired, Observed: int64(c.desired), Expected: int64(c.room)})
	}
}

func atLeast(node string, code StepCode, unit StepUnit, observed, expected int64) Step {
	return Step{Node: node, Code: code, Unit: unit, Passed: observed >= expected, Observed: observed, Expected: expected}
}
