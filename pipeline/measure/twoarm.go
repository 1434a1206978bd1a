package measure

import "math"

// Scale says whether an effect is a difference or a fraction of the control's mean.
type Scale uint8

// Scales.
const (
	Absolute Scale = iota
	Relative
)

// Options of a comparison. Start from DefaultOptions.
type Options struct {
	Scale       Scale
	Level       float64 // of the interval
	Design      Design
	MinPerArm   int64    // members below which no figure is given
	PlanMembers int64    // total n at which the always-valid interval is tightest; fixed before the data
	Split       SRM      // the check of the arms' sizes; the zero value means it was not made
	Tail        Tail     // the alternative; empty is two-sided
	Theta       *float64 // CUPED's slope when it was fixed before the data; nil estimates it from both arms together
	Came        *Came    // members of a base that was fixed before the data who have come by now; nil when each counts from the first sight of it
	Cap         int64    // where member totals were cut before they were summed, 0 when they were not: stated in the result
}

// DefaultOptions: 95 %, at least 100 members per arm, planned for 20 000 members. At ten times or a tenth of the plan the interval is about a
// quarter wider than at its best.
func DefaultOptions(s Scale) Options {
	return Options{Scale: s, Level: 0.95, Design: Randomised, MinPerArm: 100, PlanMembers: 20_000}
}

// Welch compares two arms at a fixed horizon: Welch's t, unequal variances. The relative scale uses the delta method. Safe for one look that
// was planned before the data; a screen that people watch wants AlwaysValid. A proportion's arm comes from Share.
// Source: gbstats frequentist/tests.py; degrees of freedom by Welch and Satterthwaite.
func Welch(t, c Arm, o Options) Result {
	r, e, ok := compare(MethodWelch, t.outcome(), c.outcome(), 0, o)
	if !ok {
		return r
	}
	return fixed(r, e, o)
}

// WelchOneSided is Welch against one alternative, Greater or Less. Only the bound on that side belongs to the level, see Figure.
func WelchOneSided(t, c Arm, tail Tail, o Options) Result {
	o.Tail = tail
	return Welch(t, c, o)
}

// outcome is a metric of one arm, linearised per member: its value, the variance and the covariance with the covariate of one member's
// influence on it, and the covariate's mean and variance. A plain mean has no covariate.
type outcome struct {
	n          int64
	value, v   float64
	x, vx, cov float64
	why        Reason
}

func (a Arm) outcome() outcome { return outcome{n: a.N, value: a.Mean, v: a.Var, why: a.why()} }

// effect is a point estimate with its standard error and Welch's degrees of freedom.
type effect struct {
	value, se, df float64
	n             float64 // members of both arms
}

// compare makes the checks that all procedures share and returns the effect; ok is false when the result is already final.
func compare(m Method, t, c outcome, theta float64, o Options) (r Result, e effect, ok bool) {
	r = Result{Method: m, Design: o.Design, Level: o.Level, NTreatment: t.n, NControl: c.n}
	r = stated(r, o)
	if why := forbidden(t, c, o); why != "" {
		return r.Refuse(why), e, false
	}
	e, why := estimate(t, c, theta, o.Scale)
	if why != "" {
		return r.Refuse(why), e, false
	}
	if g := 1.96 * 1.96 * c.v / float64(c.n) / (c.value * c.value); o.Scale == Relative && g > 0.02 {
		r = r.Warn(UnstableRatio)
	}
	return r, e, true
}

// stated adds what the options know about the data.
func stated(r Result, o Options) Result {
	if o.Split.State == SplitSuspect {
		r = r.Warn(SRMSuspect)
	}
	if o.Cap > 0 {
		r.Cap = o.Cap
		r = r.Warn(Winsorised)
	}
	return r
}

