package schemas_test

import (
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// labelled is a basket in which every other line has labels.
func labelled(n int) *retail.Receipt {
	r := basket(n)
	for i := 0; i < n; i += 2 {
		r.Lines[i].Labels = []string{"organic", "eco-a", "pêche-durable"}[:1+i%3]
	}
	return r
}

// enrolment is an event without shop, till or lines.
func enrolment() *retail.Receipt {
	return &retail.Receipt{
		ID: "crm:17", Type: retail.Event, BusinessDate: 20788, EndedAt: 1796115600000, UTCOffsetMin: 60, Channel: retail.InStore, Currency: "EUR",
		Loyalty:    retail.Loyalty{AccountID: "acc-0001234567", ProgramID: "default"},
		Attributes: []retail.Attribute{{Key: "event", Value: "enrolment"}, {Key: "referrer", Value: "acc-7"}},
	}
}

// basket is a plausible receipt of n lines with every optional part in use.
func basket(n int) *retail.Receipt {
	r := &retail.Receipt{
		ID: "S001:T04:2026-12-01:4711", Type: retail.Sale,
		Shop:       retail.Shop{ID: "S001", GLN: "3020123456789", Banner: "hyper", Country: "FR"},
		TerminalID: "T04", OperatorID: "op-17", BusinessDate: 20788, SequenceNo: 4711,
		StartedAt: 1796115480000, EndedAt: 1796115600000, UTCOffsetMin: 60, Channel: retail.InStore, Currency: "EUR",
		Loyalty:    retail.Loyalty{AccountID: "acc-0001234567", ProgramID: "default", Capture: retail.Card},
		Tenders:    []retail.Tender{{Type: retail.CardTender, Amount: 2000}, {Type: retail.Cash, Amount: -15}},
		Coupons:    []string{"C-2026-11"},
		Source:     retail.Source{POSVendor: "Encaisse", POSVersion: "7.3", Sender: "kafka"},
		Attributes: []retail.Attribute{{Key: "age_check", Value: "no"}, {Key: "bags", Value: "2"}},
	}
	for i := range n {
		net := money.Amount(120 + 17*i)
		line := retail.Line{
			No: int32(i + 1), Kind: retail.SaleLine, GTIN: fmt.Sprintf("30201234%05d", i), SKU: fmt.Sprintf("sku%d", i), Description: "Café moulu 250 g",
			Department: "12", Category: "GROCERY/COFFEE/BEANS", Brand: "Arabelle", QuantityMilli: 1000, Unit: retail.Each,
			UnitPrice: net + 10, Gross: net + 10, Net: net, VATRateBP: 550,
		}
		if i%4 == 0 {
			line.Discounts = []retail.Discount{{Amount: -10, Kind: retail.Promotion, PromotionID: "P1", FundedBy: "RETAILER"}}
		}
		r.Lines = append(r.Lines, line)
		r.Total += net
	}
	r.Discounts = []retail.Discount{{Amount: -5, Kind: retail.Coupon, PromotionID: "C-2026-11"}}
	r.Total -= 5
	r.Tax = r.Total / 20
	r.Taxes = []retail.TaxTotal{{VATRateBP: 550, Taxable: r.Total - r.Tax, Tax: r.Tax}}
	return r
}
