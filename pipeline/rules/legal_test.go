package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// ceilings is what the limits of smallRails leave for a line that is left as said, in millionths of a cent; -1: no limit.
func ceilings(r *retail.Receipt, l *retail.Line, paid, left money.Amount) (product, all int64) {
	product, all = -1, -1
	at := func(to *int64, rate, given int64) {
		gross := max(l.Gross, l.Net)
		room := max(rate*int64(gross)-1_000_000*given, 0) * int64(left) / int64(paid)
		if *to < 0 || room < *to {
			*to = room
		}
	}
	off := int64(max(l.Gross-l.Net, 0))
	in := func(prefix string) bool { return l.Category == prefix || strings.HasPrefix(l.Category, prefix+"/") }
	if in("A/B") {
		at(&product, 340_000, off)
	}
	if (in("A") || in("D/E") || l.Brand == "X") && r.EndedAt < 1_796_338_800_000 {
		at(&product, 70_000, off)
	}
	if (l.Department == "Q" || strings.HasPrefix(l.GTIN, "2")) && !in("A/BB") && r.Shop.Country == "FR" {
		at(&all, 50_000, off+int64(max(l.Net-paid, 0)))
	}
	return product, all
}

func barred(r *retail.Receipt, l *retail.Line) bool {
	return (l.Category == "A/B/C" || strings.HasPrefix(l.GTIN, "3")) && l.Brand != "Y" && r.Channel != retail.Online
}

// I6: what all campaigns together give for a product, less what a return took back, stays within what the law leaves for what is left of it.
func TestLegalLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := campaigns(t, 6)
		b := newBook(compiledUnder(t, smallRails(t), all))
		r := basket(t, "r")
		r.Type, r.Lines = retail.Sale, r.Lines[:1]
		l := &r.Lines[0]
		l.Kind, l.Net, l.QuantityMilli = retail.SaleLine, l.Net.Abs(), max(l.QuantityMilli, -l.QuantityMilli)
		r.Total = l.Net
		for _, d := range r.Discounts {
			r.Total += d.Amount
		}
		b.sale(t, r)
		paid := naivePaid(r)[0]
		checkLegal(t, b, all, r, paid, paid)
		if back := money.Amount(rapid.Int64Range(0, int64(paid)).Draw(t, "back")); paid > 0 && l.QuantityMilli > 0 {
			b.giveBack(t, "r", retail.Line{Kind: retail.ReturnLine, ReturnOfLine: 1, Net: -back})
			checkLegal(t, b, all, r, paid, paid-back)
		}
	})
}

func checkLegal(t *rapid.T, b *book, all []*rules.Campaign, r *retail.Receipt, paid, left money.Amount) {
	var product, whole money.Amount
	for id, granted := range b.granted(t, "r") {
		if granted > 0 && barred(r, &r.Lines[0]) {
			t.Fatalf("%v granted for what may never be rewarded", granted)
		}
		c := naiveVersion(all, id, r.EndedAt)
		if c.Reward.Wallet != "" {
			continue // points have no value in money before they are exchanged
		}
		if whole += granted; !everyLine(c) {
			product += granted
		}
	}
	if paid <= 0 {
		return
	}
	p, a := ceilings(r, &r.Lines[0], paid, left)
	if p >= 0 && int64(product)*1_000_000 > p || a >= 0 && int64(whole)*1_000_000 > a {
		t.Fatalf("granted %v for the product and %v in all, the law leaves %d and %d millionths", product, whole, p, a)
	}
}

// A limit that is far away changes nothing.
func TestLooseLimitsDoNotShow(t *testing.T) {
	loose, ds := rules.ParseGuardrails("rails.yaml", []byte("rails:\n  - {id: a, class: {category: [A, D], brand: [X, Y, Z]}, kind: max_percent, percent: 100, attachment: basket, source: s, note: n}"))
	if loose == nil {
		t.Fatal(ds)
	}
	rapid.Check(t, func(t *rapid.T) {
		var small []*rules.Campaign
		for _, c := range campaigns(t, 3) {
			if c.Reward.Percent < 300_000 && c.Reward.Percent > 0 {
				small = append(small, c)
			}
		}
		free, bound := newBook(compiledUnder(t, nil, small)), newBook(compiledUnder(t, loose, small))
		r := basket(t, "r")
		for i := range r.Lines {
			r.Lines[i].Gross = 0
		}
		lines := returnsOf(t, r)
		r.Discounts = nil
		for _, b := range []*book{free, bound} {
			b.sale(t, r)
			b.giveBack(t, "r", lines...)
		}
		want := free.granted(t, "r")
		for id, got := range bound.granted(t, "r") {
			if got != want[id] {
				t.Fatalf("%s: %v, without limits %v", id, got, want[id])
			}
		}
	})
}

func TestParseGuardrails(t *testing.T) {
	if g := rules.DefaultGuardrails(); len(g.Rails()) < 6 {
		t.Errorf("%d shipped limits", len(g.Rails()))
	}
	const ok = "id: a, class: {category: A}, source: s, note: n"
	for doc, want := range map[string]string{
		"rails: [{" + ok + ", kind: max_percent}]":                                       "rails[0]: the key percent is missing",
		"rails: [{" + ok + ", kind: never, percent: 5}]":                                 "never leaves no share",
		"rails: [{" + ok + ", kind: nothing}]":                                           "one of max_percent, never",
		"rails: [{id: a, class: {label: bio}, kind: never, source: s, note: n}]":         `unknown key "label"`,
		"rails: [{id: a, class: {gtin_prefix: 97x}, kind: never, source: s, note: n}]":   "1 to 13 digits",
		"rails: [{id: a, class: {except: {brand: A}}, kind: never, source: s, note: n}]": "no product is named",
		"rails: [{id: a, class: {category: A}, kind: never, note: n}]":                   "where the limit is written",
		"rails: [{" + ok + ", kind: never, from: 2026-02-02, to: 2026-01-01}]":           "ends before it begins",
		"rails: [{" + ok + ", kind: never}, {" + ok + ", kind: never}]":                  "given twice",
		"": "the document is empty",
	} {
		g, ds := rules.ParseGuardrails("g.yaml", []byte(doc))
		found := false
		for _, d := range ds {
			found = found || strings.Contains(d.String(), want)
		}
		if g != nil || !found {
			t.Errorf("%s: %v, want %q", doc, ds, want)
		}
	}
}
