package rules

import (
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Steps of budgets tell what was wanted against what was left here.
const (
	StepBudget       StepCode = "budget"        // of the campaign's total
	StepBudgetPacing StepCode = "budget_pacing" // of what of the total is released by now
	StepStoreBudget  StepCode = "store_budget"  // of what the shop may grant in the period
)

// budgetNode is the part of the document that a step of a budget is about.
func budgetNode(code StepCode) string {
	switch code {
	case StepBudgetPacing:
		return "budget.pacing"
	case StepStoreBudget:
		return "budget.per_store"
	}
	return "budget.total"
}

// Zone is the campaign's time zone; UTC for one that is not known, which Parse refuses.
func (c *Campaign) Zone() *time.Location {
	loc, err := loadZone(c.Window.TZ)
	if err != nil {
		return time.UTC
	}
	return loc
}

// CapPeriods is how many kinds of period there are.
const CapPeriods = 5

// Letter names the kind of period in one letter.
func (p CapPeriod) Letter() string { return "cdwmy"[p : p+1] }

// Number numbers the calendar period that holds an instant, so that numbers grow with time: 20261203, 202649, 202612, 2026; 0 for the whole campaign.
func (p CapPeriod) Number(t retail.Instant, loc *time.Location) int32 {
	return p.period(time.UnixMilli(int64(t)).In(loc))
}

// BudgetStep says what a cut to the total is about at an instant.
func (c *Campaign) BudgetStep(now retail.Instant) StepCode {
	if c.BudgetEven && now < c.Window.To {
		return StepBudgetPacing
	}
	return StepBudget
}

// Released is what of the budget's total may be granted by an instant: with even pacing its part in proportion to the elapsed part of the window,
// rounded down; else all of it.
func (c *Campaign) Released(now retail.Instant) money.Amount {
	from, to := c.Window.From, c.Window.To
	if !c.BudgetEven || now >= to {
		return c.Budget
	}
	if now <= from {
		return 0
	}
	return money.MulDiv(c.Budget, int64(now-from), int64(to-from), money.Floor)
}

// LimitToBudget cuts what result i grants to what the budget has left, after everything else has been decided (D5): reduced to fit, rounded down to
// what there is (D2, D9). The footprint follows, so that a later return starts from what was granted; on a sale it also remembers the limit, so that
// what remains of the basket never earns more than the budget gave.
func (d *Decision) LimitToBudget(i int, code StepCode, left money.Amount, fp *Footprint, sale bool) {
	r := &d.Results[i]
	left = max(left, 0)
	if r.Granted <= left {
		return
	}
	cut := r.Granted - left
	from := len(d.steps)
	d.steps = append(d.steps, r.Steps...)
	d.step(Step{Node: budgetNode(code), Code: code, Unit: Minor, Observed: int64(r.Granted), Expected: int64(left)})
	r.Steps = d.steps[from:len(d.steps):len(d.steps)]
	r.Granted, r.CappedBy, r.Outcome = left, "budget", Capped
	for n := range r.Advances {
		if r.Advances[n].Key == keyGranted {
			r.Advances[n].Delta -= int64(cut)
		}
	}
	if left == 0 {
		r.Outcome, r.Held = CapReached, min(r.Held, 0)
	}
	for n := range fp.Awards {
		a := &fp.Awards[n]
		if a.CampaignKey != r.CampaignKey {
			continue
		}
		a.Granted -= cut
		if sale {
			a.Room = a.Granted
		}
	}
}
