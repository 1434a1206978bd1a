package model

import (
	"math"

	"cagnotte/loadtest/wire"
)

// earn judges a sale. Returns of it that came first are already taken off.
func (p *Partition) earn(a *Account, k *known, b *basket) {
	p.campaigns.subject(b)
	k.basket = b
	k.awards = p.campaigns.evaluate(k.left(), a.use)
	for i := range k.awards {
		w := &k.awards[i]
		p.ghost(w, w.desired)
		if got := p.cut(w, b.id, w.granted); got < w.granted {
			w.granted, w.room = got, got
		}
		a.move(p, w, w.granted, b.id, b.endedAt)
	}
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
		k = &known{}
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
		now[i].wanted, now[i].granted = w.c.wants(left), 0
	}
	for i, wins := range settle(now, left) {
		if wins {
			now[i].granted = min(now[i].fit(now[i].desired), a.ceiling(&k.awards[i]))
		}
	}
	id := string([]byte(r.ID))
	for i := range now {
		p.ghost(&now[i], now[i].desired-k.awards[i].desired)
		now[i].granted = k.awards[i].granted + p.cut(&now[i], id, now[i].granted-k.awards[i].granted)
		a.move(p, &now[i], now[i].granted-k.awards[i].granted, id, r.EndedAt)
	}
	k.awards = now
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

// move books a change of an award, if it is one.
func (a *Account) move(p *Partition, w *award, delta int64, receipt string, at int64) {
	if delta == 0 {
		return
	}
	a.Movements = append(a.Movements, Movement{
		Receipt: receipt, Campaign: w.c.id, Version: w.c.version, Amount: delta, At: at, Active: w.active, Expires: w.expires,
	})
	key := capUse{w.c.id, w.period}
	if w.c.capAmount > 0 {
		a.used[key] = max(0, a.used[key]+delta)
	}
	p.out.Granted[w.c.id] += delta
}
