package dashboards

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"cagnotte/pipeline/measure"
)

// fixture is a feed of canned data with a clock that stands still: for screenshots, for the browser tests, and for working on the pages
// without a broker. Its figures come from the same statistics as live ones.
type fixture struct {
	clock     time.Time
	zone      *time.Location
	currency  string
	campaigns []fixtureCampaign
}

// fixtureCampaign is what one canned campaign is made from.
type fixtureCampaign struct {
	row        CampaignRow
	rule       Rule
	eligible   int64   // members of the treatment arm
	active     float64 // share of them with a receipt
	taking     float64 // share of them with a reward
	ghost      float64 // share of the holdout that would have had one
	held       int64   // members of the holdout
	spend      float64 // control's mean per member, minor units
	lift       float64 // of spend
	visitsLift float64
	stores     int // participating, of 42
	traffic    float64
}

func newFixture(currency string) *fixture {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		zone = time.UTC // a machine without a zone database shows the same pages an hour off
	}
	f := &fixture{clock: time.Date(2026, time.December, 3, 15, 42, 7, 0, zone), zone: zone, currency: currency}
	f.campaigns = f.list()
	return f
}

func (f *fixture) run(ctx context.Context) error { <-ctx.Done(); return nil }
func (f *fixture) watched(int)                   {}
func (f *fixture) ready() bool                   { return true }
func (f *fixture) now() time.Time                { return f.clock }

func (f *fixture) day(year int, month time.Month, day int) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, f.zone).UnixMilli()
}

// list holds one campaign for each state that the pages can show: likely up, no clear effect, likely down, too few members, broken split,
// not started.
func (f *fixture) list() []fixtureCampaign {
	funders := []Funder{{"retailer", 600_000}, {"supplier-arabelle", 400_000}}
	own := []Funder{{"retailer", 1_000_000}}
	row := func(id, fr, en, status string, from, to int64, budget int64) CampaignRow {
		return CampaignRow{ID: id, Version: 1, Name: Text{FR: fr, EN: en}, Status: status, FromMs: from, ToMs: to, TZ: "Europe/Paris", HoldoutBP: 1000, BudgetMinor: budget}
	}
	dec1, dec8 := f.day(2026, 12, 1), f.day(2026, 12, 8)
	list := []fixtureCampaign{
		{
			row:      row("coffee-week", "Semaine du café", "Coffee week", statusRunning, dec1, dec8, 50_000_00),
			rule:     Rule{Category: []string{"GROCERY/COFFEE"}, MinSpend: 1000, PercentPPM: 100_000, MaxReceipt: 500, MaxMember: 1500, MaxPer: "campaign", Channels: []string{"IN_STORE", "DRIVE"}, Banners: []string{"hyper"}, PendingMs: 48 * 3600_000, Funders: funders},
			eligible: 40_212, active: .62, taking: .184, ghost: .151, held: 4_437, spend: 5840, lift: .061, visitsLift: .034, stores: 14, traffic: .021,
		},
		{
			row:      row("festive-table", "Table de fête", "Festive table", statusRunning, f.day(2026, 11, 23), f.day(2026, 12, 25), 120_000_00),
			rule:     Rule{Ladder: []Rung{{5000, 200}, {10000, 500}, {15000, 900}}, Excluded: []string{"PETROL", "TOBACCO", "GIFTCARDS"}, MaxMember: 2000, MaxPer: "week", Funders: own},
			eligible: 61_480, active: .71, taking: .262, ghost: .248, held: 6_790, spend: 11_260, lift: .012, visitsLift: .004, stores: 42, traffic: 0,
		},
		{
			row:      row("nappy-pack", "Couches à −20 %", "Nappies 20% back", statusRunning, f.day(2026, 11, 30), f.day(2026, 12, 14), 18_000_00),
			rule:     Rule{Category: []string{"BABY/NAPPIES"}, Brand: []string{"Petit-Pas"}, PercentPPM: 200_000, MaxReceipt: 1000, Funders: []Funder{{"retailer", 500_000}, {"supplier-petit-pas", 500_000}}},
			eligible: 8_144, active: .58, taking: .118, ghost: .122, held: 905, spend: 7420, lift: -.168, visitsLift: -.05, stores: 20, traffic: -.012,
		},
		{
			row:      row("organic-three", "Le défi bio", "Organic three", statusRunning, dec1, dec8, 6_000_00),
			rule:     Rule{Category: []string{"GROCERY/ORGANIC"}, MinQuantity: 3, FixedMinor: 500, MaxMember: 500, MaxPer: "week", Funders: own},
			eligible: 1_210, active: .44, taking: .052, ghost: .048, held: 63, spend: 4310, lift: .04, visitsLift: .01, stores: 6, traffic: .03,
		},
		{
			row:      row("drive-welcome", "Bienvenue au Drive", "Welcome to Drive", statusRunning, f.day(2026, 11, 16), f.day(2027, 1, 1), 0),
			rule:     Rule{Channels: []string{"DRIVE"}, MinBasket: 6000, FixedMinor: 500, MaxMember: 500, MaxPer: "campaign", Funders: own},
			eligible: 22_930, active: .35, taking: .071, ghost: .066, held: 3_120, spend: 6120, lift: .03, visitsLift: .01, stores: 11, traffic: .015,
		},
		{
			row:  row("paws-month", "Le mois des moustaches", "Whiskers month", statusScheduled, f.day(2026, 12, 15), f.day(2027, 1, 15), 9_000_00),
			rule: Rule{Category: []string{"PET/FOOD"}, Brand: []string{"Miaou"}, PerUnitMinor: 50, MaxReceipt: 300, Funders: own},
		},
	}
	for i := range list {
		c := &list[i]
		c.rule.TZ, c.rule.FromMs, c.rule.ToMs = "Europe/Paris", c.row.FromMs, c.row.ToMs
		f.fill(c)
	}
	return list
}

