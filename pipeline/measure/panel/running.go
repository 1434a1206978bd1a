package panel

import "math"

// running keeps a mean and the sum of squared deviations (Welford), which does not cancel.
type running struct {
	n            int
	mean, m2, sq float64
}

func (r *running) add(x float64) {
	r.n++
	d := x - r.mean
	r.mean += d / float64(r.n)
	r.m2 += d * (x - r.mean)
	r.sq += x * x
}

// addSeen adds x unless it is missing.
func (r *running) addSeen(x float64) {
	if !math.IsNaN(x) {
		r.add(x)
	}
}

// variance is the sample variance (n - 1), 0 for fewer than two.
func (r running) variance() float64 {
	if r.n < 2 {
		return 0
	}
	return r.m2 / float64(r.n-1)
}

// constant reports whether the spread is rounding noise: Welford's error per step is about an ulp of the values.
func (r running) constant() bool { return r.m2 == 0 || r.m2 <= noise*min(r.sq, math.MaxFloat64) }

// noise is the share of a sum of squares below which a sum of squared residuals is rounding: demeaning a thousand numbers errs by about 1e-13 of them.
const noise = 1e-24

func (r running) group() Group {
	g := Group{N: r.n, Mean: r.mean}
	if r.n > 1 {
		g.StdErr = math.Sqrt(r.variance() / float64(r.n))
	}
	return g
}
