package sink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// block is the rows of one topic that go to ClickHouse in one insert, and the offsets that they are made of.
type block struct {
	source
	rows    builder
	spans   map[int32]*span
	records int
	bytes   int       // of the records' values
	oldest  time.Time // append time of the first record
	traced  []Visible // without the instant
}

// span is a run of offsets of one partition: from <= offset < to. It may have holes, where transactions end.
type span struct {
	partition int32
	from, to  int64
}

// add takes a record in: its rows, if it gives any, and its offset in any case.
func (b *block) add(r *kgo.Record) error {
	err := b.rows.add(r)
	if _, skipped := isSkip(err); err == nil || skipped {
		b.cover(r)
	}
	if err == nil {
		b.trace(r)
	}
	return err
}

func (b *block) trace(r *kgo.Record) {
	for _, h := range r.Headers {
		if h.Key == "traceparent" && len(b.traced) < maxTraced {
			b.traced = append(b.traced, Visible{Traceparent: string(h.Value), Table: b.rows.base().name, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, AppendedAt: r.Timestamp})
			return
		}
	}
}

func (b *block) cover(r *kgo.Record) {
	s := b.spans[r.Partition]
	if s == nil {
		s = &span{partition: r.Partition, from: r.Offset}
		b.spans[r.Partition] = s
	}
	s.to = r.Offset + 1
	b.records++
	b.bytes += len(r.Value)
	if b.oldest.IsZero() || r.Timestamp.Before(b.oldest) {
		b.oldest = r.Timestamp
	}
}

// sorted returns the spans by partition.
func (b *block) sorted() []span {
	out := make([]span, 0, len(b.spans))
	for _, s := range b.spans {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(x, y span) int { return cmp.Compare(x.partition, y.partition) })
	return out
}

func (b *block) reset() {
	b.rows.base().reset()
	clear(b.spans)
	b.records, b.bytes, b.oldest, b.traced = 0, 0, time.Time{}, b.traced[:0]
}

// store inserts blocks into ClickHouse over a few connections of the native protocol. Safe for concurrent use.
type store struct {
	opts []ch.Options // one per address
	idle chan *ch.Client
}

// maxConns bounds the inserts that run at once, and with them the connections.
const maxConns = 4

func newStore(addr string) (*store, error) {
	o, err := schemas.ClickHouseOptions(addr)
	if err != nil {
		return nil, err
	}
	s := &store{idle: make(chan *ch.Client, maxConns)}
	for _, a := range o.Addr {
		s.opts = append(s.opts, chOptions(a, o.Auth.Username, o.Auth.Password, o.TLS))
	}
	return s, nil
}

func chOptions(addr, user, password string, secure *tls.Config) ch.Options {
	return ch.Options{
		Address: addr, User: user, Password: password, Database: schemas.DatabaseRaw, TLS: secure, Compression: ch.CompressionLZ4,
		ClientName: "cagnotte-sink", DialTimeout: 5 * time.Second, HandshakeTimeout: 10 * time.Second, ReadTimeout: ch.NoTimeout,
	}
}

// insert sends the rows as one block. The token names the block: ClickHouse takes it once, however often it is sent. A block without rows
// is not sent. On an error it is unknown whether the rows are there: send the same block again.
func (s *store) insert(ctx context.Context, t *table, token string) error {
	if t.rows() == 0 {
		return nil
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	err = conn.Do(ctx, ch.Query{Body: t.statement, Input: t.input, Settings: insertSettings(token)})
	if err != nil {
		return errors.Join(fmt.Errorf("insert into %s: %w", t.name, err), discard(conn))
	}
	s.release(conn)
	return nil
}

// insertSettings asks for an insert that is answered when its rows are visible, that is taken once, in tables and in views that hang on them.
func insertSettings(token string) []ch.Setting {
	return []ch.Setting{
		{Key: "insert_deduplicate", Value: "1", Important: true},
		{Key: "insert_deduplication_token", Value: token, Important: true},
		{Key: "deduplicate_blocks_in_dependent_materialized_views", Value: "1", Important: true},
		{Key: "async_insert", Value: "0", Important: true},
		{Key: "optimize_on_insert", Value: "0", Important: true},              // repeats within a block are rare: looking for them took two thirds of an insert
		{Key: "max_partitions_per_insert_block", Value: "0", Important: true}, // an archive spans years
	}
}

// connect returns an idle connection or a new one to the first address that answers.
func (s *store) connect(ctx context.Context) (*ch.Client, error) {
	select {
	case c := <-s.idle:
		if !c.IsClosed() {
			return c, nil
		}
	default:
	}
	var errs []error
	for _, o := range s.opts {
		c, err := ch.Dial(ctx, o)
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("connect to clickhouse at %s: %w", o.Address, err))
	}
	return nil, errors.Join(errs...)
}

func (s *store) release(c *ch.Client) {
	select {
	case s.idle <- c:
	default:
		_ = discard(c) // nothing is in flight
	}
}

// discard closes a connection whose state is not known. Its error is only that it was closed already.
func discard(c *ch.Client) error {
	if err := c.Close(); err != nil && !errors.Is(err, ch.ErrClosed) {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

// close closes the idle connections; no insert may be running.
func (s *store) close() {
	for {
		select {
		case c := <-s.idle:
			_ = discard(c)
		default:
			return
		}
	}
}
