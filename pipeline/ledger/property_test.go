package ledger

import (
	"reflect"
	"slices"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"pgregory.net/rapid"
)

const hour = retail.Instant(3_600_000)

// world runs random operations on one account and keeps what an outsider would: the sums of all postings by book and party.
type world struct {
	a       Account
	books   map[book]money.Amount
	entries []Entry
	open    []Grant // grants with something left, as a return would find them
	now     retail.Instant
}

type book struct {
	Book   Book
	Party  string
	Wallet string
}

func drawGrant(t *rapid.T, now retail.Instant) Grant {
	key := rapid.Uint64Range(1, 3).Draw(t, "campaign")
	g := Grant{
		Campaign: known[key], CampaignKey: key, Version: rapid.Int32Range(1, 2).Draw(t, "version"),
		Amount: money.Amount(rapid.Int64Range(1, 999).Draw(t, "amount")), Receipt: "r", Store: "s1", At: now,
		Funding: rapid.SampledFrom([][]Share{
			nil, {{"retailer", money.One}}, {{"retailer", 600_000}, {"arabelle", 400_000}},
			{{"store", money.One}}, {{"store", 500_000}, {"arabelle", 500_000}}, {{"a", 333_334}, {"b", 333_333}, {"c", 333_333}}, {{"a", 500_000}, {"b", 250_000}, {"c", 125_000}, {"d", 125_000}},
		}).Draw(t, "funding"),
	}
	g.Wallet = rapid.SampledFrom([]string{"", "", "points", "eco"}).Draw(t, "wallet")
	g.Terms = rapid.SampledFrom([]*Terms{nil, nil, {IdleMs: int64(20 * hour)}}).Draw(t, "terms")
	if rapid.IntRange(0, 3).Draw(t, "donates") == 0 {
		g.Donate = Share{"red-cross", money.Rate(rapid.Int64Range(1, int64(money.One)).Draw(t, "given"))}
	}
	if rapid.Bool().Draw(t, "deferred") {
		g.ActiveFrom = (now/hour + 1 + retail.Instant(rapid.IntRange(0, 3).Draw(t, "pending hours"))) * hour
	}
	if rapid.IntRange(0, 3).Draw(t, "expires") > 0 {
		g.ExpiresAt = (now/hour + retail.Instant(rapid.IntRange(1, 8).Draw(t, "life"))) * hour
	}
	return g
}

func (w *world) take(t *rapid.T, j *Journal) {
	checkSums(t, j.Entries)
	for _, e := range j.Entries {
		if want := uint64(len(w.entries) + 1); e.Seq != want {
			t.Fatalf("sequence %d, want %d", e.Seq, want)
		}
		for _, p := range e.Postings {
			w.books[book{p.Book, p.Party, e.Wallet}] += p.Amount
		}
		e.Postings = slices.Clone(e.Postings)
		w.entries = append(w.entries, e)
		if e.PendingAfter != w.books[book{MemberPending, "m", e.Wallet}] || e.AvailableAfter != w.books[book{MemberAvailable, "m", e.Wallet}] {
			t.Fatalf("entry %+v says other balances than the postings so far: %v", e, w.books)
		}
	}
	if err := w.a.Check(); err != nil {
		t.Fatalf("after %+v: %v", j.Entries, err)
	}
	for _, wallet := range []string{"", "points", "eco"} {
		p := w.a.Of(wallet)
		if p == nil {
			p = &Purse{}
		}
		if p.Pending != w.books[book{MemberPending, "m", wallet}] || p.Available != w.books[book{MemberAvailable, "m", wallet}] || w.a.Held(wallet) != w.books[book{Held, "m", wallet}] {
			t.Fatalf("account %+v, postings %v", w.a, w.books)
		}
	}
	if w.a.Seq != uint64(len(w.entries)) {
		t.Fatalf("sequence %d after %d entries", w.a.Seq, len(w.entries))
	}
}

func (w *world) earn(t *rapid.T) {
	var j Journal
	g := drawGrant(t, w.now)
	w.a.Earn(&j, "m", &g)
	w.take(t, &j)
	w.a.LastReceiptAt = w.now
	w.a.Bought(w.now)
	w.a.Remember(uint64(w.a.Seq) * 0x9e3779b97f4a7c15)
	w.a.AddUsed(g.CampaignKey, int32(w.now/hour), g.Amount)
	g.GrantedBefore = g.Amount
	w.open = append(w.open, g)
}

