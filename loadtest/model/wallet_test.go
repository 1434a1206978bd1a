package model

import (
	"reflect"
	"testing"

	"cagnotte/loadtest/wire"
)

const (
	day1 = "2026-12-01T12:00:00+01:00"
	day2 = "2026-12-02T12:00:00+01:00"
	day3 = "2026-12-03T12:00:00+01:00"
)

// after is the wallet once all that is due by then has happened.
func (r *run) after(t string, wallet string, pending, available, held int64) {
	r.t.Helper()
	a := r.p.Expected().Accounts["A"]
	a.Fire(ms(t))
	if got, want := a.Balances()[wallet], (Balance{pending, available, held}); got != want {
		r.t.Errorf("wallet %q at %s: %+v, want %+v", wallet, t, got, want)
	}
}

const euro = "reward: {percent: 100, wallet: w}\n"

func TestRewardsWaitAreSpendableAndLapse(t *testing.T) {
	doc := yearDoc("c", euro+"validity: {pending: 24h, expires: {after: 10d}}\n")
	r := newRun(t, doc).feed(bought("r", day1, line1("A", 1000)))
	r.after(day1, "w", 1000, 0, 0)
	r.after("2026-12-02T12:00:00+01:00", "w", 0, 1000, 0)
	r.after("2026-12-31T23:59:00+01:00", "w", 0, 1000, 0)
	r.after("2027-01-01T00:00:00+01:00", "w", 0, 0, 0)
}

func TestHoldsKeepTheirPlace(t *testing.T) {
	early := yearDoc("a", "lines: {category: A}\n"+euro+"validity: {expires: {after: 1d}}\n")
	late := yearDoc("b", "lines: {category: B}\n"+euro)
	terms := yearDoc("t", "terms: {min_purchase: 10, max_share: 50, hold: 15m, wallet: w, negative_limit: 5}\n")
	buy := func() *run {
		return newRun(t, early, late, terms).feed(bought("r", day1, line1("A", 1000), line1("B", 1000)))
	}
	hold := func(id, amount, purchase string) *wire.Receipt {
		return said("e"+id, "hold", day2, "hold", id, "amount", amount, "wallet", "w", "purchase", purchase)
	}
	r := buy().feed(hold("1", "12.00", "24"), hold("2", "4.01", "8.02"), hold("3", "6", "11"), hold("4", "9", "100"), hold("1", "1", "20"))
	r.after(day2, "w", 0, 800, 1200) // only the first is within the terms
	if got := r.p.Expected().Accounts["A"].Commands; !reflect.DeepEqual(got, []Command{{"e1", "w", -1200, 1200}}) {
		t.Errorf("%+v", got)
	}
	r.after("2026-12-02T12:15:00+01:00", "w", 0, 2000, 0)
	// Eight are spent of what lapses first, four of it given back late: they lapse at once.
	r = buy().feed(hold("1", "12", "24"), said("c", "commit", day2, "hold", "1", "amount", "8"))
	r.after(day2, "w", 0, 1200, 0)
	r.feed(said("f", "refund", day3, "redeem", "c", "amount", "3.00"), said("g", "refund", day3, "redeem", "c", "amount", "5.01"))
	r.after(day3, "w", 0, 1500, 0)
	r.after("2027-01-02T00:00:00+01:00", "w", 0, 1000, 0)
	// An offline payment may go below zero, as far as the terms say; what comes then pays first.
	r = buy().feed(said("o", "commit", day2, "wallet", "w", "amount", "25.01"), said("p", "commit", day2, "wallet", "w", "amount", "25"))
	r.after(day2, "w", 0, -500, 0)
	r.feed(said("q", "refund", day2, "redeem", "p", "amount", "6"), said("x", "adjust", day2, "wallet", "w", "amount", "1.00"), said("y", "adjust", day2, "wallet", "w", "amount", "-2.00"))
	r.after(day2, "w", 0, 0, 0)
	r = buy().feed(hold("1", "12", "24"), said("k", "cancel", day2, "hold", "1"), said("m", "redeem", day2, "wallet", "w", "amount", "20", "purchase", "40"))
	r.after(day2, "w", 0, 0, 0)
}

func TestClawBack(t *testing.T) {
	one := yearDoc("a", "lines: {category: A}\n"+euro)
	two := yearDoc("b", "lines: {category: B}\n"+euro+"validity: {pending: 240h}\n")
	terms := yearDoc("t", "terms: {wallet: w, negative_limit: 3}\n")
	r := newRun(t, one, two, terms).feed(bought("r", day1, line1("A", 1000), line1("B", 500)), said("s", "redeem", day1, "wallet", "w", "amount", "10"))
	r.feed(back("x", "r", 1, 200, 0), back("y", "r", 1, 200, 0)) // 2.00, then 1.00 of 2.00: the rest nobody pays
	r.after(day2, "w", 500, -300, 0)
	r.after("2026-12-20T12:00:00+01:00", "w", 0, 200, 0)
}

// What a goal gave for one week is spendable, for the next week it waits; a late return of the first takes what waits, as the reward of several receipts has no lot
// of its own. That of one receipt is taken from where it went.
func TestRewardsOfSeveralReceiptsAreTakenWhereTheyWait(t *testing.T) {
	for together, want := range map[bool]Balance{true: {0, 200, 0}, false: {200, 0, 0}} {
		a := &Account{}
		for _, m := range []Movement{
			{Campaign: "c", Version: 1, Amount: 200, At: 10, Active: 10}, {Campaign: "c", Version: 1, Amount: 200, At: 20, Active: 500},
			{Campaign: "c", Version: 1, Amount: -200, At: 30, Active: 10, Together: together},
		} {
			a.post(&m, 0)
		}
		if got := a.Balances()[""]; got != want {
			t.Errorf("together %v: %+v, want %+v", together, got, want)
		}
	}
}
