package audit

import (
	"context"
	"fmt"
	"sort"

	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"

	"github.com/twmb/franz-go/pkg/kgo"
)

// spend is what one decision gave, or took back, of a budget.
type spend struct{ at, minor int64 }

// budgetCuts reads the partition's decisions: which awards a budget has reduced, and what every decision gave of the budgets. The replay believes the
// first; the second must never exceed a budget. Without budgets nothing is read.
func (p *part) budgetCuts(ctx context.Context) (map[model.Cut]int64, error) {
	budgets := p.a.o.Campaigns.Budgets()
	if len(budgets) == 0 {
		return nil, nil
	}
	cuts, spends, seen := map[model.Cut]int64{}, map[string][]spend{}, map[string]bool{}
	err := p.a.each(ctx, topicDecisions, p.number, func(r *kgo.Record) error {
		var d wire.Decision
		if err := p.a.o.Reader.Decode(r.Value, &d); err != nil {
			return fmt.Errorf("decision at %d: %w", r.Offset, err)
		}
		if d.Account == nil || seen[d.Receipt] && p.a.o.Repeats {
			return nil
		}
		seen[string([]byte(d.Receipt))] = true
		model.CutsOf(&d, cuts)
		for _, res := range d.Results {
			if b, ok := budgets[res.Campaign]; ok && (res.Granted > 0 || res.Granted < 0 && b.Recycle) {
				id := string([]byte(res.Campaign))
				spends[id] = append(spends[id], spend{r.Timestamp.UnixMilli(), res.Granted})
			}
		}
		return nil
	})
	p.a.mu.Lock()
	defer p.a.mu.Unlock()
	for id, list := range spends {
		p.a.spends[id] = append(p.a.spends[id], list...)
	}
	return cuts, err
}

// BudgetUse is what became of one budget, in minor units.
type BudgetUse struct {
	Campaign  string  `json:"campaign"`
	Total     int64   `json:"total_minor"`
	Used      int64   `json:"used_minor"` // what stands granted in the end
	Percent   float64 `json:"used_percent"`
	Refused   int64   `json:"refused_minor"` // what members did not get for want of budget
	Overshoot int64   `json:"overshoot_minor"`

	highest int64 // that ever stood granted
}

// bound reports whether at least as much was wanted as there was.
func (b *BudgetUse) bound() bool { return b.Used+b.Refused >= b.Total }

// usable is the share of a budget that must be used before members are refused for want of it, in basis points.
const usable = 9950

// budgets adds up every budget in the order of time: it is never overshot, and members were refused only when it was used up.
func (a *auditor) budgets() {
	budgets := a.o.Campaigns.Budgets()
	a.report.saw("budgets", int64(len(budgets)))
	total, used := int64(0), int64(0)
	for _, id := range sorted(budgets) {
		u := a.budget(id, budgets[id].Total)
		a.report.Budgets = append(a.report.Budgets, u)
		a.report.saw("cents granted from budgets", u.Used)
		if u.Overshoot > 0 {
			a.report.differ(Cents, "budget overshot", u.Overshoot, "campaign %s: %d were granted of a budget of %d", id, u.highest, u.Total)
		}
		if u.Refused > u.Total/100 && u.highest < u.Total/10_000*usable {
			a.report.differ(Other, "budget not usable", u.Total-u.highest, "campaign %s: members were refused %d while %d of %d were granted", id, u.Refused, u.highest, u.Total)
		}
		if u.bound() {
			total, used = total+u.Total, used+u.Used
		}
	}
	if used < total/10_000*usable {
		a.report.differ(Other, "budgets not used", total-used, "of all budgets that were asked for more than they hold, %d of %d are used", used, total)
	}
}

// budget adds one up. Of one moment, what was taken back comes first: it may have made the room.
func (a *auditor) budget(id string, total int64) BudgetUse {
	list := a.spends[id]
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].at != list[j].at {
			return list[i].at < list[j].at
		}
		return list[i].minor < list[j].minor
	})
	u := BudgetUse{Campaign: id, Total: total, Refused: a.cutOf(id)}
	for _, s := range list {
		u.Used += s.minor
		u.highest = max(u.highest, u.Used)
	}
	u.Overshoot = max(u.highest-total, 0)
	u.Percent = float64(u.Used) * 100 / float64(max(total, 1))
	return u
}

// Bound returns an error when fewer than nine tenths of the budgets that were meant to be used up were asked for as much as they hold: then the run
// proves little.
func (r *Report) Bound(meant int) error {
	n := 0
	for i := range r.Budgets {
		if r.Budgets[i].bound() {
			n++
		}
	}
	if n*10 < meant*9 {
		return fmt.Errorf("only %d of %d budgets were asked for as much as they hold; hint: more receipts", n, meant)
	}
	return nil
}

// writeBudgets prints every budget and what they come to.
func (r *Report) writeBudgets(p *printer) {
	if len(r.Budgets) == 0 {
		return
	}
	euros := func(minor int64) float64 { return float64(minor) / 100 }
	p.printf("  %-28s %12s %12s %8s %12s %12s\n", "budget", "total", "used", "used %", "refused", "overshoot")
	var sum, bound BudgetUse
	n := 0
	for _, u := range r.Budgets {
		p.printf("  %-28s %12.2f %12.2f %8.2f %12.2f %12.2f\n", u.Campaign, euros(u.Total), euros(u.Used), u.Percent, euros(u.Refused), euros(u.Overshoot))
		sum.Overshoot += u.Overshoot
		if u.bound() {
			n, bound.Total, bound.Used = n+1, bound.Total+u.Total, bound.Used+u.Used
		}
	}
	p.printf("budgets: overshoot %.2f; of %d that were asked for more than they hold, %.2f of %.2f used, %.2f %%\n",
		euros(sum.Overshoot), n, euros(bound.Used), euros(bound.Total), 100*float64(bound.Used)/float64(max(bound.Total, 1)))
}

// cutOf is what members did not get of a campaign for want of budget.
func (a *auditor) cutOf(id string) int64 {
	sum := int64(0)
	for _, p := range a.parts {
		if p != nil {
			sum += p.expected.Cut[id]
		}
	}
	return sum
}
