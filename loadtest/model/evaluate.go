package model

import (
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
)

// award is what one campaign gives for one basket.
type award struct {
	c       *campaign
	wanted  int64 // before any limit
	desired int64 // after those of the law and of the receipt, before the member's cap
	heldOut bool
	granted int64
	period  int32
	room    int64 // of the member's cap when it was granted; -1: no cap
	active  int64
	expires int64
}

// evaluate runs every campaign over the basket, in order, and returns those that want to give something. used says how much of a member's cap is
// used in a period.
func (cs *Campaigns) evaluate(b *basket, used func(campaign string, period int32) int64) []award {
	var out []award
	for _, c := range cs.at(b.endedAt) {
		if w := c.wants(b); w > 0 {
			out = append(out, award{c: c, wanted: w, heldOut: c.holdsOut(b.account), room: -1})
		}
	}
	winners := settle(out, b)
	for i := range out {
		a := &out[i]
		a.active, a.expires = a.c.validity(b.endedAt)
		if a.c.capAmount > 0 {
			a.period = a.c.period(b.endedAt)
			a.room = max(0, a.c.capAmount-used(a.c.id, a.period))
		}
		if winners[i] {
			a.granted = a.fit(a.desired)
		}
	}
	return out
}

// settle decides what each award desires, and which may be granted: of a group the one that is best by itself within the law; then each takes in
// order from what the law leaves. A held-out one takes nothing.
func settle(awards []award, b *basket) []bool {
	purses := b.purses()
	for i := range awards {
		a := &awards[i]
		lawful, _ := a.c.legal(a.wanted, b, purses)
		a.desired = a.c.capped(lawful)
	}
	wins := stack(awards)
	for i := range awards {
		a := &awards[i]
		if !wins[i] && !a.heldOut {
			continue
		}
		lawful, use := a.c.legal(a.wanted, b, purses)
		a.desired = a.c.capped(lawful)
		if wins[i] && lawful > 0 {
			a.c.spend(purses, use)
		}
	}
	return wins
}

// capped is the receipt's cap.
func (c *campaign) capped(amount int64) int64 {
	if c.maxReceipt > 0 {
		return min(amount, c.maxReceipt)
	}
	return amount
}

// fit reduces an amount to the room that the member's cap leaves.
func (a *award) fit(desired int64) int64 {
	if a.room >= 0 {
		return min(desired, a.room)
	}
	return desired
}

// wants is what the campaign would give for the basket: nothing outside its window, shops and channels, or below its thresholds.
func (c *campaign) wants(b *basket) int64 {
	if !c.open(b.endedAt) || !c.sells(b) {
		return 0
	}
	spend, pieces := c.basis(b)
	out := c.reward(spend, pieces, b.total)
	if out > 0 && c.every > 0 {
		return c.byGroups(pieces/c.every, b)
	}
	return out
}

// open tests window, weekday and hours.
func (c *campaign) open(t int64) bool {
	if t < c.from || c.to != 0 && t >= c.to {
		return false
	}
	local := time.UnixMilli(t).In(c.zone)
	if c.weekdays != nil && !c.weekdays[local.Weekday()] {
		return false
	}
	minute := local.Hour()*60 + local.Minute()
	return c.openMin < 0 || minute >= c.openMin && minute < c.closeMin
}

// sells tests shop and channel.
func (c *campaign) sells(b *basket) bool {
	return oneOf(c.shops, b.shop) && oneOf(c.banners, b.banner) && oneOf(c.countries, b.country) && oneOf(c.channels, b.channel)
}

// oneOf holds for an absent list too.
func oneOf(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return len(list) == 0
}

// basis sums the lines that match and may be rewarded.
func (c *campaign) basis(b *basket) (spend, pieces int64) {
	for i := range b.lines {
		l := &b.lines[i]
		if l.rewardable(b.kind) && c.matches(l) {
			spend += l.paid
			pieces += l.pieces()
		}
	}
	return spend, pieces
}

// rewardable lines are sales and services with something paid. Inside an exchange, what comes back counts against them.
func (l *line) rewardable(receiptKind string) bool {
	if !l.eligible {
		return false
	}
	if l.kind == "RETURN" {
		return receiptKind == "EXCHANGE"
	}
	return (l.kind == "SALE" || l.kind == "SERVICE") && l.paid > 0
}

