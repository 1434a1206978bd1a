package series

import (
	"math"
	"math/rand/v2"

	"cagnotte/pipeline/measure"
)

// infer sets the conformal p of no effect at all, the interval of the mean effect and, when asked for, each period's interval.
func (out *Synthetic) infer(s problem, f fitted, o SyntheticOptions) {
	width := 2 * rms(f.gaps[s.pre:])
	if width == 0 {
		width = 2 * rms(f.gaps[:s.pre])
	}
	if width == 0 {
		out.Result, out.PConformal = out.Refuse(measure.ZeroVariance), 1
		return
	}
	joint := newTester(s, o, len(s.target)-s.pre, f.solver.w)
	p, why := joint.p(0)
	if why != "" {
		out.Result = out.Refuse(why)
		return
	}
	out.PConformal = p
	if smallest(o, len(s.target)) > 0.05 {
		out.Result = out.Warn(CoarseTest)
	}
	joint.total = true
	if in := joint.interval(out.ATT, width, o.Level); in.Reason != "" {
		out.Result = out.Refuse(in.Reason)
	} else {
		out.Result = out.With(measure.Figure{Estimate: out.ATT, Low: in.Low, High: in.High, P: in.P})
	}
	if !o.Pointwise {
		return
	}
	for t := s.pre; t < len(s.target); t++ {
		in := newTester(s.upTo(t), o, 1, f.solver.w).interval(f.gaps[t], width, o.Level)
		out.Points[t].Conformal = &in
	}
}

// upTo is the problem with the periods before the campaign and period t alone after them.
func (s problem) upTo(t int) problem {
	cut := func(y []float64) []float64 { return append(append(make([]float64, 0, s.pre+1), y[:s.pre]...), y[t]) }
	out := s
	out.target, out.donors, out.cached = cut(s.target), make([][]float64, len(s.donors)), nil
	for i, d := range s.donors {
		out.donors[i] = cut(d)
	}
	return out
}

// tester tests effects theta that are constant over the last post periods: it takes theta off the treated series, fits all periods under that
// hypothesis and asks how often permuted residuals look as large at the end (Chernozhukov, Wuthrich, Zhu 2021, "An exact and robust conformal
// inference method for counterfactual and synthetic controls", JASA 116, section 2).
type tester struct {
	problem
	post   int
	o      SyntheticOptions
	target []float64 // as observed
	warm   []float64
	why    measure.Reason // why no test can be made
	total  bool           // the statistic is |sum u| rather than the norm: it tests the mean effect, not every period's
}

func newTester(s problem, o SyntheticOptions, post int, warm []float64) *tester {
	t := &tester{problem: s, post: post, o: o, target: s.target, warm: warm}
	t.problem.pre = len(s.target)
	if s.ridge {
		r, ok := newRidger(t.problem.centred())
		if !ok {
			t.why = NotConverged
		}
		t.problem.cached = r
	}
	return t
}

// p is the p-value of the hypothesis theta.
func (t *tester) p(theta float64) (float64, measure.Reason) {
	if t.why != "" {
		return 0, t.why
	}
	n := len(t.target)
	y := append([]float64(nil), t.target...)
	for i := n - t.post; i < n; i++ {
		y[i] -= theta
	}
	t.problem.target = y
	f, why := t.problem.fit(t.warm)
	if why != "" {
		return 0, why
	}
	t.warm = f.solver.w
	if t.post == 1 || t.o.Conformal.Draws == 0 {
		return cyclic(t.terms(f.gaps), t.post), ""
	}
	return permuted(t.terms(f.gaps), t.post, t.o.Conformal), ""
}

