package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const budgetBase = `id: x
version: 1
name: x
window: {from: 2026-01-01, to: 2026-01-10, tz: UTC}
when: {min_spend: 1.00}
reward: {fixed: 1.00}
budget: `

// Goal: what a budget may say is read, written back the same, and said in both languages; what it may not say is found at its line and column.
func TestBudgetDocument(t *testing.T) {
	for doc, want := range map[string]struct{ canonical, fr, en, wrong string }{
		`{total: 5.00}`:                         {`{"total":5.00}`, "budget de 5 €", "budget of €5 lasts", ""},
		`{per_store: {amount: 2.00, per: day}}`: {`{"per_store":{"amount":2.00,"per":"day"}}`, "2 € au plus par magasin et par jour", "at most €2 per shop and day", ""},
		`{pacing: even, per_store: {per: month, amount: 2}, recycle: false, total: 9.00}`: {`{"total":9.00,"recycle":false,"per_store":{"amount":2.00,"per":"month"},"pacing":"even"}`, "libéré régulièrement", "released evenly", ""},
		`{recycle: true}`:                                     {wrong: "7:9: error CMP-0004 budget: no budget"},
		`{per_store: {amount: 2.00}}`:                         {wrong: "per_store.per"},
		`{total: 1.00, pacing: fast}`:                         {wrong: "7:31: error CMP-0011 budget.pacing: found"},
		`{per_store: {amount: 2.00, per: day}, pacing: even}`: {wrong: "budget.pacing: there is no total"},
		`{total: 1.00, per_store: {amount: 2.00, per: eon}}`:  {wrong: "7:54: error CMP-0011 budget.per_store.per: found"},
		`{total: 1.00, per_shop: 2.00}`:                       {wrong: "per_shop"},
	} {
		c, ds := rules.Parse("x.yaml", []byte(budgetBase+doc))
		var said []string
		for _, d := range ds {
			said = append(said, d.String())
		}
		all := strings.Join(said, "\n")
		if want.wrong != "" {
			if c != nil || !strings.Contains(all, want.wrong) {
				t.Errorf("%s: %s\nwant %s", doc, all, want.wrong)
			}
			continue
		}
		if c == nil {
			t.Errorf("%s: %s", doc, all)
			continue
		}
		again, _ := rules.Parse("x.json", c.JSON())
		if js := string(c.JSON()); !strings.Contains(js, `"budget":`+want.canonical) || again == nil || string(again.JSON()) != js {
			t.Errorf("%s: %s", doc, js)
		}
		if fr, en := rules.Sentence(c, "fr"), rules.Sentence(c, "en"); !strings.Contains(fr, want.fr) || !strings.Contains(en, want.en) {
			t.Errorf("%s: %s\n%s", doc, fr, en)
		}
	}
	if c, _ := rules.Parse("x.yaml", []byte(strings.Replace(budgetBase, ", to: 2026-01-10", "", 1)+"{total: 1.00, pacing: even}")); c != nil {
		t.Error("a budget is released by the end of a window that has none")
	}
}

// Even pacing releases a part in proportion to the time, rounded down; never less than before, all of it at the end.
func TestReleased(t *testing.T) {
	c, ds := rules.Parse("x.yaml", []byte(budgetBase+"{total: 90.01, pacing: even}"))
	if c == nil {
		t.Fatal(ds)
	}
	span := c.Window.To - c.Window.From
	for at, want := range map[retail.Instant]money.Amount{-1: 0, 0: 0, 1: 0, span / 2: 4500, span - 1: 9000, span: 9001, span + 1: 9001} {
		if got := c.Released(c.Window.From + at); got != want {
			t.Errorf("after %d of %d ms: %v, want %v", at, span, got, want)
		}
	}
}
