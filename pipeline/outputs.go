package pipeline

import (
	"context"
	"strconv"
	"sync"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outputs hands records to the producer of the open transaction. Values are encoded into chunks and records come from slabs; both are reused once the
// transaction has ended, because the end flushes: nobody reads them any more. Not safe for concurrent use.
type outputs struct {
	produce func(context.Context, *kgo.Record, func(*kgo.Record, error))
	codec   *schemas.Codec
	chunks  [][]byte // chunk memory, chunks[at] is being filled
	at      int
	records [][]kgo.Record
	used    int // records used, over all slabs
	bytes   int

	failMu  sync.Mutex
	failed  error
	promise func(*kgo.Record, error)
}

const (
	chunkBytes  = 1 << 20
	slabRecords = 2048
)

func newOutputs(sess *kgo.GroupTransactSession, o *Options) *outputs {
	out := &outputs{produce: sess.Produce, codec: o.Codec}
	out.promise = func(_ *kgo.Record, err error) { out.fail(err) }
	return out
}

// fail remembers the first error of a produced record: the transaction must not commit then. Called by the client's goroutines.
func (o *outputs) fail(err error) {
	if err == nil {
		return
	}
	o.failMu.Lock()
	defer o.failMu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
}

func (o *outputs) err() error {
	o.failMu.Lock()
	defer o.failMu.Unlock()
	return o.failed
}

// reset reuses all memory. Only after a transaction has ended without an error.
func (o *outputs) reset() {
	for i := range o.chunks {
		o.chunks[i] = o.chunks[i][:0]
	}
	o.at, o.used, o.bytes = 0, 0, 0
}

// encode appends with fn to the current chunk and returns the value. A value that would not fit moves the chunk on; a large one gets its own.
func (o *outputs) encode(fn func(dst []byte) []byte) []byte {
	if o.at == len(o.chunks) {
		o.chunks = append(o.chunks, make([]byte, 0, chunkBytes))
	}
	chunk := o.chunks[o.at]
	start := len(chunk)
	grown := fn(chunk)
	o.chunks[o.at] = grown
	value := grown[start:len(grown):len(grown)]
	o.bytes += len(value)
	if cap(grown)-len(grown) < chunkBytes/16 {
		o.at++
	}
	return value
}

// copyBytes keeps b for the length of the transaction.
func (o *outputs) copyBytes(b []byte) []byte {
	return o.encode(func(dst []byte) []byte { return append(dst, b...) })
}

func (o *outputs) record() *kgo.Record {
	slab, i := o.used/slabRecords, o.used%slabRecords
	if slab == len(o.records) {
		o.records = append(o.records, make([]kgo.Record, slabRecords))
	}
	o.used++
	r := &o.records[slab][i]
	*r = kgo.Record{}
	return r
}

// send produces one output. The key and value must live until the transaction ends.
func (o *outputs) send(topic string, partition int32, key, value []byte, headers []kgo.RecordHeader) {
	r := o.record()
	r.Topic, r.Partition, r.Key, r.Value, r.Headers = topic, partition, key, value, headers
	o.produce(produceCtx, r, o.promise)
}

func (o *outputs) ledger(task int32, rec *schemas.LedgerRecord, cause *kgo.Record) {
	key := o.copyBytes([]byte(rec.Account))
	value := o.encode(func(dst []byte) []byte { return o.codec.AppendLedger(dst, rec) })
	o.send(schemas.TopicLedger, task, key, value, traceHeaders(cause))
}

func (o *outputs) decision(task int32, rec *schemas.ReceiptDecision, cause *kgo.Record) {
	key := o.copyBytes([]byte(rec.Receipt))
	value := o.encode(func(dst []byte) []byte { return o.codec.AppendDecision(dst, rec) })
	o.send(schemas.TopicDecisions, task, key, value, traceHeaders(cause))
}

func (o *outputs) balance(task int32, rec *schemas.BalanceUpdate) {
	key := o.copyBytes([]byte(rec.Account))
	value := o.encode(func(dst []byte) []byte { return o.codec.AppendBalance(dst, rec) })
	o.send(schemas.TopicBalances, task, key, value, nil)
}

func (o *outputs) metrics(task int32, rec *schemas.MetricBatch) {
	key := strconv.AppendInt(nil, int64(task), 10)
	value := o.encode(func(dst []byte) []byte { return o.codec.AppendMetrics(dst, rec) })
	o.send(schemas.TopicMetrics, task, key, value, nil)
}

// forward sends a record that a foreign partitioner misplaced to its own partition, unchanged.
func (o *outputs) forward(r *kgo.Record, home int32) {
	o.send(r.Topic, home, r.Key, r.Value, r.Headers)
}

// traceparent returns the W3C trace header of a record, or "".
func traceparent(r *kgo.Record) string {
	for i := range r.Headers {
		if r.Headers[i].Key == "traceparent" {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

// traceHeaders hands the trace of the cause on to what follows from it.
func traceHeaders(cause *kgo.Record) []kgo.RecordHeader {
	if cause == nil {
		return nil
	}
	for i := range cause.Headers {
		if cause.Headers[i].Key == "traceparent" {
			return cause.Headers[i : i+1 : i+1]
		}
	}
	return nil
}
