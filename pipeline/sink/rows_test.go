package sink

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
	"cagnotte/schemas/engine/enginetest"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

var update = flag.Bool("update", false, "rewrite testdata/rows.golden")

// One record of each topic with every field set, texts to the field's own name and numbers all different: a column that took another field's
// value is seen at once in the golden file, in the raw tables and in the views.
func TestRows(t *testing.T) {
	e := enginetest.Start(t, t.TempDir())
	if err := schemas.Migrate(t.Context(), e.Addr, nil); err != nil {
		t.Fatal(err)
	}
	insertSamples(t, e.Addr)
	var got strings.Builder
	for _, from := range []string{
		"cagnotte_raw.receipts", "cagnotte_raw.ledger_entries", "cagnotte_raw.balances", "cagnotte_raw.decisions", "cagnotte_raw.metric_batches",
		"cagnotte_raw.dead_letters", "cagnotte_raw.campaigns", "cagnotte.receipts", "cagnotte.receipt_lines", "cagnotte.ledger_entries",
		"cagnotte.balances", "cagnotte.wallet_balances", "cagnotte.liabilities", "cagnotte_raw.notifications", "cagnotte.notifications", "cagnotte.decisions", "cagnotte.dead_letters", "cagnotte.campaigns", "cagnotte.campaign_minutes", "cagnotte.store_days",
	} {
		fmt.Fprintf(&got, "== %s\n%s\n", from, query(t, e.HTTPAddr, "SELECT * EXCEPT ('^_loaded_at$') FROM "+from+" ORDER BY ALL FORMAT Vertical"))
	}
	const path = "testdata/rows.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	diffLines(t, got.String(), string(want))
}

func diffLines(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g) || i >= len(w):
			t.Fatalf("got %d lines, want %d", len(g), len(w))
		case g[i] != w[i]:
			t.Errorf("line %d:\n  got  %s\n  want %s", i+1, g[i], w[i])
		}
	}
}

func query(t *testing.T, addr, q string) string {
	t.Helper()
	resp, err := http.Post("http://"+addr, "text/plain", strings.NewReader(q))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v, status %d: %s", q, err, resp.StatusCode, body)
	}
	return string(body)
}

func insertSamples(t *testing.T, addr string) {
	t.Helper()
	codec := newTestCodec(t)
	opts := Options{Codec: codec, Policy: retail.Policy{MaxLines: 10, MaxIDBytes: 100}}
	st, err := newStore(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	at := time.UnixMilli(1_790_000_000_000)
	for _, src := range sources() {
		b := src.make(&opts, func(string) int32 { return 3 })
		key, value, headers := sample(t, codec, src.topic)
		r := &kgo.Record{Topic: src.topic, Key: key, Value: value, Headers: headers, Partition: 3, Offset: 4711, Timestamp: at}
		if err := b.add(r); err != nil {
			t.Fatalf("%s: %v", src.topic, err)
		}
		if err := st.insert(t.Context(), b.base(), src.topic); err != nil {
			t.Fatal(err)
		}
	}
}

func newTestCodec(t testing.TB) *schemas.Codec {
	t.Helper()
	reg, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	client, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// sample is a record with every field set.
func sample(t testing.TB, codec *schemas.Codec, topic string) (key, value []byte, headers []kgo.RecordHeader) {
	t.Helper()
	f := &filler{}
	switch topic {
	case schemas.TopicReceipts:
		r := filled[retail.Receipt](f)
		r.Training, r.Type, r.EndedAt, r.BusinessDate = false, retail.Return, 1_789_999_000_000, 20_700
		r.Lines[0].Kind, r.Lines[1].Kind, r.Lines[0].Ineligible = retail.Service, retail.Fee, false
		for i := range r.Lines {
			for j, label := range r.Lines[i].Labels {
				r.Lines[i].Labels[j] = strings.ToLower(label)
			}
		}
		r.Total = r.Lines[0].Net + r.Lines[1].Net + r.Discounts[0].Amount + r.Discounts[1].Amount
		return nil, codec.AppendReceipt(nil, r), nil
	case schemas.TopicLedger:
		return nil, codec.AppendLedger(nil, filled[schemas.LedgerRecord](f)), nil
	case schemas.TopicBalances:
		return nil, codec.AppendBalance(nil, filled[schemas.BalanceUpdate](f)), nil
	case schemas.TopicNotifications:
		b, err := json.Marshal(filled[schemas.Notification](f))
		if err != nil {
			t.Fatal(err)
		}
		return nil, b, nil
	case schemas.TopicDecisions:
		return nil, codec.AppendDecision(nil, filled[schemas.ReceiptDecision](f)), nil
	case schemas.TopicMetrics:
		return nil, codec.AppendMetrics(nil, filled[schemas.MetricBatch](f)), nil
	case schemas.TopicCampaigns:
		doc, err := os.ReadFile("testdata/campaign.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return []byte("coffee-week"), doc, nil
	}
	for _, name := range []string{schemas.HeaderErrorTopic, schemas.HeaderErrorStage, schemas.HeaderErrorCode, schemas.HeaderErrorPath,
		schemas.HeaderErrorDetail, schemas.HeaderErrorHint, schemas.HeaderErrorReceipt, schemas.HeaderErrorShop, schemas.HeaderErrorVersion,
		schemas.HeaderOriginalTopic, "traceparent"} {
		headers = append(headers, kgo.RecordHeader{Key: name, Value: []byte(name[strings.LastIndexByte(name, '.')+1:])})
	}
	for i, name := range []string{schemas.HeaderErrorPartition, schemas.HeaderErrorOffset, schemas.HeaderErrorTimestamp, schemas.HeaderErrorSchemaID} {
		headers = append(headers, kgo.RecordHeader{Key: name, Value: fmt.Append(nil, 101+i)})
	}
	return []byte("original key"), []byte("original \xff bytes"), headers
}

// filler sets fields: texts to their names, numbers to a count, slices to two elements.
type filler struct{ n int64 }

func filled[T any](f *filler) *T {
	v := new(T)
	f.fill(reflect.ValueOf(v).Elem(), "")
	return v
}

func (f *filler) fill(v reflect.Value, name string) {
	f.n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint(name, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8: // enums: a symbol that every one has
		v.SetUint(uint64(1 + f.n%3))
	case reflect.Int32, reflect.Int64:
		v.SetInt(1000 + f.n)
	case reflect.Uint64:
		v.SetUint(uint64(1000 + f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i), v.Type().Field(i).Name)
			}
		}
	}
}
