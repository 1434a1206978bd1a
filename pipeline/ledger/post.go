package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Reasons that the ledger itself gives; they take the place of the grant's own.
const (
	ReasonDeficit         = "deficit"          // a reversal took more than there was: Available is below zero
	ReasonDeficitAbsorbed = "deficit_absorbed" // a credit went, wholly or in part, into a deficit
	ReasonWriteOff        = "write_off"        // a reversal would have gone below the negative limit: the rest is nobody's debt any more
	ReasonRest            = "rest"             // less was spent than was reserved
	ReasonLapsed          = "lapsed"           // a reservation that nobody settled in time
	ReasonOffline         = "offline"          // spent without a reservation
	ReasonIdle            = "idle"             // lapsed for want of activity, before its own end
	ReasonMerged          = "merged"           // given back because the account goes into another
)

// Parties that are no funder's own name.
const (
	Retailer  = "retailer"  // the funder of a grant that names none
	Store     = "store"     // as a funder: the shop of the sale, posted as "store:<shop id>"
	Programme = "programme" // the other side of an adjustment
)

// Earn posts a reward: funders -> the member's pending book, or the available one when g.ActiveFrom <= g.At, and a charity's part to the charity.
// It appends one entry. A zero amount does nothing; a negative one is a caller's error and panics, as a wrong balance is worse than a halt.
func (a *Account) Earn(j *Journal, id retail.AccountID, g *Grant) {
	if !positive(g) {
		return
	}
	p := a.purse(g.Wallet)
	given := g.donated(g.GrantedBefore+g.Amount) - g.donated(g.GrantedBefore)
	mine := g.Amount - given
	start, reason, book := len(j.postings), g.Reason, MemberPending
	if g.ActiveFrom <= g.At {
		book = MemberAvailable
	}
	if mine > 0 && p.receive(book, g, mine) > 0 {
		reason = ReasonDeficitAbsorbed
	}
	p.agree(g.Terms, g.At)
	j.post(book, string(id), mine)
	j.post(Charity, g.Donate.Party, given)
	j.fund(g, g.GrantedBefore, g.GrantedBefore+g.Amount)
	a.enter(j, p, start, id, g, Earn, mine, reason)
}

// receive puts what the member gets of a grant into a lot; it returns the part that a deficit took.
func (p *Purse) receive(book Book, g *Grant, mine money.Amount) (absorbed money.Amount) {
	lot := Lot{Campaign: g.CampaignKey, Version: g.Version, ActiveFrom: g.ActiveFrom, ExpiresAt: g.lapsesAt(), Remaining: mine}
	p.LifetimeEarned += mine
	if book == MemberAvailable {
		return p.credit(lot)
	}
	p.Pending += mine
	p.addLot(lot)
	return 0
}

// Reverse takes a reward back, in the order of decision D12: the pending lot it went into (a reward of several receipts together: then any of its
// campaign that is pending, as no single lot is its own); active lots of its campaign, those of its expiry
// first; other active lots, first expiring first; then a deficit: Available goes below zero, Reason is ReasonDeficit; what would go below the
// negative limit of the terms is written off, Reason is ReasonWriteOff. It appends one entry with a posting for each book moved. g says which
// grant is meant (campaign, version, ActiveFrom, ExpiresAt, Wallet) and what of it is left (GrantedBefore); g.At, g.Receipt and g.Shop are the
// return's, g.Store is the sale's shop. Zero and negative amounts as in Earn.
func (a *Account) Reverse(j *Journal, id retail.AccountID, g *Grant) {
	if !positive(g) {
		return
	}
	p := a.purse(g.Wallet)
	given := g.donated(g.GrantedBefore) - g.donated(g.GrantedBefore-g.Amount)
	mine := g.Amount - given
	start, reason := len(j.postings), g.Reason
	pending := p.drainPending(g, mine)
	owed := mine - pending
	left := owed - p.drainActive(owed, g)
	if left > 0 {
		reason = ReasonDeficit
	}
	lost := min(left, g.Terms.beyond(owed-p.Available))
	if lost > 0 {
		reason = ReasonWriteOff
	}
	p.Pending -= pending
	p.Available -= owed - lost
	p.LifetimeEarned -= mine
	j.post(MemberPending, string(id), -pending)
	j.post(MemberAvailable, string(id), lost-owed)
	j.post(WriteOff, string(id), -lost)
	j.post(Charity, g.Donate.Party, -given)
	j.fund(g, g.GrantedBefore, g.GrantedBefore-g.Amount)
	a.enter(j, p, start, id, g, Reverse, lost-mine, reason)
}

