package sink

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// receipts builds cagnotte_raw.receipts from the receipts topic: the ones that the pipeline accepts, by the same checks.
type receipts struct {
	*table
	codec     *schemas.Codec
	policy    retail.Policy
	partition partitioner
	receipt   retail.Receipt // reused

	id                                                               *proto.ColStr
	kind, shop, gln, banner, country, terminal                       *words
	training, originalGiven                                          *bools
	operator                                                         *proto.ColStr
	day, originalDay                                                 *dates
	started, ended, received                                         *instants
	utcOffset                                                        *proto.ColInt32
	sequence, originalSequence                                       *proto.ColInt64
	localHour                                                        *proto.ColUInt8
	channel, currency, program, capture, reason, vendor, pos, sender *words
	account, originalID, originalShop, originalTerminal              *proto.ColStr
	total, tax                                                       *amounts
	coupons                                                          *proto.ColStr
	attributes                                                       *pairs
	couponRows, lineRows, discountRows, taxRows, tenderRows          group
	line                                                             lineColumns
	discountLine                                                     *proto.ColInt32
	discountAmount                                                   *amounts
	discountKind, discountFunder                                     *words
	discountPromotion                                                *proto.ColStr
	taxRate                                                          *proto.ColInt32
	taxable, taxAmount                                               *amounts
	tenderType                                                       *words
	tenderAmount                                                     *amounts
	from                                                             lineage
}

// lineColumns is the nested part lines.
type lineColumns struct {
	no, vatRate, returnOf                   *proto.ColInt32
	kind, department, category, brand, unit *words
	gtin, sku, description                  *proto.ColStr
	quantity                                *proto.ColInt64
	labels                                  *words
	labelRows                               group // the lists within the lists
	unitPrice, gross, net, discount         *amounts
	eligible                                *bools
}

func newReceipts(o *Options, p partitioner) builder {
	b := &receipts{table: newTable("receipts"), codec: o.Codec, policy: o.Policy, partition: p}
	b.declareHead(b.columns())
	b.declareOriginal(b.columns())
	b.coupons = b.columns(&b.couponRows).text("coupons")
	b.line = declareLines(b.columns(&b.lineRows))
	b.line.labels = b.columns(&b.lineRows, &b.line.labelRows).word("lines.labels")
	b.declareParts()
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *receipts) declareHead(c columns) {
	b.id, b.kind, b.training = c.text("receipt_id"), c.word("type"), c.bool("training")
	b.shop, b.gln, b.banner, b.country = c.word("store_id"), c.word("gln"), c.word("banner"), c.word("country")
	b.terminal, b.operator = c.word("terminal_id"), c.text("operator_id")
	b.day, b.sequence = c.date("business_date"), c.int64("sequence_no")
	b.started, b.ended, b.received = c.instant("started_at"), c.instant("ended_at"), c.instant("received_at")
	b.utcOffset, b.localHour = c.int32("utc_offset_min"), c.uint8("local_hour")
	b.channel, b.currency = c.word("channel"), c.word("currency")
	b.account, b.program, b.capture = c.text("account_id"), c.word("program_id"), c.word("capture")
	b.total, b.tax = c.amount("total_minor"), c.amount("tax_minor")
	b.vendor, b.pos, b.sender = c.word("pos_vendor"), c.word("pos_version"), c.word("sender")
	b.attributes = c.pairs("attributes")
}

func (b *receipts) declareOriginal(c columns) {
	b.originalGiven, b.originalID = c.bool("original_given"), c.text("original_receipt_id")
	b.originalShop, b.originalTerminal = c.text("original_store_id"), c.text("original_terminal_id")
	b.originalDay, b.originalSequence = c.date("original_business_date"), c.int64("original_sequence_no")
	b.reason = c.word("original_reason")
}

func declareLines(c columns) lineColumns {
	return lineColumns{
		no: c.int32("lines.line_no"), kind: c.word("lines.kind"), gtin: c.text("lines.gtin"), sku: c.text("lines.sku"),
		description: c.text("lines.description"), department: c.word("lines.department"), category: c.word("lines.category"),
		brand: c.word("lines.brand"), quantity: c.int64("lines.quantity_milli"), unit: c.word("lines.unit"),
		unitPrice: c.amount("lines.unit_price_minor"), gross: c.amount("lines.gross_minor"), net: c.amount("lines.net_minor"),
		vatRate: c.int32("lines.vat_rate_bp"), discount: c.amount("lines.discount_minor"), eligible: c.bool("lines.loyalty_eligible"),
		returnOf: c.int32("lines.return_of_line"),
	}
}

func (b *receipts) declareParts() {
	c := b.columns(&b.discountRows)
	b.discountLine, b.discountAmount, b.discountKind = c.int32("discounts.line_no"), c.amount("discounts.amount_minor"), c.word("discounts.kind")
	b.discountPromotion, b.discountFunder = c.text("discounts.promotion_id"), c.word("discounts.funded_by")
	c = b.columns(&b.taxRows)
	b.taxRate, b.taxable, b.taxAmount = c.int32("taxes.vat_rate_bp"), c.amount("taxes.taxable_minor"), c.amount("taxes.tax_minor")
	c = b.columns(&b.tenderRows)
	b.tenderType, b.tenderAmount = c.word("tenders.type"), c.amount("tenders.amount_minor")
}

func (b *receipts) base() *table { return b.table }

