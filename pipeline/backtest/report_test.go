package backtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const coffee = `
id: coffee-dip
version: 1
name: {fr: "La pause café", en: "Coffee break"}
window: {from: 2026-12-01, to: 2026-12-07, tz: Europe/Paris}
lines: {category: GROCERY/COFFEE}
reward: {percent: 10, max_per_receipt: 2.00, max_per_member: {amount: 3.00, per: week}}
funding: [{by: retailer, share: 60}, {by: supplier, share: 40}]
budget: {total: 4.00}
`

// sale is a receipt of one line, coffee or not.
func sale(t *testing.T, id, account, shop, at string, cents int64, category string) retail.Receipt {
	t.Helper()
	return retail.Receipt{
		ID: retail.ReceiptID(id), Type: retail.Sale, Shop: retail.Shop{ID: retail.ShopID(shop), Country: "FR"}, TerminalID: "1", EndedAt: instant(t, at),
		Channel: retail.InStore, Currency: "EUR", Loyalty: retail.Loyalty{AccountID: retail.AccountID(account)}, Total: amount(cents),
		Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, Category: category, QuantityMilli: 1000, Unit: retail.Each, Gross: amount(cents), Net: amount(cents), GTIN: id}},
	}
}

func back(t *testing.T, id, original, account, shop, at string, cents int64) retail.Receipt {
	t.Helper()
	r := sale(t, id, account, shop, at, -cents, "GROCERY/COFFEE")
	r.Type, r.Original = retail.Return, retail.Original{Given: true, ReceiptID: retail.ReceiptID(original)}
	r.Lines[0].Kind, r.Lines[0].QuantityMilli, r.Lines[0].ReturnOfLine = retail.ReturnLine, -1000, 1
	return r
}

// week is five weeks before the campaign: known by hand.
func week(t *testing.T) []retail.Receipt {
	t.Helper()
	const c = "GROCERY/COFFEE"
	return []retail.Receipt{
		sale(t, "r1", "ann", "S1", "2026-10-27T10:15:00+01:00", 1000, c), // 1.00
		sale(t, "r2", "ann", "S1", "2026-10-27T18:40:00+01:00", 3000, c), // 2.00 of 3.00: the receipt's cap
		sale(t, "r3", "ann", "S2", "2026-10-28T09:00:00+01:00", 1500, c), // nothing: the week's cap is used up
		sale(t, "r4", "bob", "S2", "2026-10-29T17:30:00+01:00", 1200, c), // 1.20: the budget of 4.00 ends in this hour
		sale(t, "r5", "bob", "S2", "2026-10-30T11:00:00+01:00", 900, "BAKERY"),
		sale(t, "r6", "", "S1", "2026-10-30T12:00:00+01:00", 2000, c), // nobody
		back(t, "r7", "r1", "ann", "S2", "2026-10-31T10:00:00+01:00", 1000),
		back(t, "r8", "r0", "bob", "S1", "2026-10-31T11:00:00+01:00", 500), // a sale before the archive
		sale(t, "r4", "bob", "S2", "2026-10-29T17:30:00+01:00", 1200, c),   // again
		sale(t, "r9", "cid", "S3", "2026-11-09T10:00:00+01:00", 5000, c),   // after the window
	}
}

func weekReport(t *testing.T) *Report {
	t.Helper()
	list := week(t)
	drafts := []*rules.Campaign{parse(t, coffee)}
	from, to := list[0].EndedAt, instant(t, "2026-11-02T00:00:00+01:00")
	weeks := FitWeeks(drafts, from, to)
	if weeks != -5 {
		t.Fatalf("moved by %d weeks, want -5", weeks)
	}
	return run(t, list, Options{Drafts: drafts, ShiftWeeks: weeks, AutoShift: true, Source: "week.ndjson", Workers: 2})
}

// An event among the receipts changes nothing but its own count.
func TestEventsAreLeftOut(t *testing.T) {
	list := week(t)
	event := sale(t, "e1", "ann", "", "2026-10-27T09:00:00+01:00", 9000, "GROCERY/COFFEE")
	event.Type, event.TerminalID, event.Attributes = retail.Event, "", []retail.Attribute{{Key: retail.EventAttribute, Value: "recycling"}}
	o := Options{Drafts: []*rules.Campaign{parse(t, coffee)}, ShiftWeeks: -5, Source: "week.ndjson", Workers: 2}
	without, with := run(t, list, o), run(t, append([]retail.Receipt{event}, list...), o)
	if with.Archive.Events != 1 || without.Archive.Events != 0 {
		t.Errorf("%d and %d events", with.Archive.Events, without.Archive.Events)
	}
	with.Archive.Events = 0
	a, errA := json.Marshal(without)
	b, errB := json.Marshal(with)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%v %v\nwithout %s\nwith    %s", errA, errB, a, b)
	}
}

