package rules

import (
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

func (n node) line() int {
	if n.at == nil || n.at.Position == nil {
		return 0
	}
	return n.at.Position.Line
}

// signedAmount reads an amount of any sign; nil when absent.
func (n node) signedAmount() *money.Amount {
	if !n.given() {
		return nil
	}
	const want = "an amount such as 1.20"
	s, ok := n.scalar(want)
	if !ok {
		return nil
	}
	a, err := money.Parse(s)
	if err != nil || a.Abs() > maxAmount {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return nil
	}
	return &a
}

func (n node) amountOrZero() money.Amount {
	if a := n.signedAmount(); a != nil {
		return *a
	}
	return 0
}

// testReceipt reads a receipt that closed at the instant unless it says otherwise.
func (n node) testReceipt(c *Campaign, r *retail.Receipt, id string, at retail.Instant) {
	if !n.given() {
		return
	}
	k := n.keys("lines", "store", "at", "channel", "account", "discount", "total", "id", "operator", "coupons")
	r.ID, r.Type, r.Currency, r.EndedAt = retail.ReceiptID(id), retail.Sale, "EUR", at
	if v := child(k, n, "id"); v.given() {
		r.ID = retail.ReceiptID(v.text(128))
	}
	if v := child(k, n, "at"); v.given() {
		r.EndedAt = v.instant()
	}
	r.OperatorID, r.Coupons = child(k, n, "operator").text(128), child(k, n, "coupons").texts(128)
	r.Shop = child(k, n, "store").testShop(c)
	r.Channel = child(k, n, "channel").testChannel(c)
	r.Loyalty.AccountID = retail.AccountID(child(k, n, "account").text(128))
	for i, v := range child(k, n, "lines").required("at least one line").list() {
		r.Lines = append(r.Lines, v.testLine(int32(i+1)))
		r.Total += r.Lines[i].Net
	}
	if d := child(k, n, "discount").amount(); d != 0 {
		r.Discounts = []retail.Discount{{Amount: -d, Kind: retail.Coupon}}
		r.Total -= d
	}
	if t := child(k, n, "total"); t.given() {
		r.Total = t.amountOrZero()
	}
}

func (n node) instant() retail.Instant {
	const want = "an instant such as 2026-12-02T10:00:00+01:00"
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	t, err := time.Parse(time.RFC3339, s)
	at := retail.Instant(t.UnixMilli())
	if err != nil || at < minInstant || at > maxInstant {
		n.fail(CodeDate, "found "+quoteShort(s), want, "")
		return 0
	}
	return at
}

// testShop reads a shop id or {id, banner, country}; by default a shop that the campaign accepts.
func (n node) testShop(c *Campaign) retail.Shop {
	s := retail.Shop{ID: retail.ShopID(firstOr(c.Stores.IDs, "S001")), Banner: firstOr(c.Stores.Banners, ""), Country: firstOr(c.Stores.Countries, "FR")}
	if !n.given() {
		return s
	}
	if !n.isGroup() {
		s.ID = retail.ShopID(n.text(128))
		return s
	}
	k := n.keys("id", "banner", "country")
	set := func(key string, to *string) {
		if v := child(k, n, key); v.given() {
			*to = v.text(128)
		}
	}
	set("id", (*string)(&s.ID))
	set("banner", &s.Banner)
	set("country", &s.Country)
	return s
}

func firstOr(list []string, or string) string {
	if len(list) > 0 {
		return list[0]
	}
	return or
}

func (n node) testChannel(c *Campaign) retail.Channel {
	if i := n.choice("IN_STORE", "SELF_CHECKOUT", "SCAN_AND_GO", "DRIVE", "ONLINE", "CLICK_COLLECT", "DELIVERY"); i >= 0 {
		return retail.Channel(i + 1)
	}
	if len(c.Channels) > 0 {
		return c.Channels[0]
	}
	return retail.InStore
}

func (n node) testLine(no int32) retail.Line {
	k := n.keys("category", "brand", "gtin", "sku", "department", "labels", "net", "quantity", "unit", "kind", "eligible")
	text := func(key string) string { return child(k, n, key).text(512) }
	l := retail.Line{
		No: no, Kind: retail.SaleLine, Unit: retail.Each, QuantityMilli: 1000,
		Category: text("category"), Brand: text("brand"), GTIN: text("gtin"), SKU: text("sku"), Department: text("department"),
		Labels: child(k, n, "labels").labels(),
		Net:    child(k, n, "net").required("an amount").amountOrZero(),
	}
	if q := child(k, n, "quantity"); q.given() {
		l.QuantityMilli = q.milli()
	}
	if i := child(k, n, "unit").choice("EA", "KGM", "LTR", "MTR"); i >= 0 {
		l.Unit = retail.Unit(i + 1)
	}
	if i := child(k, n, "kind").choice("SALE", "RETURN", "DEPOSIT", "FEE", "GIFT_CARD", "SERVICE"); i >= 0 {
		l.Kind = retail.LineKind(i + 1)
	}
	if i := child(k, n, "eligible").choice("true", "false"); i == 1 {
		l.Ineligible = true
	}
	l.Gross = l.Net
	return l
}
