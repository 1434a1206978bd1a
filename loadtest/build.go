package loadtest

import (
	"math/rand/v2"
	"strconv"
	"unsafe"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// builder makes the sale with a given number. A sale is a pure function of (seed, number, close), so a return or a repeat makes its original again
// instead of keeping it. Not safe for concurrent use.
type builder struct {
	seed    uint64
	catalog *catalog
	network *network
	people  population
	season  *season
	anonBP  int

	exchangeBP uint64
	mechanics  bool
	channels   *[256]retail.Channel
	operators  []string
	buyer      uint64 // of the last sale
	nobody     bool   // the last sale is anonymous
	happenings []happening

	pcg  *rand.PCG
	rng  *rand.Rand
	zipf *rand.Zipf
	hash []byte // scratch of the arms

	day     retail.Date // whose text is cached
	dayText string
}

func newBuilder(o Options, s *season) *builder {
	pcg := rand.NewPCG(o.Seed, 0)
	rng := rand.New(pcg)
	people := newPopulation(o.Members, o.Effects)
	persons := operators
	if o.Trade != nil {
		persons = numbered("op-", o.Trade.Operators)
	}
	return &builder{
		channels: channelTable(o.Trade), operators: persons,
		seed: o.Seed, catalog: newCatalog(shelvesOf(o.Trade), o.Mechanics), network: newNetwork(o.Shops, o.Trade), people: people, season: s, anonBP: o.AnonymousBP, exchangeBP: uint64(o.ExchangeBP), mechanics: o.Mechanics, happenings: happenings(),
		pcg: pcg, rng: rng, zipf: rand.NewZipf(rng, o.ZipfS, o.ZipfV, people.size-1),
	}
}

// sale fills it with sale number n, closed at the instant. The strings of the receipt alias it.text or the catalog: they are valid until the
// item is filled again.
func (b *builder) sale(it *Item, n uint64, at retail.Instant) {
	b.pcg.Seed(b.seed, mix(n))
	r := &it.Receipt
	it.empty()
	bits := b.rng.Uint64()
	member, anonymous := b.member()
	b.buyer, b.nobody = member, anonymous
	sh := b.shopOf(member, anonymous, bits)
	b.header(it, sh, n, at, bits>>16)
	extra := 0
	if !anonymous {
		extra = b.loyalty(it, member, bits>>40)
	}
	b.basket(r, b.lineCount(sh, extra))
	if bits>>50&31 == 0 {
		basketDiscount(r, bits>>56)
	}
	if b.mechanics && bits>>45&15 == 0 {
		r.Coupons = append(r.Coupons, offers[bits>>49&3])
	}
	if mix(n^0xE8C4A26E)%10000 < b.exchangeBP {
		b.exchange(r)
	}
	totals(r, bits>>60)
}

// exchange turns a sale into one that takes an article back.
func (b *builder) exchange(r *retail.Receipt) {
	r.Type = retail.Exchange
	var l retail.Line
	fillLine(&l, 0, b.catalog.draw(b.rng.Uint64()), b.rng.Uint64())
	addReturnLine(r, &l, l.QuantityMilli)
	r.Lines[len(r.Lines)-1].ReturnOfLine = 0
}

func (b *builder) member() (member uint64, anonymous bool) {
	if b.rng.IntN(10000) < b.anonBP {
		return 0, true
	}
	return b.people.member(b.zipf.Uint64()), false
}

// shopOf sends a member to the home shop four times out of five.
func (b *builder) shopOf(member uint64, anonymous bool, bits uint64) *shop {
	if anonymous || bits&0xFF < 51 {
		return b.network.draw(bits >> 8)
	}
	return b.network.draw(mix(member) >> 8)
}

func (b *builder) header(it *Item, sh *shop, n uint64, at retail.Instant, bits uint64) {
	r := &it.Receipt
	_, offset := b.season.at(at)
	r.Type, r.Shop, r.EndedAt, r.UTCOffsetMin = retail.Sale, sh.shop, at, offset
	r.StartedAt = at - retail.Instant(30_000+bits&0x3FFFF)
	r.BusinessDate = retail.Date((int64(at) + int64(offset)*60_000) / 86_400_000)
	r.SequenceNo = int64(n)
	r.TerminalID = terminals[int(bits>>18)%sh.terminals]
	r.OperatorID = b.operators[int(bits>>24&0xFFFF)%len(b.operators)]
	r.Channel = b.channels[bits>>28&0xFF]
	r.Currency = "EUR"
	r.Training = bits>>36&0xFFF == 0
	r.Source = retail.Source{POSVendor: "Lavandin POS", POSVersion: "7.4", Sender: "kafka"}
	r.ID = retail.ReceiptID(it.intern(func(dst []byte) []byte { return b.appendID(dst, r) }))
}

var (
	terminals = numbered("T", 32)
	operators = numbered("op-", 16)
)

func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + pad(i+1, 2)
	}
	return out
}

