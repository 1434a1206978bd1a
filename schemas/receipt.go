package schemas

import "cagnotte/pipeline/retail"

// Numbers of symbols of the receipt's enums. A test holds them against the schema.
const (
	receiptTypeSymbols  = uint8(retail.Void) + 1
	channelSymbols      = uint8(retail.Delivery) + 1
	captureSymbols      = uint8(retail.AfterSale) + 1
	lineKindSymbols     = uint8(retail.Service) + 1
	unitSymbols         = uint8(retail.Metre) + 1
	discountKindSymbols = uint8(retail.Manual) + 1
	tenderTypeSymbols   = uint8(retail.OtherTender) + 1
)

// Least bytes that one item takes: each field is at least one byte.
const (
	minLine      = 17
	minDiscount  = 4
	minTax       = 3
	minTender    = 2
	minString    = 1
	minAttribute = 2
)

// maxAttributes bounds the extension map: the schema asks for 32, and keys are compared with each other.
const maxAttributes = 256

// maxKeptLines bounds the memory that a reused receipt keeps after a monster.
const maxKeptLines = 4096

func appendReceipt(dst []byte, r *retail.Receipt) []byte {
	dst = appendStr(dst, r.ID)
	dst = appendEnum(dst, r.Type, receiptTypeSymbols)
	dst = appendBool(dst, r.Training)
	dst = appendStr(dst, r.Shop.ID)
	dst = appendOptStr(dst, r.Shop.GLN)
	dst = appendOptStr(dst, r.Shop.Banner)
	dst = appendStr(dst, r.Shop.Country)
	dst = appendStr(dst, r.TerminalID)
	dst = appendOptStr(dst, r.OperatorID)
	dst = appendLong(dst, int64(r.BusinessDate))
	dst = appendLong(dst, r.SequenceNo)
	dst = appendOptInstant(dst, r.StartedAt)
	dst = appendLong(dst, int64(r.EndedAt))
	dst = appendLong(dst, int64(r.UTCOffsetMin))
	dst = appendEnum(dst, r.Channel, channelSymbols)
	dst = appendStr(dst, r.Currency)
	dst = appendLoyalty(dst, &r.Loyalty)
	dst = appendBlock(dst, len(r.Lines))
	for i := range r.Lines {
		dst = appendLine(dst, &r.Lines[i])
	}
	dst = appendDiscounts(appendEnd(dst), r.Discounts)
	return appendReceiptTail(dst, r)
}

// appendReceiptTail writes what follows the lines and basket discounts.
func appendReceiptTail(dst []byte, r *retail.Receipt) []byte {
	dst = appendBlock(dst, len(r.Taxes))
	for i := range r.Taxes {
		dst = appendLong(dst, int64(r.Taxes[i].VATRateBP))
		dst = appendLong(dst, int64(r.Taxes[i].Taxable))
		dst = appendLong(dst, int64(r.Taxes[i].Tax))
	}
	dst = appendBlock(appendEnd(dst), len(r.Tenders))
	for i := range r.Tenders {
		dst = appendEnum(dst, r.Tenders[i].Type, tenderTypeSymbols)
		dst = appendLong(dst, int64(r.Tenders[i].Amount))
	}
	dst = appendLong(appendEnd(dst), int64(r.Total))
	dst = appendLong(dst, int64(r.Tax))
	dst = appendBlock(dst, len(r.Coupons))
	for _, c := range r.Coupons {
		dst = appendStr(dst, c)
	}
	dst = appendOriginal(appendEnd(dst), &r.Original)
	dst = appendSource(dst, &r.Source)
	dst = appendBlock(dst, len(r.Attributes))
	for i := range r.Attributes {
		dst = appendStr(dst, r.Attributes[i].Key)
		dst = appendStr(dst, r.Attributes[i].Value)
	}
	return appendEnd(dst)
}

func appendLoyalty(dst []byte, l *retail.Loyalty) []byte {
	if *l == (retail.Loyalty{}) {
		return append(dst, 0)
	}
	dst = appendStr(append(dst, 2), l.AccountID)
	dst = appendStr(dst, l.ProgramID)
	return appendEnum(dst, l.Capture, captureSymbols)
}

