package schemas

import (
	"strconv"
	"time"
	"unicode/utf8"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// jsonWriter appends one JSON text. Names are constants and need no escape.
type jsonWriter struct{ b []byte }

// name starts a member of an object.
func (w *jsonWriter) name(n string) {
	if last := w.b[len(w.b)-1]; last != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), n...), '"', ':')
}

func (w *jsonWriter) str(name, s string) {
	w.name(name)
	w.b = appendJSONString(w.b, s)
}

// opt writes a text that may be absent.
func (w *jsonWriter) opt(name, s string) {
	if s != "" {
		w.str(name, s)
	}
}

func (w *jsonWriter) long(name string, v int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, v, 10)
}

func (w *jsonWriter) amount(name string, v money.Amount) { w.long(name, int64(v)) }

// item starts an element of an array.
func (w *jsonWriter) item() {
	if w.b[len(w.b)-1] != '[' {
		w.b = append(w.b, ',')
	}
}

// list writes an array of n elements, and nothing when there are none.
func (w *jsonWriter) list(name string, n int, item func(i int)) {
	if n == 0 {
		return
	}
	w.name(name)
	w.b = append(w.b, '[')
	for i := range n {
		w.item()
		item(i)
	}
	w.b = append(w.b, ']')
}

// EncodeReceiptJSON appends the plain JSON form of r, which DecodeReceiptJSON reads back to the same receipt. Absent optional fields are left
// out. Instants carry the shop's offset.
func EncodeReceiptJSON(dst []byte, r *retail.Receipt) []byte {
	w := jsonWriter{append(dst, '{')}
	w.str("receipt_id", string(r.ID))
	w.str("type", r.Type.String())
	if r.Training {
		w.name("training")
		w.b = append(w.b, "true"...)
	}
	if r.Type != retail.Event || r.Shop != (retail.Shop{}) {
		w.store(&r.Shop)
	}
	if r.Type != retail.Event || r.TerminalID != "" {
		w.str("terminal_id", r.TerminalID)
	}
	w.opt("operator_id", r.OperatorID)
	w.date("business_date", r.BusinessDate)
	w.long("sequence_no", r.SequenceNo)
	if r.StartedAt != 0 {
		w.instant("started_at", r.StartedAt, r.UTCOffsetMin)
	}
	w.instant("ended_at", r.EndedAt, r.UTCOffsetMin)
	w.long("utc_offset_min", int64(r.UTCOffsetMin))
	w.str("channel", r.Channel.String())
	w.str("currency", r.Currency)
	w.loyalty(&r.Loyalty)
	w.list("lines", len(r.Lines), func(i int) { w.line(&r.Lines[i]) })
	w.discounts(r.Discounts)
	w.totals(r)
	w.original(&r.Original)
	w.source(&r.Source)
	w.attributes(r.Attributes)
	return append(w.b, '}')
}

func (w *jsonWriter) store(s *retail.Shop) {
	w.name("store")
	w.b = append(w.b, '{')
	w.str("store_id", string(s.ID))
	w.opt("gln", s.GLN)
	w.opt("banner", s.Banner)
	w.str("country", s.Country)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) loyalty(l *retail.Loyalty) {
	if *l == (retail.Loyalty{}) {
		return
	}
	w.name("loyalty")
	w.b = append(w.b, '{')
	w.str("account_id", string(l.AccountID))
	w.str("program_id", l.ProgramID)
	w.str("capture", l.Capture.String())
	w.b = append(w.b, '}')
}

func (w *jsonWriter) line(l *retail.Line) {
	w.b = append(w.b, '{')
	w.long("line_no", int64(l.No))
	w.str("kind", l.Kind.String())
	w.opt("gtin", l.GTIN)
	w.opt("sku", l.SKU)
	w.opt("description", l.Description)
	w.opt("department", l.Department)
	w.opt("category", l.Category)
	w.opt("brand", l.Brand)
	w.long("quantity_milli", l.QuantityMilli)
	w.str("unit", l.Unit.String())
	w.amount("unit_price_minor", l.UnitPrice)
	w.amount("gross_minor", l.Gross)
	w.amount("net_minor", l.Net)
	w.long("vat_rate_bp", int64(l.VATRateBP))
	w.discounts(l.Discounts)
	if l.Ineligible {
		w.name("loyalty_eligible")
		w.b = append(w.b, "false"...)
	}
	if l.ReturnOfLine != 0 {
		w.long("return_of_line", int64(l.ReturnOfLine))
	}
	w.list("labels", len(l.Labels), func(i int) { w.b = appendJSONString(w.b, l.Labels[i]) })
	w.b = append(w.b, '}')
}

