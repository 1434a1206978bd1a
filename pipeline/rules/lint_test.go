package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// A document that names what the law protects is refused, or warned about, where it says so.
func TestLintHoldsDocumentsAgainstTheLaw(t *testing.T) {
	const head = "id: c\nversion: 1\nname: N\nholdout: 10\nwindow: {from: 2026-12-01, to: 2026-12-31}\n"
	for _, c := range []struct{ doc, want string }{
		{"lines: {category: [GROCERY, TOBACCO]}\nreward: {percent: 1}", `g.yaml:6:29: error CMP-0014 lines.category[1]: "TOBACCO" may not be rewarded (tobacco)`},
		{"lines: {category: BABY/FORMULA/FIRST}\nreward: {fixed: 1}", `g.yaml:6:19: error CMP-0014 lines.category: "BABY/FORMULA/FIRST" may not`},
		{"lines: {category: BABY}\nreward: {percent: 1}", `g.yaml:6:19: warning CMP-0106 lines.category: part of "BABY" will not count (infant-formula)`},
		{"lines: {category: BABY, exclude: {category: BABY/FORMULA}}\nreward: {percent: 1}", ""},
		{"lines: {category: CULTURE/BOOKS}\nreward: {percent: 10}", `g.yaml:7:19: error CMP-0014 reward.percent: the law allows 5 % (books)`},
		{"lines: {category: CULTURE/BOOKS}\nchannels: [IN_STORE]\nreward: {percent: 5}", ""},
		{"lines: {category: CULTURE/BOOKS}\nreward: {percent: 5}\nchannels: [ONLINE]", `error CMP-0014 lines.category: "CULTURE/BOOKS" may not be rewarded (books-delivered)`},
		{"lines: {gtin: ['9782070368228']}\nreward: {percent: 6}\nchannels: [DRIVE]", `g.yaml:7:19: error CMP-0014 reward.percent: the law allows 5 %`},
		{"lines: {gtin: ['9790001234567']}\nreward: {percent: 6}", ""},
		{"lines: {category: CULTURE}\nreward: {percent: 10}\nchannels: [DRIVE]", `warning CMP-0106 reward.percent: the reward is cut where the law allows 5 %`},
		{"reward: {percent: 10}", `g.yaml:6:19: warning CMP-0106 reward.percent: the reward is cut where the law allows 5 % (books)`},
		{"lines: {exclude: {category: CULTURE}}\nreward: {percent: 10}", ""},
		{"lines: {category: GROCERY/COFFEE}\nreward: {percent: 40}", `error CMP-0014 reward.percent: the law allows 34 % (egalim-food)`},
		{"lines: {category: GROCERY/COFFEE}\nreward: {percent: 40}\nstores: {countries: [BE]}", ""},
		{"lines: {category: HOUSEHOLD}\nreward: {percent: 40}", ""},
		{"lines: {category: HOUSEHOLD}\nreward: {percent: 40.5}", `the law allows 40 % (egalim-dph)`},
		{"lines: {category: GROCERY}\nwhen: {min_spend: 10}\nreward: {fixed: 5}", `g.yaml:8:17: warning CMP-0106 reward.fixed: the reward is cut`},
		{"lines: {category: GROCERY}\nreward: {ladder: [{spend: 10, get: 5}]}", `warning CMP-0106 reward.ladder`},
		{"lines: {brand: Arabelle}\nreward: {percent: 50}", ""},
	} {
		got, ds := rules.Lint(rules.DefaultGuardrails(), "g.yaml", []byte(head+c.doc))
		var said []string
		for _, d := range ds {
			if d.Code == rules.CodeForbidden || d.Code == rules.CodeLegalLimit {
				said = append(said, d.String())
			}
		}
		all := strings.Join(said, "\n")
		if c.want == "" && all != "" || !strings.Contains(all, c.want) {
			t.Errorf("%s:\n%s\nwant %s", c.doc, all, c.want)
		}
		if (got == nil) != strings.Contains(all, "error") {
			t.Errorf("%s: campaign %v", c.doc, got != nil)
		}
	}
}

// The shipped campaigns name nothing that the law forbids, and nothing that it cuts.
func TestLibraryIsLawful(t *testing.T) {
	for _, f := range append(rules.Library(), rules.Examples()...) {
		_, ds := rules.Lint(rules.DefaultGuardrails(), f.Name, f.Doc)
		for _, d := range ds {
			if d.Code == rules.CodeForbidden || d.Code == rules.CodeLegalLimit {
				t.Error(d)
			}
		}
	}
}
