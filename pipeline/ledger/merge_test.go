package ledger

import (
	"testing"

	"cagnotte/pipeline/money"

	"pgregory.net/rapid"
)

// D30: an account that goes into another takes every cent with it, wallet by wallet; what is on its way and what has arrived net to zero, what one owed
// the other pays, and the traveller survives its encoding. The closed account has nothing left, and cannot go anywhere again.
func TestMergeKeepsEveryCent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := newSpending(), newSpending()
		t.Repeat(map[string]func(*rapid.T){
			"a": func(t *rapid.T) { a.any(t) },
			"b": func(t *rapid.T) { b.any(t) },
		})
		was := map[string]money.Amount{}
		for _, wallet := range []string{"", "points", "eco"} {
			was[wallet] = owed(&a.a, wallet) + owed(&b.a, wallet)
		}
		c := &Command{Event: "e", At: a.now, Reason: ReasonMerged}
		var out, in Journal
		if refused := a.a.MergeInto(&out, "m", c, "n"); refused != "" {
			t.Fatal(refused)
		}
		moved := a.a.Sweep(&out, "m", c)
		var arrived Account
		if err := arrived.Decode(moved.AppendBinary(nil)); err != nil {
			t.Fatalf("%+v: %v", moved, err)
		}
		b.a.Absorb(&in, "m", c, "from", &arrived)
		b.take(t, &in)
		checkSums(t, out.Entries)
		for wallet, want := range was {
			if left, got := owed(&a.a, wallet), owed(&b.a, wallet); left != 0 || got != want {
				t.Fatalf("wallet %q: %v stayed, %v arrived, want %v", wallet, left, got, want)
			}
		}
		if err := a.a.Check(); err != nil || len(a.a.Lots) > 0 || len(a.a.Holds) > 0 || a.a.NextDue() != 0 {
			t.Fatalf("left: %+v, %v", a.a, err)
		}
		transfers := money.Amount(0)
		for _, e := range append(out.Entries, in.Entries...) {
			for _, p := range e.Postings {
				if p.Book == Transfer {
					transfers += p.Amount
				}
			}
		}
		if transfers != 0 {
			t.Fatalf("%v is still on its way", transfers)
		}
		if refused := a.a.MergeInto(&out, "m", c, "x"); refused != RefusedClosed {
			t.Fatalf("merged twice: %q", refused)
		}
	})
}

// any does one of the things that happen to an account.
func (s *spending) any(t *rapid.T) {
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		s.reserve(t)
	case 1:
		s.spend(t)
	case 2:
		s.adjust(t)
	default:
		s.earn(t)
	}
}

// owed is all that a member has in a wallet, reservations included.
func owed(a *Account, wallet string) money.Amount {
	p := a.Of(wallet)
	if p == nil {
		return 0
	}
	return p.Pending + p.Available + a.Held(wallet)
}

// Uses of caps, counters and the profile go along.
func TestMergeOfWhatIsKnown(t *testing.T) {
	var a, b Account
	var j Journal
	a.AddUsed(1, 3, 100)
	b.AddUsed(1, 3, 50)
	a.Advance(2, 5, 1, 4)
	b.Advance(2, 5, 1, 3)
	a.Profile = Profile{EnrolledAt: 10, FirstReceiptAt: 30, Birthday: 321, Referrer: "r"}
	b.Profile = Profile{EnrolledAt: 20, FirstReceiptAt: 25}
	a.Profile.Begin(Consent, 7, 100, 0)
	c := &Command{Event: "e", At: 200}
	if refused := a.MergeInto(&j, "a", c, "b"); refused != "" {
		t.Fatal(refused)
	}
	moved := a.Sweep(&j, "a", c)
	b.Absorb(&j, "b", &Command{Event: "e/merged", At: 200}, "a", moved)
	if b.CapUsed(1, 3) != 150 || b.CountersOf(2)[0].Value != 7 || b.Profile.EnrolledAt != 10 || b.Profile.FirstReceiptAt != 25 || b.Profile.Birthday != 321 || !b.Profile.Holds(Consent, 7, 150) {
		t.Errorf("%+v", b)
	}
	if len(a.Counters)+len(a.Progress)+len(j.Entries) > 0 || a.MergedInto != "b" || a.Profile.told() {
		t.Errorf("%+v %+v", a, j.Entries)
	}
	var again Account
	if err := again.Decode(a.AppendBinary(nil)); err != nil || again.MergedInto != "b" {
		t.Errorf("%+v, %v", again, err)
	}
}
