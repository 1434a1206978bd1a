package schemas_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/franz-go/pkg/sr"
)

// frame registers a writer's schema under the subject and frames a body with its id.
func frame(t testing.TB, client *sr.Client, subject, schema string, body []byte) []byte {
	t.Helper()
	s, err := client.CreateSchema(context.Background(), subject, sr.Schema{Schema: schema, Type: sr.TypeAvro})
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(s.ID)), body...)
}

// write encodes a native value with the oracle under a writer's own schema.
func write(t testing.TB, schema string, native object) []byte {
	t.Helper()
	oracle, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	body, err := oracle.BinaryFromNative(nil, native)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// olderSchema is what a till of an early day might write: required fields in another order, narrower numbers, none of the optional parts.
const olderSchema = `{"type":"record","name":"Receipt","namespace":"cagnotte.v1","fields":[
 {"name":"ended_at","type":"long"},{"name":"receipt_id","type":"string"},
 {"name":"type","type":{"type":"enum","name":"ReceiptType","symbols":["SALE","RETURN","UNKNOWN"],"default":"UNKNOWN"}},
 {"name":"store","type":{"type":"record","name":"Store","fields":[{"name":"store_id","type":"string"}]}},
 {"name":"terminal_id","type":"string"},{"name":"business_date","type":{"type":"int","logicalType":"date"}},{"name":"sequence_no","type":"int"},
 {"name":"utc_offset_min","type":"int"},
 {"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[
   {"name":"line_no","type":"int"},{"name":"sku","type":["null","string"],"default":null},{"name":"unit_price_minor","type":"int"},
   {"name":"gross_minor","type":"int"},{"name":"net_minor","type":"int"},{"name":"vat_rate_bp","type":"int"}]}}},
 {"name":"total_minor","type":"int"}]}`

func TestOlderWriter(t *testing.T) {
	codec, client, _ := startCodec(t)
	line := object{"line_no": 1, "sku": object{"string": "k1"}, "unit_price_minor": 250, "gross_minor": 250, "net_minor": 250, "vat_rate_bp": 550}
	body := write(t, olderSchema, object{"ended_at": int64(1796115600000), "receipt_id": "r-old", "type": "RETURN", "store": object{"store_id": "S1"},
		"terminal_id": "T1", "business_date": dateOf(20788), "sequence_no": 12, "utc_offset_min": 60, "lines": []any{line}, "total_minor": 250})
	value := frame(t, client, "tills-of-old", olderSchema, body)
	want := retail.Receipt{
		ID: "r-old", Type: retail.Return, Shop: retail.Shop{ID: "S1", Country: "FR"}, TerminalID: "T1", BusinessDate: 20788, SequenceNo: 12, EndedAt: 1796115600000,
		UTCOffsetMin: 60, Channel: retail.InStore, Currency: "EUR", Total: 250, Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, SKU: "k1", QuantityMilli: 1000,
			Unit: retail.Each, UnitPrice: 250, Gross: 250, Net: 250, VATRateBP: 550}},
	}
	got := *basket(9) // held another receipt before
	if err := codec.DecodeReceipt(value, &got); err != nil || plain(got) != plain(want) {
		t.Fatalf("%v\ngot  %s\nwant %s", err, plain(got), plain(want))
	}
	failure(t, codec.DecodeReceipt(append(value, 7), &got), "1 bytes after the end")
	failure(t, codec.DecodeReceipt(value[:len(value)-4], &got), "")
	huge := append(bytes.Clone(value[:len(value)-14]), 0xfe, 0xff, 0xff, 0xff, 0xff, 0x7f)
	failure(t, codec.DecodeReceipt(huge, &got), "")
}

// newer derives a later version of the receipt from the current one: one more field at the top and in the lines, one more symbol in two enums.
func newer(t testing.TB) string {
	text := current(t, "receipt")
	for old, added := range map[string]string{
		`"symbols": ["UNKNOWN", "IN_STORE"`: `"symbols": ["UNKNOWN", "KIOSK", "IN_STORE"`,
		`"SERVICE"]`:                        `"SERVICE", "SUBSCRIPTION"]`,
		`{"name": "terminal_id",`:           `{"name": "weather", "type": ["null", "string"], "default": null}, {"name": "terminal_id",`,
		`{"name": "line_no",`:               `{"name": "aisle", "type": "int", "default": 0}, {"name": "line_no",`,
	} {
		if strings.Count(text, old) < 1 {
			t.Fatalf("%s is not in the current schema", old)
		}
		text = strings.Replace(text, old, added, 1)
	}
	return text
}

