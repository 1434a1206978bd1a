package rules

import "cagnotte/pipeline/money"

// StepBudget tells what was wanted against what the campaign's budget had left here.
const StepBudget StepCode = "budget"

// LimitToBudget cuts what result i grants to what the budget has left, after everything else has been decided (D5): reduced to fit, rounded down to
// what there is (D2, D9). The footprint follows, so that a later return starts from what was granted; on a sale it also remembers the limit, so that
// what remains of the basket never earns more than the budget gave.
func (d *Decision) LimitToBudget(i int, left money.Amount, fp *Footprint, sale bool) {
	r := &d.Results[i]
	left = max(left, 0)
	if r.Granted <= left {
		return
	}
	cut := r.Granted - left
	from := len(d.steps)
	d.steps = append(d.steps, r.Steps...)
	d.step(Step{Node: "budget.total", Code: StepBudget, Unit: Minor, Observed: int64(r.Granted), Expected: int64(left)})
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
