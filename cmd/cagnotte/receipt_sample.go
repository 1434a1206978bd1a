package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// ReceiptSampleCmd prints example receipts.
type ReceiptSampleCmd struct {
	N     int    `short:"n" default:"1" help:"How many."`
	Seed  uint64 `help:"Seed of the baskets; 0 takes the clock." default:"0"`
	Event string `help:"Print events of this kind instead of receipts: enrol, recycling and so on." placeholder:"KIND"`
}

// shelf is what the examples sell: real categories, invented brands, GTINs with valid check digits.
var shelf = []struct {
	gtin, sku, text, category, brand string
	price                            money.Amount
	vatBP                            int32
	labels                           []string
}{
	{"3020120000015", "100001", "Café moulu 250 g", "GROCERY/COFFEE/BEANS", "Arabelle", 429, 550, []string{"fair-trade"}},
	{"3020120000022", "100002", "Capsules x 20", "GROCERY/COFFEE/CAPSULES", "Arabelle", 599, 550, nil},
	{"3020120000039", "100003", "Penne 500 g", "GROCERY/PASTA", "Montcoton", 145, 550, nil},
	{"3020120000046", "100004", "Yaourt nature x 8", "FRESH/DAIRY", "Bercail", 219, 550, nil},
	{"3020120000053", "100005", "Muesli bio 500 g", "GROCERY/ORGANIC/CEREALS", "Verdoyance", 389, 550, []string{"organic", "nutri-a"}},
	{"3020120000060", "100006", "Lessive 1,5 l", "HOUSEHOLD/CLEANING", "Lavandine", 899, 2000, nil},
	{"3020120000077", "100007", "Couches T4 x 48", "BABY/NAPPIES", "Petit-Pas", 1290, 2000, nil},
	{"3020120000084", "100008", "Eau de source 6 x 1 l", "BEVERAGE/WATER", "Sourcevive", 189, 550, nil},
}

// Run prints one indented receipt, or one per line when there are several or the output is not for people.
func (c *ReceiptSampleCmd) Run(_ context.Context, g *Globals) error {
	if c.N < 1 || c.N > 1_000_000 {
		return exitf(ExitUsage, "-n is %d, want 1 to 1000000", c.N)
	}
	now := time.Now()
	seed := c.Seed
	if seed == 0 {
		seed = uint64(now.UnixNano())
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	pretty := c.N == 1 && g.format() != "ndjson"
	for i := range c.N {
		r := sampleReceipt(rng, now, i)
		if c.Event != "" {
			r = sampleEvent(r, c.Event)
		}
		text := schemas.EncodeReceiptJSON(nil, r)
		if pretty {
			var b bytes.Buffer
			if err := json.Indent(&b, text, "", "  "); err != nil {
				return err
			}
			text = b.Bytes()
		}
		if _, err := fmt.Fprintf(g.Out, "%s\n", text); err != nil {
			return err
		}
	}
	return nil
}

// sampleReceipt is a sale that closed a little before now, in Paris. The number in its id is unique for each call.
func sampleReceipt(rng *rand.Rand, now time.Time, i int) *retail.Receipt {
	closed := now.Add(-time.Duration(1+rng.IntN(600)) * time.Second)
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		zone = time.UTC // no zone database here: an example may be in UTC
	}
	_, offset := closed.In(zone).Zone()
	day := closed.In(zone).Format(time.DateOnly)
	date, err := retail.ParseDate(day)
	if err != nil {
		panic(fmt.Sprintf("a formatted day does not parse: %v", err))
	}
	shop := fmt.Sprintf("S%03d", 1+rng.IntN(20))
	number := now.UnixMilli()*1000 + int64(i)
	r := &retail.Receipt{
		ID: retail.ReceiptID(fmt.Sprintf("%s:T01:%s:%d", shop, day, number)), Type: retail.Sale,
		Shop: retail.Shop{ID: retail.ShopID(shop), Banner: "hyper", Country: "FR"}, TerminalID: "T01", BusinessDate: date, SequenceNo: number,
		EndedAt: retail.Instant(closed.UnixMilli()), UTCOffsetMin: int32(offset / 60), Channel: retail.InStore, Currency: "EUR",
		Loyalty: retail.Loyalty{AccountID: retail.AccountID(fmt.Sprintf("acc-%06d", rng.IntN(100_000))), ProgramID: "default", Capture: retail.Card},
		Source:  retail.Source{POSVendor: "sample", POSVersion: "1", Sender: "http"},
	}
	fillBasket(rng, r)
	return r
}

// sampleEvent is what happened to the receipt's account at that moment, instead of the receipt.
func sampleEvent(r *retail.Receipt, kind string) *retail.Receipt {
	return &retail.Receipt{
		ID: "event:" + r.ID, Type: retail.Event, BusinessDate: r.BusinessDate, SequenceNo: r.SequenceNo, EndedAt: r.EndedAt, UTCOffsetMin: r.UTCOffsetMin,
		Channel: r.Channel, Currency: r.Currency, Loyalty: r.Loyalty, Source: r.Source,
		Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: kind}},
	}
}

// fillBasket puts lines in and adds up, so that the receipt is valid.
func fillBasket(rng *rand.Rand, r *retail.Receipt) {
	tax := map[int32]money.Amount{}
	for no, i := range rng.Perm(len(shelf))[:1+rng.IntN(5)] {
		p := shelf[i]
		quantity := int64(1 + rng.IntN(3))
		net := p.price * money.Amount(quantity)
		r.Lines = append(r.Lines, retail.Line{
			No: int32(no + 1), Kind: retail.SaleLine, GTIN: p.gtin, SKU: p.sku, Description: p.text, Category: p.category, Brand: p.brand,
			QuantityMilli: quantity * 1000, Unit: retail.Each, UnitPrice: p.price, Gross: net, Net: net, VATRateBP: p.vatBP, Labels: p.labels,
		})
		r.Total += net
		tax[p.vatBP] += net
	}
	for _, bp := range []int32{550, 2000} {
		if net := tax[bp]; net > 0 {
			without := money.MulDiv(net, 10_000, 10_000+int64(bp), money.HalfUp)
			r.Taxes = append(r.Taxes, retail.TaxTotal{VATRateBP: bp, Taxable: without, Tax: net - without})
			r.Tax += net - without
		}
	}
	r.Tenders = []retail.Tender{{Type: retail.CardTender, Amount: r.Total}}
}
