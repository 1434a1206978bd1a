package model

import (
	"strings"

	"cagnotte/loadtest/wire"
	"cagnotte/pipeline/retail"
)

// wired is the receipt as the model reads it.
func wired(r *retail.Receipt) *wire.Receipt {
	out := &wire.Receipt{ID: clone(r.ID), Type: r.Type.String(), Training: r.Training, Store: wire.Store{ID: clone(r.Shop.ID), Banner: r.Shop.Banner, Country: r.Shop.Country},
		TerminalID: "T", OperatorID: r.OperatorID, EndedAt: int64(r.EndedAt), Channel: r.Channel.String(), Currency: "EUR", Total: int64(r.Total), Coupons: append([]string(nil), r.Coupons...)}
	if r.Loyalty.AccountID != "" {
		out.Loyalty = &wire.Loyalty{AccountID: clone(r.Loyalty.AccountID)}
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		out.Lines = append(out.Lines, wire.Line{No: l.No, Kind: l.Kind.String(), Category: l.Category, Brand: l.Brand, GTIN: l.GTIN, SKU: l.SKU, Department: l.Department,
			Unit: l.Unit.String(), Quantity: l.QuantityMilli, Net: int64(l.Net), Gross: int64(l.Gross), Eligible: !l.Ineligible, ReturnOfLine: l.ReturnOfLine,
			Labels: append([]string(nil), l.Labels...)})
	}
	for _, d := range r.Discounts {
		out.Discounts = append(out.Discounts, wire.Discount{Amount: int64(d.Amount)})
	}
	if o := r.Original; o.Given {
		out.Original = &wire.Original{ReceiptID: clone(o.ReceiptID), StoreID: clone(o.ShopID), TerminalID: clone(o.TerminalID), BusinessDate: int32(o.BusinessDate), SequenceNo: o.SequenceNo}
	}
	if len(r.Attributes) > 0 {
		out.Attributes = map[string]string{}
	}
	for _, x := range r.Attributes {
		out.Attributes[clone(x.Key)] = clone(x.Value)
	}
	return out
}

func clone[T ~string](s T) string { return strings.Clone(string(s)) }
