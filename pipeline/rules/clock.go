package rules

import "cagnotte/pipeline/retail"

// ruleClock memoises a rule's calendar on one UTC day, so that receipts need no time-zone arithmetic.
type ruleClock struct {
	open    [maxOpens]span // hours and weekdays
	opens   int8
	local   span // the local day that period belongs to
	period  int32
	base    span // the local day that expires belongs to
	expires retail.Instant
}

// clockOf returns the rule's calendar on the receipt's day.
func (e *Evaluator) clockOf(i int32) *ruleClock {
	d := e.day
	if d.at[i] == 0 {
		r := &e.rs.rules[i]
		d.clocks = append(d.clocks, ruleClock{})
		c := &d.clocks[len(d.clocks)-1]
		if r.clock {
			c.opens = int8(r.doc.Window.openSpans(d.span, r.loc, c.open[:]))
		}
		d.at[i] = int32(len(d.clocks))
	}
	return &d.clocks[d.at[i]-1]
}

// isOpen reports whether the instant is within the rule's hours and weekdays.
func (c *ruleClock) isOpen(r *rule, t retail.Instant) bool {
	if !r.clock {
		return true
	}
	for i := range c.opens {
		if c.open[i].holds(t) {
			return true
		}
	}
	return false
}

// periodAt numbers the period of the rule's member cap that holds t.
func (c *ruleClock) periodAt(r *rule, t retail.Instant) int32 {
	per := r.doc.Reward.MaxPerMember.Per
	if per == PerCampaign {
		return 0
	}
	if !c.local.holds(t) {
		local, day := localDay(t, r.loc)
		c.local, c.period = day, per.period(local)
	}
	return c.period
}

// expiresAt is Validity.expiresAt, memoised by the local day it counts from.
func (c *ruleClock) expiresAt(r *rule, ended, active retail.Instant) retail.Instant {
	v := &r.doc.Validity
	base := active
	if v.byCalendar() {
		base = ended
	} else if v.ExpireDays == 0 {
		return 0
	}
	if !c.base.holds(base) {
		_, c.base = localDay(base, r.loc)
		c.expires = v.expiresAt(ended, base, r.loc)
	}
	if c.expires <= active {
		return v.expiresAt(ended, active, r.loc)
	}
	return c.expires
}
