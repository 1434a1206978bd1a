package ledger

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"pgregory.net/rapid"
)

// spending is a world in which tills reserve, settle, give back, pay and refund.
type spending struct {
	*world
	burns []Burn
	ids   int
	held  map[string]Hold // as they were reserved
}

func newSpending() *spending { return &spending{world: newWorld(), held: map[string]Hold{}} }

func (s *spending) actions() map[string]func(*rapid.T) {
	m := s.world.actions()
	m["reserve"], m["settle"], m["release"], m["spend"], m["refund"], m["adjust"] = s.reserve, s.settle, s.release, s.spend, s.refund, s.adjust
	return m
}

func (s *spending) command(t *rapid.T) *Command {
	return &Command{
		Event: "e", At: s.now, Wallet: rapid.SampledFrom([]string{"", "points", "eco"}).Draw(t, "wallet"),
		Amount: money.Amount(rapid.Int64Range(1, 1500).Draw(t, "amount")),
		Terms:  rapid.SampledFrom([]*Terms{nil, {Limited: true, NegativeLimit: 700, RemindMs: int64(2 * hour)}, {HoldMs: int64(hour / 2)}, {IdleMs: int64(30 * hour), RemindMs: int64(4 * hour)}}).Draw(t, "terms"),
	}
}

// unchanged fails when a refused command did something.
func (s *spending) unchanged(t *rapid.T, before Account, j *Journal, refused Refusal) {
	if refused != "" && (len(j.Entries) > 0 || !same(&before, &s.a)) {
		t.Fatalf("refused as %s, and yet %+v: %+v", refused, j.Entries, s.a)
	}
	if refused == "" && len(j.Entries) == 0 {
		t.Fatal("not refused, and nothing was booked")
	}
	s.take(t, j)
}

func (s *spending) reserve(t *rapid.T) {
	c := s.command(t)
	s.ids++
	c.Hold, c.Online = fmt.Sprintf("h%d", s.ids), rapid.Bool().Draw(t, "online")
	before := clone(&s.a)
	var j Journal
	refused := s.a.Reserve(&j, "m", c)
	s.unchanged(t, before, &j, refused)
	if p := before.Of(c.Wallet); refused == RefusedBalance && p != nil && p.Available >= c.Amount {
		t.Fatalf("%v of %v was refused", c.Amount, p.Available)
	}
	if refused == "" {
		s.held[c.Hold] = s.a.Holds[s.a.findHold(c.Hold)]
	}
}

func (s *spending) drawHold(t *rapid.T) *Command {
	c := s.command(t)
	if len(s.a.Holds) == 0 {
		t.Skip("nothing is reserved")
	}
	c.Hold = s.a.Holds[rapid.IntRange(0, len(s.a.Holds)-1).Draw(t, "hold")].ID
	return c
}

func (s *spending) settle(t *rapid.T) {
	c, before := s.drawHold(t), clone(&s.a)
	var j Journal
	b, refused := s.a.Settle(&j, "m", c)
	s.unchanged(t, before, &j, refused)
	if refused == "" {
		if b.Left() != c.Amount {
			t.Fatalf("settled %v, the burn is %+v", c.Amount, b)
		}
		s.keep(t, b)
	}
}

// keep remembers a burn as the footprint of its event does.
func (s *spending) keep(t *rapid.T, b Burn) {
	enc := b.AppendBinary(nil)
	back, err := DecodeBurn(enc)
	if err != nil || !reflect.DeepEqual(b, back) {
		t.Fatalf("%+v came back as %+v: %v", b, back, err)
	}
	if _, err := DecodeBurn(enc[:len(enc)-1]); err == nil {
		t.Fatal("a cut burn was read")
	}
	s.burns = append(s.burns, back)
}

func (s *spending) release(t *rapid.T) {
	c, before := s.drawHold(t), clone(&s.a)
	var j Journal
	s.unchanged(t, before, &j, s.a.Release(&j, "m", c))
}

