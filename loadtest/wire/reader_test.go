package wire

import (
	"errors"
	"os"
	"testing"

	"github.com/linkedin/goavro/v2"
)

// schemaText reads the schema as the registry will serve it.
func schemaText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../schemas/avro/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func reader(t testing.TB, text string) *Reader {
	return NewReaderFunc(func(id int) (string, error) {
		if id != 7 {
			return "", nil
		}
		return text, nil
	})
}

// encoded makes a framed receipt with goavro: neither the product's codec nor the library under test.
func encoded(t testing.TB, text string) []byte {
	t.Helper()
	codec, err := goavro.NewCodec(text)
	if err != nil {
		t.Fatal(err)
	}
	str := func(s string) any { return goavro.Union("string", s) }
	line := map[string]any{
		"line_no": 1, "kind": "SALE", "gtin": str("3170000000012"), "sku": nil, "description": nil, "department": nil, "category": str("FRESH/DAIRY"),
		"brand": nil, "quantity_milli": 2000, "unit": "EA", "unit_price_minor": 150, "gross_minor": 300, "net_minor": 280, "vat_rate_bp": 550,
		"discounts": []any{}, "loyalty_eligible": true, "return_of_line": nil, "labels": []any{"organic", "eco-a"},
	}
	b, err := codec.BinaryFromNative([]byte{0, 0, 0, 0, 7}, map[string]any{
		"receipt_id": "R1", "type": "SALE", "training": false, "store": map[string]any{"store_id": "S001", "gln": nil, "banner": str("hyper"), "country": "FR"},
		"terminal_id": "T01", "operator_id": nil, "business_date": 20000, "sequence_no": 3, "started_at": nil, "ended_at": 1_700_000_000_000,
		"utc_offset_min": 60, "channel": "DRIVE", "currency": "EUR", "loyalty": goavro.Union("cagnotte.v1.Loyalty", map[string]any{"account_id": "A1", "program_id": "default", "capture": "CARD"}),
		"lines": []any{line}, "discounts": []any{}, "taxes": []any{}, "tenders": []any{}, "total_minor": 280, "tax_minor": 0, "coupons": []any{},
		"original": nil, "source": nil, "attributes": map[string]any{"event": "enrol"},
	})
	if err != nil {
		// goavro wants logical types as time.Time
		t.Fatal(err)
	}
	return b
}

func TestDecodeReceipt(t *testing.T) {
	for name, labels := range map[string]int{"receipt.v1.avsc": 0, "receipt.v2.avsc": 0, "receipt.v3.avsc": 2} {
		t.Run(name, func(t *testing.T) { decodeReceipt(t, name, labels) })
	}
}

func decodeReceipt(t *testing.T, name string, labels int) {
	text := schemaText(t, name)
	r := reader(t, text)
	value := encoded(t, text)
	var got Receipt
	if err := r.Decode(value, &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "R1" || got.Account() != "A1" || got.Channel != "DRIVE" || got.Store.Banner != "hyper" || got.EndedAt != 1_700_000_000_000 || got.Total != 280 {
		t.Fatalf("got %+v", got)
	}
	l := got.Lines[0]
	if l.GTIN != "3170000000012" || l.SKU != "" || l.Quantity != 2000 || l.Net != 280 || !l.Eligible || l.Kind != "SALE" {
		t.Fatalf("got line %+v", l)
	}
	if len(l.Labels) != labels || labels > 0 && l.Labels[1] != "eco-a" || got.Attributes["event"] != "enrol" {
		t.Fatalf("got labels %q and attributes %v", l.Labels, got.Attributes)
	}
	if r.Checked() != 1 {
		t.Fatal("the first value was not read twice")
	}
}

func TestUnreadable(t *testing.T) {
	text := schemaText(t, "receipt.v1.avsc")
	r := reader(t, text)
	good := encoded(t, text)
	for n := range len(good) {
		if err := r.Decode(good[:n], new(Receipt)); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("first %d of %d bytes: %v", n, len(good), err)
		}
	}
	other := append([]byte{0, 0, 0, 0, 9}, good[5:]...)
	magic := append([]byte{1}, good[1:]...)
	longer := append(append([]byte{}, good...), 0)
	for name, b := range map[string][]byte{"unknown schema": other, "wrong magic": magic, "bytes left over": longer, "empty": nil} {
		if err := r.Decode(b, new(Receipt)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverySchemaParses(t *testing.T) {
	for _, name := range []string{"receipt.v2.avsc", "receipt.v3.avsc", "receipt_decision.v2.avsc", "ledger_record.v1.avsc", "balance_update.v1.avsc"} {
		if _, _, err := reader(t, schemaText(t, name)).schema(7); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkDecodeReceipt(b *testing.B) {
	text := schemaText(b, "receipt.v1.avsc")
	r := reader(b, text)
	value := encoded(b, text)
	b.ReportAllocs()
	for b.Loop() {
		var got Receipt
		if err := r.Decode(value, &got); err != nil {
			b.Fatal(err)
		}
	}
}
