package rules_test

import (
	"testing"
	"unicode/utf8"

	"cagnotte/pipeline/rules"
)

func TestSentence(t *testing.T) {
	c := mustParse(t, `
id: demo
version: 1
name: Demo
window: {from: 2026-12-01, to: 2026-12-07, hours: "08:00-21:00", weekdays: [mon, tue]}
stores: {banners: [hyper]}
channels: [IN_STORE, DRIVE]
lines: {category: GROCERY/COFFEE, brand: [Arabelle, Bercail], exclude: {sku: X1}}
when: {min_spend: 10.00, min_quantity: 2}
reward: {percent: 12.5, max_per_receipt: 5.00, max_per_member: {amount: 15.50, per: week}}
validity: {pending: 48h, expires: {calendar: "03-01"}}
stacking: {group: grocery, mode: best_for_member}
funding: [{by: retailer, share: 60}, {by: arabelle, share: 40}]
holdout: 10
`)
	for lang, want := range map[string]string{
		"en": "12.5 % back on GROCERY/COFFEE and brand Arabelle or Bercail except product X1, from €10 of these products, from 2 pieces, at most €5 per receipt, at most €15.50 per member and week, in hyper shops, through IN_STORE or DRIVE, from 1 December 2026 to 7 December 2026, on Monday and Tuesday between 08:00 and 21:00, spendable after 48 hours, lost on 1 March of the next year, the best of the group “grocery” counts, paid by retailer 60 % and arabelle 40 %, 10 % of the members are held out to measure the effect.",
		"fr": "12,5 % remboursés sur GROCERY/COFFEE et la marque Arabelle ou Bercail sauf le produit X1, dès 10 € de ces produits, dès 2 pièces, 5 € au plus par ticket, 15,50 € au plus par membre et par semaine, dans les magasins hyper, par IN_STORE ou DRIVE, du 1er décembre 2026 au 7 décembre 2026, le lundi et mardi de 08:00 à 21:00, utilisables après 48 heures, perdus le 1er mars de l'année suivante, la meilleure offre du groupe « grocery » compte, financé par retailer 60 % et arabelle 40 %, 10 % des membres sont écartés pour mesurer l'effet.",
	} {
		if got := rules.Sentence(c, lang); got != want {
			t.Errorf("%s:\n got %s\nwant %s", lang, got, want)
		}
	}
}

// Every shipped campaign has a sentence in valid UTF-8, whatever its reward begins with.
func TestSentenceOfLibrary(t *testing.T) {
	for _, f := range rules.Library() {
		c := mustParse(t, string(f.Doc))
		for _, lang := range []string{"fr", "en"} {
			if s := rules.Sentence(c, lang); len(s) < 40 || !utf8.ValidString(s) || s[len(s)-1] != '.' {
				t.Errorf("%s in %s: %q", c.ID, lang, s)
			}
		}
	}
}
