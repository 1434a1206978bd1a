package sink

import (
	"errors"
	"strings"

	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// builder turns the records of one topic into rows of one table.
type builder interface {
	// add appends the rows of a record. A *skip means that the record gives none and why; a *schemas.DecodeError or any other error means that
	// it could not be read. It keeps nothing of the record. Nothing is appended on an error.
	add(r *kgo.Record) error
	// base returns the table under construction.
	base() *table
}

// skip says why a record of a topic gives no row.
type skip struct{ Code string }

// Error returns the code.
func (s *skip) Error() string { return "skipped: " + s.Code }

// Codes of records that give no row, beside the validation codes of package retail.
const (
	skipMisplaced = "MISPLACED" // a receipt that is not on its own partition: the pipeline forwards it
	skipInternal  = "INTERNAL"  // one partition speaks to another about a receipt that belongs to nobody
	skipTombstone = "TOMBSTONE" // no value
)

func isSkip(err error) (*skip, bool) {
	var s *skip
	return s, errors.As(err, &s)
}

// source is one topic and where it goes.
type source struct {
	topic string
	// pinned topics keep the bounds of their blocks in Kafka until they are inserted. Compacted ones cannot: a record between the bounds may be
	// gone when they are fetched again. Their rows are replaced by version, so that any bounds will do.
	pinned bool
	make   func(*Options, partitioner) builder
}

// partitioner tells on which partition of the receipts topic a key belongs.
type partitioner func(key string) int32

// sources lists the topics in the order in which a reader of ClickHouse would want to see them.
func sources() []source {
	return []source{
		{schemas.TopicCampaigns, false, newCampaigns},
		{schemas.TopicReceipts, true, newReceipts},
		{schemas.TopicLedger, true, newLedger},
		{schemas.TopicBalances, false, newBalances},
		{schemas.TopicDecisions, true, newDecisions},
		{schemas.TopicMetrics, true, newMetrics},
		{schemas.TopicDeadLetters, true, newDeadLetters},
		{schemas.TopicNotifications, true, newNotifications},
	}
}

// newTable starts a table of the raw database. Every table ends with where its row came from.
func newTable(name string) *table { return &table{name: schemas.DatabaseRaw + "." + name} }

// lineage is the columns that say where a row came from.
type lineage struct {
	partition *proto.ColInt32
	offset    *proto.ColInt64
}

func (t *table) lineage() lineage {
	c := t.columns()
	return lineage{c.int32("_partition"), c.int64("_offset")}
}

func (l lineage) add(r *kgo.Record) {
	l.partition.Append(r.Partition)
	l.offset.Append(r.Offset)
}

// table collects the columns of one table as they are declared.
type table struct {
	name      string
	statement string // the INSERT, once sealed
	input     proto.Input
	data      []data
}

// columns declares columns of t: plain ones, or the values of the lists of the given groups, outermost first.
type columns struct {
	t      *table
	groups []*group
}

func (t *table) columns(groups ...*group) columns { return columns{t, groups} }

// add declares a column and returns it.
func add[T data](c columns, name string, values T) T {
	var d data = values
	for i := len(c.groups) - 1; i >= 0; i-- {
		l := &list{of: d}
		*c.groups[i] = append(*c.groups[i], l)
		d = l
	}
	c.t.input = append(c.t.input, proto.InputColumn{Name: name, Data: d})
	c.t.data = append(c.t.data, d)
	return values
}

func (c columns) text(name string) *proto.ColStr      { return add(c, name, new(proto.ColStr)) }
func (c columns) word(name string) *words             { return add(c, name, newWords()) }
func (c columns) instant(name string) *instants       { return add(c, name, new(instants)) }
func (c columns) date(name string) *dates             { return add(c, name, new(dates)) }
func (c columns) amount(name string) *amounts         { return add(c, name, new(amounts)) }
func (c columns) bool(name string) *bools             { return add(c, name, new(bools)) }
func (c columns) int64(name string) *proto.ColInt64   { return add(c, name, new(proto.ColInt64)) }
func (c columns) int32(name string) *proto.ColInt32   { return add(c, name, new(proto.ColInt32)) }
func (c columns) uint64(name string) *proto.ColUInt64 { return add(c, name, new(proto.ColUInt64)) }
func (c columns) uint8(name string) *proto.ColUInt8   { return add(c, name, new(proto.ColUInt8)) }
func (c columns) float(name string) *proto.ColFloat64 { return add(c, name, new(proto.ColFloat64)) }

// pairs declares a Map(String, String) column.
func (c columns) pairs(name string) *pairs { return add(c, name, new(pairs)) }

// rows is the number of rows in the block.
func (t *table) rows() int { return t.data[0].Rows() }

func (t *table) reset() {
	for _, d := range t.data {
		d.Reset()
	}
}

// seal makes the statement once all columns are declared.
func (t *table) seal() {
	names := make([]string, len(t.input))
	for i, c := range t.input {
		names[i] = "`" + c.Name + "`"
	}
	t.statement = "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") VALUES"
}
