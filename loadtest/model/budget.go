package model

import (
	"fmt"

	"cagnotte/loadtest/wire"
)

// Budget is what a campaign may give in all, over all members and partitions, and what each shop may give of it.
type Budget struct {
	Total   int64 // 0: only the shops are limited
	Recycle bool  // what returns take back may be given again
	Shop    int64 // each shop's part of a period; 0: none
	c       *campaign
}

// Budgets are those that the newest version of each campaign sets.
func (c *Campaigns) Budgets() map[string]Budget {
	newest := map[string]*campaign{}
	for _, x := range c.all {
		if n := newest[x.id]; n == nil || x.version > n.version {
			newest[x.id] = x
		}
	}
	out := map[string]Budget{}
	for id, x := range newest {
		if x.budget > 0 || x.shopBudget > 0 {
			out[id] = Budget{Total: x.budget, Recycle: x.recycle, Shop: x.shopBudget, c: x}
		}
	}
	return out
}

// Released is what of the total may be given by an instant, ms: with pacing in proportion to the part of the window that has passed.
func (b Budget) Released(at int64) int64 {
	switch {
	case !b.c.paced || at >= b.c.to:
		return b.Total
	case at <= b.c.from:
		return 0
	}
	return product(b.Total, at-b.c.from, b.c.to-b.c.from, "floor")
}

// Paced reports whether the total comes with the time.
func (b Budget) Paced() bool { return b.c.paced }

// part names the shop's part that a sale draws on.
func (b Budget) part(shop string, sold int64) string {
	return fmt.Sprintf("%s %d of shop %s", b.c.shopPer, b.c.numbered(sold, b.c.shopPer), shop)
}

// Cut names an award that the budget has reduced, by the decision that says so.
type Cut struct{ Receipt, Campaign string }

// Cuts tells the replay which awards a budget has reduced, and to how much. It cannot know by itself: that depends on what other partitions had given
// by then. A cut is believed when the campaign has a budget and wanted more; that budgets were not overshot, and not cut for nothing, is for the caller
// to judge from the sums.
func (p *Partition) Cuts(cuts map[Cut]int64) { p.cuts, p.budgets = cuts, p.campaigns.Budgets() }

// cut reduces what an award gives by this receipt.
func (p *Partition) cut(w *award, receipt string, delta int64) int64 {
	if _, limited := p.budgets[w.c.id]; !limited || delta <= 0 {
		return delta
	}
	if to, ok := p.cuts[Cut{receipt, w.c.id}]; ok && to >= 0 && to < delta {
		p.out.Cut[w.c.id] += delta - to
		return to
	}
	return delta
}

// CutsOf adds the awards that a decision says a budget has reduced.
func CutsOf(d *wire.Decision, cuts map[Cut]int64) {
	for _, r := range d.Results {
		if r.CappedBy != nil && *r.CappedBy == "budget" {
			cuts[Cut{string([]byte(d.Receipt)), string([]byte(r.Campaign))}] = r.Granted
		}
	}
}