func TestNewerWriter(t *testing.T) {
	codec, client, _ := startCodec(t)
	want := basket(4)
	native := nativeReceipt(want)
	native["weather"], native["channel"] = object{"string": "rain"}, "KIOSK"
	for i, l := range native["lines"].([]any) {
		l.(object)["aisle"] = 7
		if i == 1 {
			l.(object)["kind"] = "SUBSCRIPTION"
		}
	}
	text := newer(t)
	current, _ := schemas.CurrentSchema("receipt")
	value := frame(t, client, current.Subject(), text, write(t, text, native))
	want.Channel, want.Lines[1].Kind = retail.UnknownChannel, retail.UnknownLine
	var got retail.Receipt
	for range 3 { // each time alike: the order of the attributes too
		if err := codec.DecodeReceipt(value, &got); err != nil || plain(got) != plain(want) {
			t.Fatalf("%v\ngot  %s\nwant %s", err, plain(got), plain(want))
		}
	}
}

// The other messages are resolved alike.
func TestNewerWriterOfLedger(t *testing.T) {
	codec, client, _ := startCodec(t)
	text := strings.Replace(current(t, "ledger_record"), `{"name": "currency",`, `{"name": "note", "type": "string", "default": ""}, {"name": "currency",`, 1)
	native := nativeLedger(ledgerExample())
	native["note"] = "x"
	value := frame(t, client, schemas.TopicLedger+"-value", text, write(t, text, native))
	var got schemas.LedgerRecord
	if err := codec.DecodeLedger(value, &got); err != nil || plain(got) != plain(ledgerExample()) {
		t.Fatalf("%v\n%s", err, plain(got))
	}
}

func TestForeignSchemaIsRefused(t *testing.T) {
	codec, client, _ := startCodec(t)
	other := `{"type":"record","name":"Weather","fields":[{"name":"degrees","type":"int"}]}`
	value := frame(t, client, "weather-value", other, []byte{42})
	for range 2 {
		d := failure(t, codec.DecodeReceipt(value, new(retail.Receipt)), "writer schema cannot be read as receipt")
		if d.Retryable {
			t.Error("an incompatible writer cannot be retried")
		}
	}
	balance := codec.AppendBalance(nil, balanceExample())
	failure(t, codec.DecodeReceipt(balance, new(retail.Receipt)), "writer schema cannot be read as receipt")
}

// A registry that is down makes the error retryable; once it is back the same value is read, and then never asked for again.
func TestRegistryOutage(t *testing.T) {
	_, client, registry := startCodec(t)
	target, err := url.Parse(registry.URL())
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	var asked atomic.Int32
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if down.Load() {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	through, err := sr.NewClient(sr.URLs(front.URL))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), through)
	if err != nil {
		t.Fatal(err)
	}
	v1 := schemas.AvroSchemas()[0]
	value := frame(t, client, v1.Subject(), v1.Text, golden(t, v1))
	var r retail.Receipt
	down.Store(true)
	for range 2 {
		if d := failure(t, codec.DecodeReceipt(value, &r), "schema registry"); !d.Retryable {
			t.Fatalf("an outage must be retryable: %v", d)
		}
	}
	down.Store(false)
	for range 3 {
		if err := codec.DecodeReceipt(value, &r); err != nil {
			t.Fatal(err)
		}
	}
	down.Store(true)
	before := asked.Load()
	if err := codec.DecodeReceipt(value, &r); err != nil || asked.Load() != before {
		t.Fatalf("a known schema was asked for again: %v", err)
	}
}

// Garbage ids are asked for once in a while, not once per record.
func TestAbsentIDsAreRemembered(t *testing.T) {
	var asked atomic.Int32
	registry, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	defer registry.Close()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		registry.ServeHTTP(w, r)
	}))
	defer front.Close()
	client, err := sr.NewClient(sr.URLs(front.URL))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), client)
	if err != nil {
		t.Fatal(err)
	}
	before := asked.Load()
	for range 20 {
		if d := failure(t, codec.DecodeReceipt([]byte{0, 0, 0, 9, 9, 1}, new(retail.Receipt)), "does not know"); d.Retryable {
			t.Fatal("an id that the registry does not know is not a matter of time")
		}
	}
	if n := asked.Load() - before; n != 1 {
		t.Fatalf("asked %d times", n)
	}
}

func avroSchema(text string) sr.Schema { return sr.Schema{Schema: text, Type: sr.TypeAvro} }
