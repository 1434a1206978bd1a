package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

const statefulHead = "id: c\nversion: 1\nname: N\nwindow: {from: 2026-12-01, to: 2026-12-31}\n"

// What cannot go together is refused where it stands.
func TestProgressPointsAtWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ doc, path, message string }{
		{"progress: {count: pieces, per: week}\nreward: {fixed: 1}", "progress.target", "is missing"},
		{"progress: {target: 3}\nreward: {fixed: 1}", "progress.count", "is missing"},
		{"progress: {count: pieces, target: 3, max: 2}\nreward: {fixed: 1}", "progress.max", "max bounds what repeats"},
		{"progress: {count: pieces, target: 3, streak: 4}\nreward: {fixed: 1}", "progress.streak", "a streak counts periods"},
		{"progress: {count: pieces, target: 3, need: 1}\nreward: {fixed: 1}", "progress.need", "without objectives"},
		{"progress: {objectives: [{name: a, count: pieces, target: 1}]}\nreward: {fixed: 1}", "progress.objectives", "1 objectives"},
		{"progress: {objectives: [{name: a, count: pieces, target: 1}, {name: a, count: pieces, target: 1}]}\nreward: {fixed: 1}", "progress.objectives[1].name", "are called"},
		{"lines: {category: A}\nprogress: {objectives: [{name: a, count: pieces, target: 1}, {name: b, count: pieces, target: 1}]}\nreward: {fixed: 1}", "progress.objectives", "beside objectives"},
		{"progress: {count: products, target: 3, per: {rolling: 7d}}\nreward: {fixed: 1}", "progress.count", "rolling"},
		{"progress: {count: spend, target: 3, repeat: true}\nreward: {percent: 5}", "progress.repeat", "given once"},
		{"progress: {count: pieces, target: 3}\nreward: {points: {get: 5, for: 2}}", "reward.points", "per completion"},
		{"reward: {points: {get: 5}}", "reward.points.for", "is missing"},
		{"progress: {count: pieces, target: 3}\nreward: {per_unit: 1}", "reward", "per completion"},
		{"progress: {count: pieces, target: 3}\nreward: {fixed: 1, max_per_receipt: 2}", "reward", "max_per_receipt"},
		{"progress: {count: pieces, target: 3}\nreward: {fixed: 1}\nstacking: {group: g}", "progress", "no stacking group"},
		{"progress: {count: spend}\nreward: {ladder: [{spend: 5, get: 1}]}", "reward", "steps by reach"},
		{"reward: {ladder: [{reach: 5, get: 1}]}", "reward", "counts over receipts"},
		{"reward: {fixed: 1}\nreturns: {progress: keep_once_completed}", "returns.progress", "completes nothing"},
		{"reward: {fixed: 1}\ntiers: {count: spend, levels: [{name: a, from: 0}]}", "tiers", "both given"},
		{"tiers: {count: spend, levels: [{name: a, from: 5}, {name: b, from: 5}]}", "tiers.levels[1].from", "does not rise"},
		{"tiers: {count: days, levels: [{name: a, from: 5}]}", "tiers.count", "days"},
	} {
		_, ds := rules.Parse("c.yaml", []byte(statefulHead+c.doc+"\n"))
		found := false
		for _, d := range ds {
			found = found || d.Path == c.path && strings.Contains(d.Message, c.message) && d.Line > 4 && d.Column > 0
		}
		if !found {
			t.Errorf("%s\ngot %v\nwant %s at %s", c.doc, ds, c.message, c.path)
		}
	}
}

// A streak without an end would look back further than an account remembers.
func TestStreakNeedsAnEnd(t *testing.T) {
	doc := "id: c\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\nprogress: {count: receipts, target: 1, per: week, streak: 3}\nreward: {fixed: 1}\n"
	if c, ds := rules.Parse("c.yaml", []byte(doc)); c != nil {
		t.Errorf("taken, with %v", ds)
	}
}

// What stateful documents say in words.
func TestSentenceOfGoals(t *testing.T) {
	for doc, want := range map[string][2]string{
		"progress: {count: pieces, target: 3, per: week}\nreward: {fixed: 5}\nlines: {category: ORGANIC}": {"€5 back for 3 pieces within a week on ORGANIC", "5 € remboursés pour 3 articles dans la semaine sur ORGANIC"},
		"progress: {count: pieces, target: 10, repeat: true}\nreward: {percent: 100}":                     {"100 % of the mean price of a piece back for 10 pieces in all, again and again", "100 % du prix moyen d'un article remboursés pour 10 articles"},
		"progress: {count: receipts, target: 1, per: week, streak: 4}\nreward: {fixed: 5}":                {"1 receipt within a week, 4 weeks running", "4 semaines de suite"},
		"progress: {per: week, need: 1, objectives: [{name: fruit, count: pieces, target: 1, lines: {category: FRUIT}}, {name: dairy, count: spend, target: 10, lines: {category: DAIRY}}]}\nreward: {fixed: 3}": {
			"€3 back for 1 of 2: 1 piece (fruit), €10 spent (dairy) within a week, from", "3 € remboursés pour 1 sur 2 : 1 article (fruit), 10 € d'achats (dairy) dans la semaine, du"},
		"progress: {count: spend, per: month}\nreward: {ladder: [{reach: 100, get: 3}]}":                                      {"€3 for €100 spent within a month", "3 € pour 100 € d'achats dans le mois"},
		"tiers: {count: spend, levels: [{name: bronze, from: 0}, {name: gold, from: 500}], downgrade: requalify, grace: 30d}": {"Bronze from €0 spent, gold from €500 spent within a year", "gold dès 500 € d'achats dans l'année"},
	} {
		c, ds := rules.Parse("c.yaml", []byte(statefulHead+doc+"\n"))
		if c == nil {
			t.Fatalf("%s: %v", doc, ds)
		}
		if en, fr := rules.Sentence(c, "en"), rules.Sentence(c, "fr"); !strings.Contains(en, want[0]) || !strings.Contains(fr, want[1]) {
			t.Errorf("%s\n%s\n%s", doc, en, fr)
		}
	}
}
