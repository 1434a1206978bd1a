package model

import (
	"slices"
	"time"
)

// gift is what one receipt adds to the progress of a campaign, or to a member's tiers: what is left of it counts, as of its close.
type gift struct {
	at   int64
	sums []sum // by objective
}

// sum is what matching lines come to.
type sum struct {
	lines, spend, pieces, receipts int64
	products                       map[string]int64 // lines by product, when those are counted
}

func (s *sum) empty() bool { return s.lines == 0 }

// gives is what a basket adds. Outside of the campaign's window, shops and thresholds it adds nothing, and so does an exchange that gives more back.
func (c *campaign) gives(b *basket) gift {
	g := gift{at: b.endedAt, sums: make([]sum, len(c.counted()))}
	if !c.open(b.endedAt) || !c.sells(b) {
		return g
	}
	for i, o := range c.counted() {
		if s := o.sumOf(b); c.enough(&s, b) {
			g.sums[i] = s
		}
	}
	return g
}

// counted are the objectives; tiers have one.
func (c *campaign) counted() []objective {
	if c.progress != nil {
		return c.progress.objectives
	}
	return []objective{{lines: c.include, count: c.tiers.count}}
}

func (o *objective) sumOf(b *basket) sum {
	s, products := sum{}, o.count == "products"
	if products {
		s.products = map[string]int64{}
	}
	for i := range b.lines {
		l := &b.lines[i]
		if !l.rewardable(b.kind) || !o.lines.match(l) {
			continue
		}
		s.lines, s.receipts = s.lines+1, 1
		s.spend += l.paid
		s.pieces += l.pieces()
		if name := l.product(); products && name != "" && l.paid > 0 {
			s.products[name]++
		}
	}
	return s
}

func (l *line) product() string {
	if l.gtin != "" {
		return l.gtin
	}
	return l.sku
}

func (g *gift) empty() bool {
	return !slices.ContainsFunc(g.sums, func(s sum) bool { return !s.empty() })
}

// total adds gifts up, objective by objective.
func total(list []*gift, n int) []sum {
	out := make([]sum, n)
	for i := range out {
		out[i].products = map[string]int64{}
		for _, g := range list {
			if i >= len(g.sums) {
				continue // judged by a version with fewer objectives
			}
			s := &g.sums[i]
			out[i].lines, out[i].spend, out[i].pieces, out[i].receipts = out[i].lines+s.lines, out[i].spend+s.spend, out[i].pieces+s.pieces, out[i].receipts+s.receipts
			for name, n := range s.products {
				out[i].products[name] += n
			}
		}
	}
	return out
}

// counts is what an objective counts of gifts.
func (o *objective) counts(list []*gift, i int, zone *time.Location) int64 {
	s := total(list, i+1)[i]
	switch o.count {
	case "spend", "amount":
		return s.spend
	case "receipts":
		return s.receipts
	case "products":
		n := int64(0)
		for _, lines := range s.products {
			if lines > 0 {
				n++
			}
		}
		return n
	case "days":
		days := map[int64]bool{}
		for _, g := range list {
			if i < len(g.sums) && !g.sums[i].empty() {
				days[dayOf(g.at, zone)] = true
			}
		}
		return int64(len(days))
	}
	return s.pieces
}

