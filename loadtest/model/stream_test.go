package model

import (
	"testing"

	"cagnotte/loadtest"
	"cagnotte/loadtest/wire"
	"cagnotte/pipeline/retail"
)

// Goal: every mechanic of the load test's documents comes to something in its stream, so that an audit over it means what it says.
func TestEveryMechanicHappens(t *testing.T) {
	to := retail.Instant(ms("2026-11-22T12:00:00+01:00"))
	p := mechanicsStream(t, 8000, to-20*86_400_000, to)
	e, kinds := p.Expected(), map[string]int{}
	for _, x := range e.Emitted {
		kinds[x.Type+" "+x.Event]++
	}
	if kinds["EVENT referral"] == 0 || kinds["EVENT staff-sale"] == 0 || kinds["RETURN "] == 0 {
		t.Errorf("sent to others: %v", kinds)
	}
	for _, c := range p.campaigns.all {
		if silent := c.tiers != nil || c.terms != nil || c.extras.emitKind != "" || c.id == "explorer"; !silent && e.Granted[c.id] == 0 {
			t.Errorf("%s gave nothing", c.id)
		}
	}
	reversed, commands, held := map[string]bool{}, 0, int64(0)
	for _, a := range e.Accounts {
		for _, m := range a.Movements {
			reversed[m.Campaign] = reversed[m.Campaign] || m.Amount < 0
		}
		commands += len(a.Commands)
		for _, b := range a.Balances() {
			held += b.Held
		}
	}
	for _, id := range []string{"pasta-card", "challenge-week", "organic-ladder", "points-card", "double-tuesday", "organic-charity", "three-shelves", "recycling"} {
		if !reversed[id] {
			t.Errorf("nothing of %s was taken back", id)
		}
	}
	if commands < 50 || held == 0 {
		t.Errorf("%d commands were carried out, %d cents are held", commands, held)
	}
}

// mechanicsStream feeds a partition of all accounts with the stream, and with what campaigns send to other accounts.
func mechanicsStream(t *testing.T, n int64, from, to retail.Instant) *Partition {
	docs, err := loadtest.MechanicsCampaigns(from, to)
	if err != nil {
		t.Fatal(err)
	}
	var raw [][]byte
	for _, d := range docs {
		raw = append(raw, d.JSON)
	}
	cs, err := Parse(raw...)
	if err != nil {
		t.Fatal(err)
	}
	g, err := loadtest.New(loadtest.Options{Seed: 3, Start: from, PerDay: float64(n) / 20, Members: 300, Mechanics: true})
	if err != nil {
		t.Fatal(err)
	}
	p, it := NewPartition(cs, DefaultLimits(), nil, 0, 1), loadtest.Item{}
	for i := range n {
		g.Next(&it)
		if it.Kind == loadtest.KindMalformed {
			continue
		}
		sent := len(p.out.Emitted)
		p.accept(Record{Offset: i, Appended: int64(to) + i}, wired(&it.Receipt))
		for _, e := range p.out.Emitted[sent:] {
			p.accept(Record{Offset: i, Appended: int64(to) + i}, e.record())
		}
	}
	return p
}

// record is what the product writes for an emission.
func (e *Emitted) record() *wire.Receipt {
	r := &wire.Receipt{ID: e.ID, Type: e.Type, EndedAt: e.At, Channel: "IN_STORE", Currency: "EUR", Loyalty: &wire.Loyalty{AccountID: e.Account}, Total: e.Net}
	l := wire.Line{No: 1, Kind: "SERVICE", Unit: "EA", Quantity: 1000 * e.Pieces, Net: e.Net, Gross: e.Net, Eligible: true}
	if e.Type == "EVENT" {
		r.Attributes = map[string]string{"event": e.Event, "from": e.From}
	} else {
		l.Kind, l.ReturnOfLine, r.Original = "RETURN", 1, &wire.Original{ReceiptID: e.Original}
	}
	r.Lines = []wire.Line{l}
	return r
}
