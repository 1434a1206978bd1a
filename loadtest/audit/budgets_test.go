package audit

import (
	"testing"

	"cagnotte/loadtest/model"
)

const budgetDoc = `{"id": "coffee", "version": 1, "name": "Coffee", "window": {"from": "2026-01-01"}, "reward": {"percent": 10}, "budget": {"total": 100.00}}`

// Goal: the audit sees a budget that was overshot for a moment, and one that was not used while members were refused; it accepts a good one.
func TestBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		spends []spend
		cut    int64
		want   string
	}{
		"used up":                             {[]spend{{3, 1000}, {1, 6000}, {2, 3000}}, 5000, ""},
		"room made by a return in its moment": {[]spend{{1, 10000}, {2, 500}, {2, -500}}, 500, ""},
		"overshot":                            {[]spend{{1, 9000}, {2, 1001}}, 0, "budget overshot"},
		"overshot, and taken back later":      {[]spend{{1, 9000}, {2, 2000}, {3, -2000}}, 0, "budget overshot"},
		"refused while there was money":       {[]spend{{1, 9000}}, 500, "budget not usable"},
		"little was wanted":                   {[]spend{{1, 10}}, 0, ""},
		"used up, and much of it taken back":  {[]spend{{1, 10000}, {2, -60}}, 900, "budgets not used"},
	} {
		cs, err := model.Parse([]byte(budgetDoc))
		if err != nil {
			t.Fatal(err)
		}
		a := &auditor{o: Options{Campaigns: cs}, report: NewReport(), spends: map[string][]spend{"coffee": c.spends}}
		a.parts = []*part{{expected: &model.Expected{Cut: map[string]int64{"coffee": c.cut}}}}
		a.budgets()
		if c.want == "" != a.report.OK() || c.want != "" && !a.report.Has(c.want) {
			t.Errorf("%s: %+v, want %q", name, a.report.Classes, c.want)
		}
	}
}

// Goal: a run whose budgets were hardly drawn on is not taken for a proof.
func TestBound(t *testing.T) {
	r := &Report{Budgets: []BudgetUse{{Total: 100, Used: 100}, {Total: 100, Used: 90, Refused: 20}, {Total: 100, Used: 40}}}
	if err := r.Bound(2); err != nil {
		t.Error(err)
	}
	if r.Bound(3) == nil {
		t.Error("two of three budgets that were meant to be used up are enough")
	}
}
