package ledger

import (
	"cmp"

	"cagnotte/pipeline/retail"
)

// NextDue returns the scheduled instant of the next timer, 0 when there is none.
func (a *Account) NextDue() retail.Instant {
	next := a.Purse.nextDue()
	for i := range a.Wallets {
		next = sooner(next, a.Wallets[i].nextDue())
	}
	if len(a.Holds) > 0 {
		next = sooner(next, a.Holds[0].ExpiresAt)
	}
	return next
}

func (p *Purse) nextDue() retail.Instant {
	next := retail.Instant(0)
	for i := range p.Lots {
		next = sooner(next, p.due(&p.Lots[i]))
	}
	if p.RemindMs != 0 {
		next = sooner(next, p.reminderDue())
	}
	return next
}

// sooner is the earlier of two instants; 0 means never.
func sooner(a, b retail.Instant) retail.Instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// due is when a lot changes by itself: a pending one becomes active, an active one lapses; 0 means never.
func (p *Purse) due(l *Lot) retail.Instant {
	if l.Active {
		return p.lapseOf(l)
	}
	return l.ActiveFrom
}

// unannounced is the earliest expiry that the member has not been told of, 0 when there is none. Pending lots count: they are active by then.
func (p *Purse) unannounced() retail.Instant {
	next := retail.Instant(0)
	for i := range p.Lots {
		if at := p.lapseOf(&p.Lots[i]); at > p.RemindedTo {
			next = sooner(next, at)
		}
	}
	return next
}

// reminderDue is when the next reminder goes out, 0 when none does.
func (p *Purse) reminderDue() retail.Instant {
	if at := p.unannounced(); at != 0 && p.RemindMs != 0 {
		return max(1, at-retail.Instant(p.RemindMs))
	}
	return 0
}

// What timers do, in their order at one instant (D25).
const (
	activates = iota
	lapses    // a reservation
	expires
	reminds
)

// timer is the next thing that happens to an account by itself.
type timer struct {
	at     retail.Instant // 0: nothing does
	what   int
	wallet int // into Wallets; -1: the programme's currency
	lot    int
}

// FireDue posts everything that is due by now, in the order of the scheduled instants; at one instant activations come first, then reservations that
// lapse, then expiries, then reminders (D25); then the wallet's name, campaign key, version and expiry decide. Each makes one entry (a reminder one
// notice), dated with its scheduled instant: called once or often, early or late, it makes the same entries.
func (a *Account) FireDue(j *Journal, id retail.AccountID, now retail.Instant, names Names) {
	for {
		t := a.nextTimer()
		if t.at == 0 || t.at > now {
			return
		}
		p, wallet := &a.Purse, ""
		if t.wallet >= 0 {
			p, wallet = &a.Wallets[t.wallet].Purse, a.Wallets[t.wallet].Name
		}
		switch t.what {
		case activates:
			a.activate(j, p, wallet, id, t.lot, names)
		case lapses:
			a.lapseHold(j, id)
		case expires:
			a.expire(j, p, wallet, id, t.lot, names)
		default:
			j.Notices = append(j.Notices, p.announce(wallet, t.at))
		}
	}
}

func (a *Account) nextTimer() timer {
	next := a.Purse.nextTimer(-1)
	for i := range a.Wallets {
		next = next.or(a.Wallets[i].nextTimer(i))
	}
	if len(a.Holds) > 0 {
		next = next.or(timer{at: a.Holds[0].ExpiresAt, what: lapses, wallet: -1})
	}
	return next
}

func (p *Purse) nextTimer(wallet int) timer {
	next := timer{wallet: wallet}
	if i := p.nextLot(); i >= 0 {
		next = timer{at: p.due(&p.Lots[i]), what: activates, wallet: wallet, lot: i}
		if p.Lots[i].Active {
			next.what = expires
		}
	}
	if p.RemindMs != 0 {
		next = next.or(timer{at: p.reminderDue(), what: reminds, wallet: wallet})
	}
	return next
}

