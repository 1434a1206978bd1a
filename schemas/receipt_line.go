package schemas

import (
	"encoding/binary"
	"unicode/utf8"
	"unsafe"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Lines are nine tenths of a receipt's bytes, and nearly all of them look alike: short texts, small numbers, no list. Such a line is read here with
// the position in a register; whatever is unusual about it, damage above all, is left to readLine, which reads it again from its beginning and says
// what is wrong.

// readUsualLine reads a line in one go and reports whether it did; if not, the position is where it was.
func readUsualLine(d *reader, l *retail.Line) bool {
	b, from, end := d.buf, d.pos, len(d.buf)
	no, p := usualLong(b, from)
	kind, p := usualByte(b, p)
	l.GTIN, p = usualText(b, p)
	l.SKU, p = usualText(b, p)
	l.Description, p = usualText(b, p)
	l.Department, p = usualText(b, p)
	l.Category, p = usualText(b, p)
	l.Brand, p = usualText(b, p)
	l.QuantityMilli, p = usualLong(b, p)
	unit, p := usualByte(b, p)
	price, p := usualLong(b, p)
	gross, p := usualLong(b, p)
	net, p := usualLong(b, p)
	rate, p := usualLong(b, p)
	if p >= end || kind&1 != 0 || kind>>1 >= lineKindSymbols || unit&1 != 0 || unit>>1 >= unitSymbols {
		return false
	}
	l.No, l.Kind, l.Unit = int32(no), retail.LineKind(kind>>1), retail.Unit(unit>>1)
	l.UnitPrice, l.Gross, l.Net, l.VATRateBP = money.Amount(price), money.Amount(gross), money.Amount(net), int32(rate)
	d.pos = p
	if readUsualEnd(d, l) {
		return true
	}
	d.pos = from
	return false
}

// readUsualEnd reads what follows the numbers of a line. A failure within a list is the line's, and told by the list.
func readUsualEnd(d *reader, l *retail.Line) bool {
	l.Discounts, l.Labels, l.ReturnOfLine = l.Discounts[:0], l.Labels[:0], 0
	if d.buf[d.pos] == 0 {
		d.pos++
	} else if l.Discounts = readDiscounts(d, l.Discounts); d.detail != "" {
		return true
	}
	b, p := d.buf, d.pos
	if p+2 >= len(b) || b[p] > 1 || b[p+1] != 0 {
		return false
	}
	l.Ineligible = b[p] == 0
	if d.pos = p + 2; d.version >= receiptEvents {
		l.Labels = readLabels(d, l.Labels)
	}
	return true
}

// The readers below return the position after what they read, and the end of b when it is not there or not usual; the end stays the end.

func usualByte(b []byte, p int) (byte, int) {
	if p >= len(b) {
		return 0, p
	}
	return b[p], p + 1
}

// usualLong reads a number of up to three bytes, a million either way.
func usualLong(b []byte, p int) (int64, int) {
	if p+2 >= len(b) {
		return 0, len(b)
	}
	u := uint32(b[p])
	if u < 0x80 {
		return int64(u>>1) ^ -int64(u&1), p + 1
	}
	second := uint32(b[p+1])
	if u = u&0x7f | second<<7; second < 0x80 {
		return int64(u>>1) ^ -int64(u&1), p + 2
	}
	third := uint32(b[p+2])
	if u = u&0x3fff | third<<14; third < 0x80 {
		return int64(u>>1) ^ -int64(u&1), p + 3
	}
	return 0, len(b)
}

// usualText reads ["null", "string"] of up to 63 bytes and looks at eight at a time; what the last eight hold of the next field is masked out.
func usualText(b []byte, p int) (string, int) {
	if p+1 >= len(b) {
		return "", len(b)
	}
	branch, size := b[p], int(b[p+1])
	if branch == 0 {
		return "", p + 1
	}
	n := size >> 1
	from := p + 2
	if branch != 2 || size&0x81 != 0 || n == 0 || from+n+8 > len(b) {
		return "", len(b)
	}
	var all uint64
	i := from
	for ; i+8 <= from+n; i += 8 {
		all |= binary.LittleEndian.Uint64(b[i:])
	}
	all |= binary.LittleEndian.Uint64(b[i:]) & (1<<(8*uint(from+n-i)) - 1)
	if all&0x8080808080808080 != 0 && !utf8.Valid(b[from:from+n]) {
		return "", len(b)
	}
	return unsafe.String(&b[from], n), from + n
}
