package retail_test

import (
	"testing"

	"cagnotte/pipeline/retail"
)

// Ids become keys of the changelog and of the state: one with a control character could be taken for a key of the product's own.
func TestIDsArePrintable(t *testing.T) {
	good := func() retail.Receipt {
		return retail.Receipt{
			ID: "S1:T1:2026-11-22:1", Type: retail.Sale, TerminalID: "T1", Currency: "EUR", EndedAt: 1, Total: 100,
			Shop: retail.Shop{ID: "S1", Country: "FR"}, Loyalty: retail.Loyalty{AccountID: "é-1"},
			Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, QuantityMilli: 1000, Gross: 100, Net: 100}},
		}
	}
	policy := retail.DefaultPolicy()
	policy.MaxAgeMs = 0
	r := good()
	if p := policy.Validate(&r, 1); p != nil {
		t.Fatalf("a good receipt: %+v", p)
	}
	for path, spoil := range map[string]func(*retail.Receipt){
		"/receipt_id":         func(r *retail.Receipt) { r.ID += "\n" },
		"/loyalty/account_id": func(r *retail.Receipt) { r.Loyalty.AccountID = "\x00commit" },
		"/store/store_id":     func(r *retail.Receipt) { r.Shop.ID += "\x7f" },
	} {
		r := good()
		spoil(&r)
		if p := policy.Validate(&r, 1); p == nil || p.Path != path || p.Code != retail.CodeSchema {
			t.Errorf("%s: %+v", path, p)
		}
	}
}
