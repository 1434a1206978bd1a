package model

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
func (p *Partition) emit(w *award, b *basket, wins bool, receipt string) {
	now := [2]int64{}
	if wins && w.enough && w.to != "" {
		now = [2]int64{w.spend, w.pieces}
	}
	e := Emitted{
		Account: w.to, ID: w.c.id + "/" + receipt, Event: w.c.extras.emitKind, From: b.account, At: b.endedAt,
		Net: now[0] - w.emitted[0], Pieces: now[1] - w.emitted[1], Type: "EVENT",
	}
	if receipt != b.id {
		e.Type, e.Original = "RETURN", w.c.id+"/"+b.id
	}
	if w.emitted = now; e.Net != 0 || e.Pieces != 0 {
		p.out.Emitted = append(p.out.Emitted, e)
	}
}
