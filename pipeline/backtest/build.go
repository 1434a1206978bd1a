package backtest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// statement is the first thing that a report says.
var statement = Text{
	EN: "This prices the past: the campaigns are run over receipts that exist. It says nothing about what members would do differently because of them, " +
		"neither buy more nor split a basket, and is no forecast of uplift.",
	FR: "Ceci chiffre le passé : les campagnes sont appliquées à des tickets existants. Cela ne dit rien de ce que les membres feraient autrement à cause " +
		"d'elles, ni acheter plus ni fractionner un panier ; ce n'est pas une prévision d'effet.",
}

// clock writes instants in the zone of the first draft.
type clock struct{ loc *time.Location }

func (c clock) instant(t retail.Instant) string {
	if t == 0 {
		return ""
	}
	return time.UnixMilli(int64(t)).In(c.loc).Format(time.RFC3339)
}

func (c clock) day(hour int64) string {
	return time.UnixMilli(hour * hourMs).In(c.loc).Format(time.DateOnly)
}

// report turns sums into what is told.
func (j *job) report(t *tally, workers []*worker) *Report {
	zone := j.drafts[0].Window.TZ
	loc, err := time.LoadLocation(zone)
	if err != nil {
		zone, loc = "UTC", time.UTC // the campaign was compiled with it: it cannot fail
	}
	b := &builder{job: j, t: t, clock: clock{loc}, people: gather(workers, len(j.drafts)), workers: workers}
	r := &Report{
		Kind: Kind, Statement: statement, Source: j.o.Source, Currency: j.o.Currency, Wallet: j.wallet, Zone: zone,
		Archive: b.archive(), Shift: b.shift(), Reach: b.reach(), Days: b.days(),
		Members: spread(b.people.total, true), Shops: b.shops(), Top: b.top(), Comparison: b.comparison(), Sent: t.sent.told(),
	}
	for i := range j.drafts {
		r.Campaigns = append(r.Campaigns, b.campaign(i))
	}
	r.Cost = b.cost()
	return r
}

type builder struct {
	job     *job
	t       *tally
	clock   clock
	people  people
	workers []*worker
}

// people is what the members come to, sorted, so that no order of workers shows.
type people struct {
	onFile, considered, heldOut int64
	total                       []int64   // of all drafts, those that are not zero
	by                          [][]int64 // by draft, those that are not zero
	changes                     WinLose
}

func gather(workers []*worker, drafts int) people {
	p := people{by: make([][]int64, drafts)}
	for _, w := range workers {
		p.onFile += int64(len(w.members))
		for _, m := range w.members {
			p.add(m)
		}
	}
	slices.Sort(p.total)
	for i := range p.by {
		slices.Sort(p.by[i])
	}
	return p
}

func (p *people) add(m *member) {
	if m.considered {
		p.considered++
	}
	if m.heldOut {
		p.heldOut++
	}
	p.changes.add(m.total[with] - m.total[without])
	sum := int64(0)
	for i, v := range m.granted {
		sum += v
		if v != 0 {
			p.by[i] = append(p.by[i], v)
		}
	}
	if sum != 0 {
		p.total = append(p.total, sum)
	}
}

func (w *WinLose) add(change int64) {
	switch {
	case change > 0:
		w.More++
		w.MoreMinor += change
	case change < 0:
		w.Less++
		w.LessMinor -= change
	default:
		w.Same++
	}
}

func (b *builder) archive() Archive {
	t := b.t
	from, to := b.archiveSpan()
	a := Archive{
		From: b.clock.instant(from), To: b.clock.instant(to), Receipts: t.receipts, Anonymous: t.anonymous, Returns: t.returns, Training: t.training, Events: t.events,
		Repeats: t.repeats, Unreadable: t.unreadable, WithoutOriginal: t.withoutOriginal, OrphanReturns: t.orphans, Members: b.people.onFile,
	}
	for code, n := range t.refused {
		a.Refused += n
		a.RefusedBy = append(a.RefusedBy, Count{string(code), n})
	}
	slices.SortFunc(a.RefusedBy, func(x, y Count) int { return strings.Compare(x.Name, y.Name) })
	return a
}

