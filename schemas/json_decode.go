package schemas

import (
	"cagnotte/pipeline/retail"
)

// The objects of the JSON form: names as in receipt.avsc, required ones first. Nobody writes to these tables. business_date and utc_offset_min
// are not required, because ended_at says both when it carries an offset; whether lines are, depends on the type (retail.Policy). An EVENT needs the
// first eventRequired fields alone.
var (
	receiptFields = fieldSet{[]string{"receipt_id", "type", "ended_at", "store", "terminal_id", "sequence_no", "total_minor", "business_date",
		"utc_offset_min", "training", "operator_id", "started_at", "channel", "currency", "loyalty", "lines", "discounts", "taxes", "tenders", "tax_minor",
		"coupons", "original", "source", "attributes"}, 7}
	storeFields   = fieldSet{[]string{"store_id", "gln", "banner", "country"}, 1}
	loyaltyFields = fieldSet{[]string{"account_id", "program_id", "capture"}, 1}
	lineFields    = fieldSet{[]string{"line_no", "unit_price_minor", "gross_minor", "net_minor", "vat_rate_bp", "kind", "gtin", "sku", "description",
		"department", "category", "brand", "quantity_milli", "unit", "discounts", "loyalty_eligible", "return_of_line", "labels"}, 5}
	discountFields = fieldSet{[]string{"amount_minor", "kind", "promotion_id", "funded_by"}, 1}
	taxFields      = fieldSet{[]string{"vat_rate_bp", "taxable_minor", "tax_minor"}, 3}
	tenderFields   = fieldSet{[]string{"type", "amount_minor"}, 2}
	originalFields = fieldSet{[]string{"receipt_id", "store_id", "terminal_id", "business_date", "sequence_no", "reason"}, 0}
	sourceFields   = fieldSet{[]string{"pos_vendor", "pos_version", "sender"}, 0}
)

// eventRequired is how many of receiptFields every receipt must have; the required ones after them are a till's.
const eventRequired = 3

// jsonReceipt reads the parts of a receipt.
type jsonReceipt struct{ jsonReader }

// DecodeReceiptJSON reads the plain JSON form of a receipt into r, whose slices are reused: field names of receipt.avsc, enums as strings,
// instants as RFC 3339 or milliseconds, dates as YYYY-MM-DD; optional fields may be missing or null. When ended_at carries an offset from UTC,
// utc_offset_min and business_date may be missing too. It is strict: the first thing that is not as the schema says is returned with its JSON
// Pointer, and r is left empty. Strings without escapes alias b. What the values mean is checked by retail.Policy, not here.
func DecodeReceiptJSON(b []byte, r *retail.Receipt) *retail.Problem {
	r.Reset()
	d := jsonReceipt{jsonReader{b: b}}
	d.receipt(r)
	d.end()
	if d.problem != nil {
		r.Reset()
	}
	return d.problem
}

// local is what ended_at tells about the shop's clock.
type local struct {
	offsetGiven, dateGiven bool
	known                  bool // ended_at carries an offset from UTC
	offsetMin              int32
	day                    retail.Date
}

func (d *jsonReceipt) receipt(r *retail.Receipt) {
	r.Channel, r.Currency = retail.InStore, "EUR"
	var l local
	seen := d.members(&receiptFields, func(name string) { d.receiptField(r, &l, name) })
	if r.Type == retail.Event {
		d.complete(&fieldSet{receiptFields.names, eventRequired}, seen)
	} else {
		d.complete(&receiptFields, seen)
	}
	if d.problem != nil {
		return
	}
	if !l.offsetGiven {
		r.UTCOffsetMin = l.offsetMin
		d.needLocal(&l, "utc_offset_min")
	}
	if !l.dateGiven {
		r.BusinessDate = l.day
		d.needLocal(&l, "business_date")
	}
}

// needLocal refuses a receipt whose local time cannot be told.
func (d *jsonReceipt) needLocal(l *local, field string) {
	if l.known || d.problem != nil {
		return
	}
	d.enter(field)
	d.refuse("nothing", "a value", "give ended_at with the shop's offset, as in 2026-12-01T18:30:00+01:00, or fill the field")
	d.leave()
}

func (d *jsonReceipt) receiptField(r *retail.Receipt, l *local, name string) {
	switch name {
	case "receipt_id":
		r.ID = retail.ReceiptID(d.text())
	case "type":
		r.Type = symbolOf(d, retail.ParseReceiptType, retail.ReceiptType.String, retail.Event)
	case "store":
		d.store(&r.Shop)
	case "terminal_id":
		r.TerminalID = d.text()
	case "sequence_no":
		r.SequenceNo = d.long("")
	case "ended_at":
		r.EndedAt = d.endedAt(l)
	case "total_minor":
		r.Total = d.amount()
	case "business_date":
		r.BusinessDate, l.dateGiven = d.date(), true
	case "utc_offset_min":
		r.UTCOffsetMin, l.offsetGiven = d.int32(), true
	case "training":
		r.Training = d.bool()
	case "operator_id":
		r.OperatorID = d.text()
	case "started_at":
		r.StartedAt, _, _ = d.instant()
	default:
		d.receiptPart(r, name)
	}
}

// receiptPart reads the fields that are lists or objects, and the plain ones that come among them.
func (d *jsonReceipt) receiptPart(r *retail.Receipt, name string) {
	switch name {
	case "channel":
		r.Channel = symbolOf(d, retail.ParseChannel, retail.Channel.String, retail.Delivery)
	case "currency":
		r.Currency = d.text()
	case "loyalty":
		d.loyalty(&r.Loyalty)
	case "lines":
		d.list(func(int) { r.Lines = d.lineInto(r.Lines) })
	case "discounts":
		r.Discounts = d.discounts(r.Discounts)
	case "taxes":
		d.list(func(int) { r.Taxes = append(r.Taxes, d.taxTotal()) })
	case "tenders":
		d.list(func(int) { r.Tenders = append(r.Tenders, d.tenderOf()) })
	case "tax_minor":
		r.Tax = d.amount()
	case "coupons":
		d.list(func(int) { r.Coupons = append(r.Coupons, d.text()) })
	case "original":
		d.original(&r.Original)
	case "source":
		d.source(&r.Source)
	case "attributes":
		d.attributes(r)
	}
}
