package main

import (
	"strings"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// badReceipt is one way of being wrong, by HTTP (json), by Kafka (wire) or both.
type badReceipt struct {
	name     string
	json     []byte
	httpCode string
	wire     []byte
	code     string
}

// spoilt is a receipt that both doors refuse for the same reason.
func spoilt(codec *schemas.Codec, name, code string, spoil func(*retail.Receipt)) badReceipt {
	r := good("bad-" + strings.ReplaceAll(name, " ", "-"))
	r.EndedAt = retail.Instant(time.Now().Truncate(time.Hour).UnixMilli())
	spoil(r)
	return badReceipt{name: name, json: schemas.EncodeReceiptJSON(nil, r), httpCode: code, wire: codec.AppendReceipt(nil, r), code: code}
}

func badReceipts(codec *schemas.Codec) []badReceipt {
	return append(badContent(codec), badBytes(codec)...)
}

// badContent can be read and must not be believed.
func badContent(codec *schemas.Codec) []badReceipt {
	day := retail.Instant(24 * time.Hour / time.Millisecond)
	return []badReceipt{
		spoilt(codec, "no receipt id", "RCP-0001", func(r *retail.Receipt) { r.ID = "" }),
		spoilt(codec, "no store", "RCP-0001", func(r *retail.Receipt) { r.Shop.ID = "" }),
		spoilt(codec, "no terminal", "RCP-0001", func(r *retail.Receipt) { r.TerminalID = "" }),
		spoilt(codec, "no lines", "RCP-0001", func(r *retail.Receipt) { r.Lines, r.Total = nil, 0 }),
		spoilt(codec, "other currency", "RCP-0004", func(r *retail.Receipt) { r.Currency = "USD" }),
		spoilt(codec, "total off by a euro", "RCP-0005", func(r *retail.Receipt) { r.Total += 100 }),
		spoilt(codec, "negative sale line", "RCP-0006", func(r *retail.Receipt) { r.Lines[0].Net, r.Total = -2400, -2400 }),
		spoilt(codec, "positive return line", "RCP-0006", func(r *retail.Receipt) { r.Lines[0].Kind = retail.ReturnLine }),
		spoilt(codec, "closed tomorrow", "RCP-0007", func(r *retail.Receipt) { r.EndedAt += day }),
		spoilt(codec, "closed two years ago", "RCP-0007", func(r *retail.Receipt) { r.EndedAt -= 730 * day }),
		spoilt(codec, "void without original", "RCP-0008", func(r *retail.Receipt) { r.Type = retail.Void }),
		spoilt(codec, "2001 lines", "RCP-0009", manyLines),
		spoilt(codec, "id of 200 bytes", "RCP-0009", func(r *retail.Receipt) { r.ID = retail.ReceiptID(strings.Repeat("x", 200)) }),
		spoilt(codec, "account of 200 bytes", "RCP-0009", func(r *retail.Receipt) { r.Loyalty.AccountID = retail.AccountID(strings.Repeat("y", 200)) }),
		spoilt(codec, "amount out of range", "RCP-0010", func(r *retail.Receipt) { r.Lines[0].Net, r.Total = 1<<52, 1<<52 }),
		spoilt(codec, "quantity out of range", "RCP-0010", func(r *retail.Receipt) { r.Lines[0].QuantityMilli = 1 << 50 }),
		spoilt(codec, "two lines of one number", "RCP-0011", func(r *retail.Receipt) { r.Lines, r.Total = append(r.Lines, r.Lines[0]), 4800 }),
	}
}

func manyLines(r *retail.Receipt) {
	line := r.Lines[0]
	r.Lines, r.Total = nil, 0
	for i := range 2001 {
		line.No, line.Net, line.Gross, line.UnitPrice = int32(i+1), 1, 1, 1
		r.Lines = append(r.Lines, line)
		r.Total++
	}
}

// badBytes cannot be read at all. What HTTP calls a malformed body has its own code there.
func badBytes(codec *schemas.Codec) []badReceipt {
	framed := codec.AppendReceipt(nil, good("bad-bytes"))
	unknown := append([]byte{0, 0, 0, 0x7f, 0x7f}, framed[5:]...)
	return []badReceipt{
		{name: "not json", json: []byte("{"), httpCode: "RCP-0001", wire: []byte("{"), code: "RCP-0001"},
		{name: "empty", json: []byte{}, httpCode: "RCP-0001"},
		{name: "a json list for one receipt", json: []byte(`[1,2]`), httpCode: "RCP-0001"},
		{name: "text for an amount", json: []byte(`{"receipt_id":"x","total_minor":"ten"}`), httpCode: "RCP-0001"},
		{name: "unknown field", json: []byte(`{"receipt_id":"x","colour":"red"}`), httpCode: "RCP-0001"},
		{name: "plain json on the topic", wire: schemas.EncodeReceiptJSON(nil, good("bad-plain")), code: "RCP-0001"},
		{name: "wrong magic byte", wire: append([]byte{9}, framed[1:]...), code: "RCP-0001"},
		{name: "unknown schema id", wire: unknown, code: "RCP-0001"},
		{name: "cut in the middle", wire: framed[:len(framed)/2], code: "RCP-0001"},
		{name: "bytes behind the end", wire: append(append([]byte(nil), framed...), 1, 2, 3), code: "RCP-0001"},
		{name: "only a header", wire: framed[:5], code: "RCP-0001"},
	}
}