func TestReportByHand(t *testing.T) {
	r := weekReport(t)
	c := r.Campaigns[0]
	if r.Cost.GrantedMinor != 420 || r.Cost.ReturnedMinor != 100 || r.Cost.NetMinor != 320 {
		t.Errorf("cost %+v", r.Cost)
	}
	if want := []Amount{{"retailer", 192}, {"supplier", 128}}; fmt.Sprint(r.Cost.Funders) != fmt.Sprint(want) {
		t.Errorf("funders %v, want %v", r.Cost.Funders, want)
	}
	if want := (Reach{MembersOnFile: 3, MembersConsidered: 3, MembersRewarded: 2, ReceiptsInWindow: 8, ReceiptsConsidered: 6, ReceiptsRewarded: 3}); r.Reach != want {
		t.Errorf("reach %+v, want %+v", r.Reach, want)
	}
	if b := c.Budget; b.PastEndsAt != "2026-10-29T17:00:00+01:00" || b.EndsAt != "2026-12-03T17:00:00+01:00" || b.UsedMinor != 320 || b.Projected ||
		b.GrantedMinor != 400 || b.ReturnedMinor != 100 || b.RefusedMinor != 20 || b.RefusedReceipts != 1 {
		t.Errorf("budget %+v", b)
	}
	if a := r.Archive; a.Repeats != 1 || a.OrphanReturns != 1 || a.Anonymous != 1 || a.Returns != 2 || a.Receipts != 9 {
		t.Errorf("archive %+v", a)
	}
	if want := "[{member_cap 1 150 0} {receipt_cap 1 100 0}]"; fmt.Sprint(c.Limits) != want {
		t.Errorf("limits %v, want %s", c.Limits, want)
	}
	if r.Top[0].ID != "r2" || r.Top[0].RewardMinor != 200 || r.Top[2].ID != "r1" || r.Top[2].ReturnedMinor != 100 || len(r.Top) != 3 {
		t.Errorf("top %+v", r.Top)
	}
	if s := r.Shops.Top; s[0].ID != "S1" || s[0].NetMinor != 300 || s[1].NetMinor != 20 || r.Shops.OnFile != 3 {
		t.Errorf("shops %+v", r.Shops)
	}
	if m := r.Members; m.MeanMinor != 160 || m.TopMinor != 200 || m.Quantiles[2].Minor != 120 {
		t.Errorf("members %+v", m)
	}
}

// What the law takes off is told by limit: books within five percent, tobacco never.
func TestGuardrailsShow(t *testing.T) {
	list := []retail.Receipt{
		sale(t, "b1", "ann", "S1", "2026-12-02T10:00:00+01:00", 2000, "CULTURE/BOOKS"),
		sale(t, "t1", "ann", "S1", "2026-12-02T11:00:00+01:00", 1200, "TOBACCO"),
	}
	doc := "id: c\nversion: 1\nname: x\nwindow: {from: 2026-12-01}\nlines: {category: [CULTURE, TOBACCO]}\nreward: {percent: 20}\n"
	r := run(t, list, Options{Drafts: []*rules.Campaign{parse(t, doc)}})
	var books, tobacco Limit
	for _, l := range r.Campaigns[0].Limits {
		if l.ClippedMinor > 0 {
			books = l
		}
		if l.BarredMinor > 0 {
			tobacco = l
		}
	}
	if r.Cost.NetMinor != 100 || !strings.HasPrefix(books.Limit, "guardrails.") || books.ClippedMinor != 300 || tobacco.BarredMinor != 1200 || len(r.Campaigns[0].Limits) != 2 {
		t.Errorf("cost %d, limits %+v", r.Cost.NetMinor, r.Campaigns[0].Limits)
	}
}

