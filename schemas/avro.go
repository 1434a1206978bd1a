package schemas

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
	"unsafe"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// The primitives of Avro's binary encoding that the five messages need: an appending writer and a reader that never copies.
// Everything above them (receipt.go, ledger.go, ...) is a straight list of fields in the order of the schema.

// reader walks one record value. The first failure sticks: it is kept in detail and moves pos to the end, so that each later read
// returns zero at once and the caller checks only once. Strings it returns alias buf.
type reader struct {
	buf     []byte
	pos     int
	version int    // of the writer's schema: the first one published whose bytes are laid out as this value's
	detail  string // the first failure, empty while all is well
}

// fail records the first failure with the field it was in and the offset in the record's value.
func (d *reader) fail(field, reason string) {
	if d.detail == "" {
		d.detail = fmt.Sprintf("%s: %s at byte %d of %d", field, reason, d.pos, len(d.buf))
	}
	d.pos = len(d.buf)
}

// within prefixes the failure, if there is one, with the list item it happened in and reports it.
func (d *reader) within(list string, i int) bool {
	if d.detail == "" {
		return false
	}
	d.detail = fmt.Sprintf("%s[%d].%s", list, i, d.detail)
	return true
}

// long reads a zig-zag varint. One and two bytes, which is nearly every number of a receipt, are read here; the rest elsewhere.
func (d *reader) long(field string) int64 {
	b, p := d.buf, d.pos
	if p+1 < len(b) {
		u := uint64(b[p])
		if u < 0x80 {
			d.pos = p + 1
			return int64(u>>1) ^ -int64(u&1)
		}
		if second := uint64(b[p+1]); second < 0x80 {
			d.pos = p + 2
			u = u&0x7f | second<<7
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	return d.longSlow(field)
}

func (d *reader) longSlow(field string) int64 {
	var u uint64
	for i, b := range d.buf[d.pos:] {
		if i == 9 && b > 1 {
			d.fail(field, "varint is longer than 64 bits")
			return 0
		}
		u |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			d.pos += i + 1
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	d.pos = len(d.buf)
	d.fail(field, "truncated")
	return 0
}

// int32 reads a varint that must fit Avro's int.
func (d *reader) int32(field string) int32 {
	v := d.long(field)
	if v != int64(int32(v)) {
		d.fail(field, "value does not fit 32 bits")
		return 0
	}
	return int32(v)
}

func (d *reader) amount(field string) money.Amount    { return money.Amount(d.long(field)) }
func (d *reader) instant(field string) retail.Instant { return retail.Instant(d.long(field)) }

// enum reads a symbol's index and refuses one that the schema does not have.
func (d *reader) enum(field string, symbols uint8) uint8 {
	if p := d.pos; p < len(d.buf) {
		if b := d.buf[p]; b&0x81 == 0 && b>>1 < symbols {
			d.pos = p + 1
			return b >> 1
		}
	}
	return d.enumSlow(field, symbols)
}

func (d *reader) enumSlow(field string, symbols uint8) uint8 {
	v := d.long(field)
	if uint64(v) >= uint64(symbols) {
		d.fail(field, fmt.Sprintf("enum index %d, want 0 to %d", v, symbols-1))
		return 0
	}
	return uint8(v)
}

func (d *reader) bool(field string) bool {
	if p := d.pos; p < len(d.buf) && d.buf[p] <= 1 {
		d.pos = p + 1
		return d.buf[p] == 1
	}
	return d.boolSlow(field)
}

func (d *reader) boolSlow(field string) bool {
	if d.pos < len(d.buf) {
		d.fail(field, "boolean is neither 0 nor 1")
		return false
	}
	d.fail(field, "truncated")
	return false
}

// double reads a finite number: JSON has no other, and one NaN would spoil every sum downstream.
func (d *reader) double(field string) float64 {
	if len(d.buf)-d.pos < 8 {
		d.fail(field, "truncated")
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(d.buf[d.pos:]))
	if v-v != 0 {
		d.fail(field, "number is not finite")
		return 0
	}
	d.pos += 8
	return v
}

// str reads a string that aliases the buffer.
func (d *reader) str(field string) string {
	n := d.long(field)
	if uint64(n) > uint64(len(d.buf)-d.pos) {
		d.fail(field, fmt.Sprintf("length %d, %d bytes are left", n, len(d.buf)-d.pos))
		return ""
	}
	return d.text(field, d.pos, int(n))
}

// text takes the n bytes at from, which are there, as a string.
func (d *reader) text(field string, from, n int) string {
	b := d.buf[from : from+n]
	if len(b) == 0 {
		d.pos = from
		return ""
	}
	if !ascii(b) && !utf8.Valid(b) {
		d.pos = from
		d.fail(field, "text is not UTF-8")
		return ""
	}
	d.pos = from + n
	return unsafe.String(&b[0], len(b))
}

// ascii is the quick look that nearly every text of a receipt passes: eight bytes at a time, the last eight overlapping.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	if len(b) < 8 {
		var all byte
		for _, c := range b {
			all |= c
		}
		return all < 0x80
	}
	last := binary.LittleEndian.Uint64(b[len(b)-8:])
	for len(b) > 8 {
		last |= binary.LittleEndian.Uint64(b)
		b = b[8:]
		if len(b) < 8 {
			break
		}
	}
	return last&high == 0
}

// present reads the branch of a ["null", T] union.
func (d *reader) present(field string) bool {
	if p := d.pos; p < len(d.buf) && d.buf[p]&^2 == 0 {
		d.pos = p + 1
		return d.buf[p] == 2
	}
	return d.presentSlow(field)
}

func (d *reader) presentSlow(field string) bool {
	v := d.long(field)
	if uint64(v) > 1 {
		d.fail(field, fmt.Sprintf("union branch %d, want 0 or 1", v))
	}
	return v == 1
}

// optStr reads ["null", "string"]; null is the empty string.
func (d *reader) optStr(field string) string {
	if p := d.pos; p+1 < len(d.buf) {
		switch branch, size := d.buf[p], d.buf[p+1]; {
		case branch == 0:
			d.pos = p + 1
			return ""
		case branch == 2 && size&0x81 == 0 && p+2+int(size>>1) <= len(d.buf):
			return d.text(field, p+2, int(size>>1))
		}
	}
	return d.optStrSlow(field)
}

func (d *reader) optStrSlow(field string) string {
	if !d.present(field) {
		return ""
	}
	return d.str(field)
}

// optInstant reads ["null", timestamp-millis]; null is zero.
func (d *reader) optInstant(field string) retail.Instant {
	if !d.present(field) {
		return 0
	}
	return d.instant(field)
}

// block reads the head of an array's or map's block and returns its number of items, 0 at the end of the array. minBytes is the least an item
// takes: a count that the remaining bytes cannot hold is refused before memory is made for it.
func (d *reader) block(field string, minBytes int) int {
	n := d.long(field)
	if n < 0 {
		n = d.sizedBlock(field, n)
	}
	if uint64(n) > uint64((len(d.buf)-d.pos)/minBytes) {
		d.fail(field, fmt.Sprintf("%d items, %d bytes are left", n, len(d.buf)-d.pos))
		return 0
	}
	return int(n)
}

// sizedBlock handles a negative count, which is followed by the block's size in bytes (of use to those who skip).
func (d *reader) sizedBlock(field string, n int64) int64 {
	size := d.long(field)
	if n == math.MinInt64 || size < 0 || size > int64(len(d.buf)-d.pos) {
		d.fail(field, fmt.Sprintf("block of %d items in %d bytes, %d bytes are left", n, size, len(d.buf)-d.pos))
		return 0
	}
	return -n
}

// end checks that the whole value was read.
func (d *reader) end() {
	if d.detail == "" && d.pos != len(d.buf) {
		d.detail = fmt.Sprintf("%d bytes after the end of the record at byte %d", len(d.buf)-d.pos, d.pos)
	}
}

// extend lengthens s by n items and keeps what lies beyond its length (the capacity of items' own slices), so that a target can be reused.
func extend[T any](s []T, n int) []T {
	want := len(s) + n
	if want <= cap(s) {
		return s[:want]
	}
	grown := make([]T, max(want, 2*cap(s)))
	copy(grown, s[:cap(s)])
	return grown[:want]
}
