package sink

import (
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"github.com/ClickHouse/ch-go/proto"
)

// data is a column under construction. Values are copied in, so that nothing of a record is kept alive; encoding does not change it, so that
// the same block can be sent again.
type data interface {
	proto.ColInput
	Reset()
}

// words is a LowCardinality(String) column that builds its dictionary as values come: one look-up per value and four bytes per repeat.
type words struct {
	proto.ColLowCardinalityRaw
	ids map[string]int
}

func newWords() *words {
	return &words{ColLowCardinalityRaw: proto.ColLowCardinalityRaw{Index: new(proto.ColStr), Key: proto.KeyUInt32}, ids: map[string]int{}}
}

// Append adds a value.
func (w *words) Append(s string) {
	id, known := w.ids[s]
	if !known {
		id = len(w.ids)
		s = strings.Clone(s)
		w.ids[s] = id
		w.Index.(*proto.ColStr).Append(s)
	}
	w.AppendKey(id)
}

// Reset empties column and dictionary.
func (w *words) Reset() {
	w.ColLowCardinalityRaw.Reset()
	clear(w.ids)
}

// instants is a DateTime64(3, 'UTC') column.
type instants struct{ proto.ColInt64 }

// maxInstant is the last millisecond that ClickHouse shows, at the end of 2299.
const maxInstant = 10_413_791_999_999

// Append adds a moment, held to the range 1970 to 2299: a clock out of that range comes from a till, and must not stop the others' receipts.
func (c *instants) Append(t retail.Instant) { c.ColInt64.Append(int64(min(max(t, 0), maxInstant))) }

// Type is the table's.
func (*instants) Type() proto.ColumnType { return "DateTime64(3, 'UTC')" }

// dates is a Date column.
type dates struct{ proto.ColDate }

// Append adds a day, held to the range 1970-01-01 to 2149-06-06 of the type.
func (c *dates) Append(d retail.Date) {
	c.ColDate = append(c.ColDate, proto.Date(min(max(d, 0), 1<<16-1)))
}

// pairs is a Map(String, String) column. Append pairs to keys and values, then call end once per row.
type pairs struct {
	offsets      proto.ColUInt64
	keys, values proto.ColStr
}

func (p *pairs) end() { p.offsets = append(p.offsets, uint64(p.keys.Rows())) }

// Type is the table's.
func (*pairs) Type() proto.ColumnType { return "Map(String, String)" }

// Rows is the number of maps.
func (p *pairs) Rows() int { return p.offsets.Rows() }

// Reset empties it.
func (p *pairs) Reset() {
	p.offsets.Reset()
	p.keys.Reset()
	p.values.Reset()
}

// EncodeColumn writes the ends of the maps, then keys and values.
func (p *pairs) EncodeColumn(b *proto.Buffer) {
	p.offsets.EncodeColumn(b)
	p.keys.EncodeColumn(b)
	p.values.EncodeColumn(b)
}

// WriteColumn is EncodeColumn to a writer.
func (p *pairs) WriteColumn(w *proto.Writer) {
	p.offsets.WriteColumn(w)
	p.keys.WriteColumn(w)
	p.values.WriteColumn(w)
}

// amounts is an Int64 column of minor units.
type amounts struct{ proto.ColInt64 }

// Append adds an amount.
func (c *amounts) Append(a money.Amount) { c.ColInt64 = append(c.ColInt64, int64(a)) }

// bools is a UInt8 column of 0 and 1.
type bools struct{ proto.ColUInt8 }

// Append adds a truth value.
func (c *bools) Append(b bool) {
	v := uint8(0)
	if b {
		v = 1
	}
	c.ColUInt8 = append(c.ColUInt8, v)
}

// list is an Array column over the values of another one. Append to the values, then call end once per row.
type list struct {
	offsets proto.ColUInt64
	of      data
}

func (l *list) end() { l.offsets = append(l.offsets, uint64(l.of.Rows())) }

// Type is the table's.
func (l *list) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(l.of.Type()) }

// Rows is the number of arrays.
func (l *list) Rows() int { return l.offsets.Rows() }

// Reset empties it.
func (l *list) Reset() {
	l.offsets.Reset()
	l.of.Reset()
}

// EncodeState writes what precedes the data of all arrays.
func (l *list) EncodeState(b *proto.Buffer) {
	if s, ok := l.of.(proto.StateEncoder); ok {
		s.EncodeState(b)
	}
}

// EncodeColumn writes the ends of the arrays, then their values.
func (l *list) EncodeColumn(b *proto.Buffer) {
	l.offsets.EncodeColumn(b)
	l.of.EncodeColumn(b)
}

// WriteColumn is EncodeColumn to a writer.
func (l *list) WriteColumn(w *proto.Writer) {
	l.offsets.WriteColumn(w)
	l.of.WriteColumn(w)
}

// group is the lists that grow together: the columns of one nested part.
type group []*list

func (g group) end() {
	for _, l := range g {
		l.end()
	}
}
