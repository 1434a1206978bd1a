package pipeline

import (
	"slices"
	"time"
)

// A lease is refilled by messages that take some commits. A task that works off a backlog can use a lease up within one commit, and would cut awards
// although the budget has money. So the input is taken in portions while budgets are in force, small ones after a lease ran low and larger ones the
// longer none does. A lease that runs low ends the transaction, so that its wish gets out; and while it waits for the answer the input trickles, record
// by record. It never stands still: whether the answer comes or not, the trickle goes on, and after budgetPatience the input flows again, so that a dead
// owner holds nobody up.
const (
	leastPortion   = 4 // records that are taken between two looks at the leases
	mostPortion    = 64
	budgetPatience = 2 * time.Second // for the answer to one wish
)

// watch keeps an eye on a lease that was drawn on.
func (d *desk) watch(l *leaseNote) {
	if !l.watched && (l.Asks() || l.Waits()) {
		l.watched = true
		d.watched = append(d.watched, l)
	}
}

// pace says whether some lease wants the transaction to end now, and whether some lease waits for an answer that may still come.
func (d *desk) pace(now time.Time) (ends, waits bool) {
	d.watched = slices.DeleteFunc(d.watched, func(l *leaseNote) bool {
		switch {
		case l.Asks():
			ends = true
		case !l.Waits():
			l.watched, l.waiting = false, time.Time{}
			return true
		case l.waiting.IsZero():
			l.waiting, waits = now, true
		default:
			waits = waits || now.Sub(l.waiting) < budgetPatience
		}
		return false
	})
	return ends, waits
}

// portion says how many of the next records to take, and whether those taken so far should be committed first.
func (m *member) portion(most int) (take int, full bool) {
	if len(m.p.budgetTerms(m.p.rules.ruleset()).byKey) == 0 {
		return most, false
	}
	trickle := false
	for _, t := range m.list {
		if len(t.desk.watched) > 0 {
			ends, waits := t.desk.pace(m.p.opts.Now())
			full, trickle = full || ends || waits, trickle || waits
		}
	}
	m.step = min(max(m.step*2, leastPortion), mostPortion)
	if full {
		m.step = leastPortion
	}
	if trickle {
		return 1, true
	}
	return min(most, m.step), full
}
