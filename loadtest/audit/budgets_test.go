package audit

import (
	"fmt"
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
		"used up":                             {[]spend{{at: 3, minor: 1000}, {at: 1, minor: 6000}, {at: 2, minor: 3000}}, 5000, ""},
		"room made by a return in its moment": {[]spend{{at: 1, minor: 10000}, {at: 2, minor: 500}, {at: 2, minor: -500}}, 500, ""},
		"overshot":                            {[]spend{{at: 1, minor: 9000}, {at: 2, minor: 1001}}, 0, "budget overshot"},
		"overshot, and taken back later":      {[]spend{{at: 1, minor: 9000}, {at: 2, minor: 2000}, {at: 3, minor: -2000}}, 0, "budget overshot"},
		"refused while there was money":       {[]spend{{at: 1, minor: 9000}}, 500, "budget not usable"},
		"little was wanted":                   {[]spend{{at: 1, minor: 10}}, 0, ""},
		"used up, and much of it taken back":  {[]spend{{at: 1, minor: 10000}, {at: 2, minor: -60}}, 900, "budgets not used"},
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

// Goal: the audit sees a shop that gave more than its part of a day, and what was given before it was released.
func TestBudgetParts(t *testing.T) {
	const doc = `{"id": "coffee", "version": 1, "name": "Coffee", "window": {"from": "1970-01-01", "to": "1970-01-10", "tz": "UTC"}, "reward": {"percent": 10}, "budget": %s}`
	day := int64(86_400_000)
	for name, c := range map[string]struct {
		budget string
		spends []spend
		want   string
	}{
		"each shop its part":           {`{"per_store": {"amount": 5.00, "per": "day"}}`, []spend{{at: 1, minor: 500, receipt: "a"}, {at: 2, minor: 500, receipt: "b"}, {at: 3, minor: 500, receipt: "c"}}, ""},
		"one shop too much":            {`{"per_store": {"amount": 5.00, "per": "day"}}`, []spend{{at: 1, minor: 500, receipt: "a"}, {at: 2, minor: 1, receipt: "d"}}, "budget of a shop overshot"},
		"the same shop, and a return":  {`{"per_store": {"amount": 5.00, "per": "day"}}`, []spend{{at: 1, minor: 500, receipt: "a"}, {at: 2, minor: -100, receipt: "d"}, {at: 3, minor: 100, receipt: "d"}}, ""},
		"with the time":                {`{"total": 10.00, "pacing": "even"}`, []spend{{at: 5 * day, minor: 500}, {at: 8 * day, minor: 300}, {at: 10 * day, minor: 200}}, ""},
		"before its time":              {`{"total": 10.00, "pacing": "even"}`, []spend{{at: 4 * day, minor: 500}}, "budget overshot"},
		"both, and the total too much": {`{"total": 9.00, "per_store": {"amount": 5.00, "per": "day"}}`, []spend{{at: 1, minor: 500, receipt: "a"}, {at: 2, minor: 500, receipt: "b"}}, "budget overshot"},
	} {
		cs, err := model.Parse(fmt.Appendf(nil, doc, c.budget))
		if err != nil {
			t.Fatal(err)
		}
		e := &model.Expected{Parts: map[model.Cut]string{}}
		for receipt, part := range map[string]string{"a": "shop 1", "b": "shop 2", "c": "shop 1 tomorrow", "d": "shop 1"} {
			e.Parts[model.Cut{Receipt: receipt, Campaign: "coffee"}] = part
		}
		a := &auditor{o: Options{Campaigns: cs}, report: NewReport(), spends: map[string][]spend{"coffee": c.spends}, parts: []*part{{expected: e}}}
		a.budgets()
		if c.want == "" != a.report.OK() || c.want != "" && !a.report.Has(c.want) {
			t.Errorf("%s: %+v, want %q", name, a.report.Classes, c.want)
		}
	}
}