func (b *builder) shift() Shift {
	s := Shift{Weeks: b.job.o.ShiftWeeks, Automatic: b.job.o.AutoShift}
	if s.Weeks == 0 {
		s.Statement = Text{EN: "No campaign was moved: the receipts are judged at their own dates.", FR: "Aucune campagne n'a été déplacée : les tickets sont jugés à leurs propres dates."}
		return s
	}
	en, fr := "later", "plus tard"
	if s.Weeks < 0 {
		en, fr = "earlier", "plus tôt"
	}
	n := Text{EN: "1 week", FR: "1 semaine"}
	if k := abs(s.Weeks); k > 1 {
		n = Text{EN: fmt.Sprintf("%d weeks", k), FR: fmt.Sprintf("%d semaines", k)}
	}
	how := Text{EN: "as asked", FR: "à la demande"}
	if s.Automatic {
		how = Text{EN: "automatically", FR: "automatiquement"}
	}
	s.Statement = Text{
		EN: fmt.Sprintf("Every campaign was moved %s %s, %s, so that the windows meet the archive; weekdays and hours stay the same, seasons and holidays do not.", n.EN, en, how.EN),
		FR: fmt.Sprintf("Chaque campagne a été déplacée de %s %s, %s, pour que les fenêtres rencontrent l'archive ; les jours de la semaine et les heures restent, pas les saisons ni les jours fériés.", n.FR, fr, how.FR),
	}
	return s
}

func (b *builder) reach() Reach {
	return Reach{
		MembersOnFile: b.people.onFile, MembersConsidered: b.people.considered, MembersRewarded: int64(len(b.people.total)), MembersHeldOut: b.people.heldOut,
		ReceiptsInWindow: b.t.inWindow, ReceiptsConsidered: b.t.considered, ReceiptsRewarded: b.t.rewarded,
	}
}

// days lists every local day from the first movement to the last.
func (b *builder) days() []Day {
	sum := map[string]*Day{}
	for i := range b.job.drafts {
		for hour, h := range b.t.campaigns[i].hours {
			d := b.clock.day(hour)
			if sum[d] == nil {
				sum[d] = &Day{Day: d}
			}
			sum[d].GrantedMinor += h.granted
			sum[d].ReturnedMinor += h.returned
		}
	}
	out := []Day{}
	for _, d := range sum {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b Day) int { return strings.Compare(a.Day, b.Day) })
	return fillDays(out)
}

// maxDays bounds the list: a receipt with a date of its own must not make a report of a million days.
const maxDays = 1100

// fillDays adds the days without a movement.
func fillDays(days []Day) []Day {
	if len(days) < 2 {
		return days
	}
	at, err := time.Parse(time.DateOnly, days[0].Day)
	if err != nil {
		return days
	}
	out := days[:0:0]
	for i := 0; i < len(days) && len(out) < maxDays; at = at.AddDate(0, 0, 1) {
		if d := at.Format(time.DateOnly); d != days[i].Day {
			out = append(out, Day{Day: d})
			continue
		}
		out = append(out, days[i])
		i++
	}
	return out
}

// cost sums the drafts.
func (b *builder) cost() Cost {
	var granted, returned, ghost int64
	funders := map[string]int64{}
	for i := range b.job.drafts {
		c := &b.t.campaigns[i]
		granted, returned, ghost = granted+c.granted, returned+c.returned, ghost+c.ghost
		for party, n := range c.funders {
			funders[party] += n
		}
	}
	days := b.covered(windowOf(b.job.drafts))
	return newCost(granted, returned, ghost, funders, b.people.total, b.people.onFile, days)
}

func newCost(granted, returned, ghost int64, funders map[string]int64, sums []int64, onFile int64, days float64) Cost {
	c := Cost{NetMinor: granted - returned, GrantedMinor: granted, ReturnedMinor: returned, GhostMinor: ghost, Method: rangeMethod, Funders: []Amount{}}
	c.LowMinor, c.HighMinor = costRange(c.NetMinor, sums, onFile)
	if days > 0 {
		c.PerWeekMinor = int64(float64(c.NetMinor)/days*7 + 0.5)
	}
	for party, n := range funders {
		c.Funders = append(c.Funders, Amount{party, n})
	}
	slices.SortFunc(c.Funders, func(x, y Amount) int { return cmp.Or(cmp.Compare(y.Minor, x.Minor), strings.Compare(x.Name, y.Name)) })
	return c
}

