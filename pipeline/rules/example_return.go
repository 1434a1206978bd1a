package rules

import (
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// testReturn reads {of, at, lines: [{line, net, quantity}]}: what comes back of an earlier step's receipt, everything when no lines are given.
// Amounts and quantities are written without a sign.
func (n node) testReturn(earlier []TestStep, r *retail.Receipt, id string, at retail.Instant, void bool) (of int) {
	allowed := []string{"of", "at", "lines"}
	r.ID, r.Type, r.Currency, r.EndedAt = retail.ReceiptID(id), retail.Return, "EUR", at
	if void {
		r.Type, allowed = retail.Void, allowed[:2]
	}
	k := n.keys(allowed...)
	if v := child(k, n, "at"); v.given() {
		r.EndedAt = v.instant()
	}
	number := child(k, n, "of").required("the number of the step whose receipt comes back")
	of = int(number.integer(1, maxTestSteps))
	if of == 0 {
		return 0
	}
	if of > len(earlier) || earlier[of-1].Of != 0 {
		number.fail(CodeRange, fmt.Sprintf("step %d is no earlier receipt", of), "the number of an earlier step with a receipt", "steps are numbered from 1")
		return 0
	}
	sale := &earlier[of-1].Receipt
	r.Shop, r.Channel = sale.Shop, sale.Channel
	r.Original = retail.Original{Given: true, ReceiptID: sale.ID, ShopID: sale.Shop.ID}
	lines := child(k, n, "lines")
	switch {
	case void:
	case !lines.given():
		r.Lines = wholeSale(sale)
	default:
		for _, v := range lines.list() {
			r.Lines = append(r.Lines, v.testReturnLine(sale, int32(len(r.Lines)+1)))
		}
	}
	for i := range r.Lines {
		r.Total += r.Lines[i].Net
	}
	return of
}

func wholeSale(sale *retail.Receipt) []retail.Line {
	var out []retail.Line
	for i := range sale.Lines {
		if l := &sale.Lines[i]; l.Kind != retail.ReturnLine {
			out = append(out, returnLine(l, int32(len(out)+1), l.QuantityMilli, l.Net))
		}
	}
	return out
}

// returnLine is the negative of a part of a line.
func returnLine(sold *retail.Line, no int32, milli int64, net money.Amount) retail.Line {
	l := *sold
	l.No, l.Kind, l.ReturnOfLine = no, retail.ReturnLine, sold.No
	l.QuantityMilli, l.Net, l.Gross = -milli, -net, -net
	return l
}

func (n node) testReturnLine(sale *retail.Receipt, no int32) retail.Line {
	k := n.keys("line", "net", "quantity")
	number := child(k, n, "line").required("the number of the line that comes back")
	i := number.integer(1, int64(len(sale.Lines)))
	if i == 0 {
		return retail.Line{No: no, Kind: retail.ReturnLine}
	}
	sold := &sale.Lines[i-1]
	milli, net := sold.QuantityMilli, sold.Net
	if v := child(k, n, "quantity"); v.given() {
		milli = v.milli()
		if milli < 0 || milli > sold.QuantityMilli {
			v.fail(CodeRange, "found "+signedScaled(milli, 3), "0 to "+signedScaled(max(sold.QuantityMilli, 0), 3)+", what was sold", "")
			return retail.Line{No: no, Kind: retail.ReturnLine}
		}
		net = money.MulDiv(sold.Net, milli, max(sold.QuantityMilli, 1), money.HalfUp)
	}
	if v := child(k, n, "net"); v.given() {
		net = v.amountOrZero()
	}
	return returnLine(sold, no, milli, net)
}
