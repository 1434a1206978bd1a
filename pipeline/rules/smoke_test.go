package rules

import (
	"testing"
	_ "time/tzdata"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

const coffee = `
id: coffee-week
version: 1
effective_from: 2026-12-01T00:00:00+01:00
name: {fr: "Semaine du café", en: "Coffee week"}
window: {from: 2026-12-01, to: 2026-12-07, tz: Europe/Paris, hours: "08:00-21:00", weekdays: [mon, tue, wed]}
channels: [IN_STORE, DRIVE]
lines: {category: [GROCERY/COFFEE]}
when: {min_spend: 10.00}
reward:
  percent: 10
  max_per_receipt: 5.00
  max_per_member: {amount: 15.00, per: campaign}
validity: {pending: 48h, expires: {after: 365d}}
funding: [{by: retailer, share: 60}, {by: supplier-arabelle, share: 40}]
returns: reverse
tests:
  - {receipt: {lines: [{category: GROCERY/COFFEE, net: 12.00, quantity: 2}], store: S001, at: 2026-12-02T10:00:00+01:00, channel: IN_STORE}, expect: {outcome: AWARDED, amount: 1.20}}
`

type noCaps struct{}

func (noCaps) CapUsed(uint64, int32) money.Amount { return 0 }

func TestSmoke(t *testing.T) {
	c, ds := Parse("coffee.yaml", []byte(coffee))
	for _, d := range ds {
		t.Log(d)
	}
	if c == nil {
		t.Fatal("no campaign")
	}
	t.Logf("%s", c.JSON())
	c2, ds := Parse("c.json", c.JSON())
	if c2 == nil {
		t.Fatal(ds)
	}
	if string(c2.JSON()) != string(c.JSON()) {
		t.Fatalf("%s", c2.JSON())
	}
	rs, err := Compile([]*Campaign{c})
	if err != nil {
		t.Fatal(err)
	}
	var d Decision
	var fp Footprint
	e := NewEvaluator()
	e.Evaluate(rs, &c.Tests[0].Receipt, "a1", noCaps{}, &d, &fp)
	t.Logf("%+v", d.Results)
	t.Logf("%+v", fp)
	b := fp.AppendBinary(nil)
	var g Footprint
	if err := g.Decode(b); err != nil {
		t.Fatal(err)
	}
	ret := retail.Receipt{Type: retail.Return, Lines: []retail.Line{{No: 1, Kind: retail.ReturnLine, Net: -600, QuantityMilli: -1000, ReturnOfLine: 1}}}
	e.Return(rs, &ret, noCaps{}, &d, &g)
	t.Logf("%+v", d.Results)
}
