package backtest

import (
	"slices"
	"strings"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// tally is what a worker counts. All of it are sums, so that the order in which workers are added does not matter.
type tally struct {
	receipts, anonymous, returns, training, events int64
	unreadable, repeats                            int64
	refused                                        map[retail.Code]int64
	withoutOriginal, orphans                       int64
	inWindow, considered, rewarded                 int64
	members                                        int64
	sent                                           Sent
	first, last                                    retail.Instant
	campaigns                                      []campaignTally
	shops                                          map[retail.ShopID]*shopTally
	top                                            topReceipts
	windows                                        []span
}

// span is a half-open interval of instants; to 0 has no end.
type span struct{ from, to retail.Instant }

func (s span) holds(t retail.Instant) bool { return t >= s.from && (s.to == 0 || t < s.to) }

func newTally(j *job) tally {
	t := tally{refused: map[retail.Code]int64{}, shops: map[retail.ShopID]*shopTally{}, campaigns: make([]campaignTally, len(j.subjects)), top: newTop()}
	for i := range t.campaigns {
		t.campaigns[i] = campaignTally{funders: map[string]int64{}, hours: map[int64]*hourTally{}, clips: map[string]*clipTally{}}
	}
	for _, d := range j.drafts {
		t.windows = append(t.windows, span{d.Window.From, d.Window.To})
	}
	return t
}

// count notes a receipt that is accepted.
func (t *tally) count(r *retail.Receipt) {
	t.receipts++
	if t.first == 0 || r.EndedAt < t.first {
		t.first = r.EndedAt
	}
	t.last = max(t.last, r.EndedAt)
	switch {
	case r.Training:
		t.training++
		return
	case givesBack(r):
		t.returns++
	}
	if r.Loyalty.AccountID == "" {
		t.anonymous++
	}
	s := t.shopOf(&r.Shop)
	if !slices.ContainsFunc(t.windows, func(s span) bool { return s.holds(r.EndedAt) }) {
		return
	}
	t.inWindow++
	s.receipts++
	s.sales += int64(r.Total)
}

func (t *tally) refuse(c retail.Code) { t.refused[c]++ }

func (t *tally) shopOf(s *retail.Shop) *shopTally {
	if x := t.shops[s.ID]; x != nil {
		return x
	}
	x := &shopTally{}
	t.shops[retail.ShopID(strings.Clone(string(s.ID)))] = x
	return x
}

// shopTally is one shop. Returns count where they are given back, as in the ledger.
type shopTally struct {
	receipts, rewarded int64 // in the drafts' windows
	sales              int64
	granted, returned  int64             // by the drafts
	total              [worldCount]int64 // by all campaigns
}

func (s *shopTally) book(amount int64, back bool) {
	if back {
		s.returned -= amount
		return
	}
	s.granted += amount
}

// outcomeTally sums the results that have one outcome.
type outcomeTally struct{ results, basis, desired, granted int64 }

// outcomes is how many outcomes there can be; the report names those that came.
const outcomes = 64

// clipTally sums what a limit took off.
type clipTally struct{ results, amount, barred int64 }

// hourTally is what was granted and taken back in an hour.
type hourTally struct{ granted, returned int64 }

// campaignTally is one campaign.
type campaignTally struct {
	outcomes          [outcomes]outcomeTally // of sales
	back              outcomeTally           // of returns
	granted, returned int64
	ghost             int64 // what the holdout would have had, returns deducted
	funders           map[string]int64
	hours             map[int64]*hourTally // by hours since 1970
	clips             map[string]*clipTally
	total             [worldCount]int64
}

// judge notes what became of the campaign on a sale.
func (c *campaignTally) judge(r *rules.Result) {
	o := &c.outcomes[min(int(r.Outcome), outcomes-1)]
	o.results++
	o.basis += int64(r.Basis)
	o.desired += int64(r.Desired)
	o.granted += int64(r.Granted)
	for i := range r.Steps {
		c.clip(&r.Steps[i])
	}
}

// clip notes a limit that bound: what was wanted against what it allowed. Caps and the law say it in a step that did not pass; of products that the
// law bars the spend is known, not what would have been given for it.
func (c *campaignTally) clip(s *rules.Step) {
	if s.Passed {
		return
	}
	name := string(s.Code)
	switch s.Code {
	case rules.StepReceiptCap, rules.StepMemberCap:
	case rules.StepLegalClip, rules.StepLegalNever:
		name = s.Node
	default:
		return
	}
	t := c.clips[name]
	if t == nil {
		t = &clipTally{}
		c.clips[name] = t
	}
	t.results++
	if s.Code == rules.StepLegalNever {
		t.barred += s.Observed
		return
	}
	t.amount += max(s.Observed-s.Expected, 0)
}

// giveBack notes what a return changed.
func (c *campaignTally) giveBack(r *rules.Result) {
	c.back.results++
	c.back.basis += int64(r.Basis)
	c.back.desired += int64(r.Desired)
	c.back.granted += int64(r.Granted)
}

// book notes a change of what is granted, at the hour of the receipt that made it.
func (c *campaignTally) book(at retail.Instant, amount int64, back bool) {
	hour := int64(at) / hourMs
	h := c.hours[hour]
	if h == nil {
		h = &hourTally{}
		c.hours[hour] = h
	}
	if back {
		h.returned -= amount
		c.returned -= amount
		return
	}
	h.granted += amount
	c.granted += amount
}

const hourMs = 3_600_000

// add sums another worker's tally.
func (t *tally) add(o *tally) {
	if o.receipts > 0 && (t.first == 0 || o.first < t.first) {
		t.first = o.first
	}
	t.last = max(t.last, o.last)
	for _, p := range [][2]*int64{
		{&t.receipts, &o.receipts}, {&t.anonymous, &o.anonymous}, {&t.returns, &o.returns}, {&t.training, &o.training}, {&t.events, &o.events}, {&t.unreadable, &o.unreadable},
		{&t.repeats, &o.repeats}, {&t.withoutOriginal, &o.withoutOriginal}, {&t.orphans, &o.orphans}, {&t.inWindow, &o.inWindow},
		{&t.considered, &o.considered}, {&t.rewarded, &o.rewarded}, {&t.members, &o.members},
	} {
		*p[0] += *p[1]
	}
	t.sent.add(&o.sent)
	for code, n := range o.refused {
		t.refused[code] += n
	}
	for i := range t.campaigns {
		t.campaigns[i].add(&o.campaigns[i])
	}
	for id, s := range o.shops {
		t.addShop(id, s)
	}
	t.top.add(&o.top)
}

func (t *tally) addShop(id retail.ShopID, o *shopTally) {
	s := t.shops[id]
	if s == nil {
		t.shops[id] = o
		return
	}
	s.receipts, s.rewarded, s.sales = s.receipts+o.receipts, s.rewarded+o.rewarded, s.sales+o.sales
	s.granted, s.returned = s.granted+o.granted, s.returned+o.returned
	for i := range s.total {
		s.total[i] += o.total[i]
	}
}

func (c *campaignTally) add(o *campaignTally) {
	for i := range c.outcomes {
		c.outcomes[i].add(&o.outcomes[i])
	}
	c.back.add(&o.back)
	c.granted, c.returned, c.ghost = c.granted+o.granted, c.returned+o.returned, c.ghost+o.ghost
	for i := range c.total {
		c.total[i] += o.total[i]
	}
	for party, n := range o.funders {
		c.funders[party] += n
	}
	for code, n := range o.clips {
		if c.clips[code] == nil {
			c.clips[code] = &clipTally{}
		}
		c.clips[code].results += n.results
		c.clips[code].amount += n.amount
		c.clips[code].barred += n.barred
	}
	for hour, n := range o.hours {
		if c.hours[hour] == nil {
			c.hours[hour] = &hourTally{}
		}
		c.hours[hour].granted += n.granted
		c.hours[hour].returned += n.returned
	}
}

func (o *outcomeTally) add(x *outcomeTally) {
	o.results, o.basis, o.desired, o.granted = o.results+x.results, o.basis+x.basis, o.desired+x.desired, o.granted+x.granted
}