func appendLine(dst []byte, l *retail.Line) []byte {
	dst = appendLong(dst, int64(l.No))
	dst = appendEnum(dst, l.Kind, lineKindSymbols)
	dst = appendOptStr(dst, l.GTIN)
	dst = appendOptStr(dst, l.SKU)
	dst = appendOptStr(dst, l.Description)
	dst = appendOptStr(dst, l.Department)
	dst = appendOptStr(dst, l.Category)
	dst = appendOptStr(dst, l.Brand)
	dst = appendLong(dst, l.QuantityMilli)
	dst = appendEnum(dst, l.Unit, unitSymbols)
	dst = appendLong(dst, int64(l.UnitPrice))
	dst = appendLong(dst, int64(l.Gross))
	dst = appendLong(dst, int64(l.Net))
	dst = appendLong(dst, int64(l.VATRateBP))
	dst = appendDiscounts(dst, l.Discounts)
	dst = appendBool(dst, !l.Ineligible)
	if l.ReturnOfLine == 0 {
		return append(dst, 0)
	}
	return appendLong(append(dst, 2), int64(l.ReturnOfLine))
}

func appendDiscounts(dst []byte, list []retail.Discount) []byte {
	dst = appendBlock(dst, len(list))
	for i := range list {
		dst = appendLong(dst, int64(list[i].Amount))
		dst = appendEnum(dst, list[i].Kind, discountKindSymbols)
		dst = appendOptStr(dst, list[i].PromotionID)
		dst = appendOptStr(dst, list[i].FundedBy)
	}
	return appendEnd(dst)
}

func appendOriginal(dst []byte, o *retail.Original) []byte {
	if !o.Given {
		return append(dst, 0)
	}
	dst = appendOptStr(append(dst, 2), o.ReceiptID)
	dst = appendStr(dst, o.ShopID)
	dst = appendStr(dst, o.TerminalID)
	dst = appendLong(dst, int64(o.BusinessDate))
	dst = appendLong(dst, o.SequenceNo)
	return appendOptStr(dst, o.Reason)
}

func appendSource(dst []byte, s *retail.Source) []byte {
	if *s == (retail.Source{}) {
		return append(dst, 0)
	}
	dst = appendStr(append(dst, 2), s.POSVendor)
	dst = appendStr(dst, s.POSVersion)
	return appendStr(dst, s.Sender)
}

// readReceipt fills every field of r from the value, so that r needs no reset before; its slices are reused.
func readReceipt(d *reader, r *retail.Receipt) {
	if cap(r.Lines) > maxKeptLines {
		r.Lines = nil
	}
	r.ID = retail.ReceiptID(d.str("receipt_id"))
	r.Type = retail.ReceiptType(d.enum("type", receiptTypeSymbols))
	r.Training = d.bool("training")
	r.Shop.ID = retail.ShopID(d.str("store.store_id"))
	r.Shop.GLN = d.optStr("store.gln")
	r.Shop.Banner = d.optStr("store.banner")
	r.Shop.Country = d.str("store.country")
	r.TerminalID = d.str("terminal_id")
	r.OperatorID = d.optStr("operator_id")
	r.BusinessDate = retail.Date(d.int32("business_date"))
	r.SequenceNo = d.long("sequence_no")
	r.StartedAt = d.optInstant("started_at")
	r.EndedAt = d.instant("ended_at")
	r.UTCOffsetMin = d.int32("utc_offset_min")
	r.Channel = retail.Channel(d.enum("channel", channelSymbols))
	r.Currency = d.str("currency")
	readLoyalty(d, &r.Loyalty)
	readLines(d, r)
	r.Discounts = readDiscounts(d, r.Discounts[:0])
	readReceiptTail(d, r)
}

// readReceiptTail reads what follows the lines and basket discounts.
func readReceiptTail(d *reader, r *retail.Receipt) {
	readTaxes(d, r)
	readTenders(d, r)
	r.Total = d.amount("total_minor")
	r.Tax = d.amount("tax_minor")
	r.Coupons = readStrings(d, "coupons", r.Coupons[:0])
	readOriginal(d, &r.Original)
	readSource(d, &r.Source)
	readAttributes(d, r)
}

func readLoyalty(d *reader, l *retail.Loyalty) {
	if !d.present("loyalty") {
		*l = retail.Loyalty{}
		return
	}
	l.AccountID = retail.AccountID(d.str("loyalty.account_id"))
	l.ProgramID = d.str("loyalty.program_id")
	l.Capture = retail.Capture(d.enum("loyalty.capture", captureSymbols))
}

func readLines(d *reader, r *retail.Receipt) {
	r.Lines = r.Lines[:0]
	for n := d.block("lines", minLine); n > 0; n = d.block("lines", minLine) {
		at := len(r.Lines)
		r.Lines = extend(r.Lines, n)
		for i := at; i < at+n; i++ {
			readLine(d, &r.Lines[i])
			if d.detail != "" {
				d.within("lines", i)
				return
			}
		}
	}
}

