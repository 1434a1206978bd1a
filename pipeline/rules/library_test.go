package rules_test

import (
	"testing"

	"cagnotte/pipeline/rules"
)

// The shipped campaigns parse, pass their own examples, compile together, and survive their canonical form.
func TestLibrary(t *testing.T) {
	files := append(rules.Library(), rules.Examples()...)
	if len(rules.Library()) != 20 || len(files) < 35 {
		t.Errorf("got %d campaigns of the demo, %d in all", len(rules.Library()), len(files))
	}
	var all []*rules.Campaign
	for _, f := range files {
		c, ds := rules.Parse(f.Name, f.Doc)
		for _, d := range ds {
			if d.Code != rules.CodeNotEnforced {
				t.Error(d)
			}
		}
		if c == nil {
			continue
		}
		if c.ID+".yaml" != f.Name {
			t.Errorf("%s holds campaign %s", f.Name, c.ID)
		}
		results := rules.RunTests(c)
		if len(results) == 0 {
			t.Errorf("%s has no tests", f.Name)
		}
		for _, r := range results {
			if !r.Passed {
				t.Errorf("%s:%d: %s: %s", f.Name, r.Line, r.Name, r.Failure)
			}
		}
		again, ds := rules.Parse("canonical.json", c.JSON())
		if again == nil || string(again.JSON()) != string(c.JSON()) {
			t.Errorf("%s: canonical form does not come back: %v", f.Name, ds)
		}
		all = append(all, c)
	}
	if _, err := rules.Compile(all); err != nil {
		t.Error(err)
	}
}
