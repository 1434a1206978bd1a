package ledger

import (
	"cmp"

	"cagnotte/pipeline/retail"
)

// NextDue returns the scheduled instant of the next activation or expiry, 0 when there is none.
func (a *Account) NextDue() retail.Instant {
	next := retail.Instant(0)
	for i := range a.Lots {
		if due := a.Lots[i].due(); due != 0 && (next == 0 || due < next) {
			next = due
		}
	}
	return next
}

// due is when the lot changes by itself: a pending one becomes active, an active one lapses; 0 means never.
func (l *Lot) due() retail.Instant {
	if l.Active {
		return l.ExpiresAt
	}
	return l.ActiveFrom
}

// FireDue posts every activation and expiry that is due by now, in the order of the scheduled instants; at one instant activations come
// before expiries (D25), then campaign key, version and expiry decide. Each makes one entry, dated with its scheduled instant: called
// once or often, early or late, it makes the same entries.
func (a *Account) FireDue(j *Journal, id retail.AccountID, now retail.Instant, names Names) {
	for {
		i := a.nextLot()
		if i < 0 || a.Lots[i].due() > now {
			return
		}
		if a.Lots[i].Active {
			a.expire(j, id, i, names)
		} else {
			a.activate(j, id, i, names)
		}
	}
}

// nextLot returns the index of the lot that changes next, -1 when none ever does.
func (a *Account) nextLot() int {
	best := -1
	for i := range a.Lots {
		if a.Lots[i].due() != 0 && (best < 0 || compareDue(&a.Lots[i], &a.Lots[best]) < 0) {
			best = i
		}
	}
	return best
}

func compareDue(a, b *Lot) int {
	if c := cmp.Compare(a.due(), b.due()); c != 0 {
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

func (a *Account) activate(j *Journal, id retail.AccountID, i int, names Names) {
	l := a.remove(i)
	start, reason := len(j.postings), ""
	a.Pending -= l.Remaining
	if a.credit(l) > 0 {
		reason = ReasonDeficitAbsorbed
	}
	j.post(MemberPending, string(id), -l.Remaining)
	j.post(MemberAvailable, string(id), l.Remaining)
	a.append(j, start, &Entry{
		Account: id, Kind: Activate, Amount: l.Remaining, Campaign: names.CampaignID(l.Campaign), CampaignVersion: l.Version,
		At: l.ActiveFrom, ActiveFrom: l.ActiveFrom, ExpiresAt: l.ExpiresAt, Reason: reason,
	})
}

func (a *Account) expire(j *Journal, id retail.AccountID, i int, names Names) {
	l := a.remove(i)
	start := len(j.postings)
	a.Available -= l.Remaining
	j.post(MemberAvailable, string(id), -l.Remaining)
	j.post(Breakage, string(id), l.Remaining)
	a.append(j, start, &Entry{
		Account: id, Kind: Expire, Amount: -l.Remaining, Campaign: names.CampaignID(l.Campaign), CampaignVersion: l.Version,
		At: l.ExpiresAt, ExpiresAt: l.ExpiresAt,
	})
}

func (a *Account) remove(i int) Lot {
	l := a.Lots[i]
	a.Lots = append(a.Lots[:i], a.Lots[i+1:]...)
	return l
}
