package model

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
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

	scope    scope // of the law
	gift     *gift // of a campaign with progress: what the basket adds
	emits    bool  // its reward is an EVENT to somebody else
	to       string
	emitted  [2]int64 // basis and pieces that stand with them
	enough   bool     // an emission's conditions hold
	spend    int64
	pieces   int64
	shop     string // of the sale: it may be the one that pays
	sold     int64  // when the sale was closed
	operator string
}

// evaluate runs every campaign over what is left of a sale, in order, and returns those that want to give something, and those that a later change may
// make want it. What a return does not change is asked of the sale as it came.
func (cs *Campaigns) evaluate(sale, b *basket, a *Account) []award {
	var out []award
	for _, c := range cs.at(b.endedAt) {
		if c.tiers != nil || c.terms != nil || c.event != b.event || !c.admits(a, sale, cs) {
			continue
		}
		w := award{c: c, heldOut: c.holdsOut(b.account), room: -1, shop: b.shop, sold: b.endedAt, operator: b.operator}
		if w.judge(a, b); w.wanted != 0 || w.gift != nil || w.emits || c.extras.timesPPM > 0 && w.enough {
			out = append(out, w)
		}
	}
	for i := range out {
		w := &out[i]
		w.active, w.expires = w.c.validity(b.endedAt)
		if w.c.capAmount > 0 {
			w.period = w.c.period(b.endedAt)
			w.room = max(0, w.c.capAmount-a.use(w.c.id, w.period))
		}
	}
	return out
}

// judge says what the campaign wants to give for the basket, or for what is left of it. Progress is a change: what stands with this receipt less
// what stood before.
func (w *award) judge(a *Account, b *basket) {
	c := w.c
	spend, pieces := c.basis(b)
	w.spend, w.pieces, w.enough = spend, pieces, c.open(b.endedAt) && c.sells(b) && c.enough(&sum{spend: spend, pieces: pieces, lines: c.meets(b)}, b)
	switch {
	case c.progress != nil:
		w.wanted = w.advance(a, c.gives(b))
	case c.extras.emitKind != "":
		w.emits = w.emits || w.enough
	default:
		w.wanted = c.wants(b)
	}
}

// advance puts the receipt's gift in the place of its former one.
func (w *award) advance(a *Account, g gift) int64 {
	if w.gift == nil && g.empty() {
		return 0
	}
	c, slot := w.c, w.c.slot(g.at)
	before := c.standing(a.gifts[c.id], slot)
	if w.gift == nil {
		w.gift = &gift{}
		a.gifts[c.id] = append(a.gifts[c.id], w.gift)
	}
	*w.gift = g
	return c.standing(a.gifts[c.id], slot) - before
}

// settle decides what each award desires, and which may be granted: of a group the one that is best by itself within the law; then each takes in
// order from what the law leaves. A held-out one takes nothing. Multipliers come last: they multiply what the others desire.
func settle(awards []award, b *basket) []bool {
	purses := b.purses()
	wins := make([]bool, len(awards))
	for i := range awards {
		awards[i].scope = awards[i].c.scope(b)
	}
	settlePhase(awards, wins, b, purses, false)
	for i := range awards {
		if w := &awards[i]; w.c.extras.timesPPM > 0 {
			w.wanted = w.multiplied(awards, wins, b)
		}
	}
	settlePhase(awards, wins, b, purses, true)
	return wins
}

func settlePhase(awards []award, wins []bool, b *basket, purses []purse, multipliers bool) {
	mine := func(w *award) bool { return (w.c.extras.timesPPM > 0) == multipliers }
	for i := range awards {
		if w := &awards[i]; mine(w) {
			lawful, _ := w.lawful(b, purses)
			w.desired = w.c.capped(lawful)
		}
	}
	for i, won := range stack(awards, mine) {
		w := &awards[i]
		if !mine(w) {
			continue
		}
		wins[i] = won
		if !won && !w.heldOut {
			continue
		}
		lawful, use := w.lawful(b, purses)
		w.desired = w.c.capped(lawful)
		if won && lawful > 0 {
			w.scope.spend(purses, use)
		}
	}
}

// lawful is what the law leaves of the reward. What progress gives was earned on many receipts: the lines of one do not limit it.
// What goes into a wallet of its own has no price that could be compared with theirs.
func (w *award) lawful(b *basket, purses []purse) (int64, []int64) {
	if w.c.progress != nil || w.c.extras.wallet != "" {
		return w.wanted, make([]int64, len(purses))
	}
	return w.scope.legal(w.wanted, b, purses)
}

