package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

func TestEveryAndPick(t *testing.T) {
	const head = "id: c\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\nreward: "
	for doc, want := range map[string]string{
		"{percent: 100, every: 1}":             "c.yaml:5:31: error CMP-0005 reward.every",
		"{percent: 100, every: 1001}":          "CMP-0005 reward.every",
		"{per_unit: 1, every: 2}":              "CMP-0009 reward.every",
		"{percent: 10, pick: cheapest}":        "CMP-0009 reward.pick",
		"{fixed: 1, every: 2, pick: dearest}":  "CMP-0009 reward.pick",
		"{percent: 10, every: 2, pick: first}": "CMP-0011 reward.pick",
	} {
		c, ds := rules.Parse("c.yaml", []byte(head+doc))
		if c != nil || len(ds) == 0 || !strings.Contains(ds[0].String(), want) {
			t.Errorf("%s: %v, want %s", doc, ds, want)
		}
	}
	for doc, sentence := range map[string][2]string{
		"{percent: 100, every: 3}":               {"100 % of the cheapest of every 3 pieces back on everything", "100 % de la moins chère de chaque lot de 3 pièces remboursés sur tout"},
		"{percent: 50, every: 2, pick: dearest}": {"50 % of the dearest of every 2 pieces back", "50 % de la plus chère de chaque lot de 2 pièces"},
		"{fixed: 2, every: 4}":                   {"€2 back for every 4 pieces", "2 € remboursés par lot de 4 pièces"},
	} {
		c := mustParse(t, head+doc)
		if again := mustParse(t, string(c.JSON())); string(again.JSON()) != string(c.JSON()) || again.Reward.Every != c.Reward.Every || again.Reward.Pick != c.Reward.Pick {
			t.Errorf("%s: canonical form %s", doc, c.JSON())
		}
		if en, fr := rules.Sentence(c, "en"), rules.Sentence(c, "fr"); !strings.Contains(en, sentence[0]) || !strings.Contains(fr, sentence[1]) {
			t.Errorf("%s: %s %s", doc, en, fr)
		}
	}
}
