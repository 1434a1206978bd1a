package measure

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

var anyInt = rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{0, 1, -1, 1 << 62, -1 << 62, math.MaxInt64, math.MinInt64}), rapid.Int64Range(-100_000, 100_000))

func drawMembers(t *rapid.T, values *rapid.Generator[int64]) []Member {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Member {
		return Member{Y: values.Draw(t, "y"), D: values.Draw(t, "d"), X: values.Draw(t, "x")}
	}), 0, 40).Draw(t, "members")
}

func sumOf(members []Member) Sums {
	var s Sums
	for _, m := range members {
		s.Add(m)
	}
	return s
}

// TestSumsAreAGroup: goal, that neither the order nor the partition of members nor their correction changes a bit. Method: shuffled, split
// at two random places, merged in another order, and with strangers added and subtracted again; values up to the ends of int64.
func TestSumsAreAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, anyInt)
		whole := sumOf(members)
		shuffled := rapid.Permutation(members).Draw(t, "shuffled")
		i := rapid.IntRange(0, len(members)).Draw(t, "i")
		j := rapid.IntRange(i, len(members)).Draw(t, "j")
		a, b, c := sumOf(shuffled[:i]), sumOf(shuffled[i:j]), sumOf(shuffled[j:])
		if got := c.Merge(a).Merge(b); got != whole {
			t.Fatalf("%+v, want %+v", got, whole)
		}
		if got := whole.Subtract(b); got != a.Merge(c) {
			t.Fatalf("subtracted %+v", got)
		}
		strangers := sumOf(drawMembers(t, anyInt))
		if got := whole.Subtract(strangers).Merge(strangers); got != whole || got.Overflow {
			t.Fatalf("there and back %+v", got)
		}
		if len(members) > 0 {
			changed := whole
			changed.Replace(members[0], Member{Y: 7, D: 1, X: 3})
			changed.Remove(Member{Y: 7, D: 1, X: 3})
			changed.Add(members[0])
			if changed != whole {
				t.Fatalf("corrected there and back %+v", changed)
			}
		}
		if (whole.Arm() != c.Merge(b).Merge(a).Arm()) || (whole.Joint() != c.Merge(b).Merge(a).Joint()) {
			t.Fatal("equal sums have different moments")
		}
	})
}

// TestSumsMatchBigIntegers: means, variances and covariances against rational arithmetic, to the last bit but one, also where n Syy - Sy^2
// loses all leading digits (amounts of 2^62 that differ by a cent).
func TestSumsMatchBigIntegers(t *testing.T) {
	near := rapid.Map(rapid.Int64Range(0, 3), func(v int64) int64 { return 1<<62 + v })
	rapid.Check(t, func(t *rapid.T) {
		values := anyInt
		if rapid.Bool().Draw(t, "cancels") {
			values = near
		}
		members := drawMembers(t, values)
		if len(members) < 2 {
			return
		}
		j := sumOf(members).Joint()
		y := func(m Member) int64 { return m.Y }
		d := func(m Member) int64 { return m.D }
		x := func(m Member) int64 { return m.X }
		for _, k := range []struct {
			got  float64
			a, b func(Member) int64
		}{{j.YY, y, y}, {j.DD, d, d}, {j.XX, x, x}, {j.YD, y, d}, {j.XY, x, y}, {j.XD, x, d}} {
			want := exactCovariance(members, k.a, k.b)
			if math.Abs(k.got-want) > 4e-16*math.Abs(want) {
				t.Fatalf("%v, want %v", k.got, want)
			}
		}
		if a := sumOf(members).Arm(); a != j.Arm() {
			t.Fatalf("arm %+v, joint %+v", a, j)
		}
	})
}

func exactCovariance(members []Member, a, b func(Member) int64) float64 {
	n := int64(len(members))
	sa, sb, sab := new(big.Int), new(big.Int), new(big.Int)
	for _, m := range members {
		u, v := big.NewInt(a(m)), big.NewInt(b(m))
		sa.Add(sa, u)
		sb.Add(sb, v)
		sab.Add(sab, u.Mul(u, v))
	}
	top := sab.Mul(sab, big.NewInt(n))
	top.Sub(top, sa.Mul(sa, sb))
	v, _ := new(big.Rat).SetFrac(top, new(big.Int).Mul(big.NewInt(n), big.NewInt(n-1))).Float64()
	return v
}

