package model

import (
	"math"

	"cagnotte/loadtest/wire"
)

// earn judges a sale, or an EVENT. Returns of it that came first are already taken off.
func (p *Partition) earn(a *Account, k *known, b *basket) {
	p.campaigns.subject(b)
	k.basket = b
	left := k.left()
	k.awards = p.campaigns.evaluate(b, left, a)
	for i, wins := range settle(k.awards, left) {
		w := &k.awards[i]
		p.ghost(w, w.desired)
		switch {
		case w.c.progress != nil:
			p.bookProgress(a, w, wins, b.id, b.endedAt)
		case w.emits:
			w.to = a.addressee(w)
			p.emit(w, b, wins, b.id, b.endedAt)
		case wins:
			granted := w.fit(w.desired)
			w.granted = p.cut(w, b.id, granted)
			if w.granted < granted {
				w.room = w.granted
			}
			a.move(p, w, w.granted, w.granted, b.id, b.endedAt)
		}
	}
	p.count(a, k, left)
}

// count adds what is left of a sale to the member's tiers.
func (p *Partition) count(a *Account, k *known, left *basket) {
	var mine []*campaign
	for _, c := range p.campaigns.at(left.endedAt) {
		if c.tiers != nil && c.event == left.event && c.admits(a, k.basket, p.campaigns) {
			mine = append(mine, c)
		}
	}
	for _, c := range mine {
		g := c.gives(left)
		k.counted[c] = &g
		a.gifts[c.id] = append(a.gifts[c.id], &g)
		a.climb(c, left.endedAt)
	}
}

// bookProgress gives what a receipt adds to the standing, or takes back what is above it.
func (p *Partition) bookProgress(a *Account, w *award, wins bool, receipt string, at int64) {
	if w.heldOut || w.gift == nil {
		return
	}
	key := standKey{w.c.id, w.c.slot(w.gift.at)}
	stands, delta := a.stands[key], int64(0)
	owed := w.c.standing(a.gifts[w.c.id], key.slot)
	switch {
	case w.desired > 0 && wins:
		delta = min(w.desired, max(0, owed-stands)) // what was kept is not given again
		if w.c.capAmount > 0 {
			delta = min(delta, max(0, w.c.capAmount-a.use(w.c.id, w.period)))
		}
		if delta = p.cut(w, receipt, delta); delta > 0 {
			a.spendable[key] = max(a.spendable[key], w.active, w.gift.at)
		}
	case w.desired < 0:
		delta = min(0, owed-stands)
		if w.c.progress.keep && at/3_600_000 >= a.spendable[key]/3_600_000 {
			delta = 0
		}
	}
	a.stands[key] += delta
	a.move(p, w, a.stands[key], delta, receipt, at)
}

// giveBack takes lines off the original receipt, judges what remains of it as if only that had been bought, and books the difference. Rules, arm,
// event time and the room of the member's cap are those of the sale. An original that has not come yet is only taken note of.
func (p *Partition) giveBack(a *Account, r *wire.Receipt) {
	id := originalID(r)
	if id == "" || id == r.ID {
		return
	}
	k := a.receipts[id]
	if k == nil {
		k = newKnown()
		a.receipts[string([]byte(id))] = k
	}
	if r.Type == "VOID" {
		k.voided = true
	}
	k.returned = append(k.returned, p.linesGivenBack(r)...)
	if k.basket == nil {
		return
	}
	p.judgeAgain(a, k, r)
}

func (p *Partition) linesGivenBack(r *wire.Receipt) []givenBack {
	var out []givenBack
	for i := range r.Lines {
		l := &r.Lines[i]
		if l.Kind != "RETURN" {
			continue
		}
		g := givenBack{lineNo: l.ReturnOfLine, gtin: p.pool.of(l.GTIN), sku: p.pool.of(l.SKU), quantity: -l.Quantity, net: -l.Net}
		if g.lineNo == 0 && g.gtin == "" && g.sku == "" {
			g.lineNo = l.No // nothing else tells the line
		}
		out = append(out, g)
	}
	return out
}

