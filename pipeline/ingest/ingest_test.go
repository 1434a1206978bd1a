package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const partitions = 4

// door is a server on a fake broker, with what tests look at.
type door struct {
	url     string
	codec   *schemas.Codec
	cluster *kfake.Cluster
}

func open(t testing.TB, change func(*ingest.Options), more ...kgo.Opt) *door {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, schemas.TopicReceipts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(append(append(ingest.ClientOpts(), kgo.SeedBrokers(cluster.ListenAddrs()...)), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	d := &door{codec: newCodec(t), cluster: cluster}
	policy := retail.DefaultPolicy()
	policy.Currency = "EUR"
	options := ingest.Options{Client: client, Codec: d.codec, Policy: policy, Partitions: partitions}
	if change != nil {
		change(&options)
	}
	server := httptest.NewServer(ingest.New(options))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func newCodec(t testing.TB) *schemas.Codec {
	t.Helper()
	registry, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	client, err := sr.NewClient(sr.URLs(registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// sale is a good receipt that closed a minute ago.
func sale(id string) string {
	return fmt.Sprintf(`{"receipt_id":%q,"type":"SALE","store":{"store_id":"S1"},"terminal_id":"T1","sequence_no":7,"ended_at":%q,"total_minor":250,"loyalty":{"account_id":"acc-%s"},
"lines":[{"line_no":1,"sku":"k1","brand":"Arabelle","unit_price_minor":250,"gross_minor":250,"net_minor":250,"vat_rate_bp":550}]}`, id, closed.Format(time.RFC3339), id)
}

var closed = time.Now().Add(-time.Minute).In(time.FixedZone("", 3600))

// line is sale on one line of NDJSON.
func line(id string) string { return strings.ReplaceAll(sale(id), "\n", " ") }

// reply is any answer of the door.
type reply struct {
	Status     int
	Header     http.Header
	Type       string          `json:"type"`
	Title      string          `json:"title"`
	Detail     string          `json:"detail"`
	Code       string          `json:"code"`
	Outcome    json.RawMessage `json:"status"`
	ReceiptID  string          `json:"receipt_id"`
	TraceID    string          `json:"trace_id"`
	Errors     []finding       `json:"errors"`
	Warnings   []finding       `json:"warnings"`
	Accepted   int             `json:"accepted"`
	Duplicate  int             `json:"duplicate"`
	Refused    int             `json:"refused"`
	RetryCount int             `json:"retry"`
	Results    []struct {
		Line      int       `json:"line"`
		ReceiptID string    `json:"receipt_id"`
		Status    string    `json:"status"`
		Code      string    `json:"code"`
		Errors    []finding `json:"errors"`
	} `json:"results"`
}

type finding struct {
	Code, Path, Detail, Observed, Expected, Hint string
}

func (r *reply) outcome() string { return strings.Trim(string(r.Outcome), `"`) }

// post sends a body; headers come in pairs.
func (d *door) post(t testing.TB, path, body string, headers ...string) *reply {
	t.Helper()
	return d.do(t, http.MethodPost, path, body, headers...)
}

func (d *door) do(t testing.TB, method, path, body string, headers ...string) *reply {
	t.Helper()
	req, err := http.NewRequest(method, d.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := &reply{Status: res.StatusCode, Header: res.Header}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%d: %v in %s", res.StatusCode, err, text)
	}
	return out
}

// records reads everything that the topic holds.
func (d *door) records(t testing.TB, want int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(d.cluster.ListenAddrs()...), kgo.ConsumeTopics(schemas.TopicReceipts), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var all []*kgo.Record
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		fetches := client.PollFetches(ctx)
		cancel()
		all = append(all, fetches.Records()...)
		if len(all) >= want && fetches.NumRecords() == 0 {
			break
		}
	}
	if len(all) != want {
		t.Fatalf("the topic holds %d records, want %d", len(all), want)
	}
	return all
}

func TestAcceptedReceiptIsInTheStream(t *testing.T) {
	d := open(t, nil)
	const tp = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	got := d.post(t, "/v1/receipts", sale("r1"), "traceparent", tp)
	if got.Status != 202 || got.outcome() != "accepted" || got.ReceiptID != "r1" || got.TraceID != tp[3:35] {
		t.Fatalf("%+v", got)
	}
	rec := d.records(t, 1)[0]
	var r retail.Receipt
	if err := d.codec.DecodeReceipt(rec.Value, &r); err != nil {
		t.Fatal(err)
	}
	var want retail.Receipt
	if pr := schemas.DecodeReceiptJSON([]byte(sale("r1")), &want); pr != nil {
		t.Fatal(pr)
	}
	if string(schemas.EncodeReceiptJSON(nil, &r)) != string(schemas.EncodeReceiptJSON(nil, &want)) {
		t.Fatalf("the stream holds %+v", r)
	}
	if string(rec.Key) != "acc-r1" || rec.Partition != schemas.PartitionOf("acc-r1", partitions) {
		t.Fatalf("key %s on partition %d", rec.Key, rec.Partition)
	}
	if len(rec.Headers) != 1 || rec.Headers[0].Key != "traceparent" || string(rec.Headers[0].Value) != tp {
		t.Fatalf("headers %v", rec.Headers)
	}
}

func TestRepeatsAndConflicts(t *testing.T) {
	d := open(t, nil)
	if got := d.post(t, "/v1/receipts", sale("r1")); got.Status != 202 {
		t.Fatalf("%+v", got)
	}
	if got := d.post(t, "/v1/receipts", strings.Replace(sale("r1"), `"type"`, ` "type" `, 1)); got.Status != 200 || got.outcome() != "duplicate" {
		t.Fatalf("a repeat: %+v", got)
	}
	other := strings.ReplaceAll(sale("r1"), "250", "300")
	got := d.post(t, "/v1/receipts", other)
	if got.Status != 422 || got.Code != "RCP-0002" || got.Errors[0].Path != "/receipt_id" {
		t.Fatalf("other content: %+v", got)
	}
	got = d.post(t, "/v1/receipts:batch", line("r1")+"\n"+line("r2")+"\n"+line("r2")+"\n"+strings.ReplaceAll(line("r2"), "250", "300"), "Content-Type", "application/x-ndjson")
	var outcomes []string
	for _, r := range got.Results {
		outcomes = append(outcomes, r.Status+r.Code)
	}
	if fmt.Sprint(outcomes) != "[duplicate accepted duplicate refusedRCP-0002]" {
		t.Fatalf("in a batch: %v", outcomes)
	}
	d.records(t, 2)
}

func TestRoutes(t *testing.T) {
	d := open(t, nil)
	for path, code := range map[string]string{"/v1/receipt": "API-0004", "/": "API-0004", "/v1/receipts/r1": "API-0004"} {
		if got := d.post(t, path, sale("x")); got.Status != 404 || got.Code != code {
			t.Errorf("%s: %+v", path, got)
		}
	}
	got := d.do(t, http.MethodGet, "/v1/receipts", "")
	if got.Status != 405 || got.Code != "API-0003" || got.Header.Get("Allow") != "POST" {
		t.Errorf("%+v", got)
	}
	if got := d.do(t, http.MethodDelete, "/openapi.json", ""); got.Status != 405 || got.Header.Get("Allow") != "GET" {
		t.Errorf("%+v", got)
	}
}

func TestBatch(t *testing.T) {
	array := "[" + sale("a1") + " ,\n" + strings.Replace(sale("a2"), "250", "999", 1) + "," + sale("a3") + "]"
	lines := line("a1") + "\r\n\n" + strings.Replace(line("a2"), "250", "999", 1) + "\n" + line("a3")
	for _, c := range []struct {
		name, body string
		lines      string
		headers    []string
	}{
		{"array", array, "[1 2 3]", nil},
		{"NDJSON", lines, "[1 3 4]", []string{"Content-Type", "application/x-ndjson"}},
		{"gzip", gzipped(lines), "[1 3 4]", []string{"Content-Type", "application/x-ndjson; charset=utf-8", "Content-Encoding", "gzip"}},
		{"zstd", zstandard(array), "[1 2 3]", []string{"Content-Encoding", "zstd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := open(t, nil)
			got := d.post(t, "/v1/receipts:batch", c.body, c.headers...)
			if got.Status != 200 || got.Accepted != 2 || got.Refused != 1 || len(got.Results) != 3 {
				t.Fatalf("%+v", got)
			}
			var at []int
			for i, r := range got.Results {
				at = append(at, r.Line)
				if r.ReceiptID != fmt.Sprintf("a%d", i+1) {
					t.Errorf("result %d is about %s", i, r.ReceiptID)
				}
			}
			if bad := got.Results[1]; fmt.Sprint(at) != c.lines || bad.Status != "refused" || bad.Code != "RCP-0005" || bad.Errors[0].Path != "/total_minor" {
				t.Fatalf("lines %v: %+v", at, bad)
			}
			d.records(t, 2)
		})
	}
}

func TestBadBatch(t *testing.T) {
	d := open(t, nil)
	for _, c := range []struct {
		name, body, code string
		status           int
	}{
		{"empty", ``, "RCP-0001", 400}, {"empty array", `[ ]`, "RCP-0001", 400}, {"object", sale("x"), "RCP-0001", 400}, {"broken array", `[{"a":1},]`, "RCP-0001", 400},
		{"too many", "[" + strings.Repeat("{},", 1000) + "{}]", "RCP-0009", 413},
	} {
		if got := d.post(t, "/v1/receipts:batch", c.body); got.Status != c.status || got.Code != c.code {
			t.Errorf("%s: %d %s %s", c.name, got.Status, got.Code, got.Detail)
		}
	}
	if got := d.post(t, "/v1/receipts:batch", strings.Repeat("{}\n", 1001), "Content-Type", "application/x-ndjson"); got.Status != 413 {
		t.Errorf("%+v", got)
	}
	got := d.post(t, "/v1/receipts:batch", `[1,"a,]}",{"receipt_id":"x"},[{}],null]`)
	if got.Status != 200 || got.Refused != 5 || got.Results[2].ReceiptID != "x" {
		t.Errorf("%+v", got)
	}
	got = d.post(t, "/v1/receipts:batch", "{\"receipt_id\"\n"+line("fine")+"\n}", "Content-Type", "application/x-ndjson")
	if got.Status != 200 || got.Refused != 2 || got.Accepted != 1 || got.Results[0].Code != "RCP-0001" {
		t.Errorf("%+v", got)
	}
	d.records(t, 1)
}

func TestWarnings(t *testing.T) {
	d := open(t, nil)
	text := strings.Replace(sale("w"), `"sku":"k1","brand":"Arabelle"`, `"gtin":"3020123456780"`, 1)
	if got := d.post(t, "/v1/receipts:validate", text); got.Status != 200 || got.outcome() != "valid" || len(got.Warnings) != 1 || got.Warnings[0].Code != "RCP-0101" || got.Warnings[0].Path != "/lines/0/gtin" {
		t.Errorf("%+v", got)
	}
	for old, code := range map[string]string{`"gtin":"2112345000008"`: "RCP-0102", `"sku":"k1"`: "RCP-0107"} {
		if got := d.post(t, "/v1/receipts:validate", strings.Replace(sale("w"), `"sku":"k1","brand":"Arabelle"`, old, 1)); len(got.Warnings) != 1 || got.Warnings[0].Code != code {
			t.Errorf("%s: %+v", code, got)
		}
	}
	back := strings.NewReplacer("SALE", "RETURN", `"line_no":1`, `"line_no":1,"kind":"RETURN","quantity_milli":-1000`, "250", "-250", `"unit_price_minor":-250`, `"unit_price_minor":250`).Replace(sale("w"))
	if got := d.post(t, "/v1/receipts", back); got.Status != 202 || len(got.Warnings) != 1 || got.Warnings[0].Code != "RCP-0106" {
		t.Errorf("%+v", got)
	}
	if got := d.post(t, "/v1/receipts", sale("quiet")); got.Warnings == nil || len(got.Warnings) != 0 {
		t.Errorf("no warnings must be an empty list: %+v", got)
	}
	d.records(t, 2)
}

func TestTraceparentIsChecked(t *testing.T) {
	d := open(t, nil)
	for i, tp := range []string{"x", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra"} {
		if got := d.post(t, "/v1/receipts", sale(fmt.Sprint("t", i)), "traceparent", tp); got.Status != 202 || got.TraceID != "" {
			t.Errorf("%s: %+v", tp, got)
		}
	}
	for _, rec := range d.records(t, 6) {
		if len(rec.Headers) != 0 {
			t.Errorf("headers %v", rec.Headers)
		}
	}
}

func TestNewPanicsWithoutClient(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a server without a client was made")
		}
	}()
	ingest.New(ingest.Options{})
}
