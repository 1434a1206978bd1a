package rules

import (
	"math"
	"math/bits"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// railSet is a compiled Guardrails: limit i is bit i of every mask.
type railSet struct {
	rails    []Rail
	nodes    []string // guardrails.ID, for steps
	never    uint64
	prefixed uint64    // limits that name or except numbers
	first    [256]bool // first digits of those numbers
}

func (s *railSet) build(g *Guardrails) {
	if g == nil {
		return
	}
	s.rails = g.rails
	for i := range s.rails {
		r := &s.rails[i]
		s.nodes = append(s.nodes, "guardrails."+r.ID)
		if r.Kind == Never {
			s.never |= 1 << i
		}
		for _, list := range [...][]string{r.Class.GTINPrefix, r.Class.Except.GTINPrefix} {
			for _, p := range list {
				s.prefixed |= 1 << i
				s.first[p[0]] = true
			}
		}
	}
}

// country returns the limits that hold in a country; all when it is not known.
func (s *railSet) country(c string) (mask uint64) {
	for i := range s.rails {
		if c == "" || oneOf(s.rails[i].Countries, c) {
			mask |= 1 << i
		}
	}
	return mask
}

// active returns which of the country's limits hold for the receipt. Receipts come close together, so the last answer is mostly the next one.
func (e *Evaluator) active(country uint64, r *retail.Receipt) uint64 {
	a := &e.activeRails
	if a.country == country && a.channel == r.Channel && a.span.holds(r.EndedAt) {
		return a.mask
	}
	*a = activeRails{country: country, channel: r.Channel, span: span{-forever, forever}}
	for i := range e.rs.rails.rails {
		rail := &e.rs.rails.rails[i]
		for _, edge := range [...]retail.Instant{rail.From, rail.To} {
			switch {
			case edge == 0:
			case edge <= r.EndedAt:
				a.span.from = max(a.span.from, edge)
			default:
				a.span.to = min(a.span.to, edge)
			}
		}
		if country&(1<<i) != 0 && rail.binds(r.EndedAt, r.Channel) {
			a.mask |= 1 << i
		}
	}
	return a.mask
}

// activeRails is an answer of active and for how long it holds.
type activeRails struct {
	country uint64
	channel retail.Channel
	span    span
	mask    uint64
}

// shelf returns the limits whose class, and whose exceptions, name the shelf of a line.
func (s *railSet) shelf(l *retail.Line) (in, out uint64) {
	for i := range s.rails {
		c := &s.rails[i].Class
		if c.shelf(l.Category, l.Department, l.Brand) {
			in |= 1 << i
		}
		if c.Except.shelf(l.Category, l.Department, l.Brand) {
			out |= 1 << i
		}
	}
	return in, out
}

// about returns the limits that are about a line.
func (s *railSet) about(shelf *shelfMemo, gtin string) uint64 {
	in, out := shelf.railIn, shelf.railOut
	if s.prefixed == 0 || gtin == "" {
		return in &^ out
	}
	if gtin = gtin13(gtin); !s.first[gtin[0]] {
		return in &^ out
	}
	for m := s.prefixed; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		if s.rails[i].Class.product(gtin) {
			in |= 1 << i
		}
		if s.rails[i].Class.Except.product(gtin) {
			out |= 1 << i
		}
	}
	return in &^ out
}

// lineRoom is what the law still leaves to be given for a line, in millionths of a cent, so that no rounding comes before the reward's; -1 is no
// limit. Campaigns take from it in evaluation order.
type lineRoom struct {
	product, all int64 // for rewards attached to products, and for all rewards
	load         int64 // at most what campaigns want to give for the line
	tight        bool  // that is more than is left
}

// micro is rate x a in millionths of a cent. What is beyond 2^42 cents is cut: no receipt comes near.
func micro(a money.Amount, rate money.Rate) int64 {
	const most = 1 << 42
	return int64(max(min(a, most), -most)) * int64(rate)
}

