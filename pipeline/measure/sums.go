package measure

import "math"

// Member is what one member did: the unit of assignment, of variance and of every sum. Amounts are integer minor units (cents).
type Member struct {
	Y int64 `json:"y"` // outcome: spend in the window, or the numerator of a ratio
	D int64 `json:"d"` // denominator of a ratio: receipts in the window
	X int64 `json:"x"` // covariate: spend before the window, frozen at assignment
}

// Sums are the exact sufficient statistics of one arm: how many members, and the sums, squares and products of outcome, denominator and
// covariate over them. They form a group: Merge and Subtract are exact, so that order, partition and correction change no bit.
//
// A difference of two Sums is a delta and may have a negative N. Overflow is sticky and turns every figure into the reason of that name;
// honest members cannot reach it, because 2^63 products of two int64 fit.
type Sums struct {
	N        int64  `json:"n"`
	Y        Int192 `json:"y"`
	D        Int192 `json:"d"`
	X        Int192 `json:"x"`
	YY       Int192 `json:"yy"`
	DD       Int192 `json:"dd"`
	XX       Int192 `json:"xx"`
	YD       Int192 `json:"yd"`
	XY       Int192 `json:"xy"`
	XD       Int192 `json:"xd"`
	Overflow bool   `json:"overflow,omitempty"`
}

// Of returns the sums of one member.
func Of(m Member) Sums {
	return Sums{
		N: 1, Y: ToInt192(m.Y), D: ToInt192(m.D), X: ToInt192(m.X),
		YY: Product(m.Y, m.Y), DD: Product(m.D, m.D), XX: Product(m.X, m.X),
		YD: Product(m.Y, m.D), XY: Product(m.X, m.Y), XD: Product(m.X, m.D),
	}
}

// Add counts one member.
func (s *Sums) Add(m Member) { *s = s.Merge(Of(m)) }

// Remove takes one member out again, one who was counted with exactly these values.
func (s *Sums) Remove(m Member) { *s = s.Subtract(Of(m)) }

// Replace corrects one member: a return, a late receipt, a merged card. It is what the per-receipt delta adds up to.
func (s *Sums) Replace(before, after Member) { *s = s.Subtract(Of(before)).Merge(Of(after)) }

// Merge returns the sums of both groups together; the groups must be disjoint.
func (s Sums) Merge(o Sums) Sums {
	n := s.N + o.N
	ok := (s.N < 0) != (o.N < 0) || (n < 0) == (s.N < 0)
	return s.combine(o, n, ok, Int192.Add)
}

// Subtract returns the sums without those of o; it undoes Merge bit by bit.
func (s Sums) Subtract(o Sums) Sums {
	n := s.N - o.N
	ok := (s.N < 0) == (o.N < 0) || (n < 0) == (s.N < 0)
	return s.combine(o, n, ok, Int192.Sub)
}

func (s Sums) combine(o Sums, n int64, fits bool, op func(a, b Int192) (Int192, bool)) Sums {
	r := Sums{N: n, Overflow: s.Overflow || o.Overflow || !fits}
	each := func(a, b Int192) Int192 {
		v, ok := op(a, b)
		r.Overflow = r.Overflow || !ok
		return v
	}
	r.Y, r.D, r.X = each(s.Y, o.Y), each(s.D, o.D), each(s.X, o.X)
	r.YY, r.DD, r.XX = each(s.YY, o.YY), each(s.DD, o.DD), each(s.XX, o.XX)
	r.YD, r.XY, r.XD = each(s.YD, o.YD), each(s.XY, o.XY), each(s.XD, o.XD)
	return r
}

// Receipt returns the member after one more receipt of the amount, and what it adds to the arm's sums: with Y and D before it, Syy grows by
// 2Ya + a^2 (the square of the receipt alone would be wrong, because the unit is the member), Sdd by 2D + 1, Syd by Y + Da + a, Sxy by Xa
// and Sxd by X. A return is a negative amount with count 0, a voided receipt one with count -1. The member must have been counted before
// (Add, with its X, when it became eligible): N does not change. ok is false when the member's own totals would leave int64; then nothing
// may be stored.
func (m Member) Receipt(amount, count int64) (after Member, delta Sums, ok bool) {
	after = Member{Y: m.Y + amount, D: m.D + count, X: m.X}
	if overflows(m.Y, amount) || overflows(m.D, count) {
		return m, Sums{}, false
	}
	return after, Of(after).Subtract(Of(m)), true
}

func overflows(a, b int64) bool { return b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b }

// Arm returns mean and sample variance of the outcome. The variance is formed without cancellation: n Syy - Sy^2 in 384-bit integers, then
// one rounding.
func (s Sums) Arm() Arm {
	if why := s.broken(); why != "" || s.N == 0 {
		return Arm{N: s.N, Broken: why}
	}
	a := Arm{N: s.N, Mean: s.Y.Float() / float64(s.N), Var: s.centred(s.YY, s.Y, s.Y)}
	if a.Var < 0 {
		a.Broken = Cancellation // exact, so no rounding: these are the sums of no data
	}
	return a
}

// Joint returns means, variances and covariances of outcome, denominator and covariate, each rounded once.
func (s Sums) Joint() Joint {
	if why := s.broken(); why != "" || s.N == 0 {
		return Joint{N: s.N, Broken: why}
	}
	n := float64(s.N)
	return Joint{
		N: s.N, Y: s.Y.Float() / n, D: s.D.Float() / n, X: s.X.Float() / n,
		YY: s.centred(s.YY, s.Y, s.Y), DD: s.centred(s.DD, s.D, s.D), XX: s.centred(s.XX, s.X, s.X),
		YD: s.centred(s.YD, s.Y, s.D), XY: s.centred(s.XY, s.X, s.Y), XD: s.centred(s.XD, s.X, s.D),
	}.checked()
}

func (s Sums) broken() Reason {
	switch {
	case s.Overflow:
		return Overflow
	case s.N < 0:
		return NotFinite
	}
	return ""
}

// centred returns the sample covariance (n Sab - Sa Sb) / (n (n - 1)).
func (s Sums) centred(ab, a, b Int192) float64 {
	if s.N < 2 {
		return 0
	}
	n := float64(s.N)
	return times(ToInt192(s.N), ab).minus(times(a, b)).float() / n / (n - 1)
}
