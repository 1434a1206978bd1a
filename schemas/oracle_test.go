package schemas_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/linkedin/goavro/v2"
	"pgregory.net/rapid"
)

// subject pairs one message's codec methods with the oracle's view of it.
type subject[T any] struct {
	schema string
	random func(*rapid.T) *T
	native func(*T) object
	append func(*schemas.Codec, []byte, *T) []byte
	decode func(*schemas.Codec, []byte, *T) error
	tidy   func(*T) // makes equal what the wire cannot tell apart
}

// prove runs random messages through codec and oracle: our bytes mean the same to the oracle, and its bytes the same to us, into a target that
// held another message before.
func prove[T any](t *testing.T, s subject[T]) {
	codec, _, _ := startCodec(t)
	oracle, err := goavro.NewCodec(s.schema)
	if err != nil {
		t.Fatal(err)
	}
	var reused T
	rapid.Check(t, func(t *rapid.T) {
		want := s.random(t)
		value := s.append(codec, nil, want)
		native, rest, err := oracle.NativeFromBinary(value[5:])
		if err != nil || len(rest) > 0 {
			t.Fatalf("the oracle cannot read our bytes: %v, %d left", err, len(rest))
		}
		if got, exp := canon(native), canon(s.native(want)); got != exp {
			t.Fatalf("the oracle reads\n%s\nwant\n%s", got, exp)
		}
		theirs, err := oracle.BinaryFromNative(slices.Clone(value[:5]), s.native(want))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range [][]byte{value, theirs} {
			if err := s.decode(codec, v, &reused); err != nil {
				t.Fatal(err)
			}
			s.tidy(want)
			s.tidy(&reused)
			if got, exp := plain(&reused), plain(want); got != exp {
				t.Fatalf("decoded\n%s\nwant\n%s", got, exp)
			}
		}
	})
}

// canon prints a native value with sorted keys and without the difference between integer types.
func canon(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// plain prints a message such that a nil list and an empty one are alike.
func plain(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return strings.ReplaceAll(string(b), ":null", ":[]")
}

func sortedAttributes(r *retail.Receipt) {
	slices.SortFunc(r.Attributes, func(a, b retail.Attribute) int { return strings.Compare(a.Key, b.Key) })
}

func TestReceiptAgainstOracle(t *testing.T) {
	for _, s := range schemas.AvroSchemas() {
		if s.Name != "receipt" {
			continue
		}
		t.Run(fmt.Sprintf("v%d", s.Version), func(t *testing.T) {
			if s.Version < 3 {
				proveEarlier(t, s)
				return
			}
			prove(t, subject[retail.Receipt]{s.Text, randomReceipt, nativeReceipt, (*schemas.Codec).AppendReceipt, (*schemas.Codec).DecodeReceipt, sortedAttributes})
		})
	}
}

// proveEarlier runs random receipts of a version that the codec only reads: the oracle writes them. A target that held labels has none afterwards.
func proveEarlier(t *testing.T, s schemas.AvroSchema) {
	codec, client, _ := startCodec(t)
	header := frame(t, client, s.Subject(), s.Text, nil)
	oracle, err := goavro.NewCodec(s.Text)
	if err != nil {
		t.Fatal(err)
	}
	reused := *labelled(5)
	rapid.Check(t, func(t *rapid.T) {
		want := randomReceipt(t)
		want.Type = min(want.Type, retail.Void)
		for i := range want.Lines {
			want.Lines[i].Labels = nil
		}
		value, err := oracle.BinaryFromNative(slices.Clone(header), nativeReceipt(want))
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.DecodeReceipt(value, &reused); err != nil {
			t.Fatal(err)
		}
		sortedAttributes(want)
		sortedAttributes(&reused)
		if got, exp := plain(&reused), plain(want); got != exp {
			t.Fatalf("decoded\n%s\nwant\n%s", got, exp)
		}
	})
}

func TestLedgerAgainstOracle(t *testing.T) {
	prove(t, subject[schemas.LedgerRecord]{current(t, "ledger_record"), randomLedger, nativeLedger, (*schemas.Codec).AppendLedger, (*schemas.Codec).DecodeLedger, func(*schemas.LedgerRecord) {}})
}

func TestBalanceAgainstOracle(t *testing.T) {
	prove(t, subject[schemas.BalanceUpdate]{current(t, "balance_update"), randomBalance, nativeBalance, (*schemas.Codec).AppendBalance, (*schemas.Codec).DecodeBalance, func(*schemas.BalanceUpdate) {}})
}

func TestDecisionAgainstOracle(t *testing.T) {
	prove(t, subject[schemas.ReceiptDecision]{current(t, "receipt_decision"), randomDecision, nativeDecision, (*schemas.Codec).AppendDecision, (*schemas.Codec).DecodeDecision, func(*schemas.ReceiptDecision) {}})
}

func TestMetricsAgainstOracle(t *testing.T) {
	prove(t, subject[schemas.MetricBatch]{current(t, "metric_batch"), randomMetrics, nativeMetrics, (*schemas.Codec).AppendMetrics, (*schemas.Codec).DecodeMetrics, func(*schemas.MetricBatch) {}})
}

func current(t testing.TB, name string) string {
	t.Helper()
	s, ok := schemas.CurrentSchema(name)
	if !ok {
		t.Fatalf("no schema %s", name)
	}
	return s.Text
}

// plain must see every difference: two messages that differ in one field print differently.
func TestPlainSeesDifferences(t *testing.T) {
	a, b := basket(3), basket(3)
	if plain(a) != plain(b) || !reflect.DeepEqual(a, b) {
		t.Fatal("equal receipts print differently")
	}
	b.Lines[2].Discounts = append(b.Lines[2].Discounts, retail.Discount{Amount: 1})
	if plain(a) == plain(b) {
		t.Fatal("different receipts print alike")
	}
}
