package schemas_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/cespare/xxhash/v2"
	"github.com/linkedin/goavro/v2"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden reads the fixed bytes of a schema version.
func golden(t testing.TB, s schemas.AvroSchema) []byte {
	t.Helper()
	text, err := os.ReadFile(goldenPath(s))
	if err != nil {
		t.Fatal(err)
	}
	body, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func goldenPath(s schemas.AvroSchema) string {
	return filepath.Join("testdata", fmt.Sprintf("%s.v%d.hex", s.Name, s.Version))
}

// The bytes of each schema version are fixed for ever: they are in topics that nobody rewrites. The id in the framing is not part of them. Those of
// the current version are what the codec writes; earlier ones are read, below.
func TestGoldenBytes(t *testing.T) {
	codec, _, _ := startCodec(t)
	values := messages(codec)
	for _, s := range schemas.AvroSchemas() {
		latest, _ := schemas.CurrentSchema(s.Name)
		body := values[s.Name].value[5:]
		if *update && s.Version == latest.Version {
			if err := os.WriteFile(goldenPath(s), []byte(wrap(hex.EncodeToString(body))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want := golden(t, s)
		if s.Version == latest.Version && string(want) != string(body) {
			t.Errorf("%s: the bytes of version %d have changed", s.Name, s.Version)
		}
		oracle, err := goavro.NewCodec(s.Text)
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, err := oracle.NativeFromBinary(want); err != nil || len(rest) > 0 {
			t.Errorf("%s: the oracle cannot read version %d: %v, %d left", s.Name, s.Version, err, len(rest))
		}
	}
}

func wrap(s string) string {
	var b strings.Builder
	for len(s) > 120 {
		b.WriteString(s[:120] + "\n")
		s = s[120:]
	}
	return b.String() + s + "\n"
}

// Values of every earlier version mean what they always did, and are read by the fast path: without an allocation.
func TestEarlierVersionsTakeTheFastPath(t *testing.T) {
	codec, client, _ := startCodec(t)
	for _, s := range schemas.AvroSchemas() {
		latest, _ := schemas.CurrentSchema(s.Name)
		if s.Version == latest.Version {
			continue
		}
		value := frame(t, client, s.Subject(), s.Text, golden(t, s))
		decode, got, want := earlier(t, codec, s.Name)
		if err := decode(value); err != nil || plain(got) != plain(want) {
			t.Fatalf("%s version %d: %v %s", s.Name, s.Version, err, plain(got))
		}
		if n := testing.AllocsPerRun(50, func() { _ = decode(value) }); n != 0 {
			t.Errorf("%s version %d: %v allocations", s.Name, s.Version, n)
		}
	}
}

// earlier returns a decoder of a message into a target that held another one with more in it, and what the golden bytes of earlier versions say.
func earlier(t *testing.T, codec *schemas.Codec, name string) (decode func([]byte) error, got, want any) {
	switch name {
	case "receipt":
		r := labelled(20)
		return func(v []byte) error { return codec.DecodeReceipt(v, r) }, r, basket(12)
	case "ledger_record":
		l, want := ledgerExample(), ledgerExample()
		want.Entries = want.Entries[:2]
		return func(v []byte) error { return codec.DecodeLedger(v, l) }, l, want
	case "balance_update":
		b, want := balanceExample(), balanceExample()
		want.Held, want.Wallets = 0, []schemas.WalletBalance{}
		return func(v []byte) error { return codec.DecodeBalance(v, b) }, b, want
	case "receipt_decision":
		d := decisionExample()
		d.Type = retail.Event
		want := decisionExample()
		for i := range want.Results {
			want.Results[i].CampaignKey = xxhash.Sum64String(want.Results[i].Campaign) // not on the wire
		}
		return func(v []byte) error { return codec.DecodeDecision(v, d) }, d, want
	}
	t.Fatalf("no example of an earlier %s", name)
	return nil, nil, nil
}

// A symbol that came later is not in the bytes of an earlier version: it is refused there as any index out of range.
func TestEarlierVersionsHaveNoEvents(t *testing.T) {
	codec, client, _ := startCodec(t)
	for _, s := range schemas.AvroSchemas()[:2] {
		body := golden(t, s)
		body[1+len(basket(1).ID)] = byte(retail.Event) << 1
		failure(t, codec.DecodeReceipt(frame(t, client, s.Subject(), s.Text, body), new(retail.Receipt)), "type: enum index 5, want 0 to 4")
	}
	body := codec.AppendReceipt(nil, enrolment())
	var r retail.Receipt
	if err := codec.DecodeReceipt(body, &r); err != nil || plain(r) != plain(enrolment()) || r.EventKind() != "enrolment" {
		t.Errorf("%v %s", err, plain(r))
	}
}
