package model

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// The model and the product's rules are written apart; here they judge the same random receipts and returns, and must come to the same cents.

const laws = `
rails:
  - {id: food, class: {category: A/B}, kind: max_percent, percent: 34, attachment: product, source: s, note: n}
  - {id: late, class: {category: [A, D/E], brand: X}, to: 2026-12-02, kind: max_percent, percent: 7, attachment: product, source: s, note: n}
  - {id: books, class: {department: Q, gtin_prefix: "2", except: {category: A/BB}}, countries: [FR], kind: max_percent, percent: 5, attachment: basket, source: s, note: n}
  - {id: hard, class: {category: A/B/C, gtin_prefix: "3", except: {brand: Y}}, channels: [DRIVE, IN_STORE], kind: never, source: s, note: n}
`

func anyOf(t *rapid.T, label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

func randomDoc(t *rapid.T, id string) string {
	return strings.Join([]string{
		"id: " + id, "version: 1", "name: N", "window: {from: 2026-12-01}",
		anyOf(t, "lines", "lines: {category: A}", "lines: {category: [A/B, D], exclude: {brand: Z}}", "lines: {brand: [X, Y]}", "lines: {exclude: {department: P}}", ""),
		anyOf(t, "when", "", "", "when: {min_spend: 3.00}", "when: {min_quantity: 2}", "when: {min_basket: 12.00}"),
		"reward: {" + anyOf(t, "reward", rewards...) + anyOf(t, "caps", "", "", ", max_per_receipt: 1.50", ", max_per_member: {amount: 2.00, per: day}") + "}",
		anyOf(t, "stacking", "", "", "stacking: {group: g, mode: best_for_member}", "stacking: {group: h, mode: first}"),
		"priority: " + anyOf(t, "priority", "0", "1"),
		"holdout: " + anyOf(t, "holdout", "0", "40"), ""}, "\n")
}

// randomMultiplier repeats the first two campaigns.
func randomMultiplier(t *rapid.T, id string) string {
	return "id: " + id + "\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\n" + anyOf(t, "lines", "", "lines: {category: A}\n", "lines: {brand: [X, Y]}\n") + anyOf(t, "when", "", "when: {min_spend: 3.00}\n") +
		"reward: {times: {factor: " + anyOf(t, "factor", "1.1", "2", "3.5") + ", of: [c0, c1]}" + anyOf(t, "caps", "", ", max_per_receipt: 1.50", ", max_per_member: {amount: 2.00, per: day}") + "}\n" +
		"priority: " + anyOf(t, "priority", "0", "1") + "\nholdout: " + anyOf(t, "holdout", "0", "40") + "\n"
}

var rewards = []string{
	"percent: 7.5", "percent: 34", "percent: 33.3333, rounding: ceil", "percent: 60, rounding: floor", "fixed: 1.70", "percent: 100, every: 3", "percent: 60, every: 2, pick: dearest, rounding: floor", "fixed: 0.90, every: 2", "per_unit: 0.85", "ladder: [{spend: 5, get: 0.50}, {spend: 15, get: 6}]",
}

func randomSale(t *rapid.T) *retail.Receipt {
	r := &retail.Receipt{ID: "r", Type: retail.Sale, Currency: "EUR", Shop: retail.Shop{ID: "S", Country: anyOf(t, "country", "FR", "BE")},
		Channel: retail.InStore, EndedAt: retail.Instant(ms(noon)) + retail.Instant(rapid.IntRange(0, 1).Draw(t, "day"))*86_400_000,
		Loyalty: retail.Loyalty{AccountID: retail.AccountID(anyOf(t, "account", "A", "B", "C"))}}
	if rapid.IntRange(0, 4).Draw(t, "exchange") == 0 {
		r.Type = retail.Exchange
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "lines") {
		l := retail.Line{No: int32(i + 1), Kind: retail.SaleLine, Category: anyOf(t, "category", "A", "A/B", "A/B/C", "A/BB", "D", "D/E"), Brand: anyOf(t, "brand", "X", "Y", "Z"),
			GTIN: anyOf(t, "gtin", "10", "20", "30", "40", "50"), Department: anyOf(t, "department", "P", "Q", ""), Unit: retail.Each,
			QuantityMilli: 1000 * rapid.Int64Range(1, 4).Draw(t, "pieces"), Net: money.Amount(rapid.Int64Range(1, 1500).Draw(t, "net"))}
		if r.Type == retail.Exchange && rapid.IntRange(0, 3).Draw(t, "back") == 0 {
			l.Kind, l.Net, l.QuantityMilli = retail.ReturnLine, -l.Net, -l.QuantityMilli
		}
		l.Gross = l.Net + money.Amount(rapid.Int64Range(0, 1).Draw(t, "off")*rapid.Int64Range(0, 200).Draw(t, "off by"))
		r.Lines = append(r.Lines, l)
		r.Total += l.Net
	}
	if off := money.Amount(rapid.Int64Range(-300, 300).Draw(t, "discount")); off < 0 {
		r.Discounts = []retail.Discount{{Amount: off}}
		r.Total += off
	}
	return r
}

func randomReturn(t *rapid.T, sale *retail.Receipt, n int) *retail.Receipt {
	r := &retail.Receipt{ID: retail.ReceiptID(fmt.Sprint("x", n)), Type: retail.Return, EndedAt: sale.EndedAt + 60_000, Shop: sale.Shop, Loyalty: sale.Loyalty,
		Original: retail.Original{Given: true, ReceiptID: "r"}}
	of := sale.Lines[rapid.IntRange(0, len(sale.Lines)-1).Draw(t, "of")]
	l := retail.Line{No: 1, Kind: retail.ReturnLine, ReturnOfLine: of.No, Net: -money.Amount(rapid.Int64Range(0, int64(of.Net.Abs())).Draw(t, "refund")),
		QuantityMilli: -1000 * rapid.Int64Range(0, 3).Draw(t, "pieces back")}
	if rapid.IntRange(0, 3).Draw(t, "by product") == 0 {
		l.ReturnOfLine, l.GTIN = 0, of.GTIN
	}
	r.Lines = []retail.Line{l}
	return r
}

type capsOf map[string]money.Amount

func (capsOf) Counters(uint64) []ledger.Counter { return nil }

func (capsOf) Profile() *ledger.Profile { return &ledger.Profile{} }

func (c capsOf) CapUsed(campaign uint64, period int32) money.Amount {
	return c[fmt.Sprint(campaign, period)]
}

func TestModelAgreesWithTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var docs [][]byte
		var list []*rules.Campaign
		for i := range rapid.IntRange(1, 5).Draw(t, "campaigns") {
			doc := randomDoc(t, fmt.Sprint("c", i))
			if i > 1 && rapid.IntRange(0, 2).Draw(t, "multiplier") == 0 {
				doc = randomMultiplier(t, fmt.Sprint("c", i))
			}
			c, ds := rules.Parse("doc", []byte(doc))
			if c == nil {
				t.Fatal(doc, ds)
			}
			docs, list = append(docs, []byte(doc)), append(list, c)
		}
		cs, err := Parse(docs...)
		if err != nil {
			t.Fatal(err)
		}
		if err := cs.Guard([]byte(laws)); err != nil {
			t.Fatal(err)
		}
		g, _ := rules.ParseGuardrails("laws", []byte(laws))
		rs, err := rules.CompileWith(g, list)
		if err != nil {
			t.Fatal(err)
		}
		compareRun(t, rs, cs, docs)
	})
}

