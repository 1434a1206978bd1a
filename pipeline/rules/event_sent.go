package rules

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Receiver finds the account that an emission is for, empty when there is none. fp is the sale's.
func (m Emission) Receiver(referrer retail.AccountID, fp *Footprint) retail.AccountID {
	switch {
	case m.To == ToReferrer:
		return referrer
	case m.To == ToOperator && fp.Operator != "":
		return retail.AccountID("op:" + fp.Operator)
	}
	return ""
}

// Event is what the result sends to another account because of rec: an event that is named after the campaign and the receipt, and for a return of rec a
// return of that event. Its line adds up to what the matching lines of the receipt came to, or to what a return takes off that.
func (r *Result) Event(rec *retail.Receipt, from, to retail.AccountID) *retail.Receipt {
	source := rec.ID
	out := &retail.Receipt{
		Type: retail.Event, Shop: rec.Shop, TerminalID: rec.TerminalID, BusinessDate: rec.BusinessDate, SequenceNo: rec.SequenceNo,
		EndedAt: rec.EndedAt, UTCOffsetMin: rec.UTCOffsetMin, Channel: rec.Channel, Currency: rec.Currency, Total: r.Emit.Net,
		Loyalty: retail.Loyalty{AccountID: to, ProgramID: rec.Loyalty.ProgramID},
		Source:  retail.Source{Sender: "cagnotte"},
	}
	line := retail.Line{No: 1, Kind: retail.Service, SKU: r.Campaign, Unit: retail.Each, QuantityMilli: r.Emit.Pieces * 1000, Gross: r.Emit.Net, Net: r.Emit.Net}
	out.ID = retail.ReceiptID(r.Campaign + "/" + string(source))
	if rec.Type == retail.Return || rec.Type == retail.Void {
		source = rec.OriginalID()
		out.Type = retail.Return
		out.Original = retail.Original{Given: true, ReceiptID: retail.ReceiptID(r.Campaign + "/" + string(source))}
		out.Attributes = []retail.Attribute{{Key: retail.EventAttribute, Value: r.Emit.Kind}} // says that it is no receipt of a till: see AboutEvent
		line.Kind, line.ReturnOfLine = retail.ReturnLine, 1
	} else {
		out.Attributes = []retail.Attribute{{Key: retail.EventAttribute, Value: r.Emit.Kind}, {Key: "from", Value: string(from)}, {Key: "receipt", Value: string(source)}}
	}
	line.UnitPrice = line.Net.Abs()
	if n := max(r.Emit.Pieces, -r.Emit.Pieces); n > 1 {
		line.UnitPrice = money.Amount(int64(line.Net.Abs()) / n)
	}
	out.Lines = []retail.Line{line}
	return out
}
