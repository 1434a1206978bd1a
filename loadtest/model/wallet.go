package model

import (
	"cmp"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// lot is what is left of the rewards of one campaign version that become spendable, and lapse, together.
type lot struct {
	campaign string
	version  int32
	active   int64 // when it becomes spendable; 0: it is
	expires  int64 // 0: never
	amount   int64
}

// pocket is one wallet of an account: what can be spent, what waits, and what is owed.
type pocket struct {
	live, waiting []lot
	owed          int64
}

// Balance is what an account has in one wallet.
type Balance struct{ Pending, Available, Held int64 }

// pocket returns the wallet of that name.
func (a *Account) pocket(wallet string) *pocket {
	if a.pockets == nil {
		a.pockets = map[string]*pocket{}
	}
	w := a.pockets[wallet]
	if w == nil {
		w = &pocket{}
		a.pockets[wallet] = w
	}
	return w
}

// never puts "no end" after every instant.
func never(t int64) int64 {
	if t == 0 {
		return math.MaxInt64
	}
	return t
}

// sooner is the order of spending: first expiring first, of what waits what is active first; then the campaign, by its key, and the version.
func sooner(a, b lot) int {
	return cmp.Or(cmp.Compare(never(a.expires), never(b.expires)), cmp.Compare(a.active, b.active), cmp.Compare(xxhash.Sum64String(a.campaign), xxhash.Sum64String(b.campaign)), cmp.Compare(a.version, b.version))
}

func put(list []lot, l lot) []lot {
	if l.amount <= 0 {
		return list
	}
	for i := range list {
		if x := list[i]; x.campaign == l.campaign && x.version == l.version && x.active == l.active && x.expires == l.expires {
			list[i].amount += l.amount
			return list
		}
	}
	list = append(list, l)
	slices.SortStableFunc(list, sooner)
	return list
}

// take takes up to an amount from the lots of a list that fit, in order, and returns what is left of the list and what was taken.
func take(list []lot, amount int64, fits func(lot) bool) (left, taken []lot) {
	for _, l := range list {
		if part := min(amount, l.amount); part > 0 && fits(l) {
			amount -= part
			l.amount -= part
			out := l
			out.amount = part
			taken = append(taken, out)
		}
		if l.amount > 0 {
			left = append(left, l)
		}
	}
	return left, taken
}

func sumOf(list []lot) (n int64) {
	for _, l := range list {
		n += l.amount
	}
	return n
}

func anyLot(lot) bool { return true }

// credit makes a lot spendable; what is owed comes first.
func (w *pocket) credit(l lot) {
	paid := min(l.amount, w.owed)
	w.owed -= paid
	l.amount, l.active = l.amount-paid, 0
	w.live = put(w.live, l)
}

// spend takes up to an amount from what is spendable, and says from where.
func (w *pocket) spend(amount int64, fits func(lot) bool) (taken []lot) {
	w.live, taken = take(w.live, amount, fits)
	return taken
}

func (w *pocket) available() int64 { return sumOf(w.live) - w.owed }

// post books a movement of a reward. What is taken back comes from the lot it went into (of a reward of several receipts: then from whatever of the campaign waits,
// first lapsing first), then from the campaign's others, those of its expiry first, then from any
// others, and at last it is owed, as far as the wallet's terms allow; nobody pays for more.
func (a *Account) post(m *Movement, limit int64) {
	w, amount := a.pocket(m.Wallet), m.Amount-m.Donated
	l := lot{m.Campaign, m.Version, m.Active, m.Ends(), amount}
	if amount >= 0 {
		if m.Active <= m.At {
			w.credit(l)
		} else {
			w.waiting = put(w.waiting, l)
		}
		return
	}
	left, taken := -amount, []lot(nil)
	w.waiting, taken = take(w.waiting, left, func(x lot) bool {
		return x.campaign == l.campaign && x.version == l.version && x.active == l.active && x.expires == l.expires
	})
	left -= sumOf(taken)
	if m.Together {
		w.waiting, taken = take(w.waiting, left, func(x lot) bool { return x.campaign == l.campaign })
		left -= sumOf(taken)
	}
	for _, fits := range []func(lot) bool{
		func(x lot) bool { return x.campaign == l.campaign && x.expires == l.expires }, func(x lot) bool { return x.campaign == l.campaign }, anyLot,
	} {
		left -= sumOf(w.spend(left, fits))
	}
	debt := min(left, max(limit-w.owed, 0))
	w.owed, m.WrittenOff = w.owed+debt, left-debt
}

// due is a change that comes by itself: a lot becomes spendable, a hold ends, a lot lapses.
type due struct {
	at     int64
	rank   int // at one instant in this order
	wallet string
	lot    lot
	hold   string
}

func compareDue(x, y *due) int {
	if x.at != y.at {
		return cmp.Compare(x.at, y.at)
	}
	return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.wallet, y.wallet),
		cmp.Compare(xxhash.Sum64String(x.lot.campaign), xxhash.Sum64String(y.lot.campaign)), cmp.Compare(x.lot.version, y.lot.version),
		cmp.Compare(never(x.lot.expires), never(y.lot.expires)), cmp.Compare(x.hold, y.hold))
}

// each hands every change that will come to fn.
func (a *Account) each(fn func(due)) {
	for name, w := range a.pockets {
		for _, l := range w.waiting {
			fn(due{at: l.active, rank: 0, wallet: name, lot: l})
		}
		for _, l := range w.live {
			if l.expires != 0 {
				fn(due{at: l.expires, rank: 2, wallet: name, lot: l})
			}
		}
	}
	for id, h := range a.holds {
		fn(due{at: h.until, rank: 1, wallet: h.wallet, hold: id})
	}
}

// Fire lets everything happen that is due by an instant.
func (a *Account) Fire(now int64) {
	for {
		d := due{at: math.MaxInt64}
		a.each(func(x due) {
			if compareDue(&x, &d) < 0 {
				d = x
			}
		})
		if d.at > now {
			return
		}
		w, same := a.pocket(d.wallet), func(x lot) bool { return x == d.lot }
		switch d.rank {
		case 0:
			w.waiting, _ = take(w.waiting, d.lot.amount, same)
			w.credit(d.lot)
		case 1:
			a.release(d.hold)
		default:
			w.spend(d.lot.amount, same)
		}
	}
}

// DueBetween says whether anything happens by itself between two instants.
func (a *Account) DueBetween(from, to int64) (any bool) {
	a.each(func(d due) { any = any || d.at > from && d.at <= to })
	return any
}

// Balances are what the account has, by wallet.
func (a *Account) Balances() map[string]Balance {
	out := map[string]Balance{}
	for name, w := range a.pockets {
		out[name] = Balance{Pending: sumOf(w.waiting), Available: w.available()}
	}
	for _, h := range a.holds {
		b := out[h.wallet]
		b.Held += sumOf(h.parts)
		out[h.wallet] = b
	}
	return out
}
