package dashboards

import (
	"context"
	"math"
	"math/rand/v2"

	"cagnotte/pipeline/measure"
)

func (f *fixture) detail(_ context.Context, id string) (CampaignDetail, error) {
	for i := range f.campaigns {
		if c := &f.campaigns[i]; c.row.ID == id {
			return f.page(c), nil
		}
	}
	return CampaignDetail{}, errUnknownCampaign
}

// page computes a canned campaign's page from the moments that its numbers stand for.
func (f *fixture) page(c *fixtureCampaign) CampaignDetail {
	now := f.clock.UnixMilli()
	d := CampaignDetail{ID: c.row.ID, NowMs: now, AsOfMs: now - 1100, TookMs: 84, Zone: f.zone.String(), Currency: f.currency, Row: c.row, Rule: c.rule}
	takers, ghosts := int64(float64(c.eligible)*c.taking), int64(float64(c.held)*c.ghost)
	d.apply(memberMoments{
		eligibleT: c.eligible, eligibleC: c.held, activeT: int64(float64(c.eligible) * c.active), activeC: int64(float64(c.held) * c.active * .99),
		participants: takers, ghosts: ghosts, allT: c.eligible * 118 / 100,
		spendT:  fixtureMoments(c.eligible, c.spend*(1+c.lift), c.spend*1.18),
		spendC:  fixtureMoments(c.held, c.spend, c.spend*1.18),
		visitsT: fixtureMoments(c.eligible, 1.42*(1+c.visitsLift), 1.1),
		visitsC: fixtureMoments(c.held, 1.42, 1.1),
	}, c.row.HoldoutBP)
	d.Traffic = f.traffic(c)
	d.Cost = f.cost(c)
	d.Outcomes = f.outcomes(c)
	return d
}

// fixtureMoments are the sums of n members of a mean and a standard deviation.
func fixtureMoments(n int64, mean, sd float64) measure.Moments {
	nf := float64(n)
	return measure.Moments{N: n, Sum: nf * mean, SumSq: nf*mean*mean + math.Max(0, nf-1)*sd*sd}
}

func (f *fixture) traffic(c *fixtureCampaign) Traffic {
	if c.row.Status == statusScheduled {
		return Traffic{Uplift: measure.StoreUplift(nil, 0.95)}
	}
	rng := rand.New(rand.NewPCG(uint64(c.stores), 7))
	stores := make([]measure.StoreTraffic, 42)
	for i := range stores {
		growth := .04 + rng.NormFloat64()*.026
		if i < c.stores {
			growth += c.traffic
		}
		before := 900 + 1400*rng.Float64()
		stores[i] = measure.StoreTraffic{Treated: i < c.stores, Before: before, During: before * math.Exp(growth)}
	}
	days := int((f.clock.UnixMilli() - c.row.FromMs) / dayMs)
	return Traffic{Uplift: measure.StoreUplift(stores, 0.95), BeforeDays: 28, DuringDays: days, AsOfMs: f.clock.UnixMilli() - 3100}
}

// cost spreads what the row says over the campaign's hours, by a shop's day.
func (f *fixture) cost(c *fixtureCampaign) Cost {
	net := c.row.GrantedMinor - c.row.ReversedMinor
	cost := Cost{AsOfMs: f.clock.UnixMilli() - 2600, GrantedMinor: c.row.GrantedMinor, ReversedMinor: c.row.ReversedMinor, Receipts: c.row.Rewarded}
	left := net
	for i, p := range c.rule.Funders {
		part := net * p.SharePPM / 1_000_000
		if i == len(c.rule.Funders)-1 {
			part = left
		}
		left -= part
		cost.Funders = append(cost.Funders, FunderCost{p.Party, part})
	}
	cost.Burn.flat(c.row.FromMs)
	var weights []float64
	sum := 0.0
	for at := c.row.FromMs + hourMs; at <= f.clock.UnixMilli()+hourMs-1 && c.row.Status != statusScheduled; at += hourMs {
		hour := float64((at/hourMs + 1) % 24)
		w := math.Max(0, math.Sin((hour-7)/14*math.Pi))
		if hour < 8 || hour > 21 {
			w = 0
		}
		weights = append(weights, w)
		sum += w
		cost.Burn.AtMs = append(cost.Burn.AtMs, min(at, f.clock.UnixMilli()))
	}
	done := 0.0
	for _, w := range weights {
		done += w
		cost.Burn.NetMinor = append(cost.Burn.NetMinor, int64(float64(net)*done/math.Max(sum, 1)))
	}
	return cost
}

// outcomes makes the counts whose awarded part agrees with the row.
func (f *fixture) outcomes(c *fixtureCampaign) []OutcomeRow {
	r := c.row.Rewarded
	if r == 0 {
		return nil
	}
	return []OutcomeRow{
		{"AWARDED", r * 91 / 100}, {"CAPPED", r - r*91/100}, {"BELOW_THRESHOLD", r * 71 / 100}, {"NO_ACCOUNT", r * 38 / 100},
		{"HELD_OUT", r * 11 / 100}, {"CAP_REACHED", r * 16 / 100}, {"OUT_OF_WINDOW", r * 12 / 100}, {"SHOP_EXCLUDED", r * 9 / 100},
		{"OUTRANKED", r * 5 / 100}, {"REVERSED", r * 2 / 100}, {"NOTHING_ELIGIBLE", r * 1 / 100},
	}
}