// dayOf numbers local days.
func dayOf(t int64, zone *time.Location) int64 {
	y, m, d := time.UnixMilli(t).In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

// ordinal numbers calendar periods so that neighbours differ by one.
func ordinal(t int64, zone *time.Location, per string) int64 {
	y, m, _ := time.UnixMilli(t).In(zone).Date()
	switch per {
	case "day":
		return dayOf(t, zone)
	case "week":
		return (dayOf(t, zone) + 3) / 7 // 1970-01-01 was a Thursday
	case "month":
		return int64(y)*12 + int64(m) - 1
	case "year":
		return int64(y)
	}
	return 0
}

// slot is what a receipt's progress belongs to: its calendar period, or all time where periods hang together.
func (c *campaign) slot(t int64) int64 {
	if c.progress.per == "rolling" || c.progress.streak > 0 {
		return 0
	}
	return ordinal(t, c.zone, c.progress.per)
}

// standing is what all gifts of a slot together are worth.
func (c *campaign) standing(all []*gift, slot int64) int64 {
	var list []*gift
	for _, g := range all {
		if !g.empty() && c.slot(g.at) == slot {
			list = append(list, g)
		}
	}
	done := int64(0)
	switch p := c.progress; {
	case len(list) == 0:
		return 0
	case p.streak > 0:
		done = c.streaks(list)
	case p.per == "rolling":
		done = c.rolled(list)
	default:
		done = c.completions(list)
	}
	return c.worth(done, list)
}

// completions counts how often the gifts of one period reach the target.
func (c *campaign) completions(list []*gift) int64 {
	p := c.progress
	if len(p.objectives) > 1 || p.need < len(p.objectives) {
		if c.reached(list) {
			return 1
		}
		return 0
	}
	o := &p.objectives[0]
	if o.target == 0 { // a ladder: its steps are the targets
		return 1
	}
	times := max(o.counts(list, 0, c.zone), 0) / o.target
	switch {
	case !p.repeat:
		times = min(times, 1)
	case p.max > 0:
		times = min(times, p.max)
	}
	return times
}

// reached says whether enough objectives reach their targets.
func (c *campaign) reached(list []*gift) bool {
	n := 0
	for i := range c.progress.objectives {
		if o := &c.progress.objectives[i]; o.counts(list, i, c.zone) >= o.target {
			n++
		}
	}
	return n >= c.progress.need
}

// streaks counts runs of consecutive periods that each reach the target.
func (c *campaign) streaks(list []*gift) int64 {
	p := c.progress
	periods := map[int64][]*gift{}
	for _, g := range list {
		n := ordinal(g.at, c.zone, p.per)
		periods[n] = append(periods[n], g)
	}
	done := int64(0)
	for n := range periods {
		if before := periods[n-1]; !c.reached(periods[n]) || before != nil && c.reached(before) {
			continue // not the first of a run
		}
		length := int64(0)
		for periods[n+length] != nil && c.reached(periods[n+length]) {
			length++
		}
		done += length / p.streak
	}
	if !p.repeat {
		done = min(done, 1)
	} else if p.max > 0 {
		done = min(done, p.max)
	}
	return done
}

// rolled goes over the days: the first window that reaches the target completes and uses up its days up to the one on which it did.
func (c *campaign) rolled(list []*gift) int64 {
	p := c.progress
	days := map[int64][]*gift{}
	var order []int64
	for _, g := range list {
		d := dayOf(g.at, c.zone)
		if days[d] == nil {
			order = append(order, d)
		}
		days[d] = append(days[d], g)
	}
	slices.Sort(order)
	done, used := int64(0), int64(-1)
	for i, first := range order {
		if first <= used {
			continue
		}
		var window []*gift
		for _, d := range order[i:] {
			if d >= first+int64(p.rollingDays) {
				break
			}
			if window = append(window, days[d]...); c.reached(window) {
				done, used = done+1, d
				break
			}
		}
	}
	if !p.repeat {
		return min(done, 1)
	} else if p.max > 0 {
		return min(done, p.max)
	}
	return done
}

// worth turns completions into the reward that stands.
func (c *campaign) worth(done int64, list []*gift) int64 {
	if done == 0 {
		return 0
	}
	o := &c.progress.objectives[0]
	sums := total(list, len(c.progress.objectives))
	spend, pieces := int64(0), int64(0)
	for _, s := range sums {
		spend, pieces = spend+s.spend, pieces+s.pieces
	}
	switch {
	case len(c.ladder) > 0:
		out := int64(0)
		for _, step := range c.ladder {
			if o.counts(list, 0, c.zone) >= step[0] {
				out = step[1]
			}
		}
		return out
	case c.extras.pointsGet > 0:
		return done * c.extras.pointsGet
	case c.percentPPM == 0:
		return done * c.fixed
	case o.count == "spend":
		return product(spend, c.percentPPM, 1_000_000, c.rounding)
	case pieces <= 0:
		return 0
	}
	return done * product(spend, c.percentPPM, 1_000_000*pieces, c.rounding)
}
