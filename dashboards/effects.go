package dashboards

import (
	"cagnotte/pipeline/measure"
)

const (
	level  = 0.95
	hourMs = 3600_000
	dayMs  = 24 * hourMs

	seriesStepMs = 10_000
	seriesSteps  = 360 // an hour
)

// memberMoments are the sufficient statistics of one campaign's members. T is the treatment arm, C the holdout; spend is in minor units over
// the window, receipts without a purchase count zero.
type memberMoments struct {
	eligibleT, eligibleC int64 // known to the participating stores
	activeT, activeC     int64 // with a receipt in the window
	allT                 int64 // on record anywhere
	participants         int64 // treatment, with a reward, net of returns
	ghosts               int64 // holdout, who would have had one
	asOfMs               int64 // newest receipt that counts
	spendT, spendC       measure.Moments
	visitsT, visitsC     measure.Moments
}

// apply turns the moments into the page's figures. The split is checked first: arms of the wrong size forbid every comparison.
func (d *CampaignDetail) apply(m memberMoments, holdoutBP int) {
	d.Split = measure.SampleRatio(m.eligibleT, m.eligibleC, float64(holdoutBP)/10_000)
	came := &measure.Came{Treatment: m.activeT, Control: m.activeC}
	d.Spend = compareArms(m.spendT, m.spendC, d.Split, came)
	d.Visits = compareArms(m.visitsT, m.visitsC, d.Split, came)
	o := measure.DefaultOptions(measure.Absolute)
	o.Split, o.Came = d.Split, came
	d.Rates = Rates{
		Participants: m.participants,
		Eligible:     measure.Wilson(m.participants, m.eligibleT, level),
		Active:       measure.Wilson(m.participants, m.activeT, level),
		All:          measure.Wilson(m.participants, max(m.allT, m.eligibleT), level),
		Ghost:        measure.Wilson(m.ghosts, m.eligibleC, level),
		Incremental:  measure.AlwaysValid(measure.Share(m.participants, m.eligibleT), measure.Share(m.ghosts, m.eligibleC), o),
	}
}

// compareArms compares one outcome as assigned. The members who can take part are known before any of them comes: see measure.Came.
func compareArms(treatment, control measure.Moments, split measure.SRM, came *measure.Came) Effect {
	t, c := treatment.Arm(), control.Arm()
	rel, abs := measure.DefaultOptions(measure.Relative), measure.DefaultOptions(measure.Absolute)
	rel.Split, abs.Split, rel.Came, abs.Came = split, split, came, came
	return Effect{
		Relative: measure.AlwaysValid(t, c, rel), Absolute: measure.AlwaysValid(t, c, abs), FixedHorizon: measure.Welch(t, c, rel),
		TreatmentMean: t.Mean, ControlMean: c.Mean,
	}
}

// budgetOf adds up the running campaigns that have a budget in the currency: points are no euros.
func budgetOf(rows []CampaignRow) Budget {
	var b Budget
	for i := range rows {
		if r := &rows[i]; r.Status == statusRunning && r.BudgetMinor > 0 && r.Wallet == "" {
			b.TotalMinor += r.BudgetMinor
			b.SpentMinor += r.GrantedMinor - r.ReversedMinor
			b.Campaigns++
		}
	}
	return b
}