func (w *world) reverse(t *rapid.T) {
	if len(w.open) == 0 {
		t.Skip("nothing to take back")
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(t, "grant")
	g := &w.open[i]
	g.Amount = money.Amount(rapid.Int64Range(1, int64(g.GrantedBefore)).Draw(t, "part"))
	g.At = w.now
	var j Journal
	w.a.Reverse(&j, "m", g)
	w.take(t, &j)
	if g.GrantedBefore -= g.Amount; g.GrantedBefore == 0 {
		w.open = slices.Delete(w.open, i, i+1)
	}
}

// again grants more for a receipt that has something granted already, as a return does that lets another campaign win.
func (w *world) again(t *rapid.T) {
	if len(w.open) == 0 {
		t.Skip("nothing granted")
	}
	g := &w.open[rapid.IntRange(0, len(w.open)-1).Draw(t, "grant")]
	g.Amount = money.Amount(rapid.Int64Range(1, 99).Draw(t, "more"))
	var j Journal
	w.a.Earn(&j, "m", g)
	w.take(t, &j)
	g.GrantedBefore += g.Amount
}

func (w *world) timers(t *rapid.T) {
	w.now += retail.Instant(rapid.Int64Range(0, 3*int64(hour)).Draw(t, "elapsed"))
	var j Journal
	w.a.FireDue(&j, "m", w.now, known)
	w.take(t, &j)
	if due := w.a.NextDue(); due != 0 && due <= w.now {
		t.Fatalf("due at %d is left at %d", due, w.now)
	}
}

func newWorld() *world { return &world{books: map[book]money.Amount{}, now: 1000 * hour} }

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){"earn": w.earn, "reverse": w.reverse, "again": w.again, "timers": w.timers, "encode": w.reencode}
}

func (w *world) reencode(t *rapid.T) {
	b := w.a.AppendBinary(nil)
	back := Account{Purse: Purse{Lots: make([]Lot, 3)}, Wallets: make([]Wallet, 2), Holds: make([]Hold, 1), Recent: []uint64{1, 2}}
	if err := back.Decode(b); err != nil {
		t.Fatalf("decode %+v: %v", w.a, err)
	}
	if !same(&back, &w.a) || !slices.Equal(back.AppendBinary(nil), b) {
		t.Fatalf("got %+v, want %+v", back, w.a)
	}
	w.a = back
}

// same compares accounts; a nil slice is as good as an empty one.
func same(a, b *Account) bool {
	return reflect.DeepEqual(tidy(*a), tidy(*b))
}

// Whatever happens, entries sum to zero and have no holes, balances are the postings' sums and the lots' sums, and the encoding is exact.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
	})
}

// Taking back all that was granted, in any parts and any order, with timers running between, leaves nothing on any funder's book: what
// expired meanwhile is owed by the member, to the cent.
func TestFullReturnNetsToZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
		for len(w.open) > 0 {
			w.reverse(t)
		}
		for b, sum := range w.books {
			if (b.Book == Funding || b.Book == Charity) && sum != 0 {
				t.Fatalf("%v of %s is left with %v", b.Book, b.Party, sum)
			}
		}
		for _, wallet := range []string{"", "points", "eco"} {
			if p := w.a.Of(wallet); p != nil && (p.LifetimeEarned != 0 || p.Pending != 0 || p.Available != -w.books[book{Breakage, "m", wallet}]) {
				t.Fatalf("left: %+v, books %v", p, w.books)
			}
		}
	})
}

// Without timers between, a full return leaves nothing anywhere, and no lot.
func TestEarnAndReturnAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range rapid.IntRange(1, 6).Draw(t, "grants") {
			w.earn(t)
		}
		for len(w.open) > 0 {
			w.reverse(t)
		}
		for b, sum := range w.books {
			if sum != 0 {
				t.Fatalf("%v of %s is left with %v", b.Book, b.Party, sum)
			}
		}
		w.a.Wallets = append(w.a.Wallets, Wallet{Purse: w.a.Purse})
		for _, p := range w.a.Wallets {
			if len(p.Lots) != 0 || p.Pending != 0 || p.Available != 0 {
				t.Fatalf("left: %+v", w.a)
			}
		}
	})
}

// I2: a reversal in parts ends where the same reversal in one go ends: balances, lots, and every funder's sum.
func TestReversalInParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
		if len(w.open) == 0 {
			w.earn(t)
		}
		g := w.open[rapid.IntRange(0, len(w.open)-1).Draw(t, "grant")]
		total := money.Amount(rapid.Int64Range(1, int64(g.GrantedBefore)).Draw(t, "total"))
		parts := world{a: clone(&w.a), books: map[book]money.Amount{}}
		once := world{a: clone(&w.a), books: map[book]money.Amount{}}
		reverseSum(&once, g, total)
		for left := total; left > 0; {
			part := money.Amount(rapid.Int64Range(1, int64(left)).Draw(t, "part"))
			g.GrantedBefore -= reverseSum(&parts, g, part)
			left -= part
		}
		parts.a.Seq = once.a.Seq
		dropZeros(parts.books)
		dropZeros(once.books)
		if !same(&parts.a, &once.a) || !reflect.DeepEqual(parts.books, once.books) {
			t.Fatalf("in parts %+v %v, at once %+v %v", parts.a, parts.books, once.a, once.books)
		}
	})
}

func reverseSum(w *world, g Grant, amount money.Amount) money.Amount {
	var j Journal
	g.Amount = amount
	w.a.Reverse(&j, "m", &g)
	for _, p := range j.Entries[0].Postings {
		w.books[book{p.Book, p.Party, g.Wallet}] += p.Amount
	}
	return amount
}