func compareRun(t *rapid.T, rs *rules.Ruleset, cs *Campaigns, docs [][]byte) {
	sale := randomSale(t)
	events := []*retail.Receipt{sale}
	for n := range rapid.IntRange(0, 3).Draw(t, "returns") {
		events = append(events, randomReturn(t, sale, n))
	}
	p := NewPartition(cs, DefaultLimits(), nil, 0, 1)
	e, fp, used := rules.NewEvaluator(), &rules.Footprint{}, capsOf{}
	var d rules.Decision
	got, ghosts := map[string]int64{}, map[string]int64{}
	for n, r := range events {
		if n == 0 {
			e.Evaluate(rs, r, r.Loyalty.AccountID, used, &d, fp)
		} else {
			e.Return(rs, r, used, &d, fp)
		}
		for _, res := range d.Results {
			got[res.Campaign] += int64(res.Granted)
			used[fmt.Sprint(res.CampaignKey, res.Period)] += res.Granted
			if res.Arm == rules.Holdout {
				ghosts[res.Campaign] += int64(res.Desired)
			}
		}
		p.accept(Record{Offset: int64(n), Appended: int64(r.EndedAt)}, wired(r))
		for _, id := range cs.IDs() {
			if want := p.Expected().Granted[id]; got[id] != want || ghosts[id] != p.Expected().Ghosts[id] {
				story := (&ours{docs: []string{string(bytes.Join(docs, []byte("---\n")))}, life: events[:n+1]}).story()
				t.Fatalf("%s: %s: rules %d (ghost %d), model %d (ghost %d)", story, id, got[id], ghosts[id], want, p.Expected().Ghosts[id])
			}
		}
	}
}
