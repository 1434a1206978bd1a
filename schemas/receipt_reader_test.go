package schemas_test

import (
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

func TestReceiptReader(t *testing.T) {
	codec, _, _ := startCodec(t)
	same, err := schemas.NewReceiptReader(current(t, "receipt"))
	if err != nil {
		t.Fatal(err)
	}
	var r retail.Receipt
	for n := range 3 {
		if err := same.Read(codec.AppendReceipt(nil, basket(n))[5:], &r); err != nil || plain(r) != plain(basket(n)) {
			t.Fatalf("%d lines: %v %+v", n, err, r)
		}
	}
	if err := same.Read([]byte{1}, &r); err == nil || r.ID != "" {
		t.Fatalf("garbage was read: %+v", r)
	}
	resolving, err := schemas.NewReceiptReader(newer(t))
	if err != nil {
		t.Fatal(err)
	}
	native := nativeReceipt(basket(2))
	native["weather"] = nil
	for _, l := range native["lines"].([]any) {
		l.(object)["aisle"] = 1
	}
	body := write(t, newer(t), native)
	if err := resolving.Read(body, &r); err != nil || plain(r) != plain(basket(2)) {
		t.Fatalf("%v %+v", err, r)
	}
	if err := resolving.Read(body[:20], &r); err == nil || r.ID != "" {
		t.Fatalf("half a record was read: %+v", r)
	}
	for _, bad := range []string{`{`, `"string"`, `{"type":"record","name":"Other","fields":[]}`} {
		if _, err := schemas.NewReceiptReader(bad); err == nil {
			t.Errorf("%s was taken as a receipt's schema", bad)
		}
	}
}
