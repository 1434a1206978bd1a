package loadtest

import (
	"testing"

	"cagnotte/loadtest/model"
	"cagnotte/pipeline/rules"
)

// TestCampaigns checks that every document is one for the model, as YAML and as JSON, and that the articles that are named exist.
func TestCampaigns(t *testing.T) {
	docs, err := Campaigns(1_790_000_000_000, 1_792_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	usual, err := TypicalCampaigns(1_790_000_000_000, 1_792_000_000_000)
	if err != nil || len(usual) != 20 {
		t.Fatalf("%d typical campaigns: %v", len(usual), err)
	}
	for _, d := range usual {
		if _, err := model.Parse(d.JSON); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
	}
	all, err := MechanicsCampaigns(1_790_000_000_000, 1_792_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := model.Parse(d.JSON); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
		if c, findings := rules.Parse(d.ID, d.YAML); c == nil {
			t.Errorf("%s: %v", d.ID, findings)
		}
	}
	ids := map[string]bool{}
	for _, d := range docs {
		ids[d.ID] = true
		for _, b := range [][]byte{d.YAML, d.JSON} {
			if _, err := model.Parse(b); err != nil {
				t.Errorf("%s: %v", d.ID, err)
			}
		}
	}
	if len(ids) != 20 || len(docs) != 21 {
		t.Fatalf("%d campaigns in %d documents, want 20 in 21", len(ids), len(docs))
	}
	named := map[string]int{"3170000000007": 0, "3170000000014": 0, "3170000000021": 0}
	for _, p := range newCatalog(shelvesOf(nil), true).products {
		if _, ok := named[p.gtin]; ok {
			named[p.gtin]++
		}
	}
	for gtin, n := range named {
		if n != 1 {
			t.Errorf("GTIN %s stands for %d articles", gtin, n)
		}
	}
}

// Goal: budgets are sized so that the stream uses every one of them up, whatever its length and its network. Method: what the plans want of the whole
// stream, against the totals in the documents.
func TestBudgetCampaigns(t *testing.T) {
	for _, c := range []struct {
		n, shops int
		receipts int64
	}{{50, 60, 20_000}, {5, 3, 4_000}, {100, 60, 60_000}} {
		o := Options{Start: 1_790_000_000_000, PerDay: float64(c.receipts) / 20, Shops: c.shops}
		docs, err := BudgetCampaigns(c.n, c.receipts, o, o.Start+20*86_400_000)
		if err != nil || len(docs) != c.n {
			t.Fatalf("%d documents: %v", len(docs), err)
		}
		var raw [][]byte
		for _, d := range docs {
			raw = append(raw, d.JSON)
		}
		cs, err := model.Parse(raw...)
		if err != nil {
			t.Fatal(err)
		}
		plans := make([]budgetPlan, c.n)
		for i := range plans {
			plans[i] = newBudgetPlan(i, c.shops)
		}
		if _, err := wish(plans, c.receipts, o); err != nil {
			t.Fatal(err)
		}
		short := 0
		for i, d := range docs {
			if b := cs.Budgets()[d.ID]; b.Total < 1 || int64(plans[i].wanted) < b.Total*5/4 {
				short++
			}
		}
		if short*20 > c.n {
			t.Errorf("%d receipts: %d of %d budgets are larger than what is wanted of them", c.receipts, short, c.n)
		}
	}
}
