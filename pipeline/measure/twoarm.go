package measure

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

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
	MinPerArm   int64 // members below which no figure is given
	PlanMembers int64 // total n at which the always-valid interval is tightest; fixed before the data
	Split       SRM   // the check of the arms' sizes; the zero value means it was not made
}

// DefaultOptions: 95 %, at least 100 members per arm, planned for 20 000 members. At ten times or a tenth of the plan the interval is about a
// quarter wider than at its best.
func DefaultOptions(s Scale) Options {
	return Options{Scale: s, Level: 0.95, Design: Randomised, MinPerArm: 100, PlanMembers: 20_000}
}

// Welch compares two arms at a fixed horizon: Welch's t, unequal variances. The relative scale uses the delta method. Safe for one look that
// was planned before the data; a screen that people watch wants AlwaysValid.
func Welch(t, c Arm, o Options) Result {
	r, e, ok := compare(MethodWelch, t, c, o)
	if !ok {
		return r
	}
	df := welchDF(t, c)
	dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	half := dist.Quantile(1-(1-o.Level)/2) * e.se
	p := 2 * dist.Survival(math.Abs(e.value/e.se))
	r.Warnings = append(r.Warnings, FixedHorizon)
	return r.With(Figure{Estimate: e.value, Low: e.value - half, High: e.value + half, StdErr: e.se, P: math.Min(1, p), DF: df})
}

// AlwaysValid compares two arms by an asymptotic confidence sequence: the interval covers at every moment at once, so that it may be watched
// live and acted on at any time. P is the matching always-valid p.
func AlwaysValid(t, c Arm, o Options) Result {
	r, e, ok := compare(MethodAlwaysValid, t, c, o)
	if !ok {
		return r
	}
	if o.PlanMembers <= 0 {
		return r.Refuse(NotFinite)
	}
	n, alpha := float64(t.N+c.N), 1-o.Level
	rho2 := (-2*math.Log(alpha) + math.Log(-2*math.Log(alpha)+1)) / float64(o.PlanMembers)
	k := n * rho2
	half := e.se * math.Sqrt(2*(k+1)/k*math.Log(math.Sqrt(k+1)/alpha))
	z := e.value / e.se
	p := math.Sqrt(k+1) * math.Exp(-k/(k+1)*z*z/2)
	if n > 10*float64(o.PlanMembers) {
		r.Warnings = append(r.Warnings, SmallPlan)
	}
	return r.With(Figure{Estimate: e.value, Low: e.value - half, High: e.value + half, StdErr: e.se, P: math.Min(1, p)})
}

// effect is a point estimate with its standard error.
type effect struct{ value, se float64 }

// compare makes the checks that both procedures share and returns the effect; ok is false when the result is already final.
func compare(m Method, t, c Arm, o Options) (r Result, e effect, ok bool) {
	r = Result{Method: m, Design: o.Design, Level: o.Level, NTreatment: t.N, NControl: c.N}
	if why := forbidden(t, c, o); why != "" {
		return r.Refuse(why), e, false
	}
	if o.Split.State == SplitSuspect {
		r.Warnings = append(r.Warnings, SRMSuspect)
	}
	vt, vc := t.Var/float64(t.N), c.Var/float64(c.N)
	e = effect{t.Mean - c.Mean, math.Sqrt(vt + vc)}
	if o.Scale == Relative {
		e = relative(t, c, vt, vc)
		if g := 1.96 * 1.96 * vc / (c.Mean * c.Mean); g > 0.02 {
			r.Warnings = append(r.Warnings, UnstableRatio)
		}
	}
	if !Finite(e.value, e.se) || e.se <= 0 {
		return r.Refuse(NotFinite), e, false
	}
	return r, e, true
}

// forbidden returns the first reason why the arms must not be compared.
func forbidden(t, c Arm, o Options) Reason {
	switch {
	case !t.valid() || !c.valid() || !ValidLevel(o.Level):
		return NotFinite
	case t.N == 0 || c.N == 0:
		return EmptyArm
	case o.Split.State == SplitFailed:
		return SRMFailed
	case min(t.N, c.N) < max(2, o.MinPerArm):
		return TooFewMembers
	case t.Var == 0 && c.Var == 0:
		return ZeroVariance
	case o.Scale == Relative && c.Mean <= 0:
		return ZeroControl
	}
	return ""
}

// relative returns (t - c) / c with the delta method's standard error.
func relative(t, c Arm, vt, vc float64) effect {
	m := c.Mean
	return effect{(t.Mean - m) / m, math.Sqrt(vt/(m*m) + vc/(m*m)*(t.Mean/m)*(t.Mean/m))}
}

// welchDF returns Welch-Satterthwaite's degrees of freedom.
func welchDF(t, c Arm) float64 {
	nt, nc := float64(t.N), float64(c.N)
	a, b := t.Var/nt, c.Var/nc
	s := a + b
	// Dividing first keeps tiny variances from underflowing to 0/0.
	return 1 / ((a/s)*(a/s)/(nt-1) + (b/s)*(b/s)/(nc-1))
}
