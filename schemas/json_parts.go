package schemas

import (
	"fmt"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

func (d *jsonReceipt) store(s *retail.Shop) {
	s.Country = "FR"
	d.fields(&storeFields, func(name string) {
		switch name {
		case "store_id":
			s.ID = retail.ShopID(d.text())
		case "gln":
			s.GLN = d.text()
		case "banner":
			s.Banner = d.text()
		case "country":
			s.Country = d.text()
		}
	})
}

func (d *jsonReceipt) loyalty(l *retail.Loyalty) {
	l.ProgramID = "default"
	d.fields(&loyaltyFields, func(name string) {
		switch name {
		case "account_id":
			l.AccountID = retail.AccountID(d.text())
		case "program_id":
			l.ProgramID = d.text()
		case "capture":
			l.Capture = symbolOf(d, retail.ParseCapture, retail.Capture.String, retail.AfterSale)
		}
	})
}

func (d *jsonReceipt) lineInto(lines []retail.Line) []retail.Line {
	lines = extend(lines, 1)
	l := &lines[len(lines)-1]
	*l = retail.Line{Kind: retail.SaleLine, QuantityMilli: 1000, Unit: retail.Each, Discounts: l.Discounts[:0], Labels: l.Labels[:0]}
	d.fields(&lineFields, func(name string) { d.lineField(l, name) })
	return lines
}

func (d *jsonReceipt) lineField(l *retail.Line, name string) {
	switch name {
	case "line_no":
		l.No = d.int32()
	case "unit_price_minor":
		l.UnitPrice = d.amount()
	case "gross_minor":
		l.Gross = d.amount()
	case "net_minor":
		l.Net = d.amount()
	case "vat_rate_bp":
		l.VATRateBP = d.int32()
	case "kind":
		l.Kind = symbolOf(d, retail.ParseLineKind, retail.LineKind.String, retail.Service)
	case "quantity_milli":
		l.QuantityMilli = d.long("quantities are integers in thousandths: 1.5 kg is 1500")
	case "unit":
		l.Unit = symbolOf(d, retail.ParseUnit, retail.Unit.String, retail.Metre)
	case "discounts":
		l.Discounts = d.discounts(l.Discounts)
	case "loyalty_eligible":
		l.Ineligible = !d.bool()
	case "return_of_line":
		l.ReturnOfLine = d.int32()
	case "labels":
		d.list(func(int) { l.Labels = append(l.Labels, d.text()) })
	default:
		d.lineText(l, name)
	}
}

func (d *jsonReceipt) lineText(l *retail.Line, name string) {
	value := d.text()
	switch name {
	case "gtin":
		l.GTIN = value
	case "sku":
		l.SKU = value
	case "description":
		l.Description = value
	case "department":
		l.Department = value
	case "category":
		l.Category = value
	case "brand":
		l.Brand = value
	}
}

func (d *jsonReceipt) discounts(list []retail.Discount) []retail.Discount {
	d.list(func(int) {
		x := retail.Discount{Kind: retail.Promotion}
		d.fields(&discountFields, func(name string) {
			switch name {
			case "amount_minor":
				x.Amount = d.amount()
			case "kind":
				x.Kind = symbolOf(d, retail.ParseDiscountKind, retail.DiscountKind.String, retail.Manual)
			case "promotion_id":
				x.PromotionID = d.text()
			case "funded_by":
				x.FundedBy = d.text()
			}
		})
		list = append(list, x)
	})
	return list
}

func (d *jsonReceipt) taxTotal() (t retail.TaxTotal) {
	d.fields(&taxFields, func(name string) {
		switch name {
		case "vat_rate_bp":
			t.VATRateBP = d.int32()
		case "taxable_minor":
			t.Taxable = d.amount()
		case "tax_minor":
			t.Tax = d.amount()
		}
	})
	return t
}

func (d *jsonReceipt) tenderOf() (t retail.Tender) {
	d.fields(&tenderFields, func(name string) {
		switch name {
		case "type":
			t.Type = symbolOf(d, retail.ParseTenderType, retail.TenderType.String, retail.OtherTender)
		case "amount_minor":
			t.Amount = d.amount()
		}
	})
	return t
}

func (d *jsonReceipt) original(o *retail.Original) {
	o.Given = true
	d.fields(&originalFields, func(name string) {
		switch name {
		case "receipt_id":
			o.ReceiptID = retail.ReceiptID(d.text())
		case "store_id":
			o.ShopID = retail.ShopID(d.text())
		case "terminal_id":
			o.TerminalID = d.text()
		case "business_date":
			o.BusinessDate = d.date()
		case "sequence_no":
			o.SequenceNo = d.long("")
		case "reason":
			o.Reason = d.text()
		}
	})
}

func (d *jsonReceipt) source(s *retail.Source) {
	s.Sender = "kafka"
	d.fields(&sourceFields, func(name string) {
		switch name {
		case "pos_vendor":
			s.POSVendor = d.text()
		case "pos_version":
			s.POSVersion = d.text()
		case "sender":
			s.Sender = d.text()
		}
	})
}

// attributes reads the extension map; its keys are free, but none may come twice.
func (d *jsonReceipt) attributes(r *retail.Receipt) {
	if !d.open('{', "an object") {
		return
	}
	for first := true; d.more('}', first) && d.problem == nil; first = false {
		key := d.str("a name in quotes")
		if d.problem != nil {
			return
		}
		d.enter(key)
		d.attribute(r, key)
		d.leave()
	}
}

func (d *jsonReceipt) attribute(r *retail.Receipt, key string) {
	if d.peek() != ':' {
		d.want("a colon", "")
		return
	}
	d.pos++
	for i := range r.Attributes {
		if r.Attributes[i].Key == key {
			d.refuse("a second value", "one value", "each attribute may come once")
			return
		}
	}
	if len(r.Attributes) == maxAttributes {
		d.refuse("one more attribute", fmt.Sprintf("at most %d attributes", maxAttributes), "keep what rules need")
		return
	}
	r.Attributes = append(r.Attributes, retail.Attribute{Key: key, Value: d.text()})
}

func (d *jsonReceipt) text() string { return d.str("text in quotes") }

func (d *jsonReceipt) amount() money.Amount {
	return money.Amount(d.long("amounts are integers in minor units: 12.50 EUR is 1250"))
}

// symbolOf reads an enum's symbol.
func symbolOf[T ~uint8](d *jsonReceipt, parse func(string) (T, bool), name func(T) string, last T) T {
	at := d.pos
	text := d.text()
	v, ok := parse(text)
	if d.problem != nil || ok {
		return v
	}
	names := make([]string, 0, last+1)
	for i := T(0); i <= last; i++ {
		names = append(names, name(i))
	}
	hint := didYouMean(strings.ToUpper(text), names)
	if !strings.HasPrefix(hint, "did") {
		hint = "symbols are upper case"
	}
	d.pos = at
	d.want(oneOf(names), hint)
	return 0
}

// endedAt reads the close of the receipt, and the shop's local time from it when it carries an offset.
func (d *jsonReceipt) endedAt(l *local) retail.Instant {
	at, offset, known := d.instant()
	if known {
		l.known, l.offsetMin = true, offset
		l.day = retail.Date(floorDiv(int64(at)+int64(offset)*60_000, 86_400_000))
	}
	return at
}

// instant reads RFC 3339 or milliseconds since 1970. zoned says that an offset was written, in minutes; Z says nothing about the shop.
func (d *jsonReceipt) instant() (at retail.Instant, offsetMin int32, zoned bool) {
	const expected = "an instant: RFC 3339 text or milliseconds since 1970"
	if d.peek() != '"' {
		return retail.Instant(d.long("write 2026-12-01T18:30:00+01:00, or milliseconds since 1970")), 0, false
	}
	from := d.pos
	text := d.str(expected)
	t, err := time.Parse(time.RFC3339, text)
	if d.problem != nil {
		return 0, 0, false
	}
	if err != nil {
		d.pos = from
		d.want(expected, "write 2026-12-01T18:30:00+01:00")
		return 0, 0, false
	}
	_, offset := t.Zone()
	return retail.Instant(t.UnixMilli()), int32(offset / 60), !strings.HasSuffix(text, "Z")
}

// date reads YYYY-MM-DD, or the number of days since 1970 as Avro has it.
func (d *jsonReceipt) date() retail.Date {
	if d.peek() != '"' {
		return retail.Date(d.int32())
	}
	from := d.pos
	date, err := retail.ParseDate(d.text())
	if err != nil && d.problem == nil {
		d.pos = from
		d.want("a day as YYYY-MM-DD", "the shop's business day, such as 2026-12-01")
	}
	return date
}

// floorDiv divides towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