func (s *spending) spend(t *rapid.T) {
	c, before, offline := s.command(t), clone(&s.a), rapid.Bool().Draw(t, "offline")
	var j Journal
	b, refused := s.a.Spend(&j, "m", c, offline)
	s.unchanged(t, before, &j, refused)
	if refused != "" {
		return
	}
	if p := s.a.Of(c.Wallet); b.Left() != c.Amount || p.Available < 0 && (!offline || c.Terms.beyond(-p.Available) > 0) {
		t.Fatalf("%v is left after %+v under %+v", p.Available, b, c.Terms)
	}
	s.keep(t, b)
}

func (s *spending) refund(t *rapid.T) {
	if len(s.burns) == 0 {
		t.Skip("nothing was spent")
	}
	c, before := s.command(t), clone(&s.a)
	b := &s.burns[rapid.IntRange(0, len(s.burns)-1).Draw(t, "burn")]
	was := b.Left()
	var j Journal
	refused := s.a.Refund(&j, "m", c, b)
	s.unchanged(t, before, &j, refused)
	if refused == "" && b.Left() != was-c.Amount {
		t.Fatalf("%v of %v was refunded, %v is left", c.Amount, was, b.Left())
	}
}

func (s *spending) adjust(t *rapid.T) {
	c, before := s.command(t), clone(&s.a)
	if rapid.Bool().Draw(t, "takes") {
		c.Amount = -c.Amount
	} else if rapid.Bool().Draw(t, "lapses") {
		c.ExpiresAt = s.now + 3*hour
	}
	var j Journal
	s.unchanged(t, before, &j, s.a.Adjust(&j, "m", c))
}

// I1 and D16: whatever is earned, spent, given back and refunded, in whatever order, every entry sums to zero, balances are the postings' sums and
// the lots' sums, and the encoding is exact. A refusal changes nothing.
func TestSpendingInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpending()
		t.Repeat(s.actions())
	})
}

// D26: what is spent lapses first, ties by campaign: nothing that stays lapses before anything that was taken.
func TestSpendingTakesFirstExpiring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpending()
		t.Repeat(s.actions())
		c := s.command(t)
		c.Terms = nil
		var j Journal
		b, refused := s.a.Spend(&j, "m", c, false)
		if refused != "" {
			return
		}
		last := b.Parts[len(b.Parts)-1]
		if !slices.IsSortedFunc(b.Parts, compareParts) {
			t.Fatalf("taken out of order: %+v", b.Parts)
		}
		for _, l := range s.a.Of(c.Wallet).Lots {
			if l.Active && compareParts(Part{l.Campaign, l.Version, l.ExpiresAt, 0}, last) < 0 {
				t.Fatalf("lot %+v stayed, %+v was taken", l, last)
			}
		}
	})
}

// D15: what is reserved and given back before anything else happens leaves the account as it was, lots and expiries; so does what is spent and refunded,
// in any parts.
func TestGivingBackUndoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpending()
		t.Repeat(s.actions())
		before, c := clone(&s.a), s.command(t)
		c.Hold = "new"
		var j Journal
		if s.a.Reserve(&j, "m", c) != "" {
			return
		}
		s.a.Release(&j, "m", c)
		sameMoney(t, &before, &s.a)
		b, _ := s.a.Spend(&j, "m", c, false)
		for b.Left() > 0 {
			c.Amount = money.Amount(rapid.Int64Range(1, int64(b.Left())).Draw(t, "part"))
			if refused := s.a.Refund(&j, "m", c, &b); refused != "" {
				t.Fatalf("refund of %v: %s", c.Amount, refused)
			}
		}
		sameMoney(t, &before, &s.a)
		checkSums(t, j.Entries)
	})
}

// A refund in part leaves what a smaller payment would have taken.
func TestRefundInPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSpending()
		t.Repeat(s.actions())
		c := s.command(t)
		less := clone(&s.a)
		var j Journal
		b, refused := s.a.Spend(&j, "m", c, false)
		if refused != "" || c.Amount < 2 {
			return
		}
		back := money.Amount(rapid.Int64Range(1, int64(c.Amount)-1).Draw(t, "back"))
		c.Amount -= back
		c.Terms = nil
		want, _ := less.Spend(&j, "m", c, false)
		c.Amount = back
		s.a.Refund(&j, "m", c, &b)
		sameMoney(t, &less, &s.a)
		if !reflect.DeepEqual(want, b) {
			t.Fatalf("left of the burn %+v, of the smaller one %+v", b, want)
		}
	})
}

