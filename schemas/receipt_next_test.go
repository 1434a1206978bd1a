package schemas_test

import (
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// Records that stand one after the other, without lengths, come out one by one; what is cut or spoilt is refused and leaves nothing.
func TestReceiptReaderNext(t *testing.T) {
	same, err := schemas.NewReceiptReader(current(t, "receipt"))
	if err != nil {
		t.Fatal(err)
	}
	var block []byte
	for n := range 5 {
		block = schemas.AppendReceiptBody(block, basket(n))
	}
	checkNext(t, same, block, 5)
	earlier, err := schemas.NewReceiptReader(schemas.AvroSchemas()[1].Text)
	if err != nil {
		t.Fatal(err)
	}
	block = block[:0]
	for n := range 3 {
		block = append(block, write(t, schemas.AvroSchemas()[1].Text, nativeReceipt(basket(n)))...)
	}
	checkNext(t, earlier, block, 3)
	resolving, err := schemas.NewReceiptReader(newer(t))
	if err != nil {
		t.Fatal(err)
	}
	var other []byte
	for n := range 3 {
		native := nativeReceipt(basket(n))
		native["weather"] = nil
		for _, l := range native["lines"].([]any) {
			l.(object)["aisle"] = 1
		}
		other = append(other, write(t, newer(t), native)...)
	}
	checkNext(t, resolving, other, 3)
}

func checkNext(t *testing.T, rr *schemas.ReceiptReader, block []byte, n int) {
	t.Helper()
	var r retail.Receipt
	rest := block
	for i := range n {
		var err error
		if rest, err = rr.ReadNext(rest, &r); err != nil || plain(r) != plain(basket(i)) {
			t.Fatalf("record %d: %v %+v", i, err, r)
		}
	}
	if len(rest) != 0 {
		t.Fatalf("%d bytes are left", len(rest))
	}
	for cut := range min(len(block), 40) {
		if _, err := rr.ReadNext(block[:cut], &r); err == nil || r.ID != "" {
			t.Fatalf("%d bytes were read as a receipt: %+v", cut, r)
		}
	}
}