// TestReceiptDeltas: the deltas of a member's receipts add up to the square of the total, not to the squares of the receipts.
func TestReceiptDeltas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Member{X: rapid.Int64Range(-1e9, 1e9).Draw(t, "x")}
		s := Of(m)
		for _, a := range rapid.SliceOfN(rapid.Int64Range(-1e8, 1e8), 0, 20).Draw(t, "amounts") {
			after, delta, ok := m.Receipt(a, 1)
			want := Sums{
				Y: ToInt192(a), D: ToInt192(1), YY: ToInt192(2*m.Y*a + a*a), DD: ToInt192(2*m.D + 1),
				YD: ToInt192((m.Y+a)*(m.D+1) - m.Y*m.D), XY: ToInt192(m.X * a), XD: ToInt192(m.X),
			}
			if !ok || delta != want {
				t.Fatalf("delta %+v, want %+v", delta, want)
			}
			s, m = s.Merge(delta), after
		}
		if s != Of(m) {
			t.Fatalf("%+v is not the sum of the member's totals %+v", s, Of(m))
		}
	})
	if _, _, ok := (Member{Y: math.MaxInt64}).Receipt(1, 0); ok {
		t.Error("a total beyond int64 is not refused")
	}
	if _, _, ok := (Member{D: math.MinInt64}).Receipt(0, -1); ok {
		t.Error("a count beyond int64 is not refused")
	}
}

// TestInt192: arithmetic, float and text against math/big, at and beyond the ends.
func TestInt192(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 191)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (Int192, *big.Int) {
			v := Product(anyInt.Draw(t, name), anyInt.Draw(t, name))
			shift := uint(rapid.IntRange(0, 64).Draw(t, "shift"))
			b := new(big.Int).Lsh(v.Big(), shift)
			w, ok := FromBig(b)
			if !ok {
				return v, v.Big()
			}
			return w, b
		}
		a, ba := draw("a")
		b, bb := draw("b")
		for _, op := range []struct {
			got  func(Int192) (Int192, bool)
			want func(x, y *big.Int) *big.Int
		}{{a.Add, new(big.Int).Add}, {a.Sub, new(big.Int).Sub}} {
			got, ok := op.got(b)
			want := op.want(ba, bb)
			if fits := want.Cmp(limit) < 0 && want.Cmp(new(big.Int).Neg(limit)) >= 0; ok != fits || ok && got.Big().Cmp(want) != 0 {
				t.Fatalf("%v and %v: %v %v, want %v", a, b, got, ok, want)
			}
		}
		f, _ := new(big.Float).SetInt(ba).Float64()
		if math.Abs(a.Float()-f) > 2.3e-16*math.Abs(f) {
			t.Fatalf("float %v, want %v", a.Float(), f)
		}
		w := times(a, b)
		p, _ := new(big.Float).SetInt(new(big.Int).Mul(ba, bb)).Float64()
		if math.Abs(w.float()-p) > 2.3e-16*math.Abs(p) {
			t.Fatalf("%v times %v is %v, want %v", a, b, w.float(), p)
		}
		raw, err := json.Marshal(a)
		var back Int192
		if err != nil || json.Unmarshal(raw, &back) != nil || back != a || string(raw) != `"`+ba.String()+`"` {
			t.Fatalf("%s is not %v", raw, ba)
		}
	})
	for _, s := range []string{"", "1.5", "0x10", "1e3", `"`, limit.String(), "99999999999999999999999999999999999999999999999999999999999999999"} {
		if v, err := ParseInt192(s); err == nil {
			t.Errorf("%q is read as %v", s, v)
		}
	}
}

