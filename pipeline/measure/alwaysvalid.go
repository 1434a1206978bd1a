package measure

import "math"

// AlwaysValid compares two arms by an asymptotic confidence sequence: the interval covers at every moment at once, so that it may be watched
// live and acted on at any time. P is the matching always-valid p. With a Tail, the one-sided sequence.
// Source: Waudby-Smith et al., arXiv 2103.06476, eq. 9 and 155, as in gbstats SequentialTwoSidedTTest.
func AlwaysValid(t, c Arm, o Options) Result {
	r, e, ok := compare(MethodAlwaysValid, t.outcome(), c.outcome(), 0, o)
	if !ok {
		return r
	}
	return sequence(r, e, o)
}

// AlwaysValidMean follows one arm's mean (or share, from Share) with an interval that holds at every look; P is 1, because a level tests
// nothing. Options.Scale and Split do not matter.
func AlwaysValidMean(a Arm, o Options) Result {
	r := stated(Result{Method: MethodAlwaysMean, Design: Descriptive, Level: o.Level, NTreatment: a.N}, o)
	why := o.why()
	switch {
	case why != "":
	case a.why() != "":
		why = a.why()
	case a.N == 0:
		why = EmptyArm
	case a.N < max(2, o.MinPerArm):
		why = TooFewMembers
	case a.Var == 0:
		why = ZeroVariance
	}
	if why != "" {
		return r.Refuse(why)
	}
	n := float64(a.N)
	r = sequence(r, effect{value: a.Mean, se: math.Sqrt(a.Var / n), n: n}, o)
	if r.Figure != nil {
		r.Figure.P = 1
	}
	return r
}

// TuneRho returns the tuning parameter rho of a confidence sequence that is tightest near a planned total number of members, at error alpha
// (0.05; twice that for a one-sided sequence). Source: arXiv 2103.06476 eq. 161, a closed form that is within a percent of the optimum's
// width. Choosing it after having seen the data breaks the guarantee.
func TuneRho(alpha float64, planned int64) float64 {
	return math.Sqrt(rhoSquared(alpha, float64(planned)))
}

func rhoSquared(alpha, planned float64) float64 {
	l := -2 * math.Log(alpha)
	return (l + math.Log1p(l)) / planned
}

// Came counts the members of each arm who have shown themselves by now, with a receipt in the window, while the arms' own n is that of a base
// fixed before the campaign. A sequence's boundary is made for data that arrive: wide while few are there, narrowest at the plan. A base that is
// whole in the first hour would meet the narrow end with a handful of large baskets: in 2 000 simulated campaigns without any effect such a figure
// was at some look called significant in a quarter (simulate, row "base"). With Came the boundary, and the least n for a figure, go by who came, and
// means and variances stay those of the whole base, as assigned.
type Came struct{ Treatment, Control int64 }

// sequence finishes a figure with the confidence sequence.
func sequence(r Result, e effect, o Options) Result {
	if o.PlanMembers <= 0 {
		return r.Refuse(NotFinite)
	}
	if o.Came != nil {
		if min(o.Came.Treatment, o.Came.Control) < max(2, o.MinPerArm) {
			return r.Refuse(TooFewMembers)
		}
		e.n = math.Min(e.n, float64(o.Came.Treatment+o.Came.Control))
	}
	if e.n > 10*float64(o.PlanMembers) {
		r = r.Warn(SmallPlan)
	}
	e.df = 0 // there is no t
	alpha, z := 1-o.Level, e.value/e.se
	if o.Tail == TwoSided {
		k := e.n * rhoSquared(alpha, float64(o.PlanMembers))
		half := e.se * math.Sqrt(2*(k+1)/k*math.Log(math.Sqrt(k+1)/alpha))
		return r.With(figure(e, half, math.Sqrt(k+1)*math.Exp(-k/(k+1)*z*z/2), o))
	}
	half, p := oneSidedSequence(z*o.Tail.sign(), e.n, alpha, float64(o.PlanMembers))
	return r.With(figure(e, e.se*half, p, o))
}

// oneSidedSequence returns the half width in standard errors and the p of the one-sided normal mixture in its closed form, sqrt(2 (k+1)/k
// ln(1 + sqrt(k+1)/(2 alpha))) (Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021; the one-sided sequence of gbstats). The p
// inverts the same bound, so that it is below alpha exactly when the bound excludes zero. That the closed form is no narrower than the exact
// mixture, whose E is 2 Phi(x) exp(x^2/2) / sqrt(k+1) at x = z sqrt(k/(k+1)), follows from 1 - Phi(x) <= exp(-x^2/2)/2. rho is tuned for 2 alpha.
func oneSidedSequence(z, n, alpha, planned float64) (half, p float64) {
	// 2 alpha above 1 tunes for a test that nobody makes; the formula wants it below.
	k := n * rhoSquared(math.Min(2*alpha, 1), planned)
	if k == 0 {
		k = n / planned
	}
	half = math.Sqrt(2 * (k + 1) / k * math.Log1p(math.Sqrt(k+1)/(2*alpha)))
	if z <= 0 {
		return half, 1
	}
	return half, math.Min(1, math.Sqrt(k+1)/(2*math.Expm1(k/(k+1)*z*z/2)))
}
