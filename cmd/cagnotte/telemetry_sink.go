package main

import (
	"context"
	"errors"
	"sync"

	"cagnotte/pipeline/sink"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// sinkMeter turns the sink's events into instruments, labelled by table or topic.
type sinkMeter struct {
	rows, bytes, retries, skipped, redeemed, lost metric.Int64Counter
	insert, age                                   metric.Float64Histogram
	byTable                                       sync.Map // table -> metric.MeasurementOption, made once each
}

func newSinkMeter(meter metric.Meter) (*sinkMeter, error) {
	s := &meterSet{meter: meter}
	m := &sinkMeter{
		rows:     s.counter("cagnotte.sink.rows", "", "Rows that ClickHouse has taken, by table."),
		bytes:    s.counter("cagnotte.sink.records.size", "By", "Bytes of the records behind these rows, by table."),
		retries:  s.counter("cagnotte.sink.retries", "", "Failed attempts to insert, by table."),
		skipped:  s.counter("cagnotte.sink.skipped", "", "Records that give no row, by topic and code."),
		redeemed: s.counter("cagnotte.sink.redeemed", "", "Blocks of an earlier owner that were fetched and sent again."),
		lost:     s.counter("cagnotte.sink.sessions.lost", "", "Sessions of the sink that ended with an error."),
		insert:   s.seconds("cagnotte.sink.insert.duration", "Time of an insert over all attempts, by table."),
		age:      s.seconds("cagnotte.sink.age", "Age of the oldest record of a block when its rows became visible, by table."),
	}
	return m, errors.Join(s.errs...)
}

func (m *sinkMeter) table(name string) metric.MeasurementOption {
	if o, ok := m.byTable.Load(name); ok {
		return o.(metric.MeasurementOption)
	}
	o, _ := m.byTable.LoadOrStore(name, metric.WithAttributeSet(attribute.NewSet(attribute.String("table", name))))
	return o.(metric.MeasurementOption)
}

func (m *sinkMeter) observer() *sink.Observer {
	ctx := context.Background()
	return &sink.Observer{
		Inserted: func(i sink.Insert) {
			label := m.table(i.Table)
			m.rows.Add(ctx, int64(i.Rows), label)
			m.bytes.Add(ctx, int64(i.Bytes), label)
			m.insert.Record(ctx, i.Took.Seconds(), label)
			m.age.Record(ctx, i.Age.Seconds(), label)
		},
		Redeemed: func(topic string, n int) { m.redeemed.Add(ctx, int64(n)) },
		Retried:  func(table string, _ int, _ error) { m.retries.Add(ctx, 1, m.table(table)) },
		Skipped: func(topic, code string) {
			m.skipped.Add(ctx, 1, metric.WithAttributes(attribute.String("topic", topic), attribute.String("code", code)))
		},
		SessionEnded: func(error) { m.lost.Add(ctx, 1) },
	}
}
