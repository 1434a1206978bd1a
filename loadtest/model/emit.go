package model

import (
	"slices"
	"strings"

	"cagnotte/loadtest/wire"

	"github.com/cespare/xxhash/v2"
)

// Emitted is a record that the product must have written to the receipts topic: what a campaign sends to another account.
type Emitted struct {
	Account  string // to whom
	ID       string
	Type     string // EVENT, or the RETURN that takes a part of it back
	Original string // of a RETURN
	Event    string // the kind
	From     string
	At       int64
	Net      int64
	Pieces   int64
}

// addressee is who gets what the campaign sends: empty when there is nobody.
func (a *Account) addressee(w *award) string {
	switch {
	case w.c.extras.emitTo == "referrer":
		return a.member.referrer
	case w.c.extras.emitTo == "operator" && w.operator != "":
		return "op:" + w.operator
	}
	return ""
}

// emit notes the EVENT that the basket makes, or the RETURN that takes back what is no longer so.
func (p *Partition) emit(w *award, b *basket, wins bool, receipt string, at int64) {
	now := [2]int64{}
	if wins && w.enough && w.to != "" {
		now = [2]int64{w.spend, w.pieces}
	}
	e := Emitted{Account: w.to, ID: w.c.id + "/" + receipt, Type: "EVENT", At: at, Net: now[0] - w.emitted[0], Pieces: now[1] - w.emitted[1]}
	if receipt == b.id {
		e.Event, e.From = w.c.extras.emitKind, b.account
	} else {
		e.Type, e.Original = "RETURN", w.c.id+"/"+b.id
	}
	if w.emitted = now; e.Net != 0 || e.Pieces != 0 {
		p.out.Emitted = append(p.out.Emitted, e)
	}
}

// Arrived is a record on the topic that the product must have written, as it is named after a campaign that sends to other accounts.
type Arrived struct {
	Emitted
	Offset int64
	Hash   uint64 // of the value
}

// arrive notes such a record.
func (p *Partition) arrive(rec Record, r *wire.Receipt) {
	id, _, named := strings.Cut(r.ID, "/")
	if !named || (r.Type != "EVENT" && r.Type != "RETURN") || !slices.ContainsFunc(p.campaigns.all, func(c *campaign) bool { return c.id == id && c.extras.emitKind != "" }) {
		return
	}
	e := Emitted{Account: r.Account(), ID: r.ID, Type: r.Type, Event: r.Event(), From: r.Attributes["from"], At: r.EndedAt}
	if r.Original != nil {
		e.Original = r.Original.ReceiptID
	}
	if len(r.Lines) == 1 {
		e.Net, e.Pieces = r.Lines[0].Net, r.Lines[0].Quantity/1000
	}
	p.out.Arrived = append(p.out.Arrived, Arrived{e.clone(), rec.Offset, xxhash.Sum64(rec.Value)})
}

// clone lets go of the record that the texts belong to.
func (e Emitted) clone() Emitted {
	for _, s := range []*string{&e.Account, &e.ID, &e.Type, &e.Original, &e.Event, &e.From} {
		*s = strings.Clone(*s)
	}
	return e
}
