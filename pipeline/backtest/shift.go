package backtest

import (
	"math"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const weekMs = 7 * 24 * hourMs

// FitWeeks returns by how many whole weeks the drafts must be moved so that their windows, taken together, meet as much as possible of an archive that
// spans from to to; of equal shifts the one nearest to zero. Whole weeks keep weekdays and shopping hours where they are.
func FitWeeks(drafts []*rules.Campaign, from, to retail.Instant) int {
	w := windowOf(drafts)
	if len(drafts) == 0 || to <= from {
		return 0
	}
	if w.to == 0 {
		if w.from <= from {
			return 0
		}
		return -int(math.Ceil(float64(w.from-from) / weekMs))
	}
	a, b := float64(from-w.from)/weekMs, float64(to-w.to)/weekMs
	lo, hi := math.Min(a, b), math.Max(a, b) // between them the overlap is the largest possible
	best, most := 0, overlap(w, from, to, 0)
	for _, f := range []float64{math.Floor(lo), math.Ceil(lo), math.Floor(hi), math.Ceil(hi)} {
		k := int(f)
		o := overlap(w, from, to, k)
		if o > most || o == most && abs(k) < abs(best) {
			best, most = k, o
		}
	}
	return best
}

func abs(k int) int { return max(k, -k) }

// windowOf spans all windows.
func windowOf(list []*rules.Campaign) span {
	var w span
	for i, c := range list {
		if i == 0 {
			w = span{c.Window.From, c.Window.To}
			continue
		}
		w.from = min(w.from, c.Window.From)
		if w.to == 0 || c.Window.To == 0 {
			w.to = 0
		} else {
			w.to = max(w.to, c.Window.To)
		}
	}
	return w
}

// overlap is how long the window, moved by k weeks, lies within an archive.
func overlap(w span, from, to retail.Instant, k int) retail.Instant {
	shift := retail.Instant(k) * weekMs
	return max(0, min(w.to+shift, to)-max(w.from+shift, from))
}