// channelOf spreads receipts over the channels: mostly the tills.
func channelOf(bits uint64) retail.Channel {
	switch roll := bits & 0xFF; {
	case roll < 150:
		return retail.InStore
	case roll < 195:
		return retail.SelfCheckout
	case roll < 210:
		return retail.ScanAndGo
	case roll < 235:
		return retail.Drive
	case roll < 245:
		return retail.Online
	case roll < 251:
		return retail.ClickCollect
	}
	return retail.Delivery
}

// appendID writes "<store>:<terminal>:<date>:<sequence>", the id that the parts of a reference can be turned into.
func (b *builder) appendID(dst []byte, r *retail.Receipt) []byte {
	if r.BusinessDate != b.day || b.dayText == "" {
		b.day, b.dayText = r.BusinessDate, r.BusinessDate.String()
	}
	dst = append(append(dst, r.Shop.ID...), ':')
	dst = append(append(dst, r.TerminalID...), ':')
	dst = append(append(dst, b.dayText...), ':')
	return strconv.AppendInt(dst, r.SequenceNo, 10)
}

func (b *builder) loyalty(it *Item, member, bits uint64) (extraBP int) {
	account := it.intern(func(dst []byte) []byte { return appendAccount(dst, member) })
	it.Receipt.Loyalty = retail.Loyalty{AccountID: retail.AccountID(account), ProgramID: "default", Capture: retail.Card}
	if bits&3 == 0 {
		it.Receipt.Loyalty.Capture = retail.App
	}
	if len(b.people.effects) == 0 {
		return 0
	}
	b.hash = append(b.hash[:0], account...)
	return b.people.extraLinesBP(b.hash, b.hash[len(b.hash):])
}

// empty clears the receipt and keeps its slices. It does not visit the lines, as fillLine sets every field; and it lets the slice of a receipt with
// thousands of lines go.
func (it *Item) empty() {
	r := &it.Receipt
	lines := r.Lines[:0]
	if cap(lines) > 256 {
		lines = nil
	}
	it.text = it.text[:0]
	it.Receipt = retail.Receipt{
		Lines: lines, Discounts: r.Discounts[:0], Taxes: r.Taxes[:0], Tenders: r.Tenders[:0], Coupons: r.Coupons[:0], Attributes: r.Attributes[:0],
	}
}

// intern writes a text into the item's buffer and returns it as a string that aliases it. When the buffer grows, earlier strings keep the old one.
func (it *Item) intern(write func([]byte) []byte) string {
	start := len(it.text)
	it.text = write(it.text)
	s := it.text[start:]
	return unsafe.String(unsafe.SliceData(s), len(s))
}

// lineCount draws around the shop's mean: the sum of two dice.
func (b *builder) lineCount(sh *shop, extraBP int) int {
	bits := b.rng.Uint64()
	n := 1 + int(bits&0xFFFFF)*(sh.lines-1)>>20 + int(bits>>20&0xFFFFF)*(sh.lines-1)>>20
	if extraBP > 0 {
		more := n * extraBP
		n += more / 10000
		if int(bits>>40)%10000 < more%10000 {
			n++
		}
	}
	return n
}

func (b *builder) basket(r *retail.Receipt, n int) {
	for i := range n {
		bits := b.rng.Uint64()
		fillLine(nextLine(r), int32(i+1), b.catalog.draw(bits), bits>>13)
	}
}

