package series

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"cagnotte/pipeline/measure"
)

// localLevel is y_t = mu_t + x_t'beta + e_t, mu_(t+1) = mu_t + h_t, with Var e = s2 (1-share) and Var h = s2 share. The first level and beta have a
// diffuse prior. They are kept out of the state and estimated beside it (the augmented filter of de Jong 1991, Annals of Statistics 19), which
// gives the same likelihood, estimates and forecast errors as the exact diffuse filter (Durbin, Koopman 2012, chapter 5) with a scalar
// recursion: the filter runs over y and over each column of D = [1 x], with one gain for all.
type localLevel struct {
	y    []float64   // periods before the campaign, centred and scaled
	d    [][]float64 // columns of D over all periods, the controls centred and scaled
	n, k int
}

// filtered is one pass of the filter at a given share, all variances over s2.
type filtered struct {
	share float64
	gain  []float64   // P/F per period
	p     []float64   // P_(t|t)
	f     []float64   // innovation variance
	a     [][]float64 // filtered states: of y first, then of D's columns
	v     [][]float64 // innovations, alike
	chol  mat.Cholesky
	delta []float64 // first level and coefficients
	s2    float64   // maximum likelihood over n-k
	like  float64   // concentrated diffuse log-likelihood, in the scaled units
	ok    bool
}

// worstCond is the condition of the information about the coefficients beyond which their solution is noise.
const worstCond = 1e12

// filter runs at a share between 0 (no walk: least squares) and 1 (no noise).
func (m localLevel) filter(share float64) filtered {
	r := filtered{share: share, gain: make([]float64, m.n), p: make([]float64, m.n), f: make([]float64, m.n)}
	p, logs := share, 0.0 // the first level's diffuse prior absorbs any start variance
	for t := range m.n {
		r.f[t] = p + (1 - share)
		logs += math.Log(r.f[t])
		r.gain[t] = p / r.f[t]
		r.p[t] = p * (1 - share) / r.f[t]
		p = r.p[t] + share
	}
	r.a, r.v = make([][]float64, m.k+1), make([][]float64, m.k+1)
	r.a[0], r.v[0] = run(m.y, r.gain)
	for j := range m.k {
		r.a[j+1], r.v[j+1] = run(m.d[j][:m.n], r.gain)
	}
	m.solve(&r, logs)
	return r
}

// run passes one series through the filter with the given gains.
func run(y, gain []float64) (states, innovations []float64) {
	states, innovations = make([]float64, len(y)), make([]float64, len(y))
	a := 0.0
	for t := range gain {
		innovations[t] = y[t] - a
		a += gain[t] * innovations[t]
		states[t] = a
	}
	return states, innovations
}

// solve regresses y's innovations on those of D's columns (generalised least squares) and concentrates s2 out of the likelihood.
func (m localLevel) solve(r *filtered, logs float64) {
	s, b := mat.NewSymDense(m.k, nil), mat.NewVecDense(m.k, nil)
	for i := range m.k {
		for j := i; j < m.k; j++ {
			s.SetSym(i, j, weighted(r.v[i+1], r.v[j+1], r.f))
		}
		b.SetVec(i, weighted(r.v[i+1], r.v[0], r.f))
	}
	if !r.chol.Factorize(s) || !(r.chol.Cond() < worstCond) {
		return
	}
	var delta mat.VecDense
	if r.chol.SolveVecTo(&delta, b) != nil {
		return
	}
	r.delta = delta.RawVector().Data
	rss := 0.0
	for t := range m.n {
		e := r.innovation(t)
		rss += e * e / r.f[t]
	}
	n, df := float64(m.n), float64(m.n-m.k)
	r.s2 = rss / df
	r.like = -0.5 * (n*math.Log(2*math.Pi) + df*math.Log(r.s2) + logs + r.chol.LogDet() + df)
	r.ok = rss > 1e-20*n && measure.Finite(r.like)
}

// innovation is y's at the estimated coefficients.
func (r filtered) innovation(t int) float64 {
	e := r.v[0][t]
	for j, c := range r.delta {
		e -= c * r.v[j+1][t]
	}
	return e
}

func weighted(a, b, f []float64) float64 {
	s := 0.0
	for t := range a {
		s += a[t] * b[t] / f[t]
	}
	return s
}

// shares is where the search for the maximum begins; the edges 0 and 1 are tried besides, for there the maximum often lies and no search in
// logits reaches it.
var shares = [...]float64{1e-5, 1e-3, 0.03, 0.2, 0.6, 0.95}

