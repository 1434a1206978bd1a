package rules_test

import (
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// Goal: a budget that cannot give all reduces to fit (D9), says so, and a later return starts from what was granted. A reward within it stays as it is.
func TestLimitToBudget(t *testing.T) {
	for name, c := range map[string]struct {
		left, granted, room money.Amount
		outcome             rules.Outcome
		cappedBy            string
		steps               int
	}{
		"enough":  {500, 500, -1, rules.Awarded, "", 1},
		"some":    {120, 120, 120, rules.Capped, "budget", 2},
		"nothing": {0, 0, 0, rules.CapReached, "budget", 2},
		"less":    {-7, 0, 0, rules.CapReached, "budget", 2},
	} {
		d := rules.Decision{Results: []rules.Result{{Campaign: "x", CampaignKey: 7, Desired: 500, Granted: 500, Outcome: rules.Awarded, Steps: []rules.Step{{Code: rules.StepReward}}}}}
		fp := rules.Footprint{Awards: []rules.Award{{CampaignKey: 3, Granted: 9, Room: -1}, {CampaignKey: 7, Granted: 500, Room: -1}}}
		d.LimitToBudget(0, rules.StepBudget, c.left, &fp, true)
		r, a := d.Results[0], fp.Awards[1]
		if r.Granted != c.granted || r.Desired != 500 || r.Outcome != c.outcome || r.CappedBy != c.cappedBy || len(r.Steps) != c.steps {
			t.Errorf("%s: %+v", name, r)
		}
		if a.Granted != c.granted || a.Room != c.room || fp.Awards[0].Granted != 9 {
			t.Errorf("%s: footprint %+v", name, fp.Awards)
		}
	}
}

// On a return only the increase is cut: what was granted before stays, and the room of the sale too.
func TestLimitToBudgetOnReturn(t *testing.T) {
	d := rules.Decision{Results: []rules.Result{{CampaignKey: 7, Granted: 300, Outcome: rules.Awarded}}}
	fp := rules.Footprint{Awards: []rules.Award{{CampaignKey: 7, Granted: 400, Room: 900}}}
	d.LimitToBudget(0, rules.StepBudget, 50, &fp, false)
	if a := fp.Awards[0]; a.Granted != 150 || a.Room != 900 || d.Results[0].Granted != 50 {
		t.Errorf("%+v, %+v", a, d.Results[0])
	}
}
