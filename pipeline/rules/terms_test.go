package rules

import (
	"reflect"
	"strings"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

const termsDoc = `id: spending
version: 1
name: {fr: Dépenser, en: Spending}
window: {from: 2026-01-01, to: 2026-12-31}
terms:
  min_purchase: 10.00
  min_amount: 0.50
  max_share: 50
  stores: {ids: [s1, s2]}
  hold: 15m
  hold_online: 2h
  negative_limit: 0
  remind: 30d
`

func parseTerms(t *testing.T, doc string) *Campaign {
	t.Helper()
	c, diags := Parse("terms.yaml", []byte(doc))
	if c == nil || len(diags) > 0 {
		t.Fatalf("%v", diags)
	}
	return c
}

// A document of terms says what it says, in its canonical form too, and as a sentence.
func TestTermsDocument(t *testing.T) {
	c := parseTerms(t, termsDoc)
	want := &Terms{Stores: Stores{IDs: []string{"s1", "s2"}}, Rules: ledger.Terms{
		MinPurchase: 1000, MinAmount: 50, MaxShare: 500_000, HoldMs: 15 * 60_000, HoldOnlineMs: 2 * hourMs, Limited: true, RemindMs: 30 * dayMs,
	}}
	if !reflect.DeepEqual(c.Terms, want) {
		t.Errorf("got %+v, want %+v", c.Terms, want)
	}
	again := parseTerms(t, string(c.JSON()))
	if string(again.JSON()) != string(c.JSON()) || !reflect.DeepEqual(again.Terms, c.Terms) {
		t.Errorf("came back as %s", again.JSON())
	}
	for lang, want := range map[string]string{
		"en": "What members have is spent, in shops s1 or s2, on baskets from €10, from €0.50 at a time, for at most 50 % of the basket, down to €0 below zero, with a reminder 30 days before it lapses, from 1 January 2026 to 31 December 2026.",
		"fr": "La cagnotte se dépense, dans les magasins s1 ou s2, pour un panier d'au moins 10 €, à partir de 0,50 € à la fois, pour 50 % du panier au plus, jusqu'à 0 € sous zéro, avec un rappel 30 jours avant l'échéance, du 1er janvier 2026 au 31 décembre 2026.",
	} {
		if got := Sentence(c, lang); got != want {
			t.Errorf("%s: %s", lang, got)
		}
	}
}

// What cannot be meant is pointed at.
func TestTermsDocumentErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"hold: 15m", "hold: 15 minutes", "10:9"},
		{"hold: 15m", "hold: 0m", "10:9"},
		{"hold_online: 2h", "hold_online: 31d", "11:16"},
		{"max_share: 50", "max_share: 101", "8:14"},
		{"min_amount: 0.50", "min_amount: 20.00", "7:15"},
		{"terms:\n", "terms:\n  wallet: Points\n", "6:11"},
		{"terms:\n", "reward: {fixed: 5.00}\nterms:\n", "5:"},
		{"terms:\n", "budget: {total: 5.00}\nterms:\n", "5:"},
		{"remind: 30d", "reminder: 30d", "13:3"},
	} {
		got, diags := Parse("terms.yaml", []byte(strings.Replace(termsDoc, c.from, c.to, 1)))
		if got != nil || len(diags) == 0 || !strings.Contains(diags[0].String(), "terms.yaml:"+c.want) {
			t.Errorf("%q: %v, want a finding at %s", c.to, diags, c.want)
		}
	}
}

// The terms of a wallet are those of the instant, and of nobody else.
func TestTermsOf(t *testing.T) {
	one := parseTerms(t, termsDoc)
	two := parseTerms(t, strings.NewReplacer("version: 1", "version: 2\neffective_from: 2026-07-01", "min_purchase: 10.00", "min_purchase: 20.00").Replace(termsDoc))
	points := parseTerms(t, strings.NewReplacer("id: spending", "id: gifts", "terms:", "terms:\n  wallet: points").Replace(termsDoc))
	rs, err := Compile([]*Campaign{points, two, one})
	if err != nil {
		t.Fatal(err)
	}
	day := func(text string) retail.Instant {
		at, err := ParseMoment(text, false)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		wallet, at string
		want       *Campaign
	}{
		{"", "2025-12-31", nil}, {"", "2026-06-30", one}, {"", "2026-07-01", two}, {"", "2027-01-01", nil}, {"points", "2026-07-01", points}, {"eco", "2026-07-01", nil},
	} {
		got := rs.TermsOf(c.wallet, day(c.at))
		if c.want == nil && got != nil || c.want != nil && got != c.want.Terms {
			t.Errorf("wallet %q on %s: %+v", c.wallet, c.at, got)
		}
	}
	if _, err := Compile([]*Campaign{one, parseTerms(t, strings.Replace(termsDoc, "id: spending", "id: other", 1))}); err == nil || !strings.Contains(err.Error(), "both the terms") {
		t.Errorf("two terms of one wallet at one time: %v", err)
	}
	if terms := rs.TermsOf("", day("2026-07-01")); !terms.Accepts(&retail.Shop{ID: "s2"}) || terms.Accepts(&retail.Shop{ID: "s3"}) {
		t.Error("shops are not those of the document")
	}
}
