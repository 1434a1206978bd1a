package loadtest

import (
	"strconv"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// happening makes one kind of EVENT. Weights sum to 100.
type happening struct {
	kind   string
	weight int
	fill   func(b *builder, it *Item, n uint64)
}

// happenings are what happens to accounts: half of it is said of members, a third are commands to the ledger, the rest earns.
func happenings() []happening {
	return []happening{
		{"enrol", 16, enrolment}, {"birthday", 4, func(b *builder, it *Item, _ uint64) { b.birthday(it) }},
		{"consent", 10, func(b *builder, it *Item, _ uint64) {
			it.say("purpose", b.pick("profiling", "partners"))
			it.say("given", b.pick("true", "true", "true", "false"))
		}},
		{"segment", 14, segment}, {"opt_in", 8, optIn}, {"opt_out", 3, optIn}, {"club", 5, club},
		{"recycling", 8, recycling}, {"partner-axa", 4, contract},
		{"hold", 9, spending}, {"commit", 6, spending}, {"cancel", 3, spending}, {"redeem", 5, spending}, {"adjust", 5, adjustment},
	}
}

// event makes the next EVENT: mostly a new one, sometimes one that is sent late or again, taken back, refunded, or broken.
func (g *Generator) event(it *Item) {
	switch g.rng.IntN(20) {
	case 0:
		g.waiting.add(held{due: g.pos + 2 + g.rng.Uint64N(4096), sale: made{g.number(), g.tick(), true}})
	case 1:
		if s, ok := g.happened.pick(g.rng); ok {
			g.make(it, s, KindDuplicate)
			return
		}
	case 2:
		if s, ok := g.happened.pick(g.rng); ok {
			g.voidOf(it, s)
			return
		}
	case 3, 4:
		if s, ok := g.burns.pick(g.rng); ok {
			g.refund(it, s)
			return
		}
	case 5:
		if g.rng.IntN(4) == 0 {
			g.make(it, made{g.number(), g.tick(), true}, KindMalformed)
			it.Flaw = "event that does not say enough"
			it.Receipt.Attributes = append(it.Receipt.Attributes[:0], retail.Attribute{Key: "event", Value: "consent"}, retail.Attribute{Key: "given", Value: "perhaps"})
			return
		}
	}
	g.happen(it, made{g.number(), g.tick(), true})
}

// happen makes an EVENT that may be taken back, sent again or refunded later.
func (g *Generator) happen(it *Item, s made) {
	g.make(it, s, KindEvent)
	g.happened.add(s)
	if kind := it.Receipt.EventKind(); kind == "redeem" || kind == "commit" {
		g.burns.add(s)
	}
}

// voidOf takes back what an EVENT has earned.
func (g *Generator) voidOf(it *Item, s made) {
	g.build.happening(&g.scratch, s.number, s.at)
	n, at := g.number(), max(g.tick(), s.at+60_000)
	g.returnHeader(it, &g.scratch.Receipt, n, at)
	it.Receipt.Type, it.Kind, it.Number = retail.Void, KindReturn, n
	it.Receipt.Shop, it.Receipt.TerminalID = g.build.network.draw(mix(n)).shop, terminals[0]
	it.Receipt.ID = retail.ReceiptID(it.intern(func(dst []byte) []byte { return g.build.appendID(dst, &it.Receipt) }))
	it.Receipt.Original = retail.Original{Given: true, ReceiptID: retail.ReceiptID(it.intern(func(dst []byte) []byte { return append(dst, g.scratch.Receipt.ID...) }))}
	totals(&it.Receipt, 0)
}

// refund gives back a part of what an EVENT has spent, whether or not it was refused.
func (g *Generator) refund(it *Item, s made) {
	g.build.happening(&g.scratch, s.number, s.at)
	n, at := g.number(), max(g.tick(), s.at+60_000)
	b, spent := g.build, &g.scratch.Receipt
	b.eventHeader(it, n, at)
	account := it.intern(func(dst []byte) []byte { return append(dst, spent.Loyalty.AccountID...) })
	it.Receipt.Loyalty = retail.Loyalty{AccountID: retail.AccountID(account), ProgramID: "default"}
	it.say("event", "refund")
	it.say("redeem", it.intern(func(dst []byte) []byte { return append(dst, spent.ID...) }))
	it.say("amount", it.amount(money.Amount(1+g.rng.Int64N(600))))
	it.Kind, it.Number = KindEvent, n
}

// happening fills it with EVENT number n: a pure function of seed, number and close, as a sale is.
func (b *builder) happening(it *Item, n uint64, at retail.Instant) {
	b.pcg.Seed(b.seed, mix(n))
	it.empty()
	member, anonymous := b.member()
	if anonymous {
		member = b.people.member(b.zipf.Uint64())
	}
	b.eventHeader(it, n, at)
	account := it.intern(func(dst []byte) []byte { return appendAccount(dst, member) })
	it.Receipt.Loyalty = retail.Loyalty{AccountID: retail.AccountID(account), ProgramID: "default", Capture: retail.App}
	roll := b.rng.IntN(100)
	for _, h := range b.happenings {
		if roll -= h.weight; roll < 0 {
			it.say("event", h.kind)
			h.fill(b, it, n)
			break
		}
	}
	r := &it.Receipt
	if r.Total = 0; len(r.Lines) > 0 {
		totals(r, 0)
	}
}

func (b *builder) eventHeader(it *Item, n uint64, at retail.Instant) {
	it.empty()
	r := &it.Receipt
	_, offset := b.season.at(at)
	r.Type, r.EndedAt, r.UTCOffsetMin, r.SequenceNo = retail.Event, at, offset, int64(n)
	r.BusinessDate = retail.Date((int64(at) + int64(offset)*60_000) / 86_400_000)
	r.Channel, r.Currency = retail.Online, "EUR"
	r.ID = retail.ReceiptID(it.intern(func(dst []byte) []byte { return strconv.AppendUint(append(dst, "crm:"...), n, 10) }))
}

func (it *Item) say(key, value string) {
	it.Receipt.Attributes = append(it.Receipt.Attributes, retail.Attribute{Key: key, Value: value})
}

// amount writes cents as a document does.
func (it *Item) amount(a money.Amount) string {
	return it.intern(func(dst []byte) []byte {
		if a < 0 {
			a, dst = -a, append(dst, '-')
		}
		dst = append(strconv.AppendInt(dst, int64(a)/100, 10), '.')
		return append(dst, byte('0'+a/10%10), byte('0'+a%10))
	})
}

func (b *builder) pick(from ...string) string { return from[b.rng.IntN(len(from))] }

func (b *builder) birthday(it *Item) {
	it.say("birthday", it.intern(func(dst []byte) []byte {
		dst = append(appendPadded(dst, uint64(1+b.rng.IntN(12)), 2), '-')
		return appendPadded(dst, uint64(1+b.rng.IntN(28)), 2)
	}))
}

func enrolment(b *builder, it *Item, _ uint64) {
	if b.rng.IntN(5) < 2 {
		friend := b.people.member(b.zipf.Uint64())
		it.say("referrer", it.intern(func(dst []byte) []byte { return appendAccount(dst, friend) }))
	}
	if b.rng.IntN(2) == 0 {
		b.birthday(it)
	}
}

func segment(b *builder, it *Item, _ uint64) {
	it.say("segment", b.pick("young-parents", "staff", "neighbours"))
	it.say("in", b.pick("true", "true", "true", "false"))
	if b.rng.IntN(3) == 0 {
		it.say("until", (it.Receipt.BusinessDate + retail.Date(b.rng.IntN(12))).String())
	}
}

func optIn(b *builder, it *Item, _ uint64) {
	it.say("campaign", b.pick("fruit-streak", "challenge-week", "organic-ladder"))
}

func club(b *builder, it *Item, n uint64) {
	it.say("club", "vip")
	it.say("until", (it.Receipt.BusinessDate + retail.Date(3+b.rng.IntN(30))).String())
	*nextLine(&it.Receipt) = retail.Line{No: 1, Kind: retail.Fee, SKU: "CLUB", Description: "Club VIP", QuantityMilli: 1000, Unit: retail.Each, UnitPrice: 990, Gross: 990, Net: 990, VATRateBP: 2000}
	it.Receipt.Shop, it.Receipt.TerminalID = b.network.draw(mix(n)).shop, terminals[0]
}

func recycling(b *builder, it *Item, _ uint64) {
	n := int64(1 + b.rng.IntN(12))
	*nextLine(&it.Receipt) = retail.Line{No: 1, Kind: retail.Service, SKU: "BOTTLE", Category: "RECYCLING/PLASTIC", Description: "Bouteille rapportée", QuantityMilli: 1000 * n, Unit: retail.Each}
}

func contract(b *builder, it *Item, _ uint64) {
	paid := money.Amount(1000 + b.rng.IntN(40_000))
	*nextLine(&it.Receipt) = retail.Line{No: 1, Kind: retail.Service, SKU: "INSURANCE", Category: "PARTNER/INSURANCE", Description: "Prime d'assurance", QuantityMilli: 1000, Unit: retail.Each, UnitPrice: paid, Gross: paid, Net: paid}
}

// spending makes a command about one of four holds of the member, in euros mostly.
func spending(b *builder, it *Item, n uint64) {
	kind, wallet := it.Receipt.EventKind(), b.pick("", "", "", "points")
	it.Receipt.Shop, it.Receipt.TerminalID = b.network.draw(mix(n)).shop, terminals[0]
	id := "till-" + strconv.Itoa(b.rng.IntN(4))
	amount := money.Amount(50 + b.rng.IntN(900))
	switch kind {
	case "hold", "redeem":
		if kind == "hold" {
			it.say("hold", id)
		}
		it.say("purchase", it.amount(amount*money.Amount(1+b.rng.IntN(5))))
	case "commit":
		if b.rng.IntN(4) > 0 {
			it.say("hold", id)
			if b.rng.IntN(2) == 0 {
				return
			}
		}
	case "cancel":
		it.say("hold", id)
		return
	}
	it.say("amount", it.amount(amount))
	if wallet != "" && it.Receipt.Attribute("hold") == "" || wallet != "" && kind == "hold" {
		it.say("wallet", wallet)
	}
}

func adjustment(b *builder, it *Item, _ uint64) {
	amount := money.Amount(b.rng.IntN(2000) - 400)
	if amount == 0 {
		amount = 100
	}
	it.say("amount", it.amount(amount))
	it.say("reason", "goodwill")
	if b.rng.IntN(2) == 0 {
		it.say("wallet", "points")
	}
	if amount > 0 && b.rng.IntN(2) == 0 {
		it.say("expires", (it.Receipt.BusinessDate + retail.Date(30+b.rng.IntN(300))).String())
	}
}
