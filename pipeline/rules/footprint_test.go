package rules_test

import (
	"bytes"
	"reflect"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// Every footprint that evaluation makes survives its encoding, also into memory that held another one.
func TestFootprintRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBook(compiled(t, campaigns(t, 8)))
		var used rules.Footprint
		for range 3 {
			r := basket(t, "r")
			r.EndedAt += retail.Instant(rapid.IntRange(-1, 1).Draw(t, "ms"))
			clear(b.fp)
			if rapid.Bool().Draw(t, "pending") {
				b.giveBack(t, "r", returnsOf(t, r)...)
			}
			if rapid.IntRange(0, 3).Draw(t, "sold") > 0 {
				b.sale(t, r)
				b.giveBack(t, "r", returnsOf(t, r)...)
			}
			fresh := b.load(t, "r")
			fresh.ContentHash = rapid.Uint64().Draw(t, "hash")
			enc := fresh.AppendBinary([]byte("before"))[len("before"):]
			if err := used.Decode(enc); err != nil {
				t.Fatal(err)
			}
			if again := used.AppendBinary(nil); !bytes.Equal(again, enc) || used.ContentHash != fresh.ContentHash || used.EndedAt != fresh.EndedAt {
				t.Fatalf("%x comes back as %x", enc, again)
			}
			if rules.FootprintHasSale(enc) != used.HasSale() {
				t.Fatal("FootprintHasSale differs")
			}
		}
	})
}

// Without a candidate a footprint is the hash and the time.
func TestFootprintOfAPlainSale(t *testing.T) {
	rs := mustCompile(t, nil)
	var d rules.Decision
	var fp rules.Footprint
	fp.ContentHash = 7
	r := benchReceipts(1)[0]
	rules.NewEvaluator().Evaluate(rs, &r, "a", rules.Nobody{}, &d, &fp)
	if len(d.Results) != 0 || !fp.HasSale() || fp.ContentHash != 7 || len(fp.Awards)+len(fp.Lines) != 0 {
		t.Errorf("got %+v", fp)
	}
	if n := len(fp.AppendBinary(nil)); n > 16 {
		t.Errorf("%d bytes", n)
	}
}

// A receipt of 12 lines and 3 candidates fits the size that the state store reckons with.
func TestFootprintIsSmall(t *testing.T) {
	var all []*rules.Campaign
	for _, f := range rules.Library() {
		if c := mustParse(t, string(f.Doc)); c.ID == "programme-base" || c.ID == "coffee-week" || c.ID == "lavandine-20" {
			all = append(all, c)
		}
	}
	rs, e := mustCompile(t, all), rules.NewEvaluator()
	var d rules.Decision
	total, receipts := 0, benchReceipts(50)
	for i := range receipts {
		var fp rules.Footprint
		e.Evaluate(rs, &receipts[i], receipts[i].Loyalty.AccountID, rules.Nobody{}, &d, &fp)
		total += len(fp.AppendBinary(nil))
	}
	if mean := total / len(receipts); mean > 150 {
		t.Errorf("%d bytes on average, want at most 150", mean)
	}
}

// Who counts products tells them apart by more than a return needs to find its line; the footprint keeps it, and only then.
func TestFootprintKeepsProducts(t *testing.T) {
	for count, whole := range map[string]bool{"products": true, "pieces": false} {
		c := mustParse(t, statefulHead+"progress: {count: "+count+", target: 3}\nreward: {fixed: 1}\n")
		r := benchReceipts(1)[0]
		r.EndedAt, r.Lines[0].GTIN = c.Window.From, "x"
		var d rules.Decision
		var fp, again rules.Footprint
		rules.NewEvaluator().Evaluate(mustCompile(t, []*rules.Campaign{c}), &r, "a", rules.Nobody{}, &d, &fp)
		if err := again.Decode(fp.AppendBinary(nil)); err != nil {
			t.Fatal(err)
		}
		want := fp.Lines[0].Product
		if want>>16 == 0 {
			t.Fatal("the product's name has no upper half to lose")
		}
		if !whole {
			want &= 1<<16 - 1
		}
		if got := again.Lines[0].Product; got != want {
			t.Errorf("%s: %x comes back, want %x", count, got, want)
		}
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	rs, r := libraryRules(t), benchReceipts(1)[0]
	var d rules.Decision
	var fp rules.Footprint
	rules.NewEvaluator().Evaluate(rs, &r, "a", rules.Nobody{}, &d, &fp)
	good := fp.AppendBinary(nil)
	for n := range good {
		if err := fp.Decode(good[:n]); err == nil {
			t.Errorf("accepted %d of %d bytes", n, len(good))
		}
		if fp.HasSale() || len(fp.Awards) > 0 {
			t.Errorf("after an error the footprint is not empty")
		}
	}
	if err := fp.Decode(append(bytes.Clone(good), 0)); err == nil {
		t.Error("accepted a byte too many")
	}
	if err := fp.Decode(append([]byte{9}, good[1:]...)); err == nil {
		t.Error("accepted another version")
	}
}

// FuzzFootprint: no bytes make Decode panic or Return misbehave; what is accepted is encoded to something equal.
func FuzzFootprint(f *testing.F) {
	rs := libraryRules(f)
	e := rules.NewEvaluator()
	for _, r := range benchReceipts(4) {
		var d rules.Decision
		var fp rules.Footprint
		e.Evaluate(rs, &r, r.Loyalty.AccountID, rules.Nobody{}, &d, &fp)
		f.Add(fp.AppendBinary(nil))
		e.Return(rs, &retail.Receipt{Type: retail.Return, Lines: []retail.Line{{Kind: retail.ReturnLine, ReturnOfLine: 2, Net: -100}}}, rules.Nobody{}, &d, &fp)
		f.Add(fp.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var fp, again rules.Footprint
		if fp.Decode(b) != nil {
			return
		}
		if err := again.Decode(fp.AppendBinary(nil)); err != nil || !reflect.DeepEqual(normal(fp), normal(again)) {
			t.Fatalf("%v: %+v comes back as %+v", err, fp, again)
		}
		var d rules.Decision
		ret := retail.Receipt{Type: retail.Return, Lines: []retail.Line{{No: 1, Kind: retail.ReturnLine, Net: -money.Max, QuantityMilli: -1 << 40}}}
		rules.NewEvaluator().Return(rs, &ret, rules.Nobody{}, &d, &fp)
	})
}

// normal makes nil and empty slices equal.
func normal(f rules.Footprint) string { return string(f.AppendBinary(nil)) }
