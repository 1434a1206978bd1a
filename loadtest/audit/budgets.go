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

// usable is the share of a budget that must be used before members are refused for want of it, in basis points.
const usable = 9950

// budgets adds up every budget in the order of time: it is never overshot, and members were refused only when it was used up.
func (a *auditor) budgets() {
	budgets := a.o.Campaigns.Budgets()
	a.report.saw("budgets", int64(len(budgets)))
	for _, id := range sorted(budgets) {
		b, stands, highest := budgets[id], int64(0), int64(0)
		list := a.spends[id]
		sort.SliceStable(list, func(i, j int) bool {
			if list[i].at != list[j].at {
				return list[i].at < list[j].at
			}
			return list[i].minor < list[j].minor
		})
		for _, s := range list {
			stands += s.minor
			highest = max(highest, stands)
		}
		if highest > b.Total {
			a.report.differ(Cents, "budget overshot", highest-b.Total, "campaign %s: %d were granted of a budget of %d", id, highest, b.Total)
		}
		a.report.saw("cents granted from budgets", stands)
		if cut := a.cutOf(id); cut > b.Total/100 && highest < b.Total/10_000*usable {
			a.report.differ(Other, "budget not usable", b.Total-highest, "campaign %s: members were refused %d while %d of %d were granted", id, cut, highest, b.Total)
		}
	}
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
