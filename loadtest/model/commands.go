package model

import (
	"slices"
	"strings"

	"cagnotte/loadtest/wire"
)

// hold is what a till has reserved.
type hold struct {
	wallet string
	parts  []lot
	until  int64
}

// burn is what an EVENT has spent, and from where; a refund finds the way back.
type burn struct {
	wallet string
	parts  []lot
	debt   int64 // spent beyond what there was
}

// Command is what a command of the ledger must have changed.
type Command struct {
	Receipt string // the EVENT
	Wallet  string
	// Available and Held are the changes of the member's books.
	Available, Held int64
}

// maxHolds is how many holds of an account may be open.
const maxHolds = 16

// commands are the kinds of EVENT that ask something of the money. No campaign is about them.
var commands = []string{"hold", "commit", "cancel", "redeem", "refund", "adjust"}

// refuseCommand checks what a command must say.
func refuseCommand(r *wire.Receipt) string {
	said := r.Attributes
	money := func(key string, required bool) bool {
		v, err := scaled(text(said[key]), 2)
		return said[key] == "" && !required || said[key] != "" && err == nil && v > 0
	}
	good := true
	switch r.Event() {
	case "hold":
		good = said["hold"] != "" && money("amount", true) && money("purchase", false)
	case "commit":
		good = money("amount", said["hold"] == "")
	case "cancel":
		good = said["hold"] != ""
	case "redeem":
		good = money("amount", true) && money("purchase", false)
	case "refund":
		good = said["redeem"] != "" && money("amount", true)
	case "adjust":
		v, err := scaled(text(said["amount"]), 2)
		_, err2 := moment(text(said["expires"]), paris, true)
		good = err == nil && v != 0 && said["reason"] != "" && err2 == nil
	}
	if !good {
		return codeEvent
	}
	return ""
}

// command carries out what an EVENT asks of the ledger, or refuses it as a whole.
func (p *Partition) command(a *Account, r *wire.Receipt) {
	kind := r.Event()
	if !slices.Contains(commands, kind) {
		return
	}
	t := p.campaigns.termsOf(r.Attributes["wallet"], r.EndedAt)
	amount, _ := scaled(text(r.Attributes["amount"]), 2)
	before := a.Balances()
	switch kind {
	case "hold":
		a.hold(r, t, amount)
	case "commit":
		a.commit(r, t, amount)
	case "cancel":
		a.release(r.Attributes["hold"])
	case "redeem":
		if w := r.Attributes["wallet"]; t.allows(r, amount) && amount <= a.pocket(w).available() {
			a.burns[strings.Clone(r.ID)] = &burn{wallet: strings.Clone(w), parts: a.pocket(w).spend(amount, anyLot)}
		}
	case "refund":
		a.refund(r, amount)
	case "adjust":
		a.adjust(r, t, amount)
	}
	for wallet, now := range a.Balances() {
		if was := before[wallet]; was != now {
			a.Commands = append(a.Commands, Command{strings.Clone(r.ID), wallet, now.Available - was.Available, now.Held - was.Held})
		}
	}
}

// spending are the terms of a wallet at an instant, with what holds when nothing is said.
type spending struct {
	terms
	place *campaign // the document: its shops; nil without one
}

// noLimit stands where no terms say how far below zero a wallet may go.
const noLimit = int64(1) << 60

func (cs *Campaigns) termsOf(wallet string, t int64) spending {
	for _, c := range cs.at(t) {
		if c.terms != nil && c.terms.wallet == wallet && c.open(t) {
			return spending{*c.terms, c}
		}
	}
	out := spending{terms: terms{wallet: wallet}}
	out.fill(&docTerms{})
	return out
}

// allows checks an amount against the purchase it pays for.
func (t *spending) allows(r *wire.Receipt, amount int64) bool {
	purchase, given := r.Attributes["purchase"]
	paid, _ := scaled(text(purchase), 2)
	switch {
	case amount <= 0 || amount < t.minAmount:
		return false
	case t.place != nil && !t.place.sells(&basket{shop: r.Store.ID, banner: r.Store.Banner, country: r.Store.Country}):
		return false
	case given && (paid < t.minPurchase || amount > product(paid, t.sharePPM, 1_000_000, "floor")):
		return false
	}
	return true
}

func (a *Account) hold(r *wire.Receipt, t spending, amount int64) {
	id, wallet := strings.Clone(r.Attributes["hold"]), strings.Clone(r.Attributes["wallet"])
	w := a.pocket(wallet)
	if a.holds[id] != nil || len(a.holds) >= maxHolds || !t.allows(r, amount) || amount > w.available() {
		return
	}
	life := t.holdMs
	if slices.Contains([]string{"DRIVE", "ONLINE", "CLICK_COLLECT", "DELIVERY"}, r.Attributes["channel"]) {
		life = t.onlineMs
	}
	a.holds[id] = &hold{wallet: wallet, parts: w.spend(amount, anyLot), until: r.EndedAt + life}
}

// commit settles a hold, or a payment that was made offline.
func (a *Account) commit(r *wire.Receipt, t spending, amount int64) {
	id := r.Attributes["hold"]
	if id == "" {
		w := a.pocket(r.Attributes["wallet"])
		if amount <= 0 || amount > w.available()+t.negativeLimit {
			return
		}
		parts := w.spend(amount, anyLot)
		debt := amount - sumOf(parts)
		w.owed += debt
		a.burns[strings.Clone(r.ID)] = &burn{strings.Clone(r.Attributes["wallet"]), parts, debt}
		return
	}
	h := a.holds[id]
	if h == nil || amount > sumOf(h.parts) || amount < 0 {
		return
	}
	if r.Attributes["amount"] == "" {
		amount = sumOf(h.parts)
	}
	var paid []lot
	h.parts, paid = take(h.parts, amount, anyLot)
	a.burns[strings.Clone(r.ID)] = &burn{wallet: h.wallet, parts: paid}
	a.release(id)
}

// release gives what is left of a hold back to the lots it came from.
func (a *Account) release(id string) {
	h := a.holds[id]
	if h == nil {
		return
	}
	delete(a.holds, id)
	for _, l := range h.parts {
		a.pocket(h.wallet).credit(l)
	}
}

// refund gives back what was taken last.
func (a *Account) refund(r *wire.Receipt, amount int64) {
	b := a.burns[r.Attributes["redeem"]]
	if b == nil || amount <= 0 || amount > sumOf(b.parts)+b.debt {
		return
	}
	w := a.pocket(b.wallet)
	debt := min(amount, b.debt)
	b.debt, amount = b.debt-debt, amount-debt
	w.credit(lot{amount: debt})
	for i := len(b.parts) - 1; i >= 0 && amount > 0; i-- {
		part := b.parts[i]
		part.amount = min(part.amount, amount)
		b.parts[i].amount -= part.amount
		amount -= part.amount
		w.credit(part)
	}
}

func (a *Account) adjust(r *wire.Receipt, t spending, amount int64) {
	w := a.pocket(strings.Clone(r.Attributes["wallet"]))
	if amount > 0 {
		expires, _ := moment(text(r.Attributes["expires"]), paris, true)
		w.credit(lot{amount: amount, expires: expires})
		return
	}
	if left := -amount; left > 0 && left <= w.available()+t.negativeLimit {
		left -= sumOf(w.spend(left, anyLot))
		w.owed += left
	}
}
