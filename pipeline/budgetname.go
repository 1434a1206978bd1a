package pipeline

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/budget"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// A budget's name is the key of its messages and notes: that of a campaign's total is the campaign's id; that of a shop's part is
// id/period/shop, such as coffee/d20261203/S017, with the period numbered as a member's cap is. An id has no slash, so the two cannot meet.

// budgetTerms are those of all campaigns that have a budget in any version.
type budgetTerms struct {
	ruleset *rules.Ruleset
	byKey   map[uint64]*campaignTerms
	paced   []string // ids of the campaigns whose total grows with the time, sorted
}

// campaignTerms are what the versions of a campaign say about its budget.
type campaignTerms struct {
	id     string
	zone   *time.Location
	newest *rules.Campaign // says what holds
	// first and firstStore are of the first version that has such a budget: they fix what every partition starts with. A shop's part is one per period,
	// so it has a first for each kind of period.
	first      *rules.Campaign
	firstStore [rules.CapPeriods]*rules.Campaign
	lastStore  [rules.CapPeriods]*rules.Campaign
	limits     bool // the newest version has a budget
}

// termsOf reads the budgets of a ruleset: versions come in ascending order, so the newest says what holds.
func termsOf(rs *rules.Ruleset) *budgetTerms {
	out := &budgetTerms{ruleset: rs, byKey: map[uint64]*campaignTerms{}}
	for _, c := range rs.Campaigns() {
		key := rules.CampaignKey(c.ID)
		t := out.byKey[key]
		if t == nil && c.Budget == 0 && c.StoreBudget.Amount == 0 {
			continue
		}
		if t == nil {
			t = &campaignTerms{id: c.ID}
			out.byKey[key] = t
		}
		t.add(c)
	}
	for _, t := range out.byKey {
		if t.newest.BudgetEven {
			out.paced = append(out.paced, t.id)
		}
	}
	slices.Sort(out.paced)
	return out
}

func (t *campaignTerms) add(c *rules.Campaign) {
	t.newest, t.zone = c, c.Zone()
	t.limits = c.Budget > 0 || c.StoreBudget.Amount > 0
	if t.first == nil && c.Budget > 0 {
		t.first = c
	}
	if b := c.StoreBudget; b.Amount > 0 {
		if t.firstStore[b.Per] == nil {
			t.firstStore[b.Per] = c
		}
		t.lastStore[b.Per] = c
	}
}

// budgetTerms returns those of a ruleset, read once. The loop's goroutine only.
func (p *Pipeline) budgetTerms(rs *rules.Ruleset) *budgetTerms {
	if p.terms == nil || p.terms.ruleset != rs {
		p.terms = termsOf(rs)
	}
	return p.terms
}

// named finds the terms of the campaign that a budget's name begins with; nil when it is not known, or has never had such a budget.
func (b *budgetTerms) named(name string) *campaignTerms {
	id, part, ofStore := strings.Cut(name, "/")
	t := b.byKey[rules.CampaignKey(id)]
	if t == nil || !ofStore && t.first == nil || ofStore && t.firstStore[periodOf(part)] == nil {
		return nil
	}
	return t
}

// periodOf tells the kind of period from the letter that a name's part begins with.
func periodOf(part string) rules.CapPeriod {
	for per := range rules.CapPeriod(rules.CapPeriods) {
		if strings.HasPrefix(part, per.Letter()) {
			return per
		}
	}
	return rules.PerCampaign
}

// of returns the terms of one budget at an instant. A total that is released over time starts with nothing: every cent of it is granted by its book.
func (t *campaignTerms) of(name string, now retail.Instant) budget.Terms {
	_, part, ofStore := strings.Cut(name, "/")
	out := budget.Terms{Recycle: !t.newest.BudgetOnce}
	if ofStore {
		per := periodOf(part)
		out.First, out.Total = t.firstStore[per].StoreBudget.Amount, t.lastStore[per].StoreBudget.Amount
		return out
	}
	if out.Total = t.newest.Released(now); !t.first.BudgetEven {
		out.First = t.first.Budget
	}
	return out
}

// storeName appends the name of the budget that a sale draws on: of its shop, in the period of its close.
func (t *campaignTerms) storeName(dst []byte, fp *rules.Footprint) []byte {
	per := t.newest.StoreBudget.Per
	dst = append(append(dst, t.id...), '/')
	dst = append(dst, per.Letter()...)
	dst = strconv.AppendInt(dst, int64(per.Number(fp.EndedAt, t.zone)), 10)
	return append(append(dst, '/'), fp.Shop...)
}

// now is the time by the task's clock, or by the wall clock when everything that the broker has is processed: as timers have it.
func (d *desk) now() retail.Instant {
	now := d.t.clock
	if d.t.caughtUp() {
		now = max(now, retail.Instant(d.t.p.opts.Now().Add(-d.t.p.opts.SessionTimeout-fetchMoment).UnixMilli()))
	}
	return now
}

// keepShop has the footprint of a sale remember its shop, where a return will have to put something back on the shop's lease.
func (b *budgetTerms) keepShop(dec *rules.Decision, fp *rules.Footprint, shop retail.ShopID) {
	for i := range dec.Results {
		t := b.byKey[dec.Results[i].CampaignKey]
		if t != nil && t.newest.StoreBudget.Amount != 0 && kept(fp, dec.Results[i].CampaignKey) {
			fp.Shop = string(shop)
		}
	}
}

// kept reports whether a later return can change what the campaign gives.
func kept(fp *rules.Footprint, campaign uint64) bool {
	return slices.ContainsFunc(fp.Awards, func(a rules.Award) bool { return a.CampaignKey == campaign })
}
