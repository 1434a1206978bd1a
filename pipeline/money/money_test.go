package money_test

import (
	"testing"

	"cagnotte/pipeline/money"

	"pgregory.net/rapid"
)

func TestRateOf(t *testing.T) {
	for _, c := range []struct {
		rate money.Rate
		a    money.Amount
		mode money.Rounding
		want money.Amount
	}{
		{100_000, 1234, money.HalfUp, 123}, {100_000, 1235, money.HalfUp, 124}, {100_000, 1235, money.HalfEven, 124},
		{100_000, 1225, money.HalfEven, 122}, {100_000, 1239, money.Floor, 123}, {100_000, 1231, money.Ceil, 124},
		{100_000, -1235, money.HalfUp, -124}, {100_000, -1231, money.Floor, -124}, {100_000, -1239, money.Ceil, -123},
		{0, 500, money.HalfUp, 0}, {money.One, 77, money.Floor, 77},
	} {
		if got := c.rate.Of(c.a, c.mode); got != c.want {
			t.Errorf("%d ppm of %v, %v: got %v, want %v", c.rate, c.a, c.mode, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]money.Amount{"5": 500, "5.5": 550, "5.00": 500, "-0.05": -5, "0": 0} {
		if got, err := money.Parse(s); err != nil || got != want {
			t.Errorf("parse %q: got %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-", "5.", ".5", "1e3", "5.001", " 5", "5,0", "99999999999999999999", "--5", "+5"} {
		if got, err := money.Parse(s); err == nil {
			t.Errorf("parse %q: got %v, want an error", s, got)
		}
	}
}

// The shares of an allocation sum to its total, carry its sign and never differ from the exact share by a whole unit.
func TestAllocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := money.Amount(rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "total"))
		weights := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) money.Amount {
			return money.Amount(rapid.Int64Range(0, 100_000).Draw(t, "w"))
		}), 1, 30).Draw(t, "weights")
		out := make([]money.Amount, len(weights))
		money.Allocate(total, weights, out)
		var sum, wsum money.Amount
		for i := range out {
			sum += out[i]
			wsum += weights[i]
		}
		if sum != total {
			t.Fatalf("shares sum to %v, want %v", sum, total)
		}
		for i := range out {
			if wsum > 0 && (out[i]*wsum-total*weights[i]).Abs() >= wsum {
				t.Fatalf("share %d is %v, exact %d/%d", i, out[i], total*weights[i], wsum)
			}
		}
	})
}

// Rounding brackets the exact product: floor <= any <= ceil, at most one unit apart.
func TestRoundingOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(int64(money.Min), int64(money.Max)).Draw(t, "a"))
		p := money.Rate(rapid.Int64Range(0, 10*int64(money.One)).Draw(t, "p"))
		lo, hi := p.Of(a, money.Floor), p.Of(a, money.Ceil)
		for _, m := range []money.Rounding{money.HalfUp, money.HalfEven} {
			if v := p.Of(a, m); v < lo || v > hi || hi-lo > 1 {
				t.Fatalf("%d ppm of %d: floor %d, %v %d, ceil %d", p, a, lo, m, v, hi)
			}
		}
	})
}

func BenchmarkRateOf(b *testing.B) {
	var s money.Amount
	for i := range b.N {
		s += money.Rate(152_500).Of(money.Amount(i), money.HalfUp)
	}
	_ = s
}