// TestSumsRefuse: gates of the exact sums, each a typed reason.
func TestSumsRefuse(t *testing.T) {
	good := sumOf([]Member{{1, 1, 1}, {2, 1, 5}, {4, 2, 3}})
	contradiction := good
	contradiction.YY = ToInt192(3) // below Sy^2/n = 49/3
	impossible := good
	impossible.XY = ToInt192(1000)
	big := Sums{N: math.MaxInt64}
	cases := map[string]struct {
		s    Sums
		want Reason
	}{
		"good": {good, ""}, "overflow of n": {big.Merge(big), Overflow}, "twice": {big.Merge(big).Merge(big).Merge(big), Overflow},
		"delta": {Sums{}.Subtract(good), NotFinite}, "negative variance": {contradiction, Cancellation}, "impossible covariance": {impossible, Cancellation},
		"empty": {Sums{}, ""},
	}
	for name, k := range cases {
		if got := k.s.Joint().Broken; got != k.want {
			t.Errorf("%s: %q, want %q", name, got, k.want)
		}
	}
	if got := Welch(contradiction.Arm(), good.Arm(), Options{Level: .95}).Reason; got != Cancellation {
		t.Errorf("%q reaches the figure", got)
	}
	hi := Sums{N: 1, YY: Int192{hi: 1 << 62}}
	if s := hi.Merge(hi); !s.Overflow {
		t.Error("sums beyond 191 bits are not marked")
	}
}

// TestFloatSumsAgree: the floating-point sums tell the same as the exact ones, within what their digits allow.
func TestFloatSumsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, rapid.Int64Range(-50_000, 50_000))
		f := FloatSums{N: int64(len(members))}
		for _, m := range members {
			y, d, x := float64(m.Y), float64(m.D), float64(m.X)
			f.Y, f.D, f.X = f.Y+y, f.D+d, f.X+x
			f.YY, f.DD, f.XX, f.YD, f.XY, f.XD = f.YY+y*y, f.DD+d*d, f.XX+x*x, f.YD+y*d, f.XY+x*y, f.XD+x*d
		}
		a, b := sumOf(members).Joint(), f.Joint()
		for _, pair := range [][2]float64{{a.Y, b.Y}, {a.YY, b.YY}, {a.DD, b.DD}, {a.XX, b.XX}, {a.YD, b.YD}, {a.XY, b.XY}, {a.XD, b.XD}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*(1+a.YY+a.DD+a.XX) {
				t.Fatalf("%+v and %+v", a, b)
			}
		}
		cut := rapid.IntRange(0, len(members)).Draw(t, "cut")
		p := sumOf(members[:cut]).Joint().Plus(sumOf(members[cut:]).Joint())
		if p.N != a.N || p.Broken != "" || math.Abs(p.XY-a.XY) > 1e-9*(1+a.YY+a.XX) || math.Abs(p.DD-a.DD) > 1e-9*(1+a.DD) {
			t.Fatalf("pooled %+v, whole %+v", p, a)
		}
	})
}

// TestWinsor: totals are cut at the cap and told so; the cap is the stated quantile.
func TestWinsor(t *testing.T) {
	w, err := CapFrom([]int64{5, 1, 9, 3, 7, 100, 2, 8, 4, 6}, 0.9)
	if err != nil || w.Cap != 9 {
		t.Fatalf("cap %d (%v), want 9", w.Cap, err)
	}
	for _, k := range []struct {
		y, want int64
		was     bool
	}{{3, 3, false}, {10, 9, true}, {-10, -9, true}, {math.MinInt64, -9, true}} {
		if m, was := w.Member(Member{Y: k.y, X: 50}); m.Y != k.want || was != k.was || m.X != 9 {
			t.Errorf("%d is cut to %+v, %v", k.y, m, was)
		}
	}
	for _, share := range []float64{0, -1, 1.01, math.NaN()} {
		if _, err := CapFrom([]int64{1}, share); err == nil {
			t.Errorf("share %v is not refused", share)
		}
	}
	if _, err := CapFrom(nil, 0.5); err == nil {
		t.Error("no totals are not refused")
	}
	o := DefaultOptions(Absolute)
	o.Cap = w.Cap
	t1, c1 := arms(500, 500)
	if r := Welch(t1, c1, o); r.Cap != 9 || r.Warnings[0] != Winsorised {
		t.Errorf("the cap is not stated: %+v", r)
	}
}
