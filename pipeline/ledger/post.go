package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Reasons that the ledger itself gives; they take the place of the grant's own.
const (
	ReasonDeficit         = "deficit"          // a reversal took more than there was: Available is below zero
	ReasonDeficitAbsorbed = "deficit_absorbed" // a credit went, wholly or in part, into a deficit
)

// Retailer is the funder of a grant that names none.
const Retailer = "retailer"

// Earn posts a reward: funders -> the member's pending book, or the available one when g.ActiveFrom <= g.At. It appends one entry.
// A zero amount does nothing; a negative one is a caller's error and panics, as a wrong balance is worse than a halt.
func (a *Account) Earn(j *Journal, id retail.AccountID, g *Grant) {
	if !positive(g) {
		return
	}
	lot := Lot{Campaign: g.CampaignKey, Version: g.Version, ActiveFrom: g.ActiveFrom, ExpiresAt: g.lapsesAt(), Remaining: g.Amount}
	start, reason, book := len(j.postings), g.Reason, MemberPending
	if g.ActiveFrom <= g.At {
		book = MemberAvailable
		if a.credit(lot) > 0 {
			reason = ReasonDeficitAbsorbed
		}
	} else {
		a.Pending += g.Amount
		a.addLot(lot)
	}
	a.LifetimeEarned += g.Amount
	j.post(book, string(id), g.Amount)
	j.fund(g.Funding, g.GrantedBefore, g.GrantedBefore+g.Amount)
	a.enter(j, start, id, g, Earn, g.Amount, reason)
}

// Reverse takes a reward back, in the order of decision D12: the pending lot it went into; active lots of its campaign, those of its expiry
// first; other active lots, first expiring first; then a deficit: Available goes below zero, Reason is ReasonDeficit. It appends one
// entry with a posting for each book moved. g says which grant is meant (campaign, version, ActiveFrom, ExpiresAt) and what of it is left
// (GrantedBefore); g.At, g.Receipt and g.Shop are the return's. Zero and negative amounts as in Earn.
func (a *Account) Reverse(j *Journal, id retail.AccountID, g *Grant) {
	if !positive(g) {
		return
	}
	start, reason := len(j.postings), g.Reason
	pending := a.drainPending(g)
	owed := g.Amount - pending
	left := owed - a.drainActive(owed, g)
	if left > 0 {
		reason = ReasonDeficit
	}
	a.Pending -= pending
	a.Available -= owed
	a.LifetimeEarned -= g.Amount
	j.post(MemberPending, string(id), -pending)
	j.post(MemberAvailable, string(id), -owed)
	j.fund(g.Funding, g.GrantedBefore, g.GrantedBefore-g.Amount)
	a.enter(j, start, id, g, Reverse, -g.Amount, reason)
}

func positive(g *Grant) bool {
	if g.Amount < 0 {
		panic("ledger: negative grant")
	}
	return g.Amount > 0
}

// lapsesAt keeps a lot from lapsing before it becomes active: activation comes first (D25), at the same instant at the earliest.
func (g *Grant) lapsesAt() retail.Instant {
	if g.ExpiresAt == 0 {
		return 0
	}
	return max(g.ExpiresAt, g.ActiveFrom)
}

func (a *Account) drainPending(g *Grant) money.Amount {
	expires := g.lapsesAt()
	return a.drain(g.Amount, func(l *Lot) bool {
		return !l.Active && l.Campaign == g.CampaignKey && l.Version == g.Version && l.ActiveFrom == g.ActiveFrom && l.ExpiresAt == expires
	})
}

func (a *Account) drainActive(amount money.Amount, g *Grant) (taken money.Amount) {
	expires := g.lapsesAt()
	taken = a.drain(amount, func(l *Lot) bool { return l.Active && l.Campaign == g.CampaignKey && l.ExpiresAt == expires })
	if taken < amount {
		taken += a.drain(amount-taken, func(l *Lot) bool { return l.Active && l.Campaign == g.CampaignKey })
	}
	if taken < amount {
		taken += a.drain(amount-taken, func(l *Lot) bool { return l.Active })
	}
	return taken
}

// enter closes an entry about a grant.
func (a *Account) enter(j *Journal, start int, id retail.AccountID, g *Grant, kind Kind, amount money.Amount, reason string) {
	a.append(j, start, &Entry{
		Account: id, Kind: kind, Amount: amount, Campaign: g.Campaign, CampaignVersion: g.Version, Receipt: g.Receipt, Shop: g.Shop,
		At: g.At, ActiveFrom: g.ActiveFrom, ExpiresAt: g.lapsesAt(), Reason: reason,
	})
}

// append gives the entry its number, its balances and the postings made since start.
func (a *Account) append(j *Journal, start int, e *Entry) {
	a.Seq++
	e.Seq, e.PendingAfter, e.AvailableAfter = a.Seq, a.Pending, a.Available
	e.Postings = j.postings[start:len(j.postings):len(j.postings)]
	j.Entries = append(j.Entries, *e)
}

// post appends a posting; zero amounts leave no trace.
func (j *Journal) post(book Book, party string, amount money.Amount) {
	if amount != 0 {
		j.postings = append(j.postings, Posting{book, party, amount})
	}
}

// fund posts what a change of the grant's total from before to after means for each funder: the difference of the two splits (largest
// remainder). Differences telescope, so any path from a total to another, and back to zero, leaves every funder the same cents. With
// three funders or more a single step may move one cent against its direction; the sum of a step is exact.
func (j *Journal) fund(shares []Share, before, after money.Amount) {
	if len(shares) == 0 {
		j.post(Funding, Retailer, before-after)
		return
	}
	if len(shares) == 1 {
		j.post(Funding, shares[0].Party, before-after)
		return
	}
	var w, x, y [8]money.Amount // on the stack; more funders than that allocate
	weights, was, is := w[:0], x[:0], y[:0]
	for _, s := range shares {
		weights, was, is = append(weights, money.Amount(s.Rate)), append(was, 0), append(is, 0)
	}
	money.Allocate(before, weights, was)
	money.Allocate(after, weights, is)
	for i, s := range shares {
		j.post(Funding, s.Party, was[i]-is[i])
	}
}
