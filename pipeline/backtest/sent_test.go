package backtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const sentDocs = `
id: friend-sends
version: 1
name: Sends
window: {from: 2026-01-01, tz: Europe/Paris}
who: {first_receipt: true, referred: true}
reward: {event: {kind: referral, to: referrer}}
---
id: host-gets
version: 1
name: Gets
window: {from: 2026-01-01, tz: Europe/Paris}
event: referral
reward: {fixed: 10.00, max_per_member: {amount: 15.00, per: month}}
---
id: seller-sends
version: 1
name: Sells
window: {from: 2026-01-01, tz: Europe/Paris}
lines: {category: COFFEE}
reward: {event: {kind: staff-sale, to: operator}}
---
id: seller-gets
version: 1
name: Earns
window: {from: 2026-01-01, tz: Europe/Paris}
event: staff-sale
reward: {percent: 2}
`

func sentDrafts(t *testing.T) (out []*rules.Campaign) {
	t.Helper()
	for _, doc := range strings.Split(sentDocs, "---\n") {
		out = append(out, parse(t, doc))
	}
	return out
}

func soldCoffee(id, account string, at retail.Instant, net money.Amount) retail.Receipt {
	r := retail.Receipt{
		ID: retail.ReceiptID(id), Type: retail.Sale, Currency: "EUR", EndedAt: at, TerminalID: "1", OperatorID: "lea", Channel: retail.InStore, Total: net,
		Shop: retail.Shop{ID: "S1", Country: "FR"}, Loyalty: retail.Loyalty{AccountID: retail.AccountID(account)},
		Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, Category: "COFFEE", SKU: "c", Unit: retail.Each, QuantityMilli: 1000, UnitPrice: net.Abs(), Gross: net, Net: net}},
	}
	if net < 0 {
		r.Type, r.Lines[0].Kind, r.Lines[0].QuantityMilli, r.Lines[0].ReturnOfLine = retail.Return, retail.ReturnLine, -1000, 1
	}
	return r
}

func enrolled(id, account, referrer string, at retail.Instant) retail.Receipt {
	return retail.Receipt{
		ID: retail.ReceiptID(id), Type: retail.Event, Currency: "EUR", EndedAt: at, Loyalty: retail.Loyalty{AccountID: retail.AccountID(account)},
		Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: "enrol"}, {Key: "referrer", Value: referrer}},
	}
}

// sentPast: two friends of one host buy and one returns half; one of them was sent for already; a seller without a name has no account.
func sentPast() []retail.Receipt {
	const day = 24 * hourMs
	at := retail.Instant(1_778_000_000_000) // 5 May 2026
	back := soldCoffee("r4", "ann", at+3*day, -1500)
	back.Original = retail.Original{Given: true, ReceiptID: "r1"}
	nobody := soldCoffee("r5", "ann", at+4*day, 900)
	nobody.OperatorID = ""
	pair := soldCoffee("r1", "ann", at, 3000)
	pair.Lines[0].QuantityMilli, pair.Lines[0].UnitPrice = 2000, 1500
	return []retail.Receipt{
		enrolled("e1", "ann", "host", at-day), enrolled("e2", "bob", "host", at-day), enrolled("e3", "eve", "host", at-day),
		pair, soldCoffee("r2", "bob", at+day, 5000), soldCoffee("r3", "ann", at+2*day, 2000), back, nobody,
	}
}

// Goal: what a draft sends to other accounts is judged there, within their caps, and comes back with the goods; by hand:
// the host has 10.00 and, by the cap, 5.00; the seller 2 % of 30, 50, 20 and less 15 EUR.
func TestEventsForOthersAreSimulated(t *testing.T) {
	var first string
	for _, workers := range []int{1, 2, 3} {
		r := run(t, sentPast(), Options{Drafts: sentDrafts(t), Workers: workers})
		got := fmt.Sprint(r.Campaigns[1].Cost.NetMinor, r.Campaigns[3].Cost.GrantedMinor, r.Campaigns[3].Cost.ReturnedMinor, r.Cost.NetMinor)
		if want := "1500 200 30 1670"; got != want {
			t.Errorf("%d workers: got %s, want %s", workers, got, want)
		}
		if s := r.Sent; s == nil || s.Events != 5 || s.Returns == 0 || s.Nobody != 1 || s.Unheard != 0 || s.Known != 0 {
			t.Errorf("sent %+v", s)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(text)
		}
		if string(text) != first {
			t.Errorf("%d workers:\n got %s\nwant %s", workers, text, first)
		}
	}
}

// An event that the archive holds was sent when it happened; it is not sent again. Without a campaign about it an event is counted, and no more.
func TestEventsThatAreKnownOrUnheard(t *testing.T) {
	past := sentPast()
	known := enrolled("friend-sends/r1", "host", "", past[3].EndedAt)
	known.Attributes[0].Value, known.Attributes = "referral", known.Attributes[:1]
	known.Lines = []retail.Line{{No: 1, Kind: retail.Service, SKU: "friend-sends", Unit: retail.Each, QuantityMilli: 2000, UnitPrice: 1500, Gross: 3000, Net: 3000}}
	known.Total = 3000
	drafts := sentDrafts(t)
	r := run(t, append(past, known), Options{Drafts: drafts[:2]})
	if s := r.Sent; s == nil || s.Known != 1 || r.Cost.NetMinor != 1500 {
		t.Errorf("sent %+v, cost %+v", s, r.Cost)
	}
	r = run(t, past, Options{Drafts: drafts[:1], Against: drafts[2:], Compare: true})
	if s := r.Sent; s == nil || s.Unheard != 2 || s.Events != 5 || r.Cost.NetMinor != 0 || r.Comparison.WithMinor != 170 || r.Comparison.WithoutMinor != 170 {
		t.Errorf("sent %+v, comparison %+v", s, r.Comparison)
	}
	if r = run(t, past, Options{Drafts: drafts[1:2]}); r.Sent != nil {
		t.Errorf("nothing sends, but %+v", r.Sent)
	}
}
