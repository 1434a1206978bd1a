package loadtest

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// giveBack returns lines of an earlier sale. One return in three goes for a sale that may already have had one.
func (g *Generator) giveBack(it *Item) {
	s, ok := g.recent.pick(g.rng)
	if !ok {
		g.sale(it)
		return
	}
	if g.lastReturned.number != 0 && g.rng.IntN(3) == 0 {
		s = g.lastReturned
	}
	g.returnOf(it, s)
	it.Kind = KindReturn
	g.lastReturned = s
}

// returnOf fills it with a return of the sale: everything, or some lines, or a part of one.
func (g *Generator) returnOf(it *Item, s made) {
	g.build.sale(&g.scratch, s.number, s.at)
	orig := &g.scratch.Receipt
	n, at := g.number(), g.tick()
	if at <= s.at {
		at = s.at + 60_000
	}
	g.returnHeader(it, orig, n, at)
	all := g.rng.IntN(3) == 0
	if all {
		g.returnAll(&it.Receipt, orig)
	} else {
		g.returnSome(&it.Receipt, orig)
	}
	if all && g.rng.IntN(4) == 0 {
		it.Receipt.Type = retail.Void
	}
	totals(&it.Receipt, 0)
	it.Number = n
	if g.rng.IntN(10) == 0 { // a till that knows the article only
		for i := range it.Receipt.Lines {
			it.Receipt.Lines[i].ReturnOfLine = 0
		}
	}
	if g.rng.IntN(20) == 0 && it.Receipt.Type == retail.Return {
		it.Receipt.Original = retail.Original{} // the customer has lost the ticket
	}
}

func (g *Generator) returnHeader(it *Item, orig *retail.Receipt, n uint64, at retail.Instant) {
	r := &it.Receipt
	it.empty()
	_, offset := g.build.season.at(at)
	r.Type, r.Shop, r.TerminalID, r.OperatorID = retail.Return, orig.Shop, orig.TerminalID, orig.OperatorID
	r.EndedAt, r.StartedAt, r.UTCOffsetMin = at, at-60_000, offset
	r.BusinessDate = retail.Date((int64(at) + int64(offset)*60_000) / 86_400_000)
	r.SequenceNo, r.Channel, r.Currency, r.Source = int64(n), retail.InStore, "EUR", orig.Source
	r.ID = retail.ReceiptID(it.intern(func(dst []byte) []byte { return g.build.appendID(dst, r) }))
	r.Loyalty = orig.Loyalty
	r.Loyalty.AccountID = retail.AccountID(it.intern(func(dst []byte) []byte { return append(dst, orig.Loyalty.AccountID...) }))
	r.Original = retail.Original{
		Given: true, ShopID: orig.Shop.ID, TerminalID: orig.TerminalID, BusinessDate: orig.BusinessDate, SequenceNo: orig.SequenceNo, Reason: "customer",
	}
	if g.rng.IntN(4) > 0 { // else only the parts are given
		r.Original.ReceiptID = retail.ReceiptID(it.intern(func(dst []byte) []byte { return append(dst, orig.ID...) }))
	}
}

func (g *Generator) returnAll(r, orig *retail.Receipt) {
	for i := range orig.Lines {
		if orig.Lines[i].Kind != retail.ReturnLine { // what an exchange took back stays back
			addReturnLine(r, &orig.Lines[i], orig.Lines[i].QuantityMilli)
		}
	}
	for i := range orig.Discounts {
		d := orig.Discounts[i]
		d.Amount = -d.Amount
		r.Discounts = append(r.Discounts, d)
	}
}

// returnSome gives back one to three lines, sometimes only a part of the pieces.
func (g *Generator) returnSome(r, orig *retail.Receipt) {
	for range 1 + g.rng.IntN(min(3, len(orig.Lines))) {
		l := &orig.Lines[g.rng.IntN(len(orig.Lines))]
		if l.Kind == retail.ReturnLine {
			l = &orig.Lines[0]
		}
		if alreadyReturned(r, l.No) {
			continue
		}
		q := l.QuantityMilli
		if pieces := q / 1000; l.Unit == retail.Each && pieces > 1 && g.rng.IntN(2) == 0 {
			q = 1000 * (1 + g.rng.Int64N(pieces-1))
		}
		addReturnLine(r, l, q)
	}
}

func alreadyReturned(r *retail.Receipt, no int32) bool {
	for i := range r.Lines {
		if r.Lines[i].ReturnOfLine == no {
			return true
		}
	}
	return false
}

// addReturnLine appends the negative of a line, for a quantity of it at the price paid.
func addReturnLine(r *retail.Receipt, l *retail.Line, quantityMilli int64) {
	n := nextLine(r)
	discounts := n.Discounts[:0]
	*n = *l
	n.No, n.Kind, n.ReturnOfLine, n.Discounts = int32(len(r.Lines)), retail.ReturnLine, l.No, discounts
	n.QuantityMilli = -quantityMilli
	n.Gross = -part(l.Gross, quantityMilli, l.QuantityMilli)
	n.Net = -part(l.Net, quantityMilli, l.QuantityMilli)
}

func part(a money.Amount, num, den int64) money.Amount {
	if num == den || den == 0 {
		return a
	}
	return money.MulDiv(a, num, den, money.HalfUp)
}