func dropZeros(m map[book]money.Amount) {
	for k, v := range m {
		if v == 0 {
			delete(m, k)
		}
	}
}

// tidy copies an account, empty slices as nil.
func tidy(a Account) Account {
	b := clone(&a)
	b.Lots, b.Progress, b.Recent = tidied(b.Lots), tidied(b.Progress), tidied(b.Recent)
	b.Wallets, b.Holds, b.Counters, b.Profile.Facts = tidied(b.Wallets), tidied(b.Holds), tidied(b.Counters), tidied(b.Profile.Facts)
	for i := range b.Wallets {
		b.Wallets[i].Lots = tidied(b.Wallets[i].Lots)
	}
	return b
}

func tidied[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func clone(a *Account) Account {
	b := *a
	b.Lots, b.Progress, b.Recent = slices.Clone(a.Lots), slices.Clone(a.Progress), slices.Clone(a.Recent)
	b.Wallets, b.Holds, b.Counters, b.Profile.Facts = slices.Clone(a.Wallets), slices.Clone(a.Holds), slices.Clone(a.Counters), slices.Clone(a.Profile.Facts)
	for i := range b.Wallets {
		b.Wallets[i].Lots = slices.Clone(b.Wallets[i].Lots)
	}
	return b
}

// D23: timers that run once make the entries of timers that run at every chance, in the order of their scheduled instants.
func TestTimersInSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
		end := w.now + 12*hour
		a, b := clone(&w.a), clone(&w.a)
		var once, steps Journal
		a.FireDue(&once, "m", end, known)
		for now := w.now; now < end; now += retail.Instant(rapid.Int64Range(1, 5*int64(hour)).Draw(t, "step")) {
			b.FireDue(&steps, "m", now, known)
		}
		b.FireDue(&steps, "m", end, known)
		if !same(&a, &b) || !reflect.DeepEqual(once.Entries, steps.Entries) {
			t.Fatalf("once %+v\nsteps %+v", once.Entries, steps.Entries)
		}
		for i := 1; i < len(once.Entries); i++ {
			x, y := &once.Entries[i-1], &once.Entries[i]
			if x.At > y.At || x.At == y.At && x.Kind == Expire && y.Kind == Activate {
				t.Fatalf("%v at %d before %v at %d", x.Kind, x.At, y.Kind, y.At)
			}
		}
	})
}

// A reversal that its own campaign cannot pay takes from what lapses first: no lot that stays lapses earlier than one that was touched.
func TestFirstExpiringFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
		before := clone(&w.a)
		var j Journal
		g := Grant{Campaign: "other", CampaignKey: 99, Version: 1, Amount: money.Amount(rapid.Int64Range(1, 3000).Draw(t, "amount")), At: w.now}
		w.a.Reverse(&j, "m", &g)
		left := g.Amount
		for _, l := range before.Lots { // in order: pending ones stay, then first expiring first
			if l.Active {
				part := min(left, l.Remaining)
				l.Remaining -= part
				left -= part
			}
			if i := slices.IndexFunc(w.a.Lots, func(m Lot) bool { return compareLots(&l, &m) == 0 }); l.Remaining > 0 && w.a.Lots[i] != l || l.Remaining == 0 && i >= 0 {
				t.Fatalf("lot %+v: after %+v", l, w.a.Lots)
			}
		}
		if deficit := j.Entries[0].Reason == ReasonDeficit; deficit != (left > 0) {
			t.Fatalf("reason %q with %v left", j.Entries[0].Reason, left)
		}
	})
}

// Of the pending lots a reversal takes its own alone: same campaign, version, activation and expiry. The rest comes from active ones.
func TestOnlyItsOwnPendingLot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(w.actions())
		before, g := clone(&w.a), drawGrant(t, w.now)
		g.Wallet, g.Donate, g.GrantedBefore = "", Share{}, g.Amount
		var j Journal
		w.a.Reverse(&j, "m", &g)
		for _, l := range before.Lots {
			own := l.Campaign == g.CampaignKey && l.Version == g.Version && l.ActiveFrom == g.ActiveFrom && l.ExpiresAt == g.lapsesAt()
			if !l.Active && !own && !slices.Contains(w.a.Lots, l) {
				t.Fatalf("reversal %+v took from pending lot %+v: %+v", g, l, w.a.Lots)
			}
			if !l.Active && own && before.Pending-w.a.Pending != min(g.Amount, l.Remaining) {
				t.Fatalf("reversal %+v took %v from its lot %+v", g, before.Pending-w.a.Pending, l)
			}
		}
	})
}

// However many rewards are granted, lots are as many as campaigns x versions x validity periods.
func TestLotsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for range 400 {
			w.earn(t)
			w.open = nil
		}
		// one hour of grants: 3 campaigns, 2 versions, at once or in one of 4 hours, 9 ends of life
		for _, p := range append(w.a.Wallets, Wallet{Purse: w.a.Purse}) {
			if len(p.Lots) > 3*2*5*9 {
				t.Fatalf("%d lots", len(p.Lots))
			}
		}
	})
}