// sameMoney compares what two accounts hold; the number of entries is another.
func sameMoney(t *rapid.T, a, b *Account) {
	x, y := tidy(*a), tidy(*b)
	x.Seq, y.Seq = 0, 0
	if !reflect.DeepEqual(x, y) {
		t.Fatalf("was %+v\nis  %+v", x, y)
	}
}

// rich is an account with everything that an account can have.
func rich() *Account {
	a := sample()
	var j Journal
	t := &Terms{RemindMs: int64(720 * hour)}
	for i, wallet := range []string{"points", "eco"} {
		g := Grant{CampaignKey: uint64(i + 1), Version: 2, Amount: 500, At: 1000 * hour, ExpiresAt: 8000 * hour, Wallet: wallet, Terms: t}
		a.Earn(&j, "m", &g)
		a.Reserve(&j, "m", &Command{Event: "e", At: 1000 * hour, Wallet: wallet, Hold: fmt.Sprint("h", i), Amount: 120, Online: i == 0})
	}
	a.RemindMs, a.RemindedTo = t.RemindMs, 900*hour
	return a
}

// D25 at one instant: activations, then reservations that lapse, then expiries, then reminders.
func TestOrderAtOneInstant(t *testing.T) {
	var a Account
	var j Journal
	terms := &Terms{HoldMs: int64(10 * hour), RemindMs: int64(10 * hour)}
	a.Earn(&j, "m", &Grant{Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 300, At: hour, ExpiresAt: 11 * hour})
	a.Reserve(&j, "m", &Command{At: hour, Hold: "h", Amount: 100, Terms: terms})
	a.Earn(&j, "m", &Grant{Campaign: "school", CampaignKey: 3, Version: 1, Amount: 70, At: hour, ActiveFrom: 11 * hour, ExpiresAt: 21 * hour, Terms: terms})
	a.RemindedTo = 11 * hour
	j.Reset()
	a.FireDue(&j, "m", 11*hour, known)
	var kinds []string
	for _, e := range j.Entries {
		kinds = append(kinds, fmt.Sprint(e.Kind, " ", e.Amount))
	}
	if want := []string{"activate 0.70", "cancel 1.00", "expire -3.00"}; !slices.Equal(kinds, want) {
		t.Errorf("entries %v, want %v", kinds, want)
	}
	if want := []Notice{{At: 11 * hour, ExpiresAt: 21 * hour, Amount: 70}}; !slices.Equal(j.Notices, want) {
		t.Errorf("notices %v, want %v", j.Notices, want)
	}
}

// A reservation keeps its money from lapsing; what is given back after its expiry lapses then.
func TestHeldMoneyDoesNotLapse(t *testing.T) {
	var a Account
	var j Journal
	a.Earn(&j, "m", &Grant{Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 300, At: hour, ExpiresAt: 2 * hour})
	a.Reserve(&j, "m", &Command{At: hour, Hold: "h", Amount: 300, Terms: &Terms{HoldMs: int64(5 * hour)}})
	a.FireDue(&j, "m", 3*hour, known)
	if _, refused := a.Settle(&j, "m", &Command{At: 3 * hour, Hold: "h", Amount: 200}); refused != "" || a.Available != 100 {
		t.Fatalf("refused %q, available %v", refused, a.Available)
	}
	j.Reset()
	a.FireDue(&j, "m", 3*hour, known)
	if len(j.Entries) != 1 || j.Entries[0].Kind != Expire || j.Entries[0].At != 2*hour || a.Available != 0 {
		t.Fatalf("after the rest came back: %+v, %+v", j.Entries, a)
	}
}

