package ledger

import "cagnotte/pipeline/money"

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

// remind takes over the reminder that the terms ask for.
func (p *Purse) remind(t *Terms) {
	if t != nil {
		p.RemindMs = t.RemindMs
	}
}
