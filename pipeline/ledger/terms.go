package ledger

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Terms are the programme's rules for one wallet: how its money is spent, and what happens around it. A nil *Terms is a programme that says nothing:
// everything may be spent, there is no floor for what a return or a payment without asking takes, and nobody is reminded.
type Terms struct {
	MinPurchase   money.Amount // of the basket that is paid; 0: any
	MinAmount     money.Amount // of one burn
	MaxShare      money.Rate   // of the basket; 0: all of it
	HoldMs        int64        // life of a reservation at a till; 0: DefaultHoldMs
	HoldOnlineMs  int64        // of one for a basket that is prepared; 0: DefaultHoldOnlineMs
	Limited       bool         // NegativeLimit holds
	NegativeLimit money.Amount // how far below zero a balance may go
	RemindMs      int64        // how long before a lot lapses the member is told; 0: never
	IdleMs        int64        // how long after the last sale everything lapses (D24, sliding); 0: not for want of activity
}

// Lives of a reservation where the terms say nothing (D26).
const (
	DefaultHoldMs       = 15 * 60_000
	DefaultHoldOnlineMs = 2 * 3_600_000
)

// beyond is what of a debt is above the limit.
func (t *Terms) beyond(debt money.Amount) money.Amount {
	if t == nil || !t.Limited {
		return 0
	}
	return max(0, debt-t.NegativeLimit)
}

// holdMs is how long a reservation lasts.
func (t *Terms) holdMs(online bool) int64 {
	ms, otherwise := int64(0), int64(DefaultHoldMs)
	if online {
		otherwise = DefaultHoldOnlineMs
	}
	if t != nil && online {
		ms = t.HoldOnlineMs
	} else if t != nil {
		ms = t.HoldMs
	}
	if ms == 0 {
		return otherwise
	}
	return ms
}

// agree takes over what the terms ask for at an instant at which something comes into the purse.
func (p *Purse) agree(t *Terms, at retail.Instant) {
	if t != nil {
		p.RemindMs, p.IdleMs = t.RemindMs, t.IdleMs
	}
	p.used(at)
}

// used puts off the lapse of a purse that is emptied for want of activity.
func (p *Purse) used(at retail.Instant) {
	p.UsedAt = max(p.UsedAt, at)
	if p.IdleMs == 0 {
		p.UsedAt = 0
	}
}

// Bought tells of a sale that closed at an instant: the profile knows the first one, and what lapses for want of activity lapses later.
func (a *Account) Bought(at retail.Instant) {
	a.Profile.Bought(at)
	a.used(at)
	for i := range a.Wallets {
		a.Wallets[i].used(at)
	}
}

// lapseOf is when a lot lapses: by its own end, or earlier for want of activity, though not before it is active.
func (p *Purse) lapseOf(l *Lot) retail.Instant {
	if p.IdleMs == 0 {
		return l.ExpiresAt
	}
	return sooner(l.ExpiresAt, max(p.UsedAt+retail.Instant(p.IdleMs), l.ActiveFrom))
}