// D12: what a return takes back below the negative limit is written off; the funders have theirs again.
func TestWriteOff(t *testing.T) {
	var a Account
	var j Journal
	terms := &Terms{Limited: true, NegativeLimit: 50}
	g := Grant{Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 300, At: hour, Terms: terms}
	a.Earn(&j, "m", &g)
	a.Spend(&j, "m", &Command{At: hour, Amount: 280}, false)
	g.GrantedBefore = 300
	j.Reset()
	a.Reverse(&j, "m", &g)
	want := []Posting{{MemberAvailable, "m", -70}, {WriteOff, "m", -230}, {Funding, Retailer, 300}}
	if e := j.Entries[0]; !slices.Equal(e.Postings, want) || e.Reason != ReasonWriteOff || e.Amount != -70 || a.Available != -50 {
		t.Fatalf("%+v, available %v", e, a.Available)
	}
}

// The funder "store" is the shop of the sale, wherever the goods come back.
func TestStoreFunds(t *testing.T) {
	var a Account
	var j Journal
	g := Grant{Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 101, At: hour, Store: "s1", Shop: "s1", Funding: []Share{{Store, 500_000}, {"arabelle", 500_000}}}
	a.Earn(&j, "m", &g)
	g.Shop, g.GrantedBefore = retail.ShopID("s2"), 101
	a.Reverse(&j, "m", &g)
	want := []Posting{{MemberAvailable, "m", -101}, {Funding, "store:s1", 51}, {Funding, "arabelle", 50}}
	if got := j.Entries[1].Postings; !slices.Equal(got, want) {
		t.Errorf("postings %v, want %v", got, want)
	}
}

// An account as version 1 wrote it is read, and written again as it was; what version 2 adds is written only when there is something to add.
func TestVersionsOfTheCodec(t *testing.T) {
	plain := sample().AppendBinary(nil)
	var a Account
	if err := a.Decode(plain); err != nil || plain[0] != codecPlain || !slices.Equal(a.AppendBinary(nil), plain) {
		t.Fatalf("version %d: %v", plain[0], err)
	}
	idle := rich()
	idle.Wallets[1].IdleMs, idle.Wallets[1].UsedAt = int64(2000*hour), 3600*hour
	for version, want := range map[byte]*Account{codecFlags: rich(), codecVersion: idle} {
		b := want.AppendBinary(nil)
		if err := a.Decode(b); err != nil || b[0] != version || !same(&a, want) {
			t.Fatalf("version %d, want %d: %v, %+v", b[0], version, err, a)
		}
		for i := range b {
			if err := a.Decode(b[:i]); err == nil {
				t.Errorf("%d of %d bytes are an account: %+v", i, len(b), a)
			}
		}
	}
}

// An account with wallets and reservations is decoded and encoded again and again; only reservations allocate.
func TestWalletsDoNotAllocate(t *testing.T) {
	a := rich()
	a.Holds = nil
	buf := a.AppendBinary(nil)
	if n := testing.AllocsPerRun(100, func() {
		buf = a.AppendBinary(buf[:0])
		if err := a.Decode(buf); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What the terms ask of a payment, with and without a basket that the till has told.
func TestTermsOfAPayment(t *testing.T) {
	terms := &Terms{MinPurchase: 1000, MinAmount: 50, MaxShare: 500_000, Limited: true, NegativeLimit: 100}
	for _, c := range []struct {
		amount, purchase money.Amount
		terms            *Terms
		offline          bool
		want             Refusal
	}{
		{amount: 0, want: RefusedAmount},
		{amount: 300, purchase: 200, want: RefusedMaxShare},
		{amount: 600, want: RefusedBalance},
		{amount: 500},
		{amount: 49, purchase: 5000, terms: terms, want: RefusedMinAmount},
		{amount: 400, purchase: 999, terms: terms, want: RefusedMinPurchase},
		{amount: 501, purchase: 1001, terms: terms, want: RefusedMaxShare},
		{amount: 500, purchase: 1001, terms: terms},
		{amount: 400, terms: terms},
		{amount: 600, purchase: 900, terms: terms, offline: true},
		{amount: 601, terms: terms, offline: true, want: RefusedLimit},
		{amount: 601, offline: true},
	} {
		var a Account
		var j Journal
		a.Adjust(&j, "m", &Command{At: hour, Amount: 500})
		if _, refused := a.Spend(&j, "m", &Command{At: hour, Amount: c.amount, Purchase: c.purchase, Terms: c.terms}, c.offline); refused != c.want {
			t.Errorf("%+v: refused %q", c, refused)
		}
	}
}
