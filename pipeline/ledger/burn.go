package ledger

import (
	"cmp"
	"slices"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Part is an amount that was taken out of one lot, so that it can go back to where it was (D15).
type Part struct {
	Campaign  uint64
	Version   int32
	ExpiresAt retail.Instant // 0: never
	Amount    money.Amount   // > 0
}

// Hold is an amount that a till has reserved. Its parts do not lapse while they are held: one that is given back after its expiry lapses then, dated
// with its expiry.
type Hold struct {
	ID        string
	Wallet    string
	ExpiresAt retail.Instant // given back then by a timer
	Parts     []Part         // in the order of lots
}

// Burn is what was spent: where each cent came from. It is kept beside the event that spent it, for a refund.
type Burn struct {
	Wallet string
	Parts  []Part       // in the order of lots
	Owed   money.Amount // beyond the lots: it went into the deficit
}

// Refusal says why a command was not carried out; empty when it was. Nothing changes then.
type Refusal string

// Refusals.
const (
	RefusedAmount      Refusal = "bad_amount"   // not positive, or larger than an amount can be
	RefusedBalance     Refusal = "insufficient" // more than is available
	RefusedMinAmount   Refusal = "below_min_amount"
	RefusedMinPurchase Refusal = "below_min_purchase"
	RefusedMaxShare    Refusal = "above_max_share"
	RefusedStore       Refusal = "store_excluded"
	RefusedHoldExists  Refusal = "hold_exists"
	RefusedHoldUnknown Refusal = "hold_unknown" // never made, settled, given back or lapsed
	RefusedHoldAmount  Refusal = "above_hold"
	RefusedTooMany     Refusal = "too_many_holds"
	RefusedBurnUnknown Refusal = "burn_unknown"
	RefusedBurnAmount  Refusal = "above_burn" // more than is left of what was spent
	RefusedLimit       Refusal = "over_limit" // further below zero than the terms allow
	RefusedMergeTarget Refusal = "bad_target" // an account into itself, or into what cannot be one
	RefusedClosed      Refusal = "closed"     // the account has gone into another already
	RefusedCircle      Refusal = "circle"     // the other account has gone into this one, directly or not
)

// maxHolds is how many reservations of an account may be open at once.
const maxHolds = 16

// MaxHoldID is the length of a reservation's id.
const MaxHoldID = 64

// Command is one thing that somebody asks of an account's money.
type Command struct {
	Event     retail.ReceiptID // that asks
	Shop      retail.ShopID
	At        retail.Instant
	Wallet    string       // empty: the programme's currency
	Hold      string       // id of the reservation
	Amount    money.Amount // for Settle and Refund 0: all of it; for Adjust signed
	Purchase  money.Amount // the basket that is paid with it; 0: not told
	Online    bool         // the basket is prepared for later: a reservation lives longer
	Reference string       // on Refund the event that spent; on Spend the gift, if it is one
	Reason    string
	ExpiresAt retail.Instant // of what Adjust gives; 0: never
	Terms     *Terms
}

func compareHolds(a, b *Hold) int {
	if c := cmp.Compare(a.ExpiresAt, b.ExpiresAt); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

func compareParts(a, b Part) int {
	if c := cmp.Compare(lapse(a.ExpiresAt), lapse(b.ExpiresAt)); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Campaign, b.Campaign); c != 0 {
		return c
	}
	return cmp.Compare(a.Version, b.Version)
}

// Sum is what the hold reserves.
func (h *Hold) Sum() money.Amount { return sum(h.Parts) }

// Left is what of the burn has not been refunded.
func (b *Burn) Left() money.Amount { return sum(b.Parts) + b.Owed }

func sum(parts []Part) (total money.Amount) {
	for i := range parts {
		total += parts[i].Amount
	}
	return total
}

// Held is what is reserved in a wallet.
func (a *Account) Held(wallet string) (held money.Amount) {
	for i := range a.Holds {
		if a.Holds[i].Wallet == wallet {
			held += a.Holds[i].Sum()
		}
	}
	return held
}

// Reserve takes an amount out of the available lots, first expiring first (D26), and keeps it for the till until it settles, gives it back or the
// reservation lapses.
func (a *Account) Reserve(j *Journal, id retail.AccountID, c *Command) Refusal {
	if a.findHold(c.Hold) >= 0 {
		return RefusedHoldExists
	}
	if len(a.Holds) >= maxHolds || c.Hold == "" || len(c.Hold) > MaxHoldID {
		return RefusedTooMany
	}
	p, refused := a.payable(c)
	if refused != "" {
		return refused
	}
	h := Hold{ID: c.Hold, Wallet: c.Wallet, ExpiresAt: max(c.At, 1) + retail.Instant(c.Terms.holdMs(c.Online)), Parts: p.take(c.Amount)}
	p.Available -= c.Amount
	i, _ := slices.BinarySearchFunc(a.Holds, h, func(x, y Hold) int { return compareHolds(&x, &y) })
	a.Holds = slices.Insert(a.Holds, i, h)
	start := len(j.postings)
	j.post(MemberAvailable, string(id), -c.Amount)
	j.post(Held, string(id), c.Amount)
	a.command(j, p, start, id, c, &Entry{Kind: Reserve, Wallet: c.Wallet, Amount: -c.Amount, ExpiresAt: h.ExpiresAt, Reference: c.Hold})
	return ""
}

// Settle spends what a reservation holds, or a part of it: the rest is given back.
func (a *Account) Settle(j *Journal, id retail.AccountID, c *Command) (Burn, Refusal) {
	i := a.findHold(c.Hold)
	if i < 0 {
		return Burn{}, RefusedHoldUnknown
	}
	amount, held := c.Amount, a.Holds[i].Sum()
	if amount == 0 {
		amount = held
	}
	if amount < 0 {
		return Burn{}, RefusedAmount
	}
	if amount > held {
		return Burn{}, RefusedHoldAmount
	}
	h := a.removeHold(i)
	spent, rest := split(h.Parts, amount)
	p, start := a.purse(h.Wallet), len(j.postings)
	j.post(Held, string(id), -amount)
	j.post(Settlement, string(id), amount)
	a.command(j, p, start, id, c, &Entry{Kind: Commit, Amount: amount, Wallet: h.Wallet, Reference: h.ID})
	if len(rest) > 0 {
		a.giveBack(j, p, id, c, &Entry{Kind: Cancel, Wallet: h.Wallet, Reference: h.ID, Reason: ReasonRest}, Held, rest, 0)
	}
	return Burn{Wallet: h.Wallet, Parts: spent}, ""
}

// Release gives a reservation back: to the lots that it came from, with their expiry (D15).
func (a *Account) Release(j *Journal, id retail.AccountID, c *Command) Refusal {
	i := a.findHold(c.Hold)
	if i < 0 {
		return RefusedHoldUnknown
	}
	h := a.removeHold(i)
	a.giveBack(j, a.purse(h.Wallet), id, c, &Entry{Kind: Cancel, Wallet: h.Wallet, Reference: h.ID, Reason: c.Reason}, Held, h.Parts, 0)
	return ""
}

// Spend pays at once. Offline is a payment that has happened already, at a till that could not ask: it may go below zero, as far as the terms allow,
// and only that limit is looked at.
func (a *Account) Spend(j *Journal, id retail.AccountID, c *Command, offline bool) (Burn, Refusal) {
	p, refused := a.payable(c)
	reason := c.Reason
	if offline {
		p, refused = a.offline(c)
		reason = ReasonOffline
	}
	if refused != "" {
		return Burn{}, refused
	}
	b := Burn{Wallet: c.Wallet, Parts: p.take(c.Amount)}
	b.Owed = c.Amount - sum(b.Parts)
	p.Available -= c.Amount
	start := len(j.postings)
	j.post(MemberAvailable, string(id), -c.Amount)
	j.post(Settlement, string(id), c.Amount)
	a.command(j, p, start, id, c, &Entry{Kind: Redeem, Wallet: c.Wallet, Amount: -c.Amount, Reason: reason, Reference: c.Reference})
	return b, ""
}

// Refund gives back what was spent, wholly or in part: to the lots that it came from, with their expiry (D15). What was taken last comes back first,
// so that a refund in part leaves what a smaller payment would have taken. burn keeps what is left to refund.
func (a *Account) Refund(j *Journal, id retail.AccountID, c *Command, burn *Burn) Refusal {
	amount := c.Amount
	if amount == 0 {
		amount = burn.Left()
	}
	if amount <= 0 {
		return RefusedAmount
	}
	if amount > burn.Left() {
		return RefusedBurnAmount
	}
	owed := min(amount, burn.Owed)
	keep, back := split(burn.Parts, sum(burn.Parts)-(amount-owed))
	burn.Parts, burn.Owed = keep, burn.Owed-owed
	e := Entry{Kind: Refund, Wallet: burn.Wallet, Reference: c.Reference, Reason: c.Reason}
	a.giveBack(j, a.purse(burn.Wallet), id, c, &e, Settlement, back, owed)
	return ""
}

// Adjust corrects a balance by hand, at the programme's cost: a positive amount becomes spendable at once, a negative one is taken first expiring
// first and may go below zero as far as the terms allow.
func (a *Account) Adjust(j *Journal, id retail.AccountID, c *Command) Refusal {
	p := a.Of(c.Wallet)
	if p == nil {
		p = &Purse{}
	}
	switch {
	case c.Amount == 0 || c.Amount.Abs() > money.Max || p.Available+c.Amount > money.Max:
		return RefusedAmount
	case c.Amount < 0 && (c.Terms.beyond(-c.Amount-p.Available) > 0 || p.Available+c.Amount < money.Min):
		return RefusedLimit
	}
	p = a.purse(c.Wallet)
	p.agree(c.Terms, c.At)
	start := len(j.postings)
	if c.Amount > 0 {
		p.credit(Lot{ExpiresAt: c.ExpiresAt, Remaining: c.Amount})
	} else {
		p.take(-c.Amount)
		p.Available += c.Amount
	}
	j.post(MemberAvailable, string(id), c.Amount)
	j.post(Funding, Programme, -c.Amount)
	a.command(j, p, start, id, c, &Entry{Kind: Adjust, Wallet: c.Wallet, Amount: c.Amount, ExpiresAt: c.ExpiresAt})
	return ""
}
