package schemas

import "cagnotte/pipeline/retail"

// Numbers of symbols of the receipt's enums. A test holds them against the schema.
const (
	receiptTypeSymbols  = uint8(retail.Event) + 1
	tillTypeSymbols     = uint8(retail.Void) + 1 // before events: receipt versions 1 and 2, decision version 1
	channelSymbols      = uint8(retail.Delivery) + 1
	captureSymbols      = uint8(retail.AfterSale) + 1
	lineKindSymbols     = uint8(retail.Service) + 1
	unitSymbols         = uint8(retail.Metre) + 1
	discountKindSymbols = uint8(retail.Manual) + 1
	tenderTypeSymbols   = uint8(retail.OtherTender) + 1
)

// Least bytes that one item takes: each field is at least one byte.
const (
	minLine      = 17 // of versions 1 and 2, before labels
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
	dst = appendStrings(dst, r.Coupons)
	dst = appendOriginal(dst, &r.Original)
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
		dst = append(dst, 0)
	} else {
		dst = appendLong(append(dst, 2), int64(l.ReturnOfLine))
	}
	return appendStrings(dst, l.Labels)
}

func appendStrings(dst []byte, list []string) []byte {
	dst = appendBlock(dst, len(list))
	for _, s := range list {
		dst = appendStr(dst, s)
	}
	return appendEnd(dst)
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
