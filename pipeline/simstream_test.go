package pipeline

import (
	"fmt"
	"math/rand/v2"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The rules of the simulation: a percentage with a pending hour and a member cap, a ladder, and a held-out one.
var simCampaigns = []string{`
id: coffee
version: 1
name: {fr: "Café", en: "Coffee"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
lines: {category: [GROCERY/COFFEE]}
reward: {percent: 10, max_per_member: {amount: 9.00, per: campaign}}
validity: {pending: 1h, expires: {after: 30d}}
funding: [{by: retailer, share: 60}, {by: supplier, share: 40}]
`, `
id: basket
version: 1
name: {fr: "Panier", en: "Basket"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {ladder: [{spend: 20.00, get: 1.00}, {spend: 50.00, get: 3.00}]}
`, `
id: held
version: 1
name: {fr: "Témoin", en: "Held"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {fixed: 0.50}
holdout: 40
`}

func (s *sim) publishCampaigns() {
	cl := s.client(&simNet{stack: &s.stack})
	defer cl.Close()
	docs := s.campaigns
	if docs == nil {
		docs = simCampaigns
	}
	for i, doc := range docs {
		key := fmt.Sprint(i)
		if err := cl.ProduceSync(s.t.Context(), &kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte(key), Value: []byte(doc)}).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}

const simReceipts = 110

// produceAll streams the receipts over some twelve virtual seconds. The stream depends on the seed alone.
func (s *sim) produceAll() {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	cl := s.client(&simNet{stack: &s.stack}, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordRetries(100), kgo.ProducerBatchMaxBytes(4<<20))
	defer cl.Close()
	var sent []*retail.Receipt
	for i := range simReceipts {
		rec, raw := s.next(rng, i, sent)
		part := int32(rng.IntN(simPartitions))
		if rec != nil && rng.IntN(20) == 0 {
			// Misplaced by a foreign partitioner. When it comes home depends on the crashes, so it has an account of its own: for others the
			// order of arrival would differ between the two runs, and with it, rightly, the caps.
			rec.ID = retail.ReceiptID(fmt.Sprint("moved-", i, "-")) + rec.ID // its own too: of two contents under one id the first to come home would count
			rec.Loyalty.AccountID = "m" + retail.AccountID(rec.ID)
			raw = s.codec.AppendReceipt(nil, rec)
		} else if rec != nil {
			sent = append(sent, rec)
			raw = s.codec.AppendReceipt(nil, rec)
			part = schemas.PartitionOf(rec.Key(), simPartitions)
		}
		if err := cl.ProduceSync(s.t.Context(), &kgo.Record{Topic: schemas.TopicReceipts, Partition: part, Value: raw}).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.IntN(210)) * time.Millisecond)
	}
}

// next is a sale, a return of an earlier one, an event of an account, an exact repeat, a reused id, an anonymous receipt or bytes that are no receipt.
func (s *sim) next(rng *rand.Rand, i int, sent []*retail.Receipt) (*retail.Receipt, []byte) {
	dice := rng.IntN(100)
	switch {
	case dice < 4:
		raw := []byte{0, 9, 9, byte(i)}
		if dice == 0 {
			raw = append([]byte{7}, make([]byte, 1_300_000)...) // larger than a client's batch is by default
			raw[1] = byte(i)
		}
		return nil, raw
	case dice < 14 && len(sent) > 0:
		again := *sent[rng.IntN(len(sent))]
		return &again, nil
	case dice < 17 && len(sent) > 0:
		other := *sent[rng.IntN(len(sent))]
		other.Total += 100
		other.Lines = append([]retail.Line(nil), other.Lines...)
		if len(other.Lines) == 0 {
			return nil, []byte{1}
		}
		other.Lines[0].Net += 100
		return &other, nil
	case dice < 35 && len(sent) > 0:
		if back := s.giveBack(rng, i, sent[rng.IntN(len(sent))]); back != nil {
			return back, nil
		}
	case dice < 39:
		return s.event(rng, i), nil
	}
	return s.sale(rng, i), nil
}