// forbidden returns the first reason why the arms must not be compared.
func forbidden(t, c outcome, o Options) Reason {
	for _, why := range []Reason{o.why(), t.why, c.why} {
		if why != "" {
			return why
		}
	}
	switch {
	case t.n == 0 || c.n == 0:
		return EmptyArm
	case o.Split.State == SplitFailed:
		return SRMFailed
	case min(t.n, c.n) < max(2, o.MinPerArm):
		return TooFewMembers
	case t.v == 0 && c.v == 0:
		return ZeroVariance
	case o.Scale == Relative && c.value <= 0:
		return ZeroControl
	}
	return ""
}

// why returns NotFinite for options that mean nothing.
func (o Options) why() Reason {
	known := o.Tail == TwoSided || o.Tail == Greater || o.Tail == Less
	if !ValidLevel(o.Level) || o.Scale > Relative || !known || o.Cap < 0 || (o.Theta != nil && !Finite(*o.Theta)) {
		return NotFinite
	}
	return ""
}

// estimate returns the effect of the outcomes adjusted by theta times the covariate; theta 0 leaves them raw. The relative effect divides by
// the control's raw value, as gbstats does, so that its variance takes the derivatives -(t / c) / c to the control's value and theta / c to
// its covariate. t / c is the raw ratio, as gbstats has it for means; the adjusted 1 + effect, which it has for ratios, is the same to first
// order, because the covariate's means differ by chance only.
func estimate(t, c outcome, theta float64, s Scale) (effect, Reason) {
	nt, nc := float64(t.n), float64(c.n)
	e := effect{value: (t.value - theta*t.x) - (c.value - theta*c.x), n: nt + nc}
	vt, why := t.adjusted(1, theta)
	vc, whyC := c.adjusted(1, theta)
	if why == "" {
		why = whyC
	}
	if why != "" {
		return e, why
	}
	e.df = welchDF(vt/nt, vc/nc, nt, nc)
	if s == Relative {
		e.value /= c.value
		if vc, why = c.adjusted(t.value/c.value, theta); why != "" {
			return e, why
		}
		vt, vc = vt/c.value/c.value, vc/c.value/c.value
	}
	e.se = math.Sqrt(vt/nt + vc/nc)
	switch {
	case !Finite(e.value, e.se, e.df):
		return e, NotFinite
	case e.se == 0:
		return e, ZeroVariance
	}
	return e, ""
}

// adjusted returns the variance of a times the outcome minus theta times the covariate.
func (m outcome) adjusted(a, theta float64) (float64, Reason) {
	if theta == 0 {
		return a * a * m.v, "" // keeps 0 times an infinite product out
	}
	own, other := a*a*m.v, theta*theta*m.vx
	v := quiet(own+other-2*a*theta*m.cov, own+other)
	if v < 0 {
		return 0, Cancellation
	}
	return v, ""
}

// fixed finishes a two-arm figure with Student's t: valid for the one look that was planned.
func fixed(r Result, e effect, o Options) Result {
	r = r.Warn(FixedHorizon)
	alpha, z := 1-o.Level, e.value/e.se
	if o.Tail == TwoSided {
		half := StudentQuantile(1-alpha/2, e.df) * e.se
		return r.With(figure(e, half, 2*StudentTail(math.Abs(z), e.df), o))
	}
	// A level below one half would put the bound on the wrong side of the estimate; it stays at the estimate.
	half := math.Max(0, StudentQuantile(o.Level, e.df)*e.se)
	return r.With(figure(e, half, StudentTail(o.Tail.sign()*z, e.df), o))
}

// figure assembles the symmetric figure of an effect.
func figure(e effect, half, p float64, o Options) Figure {
	return Figure{Estimate: e.value, Low: e.value - half, High: e.value + half, StdErr: e.se, P: math.Min(1, p), DF: e.df, Tail: o.Tail}
}

// sign is the side of the alternative.
func (t Tail) sign() float64 {
	if t == Less {
		return -1
	}
	return 1
}

// welchDF returns Welch-Satterthwaite's degrees of freedom from the variances of the two means.
func welchDF(a, b, nt, nc float64) float64 {
	s := a + b
	// Dividing first keeps tiny variances from underflowing to 0/0.
	return 1 / ((a/s)*(a/s)/(nt-1) + (b/s)*(b/s)/(nc-1))
}
