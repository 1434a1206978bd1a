package model

import (
	"cagnotte/loadtest/wire"
)

// basket is a receipt as campaigns see it: frozen, with the basket discounts already inside the lines.
type basket struct {
	id      string
	account string
	kind    string // SALE, EXCHANGE, EVENT
	endedAt int64
	shop    string
	banner  string
	country string
	channel string
	total   int64
	lines   []line

	coupons  []string
	event    string // what happened, of an EVENT
	operator string
}

// line is one position with the price paid.
type line struct {
	no                                     int32
	kind                                   string
	category, brand, gtin, sku, department string
	unit                                   string
	labels                                 []string
	quantity                               int64
	paid                                   int64 // net less this line's part of the basket discounts
	net                                    int64 // as the till wrote it
	gross                                  int64 // before the till's discounts
	bought                                 int64 // paid when it was sold, whatever came back since
	eligible                               bool
	never                                  bool  // the law forbids any reward
	productPPM, allPPM                     int64 // the law's largest share of the price, for rewards attached to products and for all; 0: no limit
}

// newBasket copies what is needed of a receipt; texts are shared through the pool.
func newBasket(r *wire.Receipt, pool *texter) *basket {
	b := &basket{
		id: r.ID, account: r.Account(), kind: r.Type, endedAt: r.EndedAt, total: r.Total,
		event: pool.of(r.Event()), operator: pool.of(r.OperatorID), shop: pool.of(r.Store.ID), banner: pool.of(r.Store.Banner), country: pool.of(r.Store.Country), channel: pool.of(r.Channel),
		lines: make([]line, len(r.Lines)),
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		b.lines[i] = line{
			no: l.No, kind: pool.of(l.Kind), category: pool.of(l.Category), brand: pool.of(l.Brand), gtin: pool.of(l.GTIN), sku: pool.of(l.SKU),
			department: pool.of(l.Department), unit: pool.of(l.Unit), quantity: l.Quantity, net: l.Net, paid: l.Net, gross: l.Gross, eligible: l.Eligible,
			labels: pool.all(l.Labels),
		}
	}
	b.coupons = pool.all(r.Coupons)
	if b.kind == "EVENT" && len(b.lines) == 0 {
		b.lines = []line{{kind: "SERVICE", unit: "EA", quantity: 1000, eligible: true}} // what happened, once
	}
	b.allocate(r.Discounts)
	for i := range b.lines {
		b.lines[i].bought = b.lines[i].paid
	}
	return b
}

// allocate puts the basket discounts into the lines with a positive net, by largest remainder; no line falls below zero.
func (b *basket) allocate(discounts []wire.Discount) {
	total, sum := int64(0), int64(0)
	for _, d := range discounts {
		total += d.Amount
	}
	var at []int
	var weights []int64
	for i := range b.lines {
		if b.lines[i].net > 0 {
			at, weights = append(at, i), append(weights, b.lines[i].net)
			sum += b.lines[i].net
		}
	}
	for k, part := range spread(max(total, -sum), weights) {
		b.lines[at[k]].paid += part
	}
}

// pieces counts whole pieces; what is weighed or poured counts one, and one less when it comes back in an exchange.
func (l *line) pieces() int64 {
	switch {
	case l.unit == "EA":
		return l.quantity / 1000
	case l.paid > 0:
		return 1
	case l.paid < 0:
		return -1
	}
	return 0
}

// texter keeps one copy of each text, as a million receipts name the same few thousand.
type texter struct{ seen map[string]string }

func newTexter() *texter { return &texter{seen: map[string]string{}} }

func (t *texter) all(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, t.of(s))
	}
	return out
}

func (t *texter) of(s string) string {
	if s == "" {
		return ""
	}
	if k, ok := t.seen[s]; ok {
		return k
	}
	k := string(append([]byte(nil), s...))
	t.seen[k] = k
	return k
}
