package rules_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// The shipped campaigns parse, pass their own examples, compile together, and survive their canonical form.
func TestLibrary(t *testing.T) {
	files := append(rules.Library(), rules.Examples()...)
	if len(rules.Library()) != 20 || len(files) < 60 {
		t.Errorf("got %d campaigns of the demo, %d in all", len(rules.Library()), len(files))
	}
	var all []*rules.Campaign
	for _, f := range files {
		if c, _ := rules.Parse(f.Name, f.Doc); c != nil {
			all = append(all, c)
		}
	}
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
		results := rules.RunTests(c, all...)
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
	}
	if _, err := rules.Compile(all); err != nil {
		t.Error(err)
	}
}

// Every mechanic has an example that exists, every document is an example of one, and the README's table says the same.
func TestMechanicsTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for i, m := range rules.Mechanics() {
		row := fmt.Sprintf("| %s %s | `%s` |", m.Code, m.EN, strings.Join(m.Examples, "` `"))
		if m.Code != fmt.Sprintf("M%d", i+1) || m.FR == "" || len(m.Examples) == 0 || !strings.Contains(string(readme), row) {
			t.Errorf("README.md has no row %s", row)
		}
		for _, id := range m.Examples {
			shown[id+".yaml"] = true
		}
	}
	if len(rules.Mechanics()) != 22 {
		t.Errorf("%d mechanics", len(rules.Mechanics()))
	}
	for _, f := range append(rules.Library(), rules.Examples()...) {
		if !shown[f.Name] || len(f.Mechanics) == 0 {
			t.Errorf("%s is no example of any mechanic", f.Name)
		}
		delete(shown, f.Name)
	}
	for name := range shown {
		t.Errorf("%s is in the table and not in the library", name)
	}
}