// multiplied is what a multiplier adds to the desires of its campaigns, on the lines of those. Who is held out of one of them, or whom another has driven
// out, has none.
func (w *award) multiplied(awards []award, wins []bool, b *basket) int64 {
	x, sum := &w.c.extras, int64(0)
	w.scope = scope{campaign: w.c}
	for i := range awards {
		o := &awards[i]
		if !wins[i] || o.desired <= 0 || o.c.progress != nil || o.c.extras.wallet != x.wallet || !some(x.timesOf, func(id string) bool { return id == o.c.id }) {
			continue
		}
		sum += o.desired
		w.scope.product = w.scope.product || o.scope.product
		for _, line := range o.scope.lines {
			if !slices.Contains(w.scope.lines, line) {
				w.scope.lines = append(w.scope.lines, line)
			}
		}
	}
	if !w.enough {
		return 0
	}
	return product(sum, x.timesPPM, 1_000_000, w.c.rounding)
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
	if !c.enough(&sum{spend: spend, pieces: pieces, lines: c.meets(b)}, b) {
		return 0
	}
	out := c.reward(spend, pieces, b.id)
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
	if some(c.notShops, func(shop string) bool { return shop == b.shop }) {
		return false
	}
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

// meets counts the lines that match and may be rewarded.
func (c *campaign) meets(b *basket) (n int64) {
	for i := range b.lines {
		if l := &b.lines[i]; l.rewardable(b.kind) && c.matches(l) {
			n++
		}
	}
	return n
}

// enough says whether the thresholds are reached. A receipt needs something paid, an EVENT only a line.
func (c *campaign) enough(s *sum, b *basket) bool {
	if s.spend <= 0 && b.kind != "EVENT" || s.lines == 0 {
		return false
	}
	return s.spend >= c.minSpend && s.pieces >= c.minQuantity && (c.minBasket == 0 || b.total >= c.minBasket)
}

// presented says whether a coupon that is asked for was scanned.
func (c *campaign) presented(b *basket) bool {
	return len(c.coupons) == 0 || some(c.coupons, func(code string) bool { return len(b.coupons) > 0 && oneOf(b.coupons, code) })
}

// rewardable lines are sales and services with something paid. Inside an exchange, what comes back counts against them.
func (l *line) rewardable(receiptKind string) bool {
	if !l.eligible {
		return false
	}
	if l.kind == "RETURN" {
		return receiptKind == "EXCHANGE"
	}
	return (l.kind == "SALE" || l.kind == "SERVICE") && (l.paid > 0 || receiptKind == "EVENT" && l.quantity > 0)
}

// matches tests the line against any value of every key given, and none of the excluded.
func (c *campaign) matches(l *line) bool { return c.include.match(l) }

func (in *docLines) match(l *line) bool {
	ex := &in.Exclude
	if len(in.Category) > 0 && !underAny(in.Category, l.category) {
		return false
	}
	if !oneOf(in.Brand, l.brand) || !oneOf(in.GTIN, l.gtin) || !oneOf(in.SKU, l.sku) || !oneOf(in.Department, l.department) {
		return false
	}
	labelled := func(label string) bool { return len(l.labels) > 0 && oneOf(l.labels, label) }
	if len(in.Label) > 0 && !some(in.Label, labelled) || some(ex.Label, labelled) {
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
func (c *campaign) reward(spend, pieces int64, receipt string) int64 {
	out, x := int64(0), &c.extras
	switch {
	case c.every > 0:
		out = max(pieces, 0) / c.every // how much, byGroups says
	case c.percentPPM > 0:
		out = product(max(spend, 0), c.percentPPM, 1_000_000, c.rounding)
	case c.fixed > 0:
		out = c.fixed
	case c.perUnit > 0:
		out = c.perUnit * max(pieces, 0)
	case x.pointsGet > 0:
		out = x.pointsGet * (max(spend, 0) / x.pointsFor)
	case x.drawPPM > 0:
		if x.drawn(c.id, receipt) < x.drawPPM {
			out = x.prize
		}
	default:
		for _, step := range c.ladder {
			if spend >= step[0] {
				out = step[1]
			}
		}
	}
	return out
}

// drawn is the receipt's number in the campaign's draw, below a million.
func (x *extras) drawn(campaign, receipt string) int64 {
	h := sha256.Sum256([]byte(x.seed + "|" + campaign + "|" + receipt))
	return int64(binary.BigEndian.Uint64(h[:8]) % 1_000_000)
}

// holdsOut says whether the account is in the campaign's holdout: a hash decides, nothing is stored.
func (c *campaign) holdsOut(account string) bool {
	return int64(xxhash.Sum64String(c.id+"|"+account)%10000) < c.holdoutBP
}

// stack says which awards may be granted: held-out ones never; of a group with a mode, one.
func stack(awards []award, among func(*award) bool) []bool {
	wins := make([]bool, len(awards))
	for i := range awards {
		wins[i] = !awards[i].heldOut
		for j := range awards {
			if wins[i] && i != j && among(&awards[j]) && awards[j].beats(&awards[i], j < i) {
				wins[i] = false
			}
		}
	}
	return wins
}

// beats reports whether a drives b out of their group. earlier says that a comes first in the order of evaluation.
func (a *award) beats(b *award, earlier bool) bool {
	if a.heldOut || a.desired <= 0 || a.c.group == "" || a.c.group != b.c.group {
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
func (c *campaign) period(endedAt int64) int32 { return c.numbered(endedAt, c.capPer) }

// numbered numbers a calendar period in the campaign's zone.
func (c *campaign) numbered(endedAt int64, per string) int32 {
	t := time.UnixMilli(endedAt).In(c.zone)
	switch per {
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
