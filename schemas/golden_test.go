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

	"github.com/linkedin/goavro/v2"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The bytes of each schema version are fixed for ever: they are in topics that nobody rewrites. The id in the framing is not part of them.
func TestGoldenBytes(t *testing.T) {
	codec, _, _ := startCodec(t)
	values := messages(codec)
	for _, s := range schemas.AvroSchemas() {
		path := filepath.Join("testdata", fmt.Sprintf("%s.v%d.hex", s.Name, s.Version))
		body := values[s.Name].value[5:]
		if *update {
			if err := os.WriteFile(path, []byte(wrap(hex.EncodeToString(body))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := hex.DecodeString(strings.ReplaceAll(string(golden), "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != string(body) {
			t.Errorf("%s: the bytes of version %d have changed", s.Name, s.Version)
		}
		oracle, err := goavro.NewCodec(s.Text)
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, err := oracle.NativeFromBinary(want); err != nil || len(rest) > 0 {
			t.Errorf("%s: the oracle cannot read version %d: %v, %d left", path, s.Version, err, len(rest))
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

// A value that was framed under the id of an earlier version with our layout is read as it is, by the fast path.
func TestEarlierVersionTakesTheFastPath(t *testing.T) {
	codec, client, _ := startCodec(t)
	v1 := schemas.AvroSchemas()[0]
	if v1.Name != "receipt" || v1.Version != 1 {
		t.Fatalf("the first schema is %s version %d", v1.Name, v1.Version)
	}
	value := frame(t, client, v1.Subject(), v1.Text, codec.AppendReceipt(nil, basket(12))[5:])
	var r retail.Receipt
	if err := codec.DecodeReceipt(value, &r); err != nil || plain(r) != plain(basket(12)) {
		t.Fatalf("%v %+v", err, r)
	}
	if n := testing.AllocsPerRun(50, func() { _ = codec.DecodeReceipt(value, &r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
