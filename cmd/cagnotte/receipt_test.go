package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/alecthomas/kong"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// till is a door for receipts with all that stands behind it, on loopback.
type till struct {
	url, registry string
	brokers       []string
	trouble       atomic.Int32 // so many requests are answered with 503 first
}

func openTill(t *testing.T) *till {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, schemas.TopicReceipts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	registry, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	x := &till{registry: registry.URL(), brokers: cluster.ListenAddrs()}
	client, err := kgo.NewClient(append(ingest.ClientOpts(), kgo.SeedBrokers(x.brokers...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	rcl, err := sr.NewClient(sr.URLs(x.registry))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := schemas.NewCodec(context.Background(), rcl)
	if err != nil {
		t.Fatal(err)
	}
	policy := retail.DefaultPolicy()
	policy.Currency = "EUR"
	door := ingest.New(ingest.Options{Client: client, Codec: codec, Policy: policy, Partitions: 3})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x.trouble.Add(-1) >= 0 {
			http.Error(w, "{}", http.StatusServiceUnavailable)
			return
		}
		door.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	x.url = server.URL
	return x
}

// command runs a command line of receipt or schema and returns standard output, standard error and the exit code.
func (x *till) command(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var cli struct {
		Globals
		Receipt ReceiptCmd `cmd:""`
		Schema  SchemaCmd  `cmd:""`
	}
	var o, e bytes.Buffer
	cli.In, cli.Out, cli.Err, cli.Logger = strings.NewReader(in), &o, &e, slog.New(slog.DiscardHandler)
	parser, err := kong.New(&cli, kong.Exit(func(int) { t.Fatal("the command line ends the process") }), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	kctx, err := parser.Parse(append(args, "--schema-registry", x.registry, "--brokers", strings.Join(x.brokers, ",")))
	if err != nil {
		return "", err.Error(), ExitUsage
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	kctx.BindTo(ctx, (*context.Context)(nil))
	if err := kctx.Run(&cli.Globals); err != nil {
		return o.String(), e.String() + err.Error(), exitCode(err)
	}
	return o.String(), e.String(), ExitOK
}

// From examples to Kafka and back through an archive nothing changes.
func TestReceiptsThereAndBack(t *testing.T) {
	x := openTill(t)
	sample, _, code := x.command(t, "", "receipt", "sample", "-n", "50", "--seed", "7")
	events, _, also := x.command(t, "", "receipt", "sample", "-n", "7", "--seed", "8", "--event", "enrol")
	sample += events
	if lines := strings.Count(sample, "\n"); code+also != ExitOK || lines != 57 || strings.Count(sample, `"attributes":{"event":"enrol"}`) != 7 || !strings.Contains(sample, `"labels":["organic"`) {
		t.Fatalf("%d lines, exit %d and %d:\n%s", lines, code, also, sample)
	}
	x.trouble.Store(2)
	out, errOut, code := x.command(t, sample, "receipt", "send", "-", "--to", x.url, "--batch", "20", "--give-up", "30s")
	if code != ExitOK || out != "" || !strings.Contains(errOut, "57 accepted, 0 duplicate, 0 refused") {
		t.Fatalf("exit %d: %s %s", code, out, errOut)
	}
	if _, errOut, code = x.command(t, sample, "receipt", "send", "-", "--to", x.url); code != ExitOK || !strings.Contains(errOut, "0 accepted, 57 duplicate") {
		t.Fatalf("again: exit %d: %s", code, errOut)
	}
	tail, errOut, code := x.command(t, "", "receipt", "tail", "--from", "start", "--no-follow")
	if code != ExitOK || sorted(tail) != sorted(sample) {
		t.Fatalf("exit %d %s: the topic holds other receipts:\n%s", code, errOut, tail)
	}
	if few, _, code := x.command(t, "", "receipt", "tail", "--from", "start", "-n", "3", "--meta"); code != ExitOK || strings.Count(few, `"partition":`) != 3 {
		t.Fatalf("exit %d: %s", code, few)
	}
	file := filepath.Join(t.TempDir(), "receipts.avro")
	if _, errOut, code = x.command(t, "", "receipt", "archive", "--out", file); code != ExitOK || !strings.Contains(errOut, "57 receipts") {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	if _, errOut, code = x.command(t, "", "receipt", "archive", "--out", file); code != ExitUsage || !strings.Contains(errOut, "--force") {
		t.Fatalf("an archive was replaced: exit %d: %s", code, errOut)
	}
	back, errOut, code := x.command(t, "", "receipt", "archive", "--from", file)
	if code != ExitOK || sorted(back) != sorted(sample) {
		t.Fatalf("exit %d %s: the archive holds other receipts:\n%s", code, errOut, back)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Fatalf("files left over: %v, %v", left, err)
	}
}

// sorted orders lines, since partitions have no common order.
func sorted(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		for j := i; j > 0 && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	return strings.Join(lines, "\n")
}

func TestSendReportsRefusals(t *testing.T) {
	x := openTill(t)
	sample, _, _ := x.command(t, "", "receipt", "sample", "-n", "3", "--seed", "7")
	lines := strings.Split(strings.TrimSpace(sample), "\n")
	in := lines[0] + "\n\n{\"receipt_id\":\"odd\"\n" + strings.Replace(lines[1], `"currency":"EUR"`, `"currency":"USD"`, 1) + "\n" + lines[2] + "\n"
	out, errOut, code := x.command(t, in, "receipt", "send", "-", "--to", x.url, "-o", "table")
	if code != ExitInvalid || !strings.Contains(errOut, "2 accepted, 0 duplicate, 2 refused") || !strings.Contains(errOut, "2 of 4 receipts were refused") {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	rows := strings.Split(strings.TrimSpace(out), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[1], "3 ") || !strings.Contains(rows[1], "RCP-0001") || !strings.HasPrefix(rows[2], "4 ") || !strings.Contains(rows[2], "RCP-0004") || !strings.Contains(rows[2], "/currency") {
		t.Fatalf("table:\n%s", out)
	}
	out, _, _ = x.command(t, in, "receipt", "send", "-", "--to", x.url, "-o", "ndjson")
	var row refusal
	if err := json.Unmarshal([]byte(strings.Split(out, "\n")[1]), &row); err != nil || row.Line != 4 || row.Code != "RCP-0004" || row.Observed != `"USD"` || row.Hint == "" {
		t.Fatalf("%v %+v in %s", err, row, out)
	}
}

func TestSendGivesUp(t *testing.T) {
	x := openTill(t)
	sample, _, _ := x.command(t, "", "receipt", "sample")
	x.trouble.Store(1000)
	if _, errOut, code := x.command(t, sample, "receipt", "send", "-", "--to", x.url, "--give-up", "100ms"); code != ExitUnreachable || !strings.Contains(errOut, "503") {
		t.Errorf("exit %d: %s", code, errOut)
	}
	x.trouble.Store(0)
	for name, args := range map[string][]string{
		"not a door":    {"--to", x.registry},
		"not a URL":     {"--to", "localhost"},
		"no such file":  {"--to", x.url},
		"batch of 1001": {"--to", x.url, "--batch", "1001"},
	} {
		file := "-"
		if name == "no such file" {
			file = "/no/such/file"
		}
		want := map[string]int{"not a door": ExitFailed, "not a URL": ExitUsage, "no such file": ExitNotFound, "batch of 1001": ExitUsage}[name]
		if _, errOut, code := x.command(t, sample, append([]string{"receipt", "send", file}, args...)...); code != want {
			t.Errorf("%s: exit %d, want %d: %s", name, code, want, errOut)
		}
	}
	if _, _, code := x.command(t, " \n", "receipt", "send", "-", "--to", x.url); code != ExitInvalid {
		t.Errorf("an empty file: exit %d", code)
	}
}

func TestValidate(t *testing.T) {
	x := openTill(t)
	sample, _, _ := x.command(t, "", "receipt", "sample", "-n", "5")
	if _, errOut, code := x.command(t, sample, "receipt", "validate", "-"); code != ExitOK || !strings.Contains(errOut, "5 good, 0 refused") {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	out, _, code := x.command(t, strings.Replace(sample, `"total_minor":`, `"total_minor":9`, 1), "receipt", "validate", "-", "-o", "table")
	if code != ExitInvalid || !strings.Contains(out, "RCP-0005") || strings.Count(out, "\n") != 2 {
		t.Fatalf("exit %d: %s", code, out)
	}
	if _, errOut, code := x.command(t, sample, "receipt", "validate", "-", "--as-of", "2001-01-01T00:00:00Z"); code != ExitInvalid || !strings.Contains(errOut, "5 refused") {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	if pretty, _, _ := x.command(t, "", "receipt", "sample", "-o", "json"); strings.Count(pretty, "\n") < 20 {
		t.Fatalf("one receipt for people is indented: %s", pretty)
	}
}

// A file may be lines, an array or texts, compressed or not.
func TestReceiptSource(t *testing.T) {
	one, two := `{"receipt_id":"1"}`, `{"receipt_id":"2","x":[{}]}`
	pretty := "{\n \"receipt_id\": \"1\"\n}\n"
	zip, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	fmt.Fprintf(w, "%s\n%s", one, two)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ in, want string }{
		"lines":          {one + "\n" + two + "\n", "1:" + one + " 2:" + two},
		"no last break":  {one + "\r\n\n" + two, "1:" + one + " 3:" + two},
		"blank start":    {"\n\n" + one, "3:" + one},
		"array":          {"[" + one + ",\n" + two + "]", "1:" + one + " 2:" + two},
		"texts":          {pretty + two, "1:" + strings.TrimSpace(pretty) + " 2:" + two},
		"bad first line": {"{\"a\" 1}\n" + two, "1:{\"a\" 1} 2:" + two},
		"not JSON":       {"hello\nworld", "1:hello 2:world"},
		"empty":          {" \n ", ""},
		"gzip":           {gz.String(), "1:" + one + " 2:" + two},
		"zstd":           {string(zip.EncodeAll([]byte("["+one+"]"), nil)), "1:" + one},
		"array cut":      {"[" + one + ",", "1:" + one + " after element 1: unexpected EOF"},
		"array unclosed": {"[" + one, "1:" + one + " after element 1: EOF"},
		"text cut":       {pretty + `{"a":`, "1:" + strings.TrimSpace(pretty) + " after receipt 1: unexpected EOF"},
		"long line":      {one + "\n" + strings.Repeat("x", 2<<20), "1:" + one + " line 2: bufio.Scanner: token too long (a receipt takes at most 1048576 bytes)"},
	} {
		s, err := openReceipts(&Globals{In: strings.NewReader(c.in)}, "-")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for s.next() {
			got = append(got, fmt.Sprintf("%d:%s", s.line, s.text))
		}
		if s.err != nil {
			got = append(got, s.err.Error())
		}
		if err := s.Close(); err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", name, err, strings.Join(got, " "), c.want)
		}
	}
	if _, err := openReceipts(&Globals{In: strings.NewReader("\x1f\x8bxx")}, "-"); exitCode(err) != ExitInvalid {
		t.Errorf("broken gzip: %v", err)
	}
	if _, err := openReceipts(&Globals{}, "/no/such"); exitCode(err) != ExitNotFound || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestSchemaCommands(t *testing.T) {
	x := openTill(t)
	if out, _, code := x.command(t, "", "schema", "print", "receipt"); code != ExitOK || !strings.Contains(out, `"name": "receipt_id"`) {
		t.Fatalf("exit %d: %s", code, out)
	}
	if out, _, code := x.command(t, "", "schema", "print", "receipt", "--version", "1"); code != ExitOK || !strings.Contains(out, `"name":"receipt_id"`) {
		t.Fatalf("exit %d: %s", code, out)
	}
	if out, _, code := x.command(t, "", "schema", "print", "receipt", "--json-schema"); code != ExitOK || !json.Valid([]byte(out)) {
		t.Fatalf("exit %d: %s", code, out)
	}
	if out, _, code := x.command(t, "", "schema", "print", "-o", "ndjson"); code != ExitOK || strings.Count(out, "\n") != len(schemas.AvroSchemas()) {
		t.Fatalf("exit %d: %s", code, out)
	}
	for _, args := range [][]string{{"print", "ticket"}, {"print", "receipt", "--version", "99"}, {"check", "receipt", "/no/such"}} {
		if _, errOut, code := x.command(t, "", append([]string{"schema"}, args...)...); code != ExitNotFound {
			t.Errorf("%v: exit %d: %s", args, code, errOut)
		}
	}
	first, _, code := x.command(t, "", "schema", "register", "-o", "table")
	again, _, _ := x.command(t, "", "schema", "register", "-o", "table")
	if code != ExitOK || first != again || !strings.Contains(first, "cagnotte.receipts-value") {
		t.Fatalf("exit %d: %s %s", code, first, again)
	}
	if out, _, code := x.command(t, "", "schema", "check", "-o", "table"); code != ExitOK || strings.Count(out, "\n") != 1+len(schemas.AvroSchemas()) {
		t.Fatalf("exit %d: %s", code, out)
	}
	file := filepath.Join(t.TempDir(), "mine.avsc")
	text, _ := schemas.CurrentSchema("receipt")
	for change, want := range map[string]int{`"name": "receipt_id"`: ExitOK, `"name": "receipt_number"`: ExitInvalid, `name": `: ExitInvalid} {
		if err := os.WriteFile(file, []byte(strings.Replace(text.Text, `"name": "receipt_id"`, change, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, errOut, code := x.command(t, "", "schema", "check", "receipt", file); code != want {
			t.Errorf("%s: exit %d: %s %s", change, code, out, errOut)
		}
	}
}
