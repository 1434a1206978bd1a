package explain_test

import (
	"slices"
	"testing"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// world is one member's life with a set of campaigns: the receipts are judged by the real rules and booked in a real account, so that what the
// explanations say is what the engine says.
type world struct {
	t        *testing.T
	rs       *rules.Ruleset
	docs     []*rules.Campaign
	e        *rules.Evaluator
	id       retail.AccountID
	acct     ledger.Account
	prints   map[retail.ReceiptID]*rules.Footprint
	heads    map[retail.ReceiptID]*explain.Head
	results  map[retail.ReceiptID][]rules.Result
	entries  []ledger.Entry
	arrivals []retail.ReceiptID
}

func newWorld(t *testing.T, member retail.AccountID, documents ...string) *world {
	t.Helper()
	w := &world{
		t: t, e: rules.NewEvaluator(), id: member, prints: map[retail.ReceiptID]*rules.Footprint{}, heads: map[retail.ReceiptID]*explain.Head{},
		results: map[retail.ReceiptID][]rules.Result{},
	}
	for _, doc := range documents {
		c, findings := rules.Parse("test.yaml", []byte(doc))
		if c == nil {
			t.Fatalf("%v in %s", findings, doc)
		}
		w.docs = append(w.docs, c)
	}
	var err error
	if w.rs, err = rules.Compile(w.docs); err != nil {
		t.Fatal(err)
	}
	w.rs = w.rs.WithVersion(int64(len(w.docs)))
	return w
}

func instant(t *testing.T, at string) retail.Instant {
	t.Helper()
	v, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return retail.Instant(v.UnixMilli())
}

// line is one position: a category, a brand, what was paid and how many pieces.
func line(category, brand string, net money.Amount, pieces int64) retail.Line {
	return retail.Line{Kind: retail.SaleLine, Category: category, Brand: brand, Net: net, Gross: net, QuantityMilli: pieces * 1000, Unit: retail.Each, SKU: category + brand}
}

func (w *world) receipt(id retail.ReceiptID, kind retail.ReceiptType, at string, lines ...retail.Line) *retail.Receipt {
	r := &retail.Receipt{
		ID: id, Type: kind, Shop: retail.Shop{ID: "S042", Country: "FR"}, TerminalID: "T1", EndedAt: instant(w.t, at), UTCOffsetMin: 60,
		Channel: retail.InStore, Currency: "EUR", Loyalty: retail.Loyalty{AccountID: w.id}, Lines: lines,
	}
	for i := range lines {
		lines[i].No = int32(i + 1)
		r.Total += lines[i].Net
	}
	return r
}

// sell judges and books a sale.
func (w *world) sell(r *retail.Receipt) {
	w.t.Helper()
	w.acct.FireDue(w.journal(), w.id, r.EndedAt, w.rs)
	var d rules.Decision
	fp := &rules.Footprint{}
	w.e.Evaluate(w.rs, r, r.Loyalty.AccountID, rules.MemberView{Account: &w.acct}, &d, fp)
	w.prints[r.ID] = fp
	w.book(r, &d, fp)
}

// giveBack judges and books a return of some lines of a sale.
func (w *world) giveBack(r *retail.Receipt, of retail.ReceiptID) {
	w.t.Helper()
	for i := range r.Lines {
		l := &r.Lines[i]
		l.Kind, l.Net, l.QuantityMilli = retail.ReturnLine, -l.Net, -l.QuantityMilli
	}
	r.Total, r.Original = -r.Total, retail.Original{Given: true, ReceiptID: of}
	fp := w.prints[of]
	if fp == nil {
		fp = &rules.Footprint{}
	}
	w.acct.FireDue(w.journal(), w.id, r.EndedAt, w.rs)
	var d rules.Decision
	w.e.Return(w.rs, r, rules.MemberView{Account: &w.acct}, &d, fp)
	w.book(r, &d, fp)
}

func (w *world) journal() *ledger.Journal { return &ledger.Journal{} }

func (w *world) book(r *retail.Receipt, d *rules.Decision, fp *rules.Footprint) {
	j := &ledger.Journal{}
	for i := range d.Results {
		res := &d.Results[i]
		if r.Loyalty.AccountID == "" {
			continue
		}
		g := res.Grant(r, fp)
		switch {
		case res.Granted > 0:
			w.acct.Earn(j, w.id, &g)
		case res.Granted < 0:
			w.acct.Reverse(j, w.id, &g)
		}
		res.Post(&w.acct)
	}
	w.keep(r, d.Results, j.Entries)
}

func (w *world) keep(r *retail.Receipt, results []rules.Result, entries []ledger.Entry) {
	for i := range results {
		results[i].Steps = slices.Clone(results[i].Steps)
	}
	w.results[r.ID] = slices.Clone(results)
	for _, e := range entries {
		e.Postings = slices.Clone(e.Postings)
		w.entries = append(w.entries, e)
	}
	w.heads[r.ID] = &explain.Head{
		ID: r.ID, Type: r.Type, Event: r.EventKind(), Training: r.Training, Shop: r.Shop.ID, Channel: r.Channel, Currency: r.Currency, Account: r.Loyalty.AccountID, Total: r.Total,
		EndedAt: r.EndedAt, UTCOffsetMin: r.UTCOffsetMin, ReceivedAt: r.EndedAt + 900, OriginalGiven: r.Original.Given, Original: r.Original.ReceiptID,
		Partition: 3, Offset: int64(100 + len(w.arrivals)),
	}
	w.arrivals = append(w.arrivals, r.ID)
}

// facts gathers what is known about one receipt, as evidence does from ClickHouse.
func (w *world) facts(id retail.ReceiptID, now string) *explain.Facts {
	w.t.Helper()
	h := w.heads[id]
	f := &explain.Facts{ReceiptID: id, Now: instant(w.t, now), Receipt: h, Processed: 1000, Campaigns: w.docs}
	if results := w.results[id]; len(results) > 0 {
		f.Decision = &explain.Decision{RulesetVersion: w.rs.Version(), Partition: h.Partition, Offset: h.Offset, Results: results}
	}
	for _, e := range w.entries {
		if e.Receipt == id {
			f.Entries = append(f.Entries, e)
		}
	}
	for _, other := range w.arrivals {
		if o := w.heads[other]; o.Original == id {
			f.Returns = append(f.Returns, explain.Return{Head: *o, Results: w.results[other]})
		}
	}
	if h.Original != "" {
		f.Original = w.heads[h.Original]
	}
	return f
}
