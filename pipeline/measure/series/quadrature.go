package series

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"cagnotte/pipeline/measure"
)

// subset is one choice of coefficients.
type subset struct {
	columns []int
	slab    *mat.SymDense // prior precision over the noise's
	logDet  float64
	prior   float64 // log probability
}

// posterior holds what does not change over the grid.
type posterior struct {
	localLevel
	levelSD float64
	subsets []subset
}

func newPosterior(m localLevel, levelSD float64) posterior {
	p := posterior{localLevel: m, levelSD: levelSD}
	n := float64(len(m.d[0]))
	omega := mat.NewSymDense(m.k, nil)
	for i := range m.k {
		for j := i; j < m.k; j++ {
			w := priorWeight / n * dot(m.d[i], m.d[j])
			if i != j {
				w *= 1 - priorShrink
			}
			omega.SetSym(i, j, w)
		}
	}
	include := math.Min(1, priorModelSize/float64(m.k))
	for bits := range 1 << m.k {
		s := subset{}
		for j := range m.k {
			if bits>>j&1 == 1 {
				s.columns = append(s.columns, j)
				s.prior += math.Log(include)
			} else {
				s.prior += math.Log(1 - include) // -Inf where every coefficient is expected
			}
		}
		if math.IsInf(s.prior, -1) {
			continue
		}
		if c := len(s.columns); c > 0 {
			s.slab = submatrix(omega, s.columns)
			var chol mat.Cholesky
			if !chol.Factorize(s.slab) {
				continue
			}
			s.logDet = chol.LogDet()
		}
		p.subsets = append(p.subsets, s)
	}
	return p
}

func submatrix(a *mat.SymDense, keep []int) *mat.SymDense {
	out := mat.NewSymDense(len(keep), nil)
	for i, r := range keep {
		for j := i; j < len(keep); j++ {
			out.SetSym(i, j, a.At(r, keep[j]))
		}
	}
	return out
}

// pass is the filter at given standard deviations of noise and step, from the proper start N(y_1, 1) that bsts has, with the information about
// all coefficients.
type pass struct {
	noise, step float64
	p           float64       // of the last level
	a           []float64     // last states, of y first
	info        *mat.SymDense // of y and D's columns together
	log         float64       // density so far: innovations' variances and the priors of both standard deviations
}

func (p posterior) pass(logNoise, logStep float64) pass {
	r := pass{noise: math.Exp(logNoise), step: math.Exp(logStep), a: make([]float64, p.k+1)}
	vn, vs := r.noise*r.noise, r.step*r.step
	gain, f := make([]float64, p.n), make([]float64, p.n)
	v := 1.0
	for t := range p.n {
		f[t] = v + vn
		gain[t] = v / f[t]
		r.p = v * vn / f[t]
		v = r.p + vs
		r.log -= math.Log(f[t]) / 2
	}
	rows := make([][]float64, p.k+1)
	for j := range rows {
		y, from := p.y, p.y[0]
		if j > 0 {
			y, from = p.d[j-1][:p.n], 0
		}
		rows[j], r.a[j] = innovations(y, gain, from)
	}
	r.info = mat.NewSymDense(p.k+1, nil)
	for i := range rows {
		for j := i; j < len(rows); j++ {
			r.info.SetSym(i, j, weighted(rows[i], rows[j], f))
		}
	}
	// Inverse gamma of a variance with df and guess, as a density of the logarithm of the standard deviation.
	r.log += -priorNoiseDF*logNoise - priorNoiseDF*(1-priorR2)/(2*vn)
	r.log += -priorLevelDF*logStep - priorLevelDF*p.levelSD*p.levelSD/(2*vs)
	return r
}

func innovations(y, gain []float64, a float64) ([]float64, float64) {
	v := make([]float64, len(y))
	for t := range v {
		v[t] = y[t] - a
		a += gain[t] * v[t]
	}
	return v, a
}

// weigh is the log posterior density of a subset at a pass, and its coefficients' precision and mean.
func (r pass) weigh(s subset) (float64, *mat.Cholesky, *mat.VecDense, bool) {
	c := len(s.columns)
	if c == 0 {
		return r.log + s.prior - r.info.At(0, 0)/2, nil, nil, true
	}
	vn := r.noise * r.noise
	precision, b := mat.NewSymDense(c, nil), mat.NewVecDense(c, nil)
	for i, x := range s.columns {
		b.SetVec(i, r.info.At(0, x+1))
		for j := i; j < c; j++ {
			precision.SetSym(i, j, r.info.At(x+1, s.columns[j]+1)+s.slab.At(i, j)/vn)
		}
	}
	var chol mat.Cholesky
	var beta mat.VecDense
	if !chol.Factorize(precision) || chol.SolveVecTo(&beta, b) != nil {
		return 0, nil, nil, false
	}
	quad := r.info.At(0, 0) - mat.Dot(b, &beta)
	w := r.log + s.prior + (s.logDet-float64(2*c)*math.Log(r.noise)-chol.LogDet()-quad)/2
	return w, &chol, &beta, measure.Finite(w)
}

// box is a rectangle of log standard deviations: noise, step.
type box struct{ low, high [2]float64 }