// or is the one of two timers that comes first; t when they are equal.
func (t timer) or(u timer) timer {
	if t.at == 0 || u.at != 0 && (u.at < t.at || u.at == t.at && u.what < t.what) {
		return u
	}
	return t
}

// nextLot returns the index of the lot that changes next, -1 when none ever does.
func (p *Purse) nextLot() int {
	best := -1
	for i := range p.Lots {
		if p.due(&p.Lots[i]) != 0 && (best < 0 || p.compareDue(&p.Lots[i], &p.Lots[best]) < 0) {
			best = i
		}
	}
	return best
}

func (p *Purse) compareDue(a, b *Lot) int {
	if c := cmp.Compare(p.due(a), p.due(b)); c != 0 {
		return c
	}
	if a.Active != b.Active {
		if b.Active {
			return -1
		}
		return 1
	}
	if c := cmp.Compare(a.Campaign, b.Campaign); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Version, b.Version); c != 0 {
		return c
	}
	return cmp.Compare(lapse(a.ExpiresAt), lapse(b.ExpiresAt))
}

func (a *Account) activate(j *Journal, p *Purse, wallet string, id retail.AccountID, i int, names Names) {
	l := p.remove(i)
	p.used(l.ActiveFrom - retail.Instant(p.IdleMs)) // what was pending for longer than that lapses when it becomes active, not before
	start, reason := len(j.postings), ""
	p.Pending -= l.Remaining
	if p.credit(l) > 0 {
		reason = ReasonDeficitAbsorbed
	}
	j.post(MemberPending, string(id), -l.Remaining)
	j.post(MemberAvailable, string(id), l.Remaining)
	a.append(j, p, start, &Entry{
		Account: id, Kind: Activate, Amount: l.Remaining, Campaign: names.CampaignID(l.Campaign), CampaignVersion: l.Version,
		At: l.ActiveFrom, ActiveFrom: l.ActiveFrom, ExpiresAt: l.ExpiresAt, Reason: reason, Wallet: wallet,
	})
}

func (a *Account) expire(j *Journal, p *Purse, wallet string, id retail.AccountID, i int, names Names) {
	at, reason := p.lapseOf(&p.Lots[i]), ""
	l := p.remove(i)
	if at != l.ExpiresAt {
		reason = ReasonIdle
	}
	start := len(j.postings)
	p.Available -= l.Remaining
	j.post(MemberAvailable, string(id), -l.Remaining)
	j.post(Breakage, string(id), l.Remaining)
	a.append(j, p, start, &Entry{
		Account: id, Kind: Expire, Amount: -l.Remaining, Campaign: names.CampaignID(l.Campaign), CampaignVersion: l.Version,
		At: at, ExpiresAt: at, Reason: reason, Wallet: wallet,
	})
}

// lapseHold gives the reservation back that ends first.
func (a *Account) lapseHold(j *Journal, id retail.AccountID) {
	h := a.removeHold(0)
	c := Command{At: h.ExpiresAt}
	a.giveBack(j, a.purse(h.Wallet), id, &c, &Entry{Kind: Cancel, Wallet: h.Wallet, Reference: h.ID, Reason: ReasonLapsed}, Held, h.Parts, 0)
}

// announce makes the reminder of the earliest expiry that the member has not been told of.
func (p *Purse) announce(wallet string, at retail.Instant) Notice {
	n := Notice{Wallet: wallet, At: at, ExpiresAt: p.unannounced()}
	for i := range p.Lots {
		if p.lapseOf(&p.Lots[i]) == n.ExpiresAt {
			n.Amount += p.Lots[i].Remaining
		}
	}
	p.RemindedTo = n.ExpiresAt
	return n
}

func (p *Purse) remove(i int) Lot {
	l := p.Lots[i]
	p.Lots = append(p.Lots[:i], p.Lots[i+1:]...)
	return l
}