func (b *receipts) add(r *kgo.Record) error {
	rc := &b.receipt
	if err := b.codec.DecodeReceipt(r.Value, rc); err != nil {
		return err
	}
	if b.partition(rc.Key()) != r.Partition {
		return &skip{skipMisplaced}
	}
	if kind := rc.EventKind(); kind == retail.EventClaimAsked || kind == retail.EventClaimReturned {
		return &skip{skipInternal}
	}
	received := retail.Instant(r.Timestamp.UnixMilli())
	if pr := b.policy.Validate(rc, received); pr != nil {
		return &skip{string(pr.Code)}
	}
	if pr := rules.NoteEvent(nil, rc); pr != nil {
		return &skip{string(pr.Code)}
	}
	b.received.Append(received)
	b.addHead(rc)
	b.addOriginal(&rc.Original)
	for _, c := range rc.Coupons {
		b.coupons.Append(c)
	}
	b.couponRows.end()
	b.addLines(rc)
	b.addTotals(rc)
	b.from.add(r)
	return nil
}

func (b *receipts) addHead(rc *retail.Receipt) {
	b.id.Append(string(rc.ID))
	b.kind.Append(rc.Type.String())
	b.training.Append(rc.Training)
	b.shop.Append(string(rc.Shop.ID))
	b.gln.Append(rc.Shop.GLN)
	b.banner.Append(rc.Shop.Banner)
	b.country.Append(rc.Shop.Country)
	b.terminal.Append(rc.TerminalID)
	b.operator.Append(rc.OperatorID)
	b.day.Append(rc.BusinessDate)
	b.sequence.Append(rc.SequenceNo)
	b.started.Append(rc.StartedAt)
	b.ended.Append(rc.EndedAt)
	b.utcOffset.Append(rc.UTCOffsetMin)
	b.localHour.Append(localHour(rc.EndedAt, rc.UTCOffsetMin))
	b.channel.Append(rc.Channel.String())
	b.currency.Append(rc.Currency)
	b.account.Append(string(rc.Loyalty.AccountID))
	b.program.Append(rc.Loyalty.ProgramID)
	b.capture.Append(rc.Loyalty.Capture.String())
	b.total.Append(rc.Total)
	b.tax.Append(rc.Tax)
	b.vendor.Append(rc.Source.POSVendor)
	b.pos.Append(rc.Source.POSVersion)
	b.sender.Append(rc.Source.Sender)
	for _, a := range rc.Attributes {
		b.attributes.keys.Append(a.Key)
		b.attributes.values.Append(a.Value)
	}
	b.attributes.end()
}

func (b *receipts) addOriginal(o *retail.Original) {
	b.originalGiven.Append(o.Given)
	b.originalID.Append(string(o.ReceiptID))
	b.originalShop.Append(string(o.ShopID))
	b.originalTerminal.Append(o.TerminalID)
	b.originalDay.Append(o.BusinessDate)
	b.originalSequence.Append(o.SequenceNo)
	b.reason.Append(o.Reason)
}

func (b *receipts) addLines(rc *retail.Receipt) {
	for i := range rc.Discounts {
		b.addDiscount(0, &rc.Discounts[i])
	}
	for i := range rc.Lines {
		l := &rc.Lines[i]
		var discount money.Amount
		for j := range l.Discounts {
			discount += l.Discounts[j].Amount
			b.addDiscount(l.No, &l.Discounts[j])
		}
		b.line.add(l, discount)
	}
	b.lineRows.end()
	b.discountRows.end()
}

func (c *lineColumns) add(l *retail.Line, discount money.Amount) {
	c.no.Append(l.No)
	c.kind.Append(l.Kind.String())
	c.gtin.Append(l.GTIN)
	c.sku.Append(l.SKU)
	c.description.Append(l.Description)
	c.department.Append(l.Department)
	c.category.Append(l.Category)
	c.brand.Append(l.Brand)
	c.quantity.Append(l.QuantityMilli)
	c.unit.Append(l.Unit.String())
	c.unitPrice.Append(l.UnitPrice)
	c.gross.Append(l.Gross)
	c.net.Append(l.Net)
	c.vatRate.Append(l.VATRateBP)
	c.discount.Append(discount)
	c.eligible.Append(!l.Ineligible)
	c.returnOf.Append(l.ReturnOfLine)
	for _, label := range l.Labels {
		c.labels.Append(label)
	}
	c.labelRows.end()
}

func (b *receipts) addDiscount(line int32, d *retail.Discount) {
	b.discountLine.Append(line)
	b.discountAmount.Append(d.Amount)
	b.discountKind.Append(d.Kind.String())
	b.discountPromotion.Append(d.PromotionID)
	b.discountFunder.Append(d.FundedBy)
}

func (b *receipts) addTotals(rc *retail.Receipt) {
	for _, t := range rc.Taxes {
		b.taxRate.Append(t.VATRateBP)
		b.taxable.Append(t.Taxable)
		b.taxAmount.Append(t.Tax)
	}
	b.taxRows.end()
	for _, t := range rc.Tenders {
		b.tenderType.Append(t.Type.String())
		b.tenderAmount.Append(t.Amount)
	}
	b.tenderRows.end()
}

// localHour is the hour on the shop's clock, 0 to 23.
func localHour(t retail.Instant, utcOffsetMin int32) uint8 {
	const hour, day = 3_600_000, 24 * 3_600_000
	local := int64(t) + int64(utcOffsetMin)*60_000
	return uint8(((local % day) + day) % day / hour)
}
