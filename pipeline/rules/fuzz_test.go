package rules_test

import (
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// FuzzGuardrails reads any bytes as limits and any bytes as a campaign to hold against them. Goal: limits that are accepted are whole, a campaign that
// passes under limits is the one that the grammar reads, and receipts are evaluated under them: nothing beyond
// what was desired is given.
func FuzzGuardrails(f *testing.F) {
	for _, rails := range []string{
		string(rules.GuardrailsDoc()), "rails: [{id: a, class: {gtin_prefix: ['97', 3]}, kind: never, source: s, channels: [DRIVE], from: 2026-01-01, to: 2027-01-01}]",
		`{"rails":[{"id":"a","class":{"category":["A"],"except":{"brand":"B"}},"kind":"max_percent","percent":5,"attachment":"basket","source":"s"}]}`, "rails: []", "rails: [*a]", "",
	} {
		f.Add([]byte(rails), []byte(good))
	}
	for _, l := range rules.Library() {
		f.Add(rules.GuardrailsDoc(), l.Doc)
	}
	receipts := benchReceipts(4)
	f.Fuzz(func(t *testing.T, rails, doc []byte) {
		g, ds := rules.ParseGuardrails("rails", rails)
		if (g == nil) != rules.HasErrors(ds) || len(ds) > 100 {
			t.Fatalf("limits %v with %d findings %v", g, len(ds), ds)
		}
		if g != nil {
			wholeRails(t, g.Rails())
		}
		plain, _ := rules.Parse("campaign", doc)
		linted, ds := rules.Lint(g, "campaign", doc)
		if (linted == nil) != rules.HasErrors(ds) || linted != nil && (plain == nil || string(plain.JSON()) != string(linted.JSON())) {
			t.Fatalf("under limits %v, read as %v, findings %v", linted, plain, ds)
		}
		if plain == nil {
			return
		}
		rs, err := rules.CompileWith(g, []*rules.Campaign{plain})
		if err != nil {
			t.Fatal(err)
		}
		var d rules.Decision
		for i := range receipts {
			rules.NewEvaluator().Evaluate(rs, &receipts[i], receipts[i].Loyalty.AccountID, newUsage(), &d, nil)
			for _, r := range d.Results {
				if r.Granted < 0 || r.Granted > r.Desired {
					t.Fatalf("granted %v of %v", r.Granted, r.Desired)
				}
			}
		}
	})
}

func wholeRails(t *testing.T, list []rules.Rail) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range list {
		c := r.Class
		if r.ID == "" || seen[r.ID] || r.Source == "" || r.Max < 0 || r.Max > money.One || r.To != 0 && r.To <= r.From || len(c.Category)+len(c.Department)+len(c.Brand)+len(c.GTINPrefix) == 0 {
			t.Fatalf("accepted as a limit: %+v", r)
		}
		seen[r.ID] = true
	}
}
