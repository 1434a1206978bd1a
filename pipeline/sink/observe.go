package sink

import "time"

// Observer is told what the sink does. Every field is optional. Callbacks run on the sink's goroutines, some at the same time: they must be
// quick and safe for concurrent use.
type Observer struct {
	// Planned is called when the bounds of the pinned blocks are in Kafka, before anything is sent to ClickHouse.
	Planned func(partitions int)
	// Inserted is called when ClickHouse has a block: its rows are visible.
	Inserted func(Insert)
	// Visible is called for records that carry a traceparent header, at most maxTraced per block, after the Inserted of their block.
	Visible func(Visible)
	// Committed is called when the offsets behind inserted blocks are in Kafka.
	Committed func(partitions int)
	// Redeemed is called when a block that an earlier owner had planned has been fetched again.
	Redeemed func(topic string, partitions int)
	// Retried is called after a failed attempt to insert.
	Retried func(table string, attempt int, err error)
	// Skipped is called for a record that gives no row: MISPLACED, TOMBSTONE, or the validation code of a refused receipt.
	Skipped func(topic, code string)
	// SessionEnded is called when the sink starts over, with the reason.
	SessionEnded func(err error)
}

// Insert is one block that ClickHouse has taken.
type Insert struct {
	Table    string
	Topic    string
	Rows     int
	Records  int
	Bytes    int // of the records' values
	Attempts int
	Took     time.Duration // over all attempts
	Age      time.Duration // since the append of the block's oldest record: how late the rows are visible
}

// Visible is one traced record whose rows ClickHouse has.
type Visible struct {
	Traceparent string
	Table       string
	Topic       string
	Partition   int32
	Offset      int64
	AppendedAt  time.Time // by the broker
	InsertedAt  time.Time
}

// maxTraced bounds the traced records of a block that are reported.
const maxTraced = 64

func (o *Observer) visible(traced []Visible, at time.Time) {
	if o == nil || o.Visible == nil {
		return
	}
	for _, v := range traced {
		v.InsertedAt = at
		o.Visible(v)
	}
}

func (o *Observer) planned(n int) {
	if o != nil && o.Planned != nil {
		o.Planned(n)
	}
}

func (o *Observer) inserted(i Insert) {
	if o != nil && o.Inserted != nil {
		o.Inserted(i)
	}
}

func (o *Observer) committed(n int) {
	if o != nil && o.Committed != nil {
		o.Committed(n)
	}
}

func (o *Observer) redeemed(topic string, n int) {
	if o != nil && o.Redeemed != nil {
		o.Redeemed(topic, n)
	}
}

func (o *Observer) retried(table string, attempt int, err error) {
	if o != nil && o.Retried != nil {
		o.Retried(table, attempt, err)
	}
}

func (o *Observer) skipped(topic, code string) {
	if o != nil && o.Skipped != nil {
		o.Skipped(topic, code)
	}
}

func (o *Observer) sessionEnded(err error) {
	if o != nil && o.SessionEnded != nil {
		o.SessionEnded(err)
	}
}
