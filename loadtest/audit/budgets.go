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
type spend struct {
	at, minor int64
	receipt   string // where a shop's part of the budget is to be found by it
	part      int32  // of the topic
}

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
				s := spend{at: r.Timestamp.UnixMilli(), minor: res.Granted, part: p.number}
				if b.Shop > 0 {
					s.receipt = string([]byte(d.Receipt))
				}
				spends[id] = append(spends[id], s)
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
		a.shops(id, budgets[id])
		if budgets[id].Total == 0 {
			continue
		}
		u := a.budget(id, budgets[id])
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

// inOrder sorts what was spent of a budget by time. Of one moment, what was taken back comes first: it may have made the room.
func inOrder(list []spend) {
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].at != list[j].at {
			return list[i].at < list[j].at
		}
		return list[i].minor < list[j].minor
	})
}

// budget adds one up. What members were refused is only known to be for want of it when nothing else limits it.
func (a *auditor) budget(id string, b model.Budget) BudgetUse {
	inOrder(a.spends[id])
	u := BudgetUse{Campaign: id, Total: b.Total}
	if b.Shop == 0 && !b.Paced() {
		u.Refused = a.cutOf(id)
	}
	for _, s := range a.spends[id] {
		u.Used += s.minor
		u.highest = max(u.highest, u.Used)
		if s.minor > 0 {
			u.Overshoot = max(u.Overshoot, u.Used-b.Released(s.at))
		}
	}
	u.Percent = float64(u.Used) * 100 / float64(max(b.Total, 1))
	return u
}

// shops adds up the parts of a budget that each shop has in each period.
func (a *auditor) shops(id string, b model.Budget) {
	if b.Shop == 0 {
		return
	}
	inOrder(a.spends[id])
	stands, highest := map[string]int64{}, map[string]int64{}
	for _, s := range a.spends[id] {
		name, known := a.parts[s.part].expected.Parts[model.Cut{Receipt: s.receipt, Campaign: id}]
		if !known {
			continue // the ledger has it that nothing was to be given: said elsewhere
		}
		stands[name] += s.minor
		highest[name] = max(highest[name], stands[name])
	}
	a.report.saw("budgets of shops", int64(len(stands)))
	for _, name := range sorted(highest) {
		if over := highest[name] - b.Shop; over > 0 {
			a.report.differ(Cents, "budget of a shop overshot", over, "campaign %s, %s: %d were granted of %d", id, name, highest[name], b.Shop)
		}
	}
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