func TestGoldenReport(t *testing.T) {
	text, err := json.MarshalIndent(weekReport(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "week.json", string(text)+"\n")
	for _, lang := range []string{"en", "fr"} {
		var b bytes.Buffer
		if err := weekReport(t).WriteTable(&b, lang); err != nil {
			t.Fatal(err)
		}
		golden(t, "week."+lang+".txt", b.String())
	}
}

// The page needs nothing from elsewhere, says in both languages what it is, and escapes what documents and receipts say.
func TestPage(t *testing.T) {
	list := week(t)
	list[0].Shop.ID, list[0].ID = `<script>alert(1)</script>`, `"><img src=x>`
	doc := strings.Replace(coffee, "Coffee break", "<b>Coffee</b>", 1)
	r := run(t, list, Options{Drafts: []*rules.Campaign{parse(t, doc)}, ShiftWeeks: -5, Source: "a & b", Compare: true, Live: "none"})
	outside := regexp.MustCompile(`(?i)<[^>]*(src|href)=|url\(|@import|<script|<link|<b>Coffee|<img`)
	for lang, says := range map[string]string{"en": "This prices the past", "fr": "Ceci chiffre le passé"} {
		var b bytes.Buffer
		if err := r.WriteHTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		if found := outside.FindString(page); found != "" {
			t.Errorf("%s: the page holds %q", lang, found)
		}
		if strings.Count(page, says) != 2 || strings.Count(page, "<svg") != 4 || !strings.Contains(page, `lang="`+lang+`"`) || strings.Contains(page, "%!") || strings.Contains(page, "NaN") {
			t.Errorf("%s: the page is not whole", lang)
		}
		if dir := os.Getenv("KEEP_PAGES"); dir != "" {
			if err := os.WriteFile(dir+"/"+lang+".html", b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A report of nothing is a report too.
func TestEmptyReport(t *testing.T) {
	r := run(t, nil, Options{Drafts: []*rules.Campaign{parse(t, coffee)}})
	for _, lang := range []string{"en", "fr"} {
		var b bytes.Buffer
		if err := r.WriteHTML(&b, lang); err != nil {
			t.Fatal(err)
		}
		if err := r.WriteTable(&b, lang); err != nil || strings.Contains(b.String(), "NaN") {
			t.Fatal(err)
		}
	}
}

func TestWordsAreComplete(t *testing.T) {
	en, fr := english(), french()
	for k, v := range en {
		if fr[k] == "" || strings.Count(v, "%") != strings.Count(fr[k], "%") {
			t.Errorf("%s: %q and %q", k, v, fr[k])
		}
	}
	if len(en) != len(fr) {
		t.Errorf("%d keys in English, %d in French", len(en), len(fr))
	}
	for o := rules.NoAccount; o <= rules.InProgress; o++ {
		if outcomeNames("en")[o.String()] == "" || outcomeNames("fr")[o.String()] == "" {
			t.Errorf("%v has no name", o)
		}
	}
	for _, m := range regexp.MustCompile(`(?:\bt|say) "([a-z0-9_]+)"`).FindAllStringSubmatch(pageText, -1) {
		if en[m[1]] == "" {
			t.Errorf("the page uses %s, which has no text", m[1])
		}
	}
}

func TestFitWeeks(t *testing.T) {
	from, to := instant(t, "2026-08-03T00:00:00+02:00"), instant(t, "2026-09-28T00:00:00+02:00")
	for window, want := range map[string]int{
		"{from: 2026-12-01, to: 2026-12-07}": -11, // ends in the last week that fits
		"{from: 2026-06-01, to: 2026-06-07}": 9,
		"{from: 2026-08-10, to: 2026-08-16}": 0,
		"{from: 2026-01-01, to: 2026-12-31}": 0,  // holds the archive
		"{from: 2026-01-01}":                 0,  // no end
		"{from: 2026-09-01}":                 -5, // covers the archive from its start
		"{from: 2026-09-25, to: 2026-10-04}": -1,
	} {
		c := parse(t, "id: c\nversion: 1\nname: x\nwindow: "+window+"\nreward: {percent: 1}\n")
		if got := FitWeeks([]*rules.Campaign{c}, from, to); got != want {
			t.Errorf("%s: %d weeks, want %d", window, got, want)
		}
	}
}

// Goal: shops' parts, pace and total bind together, returns go back to the shop of the sale, and the number of workers does not show. Method: a week by hand.
func TestBudgetWithin(t *testing.T) {
	const c = "GROCERY/COFFEE"
	list := []retail.Receipt{
		sale(t, "r1", "ann", "S1", "2026-12-02T10:00:00+01:00", 2000, c), // 2.00 of the 2.50 of S1
		sale(t, "r2", "bob", "S1", "2026-12-02T11:00:00+01:00", 2000, c), // 0.50
		sale(t, "r3", "cid", "S2", "2026-12-02T12:00:00+01:00", 2000, c), // 2.00 of S2
		back(t, "r4", "r1", "ann", "S2", "2026-12-02T13:00:00+01:00", 2000),
		sale(t, "r5", "bob", "S1", "2026-12-02T14:00:00+01:00", 3000, c), // 2.00 again, of S1
		sale(t, "r6", "dee", "S1", "2026-12-03T10:00:00+01:00", 9000, c), // another day: 2.50 of S1, and of the total 1.50
		sale(t, "r7", "dee", "S3", "2026-12-03T11:00:00+01:00", 1000, c), // nothing is left
	}
	const doc = "id: c\nversion: 1\nname: x\nwindow: {from: 2026-12-01, to: 2026-12-07}\nreward: {percent: 10}\nbudget: {total: 6.00, per_store: {amount: 2.50, per: day}}\n"
	for workers := 1; workers <= 3; workers++ {
		b := run(t, list, Options{Drafts: []*rules.Campaign{parse(t, doc)}, Workers: workers}).Campaigns[0].Budget
		if b.GrantedMinor != 800 || b.ReturnedMinor != 200 || b.RefusedMinor != 150+100+750+100 || b.RefusedReceipts != 4 || b.PastEndsAt != "2026-12-03T10:00:00+01:00" {
			t.Errorf("%d workers: %+v", workers, b)
		}
	}
	paced := strings.Replace(doc, "per_store: {amount: 2.50, per: day}", "pacing: even", 1)
	b := run(t, list, Options{Drafts: []*rules.Campaign{parse(t, paced)}}).Campaigns[0].Budget
	if b.GrantedMinor-b.ReturnedMinor > 600*3/7 || b.GrantedMinor == 0 || b.EndsAt != "" && !b.Projected {
		t.Errorf("paced: %+v", b)
	}
}
