package dashboards

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// A punch card is not "100 % back": what the page's own fields cannot say comes from the rules in words.
func TestStatefulRulesComeInWords(t *testing.T) {
	head := "id: c\nversion: 1\nname: C\nwindow: {from: 2026-01-01}\n"
	for doc, want := range map[string]string{
		"progress: {count: pieces, target: 10, repeat: true}\nreward: {percent: 100}": "10 pieces",
		"tiers: {count: spend, levels: [{name: gold, from: 500}]}":                    "old from €500 spent",
		"event: recycling\nreward: {fixed: 1}":                                        "recycling",
		"who: {segments: [young]}\nreward: {percent: 5}":                              "young",
		"reward: {percent: 5, wallet: points}":                                        "points",
		"reward: {percent: 5}":                                                        "",
	} {
		c, ds := rules.Parse("c.yaml", []byte(head+doc+"\n"))
		if c == nil {
			t.Fatalf("%s: %v", doc, ds)
		}
		w := ruleOf(c).Words
		switch {
		case want == "" && w != nil:
			t.Errorf("%s: %+v, the fields say it all", doc, w)
		case want != "" && (w == nil || !strings.Contains(w.EN, want) || w.FR == ""):
			t.Errorf("%s: %+v, want %q in it", doc, w, want)
		}
	}
}
