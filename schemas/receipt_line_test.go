package schemas

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// plainLine reads a line by the general way alone.
func plainLine(b []byte, version int) (retail.Line, int, string) {
	d := reader{buf: b, version: version}
	var l retail.Line
	readLine(&d, &l)
	return l, d.pos, d.detail
}

// quickLine reads it as readLines does, into a line that was used before.
func quickLine(b []byte, version int) (retail.Line, int, string, bool) {
	d := reader{buf: b, version: version}
	l := retail.Line{GTIN: "old", Labels: []string{"old"}, ReturnOfLine: 7, Ineligible: true, Discounts: []retail.Discount{{Amount: 9}}}
	usual := readUsualLine(&d, &l)
	if !usual {
		if d.pos != 0 || d.detail != "" {
			return l, d.pos, "moved: " + d.detail, false
		}
		readLine(&d, &l)
	}
	return l, d.pos, d.detail, usual
}

func randomLine(r *rand.Rand) retail.Line {
	texts := []string{"", "", "a", "3020123456789", "GROCERY/COFFEE", "Café moulu", "exactly8", strings.Repeat("x", 63), strings.Repeat("y", 64), strings.Repeat("é", 40)}
	text := func() string { return texts[r.IntN(len(texts))] }
	numbers := []int64{0, 1, -1, 63, 64, -64, -65, 8191, 8192, -8192, 1 << 20, 1<<20 - 1, -1 << 20, 1 << 40}
	number := func() int64 { return numbers[r.IntN(len(numbers))] }
	l := retail.Line{
		No: int32(r.IntN(200)), Kind: retail.LineKind(r.IntN(int(lineKindSymbols))), GTIN: text(), SKU: text(), Description: text(), Department: text(),
		Category: text(), Brand: text(), QuantityMilli: number(), Unit: retail.Unit(r.IntN(int(unitSymbols))), VATRateBP: 550, Ineligible: r.IntN(4) == 0,
	}
	l.UnitPrice, l.Gross, l.Net = money.Amount(number()), money.Amount(number()), money.Amount(number())
	if r.IntN(3) == 0 {
		l.Discounts = []retail.Discount{{Amount: -10, Kind: retail.Promotion, PromotionID: text()}}
	}
	if r.IntN(3) == 0 {
		l.Labels = []string{"organic", "eco-a"}
	}
	if r.IntN(8) == 0 {
		l.ReturnOfLine = 3
	}
	return l
}

// Goal: the quick way is never seen. Method: lines of all forms, cut and spoilt at every place, read both ways: same values, same end, same words.
func TestUsualLinesReadAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	usual := 0
	for range 3000 {
		l := randomLine(r)
		whole := append(appendLine(nil, &l), "the next line and more"...)
		b := whole
		switch r.IntN(3) {
		case 1:
			b = whole[:r.IntN(len(whole))]
		case 2:
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		for _, version := range []int{receiptEvents - 1, receiptEvents} {
			want, end, said := plainLine(b, version)
			got, at, says, quick := quickLine(b, version)
			if quick {
				usual++
			}
			if says != said || at != end || said == "" && !sameLine(&got, &want) {
				t.Fatalf("%x\n got %+v at %d %q\nwant %+v at %d %q", b, got, at, says, want, end, said)
			}
		}
	}
	if usual < 300 {
		t.Errorf("only %d lines went the quick way", usual)
	}
}

func sameLine(a, b *retail.Line) bool {
	x, y := *a, *b
	if len(x.Discounts) == 0 && len(y.Discounts) == 0 {
		x.Discounts, y.Discounts = nil, nil
	}
	if len(x.Labels) == 0 && len(y.Labels) == 0 {
		x.Labels, y.Labels = nil, nil
	}
	return reflect.DeepEqual(x, y)
}
