package backtest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

const perEuro = `
id: per-euro
version: 1
name: Points
window: {from: 2026-10-01, tz: Europe/Paris}
reward: {points: {get: 3, for: 2}, wallet: points}
`

// A draft of points is told in points, sales stay in euros, and what live campaigns give in euros is in no sum beside it.
func TestPointsAreNoEuros(t *testing.T) {
	live := parse(t, strings.Replace(coffee, "2026-12-01, to: 2026-12-07", "2026-10-01, to: 2026-12-07", 1))
	r := run(t, week(t), Options{Drafts: []*rules.Campaign{parse(t, perEuro)}, Against: []*rules.Campaign{live}, Compare: true, Live: "live"})
	// 3 points for each 2 euros of 10, 30, 15, 12, 9 and 50 euros, less the return of the 10: 24 + 12 pairs, 45.00 has 22.
	if want := int64(5+15+7+6+4+25-5) * 300; r.Wallet != "points" || r.Cost.NetMinor != want {
		t.Fatalf("%s %d, want %d points", r.Wallet, r.Cost.NetMinor, want)
	}
	if c := r.Comparison; c.WithoutMinor != 0 || c.WithMinor != r.Cost.NetMinor || c.Apart != 1 || len(c.Live) != 0 {
		t.Errorf("the live campaign's euros are among the points: %+v", c)
	}
	for lang, want := range map[string][]string{
		"en": {"171\u00a0points", "in no sum", "€50.00", "–"},
		"fr": {"171\u00a0points", "dans aucune somme", "50,00\u00a0€", "–"},
	} {
		var page, table bytes.Buffer
		if err := errors.Join(r.WriteHTML(&page, lang), r.WriteTable(&table, lang)); err != nil {
			t.Fatal(err)
		}
		text := table.String()
		for _, w := range want {
			if !strings.Contains(text, w) || !strings.Contains(page.String(), w) {
				t.Errorf("%s: %q is missing in\n%s", lang, w, text)
			}
		}
		if strings.Contains(text, "€171") || strings.Contains(text, "171,00") {
			t.Errorf("%s: points told as euros in\n%s", lang, text)
		}
	}
}

func TestWalletsAreSimulatedApart(t *testing.T) {
	_, err := Run(context.Background(), nil, Options{Drafts: []*rules.Campaign{parse(t, perEuro), parse(t, coffee)}})
	if err == nil || !strings.Contains(err.Error(), "no sum") {
		t.Errorf("points and euros were added up: %v", err)
	}
}
