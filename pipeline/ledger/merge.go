package ledger

import (
	"encoding/binary"
	"slices"
	"strings"

	"cagnotte/pipeline/retail"
)

// maxAbsorbed bounds how many closed accounts an account remembers: returns of what was bought with the oldest ones are no longer looked for there.
const maxAbsorbed = 16

// MergeInto closes the account in favour of another. Reservations are given back; what is here then travels by Sweep.
func (a *Account) MergeInto(j *Journal, id retail.AccountID, c *Command, into retail.AccountID) Refusal {
	switch {
	case a.MergedInto != "":
		return RefusedClosed
	case into == "" || into == id:
		return RefusedMergeTarget
	}
	for len(a.Holds) > 0 {
		h := a.removeHold(0)
		a.giveBack(j, a.purse(h.Wallet), id, c, &Entry{Kind: Cancel, Wallet: h.Wallet, Reference: h.ID, Reason: ReasonMerged}, Held, h.Parts, 0)
	}
	a.MergedInto = into
	return ""
}

// Sweep empties a closed account: it posts one entry for each wallet, from the member to the transfer book, and returns what travels, which the other
// account absorbs.
func (a *Account) Sweep(j *Journal, id retail.AccountID, c *Command) *Account {
	moved := &Account{Progress: slices.Clone(a.Progress), Counters: slices.Clone(a.Counters), Profile: a.Profile, Absorbed: a.Absorbed}
	moved.Profile.Facts = slices.Clone(a.Profile.Facts)
	moved.Purse = a.sweep(j, &a.Purse, "", id, c)
	for i := range a.Wallets {
		w := &a.Wallets[i]
		if p := a.sweep(j, &w.Purse, w.Name, id, c); !p.empty() {
			moved.Wallets = append(moved.Wallets, Wallet{w.Name, p})
		}
	}
	a.Progress, a.Counters, a.Profile, a.Absorbed = a.Progress[:0], a.Counters[:0], Profile{}, nil
	return moved
}

func (p *Purse) empty() bool {
	return p.Pending == 0 && p.Available == 0 && p.LifetimeEarned == 0 && len(p.Lots) == 0
}

// sweep empties a purse and returns what was in it.
func (a *Account) sweep(j *Journal, p *Purse, wallet string, id retail.AccountID, c *Command) Purse {
	moved := Purse{Pending: p.Pending, Available: p.Available, LifetimeEarned: p.LifetimeEarned, Lots: slices.Clone(p.Lots), RemindMs: p.RemindMs, RemindedTo: p.RemindedTo, IdleMs: p.IdleMs, UsedAt: p.UsedAt}
	p.Pending, p.Available, p.LifetimeEarned, p.Lots = 0, 0, 0, p.Lots[:0]
	if moved.Pending == 0 && moved.Available == 0 {
		return moved
	}
	start := len(j.postings)
	j.post(MemberPending, string(id), -moved.Pending)
	j.post(MemberAvailable, string(id), -moved.Available)
	j.post(Transfer, string(a.MergedInto), moved.Pending+moved.Available)
	a.command(j, p, start, id, c, &Entry{Kind: Merge, Wallet: wallet, Amount: -moved.Pending - moved.Available, Reference: string(a.MergedInto)})
	return moved
}

// Absorb takes in what another account has sent. What it owed is taken from what is here, first expiring first. Uses of caps and counters add up: what
// was granted stays granted (D30). Of the profile the earlier enrolment and what was not known here count.
func (a *Account) Absorb(j *Journal, id retail.AccountID, c *Command, from retail.AccountID, moved *Account) {
	a.absorb(j, &a.Purse, "", id, c, from, &moved.Purse)
	for i := range moved.Wallets {
		w := &moved.Wallets[i]
		a.absorb(j, a.purse(w.Name), w.Name, id, c, from, &w.Purse)
	}
	for _, earlier := range moved.Absorbed {
		a.follow(id, earlier)
	}
	a.follow(id, from)
	for _, p := range moved.Progress {
		a.AddUsed(p.Campaign, p.Period, p.Used)
	}
	for _, n := range moved.Counters {
		a.Advance(n.Campaign, n.Slot, n.Key, n.Value)
	}
	a.Profile.absorb(&moved.Profile)
}

func (a *Account) absorb(j *Journal, p *Purse, wallet string, id retail.AccountID, c *Command, from retail.AccountID, moved *Purse) {
	p.LifetimeEarned += moved.LifetimeEarned
	p.RemindMs, p.IdleMs = max(p.RemindMs, moved.RemindMs), max(p.IdleMs, moved.IdleMs)
	p.used(max(moved.UsedAt, c.At)) // a merge is a sign of life
	reason := ReasonMerged
	for _, l := range moved.Lots {
		if !l.Active {
			p.Pending += l.Remaining
			p.addLot(l)
		} else if p.credit(l) > 0 {
			reason = ReasonDeficitAbsorbed
		}
	}
	if debt := moved.deficit(); debt > 0 {
		p.take(debt)
		p.Available -= debt
	}
	if moved.Pending == 0 && moved.Available == 0 {
		return
	}
	start := len(j.postings)
	j.post(Transfer, string(id), -moved.Pending-moved.Available)
	j.post(MemberPending, string(id), moved.Pending)
	j.post(MemberAvailable, string(id), moved.Available)
	a.command(j, p, start, id, c, &Entry{Kind: Merge, Wallet: wallet, Amount: moved.Pending + moved.Available, Reference: string(from), Reason: reason})
}

// follow remembers that an account went into this one. What comes back because it would have closed a circle is not another account.
func (a *Account) follow(id, from retail.AccountID) {
	if from == id || slices.Contains(a.Absorbed, from) {
		return
	}
	if len(a.Absorbed) == maxAbsorbed {
		a.Absorbed = slices.Delete(a.Absorbed, 0, 1)
	}
	a.Absorbed = append(a.Absorbed, retail.AccountID(strings.Clone(string(from))))
}

func (p *Profile) absorb(q *Profile) {
	if q.EnrolledAt != 0 && (p.EnrolledAt == 0 || q.EnrolledAt < p.EnrolledAt) {
		p.EnrolledAt = q.EnrolledAt
	}
	if q.FirstReceiptAt != 0 {
		p.Bought(q.FirstReceiptAt)
	}
	if p.Birthday == 0 {
		p.Birthday = q.Birthday
	}
	if p.Referrer == "" {
		p.Referrer = q.Referrer
	}
	for _, f := range q.Facts {
		if !p.Holds(f.Kind, f.Key, f.From) {
			p.Begin(f.Kind, f.Key, f.From, f.To)
		}
	}
}

func (a *Account) appendMerged(dst []byte) []byte {
	dst = appendText(dst, string(a.MergedInto))
	dst = binary.AppendUvarint(dst, uint64(len(a.Absorbed)))
	for _, id := range a.Absorbed {
		dst = appendText(dst, string(id))
	}
	return dst
}

func (a *Account) readMerged(r *reader) {
	a.MergedInto = retail.AccountID(r.text(""))
	for n := r.count(1); n > 0; n-- {
		a.Absorbed = append(a.Absorbed, retail.AccountID(r.text("")))
	}
}