// fill makes the counts of a campaign's row agree with its page.
func (f *fixture) fill(c *fixtureCampaign) {
	if c.row.Status == statusScheduled {
		return
	}
	takers := int64(float64(c.eligible) * c.taking)
	c.row.Rewarded = takers * 13 / 10
	c.row.Considered = c.row.Rewarded * 21 / 8
	c.row.GrantedMinor = c.row.Rewarded * 287
	if c.row.BudgetMinor > 0 {
		c.row.GrantedMinor = min(c.row.GrantedMinor, c.row.BudgetMinor*93/100)
	}
	c.row.ReversedMinor = c.row.GrantedMinor * 17 / 1000
	c.row.Participation = &Participant{Participants: takers, Eligible: c.eligible, Rate: measure.Wilson(takers, c.eligible, 0.95), AsOfMs: f.clock.UnixMilli() - 4000}
}

func (f *fixture) snapshot(now time.Time) Snapshot {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, f.zone)
	s := Snapshot{
		NowMs: now.UnixMilli(), AsOfMs: now.UnixMilli() - 620, BehindMs: 1400, Zone: f.zone.String(), Currency: f.currency, Series: f.series(),
		Today: Totals{SinceMs: midnight.UnixMilli(), Complete: true, Receipts: 1_204_381, Members: 811_753, Duplicates: 214, Rejected: 96, Forwarded: 3, NetMinor: 4_863_291_740, GrantedMinor: 2_791_432, ReversedMinor: 40_215},
		Lag:   Lag{Records: 212, Seconds: 0.14, Partitions: 12, AsOfMs: now.UnixMilli() - 900},
	}
	n := len(s.Series.Receipts)
	for i := n - 6; i < n; i++ {
		s.Minute.Receipts += s.Series.Receipts[i]
		s.Minute.Members += s.Series.Members[i]
		s.Minute.Rejected += s.Series.Rejected[i]
		s.Minute.GrantedMinor += s.Series.GrantedMinor[i]
	}
	s.Minute.Shops = 42
	for _, c := range f.campaigns {
		s.Campaigns = append(s.Campaigns, c.row)
	}
	s.Budget = budgetOf(s.Campaigns)
	s.DeadLetters = f.letters()
	return s
}

// series draws an afternoon: a slow swell, a lunch tail, tills that come in bursts.
func (f *fixture) series() Series {
	rng := rand.New(rand.NewPCG(20261203, 1542))
	end := f.clock.UnixMilli() / seriesStepMs * seriesStepMs
	s := Series{StepMs: seriesStepMs, FromMs: end - seriesSteps*seriesStepMs}
	wander := 0.0
	for i := range seriesSteps {
		wander = wander*.94 + rng.NormFloat64()*.018
		x := float64(i) / seriesSteps
		mean := 318 * (1 + .16*math.Sin(2.2*math.Pi*x-.9) + .09*x + wander)
		r := int64(math.Max(0, mean+rng.NormFloat64()*math.Sqrt(mean)))
		s.Receipts = append(s.Receipts, r)
		s.Members = append(s.Members, int64(float64(r)*(.674+.012*math.Sin(7*x)+rng.NormFloat64()*.006)))
		rejected := int64(0)
		if rng.Float64() < .09 {
			rejected = 1 + int64(rng.IntN(2))
		}
		s.Rejected = append(s.Rejected, rejected)
		s.GrantedMinor = append(s.GrantedMinor, int64(float64(r)*(2.3+rng.NormFloat64()*.12)))
		s.LagMs = append(s.LagMs, int64(96+40*rng.Float64()+60*math.Max(0, rng.NormFloat64()-1)))
	}
	return s
}

func (f *fixture) letters() DeadLetters {
	at := func(ago time.Duration) int64 { return f.clock.Add(-ago).UnixMilli() }
	return DeadLetters{AsOfMs: at(4 * time.Second), WindowHours: 24, Total: 96, Rows: []DeadLetterRow{
		{"RCP-0005", 41, at(38 * time.Second), "VALIDATE", "/total_minor", "observed 48.20, expected 47.20", "S017"},
		{"RCP-0001", 27, at(4 * time.Minute), "DECODE", "/lines/3/net_minor", "not readable as a receipt", "S004"},
		{"RCP-0007", 19, at(17 * time.Minute), "VALIDATE", "/ended_at", "closed 2 h 04 min in the future", "S031"},
		{"RCP-0002", 6, at(72 * time.Minute), "STATE", "/receipt_id", "the id is known with other content", "S017"},
		{"RCP-0004", 3, at(5 * time.Hour), "VALIDATE", "/currency", "observed CHF, expected EUR", "S040"},
	}}
}
