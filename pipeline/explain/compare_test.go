package explain_test

import (
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/rules"
)

// derivedOf is what a faithful derivation gives: copies of what is recorded.
func derivedOf(f *explain.Facts) *explain.Derived {
	d := &explain.Derived{Records: 1200, Judged: 3, To: f.Receipt.Offset, Ruleset: f.Decision.RulesetVersion}
	for _, r := range f.Decision.Results {
		r.Steps, r.Funding = slices.Clone(r.Steps), slices.Clone(r.Funding)
		d.Results = append(d.Results, r)
	}
	for _, e := range f.Entries {
		e.Postings = slices.Clone(e.Postings)
		d.Entries = append(d.Entries, e)
	}
	return d
}

// Goal: no difference of any field goes unseen, and none is seen where there is none. Method: each field of a derivation is changed alone.
func TestVerifySeesEveryField(t *testing.T) {
	changes := map[string]func(*explain.Derived){
		"version":            func(d *explain.Derived) { d.Results[0].Version++ },
		"arm":                func(d *explain.Derived) { d.Results[0].Arm = rules.Holdout },
		"outcome":            func(d *explain.Derived) { d.Results[0].Outcome = rules.Awarded },
		"basis":              func(d *explain.Derived) { d.Results[0].Basis++ },
		"desired":            func(d *explain.Derived) { d.Results[0].Desired++ },
		"granted":            func(d *explain.Derived) { d.Results[0].Granted++ },
		"capped by":          func(d *explain.Derived) { d.Results[0].CappedBy = "" },
		"active from":        func(d *explain.Derived) { d.Results[0].ActiveFrom++ },
		"expires at":         func(d *explain.Derived) { d.Results[0].ExpiresAt++ },
		"funding":            func(d *explain.Derived) { d.Results[0].Funding[0].Rate++ },
		"number of steps":    func(d *explain.Derived) { d.Results[0].Steps = d.Results[0].Steps[1:] },
		"node":               func(d *explain.Derived) { d.Results[0].Steps[0].Node = "elsewhere" },
		"code":               func(d *explain.Derived) { d.Results[0].Steps[0].Code = rules.StepStore },
		"passed":             func(d *explain.Derived) { d.Results[0].Steps[0].Passed = false },
		"unit":               func(d *explain.Derived) { d.Results[0].Steps[0].Unit = rules.Count },
		"observed":           func(d *explain.Derived) { d.Results[0].Steps[0].ObservedText = "x" },
		"expected":           func(d *explain.Derived) { d.Results[0].Steps[0].Expected++ },
		"considered":         func(d *explain.Derived) { d.Results = d.Results[:1] },
		"place in the order": func(d *explain.Derived) { slices.Reverse(d.Results) },
		"accepted":           func(d *explain.Derived) { d.Instead = "refused, RCP-0007" },
		"number of entries":  func(d *explain.Derived) { d.Entries = d.Entries[:1] },
		"number":             func(d *explain.Derived) { d.Entries[0].Seq++ },
		"kind":               func(d *explain.Derived) { d.Entries[0].Kind = ledger.Adjust },
		"amount":             func(d *explain.Derived) { d.Entries[0].Amount++ },
		"pending after":      func(d *explain.Derived) { d.Entries[0].PendingAfter++ },
		"available after":    func(d *explain.Derived) { d.Entries[0].AvailableAfter++ },
		"dated":              func(d *explain.Derived) { d.Entries[0].At++ },
		"reason":             func(d *explain.Derived) { d.Entries[0].Reason = "x" },
		"postings":           func(d *explain.Derived) { d.Entries[0].Postings[0].Amount++ },
	}
	e, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	verify := func(change func(*explain.Derived)) *explain.Explanation {
		f := capped(t)
		d := derivedOf(f)
		change(d)
		x, err := e.Explain(f, explain.English)
		if err != nil {
			t.Fatal(err)
		}
		e.Verify(x, f, d)
		return x
	}
	if v := verify(func(*explain.Derived) {}).Verification; !v.Identical || v.Results != 2 || v.Steps != 5 || v.Entries != 2 {
		t.Errorf("a faithful derivation: %+v", v)
	}
	for what, change := range changes {
		x := verify(change)
		if x.Verification.Identical || !slices.ContainsFunc(x.Verification.Differences, func(d explain.Difference) bool { return d.What == what }) {
			t.Errorf("%s: %+v", what, x.Verification)
		}
		if text := x.Text(); !strings.Contains(text, "NOT identical") || strings.Contains(text, "acct-7f3a9c41") {
			t.Errorf("%s:\n%s", what, text)
		}
	}
}

// What a budget had left is not in the log of receipts: the verdict says that it was taken from the record.
func TestVerifyKnowsBudgets(t *testing.T) {
	e, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	f := capped(t)
	d := derivedOf(f)
	f.Decision.Results[0].CappedBy, f.Decision.Results[0].Granted = "budget", 1
	x, err := e.Explain(f, explain.English)
	if err != nil {
		t.Fatal(err)
	}
	e.Verify(x, f, d)
	if v := x.Verification; v.Identical || !strings.Contains(v.Text, "budget limited it") || !strings.Contains(x.Campaigns[0].Reason, "budget of the campaign") {
		t.Errorf("%+v %q", v, x.Campaigns[0].Reason)
	}
}

// A log that was trimmed is said so, and thousands of differences stay a list that can be read.
func TestVerifyBounds(t *testing.T) {
	e, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	f := capped(t)
	x, err := e.Explain(f, explain.French)
	if err != nil {
		t.Fatal(err)
	}
	d := &explain.Derived{From: 4711, Records: 10}
	for range 1000 {
		d.Results = append(d.Results, rules.Result{Campaign: "c" + strings.Repeat("x", len(d.Results))})
	}
	e.Verify(x, f, d)
	if v := x.Verification; len(v.Differences) != 50 || !strings.Contains(v.Text, "4711") || !strings.Contains(v.Text, "PAS identique") {
		t.Errorf("%d differences: %s", len(v.Differences), v.Text)
	}
}