// terms turns residuals into what the statistic adds up: |u|^q, of the norm (sum |u|^q)^(1/q), or u itself. They are scaled to at most 1.
func (t *tester) terms(u []float64) []float64 {
	scale := 0.0
	for _, x := range u {
		scale = math.Max(scale, math.Abs(x))
	}
	out := make([]float64, len(u))
	if scale == 0 {
		return out
	}
	for i, x := range u {
		if t.total {
			out[i] = x / scale
		} else {
			out[i] = math.Pow(math.Abs(x)/scale, math.Max(1, t.o.Conformal.Norm))
		}
	}
	return out
}

// smallest is the least p that the permutations can give.
func smallest(o SyntheticOptions, periods int) float64 {
	if o.Conformal.Draws > 0 {
		return 1 / float64(o.Conformal.Draws+1)
	}
	return 1 / float64(periods)
}

// ties counts statistics that differ by rounding as equal, in favour of no effect.
const ties = 1e-12

// cyclic is the share of all cyclic shifts whose last post residuals are as large as the observed ones; the observed order is one of them. With
// one period it is the exact p of all permutations.
func cyclic(terms []float64, post int) float64 {
	n := len(terms)
	observed, count := 0.0, 0
	for shift := range n {
		s := 0.0
		for k := range post {
			s += terms[(n-post+k+shift)%n]
		}
		if s = math.Abs(s); shift == 0 {
			observed = s
		}
		if s >= observed*(1-ties) {
			count++
		}
	}
	return float64(count) / float64(n)
}

// permuted is the same over seeded random permutations, the observed order counted in (so that p is never nought).
func permuted(terms []float64, post int, c Conformal) float64 {
	observed := math.Abs(sum(terms[len(terms)-post:]))
	rng := rand.New(rand.NewPCG(c.Seed, uint64(c.Draws)))
	count := 1
	for range c.Draws {
		// A partial Fisher-Yates shuffle: only the last post places matter.
		s := 0.0
		for k := len(terms) - 1; k >= len(terms)-post; k-- {
			j := rng.IntN(k + 1)
			terms[k], terms[j] = terms[j], terms[k]
			s += terms[k]
		}
		if math.Abs(s) >= observed*(1-ties) {
			count++
		}
	}
	return float64(count) / float64(c.Draws+1)
}

// Search of the interval's ends: a grid as augsynth has, widened until both ends are rejected, then each end bisected.
const (
	gridPoints = 24
	widenings  = 6
	bisections = 22
)

// interval is the hull of the effects that are not rejected at the level, and of the estimate (which a test of few permutations may reject).
func (t *tester) interval(center, width, level float64) Interval {
	p, why := t.p(0)
	if why != "" {
		return Interval{Reason: why}
	}
	alpha := 1 - level
	at := func(k int) float64 { return center + width*(2*float64(k)/gridPoints-1) }
	accepts := func(theta float64) bool {
		p, w := t.p(theta)
		if w != "" {
			why = w
		}
		return w == "" && p >= alpha-1e-9
	}
	for range widenings {
		low, high, found := -1, -1, false
		for k := 0; k <= gridPoints; k++ {
			if accepts(at(k)) {
				if !found {
					low, found = k, true
				}
				high = k
			}
		}
		switch {
		case why != "":
			return Interval{P: p, Reason: why}
		case found && low > 0 && high < gridPoints:
			in := Interval{Low: math.Min(center, bisect(at(low), at(low-1), accepts)), High: math.Max(center, bisect(at(high), at(high+1), accepts)), P: p}
			if why != "" {
				return Interval{P: p, Reason: why}
			}
			return in
		case !found:
			width /= 4 // the grid stepped over what is accepted
		default:
			width *= 3
		}
	}
	return Interval{P: p, Reason: UnboundedInterval}
}

// bisect walks from a value that is accepted towards one that is not.
func bisect(yes, no float64, accepts func(float64) bool) float64 {
	for range bisections {
		if mid := yes + (no-yes)/2; accepts(mid) {
			yes = mid
		} else {
			no = mid
		}
	}
	return yes
}

func rms(x []float64) float64 { return math.Sqrt(dot(x, x) / float64(len(x))) }
