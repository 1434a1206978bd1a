package loadtest

import (
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// flaw breaks an otherwise good sale. content changes the receipt before it is encoded; wire changes the encoded bytes.
type flaw struct {
	name    string
	content func(r *retail.Receipt)
	wire    func(g *Generator, b []byte) []byte
}

func flaws() []flaw {
	return []flaw{
		{name: "truncated", wire: func(g *Generator, b []byte) []byte { return b[:5+g.rng.IntN(len(b)-5)] }},
		{name: "wrong magic", wire: func(_ *Generator, b []byte) []byte { b[0] = 0x7B; return b }},
		{name: "unknown schema id", wire: func(_ *Generator, b []byte) []byte { b[1], b[2], b[3], b[4] = 0x7F, 0, 0, 0xFE; return b }},
		{name: "empty value", wire: func(_ *Generator, b []byte) []byte { return b[:0] }},
		{name: "noise", wire: noise},
		{name: "bad total", content: func(r *retail.Receipt) { r.Total += money.Amount(len(r.Lines)) + 1 }},
		{name: "wrong currency", content: func(r *retail.Receipt) { r.Currency = "CHF" }},
		{name: "no currency", content: func(r *retail.Receipt) { r.Currency = "" }},
		{name: "far future", content: func(r *retail.Receipt) { r.EndedAt += 3 * 365 * 86_400_000 }},
		{name: "far past", content: func(r *retail.Receipt) { r.EndedAt -= 3 * 365 * 86_400_000 }},
		{name: "no close", content: func(r *retail.Receipt) { r.EndedAt = 0 }},
		{name: "no id", content: func(r *retail.Receipt) { r.ID = "" }},
		{name: "no shop", content: func(r *retail.Receipt) { r.Shop.ID = "" }},
		{name: "no terminal", content: func(r *retail.Receipt) { r.TerminalID = "" }},
		{name: "no lines", content: func(r *retail.Receipt) { r.Lines, r.Total = r.Lines[:0], 0 }},
		{name: "unknown type", content: func(r *retail.Receipt) { r.Type = retail.UnknownType }},
		{name: "void of nothing", content: func(r *retail.Receipt) { r.Type = retail.Void }},
		{name: "negative sale line", content: negativeLine},
		{name: "positive return line", content: func(r *retail.Receipt) { r.Lines[0].Kind = retail.ReturnLine }},
		{name: "huge amount", content: func(r *retail.Receipt) { r.Lines[0].Net = money.Max }},
		{name: "huge quantity", content: func(r *retail.Receipt) { r.Lines[0].QuantityMilli = 1 << 50 }},
		{name: "repeated line number", content: repeatLine},
		{name: "too many lines", content: tooManyLines},
		{name: "control character in id", content: func(r *retail.Receipt) { r.ID += "\x00commit" }},
		{name: "long id", content: func(r *retail.Receipt) { r.ID = retail.ReceiptID(fmt.Sprintf("%0200d", 1)) + r.ID }},
	}
}

// malformed breaks a sale that is not sent otherwise.
func (g *Generator) malformed(it *Item) {
	s := made{number: g.number(), at: g.tick()}
	g.make(it, s, KindMalformed)
	all := flaws()
	f := all[g.rng.IntN(len(all))]
	for f.content == nil && g.o.Encode == nil {
		f = all[g.rng.IntN(len(all))]
	}
	it.Flaw = f.name
	it.Key = it.Receipt.Key()
	if f.content != nil {
		f.content(&it.Receipt)
		return
	}
	it.Raw = f.wire(g, g.o.Encode(nil, &it.Receipt))
	if it.Raw == nil {
		it.Raw = []byte{}
	}
}

func noise(g *Generator, b []byte) []byte {
	b = b[:16+g.rng.IntN(48)]
	for i := range b {
		b[i] = byte(g.rng.Uint32())
	}
	b[0] |= 1 // never the magic byte
	return b
}

func negativeLine(r *retail.Receipt) {
	r.Type, r.Lines[0].Kind = retail.Sale, retail.SaleLine
	r.Lines[0].Net = -r.Lines[0].Net - 1
	r.Lines[0].QuantityMilli = 1000
	totals(r, 0)
}

func repeatLine(r *retail.Receipt) {
	r.Lines = append(r.Lines, r.Lines[0])
	r.Lines[len(r.Lines)-1].Discounts = nil
	totals(r, 0)
}

func tooManyLines(r *retail.Receipt) {
	for len(r.Lines) <= 2000 {
		l := r.Lines[0]
		l.No, l.Discounts = int32(len(r.Lines)+1), nil
		r.Lines = append(r.Lines, l)
	}
	totals(r, 0)
}