// donated is what a charity has of a reward of that sum, rounded half up. Postings are differences of it, so that a full return leaves nothing there.
func (g *Grant) donated(sum money.Amount) money.Amount {
	if g.Donate.Party == "" {
		return 0
	}
	return g.Donate.Rate.Of(sum, money.HalfUp)
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

func (p *Purse) drainPending(g *Grant, amount money.Amount) money.Amount {
	expires := g.lapsesAt()
	taken := p.drain(amount, func(l *Lot) bool {
		return !l.Active && l.Campaign == g.CampaignKey && l.Version == g.Version && l.ActiveFrom == g.ActiveFrom && l.ExpiresAt == expires
	})
	if g.Standing && taken < amount {
		taken += p.drain(amount-taken, func(l *Lot) bool { return !l.Active && l.Campaign == g.CampaignKey })
	}
	return taken
}

func (p *Purse) drainActive(amount money.Amount, g *Grant) (taken money.Amount) {
	expires := g.lapsesAt()
	taken = p.drain(amount, func(l *Lot) bool { return l.Active && l.Campaign == g.CampaignKey && l.ExpiresAt == expires })
	if taken < amount {
		taken += p.drain(amount-taken, func(l *Lot) bool { return l.Active && l.Campaign == g.CampaignKey })
	}
	if taken < amount {
		taken += p.drain(amount-taken, func(l *Lot) bool { return l.Active })
	}
	return taken
}

// enter closes an entry about a grant.
func (a *Account) enter(j *Journal, p *Purse, start int, id retail.AccountID, g *Grant, kind Kind, amount money.Amount, reason string) {
	a.append(j, p, start, &Entry{
		Account: id, Kind: kind, Amount: amount, Campaign: g.Campaign, CampaignVersion: g.Version, Receipt: g.Receipt, Shop: g.Shop,
		At: g.At, ActiveFrom: g.ActiveFrom, ExpiresAt: g.lapsesAt(), Reason: reason, Wallet: g.Wallet,
	})
}

// append gives the entry its number, the balances of its purse and the postings made since start.
func (a *Account) append(j *Journal, p *Purse, start int, e *Entry) {
	a.Seq++
	e.Seq, e.PendingAfter, e.AvailableAfter = a.Seq, p.Pending, p.Available
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
func (j *Journal) fund(g *Grant, before, after money.Amount) {
	shares := g.Funding
	if len(shares) == 0 {
		j.post(Funding, Retailer, before-after)
		return
	}
	if len(shares) == 1 {
		j.post(Funding, j.funder(shares[0].Party, g.Store), before-after)
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
		j.post(Funding, j.funder(s.Party, g.Store), was[i]-is[i])
	}
}

// maxStores bounds the names that a journal keeps.
const maxStores = 16384

// funder is the party to post: for the funder "store" the shop of the sale.
func (j *Journal) funder(party string, shop retail.ShopID) string {
	if party != Store {
		return party
	}
	name, ok := j.stores[shop]
	if !ok {
		if j.stores == nil || len(j.stores) >= maxStores {
			j.stores = map[retail.ShopID]string{}
		}
		name = Store + ":" + string(shop)
		j.stores[retail.ShopID(name[len(Store)+1:])] = name
	}
	return name
}