func (p *Partition) judgeAgain(a *Account, k *known, r *wire.Receipt) {
	left := k.left()
	now := make([]award, len(k.awards))
	for i, w := range k.awards {
		now[i] = w
		now[i].judge(a, left)
	}
	id := string([]byte(r.ID))
	for i, wins := range settle(now, left) {
		w, was := &now[i], &k.awards[i]
		switch {
		case w.c.progress != nil:
			p.ghost(w, w.desired)
			p.bookProgress(a, w, wins, id, r.EndedAt)
			continue
		case w.emits:
			p.emit(w, left, wins, id, r.EndedAt)
			continue
		}
		p.ghost(w, w.desired-was.desired)
		w.granted = 0
		if wins {
			w.granted = min(w.fit(w.desired), a.ceiling(was))
		}
		delta := p.cut(w, id, w.granted-was.granted)
		w.granted = was.granted + delta
		a.move(p, w, w.granted, delta, id, r.EndedAt)
	}
	k.awards = now
	for c, g := range k.counted {
		*g = c.gives(left)
	}
}

// ceiling keeps an increase within what the member's cap has left today; what is granted already may stay.
func (a *Account) ceiling(w *award) int64 {
	if w.c.capAmount == 0 {
		return math.MaxInt64
	}
	others := a.use(w.c.id, w.period) - w.granted
	return max(w.c.capAmount-others, w.granted)
}

// left is what remains of a sale after all that was given back.
func (k *known) left() *basket {
	if !k.voided {
		return k.basket.less(k.returned)
	}
	out := *k.basket
	out.lines, out.total = nil, 0
	return &out
}

// less is the basket without what was given back. A return that names a line is taken off it; one that does not is taken off the lines of its
// product, in their order. A line of which the whole quantity is back is worth nothing, whatever was refunded.
func (b *basket) less(returned []givenBack) *basket {
	if len(returned) == 0 {
		return b
	}
	out := *b
	out.lines = append([]line(nil), b.lines...)
	for _, byLine := range []bool{true, false} {
		for _, g := range returned {
			if (g.lineNo != 0) == byLine {
				out.takeOff(g)
			}
		}
	}
	for i := range out.lines {
		l := &out.lines[i]
		if b.lines[i].quantity > 0 && l.quantity == 0 {
			l.paid = min(l.paid, 0)
		}
		if !l.never {
			out.total -= b.lines[i].paid - l.paid
		}
	}
	return &out
}

func (b *basket) takeOff(g givenBack) {
	for i := range b.lines {
		l := &b.lines[i]
		if l.never || !l.is(g) {
			continue
		}
		net, quantity := min(g.net, max(l.paid, 0)), min(g.quantity, max(l.quantity, 0))
		l.paid, l.quantity = l.paid-net, l.quantity-quantity
		g.net, g.quantity = g.net-net, g.quantity-quantity
	}
}

// is reports whether a return is about this line.
func (l *line) is(g givenBack) bool {
	if g.lineNo != 0 {
		return l.no == g.lineNo
	}
	if g.gtin != "" {
		return l.gtin == g.gtin
	}
	return g.sku != "" && l.gtin == "" && l.sku == g.sku
}

// move books a change of an award that leaves it at stands, if it is a change.
func (a *Account) move(p *Partition, w *award, stands, delta int64, receipt string, at int64) {
	if delta == 0 {
		return
	}
	m := Movement{
		Receipt: receipt, Campaign: w.c.id, Version: w.c.version, Amount: delta, At: at, Active: w.active, Expires: w.expires,
		Wallet: w.c.extras.wallet, Donated: w.c.donated(stands) - w.c.donated(stands-delta), Shop: w.shop, Together: w.c.progress != nil,
	}
	a.post(&m, p.campaigns.termsOf(m.Wallet, at).negativeLimit)
	a.Movements = append(a.Movements, m)
	key := capUse{w.c.id, w.period}
	if w.c.capAmount > 0 {
		a.used[key] = max(0, a.used[key]+delta)
	}
	p.out.Granted[w.c.id] += delta
	if b := p.budgets[w.c.id]; b.Shop > 0 {
		p.out.Parts[Cut{receipt, w.c.id}] = b.part(w.shop, w.sold)
	}
}

// donated is the part of what stands that goes to a charity.
func (c *campaign) donated(stands int64) int64 {
	return product(stands, c.extras.charityPPM, 1_000_000, "half_up")
}
