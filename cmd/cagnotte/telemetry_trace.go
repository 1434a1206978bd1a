package main

import (
	"context"
	"net/http"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/sink"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// One trace follows a sampled receipt: "POST /v1/receipts" (traced) -> "process receipt" (append to commit) -> "write receipts" and the other
// tables (append to visible rows). What ties them is the W3C traceparent header: of the HTTP request, then of the Kafka record, which every hop hands on.

// traced starts a span for each request that brings receipts and hands its context to next in the request's header.
func (t *telemetry) traced(next http.Handler) http.Handler {
	prop := propagation.TraceContext{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := prop.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		r = r.WithContext(ctx)
		switch sc := span.SpanContext(); {
		case sc.IsSampled():
			prop.Inject(ctx, propagation.HeaderCarrier(r.Header))
		case !sc.IsValid() || !sc.IsRemote():
			r.Header.Del("Traceparent") // nobody records this receipt: spare every hop the header
		}
		next.ServeHTTP(w, r)
	})
}

// parentOf returns a context with the trace that a traceparent header names; ok is false when it names none that is sampled.
func parentOf(traceparent string) (context.Context, bool) {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return ctx, trace.SpanContextFromContext(ctx).IsSampled()
}

// traceReceipt records the span of a receipt's way from its append to its commit.
func (t *telemetry) traceReceipt(e pipeline.ReceiptEvent) {
	ctx, ok := parentOf(e.Traceparent)
	if !ok {
		return
	}
	_, span := t.tracer.Start(ctx, "process receipt", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithTimestamp(time.UnixMilli(int64(e.AppendedAt))), trace.WithAttributes(
			attribute.String("cagnotte.receipt.id", string(e.Receipt)),
			attribute.Int("messaging.destination.partition.id", int(e.Partition)),
			attribute.Int64("messaging.kafka.offset", e.Offset),
			attribute.Int("cagnotte.decision.results", e.Results)))
	span.End(trace.WithTimestamp(e.CommittedAt))
}

// traceRow records the span of a record's way from its append to its row in ClickHouse.
func (t *telemetry) traceRow(v sink.Visible) {
	ctx, ok := parentOf(v.Traceparent)
	if !ok {
		return
	}
	_, span := t.tracer.Start(ctx, "write "+v.Table, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(v.AppendedAt),
		trace.WithAttributes(
			attribute.String("db.system.name", "clickhouse"), attribute.String("db.collection.name", v.Table),
			attribute.String("messaging.destination.name", v.Topic),
			attribute.Int("messaging.destination.partition.id", int(v.Partition)),
			attribute.Int64("messaging.kafka.offset", v.Offset)))
	span.End(trace.WithTimestamp(v.InsertedAt))
}
