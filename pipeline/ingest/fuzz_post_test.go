package ingest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"cagnotte/pipeline/ingest"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// Bounds of the fuzzed door: a body of any encoding costs a few times its limit, and the window of zstd.
const (
	fuzzBody   = 16 << 10
	fuzzMemory = 64 << 20
)

// FuzzPost sends any bytes in any encoding to the three doors. Goal: no panic, no memory beyond the bound, an answer in the documented form, and one
// verdict: what validation says holds for the receipt alone and for the receipt in an array.
func FuzzPost(f *testing.F) {
	for _, body := range []string{
		sale("a"), line("a") + "\n" + line("b"), "[" + sale("a") + "," + sale("a") + "]", "", "[", "{}", "[{}]", "null", "\x00", "\ufeff" + sale("a"), sale("a") + "\x00", "\f" + line("a"),
		strings.Replace(sale("a"), `"type"`, `"attributes":{"k":"\u00e9\ud83d\ude00"},"type"`, 1), strings.Repeat("[", 12_000), strings.Repeat(" ", fuzzBody) + "{}",
	} {
		f.Add([]byte(body), uint8(0))
		f.Add([]byte(gzipped(body)), uint8(1))
		f.Add([]byte(zstandard(body)), uint8(2))
	}
	f.Add([]byte(gzipped(strings.Repeat(" ", 1<<20))), uint8(1))
	f.Add([]byte(zstandard(strings.Repeat(" ", 1<<20))), uint8(2))
	server := fuzzDoor(f)
	f.Fuzz(func(t *testing.T, body []byte, how uint8) {
		encoding := []string{"", "gzip", "zstd"}[how%3]
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		checked := knock(t, server, "/v1/receipts:validate", body, encoding)
		alone := knock(t, server, "/v1/receipts", body, encoding)
		knock(t, server, "/v1/receipts:batch", body, encoding)
		knock(t, server, "/v1/receipts:batch", body, encoding, "Content-Type", "application/x-ndjson")
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > fuzzMemory {
			t.Fatalf("a body of %d bytes took %d bytes of memory", len(body), spent)
		}
		if good := alone.Status < 300; good != (checked.Status < 300) || !good && (alone.Status != checked.Status || alone.Code != checked.Code) {
			t.Fatalf("validated as %d %s, taken as %d %s", checked.Status, checked.Code, alone.Status, alone.Code)
		}
		if encoding != "" || !json.Valid(body) || len(body) > fuzzBody-2 {
			return
		}
		listed := knock(t, server, "/v1/receipts:batch", append(append([]byte{'['}, body...), ']'), "")
		if len(listed.Results) != 1 || listed.Results[0].Code != alone.Code || (listed.Results[0].Status == "duplicate") != (alone.Status < 300) {
			t.Fatalf("alone %d %s, in an array %+v", alone.Status, alone.Code, listed.Results)
		}
	})
}

func fuzzDoor(f *testing.F) http.Handler {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, schemas.TopicReceipts))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(cluster.Close)
	client, err := kgo.NewClient(append(ingest.ClientOpts(), kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(client.Close)
	policy := retail.DefaultPolicy()
	policy.Currency = "EUR"
	return ingest.New(ingest.Options{Client: client, Codec: newCodec(f), Policy: policy, Partitions: partitions, MaxBodyBytes: fuzzBody})
}

// knock posts the body and checks the form of the answer; headers come in pairs.
func knock(t *testing.T, server http.Handler, path string, body []byte, encoding string, headers ...string) *reply {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Encoding", encoding)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	server.ServeHTTP(rec, req)
	out := &reply{Status: rec.Code, Header: rec.Header()}
	if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
		t.Fatalf("%s: %d: %v in %s", path, rec.Code, err, rec.Body)
	}
	switch rec.Code {
	case http.StatusOK, http.StatusAccepted:
		if n := out.Accepted + out.Duplicate + out.Refused + out.RetryCount; strings.HasSuffix(path, ":batch") && (n == 0 || n != len(out.Results)) {
			t.Fatalf("%s: %d results, %d counted", path, len(out.Results), n)
		}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if out.Code == "" || len(out.Errors) != 1 || out.Errors[0].Observed == "" || out.Errors[0].Expected == "" || rec.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%s: not a whole problem: %s", path, rec.Body)
		}
	default:
		t.Fatalf("%s: status %d is not documented for a body: %s", path, rec.Code, rec.Body)
	}
	return out
}