// addSat adds what may be as large as micro gives, as often as a receipt has lines.
func addSat(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// openRooms computes what the law leaves for each line of a sale.
func (e *Evaluator) openRooms(r *retail.Receipt) {
	e.railed, e.railAll = false, false
	if e.limited == 0 {
		return
	}
	e.rooms, e.shares = grow(e.rooms, len(r.Lines)), maskShares{}
	for i := range r.Lines {
		w := &e.lines[i]
		room := &e.rooms[i]
		*room = lineRoom{product: -1, all: -1}
		if w.rails == 0 || !w.counts || w.net <= 0 {
			continue
		}
		if e.shares.mask != w.rails {
			e.shares = e.rs.rails.shares(w.rails)
		}
		l := &r.Lines[i]
		off, share := max(l.Gross-l.Net, 0), l.Net-w.net
		if e.shares.product != 0 {
			room.product = roomOf(e.shares.product, w.net+share+off, off)
		}
		if e.shares.all != 0 {
			room.all = roomOf(e.shares.all, w.net+share+off, off+max(share, 0))
			e.railAll = true
		}
		e.railed = true
	}
}

// roomOf is a share of a price, less what the till gave already.
func roomOf(rate money.Rate, price, given money.Amount) int64 {
	return max(micro(price, rate)-micro(given, money.One), 0)
}

// load tells whether any limit may bind: it sums what campaigns want at most to give for each line, with a cent each for rounding. Mostly the sums
// are far from the limits. Only candidates with a line where they are not need to be looked at line by line; for the others every line has room.
func (e *Evaluator) load() (tight bool) {
	for i := range e.pairs {
		p := &e.pairs[i]
		e.rooms[p.line].load = addSat(e.rooms[p.line].load, e.atMost(&e.cands[p.cand], p.line))
	}
	for i := range e.rooms {
		r := &e.rooms[i]
		if r.all >= 0 && e.sale != nil {
			e.loadWide(int32(i))
		}
		r.tight = r.product >= 0 && r.load > r.product || r.all >= 0 && r.load > r.all
		tight = tight || r.tight
	}
	if tight {
		e.markTight()
	}
	return tight
}

// loadWide adds the rewards for the whole basket.
func (e *Evaluator) loadWide(line int32) {
	for i := range e.cands {
		if c := &e.cands[i]; e.meets(c, line) {
			e.rooms[line].load = addSat(e.rooms[line].load, e.atMost(c, line))
		}
	}
}

// meets reports whether a candidate for the whole basket counts the line.
func (e *Evaluator) meets(c *candidate, line int32) bool {
	return c.wide && e.lines[line].counts && (c.except < 0 || !e.excluded(c.except, int(line), e.sale))
}

func (e *Evaluator) markTight() {
	for i := range e.cands {
		e.cands[i].tight = false
	}
	for i := range e.pairs {
		if p := &e.pairs[i]; e.rooms[p.line].tight {
			e.cands[p.cand].tight = true
		}
	}
	for line := range e.rooms {
		for i := range e.cands {
			if e.sale != nil && e.rooms[line].tight && e.meets(&e.cands[i], int32(line)) {
				e.cands[i].tight = true
			}
		}
	}
}

// atMost bounds what a candidate wants to give for a line.
func (e *Evaluator) atMost(c *candidate, line int32) int64 {
	if c.uncapped == 0 || c.rule.doc.Reward.Wallet != "" {
		return 0
	}
	w := &e.lines[line]
	switch {
	case c.rule.byPercent:
		return max(micro(w.net, c.rule.doc.Reward.Percent), 0) + int64(money.One)
	case c.rule.byPiece:
		return micro(perUnit(c.rule.doc.Reward.PerUnit, w.pieces), money.One)
	}
	return micro(c.uncapped, money.One)
}

// maskShares are the tightest shares of a set of limits: neighbours on a receipt mostly have the same.
type maskShares struct {
	mask         uint64
	product, all money.Rate
}

func (s *railSet) shares(mask uint64) maskShares {
	out := maskShares{mask: mask}
	for m := mask; m != 0; m &= m - 1 {
		rail := &s.rails[bits.TrailingZeros64(m)]
		at := &out.all
		if rail.Attachment == OnProduct {
			at = &out.product
		}
		if *at == 0 || rail.Max < *at {
			*at = rail.Max
		}
	}
	return out
}

// openRoom computes what the law leaves for what is left of a line that was paid as said.
func (e *Evaluator) openRoom(i int, paid money.Amount, l *LineLimits) {
	room := lineRoom{product: -1, all: -1}
	if left := e.lines[i].net; left > 0 && (l.Product != 0 || l.All != 0) {
		room.product = l.room(l.Product, l.Off, paid, left)
		room.all = l.room(l.All, l.Off+max(l.Share, 0), paid, left)
		e.railed, e.railAll = true, e.railAll || l.All != 0
	}
	e.rooms[i] = room
}

// room is the share of the price that may be given, less what the till gave already, for the part of the line that is left.
func (l *LineLimits) room(rate money.Rate, given, paid, left money.Amount) int64 {
	if rate == 0 {
		return -1
	}
	whole := roomOf(rate, paid+l.Share+l.Off, given)
	if left >= paid {
		return whole
	}
	return int64(money.MulDiv(money.Amount(whole), int64(left), int64(paid), money.Floor))
}

// limitsOf is what the footprint keeps of a line's limits: those that an award on it can meet.
func (e *Evaluator) limitsOf(i int, l *retail.Line, mask []uint64) LineLimits {
	if w := &e.lines[i]; !e.railed || w.rails == 0 || !w.counts || w.net <= 0 || zero(mask) {
		return LineLimits{}
	}
	if e.shares.mask != e.lines[i].rails {
		e.shares = e.rs.rails.shares(e.lines[i].rails)
	}
	out := LineLimits{Product: e.shares.product, All: e.shares.all, Off: max(l.Gross-l.Net, 0), Share: l.Net - e.lines[i].net}
	attached := uint64(0)
	for w := range mask {
		attached |= mask[w] & e.product[w]
	}
	if attached == 0 {
		out.Product = 0
	}
	if out.Product == 0 && out.All == 0 {
		return LineLimits{}
	}
	return out
}
