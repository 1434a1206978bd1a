package rules_test

import (
	"fmt"
	"strconv"
	"testing"
	_ "time/tzdata"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// View of a member who has received nothing yet.

var demoShelves = [...][2]string{
	{"GROCERY/COFFEE/CAPSULES", "Arabelle"}, {"GROCERY/PASTA", "Bercail"}, {"FRESH/DAIRY", "Bercail"}, {"FRESH/FRUIT", ""},
	{"FRESH/BAKERY", ""}, {"HOUSEHOLD/CLEANING", "Lavandine"}, {"BEVERAGE/WATER", "Sourcevive"}, {"BEVERAGE/SODA", "Maison-Roche"},
	{"BEAUTY/CARE", "Verdoyance"}, {"CULTURE/BOOKS", ""}, {"PET/FOOD", "Miaou"}, {"FRESH/MEAT", ""},
}

// benchReceipts are n receipts of 12 lines over a few hours of one day, in 40 shops.
func benchReceipts(n int) []retail.Receipt {
	out := make([]retail.Receipt, n)
	for i := range out {
		r := &out[i]
		*r = retail.Receipt{
			ID: retail.ReceiptID("r" + strconv.Itoa(i)), Type: retail.Sale, EndedAt: 1_796_202_000_000 + retail.Instant(i)*4000,
			Shop:    retail.Shop{ID: retail.ShopID("S0" + strconv.Itoa(i%40)), Banner: "super", Country: "FR"},
			Channel: retail.InStore, Currency: "EUR", Loyalty: retail.Loyalty{AccountID: retail.AccountID("account-" + strconv.Itoa(i*7919))},
		}
		for l := range 12 {
			s := demoShelves[(l+i)%len(demoShelves)]
			net := money.Amount(150 + (i*31+l*97)%900)
			r.Lines = append(r.Lines, retail.Line{No: int32(l + 1), Kind: retail.SaleLine, GTIN: "30000000" + strconv.Itoa(10000+(i+l*13)%2000),
				Category: s[0], Brand: s[1], QuantityMilli: 1000, Unit: retail.Each, Gross: net, Net: net})
			r.Total += net
		}
	}
	return out
}

func libraryRules(tb testing.TB) *rules.Ruleset {
	var all []*rules.Campaign
	for _, f := range rules.Library() {
		c, ds := rules.Parse(f.Name, f.Doc)
		if c == nil {
			tb.Fatal(ds)
		}
		all = append(all, c)
	}
	return mustCompile(tb, all)
}

func benchEvaluate(b *testing.B, rs *rules.Ruleset) {
	receipts := benchReceipts(100) // as after decoding, the receipt is in the processor's cache
	e := rules.NewEvaluator()
	var d rules.Decision
	var fp rules.Footprint
	var buf []byte
	results, bytes := 0, 0
	run := func(i int) {
		r := &receipts[i%len(receipts)]
		fp.Reset()
		e.Evaluate(rs, r, r.Loyalty.AccountID, rules.Nobody{}, &d, &fp)
		results += len(d.Results)
	}
	for i := range receipts {
		run(i)
		buf = fp.AppendBinary(buf[:0])
		bytes += len(buf)
	}
	results = 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		run(i)
	}
	b.ReportMetric(float64(results)/float64(b.N), "results/op")
	b.ReportMetric(float64(bytes)/float64(len(receipts)), "footprintB")
}

// BenchmarkEvaluate20 is the bar: a receipt of 12 lines against the 20 shipped campaigns.
func BenchmarkEvaluate20(b *testing.B) { benchEvaluate(b, libraryRules(b)) }

// BenchmarkEvaluate grows the number of live campaigns, each about products of its own, as in a network with many suppliers.
func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { benchEvaluate(b, supplierRules(b, n)) })
	}
}

// supplierRules makes n campaigns: ten on shelves of the demo range, the others on brands, articles and shops that few baskets touch.
func supplierRules(tb testing.TB, n int) *rules.Ruleset {
	var all []*rules.Campaign
	for i := range n {
		lines := fmt.Sprintf("{gtin: ['40000000%05d', '40000001%05d']}", i, i)
		stores := ""
		switch {
		case i < 10:
			lines = fmt.Sprintf("{category: %s}", demoShelves[i][0])
		case i%3 == 0:
			lines = fmt.Sprintf("{brand: Brand-%d}", i)
		case i%3 == 1:
			lines, stores = "{exclude: {category: TOBACCO}}", fmt.Sprintf("stores: {ids: T%04d}", i)
		}
		doc := fmt.Sprintf("id: c-%d\nversion: 1\nname: C\nwindow: {from: 2026-01-01}\n%s\nlines: %s\nreward: {percent: 5, max_per_member: {amount: 50.00, per: month}}\nholdout: 10\nvalidity: {pending: 48h, expires: {after: 365d}}\n", i, stores, lines)
		c, ds := rules.Parse("bench.yaml", []byte(doc))
		if c == nil {
			tb.Fatal(ds)
		}
		all = append(all, c)
	}
	return mustCompile(tb, all)
}

func BenchmarkReturn(b *testing.B) {
	rs := libraryRules(b)
	receipts := benchReceipts(100)
	e := rules.NewEvaluator()
	var d rules.Decision
	var fp rules.Footprint
	encoded := make([][]byte, len(receipts))
	for i := range receipts {
		fp.Reset()
		e.Evaluate(rs, &receipts[i], receipts[i].Loyalty.AccountID, rules.Nobody{}, &d, &fp)
		encoded[i] = fp.AppendBinary(nil)
	}
	ret := retail.Receipt{Type: retail.Return, Lines: []retail.Line{
		{No: 1, Kind: retail.ReturnLine, ReturnOfLine: 3, Net: -120, QuantityMilli: -1000}, {No: 2, Kind: retail.ReturnLine, ReturnOfLine: 7, Net: -300, QuantityMilli: -1000}}}
	var buf []byte
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := fp.Decode(encoded[i%len(encoded)]); err != nil {
			b.Fatal(err)
		}
		e.Return(rs, &ret, rules.Nobody{}, &d, &fp)
		buf = fp.AppendBinary(buf[:0])
	}
}
