package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/sink"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// Every instrument is moved once and read back as an operator reads it.
func TestInstruments(t *testing.T) {
	tel, err := newTelemetry(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer tel.stop(context.Background())
	movePipeline(t, tel)
	moveSink(t, tel)
	text := scrape(t, tel)
	for _, want := range []string{
		`cagnotte_build_info{go_version="go`,
		`cagnotte_receipts_total{result="accepted"} 70`, `cagnotte_receipts_total{result="duplicate"} 2`,
		`cagnotte_receipts_total{result="rejected"} 1`, `cagnotte_receipts_total{result="forwarded"} 3`,
		`cagnotte_dead_letters_total{code="RCP-0005"} 1`, `cagnotte_ledger_entries_total 9`, `cagnotte_timers_fired_total 4`,
		`cagnotte_commit_aborts_total 1`, `cagnotte_sessions_lost_total 1`, `cagnotte_restore_records_total 11`, `cagnotte_state_flushed_bytes_total 4096`,
		`cagnotte_commit_duration_seconds_sum{phase="process"} 0.25`, `cagnotte_commit_duration_seconds_sum{phase="stage"} 0.5`,
		`cagnotte_commit_duration_seconds_sum{phase="end"} 1`, `cagnotte_restore_duration_seconds_sum 2`, `cagnotte_state_flush_duration_seconds_sum 3`,
		`cagnotte_consumer_lag_records{partition="5"} 17`, `cagnotte_consumer_lag_seconds{partition="5"} 1.5`, `cagnotte_consumer_lag_records{partition="6"} 0`,
		`cagnotte_state_overlay_bytes 123`, `cagnotte_commit_age_seconds `,
		`cagnotte_sink_rows_total{table="receipts"} 10`, `cagnotte_sink_records_size_bytes_total{table="receipts"} 999`,
		`cagnotte_sink_retries_total{table="receipts"} 1`, `cagnotte_sink_skipped_total{code="RCP-0001",topic="cagnotte.receipts"} 1`,
		`cagnotte_sink_redeemed_total 2`, `cagnotte_sink_sessions_lost_total 1`, `cagnotte_sink_insert_duration_seconds_sum{table="receipts"} 1`,
		`cagnotte_sink_age_seconds_sum{table="receipts"} 2`, `go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line with %s", want)
		}
	}
	if strings.Contains(text, `partition="7"`) {
		t.Error("a partition that was handed over is still reported")
	}
}

func movePipeline(t *testing.T, tel *telemetry) {
	t.Helper()
	m, err := newPipelineMeter(tel.meter)
	if err != nil {
		t.Fatal(err)
	}
	o := m.observer()
	o.OnRestore(pipeline.RestoreEvent{Partition: 6, Records: 11, Took: 2 * time.Second})
	o.OnCommit(pipeline.CommitEvent{
		Process: 250 * time.Millisecond, Stage: 500 * time.Millisecond, End: time.Second, StateBytes: 123,
		Tasks: []pipeline.TaskCommit{
			{Partition: 5, Receipts: 60, Duplicates: 2, Rejected: 1, Forwarded: 3, Entries: 9, Fired: 4, LagRecords: 17, LagMs: 1500},
			{Partition: 7, Receipts: 10},
		},
	})
	o.OnRevoke(7)
	o.OnAbort()
	o.OnDeadLetter(retail.CodeTotal)
	o.OnSessionLost(errors.New("gone"))
	o.OnFlush(3*time.Second, 4096)
}

func moveSink(t *testing.T, tel *telemetry) {
	t.Helper()
	m, err := newSinkMeter(tel.meter)
	if err != nil {
		t.Fatal(err)
	}
	o := m.observer()
	o.Inserted(sink.Insert{Table: "receipts", Rows: 10, Bytes: 999, Took: time.Second, Age: 2 * time.Second})
	o.Retried("receipts", 1, errors.New("busy"))
	o.Skipped("cagnotte.receipts", "RCP-0001")
	o.Redeemed("cagnotte.receipts", 2)
	o.SessionEnded(errors.New("gone"))
}

func scrape(t *testing.T, tel *telemetry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	tel.metrics.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("metrics: %d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// One trace holds the request, the commit and the row of a sampled receipt, and an unsampled one costs no hop a header.
func TestTraceFollowsReceipt(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	tel := &telemetry{tracer: provider.Tracer("test")}
	var handed []string
	door := tel.traced(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handed = append(handed, r.Header.Get("Traceparent")) }))
	const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, header := range []string{caller, ""} {
		r := httptest.NewRequest(http.MethodPost, "/v1/receipts", nil)
		if header != "" {
			r.Header.Set("Traceparent", header)
		}
		door.ServeHTTP(httptest.NewRecorder(), r)
	}
	if handed[1] != "" {
		t.Errorf("an unsampled request hands on %q", handed[1])
	}
	appended := time.UnixMilli(1_700_000_000_000)
	tel.traceReceipt(pipeline.ReceiptEvent{Traceparent: handed[0], Receipt: "r1", AppendedAt: retail.Instant(appended.UnixMilli()), CommittedAt: appended.Add(50 * time.Millisecond)})
	tel.traceRow(sink.Visible{Traceparent: handed[0], Table: "receipts", AppendedAt: appended, InsertedAt: appended.Add(time.Second)})
	tel.traceRow(sink.Visible{Traceparent: "nonsense", Table: "receipts"})
	checkTrace(t, spans.Ended(), appended)
}

func checkTrace(t *testing.T, ended []sdktrace.ReadOnlySpan, appended time.Time) {
	t.Helper()
	names := []string{"POST /v1/receipts", "process receipt", "write receipts"}
	if len(ended) != len(names) {
		t.Fatalf("%d spans, want %v", len(ended), names)
	}
	request := ended[0].SpanContext()
	for i, s := range ended {
		if s.Name() != names[i] || s.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("span %d is %s of trace %s", i, s.Name(), s.SpanContext().TraceID())
		}
		if i > 0 && s.Parent().SpanID() != request.SpanID() {
			t.Errorf("%s is not below the request", s.Name())
		}
	}
	if got := ended[2].EndTime().Sub(ended[2].StartTime()); !ended[2].StartTime().Equal(appended) || got != time.Second {
		t.Errorf("the row's span takes %v", got)
	}
}
