package loadtest

import (
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// isNew reports that the sale that was just made is the first of a newcomer.
func (g *Generator) isNew() bool {
	t, m := g.o.Trade, g.build.buyer
	if t == nil || g.build.nobody || mix(m^0x4E657763)%10_000 >= uint64(t.NewcomersBP) || g.enrolled[m] {
		return false
	}
	g.enrolled[m] = true
	return true
}

// enrol sends the enrolment of the buyer ahead of the sale, which follows next.
func (g *Generator) enrol(it *Item, s made) {
	m := g.build.buyer
	g.waiting.add(held{due: g.pos + 1, sale: s})
	g.eventAt(it, m, "enrol", s.at-60_000)
	it.say("birthday", birthdayOf(m))
	if g.rng.IntN(10_000) < g.o.Trade.ReferredBP {
		if friend := g.build.people.member(g.build.zipf.Uint64()); friend != m {
			it.say("referrer", it.intern(func(dst []byte) []byte { return appendAccount(dst, friend) }))
		}
	}
}

// tradeEvent makes one of the trade's events happen to a member.
func (g *Generator) tradeEvent(it *Item) {
	g.build.pcg.Seed(g.o.Seed, mix(g.next))
	m := g.build.people.member(g.build.zipf.Uint64())
	at := g.tick()
	e := g.pickEvent()
	g.eventAt(it, m, e.Kind, at)
	for _, a := range e.Attributes {
		it.say(a.Key, valueOf(a.Values[g.rng.IntN(len(a.Values))], m, at))
	}
	if e.AmountHigh > 0 {
		it.say("amount", between(g.rng.Uint64(), e.AmountLow, e.AmountHigh).String())
	}
	if e.Line != nil {
		g.eventLine(&it.Receipt, e.Line)
	}
}

func (g *Generator) pickEvent() *EventShare {
	roll := g.rng.IntN(g.o.Trade.eventsPer10k())
	list := g.o.Trade.Events
	for i := range list {
		if roll < list[i].Per10k {
			return &list[i]
		}
		roll -= list[i].Per10k
	}
	return &list[0]
}

// eventAt fills it with an event of a member at the home shop.
func (g *Generator) eventAt(it *Item, member uint64, kind string, at retail.Instant) {
	n := g.number()
	it.empty()
	sh := g.build.shopOf(member, false, 1<<8-1)
	g.build.header(it, sh, n, at, mix(n))
	r := &it.Receipt
	r.Type, r.Training = retail.Event, false
	r.Loyalty = retail.Loyalty{
		AccountID: retail.AccountID(it.intern(func(dst []byte) []byte { return appendAccount(dst, member) })), ProgramID: "default", Capture: retail.App,
	}
	r.Attributes = append(r.Attributes, retail.Attribute{Key: retail.EventAttribute, Value: kind})
	it.Kind, it.Number = KindEvent, n
}

func (g *Generator) eventLine(r *retail.Receipt, e *EventLine) {
	pieces := 1 + g.rng.Int64N(max(e.Pieces, 1))
	price := between(g.rng.Uint64(), e.Low, e.High)
	l := nextLine(r)
	*l = retail.Line{
		No: 1, Kind: e.Kind, Category: e.Category, SKU: e.SKU, Unit: retail.Each, QuantityMilli: pieces * 1000, UnitPrice: price,
		Gross: price * money.Amount(pieces), Net: price * money.Amount(pieces), Discounts: l.Discounts[:0],
	}
	totals(r, 0)
}

func between(bits uint64, low, high money.Amount) money.Amount {
	return low + money.Amount(bits%uint64(high-low+1))
}

// birthdayOf is a member's for ever.
func birthdayOf(member uint64) string {
	day := time.Date(2001, 1, 1+int(mix(member^0xB17D)%365), 0, 0, 0, 0, time.UTC)
	return day.Format("01-02")
}

func valueOf(value string, member uint64, at retail.Instant) string {
	if value == "MM-DD" {
		return birthdayOf(member)
	}
	if body, ok := strings.CutPrefix(value, "+"); ok {
		if days, err := strconv.Atoi(strings.TrimSuffix(body, "d")); err == nil {
			return time.UnixMilli(int64(at)).UTC().AddDate(0, 0, days).Format(time.DateOnly)
		}
	}
	return value
}