// Search of the posterior's place: each turn lays a grid and keeps the rectangle that holds all but a billionth of the density, two cells wider.
const (
	zoomGrid   = 17
	zooms      = 8
	finalGrid  = 25
	negligible = -21 // log of what is left out, relative to the top
)

var everywhere = box{low: [2]float64{math.Log(1e-3), math.Log(1e-5)}, high: [2]float64{math.Log(30), 0}} // the step's prior ends at 1

func (b box) at(i, j, n int) (float64, float64) {
	step := func(k, d int) float64 { return b.low[d] + (b.high[d]-b.low[d])*float64(k)/float64(n-1) }
	return step(i, 0), step(j, 1)
}

// zoom finds the box.
func (p posterior) zoom() (box, bool) {
	b := everywhere
	for range zooms {
		var w [zoomGrid][zoomGrid]float64
		top := math.Inf(-1)
		for i := range zoomGrid {
			for j := range zoomGrid {
				w[i][j] = p.density(b.at(i, j, zoomGrid))
				top = math.Max(top, w[i][j])
			}
		}
		if math.IsInf(top, 0) || math.IsNaN(top) {
			return b, false
		}
		lo, hi := [2]int{zoomGrid, zoomGrid}, [2]int{-1, -1}
		for i := range zoomGrid {
			for j := range zoomGrid {
				if w[i][j] > top+negligible {
					lo, hi = [2]int{min(lo[0], i), min(lo[1], j)}, [2]int{max(hi[0], i), max(hi[1], j)}
				}
			}
		}
		next := b.cut(lo, hi)
		if (next.high[0]-next.low[0])*(next.high[1]-next.low[1]) > 0.8*(b.high[0]-b.low[0])*(b.high[1]-b.low[1]) {
			return next, true
		}
		b = next
	}
	return b, true
}

func (b box) cut(lo, hi [2]int) box {
	out := b
	for d := range 2 {
		cell := (b.high[d] - b.low[d]) / (zoomGrid - 1)
		out.low[d] = math.Max(everywhere.low[d], b.low[d]+cell*float64(lo[d]-2))
		out.high[d] = math.Min(everywhere.high[d], b.low[d]+cell*float64(hi[d]+2))
	}
	return out
}

// density is the log posterior of the standard deviations, all subsets together.
func (p posterior) density(logNoise, logStep float64) float64 {
	r := p.pass(logNoise, logStep)
	logs := make([]float64, 0, len(p.subsets))
	for _, s := range p.subsets {
		if w, _, _, ok := r.weigh(s); ok {
			logs = append(logs, w)
		}
	}
	return logSum(logs)
}

func logSum(x []float64) float64 {
	if len(x) == 0 {
		return math.Inf(-1)
	}
	top, s := slices.Max(x), 0.0
	for _, v := range x {
		s += math.Exp(v - top)
	}
	return top + math.Log(s)
}

// component is one normal of the predictive mixture: per period of the campaign its mean, its variance and that of the running total.
type component struct {
	weight         float64
	noise, step    float64
	columns        []int
	mean, variance []float64
	total          []float64
}

// mixture is the posterior predictive distribution. Components below a millionth of the heaviest are left out.
func (p posterior) mixture(horizon int) ([]component, bool) {
	b, ok := p.zoom()
	if !ok {
		return nil, false
	}
	var out []component
	var logs []float64
	top := math.Inf(-1)
	for i := range finalGrid {
		for j := range finalGrid {
			r := p.pass(b.at(i, j, finalGrid))
			for _, s := range p.subsets {
				w, chol, beta, ok := r.weigh(s)
				if !ok || w < top-14 {
					continue
				}
				top = math.Max(top, w)
				logs, out = append(logs, w), append(out, p.component(r, s, chol, beta, horizon))
			}
		}
	}
	all := logSum(logs)
	keep := out[:0]
	for i, c := range out {
		if logs[i] >= top-14 {
			c.weight = math.Exp(logs[i] - all)
			keep = append(keep, c)
		}
	}
	return keep, len(keep) > 0 && measure.Finite(all)
}

// component forecasts under one subset and one pair of standard deviations.
func (p posterior) component(r pass, s subset, chol *mat.Cholesky, beta *mat.VecDense, horizon int) component {
	out := component{noise: r.noise, step: r.step, columns: s.columns}
	n := len(s.columns)
	c, g := make([]float64, n), make([]float64, n)
	vn, vs, steps := r.noise*r.noise, r.step*r.step, 0.0
	for h := range horizon {
		m := r.a[0]
		for i, j := range s.columns {
			c[i] = p.d[j][p.n+h] - r.a[j+1]
			g[i] += c[i]
			m += c[i] * beta.AtVec(i)
		}
		k := float64(h + 1)
		steps += k * k
		out.mean = append(out.mean, m)
		out.variance = append(out.variance, r.p+k*vs+vn+quadratic(chol, c))
		out.total = append(out.total, k*k*r.p+steps*vs+k*vn+quadratic(chol, g))
	}
	return out
}

// quadratic is c' A^-1 c.
func quadratic(chol *mat.Cholesky, c []float64) float64 {
	if len(c) == 0 {
		return 0
	}
	var u mat.VecDense
	v := mat.NewVecDense(len(c), c)
	if chol.SolveVecTo(&u, v) != nil {
		return math.NaN()
	}
	return mat.Dot(v, &u)
}
