package budget

import "cagnotte/pipeline/money"

// Lease is a partition's part of a campaign's budget. The zero value is not ready: use Open or DecodeLease.
type Lease struct {
	received money.Amount // in all
	returned money.Amount // given back in all
	used     money.Amount // granted to members, less what was recycled
	size     money.Amount // of the last part received: below half of it is low
	number   int64        // of the last report
	asked    int64        // number of the report whose wish stands, 0: none
	heard    int64        // number of the last grant
	wanted   money.Amount // by awards since the last wish, whether the lease could give it or not
	dry      bool         // the owner has nothing left to give, and has said so

	spent bool // the open commit had awards; not stored
	short bool // and one was reduced; not stored
	owes  bool // a recall is to be answered; not stored
}

// Open is the lease of a partition that has not heard of the campaign's owner yet.
func Open(t Terms, partitions int32) Lease {
	o := t.Opening(partitions)
	return Lease{received: o, size: o}
}

// Left is what may still be granted.
func (l *Lease) Left() money.Amount { return l.received - l.returned - l.used }

// Used is what stands granted: gross, or net of returns when they are recycled.
func (l *Lease) Used() money.Amount { return l.used }

// Spend takes an award off the lease. wanted is what it would have been with a larger lease. It fails, and changes nothing, beyond what is left.
func (l *Lease) Spend(granted, wanted money.Amount) error {
	if granted < 0 || granted > l.Left() {
		return broken("an award of %v, %v are left", granted, l.Left())
	}
	l.used += granted
	l.wanted = min(l.wanted+wanted, money.Max)
	l.spent, l.short = true, l.short || wanted > granted
	return nil
}

// Refund puts back what a return has taken from a member. Without recycle the budget keeps counting it. No more comes back than was granted: a
// campaign may have granted before it had a budget.
func (l *Lease) Refund(amount money.Amount, recycle bool) {
	if recycle && amount > 0 {
		l.used -= min(amount, l.used)
	}
}

// Report says what the owner should hear at the end of a commit: that the lease is low, or what a recall brings back. Only a commit that granted, or
// could not, asks for more: without receipts there are no messages, however little is left.
func (l *Lease) Report(partition int32) (Request, bool) {
	asks := l.Asks()
	if !asks && !l.owes {
		l.forget()
		return Request{}, false
	}
	l.number++
	r := Request{Partition: partition, Number: l.number, Returned: l.returned, Used: l.used}
	if asks {
		r.Need = max(l.wanted, 1)
		l.asked, l.wanted = l.number, 0
	}
	l.forget()
	return r, true
}

// Asks reports whether the end of the commit will ask for more.
func (l *Lease) Asks() bool {
	return l.asked == 0 && l.spent && (l.short || l.Left() <= l.size/2)
}

// Waits reports whether more was asked for, may still come, and little is left until it does: what is awarded meanwhile may be cut for nothing.
func (l *Lease) Waits() bool { return l.asked != 0 && !l.dry && l.Left() <= l.size/4 }

func (l *Lease) forget() { l.spent, l.short, l.owes = false, false, false }

// Take hears a grant. One that was heard before, or overtaken by a later one, changes nothing and is reported as false.
func (l *Lease) Take(g Grant) (bool, error) {
	if g.Number <= l.heard {
		return false, nil
	}
	if g.Granted < l.received {
		return false, broken("grant %d says %v in all, %v were received before", g.Number, g.Granted, l.received)
	}
	l.heard = g.Number
	l.dry = l.dry || g.Dry
	if more := g.Granted - l.received; more > 0 {
		l.received, l.size, l.dry = g.Granted, more, false
	}
	if g.Answers >= l.asked {
		l.asked = 0
	}
	if g.Recall {
		l.returned += l.Left() - l.Left()/2
		l.owes = true
	}
	return true, nil
}
