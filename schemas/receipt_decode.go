package schemas

import "cagnotte/pipeline/retail"

// receiptEvents is the version of the receipt's schema that brought the type EVENT and, last in a line, its labels. The bytes of earlier ones, which
// topics and archives are full of, are read by the same code.
const receiptEvents = 3

// readReceipt fills every field of r from the value, so that r needs no reset before; its slices are reused.
func readReceipt(d *reader, r *retail.Receipt) {
	types := receiptTypeSymbols
	if d.version < receiptEvents {
		types = tillTypeSymbols
	}
	if cap(r.Lines) > maxKeptLines {
		r.Lines = nil
	}
	r.ID = retail.ReceiptID(d.str("receipt_id"))
	r.Type = retail.ReceiptType(d.enum("type", types))
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
			if !readUsualLine(d, &r.Lines[i]) {
				readLine(d, &r.Lines[i])
			}
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
	l.Labels = l.Labels[:0]
	if d.version >= receiptEvents {
		l.Labels = readLabels(d, l.Labels)
	}
}

// readLabels knows at the first byte that a line has none, as most have.
func readLabels(d *reader, list []string) []string {
	if p := d.pos; p < len(d.buf) && d.buf[p] == 0 {
		d.pos = p + 1
		return list
	}
	return readStrings(d, "labels", list)
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
