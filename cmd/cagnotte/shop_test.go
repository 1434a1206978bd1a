package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// shop is a running dev without demo shops, seen from a till.
type shop struct {
	t     *testing.T
	ends  endpoints
	conn  clickhouse.Conn
	kafka *kgo.Client
	codec *schemas.Codec
}

func openShop(t *testing.T) *shop {
	t.Helper()
	if testing.Short() {
		t.Skip("starts the whole product, which -short leaves out")
	}
	dir := newDevDataDir(t)
	if err := os.WriteFile(filepath.Join(dir, "settings.json"), bytes.Replace(mustRead(t, filepath.Join(dir, "settings.json")), []byte("GBP"), []byte("EUR"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startCommand(t, "dev", "--data", dir, "--listen", "localhost:0", "--no-demo")
	p.waitFor(t, "open http", 2*time.Minute)
	ends, err := readEndpoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, ends: ends}
	s.connect()
	t.Cleanup(func() { p.interrupt(t) })
	return s
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *shop) connect() {
	s.t.Helper()
	var err error
	if s.conn, err = clickhouse.Open(&clickhouse.Options{Addr: []string{s.ends.ClickHouse}}); err != nil {
		s.t.Fatal(err)
	}
	if s.kafka, err = kgo.NewClient(kgo.SeedBrokers(s.ends.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<20)); err != nil {
		s.t.Fatal(err)
	}
	rcl, err := sr.NewClient(sr.URLs(s.ends.Registry))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.codec, err = schemas.NewCodec(context.Background(), rcl); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.kafka.Close(); _ = s.conn.Close() })
}

// good is a receipt that nobody can object to.
func good(id string) *retail.Receipt {
	now := time.Now()
	return &retail.Receipt{
		ID: retail.ReceiptID(id), Type: retail.Sale, Shop: retail.Shop{ID: "S900", Country: "FR"}, TerminalID: "T1", SequenceNo: 1,
		BusinessDate: retail.Date(now.Unix() / 86400), EndedAt: retail.Instant(now.UnixMilli()), UTCOffsetMin: 60, Channel: retail.InStore, Currency: "EUR",
		Loyalty: retail.Loyalty{AccountID: "till-test", ProgramID: "default", Capture: retail.Card}, Total: 2400,
		Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, SKU: "A1", Category: "GROCERY/COFFEE/BEANS", Brand: "Arabelle", QuantityMilli: 2000, Unit: retail.Each, UnitPrice: 1200, Gross: 2400, Net: 2400, VATRateBP: 550}},
	}
}

// number runs a query that yields one count.
func (s *shop) number(query string, args ...any) uint64 {
	s.t.Helper()
	var n uint64
	if err := s.conn.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (s *shop) wait(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within a minute: %s", what)
		}
	}
}

func (s *shop) post(body []byte) (status int, answer string) {
	s.t.Helper()
	resp, err := http.Post(s.ends.URL+"/v1/receipts", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// Goal: a receipt that a till sends by HTTP changes the live page that somebody is looking at. Method: a real browser, two receipts, the exact figures.
func TestReceiptMovesPage(t *testing.T) {
	s := openShop(t)
	node, err := exec.LookPath("node")
	if err != nil {
		missingTool(t, "node", err)
	}
	cmd := exec.Command(node, filepath.Join("..", "..", "dashboards", "web", "test", "moves.mjs"), s.ends.URL)
	cmd.Stdin = strings.NewReader(string(schemas.EncodeReceiptJSON(nil, good("page-1"))) + "\n" + string(schemas.EncodeReceiptJSON(nil, good("page-2"))))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Log(strings.TrimSpace(string(out)))
}

func missingTool(t *testing.T, name string, err error) {
	t.Helper()
	if os.Getenv("CAGNOTTE_CI") == "1" {
		t.Fatalf("%s is mandatory here: %v", name, err)
	}
	t.Skipf("needs %s: %v", name, err)
}

// Goal: whatever a till sends wrongly gets its code, the original bytes are found in ClickHouse, and the stream goes on. Method: over twenty kinds of bad
// receipts by HTTP and by Kafka, a good one after each by Kafka.
func TestBadReceipts(t *testing.T) {
	s := openShop(t)
	cases := badReceipts(s.codec)
	for _, c := range cases {
		if c.json != nil {
			status, answer := s.post(c.json)
			t.Logf("http  %-34s %d %s", c.name, status, codeIn(answer))
			if status/100 == 2 || codeIn(answer) != c.httpCode {
				t.Errorf("http %s: got %d %s, want %s: %s", c.name, status, codeIn(answer), c.httpCode, answer)
			}
		}
	}
	sent := s.produceBad(cases)
	s.wait("all good receipts in ClickHouse", func() bool {
		return s.number("SELECT count() FROM cagnotte.receipts WHERE receipt_id LIKE 'good-%'") == uint64(sent)
	})
	for _, c := range cases {
		if c.wire == nil {
			continue
		}
		s.wait("dead letter of "+c.name, func() bool {
			return s.number("SELECT count() FROM cagnotte.dead_letters WHERE code = ? AND value = unhex(?)", c.code, fmt.Sprintf("%x", c.wire)) > 0
		})
		t.Logf("kafka %-34s %s, %d bytes found in dead_letters", c.name, c.code, len(c.wire))
	}
}

// produceBad sends each bad record and a good receipt behind it on the same partition; it returns how many good ones there were.
func (s *shop) produceBad(cases []badReceipt) (sent int) {
	s.t.Helper()
	for i, c := range cases {
		if c.wire == nil {
			continue
		}
		part := schemas.PartitionOf("till-test", 8)
		ok := good(fmt.Sprintf("good-%03d", i))
		err := s.kafka.ProduceSync(context.Background(),
			&kgo.Record{Topic: schemas.TopicReceipts, Partition: part, Value: c.wire},
			&kgo.Record{Topic: schemas.TopicReceipts, Partition: part, Key: []byte(ok.Key()), Value: s.codec.AppendReceipt(nil, ok)}).FirstErr()
		if err != nil {
			s.t.Fatalf("%s: %v", c.name, err)
		}
		sent++
	}
	return sent
}

// codeIn finds the code of a problem document.
func codeIn(answer string) string {
	for _, prefix := range []string{"RCP-", "API-"} {
		if i := strings.Index(answer, prefix); i >= 0 && len(answer) >= i+8 {
			return answer[i : i+8]
		}
	}
	return ""
}
