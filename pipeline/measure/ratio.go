package measure

import "math"

// RatioWelch compares two sums over sums (basket value: spend over receipts) at a fixed horizon. The unit is the member, so that receipts of one
// member may depend on each other: taking receipts as independent rejects most comparisons of equals.
// Source: delta method, Deng, Knoblich and Lu (KDD 2018); gbstats RatioStatistic.
func RatioWelch(t, c Joint, o Options) Result {
	r, e, ok := compareRatios(MethodRatio, t, c, o)
	if !ok {
		return r
	}
	return fixed(r, e, o)
}

// AlwaysValidRatio is RatioWelch with the interval of AlwaysValid.
func AlwaysValidRatio(t, c Joint, o Options) Result {
	r, e, ok := compareRatios(MethodAlwaysRatio, t, c, o)
	if !ok {
		return r
	}
	return sequence(r, e, o)
}

func compareRatios(m Method, t, c Joint, o Options) (Result, effect, bool) {
	r, e, ok := compare(m, t.ratio(), c.ratio(), 0, o)
	if ok && (t.shakyDenominator() || c.shakyDenominator()) {
		r = r.Warn(UnstableRatio)
	}
	return r, e, ok
}

// RatioArm returns the ratio and the variance of one member's influence on it, (Y - R D) / mean D, as an arm: its standard error is that of
// a mean. It is for a single rate or for AlwaysValidMean; comparisons take the Joints.
func (j Joint) RatioArm() Arm {
	m := j.ratio()
	return Arm{N: m.n, Mean: m.value, Var: m.v, Broken: m.why}
}

// ratio linearises sum over sum.
func (j Joint) ratio() outcome {
	m := outcome{n: j.N, x: j.X, vx: j.XX, why: j.why()}
	if m.why != "" || j.N == 0 {
		return m
	}
	if j.D <= 0 {
		m.why = ZeroDivisor
		return m
	}
	r := j.Y / j.D
	m.value, m.cov = r, (j.XY-r*j.XD)/j.D
	grown := j.YY + r*r*j.DD
	m.v = quiet(grown-2*r*j.YD, grown) / j.D / j.D
	switch {
	case !Finite(m.value, m.v, m.cov):
		m.why = NotFinite
	case m.v < 0:
		m.why = Cancellation
	}
	return m
}

// mean takes the outcome as it is.
func (j Joint) mean() outcome {
	return outcome{n: j.N, value: j.Y, v: j.YY, x: j.X, vx: j.XX, cov: j.XY, why: j.why()}
}

func (j Joint) why() Reason {
	switch {
	case j.Broken != "":
		return j.Broken
	case j.N < 0 || !j.finite():
		return NotFinite
	}
	return j.checked().Broken
}

// shakyDenominator reports whether the mean denominator is known too poorly for the delta method, by the same bound as the relative scale.
func (j Joint) shakyDenominator() bool {
	return 1.96*1.96*j.DD/float64(j.N) > 0.02*j.D*j.D
}

// Fieller returns the relative effect with Fieller's interval, which inverts the test of the ratio instead of linearising it: lopsided, and
// right where the control mean is poorly known (prefer it to Welch's when that warns of UnstableRatio). When the control mean cannot be told
// from zero (g >= 1) the interval has no end and there is none. It takes the normal quantile, so that arms must not be small; P tests
// the absence of an effect and agrees with the interval. Options.Scale does not matter.
// Source: Fieller (1954); Statsig's form, with n for its n - 1.
func Fieller(t, c Arm, o Options) Result {
	o.Scale = Relative
	r, e, ok := compare(MethodFieller, t.outcome(), c.outcome(), 0, o)
	if !ok {
		return r
	}
	r = r.Warn(FixedHorizon)
	z := criticalZ(o)
	m, ratio := c.Mean, t.Mean/c.Mean
	vt, vc := t.Var/float64(t.N)/m/m, c.Var/float64(c.N)/m/m
	g := z * z * vc
	if g >= 1 {
		return r.Refuse(Unbounded)
	}
	half := z * math.Sqrt((1-g)*vt+ratio*ratio*vc)
	low, high := (ratio-half)/(1-g)-1, (ratio+half)/(1-g)-1
	p := normalP((ratio-1)/math.Sqrt(vt+vc), o.Tail)
	return r.With(Figure{Estimate: e.value, Low: math.Min(low, e.value), High: math.Max(high, e.value), StdErr: e.se, P: p, Tail: o.Tail})
}

// criticalZ is the normal quantile of the options' level and tail, at least 0.
func criticalZ(o Options) float64 {
	if o.Tail == TwoSided {
		return normalQuantile(o.Level)
	}
	return math.Max(0, normalQuantile(2*o.Level-1))
}

// normalP is the p of a standard normal z under the tail.
func normalP(z float64, tail Tail) float64 {
	if tail == TwoSided {
		return math.Min(1, math.Erfc(math.Abs(z)/math.Sqrt2))
	}
	return math.Erfc(tail.sign()*z/math.Sqrt2) / 2
}