func readLine(d *reader, l *retail.Line) {
	l.No = d.int32("line_no")
	l.Kind = retail.LineKind(d.enum("kind", lineKindSymbols))
	l.GTIN = d.optStr("gtin")
	l.SKU = d.optStr("sku")
	l.Description = d.optStr("description")
	l.Department = d.optStr("department")
	l.Category = d.optStr("category")
	l.Brand = d.optStr("brand")
	l.QuantityMilli = d.long("quantity_milli")
	l.Unit = retail.Unit(d.enum("unit", unitSymbols))
	l.UnitPrice = d.amount("unit_price_minor")
	l.Gross = d.amount("gross_minor")
	l.Net = d.amount("net_minor")
	l.VATRateBP = d.int32("vat_rate_bp")
	l.Discounts = readDiscounts(d, l.Discounts[:0])
	l.Ineligible = !d.bool("loyalty_eligible")
	l.ReturnOfLine = 0
	if d.present("return_of_line") {
		l.ReturnOfLine = d.int32("return_of_line")
	}
}

func readDiscounts(d *reader, list []retail.Discount) []retail.Discount {
	for n := d.block("discounts", minDiscount); n > 0; n = d.block("discounts", minDiscount) {
		at := len(list)
		list = extend(list, n)
		for i := at; i < at+n; i++ {
			list[i].Amount = d.amount("amount_minor")
			list[i].Kind = retail.DiscountKind(d.enum("kind", discountKindSymbols))
			list[i].PromotionID = d.optStr("promotion_id")
			list[i].FundedBy = d.optStr("funded_by")
			if d.within("discounts", i) {
				return list
			}
		}
	}
	return list
}

func readTaxes(d *reader, r *retail.Receipt) {
	r.Taxes = r.Taxes[:0]
	for n := d.block("taxes", minTax); n > 0; n = d.block("taxes", minTax) {
		at := len(r.Taxes)
		r.Taxes = extend(r.Taxes, n)
		for i := at; i < at+n; i++ {
			t := &r.Taxes[i]
			t.VATRateBP = d.int32("vat_rate_bp")
			t.Taxable = d.amount("taxable_minor")
			t.Tax = d.amount("tax_minor")
			if d.within("taxes", i) {
				return
			}
		}
	}
}

func readTenders(d *reader, r *retail.Receipt) {
	r.Tenders = r.Tenders[:0]
	for n := d.block("tenders", minTender); n > 0; n = d.block("tenders", minTender) {
		at := len(r.Tenders)
		r.Tenders = extend(r.Tenders, n)
		for i := at; i < at+n; i++ {
			r.Tenders[i].Type = retail.TenderType(d.enum("type", tenderTypeSymbols))
			r.Tenders[i].Amount = d.amount("amount_minor")
			if d.within("tenders", i) {
				return
			}
		}
	}
}

func readStrings(d *reader, field string, list []string) []string {
	for n := d.block(field, minString); n > 0; n = d.block(field, minString) {
		for range n {
			list = append(list, d.str(field))
			if d.detail != "" {
				return list
			}
		}
	}
	return list
}

func readOriginal(d *reader, o *retail.Original) {
	*o = retail.Original{Given: d.present("original")}
	if !o.Given {
		return
	}
	o.ReceiptID = retail.ReceiptID(d.optStr("original.receipt_id"))
	o.ShopID = retail.ShopID(d.str("original.store_id"))
	o.TerminalID = d.str("original.terminal_id")
	o.BusinessDate = retail.Date(d.int32("original.business_date"))
	o.SequenceNo = d.long("original.sequence_no")
	o.Reason = d.optStr("original.reason")
}

func readSource(d *reader, s *retail.Source) {
	*s = retail.Source{}
	if !d.present("source") {
		return
	}
	s.POSVendor = d.str("source.pos_vendor")
	s.POSVersion = d.str("source.pos_version")
	s.Sender = d.str("source.sender")
}

// readAttributes reads the extension map. Of a key that comes twice the last value holds, as in every reader of Avro maps.
func readAttributes(d *reader, r *retail.Receipt) {
	r.Attributes = r.Attributes[:0]
	for n := d.block("attributes", minAttribute); n > 0; n = d.block("attributes", minAttribute) {
		if len(r.Attributes)+n > maxAttributes {
			d.fail("attributes", "more than 256 pairs")
			return
		}
		for range n {
			key, value := d.str("attributes"), d.str("attributes")
			if d.detail != "" {
				return
			}
			setAttribute(r, key, value)
		}
	}
}

func setAttribute(r *retail.Receipt, key, value string) {
	for i := range r.Attributes {
		if r.Attributes[i].Key == key {
			r.Attributes[i].Value = value
			return
		}
	}
	r.Attributes = append(r.Attributes, retail.Attribute{Key: key, Value: value})
}
