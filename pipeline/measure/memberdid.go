package measure

import "math"

// MemberEffect is what can be said without random arms: three estimates that rest on different beliefs. Its Result is the
// difference-in-differences. Show all of them, or none.
type MemberEffect struct {
	Result
	Naive        *Figure `json:"naive,omitempty"`         // Welch on the outcome alone: the arms were alike
	ANCOVA       *Figure `json:"ancova,omitempty"`        // the arms differ only by what the covariate foretells
	ANCOVAReason Reason  `json:"ancova_reason,omitempty"` // why there is no ANCOVA
	Slope        float64 `json:"slope"`                   // of the outcome on the covariate within the arms, 0 without ANCOVA
}

// MemberDiD compares each member's change from X (before) to Y (during), both in the same unit over spans of the same length: difference-in-
// differences with Welch's t on the changes. For a positive effect it errs high if past outcomes explain who was picked, where ANCOVA would be right, and
// ANCOVA errs low if trends were parallel (Ding and Li 2019, arXiv 1903.06286; the order turns round with the sign of the gap before). Options.Scale
// does not matter: differences are absolute.
func MemberDiD(t, c Joint, o Options) MemberEffect {
	o.Scale = Absolute
	e := MemberEffect{Result: Welch(t.change(), c.change(), o)}
	e.Method = MethodMemberDiD
	e.Naive = Welch(t.Arm(), c.Arm(), o).Figure
	if e.Reason != "" && e.Naive == nil {
		e.ANCOVAReason = e.Reason
		return e
	}
	e.ANCOVA, e.Slope, e.ANCOVAReason = ancova(t, c, o)
	return e
}

// change returns the arm of Y - X.
func (j Joint) change() Arm {
	a := Arm{N: j.N, Mean: j.Y - j.X, Var: quiet(j.YY+j.XX-2*j.XY, j.YY+j.XX), Broken: j.why()}
	if a.Broken == "" && a.Var < 0 {
		a.Broken = Cancellation
	}
	return a
}

// ancova is the coefficient of the arm in the least-squares fit of Y on arm and X, with the classical standard error and t(n - 3).
func ancova(t, c Joint, o Options) (*Figure, float64, Reason) {
	nt, nc := float64(t.N), float64(c.N)
	within := func(a, b float64) float64 { return (nt-1)*a + (nc-1)*b }
	wxx, wxy, wyy := within(t.XX, c.XX), within(t.XY, c.XY), within(t.YY, c.YY)
	dx, df := t.X-c.X, nt+nc-3
	switch {
	case quiet(wxx/(nt+nc), math.Max(t.X*t.X, c.X*c.X)) <= 0:
		return nil, 0, ConstantX
	case df < 1:
		return nil, 0, TooFewMembers
	}
	b := wxy / wxx
	rss := quiet(wyy-b*wxy, wyy)
	switch {
	case rss < 0:
		return nil, 0, Cancellation
	case rss == 0:
		return nil, 0, ZeroVariance
	}
	e := effect{value: t.Y - c.Y - b*dx, se: math.Sqrt(rss / df * (1/nt + 1/nc + dx/wxx*dx)), df: df}
	if !Finite(e.value, e.se, b) || e.se == 0 {
		return nil, 0, NotFinite
	}
	r := fixed(Result{}, e, o)
	if r.Figure == nil {
		return nil, 0, r.Reason
	}
	return r.Figure, b, ""
}