// nextLine extends the lines by one and returns it, with what was in it before.
func nextLine(r *retail.Receipt) *retail.Line {
	n := len(r.Lines)
	if n < cap(r.Lines) {
		r.Lines = r.Lines[:n+1]
	} else {
		r.Lines = append(r.Lines, retail.Line{})
	}
	return &r.Lines[n]
}

func fillLine(l *retail.Line, no int32, p *product, bits uint64) {
	l.No, l.Kind, l.GTIN, l.SKU, l.Description = no, p.kind, p.gtin, p.sku, p.description
	l.Department, l.Category, l.Brand, l.Unit = p.department, p.category, p.brand, p.unit
	l.UnitPrice, l.VATRateBP, l.Ineligible = p.price, p.vatBP, p.ineligible
	l.Discounts, l.ReturnOfLine, l.Labels = l.Discounts[:0], 0, p.labels
	l.QuantityMilli = quantity(p.unit, bits)
	if p.pieces > 0 {
		l.QuantityMilli = 1000 * (1 + int64(bits&0xFFF)*p.pieces>>12)
	}
	l.Gross = (p.price*money.Amount(l.QuantityMilli) + 500) / 1000
	l.Net = l.Gross
	if bits>>24&7 == 0 && p.kind == retail.SaleLine {
		lineDiscount(l, bits>>27)
	}
}

// quantity is mostly one piece; fruit and meat are weighed, fuel is pumped.
func quantity(u retail.Unit, bits uint64) int64 {
	switch u {
	case retail.Kilogram:
		return 150 + int64(bits&0x7FF)
	case retail.Litre:
		return 8_000 + int64(bits&0x7FFF)
	}
	if bits&7 < 6 {
		return 1000
	}
	return 1000 * (2 + int64(bits>>3&3))
}

func lineDiscount(l *retail.Line, bits uint64) {
	off := l.Gross * money.Amount(10+bits&31) / 100
	if off == 0 {
		return
	}
	l.Net -= off
	d := retail.Discount{Amount: -off, Kind: retail.Promotion, PromotionID: promotions[bits>>5&7], FundedBy: "RETAILER"}
	if bits>>8&3 == 0 {
		d.Kind = retail.Markdown
	}
	l.Discounts = append(l.Discounts, d)
}

// offers are the coupons that some members show.
var offers = numbered("offer-", 4)

var promotions = numbered("promo-", 8)

// basketDiscount takes up to a tenth off the whole basket.
func basketDiscount(r *retail.Receipt, bits uint64) {
	var sum money.Amount
	for i := range r.Lines {
		sum += r.Lines[i].Net
	}
	if off := sum * money.Amount(1+bits&7) / 100; off > 0 {
		r.Discounts = append(r.Discounts, retail.Discount{Amount: -off, Kind: retail.Coupon, PromotionID: "basket-coupon", FundedBy: "RETAILER"})
		r.Coupons = append(r.Coupons, "basket-coupon")
	}
}

// totals closes the receipt: total, tax and tender follow from lines and discounts.
func totals(r *retail.Receipt, bits uint64) {
	r.Total, r.Tax = 0, 0
	r.Taxes, r.Tenders = r.Taxes[:0], r.Tenders[:0]
	for i := range r.Lines {
		l := &r.Lines[i]
		r.Total += l.Net
		addTax(r, l)
	}
	for i := range r.Discounts {
		r.Total += r.Discounts[i].Amount
	}
	for i := range r.Taxes {
		r.Tax += r.Taxes[i].Tax
	}
	tender := retail.CardTender
	if bits&3 == 0 {
		tender = retail.Cash
	}
	r.Tenders = append(r.Tenders, retail.Tender{Type: tender, Amount: r.Total})
}

func addTax(r *retail.Receipt, l *retail.Line) {
	tax := l.Net * money.Amount(l.VATRateBP) / money.Amount(10000+l.VATRateBP)
	for i := range r.Taxes {
		if r.Taxes[i].VATRateBP == l.VATRateBP {
			r.Taxes[i].Taxable += l.Net - tax
			r.Taxes[i].Tax += tax
			return
		}
	}
	r.Taxes = append(r.Taxes, retail.TaxTotal{VATRateBP: l.VATRateBP, Taxable: l.Net - tax, Tax: tax})
}
