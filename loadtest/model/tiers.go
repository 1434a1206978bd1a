package model

import "time"

// lookBack is how many periods before its own a tier can hang on.
const lookBack = 8

// level is the highest level that a count reaches, -1 for none.
func (t *tiers) level(count int64) int {
	out := -1
	for i, from := range t.from {
		if count >= from {
			out = i
		}
	}
	return out
}

// countIn is what the member's receipts of a period come to.
func (a *Account) countIn(c *campaign, period int64) int64 {
	var list []*gift
	for _, g := range a.gifts[c.id] {
		if ordinal(g.at, c.zone, c.tiers.per) == period {
			list = append(list, g)
		}
	}
	return (&objective{count: c.tiers.count}).counts(list, 0, c.zone)
}

// end is the level with which a member leaves a period; carried is what is brought into one.
func (a *Account) end(c *campaign, period int64, depth int) int {
	return max(c.tiers.level(a.countIn(c, period)), a.carried(c, period, depth))
}

func (a *Account) carried(c *campaign, period int64, depth int) int {
	if depth == 0 {
		return -1
	}
	reached := c.tiers.level(a.countIn(c, period-1))
	if !c.tiers.oneDown {
		return reached
	}
	return max(reached, a.end(c, period-1, depth-1)-1)
}

// tierAt is the member's level at an instant, by all that is known now. In the days of grace the last period's level still holds.
func (a *Account) tierAt(c *campaign, t int64) int {
	period := ordinal(t, c.zone, c.tiers.per)
	y, m, _ := time.UnixMilli(t).In(c.zone).Date()
	if c.tiers.per == "year" {
		m = 1
	}
	brought := a.carried(c, period, lookBack)
	if t < midnight(y, m, 1+c.tiers.grace, c.zone) && c.tiers.grace > 0 {
		brought = a.end(c, period-1, lookBack-1)
	}
	return max(a.peak(c, period), brought)
}

// peak is the highest level that the period's count has ever had: a return does not take it back.
func (a *Account) peak(c *campaign, period int64) int {
	return max(a.peaks[peakKey{c.id, period}]-1, c.tiers.level(a.countIn(c, period)))
}

type peakKey struct {
	tiers  string
	period int64
}

// climb notes the level that a receipt has led to. Level i is kept as i+1, as nothing is 0.
func (a *Account) climb(c *campaign, t int64) {
	period := ordinal(t, c.zone, c.tiers.per)
	a.peaks[peakKey{c.id, period}] = a.peak(c, period) + 1
}

// hasTier says whether the member is on a level of that name at an instant.
func (a *Account) hasTier(cs *Campaigns, name string, t int64) bool {
	for _, c := range cs.at(t) {
		if c.tiers == nil {
			continue
		}
		if now := a.tierAt(c, t); now >= 0 && c.tiers.names[now] == name {
			return true
		}
	}
	return false
}
