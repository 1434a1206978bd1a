package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// payable returns the purse that can pay what the command asks, or why none does.
func (a *Account) payable(c *Command) (*Purse, Refusal) {
	if c.Amount <= 0 || c.Amount > money.Max || c.Purchase < 0 || c.Purchase > money.Max {
		return nil, RefusedAmount
	}
	if refused := c.Terms.allow(c); refused != "" {
		return nil, refused
	}
	p := a.Of(c.Wallet)
	if p == nil || p.Available < c.Amount {
		return nil, RefusedBalance
	}
	return p, ""
}

// offline returns the purse that a payment is taken from which has happened already.
func (a *Account) offline(c *Command) (*Purse, Refusal) {
	if c.Amount <= 0 || c.Amount > money.Max {
		return nil, RefusedAmount
	}
	available := money.Amount(0)
	if p := a.Of(c.Wallet); p != nil {
		available = p.Available
	}
	if c.Terms.beyond(c.Amount-available) > 0 || available-c.Amount < money.Min {
		return nil, RefusedLimit
	}
	return a.purse(c.Wallet), ""
}

// allow holds a payment against the terms. What is asked of the basket is asked of one that the till has told: a gift has none.
func (t *Terms) allow(c *Command) Refusal {
	switch {
	case c.Purchase != 0 && c.Amount > c.Purchase:
		return RefusedMaxShare
	case t == nil:
		return ""
	case c.Amount < t.MinAmount:
		return RefusedMinAmount
	case c.Purchase == 0:
		return ""
	case c.Purchase < t.MinPurchase:
		return RefusedMinPurchase
	case t.MaxShare != 0 && c.Amount > t.MaxShare.Of(c.Purchase, money.Floor):
		return RefusedMaxShare
	}
	return ""
}

// take takes up to amount out of the active lots, first expiring first. The balance is the caller's.
func (p *Purse) take(amount money.Amount) (parts []Part) {
	p.drainInto(amount, func(l *Lot, part money.Amount) {
		parts = append(parts, Part{l.Campaign, l.Version, l.ExpiresAt, part})
	})
	return parts
}

func (p *Purse) drainInto(amount money.Amount, took func(*Lot, money.Amount)) {
	kept := p.Lots[:0]
	for i := range p.Lots {
		l := p.Lots[i]
		if part := min(amount, l.Remaining); l.Active && part > 0 {
			took(&l, part)
			l.Remaining -= part
			amount -= part
		}
		if l.Remaining > 0 {
			kept = append(kept, l)
		}
	}
	p.Lots = kept
}

// split cuts parts after amount, in their order.
func split(parts []Part, amount money.Amount) (first, rest []Part) {
	for _, p := range parts {
		n := min(amount, p.Amount)
		amount -= n
		if n > 0 {
			first = append(first, Part{p.Campaign, p.Version, p.ExpiresAt, n})
		}
		if p.Amount > n {
			rest = append(rest, Part{p.Campaign, p.Version, p.ExpiresAt, p.Amount - n})
		}
	}
	return first, rest
}

// giveBack moves parts from a book to the member's lots, and owed to whom it was owed by: a deficit takes first. A part whose expiry has passed goes
// back with it all the same: the next timer lets it lapse, dated with that expiry.
func (a *Account) giveBack(j *Journal, p *Purse, id retail.AccountID, c *Command, e *Entry, from Book, parts []Part, owed money.Amount) {
	start, amount := len(j.postings), sum(parts)+owed
	absorbed := money.Amount(0)
	if owed > 0 { // of no campaign; nothing is left of it when the debt still stands
		absorbed += p.credit(Lot{Remaining: owed})
	}
	for _, part := range parts {
		absorbed += p.credit(Lot{Campaign: part.Campaign, Version: part.Version, ExpiresAt: part.ExpiresAt, Remaining: part.Amount})
	}
	if absorbed > owed && e.Reason == "" {
		e.Reason = ReasonDeficitAbsorbed
	}
	j.post(from, string(id), -amount)
	j.post(MemberAvailable, string(id), amount)
	e.Amount = amount
	a.command(j, p, start, id, c, e)
}

// command closes the entry of a command; a reason that it does not have is the command's.
func (a *Account) command(j *Journal, p *Purse, start int, id retail.AccountID, c *Command, e *Entry) {
	e.Account, e.Receipt, e.Shop, e.At = id, c.Event, c.Shop, c.At
	if e.Reason == "" {
		e.Reason = c.Reason
	}
	a.append(j, p, start, e)
}

func (a *Account) findHold(id string) int {
	for i := range a.Holds {
		if a.Holds[i].ID == id {
			return i
		}
	}
	return -1
}

func (a *Account) removeHold(i int) Hold {
	h := a.Holds[i]
	a.Holds = append(a.Holds[:i], a.Holds[i+1:]...)
	return h
}