const (
	likelihoodEvals = 200  // per start
	logitBound      = 25.0 // beyond it a share is an edge
	edgeTolerance   = 1e-7 // of log-likelihood: an inner maximum no better than an edge is the edge
	logitStep       = 0.5  // first simplex
)

// fit maximises the likelihood over the share of the walk: Nelder-Mead in the logit from several starts, since the likelihood may have two tops.
func (m localLevel) fit() (filtered, measure.Reason) {
	zero, one := m.filter(0), m.filter(1)
	best := zero
	if one.ok && (!best.ok || one.like > best.like) {
		best = one
	}
	if !best.ok {
		if zero.delta == nil && one.delta == nil {
			return best, SingularMatrix
		}
		return best, measure.ZeroVariance
	}
	converged := false
	for _, start := range shares {
		inner, ok := m.climb(start)
		converged = converged || ok
		if ok && inner.ok && inner.like > best.like+edgeTolerance {
			best = inner
		}
	}
	if !converged {
		return best, NotConverged
	}
	return best, ""
}

// climb is one search; false when it ended at its bound of evaluations or with an error.
func (m localLevel) climb(start float64) (filtered, bool) {
	share := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	problem := optimize.Problem{Func: func(x []float64) float64 {
		if math.Abs(x[0]) > logitBound {
			return math.Inf(1)
		}
		r := m.filter(share(x[0]))
		if !r.ok {
			return math.Inf(1)
		}
		return -r.like
	}}
	settings := &optimize.Settings{FuncEvaluations: likelihoodEvals, Converger: &optimize.FunctionConverge{Absolute: 1e-12, Relative: 1e-13, Iterations: 12}}
	method := &optimize.NelderMead{SimplexSize: logitStep}
	res, err := optimize.Minimize(problem, []float64{math.Log(start / (1 - start))}, settings, method)
	if err != nil || res == nil || math.IsInf(res.F, 0) || res.Status != optimize.FunctionConvergence {
		return filtered{}, false
	}
	return m.filter(share(res.X[0])), true
}

// quad is c' S^-1 c.
func (r filtered) quad(c []float64) float64 {
	v := mat.NewVecDense(len(c), c)
	var u mat.VecDense
	if r.chol.SolveVecTo(&u, v) != nil {
		return math.NaN()
	}
	return mat.Dot(v, &u)
}

// smoothed is the level's part that the state carries, given all periods before the campaign (Rauch, Tung, Striebel 1965), with the weights of
// the coefficients in it: level_t = base'delta + state_t, Var = s2 (variance_t + (base - carry_t)' S^-1 (base - carry_t)).
func (m localLevel) smoothed(r filtered, base []float64) (level, variance []float64) {
	level, variance = make([]float64, m.n), make([]float64, m.n)
	state := make([]float64, m.k+1)
	v := r.p[m.n-1]
	for j := range state {
		state[j] = r.a[j][m.n-1]
	}
	c := make([]float64, m.k)
	for t := m.n - 1; t >= 0; t-- {
		if t < m.n-1 {
			next := r.p[t] + r.share
			gain := 0.0
			if next > 0 {
				gain = r.p[t] / next
			}
			for j := range state {
				state[j] = r.a[j][t] + gain*(state[j]-r.a[j][t])
			}
			v = r.p[t] + gain*gain*(v-next)
		}
		level[t] = state[0]
		for j := range c {
			c[j] = base[j] - state[j+1]
			level[t] += c[j] * r.delta[j]
		}
		variance[t] = r.s2 * (v + r.quad(c))
	}
	return level, variance
}

// forecast of period n+h, h from 0: mean, and the variance of it and of the running total. The errors of all periods share the last level's, the
// walk's steps up to them and the coefficients'.
type forecast struct {
	mean, variance, total float64
}

func (m localLevel) forecasts(r filtered, horizon int) []forecast {
	out := make([]forecast, horizon)
	last := m.n - 1
	c, g := make([]float64, m.k), make([]float64, m.k)
	steps := 0.0 // sum of squares 1..h: what the walk's steps contribute to the total
	for h := range out {
		f := forecast{mean: r.a[0][last]}
		for j := range c {
			c[j] = m.d[j][m.n+h] - r.a[j+1][last]
			g[j] += c[j]
			f.mean += c[j] * r.delta[j]
		}
		k := float64(h + 1)
		steps += k * k
		noise := 1 - r.share
		f.variance = r.s2 * (r.p[last] + k*r.share + noise + r.quad(c))
		f.total = r.s2 * (k*k*r.p[last] + r.share*steps + k*noise + r.quad(g))
		out[h] = f
	}
	return out
}