func (w *jsonWriter) discounts(list []retail.Discount) {
	w.list("discounts", len(list), func(i int) {
		w.b = append(w.b, '{')
		w.amount("amount_minor", list[i].Amount)
		w.str("kind", list[i].Kind.String())
		w.opt("promotion_id", list[i].PromotionID)
		w.opt("funded_by", list[i].FundedBy)
		w.b = append(w.b, '}')
	})
}

func (w *jsonWriter) totals(r *retail.Receipt) {
	w.list("taxes", len(r.Taxes), func(i int) {
		w.b = append(w.b, '{')
		w.long("vat_rate_bp", int64(r.Taxes[i].VATRateBP))
		w.amount("taxable_minor", r.Taxes[i].Taxable)
		w.amount("tax_minor", r.Taxes[i].Tax)
		w.b = append(w.b, '}')
	})
	w.list("tenders", len(r.Tenders), func(i int) {
		w.b = append(w.b, '{')
		w.str("type", r.Tenders[i].Type.String())
		w.amount("amount_minor", r.Tenders[i].Amount)
		w.b = append(w.b, '}')
	})
	w.amount("total_minor", r.Total)
	w.amount("tax_minor", r.Tax)
	w.list("coupons", len(r.Coupons), func(i int) { w.b = appendJSONString(w.b, r.Coupons[i]) })
}

func (w *jsonWriter) original(o *retail.Original) {
	if !o.Given {
		return
	}
	w.name("original")
	w.b = append(w.b, '{')
	w.opt("receipt_id", string(o.ReceiptID))
	w.opt("store_id", string(o.ShopID))
	w.opt("terminal_id", o.TerminalID)
	if o.BusinessDate != 0 {
		w.date("business_date", o.BusinessDate)
	}
	if o.SequenceNo != 0 {
		w.long("sequence_no", o.SequenceNo)
	}
	w.opt("reason", o.Reason)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) source(s *retail.Source) {
	if *s == (retail.Source{}) {
		return
	}
	w.name("source")
	w.b = append(w.b, '{')
	w.opt("pos_vendor", s.POSVendor)
	w.opt("pos_version", s.POSVersion)
	w.str("sender", s.Sender)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) attributes(list []retail.Attribute) {
	if len(list) == 0 {
		return
	}
	w.name("attributes")
	w.b = append(w.b, '{')
	for i := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = append(appendJSONString(w.b, list[i].Key), ':')
		w.b = appendJSONString(w.b, list[i].Value)
	}
	w.b = append(w.b, '}')
}

// maxZoneMin is the largest offset that RFC 3339 can write: 23:59.
const maxZoneMin = 24*60 - 1

// instant writes RFC 3339 with the shop's offset; what that cannot carry is written in milliseconds.
func (w *jsonWriter) instant(name string, at retail.Instant, offsetMin int32) {
	if offsetMin > maxZoneMin || offsetMin < -maxZoneMin {
		offsetMin = 0
	}
	t := time.UnixMilli(int64(at)).In(time.FixedZone("", int(offsetMin)*60))
	if year := t.Year(); year < 0 || year > 9999 || at > maxMilli || at < -maxMilli {
		w.long(name, int64(at))
		return
	}
	w.name(name)
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, "2006-01-02T15:04:05.999Z07:00")
	w.b = append(w.b, '"')
}

// maxMilli keeps instants within what the calendar arithmetic carries exactly.
const maxMilli = 1 << 50

// date writes YYYY-MM-DD; a year of more than four digits is written as days since 1970.
func (w *jsonWriter) date(name string, d retail.Date) {
	if text := d.String(); len(text) == len(time.DateOnly) && text[0] != '-' {
		w.str(name, text)
		return
	}
	w.long(name, int64(d))
}

// appendJSONString appends s in quotes. Bytes that are not UTF-8 become U+FFFD.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size - 1
		}
		i++
	}
	return append(dst, '"')
}
