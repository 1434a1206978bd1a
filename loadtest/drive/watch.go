package drive

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"cagnotte/loadtest/wire"
	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// openClickHouse connects to our own engine for questions.
func openClickHouse(addr string) (driver.Conn, error) {
	o, err := schemas.ClickHouseOptions(addr)
	if err != nil {
		return nil, err
	}
	o.DialTimeout, o.ReadTimeout = 5*time.Second, 5*time.Minute
	return clickhouse.Open(o)
}

// figures are where a run stands.
type figures struct {
	sent, processed, loaded int64
	kills                   Kills
}

// watcher shows where a run stands, once a second on a terminal and every five seconds elsewhere.
type watcher struct {
	s        *stack
	producer *Producer
	killer   *killer
	total    int64
	out      io.Writer
	terminal bool
}

// run shows until ctx ends. Questions that fail, because what is asked is being killed, keep the last answer.
func (w *watcher) run(ctx context.Context) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.s.brokers...), kgo.RetryTimeout(2*time.Second))
	if err != nil {
		return
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	every := 5 * time.Second
	if w.terminal {
		every = time.Second
	}
	var f figures
	began := time.Now()
	for sleep(ctx, every) == nil {
		w.ask(ctx, adm, &f)
		w.show(&f, time.Since(began))
	}
	if w.terminal {
		fmt.Fprintln(w.out)
	}
}

func (w *watcher) ask(ctx context.Context, adm *kadm.Client, f *figures) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	f.sent = w.producer.Acknowledged()
	f.kills = w.killer.soFar()
	if at, err := adm.FetchOffsets(ctx, pipelineGroup); err == nil {
		sum := int64(0)
		at.Each(func(o kadm.OffsetResponse) { sum += max(o.At, 0) })
		f.processed = max(f.processed, sum)
	}
	if n, err := w.loaded(ctx); err == nil {
		f.loaded = n
	}
}

func (w *watcher) loaded(ctx context.Context) (int64, error) {
	w.killer.mu.Lock()
	addr := w.s.engine.Addr
	w.killer.mu.Unlock()
	conn, err := openClickHouse(addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var n uint64
	err = conn.QueryRow(ctx, "SELECT count() FROM cagnotte_raw.receipts").Scan(&n)
	return int64(n), err
}

func (w *watcher) show(f *figures, took time.Duration) {
	start, end := "", "\n"
	if w.terminal {
		start, end = "\r\x1b[K", ""
	}
	k := f.kills
	fmt.Fprintf(w.out, "%s%5.0f s  sent %d of %d  processed %d  rows in clickhouse %d  killed: pipeline %d, sink %d, engine %d, broker %d%s",
		start, took.Seconds(), f.sent, w.total, f.processed, f.loaded, k.Pipeline, k.Sink, k.Engine, k.Broker, end)
}

// ledgerLatency measures from the append of a receipt to the moment at which a reader of committed records has its ledger record, for receipts that
// were appended after an instant.
func ledgerLatency(ctx context.Context, brokers []string, reader *wire.Reader, h *Histogram, after time.Time) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeTopics(schemas.TopicLedger),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("ledger latency: %w", err)
	}
	defer cl.Close()
	for ctx.Err() == nil {
		f := cl.PollFetches(ctx)
		now := time.Now()
		var first error
		f.EachRecord(func(r *kgo.Record) {
			var rec wire.Ledger
			if err := reader.Decode(r.Value, &rec); err != nil {
				first = err
				return
			}
			appended := time.UnixMilli(rec.ProcessedAt)
			if len(rec.Entries) > 0 && rec.Entries[len(rec.Entries)-1].Receipt != "" && appended.After(after) { // not timers
				h.Add(now.Sub(appended), 1)
			}
		})
		if first != nil {
			return fmt.Errorf("ledger latency: %w", first)
		}
	}
	return nil
}

// visibility measures from the instant at which a receipt was due to be sent to the first look that finds its decision in ClickHouse.
type visibility struct {
	mu    sync.Mutex
	waits map[int32][]waiting
	h     *Histogram
	from  time.Time // receipts that were due before do not count
}

type waiting struct {
	offset int64
	due    time.Time
}

// sent notes an acknowledged record.
func (v *visibility) sent(partition int32, offset int64, due time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waits == nil {
		v.waits = map[int32][]waiting{}
	}
	v.waits[partition] = append(v.waits[partition], waiting{offset, due})
}

// look polls until ctx ends. A question that fails, because the engine is being killed, is asked again: what is not seen meanwhile was not visible.
func (v *visibility) look(ctx context.Context, addr string) error {
	conn, err := openClickHouse(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	for sleep(ctx, 100*time.Millisecond) == nil {
		tops, err := topOffsets(ctx, conn)
		if err != nil {
			continue
		}
		now := time.Now()
		for p, top := range tops {
			v.found(p, top, now)
		}
	}
	return nil
}

// topOffsets is the highest input offset of each partition whose decision, the last thing that follows from a receipt, a reader of ClickHouse sees.
// Only what was loaded lately is looked at.
func topOffsets(ctx context.Context, conn driver.Conn) (map[int32]int64, error) {
	rows, err := conn.Query(ctx, "SELECT input_partition, max(input_offset) FROM cagnotte_raw.decisions WHERE _loaded_at > now64(3) - INTERVAL 30 SECOND GROUP BY input_partition")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int32]int64{}
	for rows.Next() {
		var p int32
		var top int64
		if err := rows.Scan(&p, &top); err != nil {
			return nil, err
		}
		out[p] = top
	}
	return out, rows.Err()
}

func (v *visibility) found(partition int32, top int64, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept := v.waits[partition][:0]
	for _, w := range v.waits[partition] {
		if w.offset > top {
			kept = append(kept, w)
			continue
		}
		if w.due.After(v.from) {
			v.h.Add(now.Sub(w.due), 1)
		}
	}
	v.waits[partition] = kept
}

// left counts the receipts that have not been seen.
func (v *visibility) left() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, w := range v.waits {
		n += len(w)
	}
	return n
}

// empty waits until all have been seen, save the last few of each partition, which may be refused ones that nothing follows.
func (v *visibility) empty(ctx context.Context) error {
	for v.left() > 8*len(v.waits) {
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
