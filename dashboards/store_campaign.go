package dashboards

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/rules"
)

// traffic compares participating stores with the others, by whole trading days.
func (s *store) traffic(ctx context.Context, c *rules.Campaign) (Traffic, error) {
	return s.stores.get(versionKey(c), func() (Traffic, error) {
		from, to := windowDays(&c.Window)
		rows, err := read[storeRow](ctx, s.r, "stores", params{"from": from, "to": to, "before_days": strconv.Itoa(beforeDays)})
		if err != nil {
			return Traffic{}, err
		}
		return trafficOf(rows, &c.Stores), nil
	})
}

type storeRow struct {
	Store      string  `ch:"store"`
	Banner     string  `ch:"banner"`
	Country    string  `ch:"country"`
	Before     float64 `ch:"before"`
	During     float64 `ch:"during"`
	DaysBefore uint64  `ch:"days_before"`
	DaysDuring uint64  `ch:"days_during"`
	AsOfMs     int64   `ch:"as_of_ms"`
}

// windowDays returns the campaign's first whole local day and the day after its last, as dates.
func windowDays(w *rules.Window) (from, to string) {
	zone, err := time.LoadLocation(w.TZ)
	if err != nil {
		zone = time.UTC // the document was checked; this is a machine without a zone database
	}
	first := time.UnixMilli(int64(w.From)).In(zone)
	if midnight := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, zone); midnight.Before(first) {
		first = first.AddDate(0, 0, 1)
	}
	to = "2149-01-01" // no end: the newest whole day on record ends the span
	if w.To != 0 {
		to = time.UnixMilli(int64(w.To)).In(zone).Format(time.DateOnly)
	}
	return first.Format(time.DateOnly), to
}

// trafficOf drops stores that were closed on more than a tenth of the days, and estimates the uplift.
func trafficOf(rows []storeRow, where *rules.Stores) Traffic {
	var t Traffic
	for i := range rows {
		t.BeforeDays, t.DuringDays = max(t.BeforeDays, int(rows[i].DaysBefore)), max(t.DuringDays, int(rows[i].DaysDuring))
		t.AsOfMs = max(t.AsOfMs, rows[i].AsOfMs)
	}
	stores := make([]measure.StoreTraffic, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		s := measure.StoreTraffic{Store: r.Store, Treated: takesPart(where, r)}
		if open(r.DaysBefore, t.BeforeDays) && open(r.DaysDuring, t.DuringDays) {
			s.Before, s.During = r.Before, r.During
		}
		stores = append(stores, s)
	}
	t.Uplift = measure.StoreUplift(stores, level)
	return t
}

func open(days uint64, of int) bool { return 10*int(days) >= 9*of }

// takesPart applies the document's store filter: any value of every list that is given.
func takesPart(w *rules.Stores, r *storeRow) bool {
	holds := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return holds(w.IDs, r.Store) && holds(w.Banners, r.Banner) && holds(w.Countries, r.Country)
}

// cost reads what a campaign has cost, from the ledger.
func (s *store) cost(ctx context.Context, c *rules.Campaign) (Cost, error) {
	return s.costs.get(c.ID, func() (Cost, error) {
		rows, err := read[costRow](ctx, s.r, "cost", params{"campaign": c.ID})
		if err != nil {
			return Cost{}, err
		}
		return costOf(rows, time.Now().UnixMilli()), nil
	})
}

type costRow struct {
	AtMs     int64    `ch:"at_ms"`
	StepMs   int64    `ch:"step_ms"`
	Granted  int64    `ch:"granted_minor"`
	Reversed int64    `ch:"reversed_minor"`
	Rewards  uint64   `ch:"rewards"`
	Parties  []string `ch:"parties"`
	Paid     []int64  `ch:"paid"`
	AsOfMs   int64    `ch:"as_of_ms"`
}

// costOf adds up the steps and the funders.
func costOf(rows []costRow, now int64) Cost {
	var c Cost
	paid := map[string]int64{}
	for i := range rows {
		r := &rows[i]
		c.Burn.flat(r.AtMs - r.StepMs)
		c.GrantedMinor += r.Granted
		c.ReversedMinor += r.Reversed
		c.Receipts += int64(r.Rewards)
		c.AsOfMs = max(c.AsOfMs, r.AsOfMs)
		c.Burn.AtMs = append(c.Burn.AtMs, min(r.AtMs, max(now, r.AtMs-r.StepMs+1)))
		c.Burn.NetMinor = append(c.Burn.NetMinor, c.GrantedMinor-c.ReversedMinor)
		for j, party := range r.Parties {
			paid[party] += r.Paid[j]
		}
	}
	for party, net := range paid {
		c.Funders = append(c.Funders, FunderCost{party, net})
	}
	slices.SortFunc(c.Funders, func(a, b FunderCost) int {
		return cmp.Or(cmp.Compare(b.NetMinor, a.NetMinor), cmp.Compare(a.Party, b.Party))
	})
	return c
}

// flat continues the curve at its level up to an instant: before the first step at zero, and over steps in which nothing was granted.
func (b *Burn) flat(at int64) {
	n := len(b.AtMs)
	switch {
	case n == 0:
		b.AtMs, b.NetMinor = append(b.AtMs, at), append(b.NetMinor, 0)
	case b.AtMs[n-1] < at:
		b.AtMs, b.NetMinor = append(b.AtMs, at), append(b.NetMinor, b.NetMinor[n-1])
	}
}

// outcome counts what became of the campaign on the receipts that it looked at.
func (s *store) outcome(ctx context.Context, id string) ([]OutcomeRow, error) {
	return s.outcomes.get(id, func() ([]OutcomeRow, error) {
		rows, err := read[struct {
			Outcome  string `ch:"outcome"`
			Receipts uint64 `ch:"receipts"`
		}](ctx, s.r, "outcomes", params{"campaign": id})
		if err != nil {
			return nil, err
		}
		out := make([]OutcomeRow, 0, len(rows))
		for _, r := range rows {
			out = append(out, OutcomeRow{r.Outcome, int64(r.Receipts)})
		}
		return out, nil
	})
}
