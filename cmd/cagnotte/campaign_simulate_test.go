package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/loadtest"
	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/klauspost/compress/zstd"
	"github.com/linkedin/goavro/v2"
)

// Goal: drafts over an archive, over lines, over standard input and over the topic; the same receipts, the same report. What is wrong is named.

const simulated = `
id: coffee-again
version: 1
name: {fr: "Encore du café", en: "Coffee again"}
window: {from: 2026-12-01, to: 2026-12-14, tz: Europe/Paris}
lines: {category: GROCERY/COFFEE}
reward: {percent: 10, max_per_member: {amount: 5.00, per: week}}
stacking: {group: grocery, mode: best_for_member}
holdout: 10
budget: {total: 20.00}
`

const liveDoc = `
id: grocery-base
version: 1
name: Base
window: {from: 2026-01-01, tz: Europe/Paris}
lines: {category: GROCERY}
reward: {percent: 2}
stacking: {group: grocery, mode: best_for_member}
`

// pastFiles writes the same seeded receipts as an archive and as lines.
func pastFiles(tb testing.TB, n int) (avro, lines string) {
	tb.Helper()
	g, err := loadtest.New(loadtest.Options{Seed: 3, PerDay: 200, Members: 150, Shops: 8, MisplacedBP: -1})
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	avro, lines = filepath.Join(dir, "receipts.avro"), filepath.Join(dir, "receipts.ndjson")
	f, err := os.Create(avro)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := newArchive(f, "deflate")
	if err != nil {
		tb.Fatal(err)
	}
	var text bytes.Buffer
	var it loadtest.Item
	for i := 0; i < n; i++ {
		if g.Next(&it); it.Raw != nil || it.Flaw != "" {
			continue
		}
		if err := a.add(&it.Receipt); err != nil {
			tb.Fatal(err)
		}
		text.Write(append(schemas.EncodeReceiptJSON(nil, &it.Receipt), '\n'))
	}
	if err := a.flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(lines, text.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
	return avro, lines
}

func simulateCampaign(t *testing.T, g *Globals, cmd CampaignSimulateCmd) *backtest.Report {
	t.Helper()
	g.Output, cmd.Currency = "json", "EUR"
	var out bytes.Buffer
	g.Out = &out
	if err := cmd.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Run(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	var r backtest.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

func asText(t *testing.T, r *backtest.Report) string {
	t.Helper()
	r.Source = ""
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSimulateFromEverySource(t *testing.T) {
	avro, lines := pastFiles(t, 6000)
	draft := writeCampaign(t, simulated)
	live := filepath.Dir(writeCampaign(t, liveDoc))
	g, _, errOut := campaignGlobals()
	page := filepath.Join(t.TempDir(), "report.html")
	first := simulateCampaign(t, g, CampaignSimulateCmd{Files: []string{draft}, Receipts: avro, Against: live, HTML: page, Lang: "fr"})
	if first.Shift.Weeks >= 0 || !first.Shift.Automatic || first.Cost.NetMinor <= 0 || first.Cost.GhostMinor <= 0 || first.Comparison == nil || first.Comparison.Members.More == 0 {
		t.Fatalf("shift %+v, cost %+v, comparison %+v", first.Shift, first.Cost, first.Comparison)
	}
	if b := first.Campaigns[0].Budget; b == nil || b.EndsAt == "" || b.UsedMinor < b.TotalMinor {
		t.Errorf("budget %+v", b)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("Ceci chiffre le passé")) || !strings.Contains(errOut.String(), "wrote "+page) || !strings.Contains(errOut.String(), " receipts/s, ") {
		t.Errorf("%v %s", err, errOut)
	}
	want := asText(t, first)
	for _, file := range []string{avro, lines, "-"} {
		for _, workers := range []int{1, 5} {
			g, _, _ := campaignGlobals()
			if file == "-" {
				in, err := os.ReadFile(lines)
				if err != nil {
					t.Fatal(err)
				}
				g.In = bytes.NewReader(in)
			}
			r := simulateCampaign(t, g, CampaignSimulateCmd{Files: []string{draft}, Receipts: file, Against: live, Workers: workers, Lang: "en"})
			if got := asText(t, r); got != want {
				t.Errorf("%s with %d workers:\n got %s\nwant %s", file, workers, got, want)
			}
		}
	}
}

func TestSimulateTopic(t *testing.T) {
	x := openTill(t)
	sample, _, code := x.command(t, "", "receipt", "sample", "-n", "40", "--seed", "7")
	if code != ExitOK {
		t.Fatal(sample)
	}
	if _, errOut, code := x.command(t, sample, "receipt", "send", "-", "--to", x.url); code != ExitOK {
		t.Fatal(errOut)
	}
	g, _, _ := campaignGlobals(x.brokers...)
	g.RegistryURL = x.registry
	draft := writeCampaign(t, strings.NewReplacer("window: {from: 2026-12-01, to: 2026-12-14", "window: {from: 2020-01-01", "lines: {category: GROCERY/COFFEE}\n", "").Replace(simulated))
	r := simulateCampaign(t, g, CampaignSimulateCmd{Files: []string{draft}, Since: "8w", Shift: "none"})
	if r.Archive.Receipts != 40 || r.Cost.GrantedMinor == 0 || r.Source != "cagnotte.receipts, 8w" {
		t.Errorf("%+v %+v", r.Archive, r.Cost)
	}
}

func TestSimulateTables(t *testing.T) {
	avro, _ := pastFiles(t, 1500)
	for lang, says := range map[string]string{"en": "This prices the past", "fr": "Ceci chiffre le passé"} {
		g, out, _ := campaignGlobals()
		g.Output = "table"
		err := (&CampaignSimulateCmd{Files: []string{writeCampaign(t, simulated)}, Receipts: avro, Lang: lang, Currency: "EUR"}).Run(t.Context(), g)
		if err != nil || strings.Count(out.String(), says) != 2 || strings.Contains(out.String(), "%!") {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// What cannot be simulated is refused with its code, and a damaged archive never passes for a whole one.
func TestSimulateRefuses(t *testing.T) {
	avro, lines := pastFiles(t, 1500)
	draft := writeCampaign(t, simulated)
	whole, err := os.ReadFile(avro)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(change func(b []byte) []byte) string {
		path := filepath.Join(t.TempDir(), "damaged.avro")
		if err := os.WriteFile(path, change(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		cmd  CampaignSimulateCmd
		code int
	}{
		"no file":        {CampaignSimulateCmd{Files: []string{draft}, Receipts: "absent.avro"}, ExitNotFound},
		"no draft":       {CampaignSimulateCmd{Files: []string{"absent.yaml"}, Receipts: avro}, ExitNotFound},
		"bad draft":      {CampaignSimulateCmd{Files: []string{writeCampaign(t, "id: c\n")}, Receipts: avro}, ExitInvalid},
		"no live set":    {CampaignSimulateCmd{Files: []string{draft}, Receipts: avro, Against: t.TempDir()}, ExitNotFound},
		"two inputs":     {CampaignSimulateCmd{Files: []string{"-"}, Receipts: "-"}, ExitUsage},
		"cut":            {CampaignSimulateCmd{Files: []string{draft}, Receipts: damaged(func(b []byte) []byte { return b[:len(b)-100] })}, ExitInvalid},
		"cut head":       {CampaignSimulateCmd{Files: []string{draft}, Receipts: damaged(func(b []byte) []byte { return b[:200] })}, ExitInvalid},
		"no mark":        {CampaignSimulateCmd{Files: []string{draft}, Receipts: damaged(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })}, ExitInvalid},
		"spoilt block":   {CampaignSimulateCmd{Files: []string{draft}, Receipts: damaged(func(b []byte) []byte { b[len(b)-2000] ^= 0x55; return b })}, ExitInvalid},
		"same id twice":  {CampaignSimulateCmd{Files: []string{draft, draft}, Receipts: lines}, ExitFailed},
		"another schema": {CampaignSimulateCmd{Files: []string{draft}, Receipts: otherSchema(t)}, ExitInvalid},
	} {
		g, _, _ := campaignGlobals()
		c.cmd.Currency = "EUR"
		if err := c.cmd.Run(t.Context(), g); err == nil || exitCode(err) != c.code {
			t.Errorf("%s: exit code %d (%v), want %d", name, exitCode(err), err, c.code)
		}
	}
	for _, bad := range []CampaignSimulateCmd{{Shift: "soon"}, {Since: "8 weeks"}, {Since: "0w"}, {Since: "9000w"}, {Workers: -1}} {
		if bad.Validate() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func otherSchema(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.avro")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := goavro.NewOCFWriter(goavro.OCFConfig{W: f, Schema: `{"type":"record","name":"Weather","fields":[]}`}); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every codec that the reader names is read; the receipts are those that a general library reads.
func TestArchiveReaderAgainstLibrary(t *testing.T) {
	avro, _ := pastFiles(t, 2500)
	want := libraryLines(t, avro)
	var printed bytes.Buffer
	g, _, _ := campaignGlobals()
	g.Out = &printed
	if err := (&ReceiptArchiveCmd{From: avro}).Run(t.Context(), g); err != nil || printed.String() != want.String() {
		t.Errorf("receipt archive: %v, %d bytes, want %d", err, printed.Len(), want.Len())
	}
	for _, codec := range []string{"deflate", "null", "zstandard"} {
		f, err := os.Open(recoded(t, avro, codec))
		if err != nil {
			t.Fatal(err)
		}
		past, err := openArchive(f, codec)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		chunk := past.source.Chunk()
		var list []retail.Receipt
		for err = chunk.Read(t.Context()); err == nil; err = chunk.Read(t.Context()) {
			if list, _, err = chunk.Decode(list[:0], archiveBlock); err != nil {
				t.Fatal(err)
			}
			for i := range list {
				got.Write(append(schemas.EncodeReceiptJSON(nil, &list[i]), '\n'))
			}
		}
		if err != io.EOF || got.String() != want.String() {
			t.Errorf("%s: %v, %d bytes, want %d", codec, err, got.Len(), want.Len())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is written packed in any way is read back as the same receipts.
func TestArchiveIsReadBackAsWritten(t *testing.T) {
	avro, _ := pastFiles(t, 2500)
	printed := func(path string) string {
		var out bytes.Buffer
		g, _, _ := campaignGlobals()
		g.Out = &out
		if err := (&ReceiptArchiveCmd{From: path}).Run(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	want := printed(avro)
	for _, codec := range []string{"zstandard", "deflate", "null"} {
		path := filepath.Join(t.TempDir(), codec)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := newArchive(f, codec)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range strings.Split(strings.TrimSpace(want), "\n") {
			var r retail.Receipt
			if err := schemas.DecodeReceiptJSON([]byte(text), &r); err != nil {
				t.Fatal(err)
			}
			if err := a.add(&r); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(a.flush(), f.Close()); err != nil || printed(path) != want {
			t.Errorf("%s: %v, or other receipts than were written", codec, err)
		}
	}
	if _, err := newArchive(io.Discard, "lzma"); err == nil {
		t.Error("an unknown way of packing was taken")
	}
}

// libraryLines prints the receipts of an archive as a general library reads them.
func libraryLines(t *testing.T, path string) *bytes.Buffer {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := goavro.NewOCFReader(f)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := schemas.NewReceiptReader(in.Codec().Schema())
	if err != nil {
		t.Fatal(err)
	}
	out := new(bytes.Buffer)
	for in.Scan() {
		native, err := in.Read()
		if err != nil {
			t.Fatal(err)
		}
		body, err := in.Codec().BinaryFromNative(nil, native)
		if err != nil {
			t.Fatal(err)
		}
		var r retail.Receipt
		if err := reader.Read(body, &r); err != nil {
			t.Fatal(err)
		}
		out.Write(append(schemas.EncodeReceiptJSON(nil, &r), '\n'))
	}
	return out
}

// recoded writes the archive's blocks anew with another compression.
func recoded(t *testing.T, path, codec string) string {
	t.Helper()
	if codec == "deflate" {
		return path
	}
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	past, err := openArchive(in, path)
	if err != nil {
		t.Fatal(err)
	}
	a := past.source.(*ocf)
	text := func(b []byte, s string) []byte { return append(appendLong(b, int64(len(s))), s...) }
	out := text(text(appendLong([]byte(ocfMagic), 2), "avro.schema"), a.schema)
	out = append(append(text(text(out, "avro.codec"), codec), 0), a.mark[:]...)
	chunk := a.Chunk().(*ocfChunk)
	for chunk.Read(t.Context()) == nil {
		body, err := chunk.unpack()
		if err != nil {
			t.Fatal(err)
		}
		if codec == "zstandard" {
			enc, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			body = enc.EncodeAll(body, nil)
		}
		out = append(appendLong(appendLong(out, chunk.count), int64(len(body))), body...)
		out = append(out, a.mark[:]...)
	}
	file := filepath.Join(t.TempDir(), codec+".avro")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func appendLong(b []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	for ; u >= 0x80; u >>= 7 {
		b = append(b, byte(u)|0x80)
	}
	return append(b, byte(u))
}