// covered is how many days of a window the archive holds.
func (b *builder) covered(w span) float64 {
	from, to := b.archiveSpan()
	if w.to == 0 {
		w.to = to
	}
	return float64(overlap(w, from, to, 0)) / (24 * hourMs)
}

func (b *builder) archiveSpan() (from, to retail.Instant) {
	if b.job.o.To > b.job.o.From {
		return b.job.o.From, b.job.o.To
	}
	return b.t.first, b.t.last
}

// campaign reports one draft.
func (b *builder) campaign(i int) Campaign {
	doc, orig, t := b.job.drafts[i], b.job.original[i], &b.t.campaigns[i]
	w := span{doc.Window.From, doc.Window.To}
	covered := b.covered(w)
	c := Campaign{
		ID: doc.ID, Version: doc.Version, Name: Text{EN: doc.Name.EN, FR: doc.Name.FR}, Sentence: Text{EN: rules.Sentence(orig, "en"), FR: rules.Sentence(orig, "fr")},
		From: b.clock.instant(orig.Window.From), To: b.clock.instant(orig.Window.To), SimulatedFrom: b.clock.instant(w.from), SimulatedTo: b.clock.instant(w.to),
		CoveredDays: tenth(covered), HoldoutBP: doc.HoldoutBP, MembersRewarded: int64(len(b.people.by[i])),
		Cost:     newCost(t.granted, t.returned, t.ghost, t.funders, b.people.by[i], b.people.onFile, covered),
		Outcomes: []Outcome{}, Limits: []Limit{}, Returns: newOutcome("RETURNED", &t.back), Budget: b.budget(i, covered),
	}
	if w.to != 0 {
		c.WindowDays = tenth(float64(w.to-w.from) / (24 * hourMs))
	}
	for o := range t.outcomes {
		if t.outcomes[o].results > 0 {
			c.Outcomes = append(c.Outcomes, newOutcome(rules.Outcome(o).String(), &t.outcomes[o]))
		}
	}
	slices.SortStableFunc(c.Outcomes, func(x, y Outcome) int { return cmp.Compare(y.GrantedMinor, x.GrantedMinor) })
	for code, n := range t.clips {
		c.Limits = append(c.Limits, Limit{code, n.results, n.amount, n.barred})
	}
	slices.SortFunc(c.Limits, func(x, y Limit) int { return strings.Compare(x.Limit, y.Limit) })
	return c
}

func newOutcome(name string, o *outcomeTally) Outcome {
	return Outcome{name, o.results, o.basis, o.desired, o.granted}
}

func tenth(v float64) float64 { return float64(int64(v*10+0.5)) / 10 }

// shops reports the cost per shop.
func (b *builder) shops() Shops {
	out := Shops{OnFile: int64(len(b.t.shops)), Top: []Shop{}}
	var sums []int64
	for id, s := range b.t.shops {
		net := s.granted - s.returned
		if s.granted == 0 && s.returned == 0 {
			continue
		}
		sums = append(sums, net)
		x := Shop{ID: string(id), NetMinor: net, Rewarded: s.rewarded, Receipts: s.receipts, SalesMinor: s.sales}
		if s.sales > 0 {
			x.CostBP = (net*10_000 + s.sales/2) / s.sales
		}
		out.Top = append(out.Top, x)
	}
	slices.Sort(sums)
	out.Spread = spread(sums, false)
	slices.SortFunc(out.Top, func(x, y Shop) int { return cmp.Or(cmp.Compare(y.NetMinor, x.NetMinor), strings.Compare(x.ID, y.ID)) })
	out.Top = out.Top[:min(len(out.Top), topCount)]
	return out
}

func (b *builder) top() []Receipt {
	out := []Receipt{}
	for i := range b.t.top.list {
		x := &b.t.top.list[i]
		r := Receipt{
			ID: string(x.id), Account: string(x.account), Shop: string(x.shop), At: b.clock.instant(x.at), TotalMinor: x.total, RewardMinor: x.reward, ReturnedMinor: x.returned,
		}
		for d, amount := range x.by {
			if amount != 0 {
				r.By = append(r.By, Amount{b.job.drafts[d].ID, amount})
			}
		}
		out = append(out, r)
	}
	return out
}