// matches tests the line against any value of every key given, and none of the excluded.
func (c *campaign) matches(l *line) bool {
	in, ex := &c.include, &c.include.Exclude
	if len(in.Category) > 0 && !underAny(in.Category, l.category) {
		return false
	}
	if !oneOf(in.Brand, l.brand) || !oneOf(in.GTIN, l.gtin) || !oneOf(in.SKU, l.sku) || !oneOf(in.Department, l.department) {
		return false
	}
	if underAny(ex.Category, l.category) {
		return false
	}
	for _, pair := range []struct {
		list []string
		s    string
	}{{ex.Brand, l.brand}, {ex.GTIN, l.gtin}, {ex.SKU, l.sku}, {ex.Department, l.department}} {
		if len(pair.list) > 0 && oneOf(pair.list, pair.s) {
			return false
		}
	}
	return true
}

// underAny reports whether a category path is one of the prefixes, or below one.
func underAny(prefixes []string, path string) bool {
	for _, p := range prefixes {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// reward turns a basis into money, before any limit.
func (c *campaign) reward(spend, pieces, total int64) int64 {
	if spend <= 0 || spend < c.minSpend || pieces < c.minQuantity || c.minBasket > 0 && total < c.minBasket {
		return 0
	}
	out := int64(0)
	switch {
	case c.every > 0:
		out = max(pieces, 0) / c.every // how much, byGroups says
	case c.percentPPM > 0:
		out = product(spend, c.percentPPM, 1_000_000, c.rounding)
	case c.fixed > 0:
		out = c.fixed
	case c.perUnit > 0:
		out = c.perUnit * max(pieces, 0)
	default:
		for _, step := range c.ladder {
			if spend >= step[0] {
				out = step[1]
			}
		}
	}
	return out
}

// holdsOut says whether the account is in the campaign's holdout: a hash decides, nothing is stored.
func (c *campaign) holdsOut(account string) bool {
	return int64(xxhash.Sum64String(c.id+"|"+account)%10000) < c.holdoutBP
}

// stack says which awards may be granted: held-out ones never; of a group with a mode, one.
func stack(awards []award) []bool {
	wins := make([]bool, len(awards))
	for i := range awards {
		wins[i] = !awards[i].heldOut
		for j := range awards {
			if wins[i] && i != j && awards[j].beats(&awards[i], j < i) {
				wins[i] = false
			}
		}
	}
	return wins
}

// beats reports whether a drives b out of their group. earlier says that a comes first in the order of evaluation.
func (a *award) beats(b *award, earlier bool) bool {
	if a.heldOut || a.desired == 0 || a.c.group == "" || a.c.group != b.c.group {
		return false
	}
	switch b.c.mode {
	case "first":
		return earlier
	case "best_for_member":
		return a.desired > b.desired || a.desired == b.desired && earlier
	}
	return false
}

// validity is when the reward becomes spendable (0: at once) and when it lapses (0: never).
func (c *campaign) validity(endedAt int64) (active, expires int64) {
	const hour = 3_600_000
	from := endedAt
	if c.pendingMs > 0 {
		from = (endedAt + c.pendingMs + hour - 1) / hour * hour
		active = from
	}
	switch {
	case c.expireDays > 0:
		day := time.UnixMilli(from).In(c.zone)
		last := time.Date(day.Year(), day.Month(), day.Day()+c.expireDays, 12, 0, 0, 0, time.UTC)
		expires = midnight(last.Year(), last.Month()+1, 1, c.zone)
	case c.calMonth > 0:
		year := time.UnixMilli(endedAt).In(c.zone).Year() + 1
		expires = midnight(year, time.Month(c.calMonth), c.calDay, c.zone)
		for expires <= from {
			year++
			expires = midnight(year, time.Month(c.calMonth), c.calDay, c.zone)
		}
	}
	return active, expires
}

// period numbers the calendar period of the member's cap in the campaign's zone.
func (c *campaign) period(endedAt int64) int32 {
	t := time.UnixMilli(endedAt).In(c.zone)
	switch c.capPer {
	case "day":
		return int32(t.Year()*10000 + int(t.Month())*100 + t.Day())
	case "week":
		y, w := t.ISOWeek()
		return int32(y*100 + w)
	case "month":
		return int32(t.Year()*100 + int(t.Month()))
	case "year":
		return int32(t.Year())
	}
	return 0
}
