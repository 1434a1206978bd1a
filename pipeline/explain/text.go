package explain

import (
	"strings"

	"cagnotte/pipeline/rules"
)

// Text renders the explanation for people: a title, the summary, then the campaigns with their steps, the account, returns, refusals and the
// verification. It ends with a line break.
func (x *Explanation) Text() string {
	var b strings.Builder
	w := x.words
	put := func(indent, text string) {
		if text != "" {
			b.WriteString(indent + text + "\n")
		}
	}
	put("", w.say("format.title.receipt", "id", x.ReceiptID))
	for _, line := range x.Summary {
		put("  ", line)
	}
	block := func(key string, n int) bool {
		if n > 0 {
			b.WriteString("\n" + w.say("block."+key) + "\n")
		}
		return n > 0
	}
	block("campaigns", len(x.Campaigns))
	for i := range x.Campaigns {
		x.Campaigns[i].text(put)
	}
	block("entries", len(x.Entries))
	for i := range x.Entries {
		put("  ", x.Entries[i].Text)
	}
	block("returns", len(x.Returns))
	for i := range x.Returns {
		put("  ", x.Returns[i].Text)
	}
	block("refusals", len(x.Refusals))
	for i := range x.Refusals {
		put("  ", x.Refusals[i].Text)
		put("    ", x.Refusals[i].Remedy)
	}
	if v := x.Verification; v != nil && block("verification", 1) {
		put("  ", v.Text)
		for _, d := range v.Differences {
			put("  ✗ ", w.say("difference.line", "where", d.Where, "what", d.What, "recorded", d.Recorded, "derived", d.Derived))
		}
	}
	return b.String()
}

// text renders one campaign: its name and label, what it promises, why it came out so, and the steps.
func (c *Campaign) text(put func(indent, text string)) {
	mark := "○ "
	if c.Granted != 0 {
		mark = "● "
	}
	put("  "+mark, c.Name+" — "+c.Label)
	put("      ", c.Rule)
	put("      ", c.Reason)
	for i := range c.Steps {
		put("        "+c.Steps[i].mark(), c.Steps[i].Text)
	}
	put("      ", c.Validity)
	put("      ", c.Funded)
}

// mark shows whether a test held; a limit that cut a reward is not a failure.
func (s *Step) mark() string {
	if s.Passed {
		return "✓ "
	}
	switch rules.StepCode(s.Code) {
	case rules.StepReceiptCap, rules.StepMemberCap, rules.StepLegalNever, rules.StepLegalClip, rules.StepReturnExcess, rules.StepReturnUnknown,
		rules.StepBudget, rules.StepBudgetPacing, rules.StepStoreBudget:
		return "▼ "
	}
	return "✗ "
}