// event is what happens to an account apart from a till; one in two has lines.
func (s *sim) event(rng *rand.Rand, i int) *retail.Receipt {
	rec := s.sale(rng, i)
	rec.Type, rec.Shop, rec.TerminalID = retail.Event, retail.Shop{}, ""
	rec.Loyalty.AccountID = retail.AccountID(fmt.Sprintf("a%02d", rng.IntN(14)))
	rec.Attributes = []retail.Attribute{{Key: "by", Value: "app"}, {Key: retail.EventAttribute, Value: []string{"enrol", "recycling"}[rng.IntN(2)]}}
	if rng.IntN(2) == 0 {
		rec.Lines, rec.Total = nil, 1200
	}
	if rng.IntN(2) == 0 {
		rec.Attributes = simCommand(rng)
	}
	return rec
}

// simCommand asks something of the money: mostly what can be done, sometimes what must be refused.
func simCommand(rng *rand.Rand) []retail.Attribute {
	kinds := [][]string{{"hold", "hold", "amount"}, {"commit", "hold"}, {"commit", "amount"}, {"cancel", "hold"}, {"redeem", "amount"}, {"refund", "redeem", "amount"}, {"adjust", "amount", "reason"}}
	kind := kinds[rng.IntN(len(kinds))]
	out := []retail.Attribute{{Key: retail.EventAttribute, Value: kind[0]}}
	for _, key := range kind[1:] {
		value := map[string]string{"hold": fmt.Sprint("h", rng.IntN(3)), "amount": fmt.Sprintf("%d.%02d", rng.IntN(3), 1+rng.IntN(99)), "redeem": fmt.Sprint("r", rng.IntN(200)), "reason": "goodwill"}[key]
		out = append(out, retail.Attribute{Key: key, Value: value})
	}
	if rng.IntN(3) == 0 {
		out = append(out, retail.Attribute{Key: "wallet", Value: "points"})
	}
	return out
}

func (s *sim) sale(rng *rand.Rand, i int) *retail.Receipt {
	rec := s.blank(i, retail.Sale)
	rec.EndedAt = retail.Instant(time.Now().Add(-time.Duration(rng.IntN(90)) * time.Minute).UnixMilli())
	if rng.IntN(10) > 0 {
		rec.Loyalty.AccountID = retail.AccountID(fmt.Sprintf("a%02d", rng.IntN(14)))
	}
	for l := range 1 + rng.IntN(5) {
		cat := []string{"GROCERY/COFFEE/BEANS", "GROCERY/PASTA", "FRESH/FRUIT"}[rng.IntN(3)]
		net := money.Amount(50 + rng.IntN(3000))
		rec.Lines = append(rec.Lines, retail.Line{No: int32(l + 1), Kind: retail.SaleLine, SKU: fmt.Sprint("s", l), Category: cat, QuantityMilli: 1000 * int64(1+rng.IntN(3)), Unit: retail.Each, UnitPrice: net, Gross: net, Net: net})
		rec.Total += net
	}
	return rec
}

// giveBack returns some lines of a sale, sometimes all of them.
func (s *sim) giveBack(rng *rand.Rand, i int, of *retail.Receipt) *retail.Receipt {
	if of.Type != retail.Sale {
		return nil
	}
	rec := s.blank(i, retail.Return)
	rec.EndedAt = retail.Instant(time.Now().UnixMilli())
	rec.Loyalty = of.Loyalty
	rec.Original = retail.Original{Given: true, ReceiptID: of.ID, ShopID: of.Shop.ID, TerminalID: of.TerminalID}
	for _, l := range of.Lines {
		if rng.IntN(2) == 0 {
			continue
		}
		rec.Lines = append(rec.Lines, retail.Line{No: int32(len(rec.Lines) + 1), Kind: retail.ReturnLine, SKU: l.SKU, Category: l.Category, QuantityMilli: -l.QuantityMilli, Unit: l.Unit, UnitPrice: l.UnitPrice, Gross: -l.Gross, Net: -l.Net, ReturnOfLine: l.No})
		rec.Total -= l.Net
	}
	if len(rec.Lines) == 0 {
		return nil
	}
	return rec
}

func (s *sim) blank(i int, kind retail.ReceiptType) *retail.Receipt {
	return &retail.Receipt{
		ID: retail.ReceiptID(fmt.Sprintf("r%04d", i)), Type: kind, Shop: retail.Shop{ID: "S1", Country: "FR"}, TerminalID: "T1",
		SequenceNo: int64(i), Channel: retail.InStore, Currency: "EUR",
	}
}
