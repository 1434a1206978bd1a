package series

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"cagnotte/pipeline/measure"
)

// ridger holds the eigenvectors of the centred donors' smaller Gram matrix, so that many penalties and many targets cost one decomposition.
type ridger struct {
	x      [][]float64 // donors by matched periods, each period less the donors' mean
	byUnit bool        // the Gram matrix is units by units (else periods by periods)
	values []float64
	vec    mat.Dense
}

// centred is the matched donors with each period's mean over the donors taken out.
func (s problem) centred() [][]float64 {
	out := make([][]float64, len(s.donors))
	means := make([]float64, s.pre)
	for i, d := range s.donors {
		out[i] = make([]float64, s.pre)
		dbar := s.level(d)
		for t := range s.pre {
			out[i][t] = d[t] - dbar
			means[t] += out[i][t] / float64(len(s.donors))
		}
	}
	for i := range out {
		for t := range means {
			out[i][t] -= means[t]
		}
	}
	return out
}

func newRidger(x [][]float64) (*ridger, bool) {
	n, t := len(x), len(x[0])
	r := &ridger{x: x, byUnit: n <= t}
	flat := mat.NewDense(n, t, nil)
	for i, row := range x {
		flat.SetRow(i, row)
	}
	var gram mat.SymDense
	if r.byUnit {
		gram.SymOuterK(1, flat)
	} else {
		gram.SymOuterK(1, flat.T())
	}
	var eig mat.EigenSym
	if !eig.Factorize(&gram, true) {
		return nil, false
	}
	r.values = eig.Values(nil)
	eig.VectorsTo(&r.vec)
	return r, true
}

// weights is r' (X'X + lambda I)^-1 X', one per donor, for a residual r over the matched periods.
func (r *ridger) weights(resid []float64, lambda float64) []float64 {
	out := make([]float64, len(r.x))
	if !r.byUnit {
		beta := r.solve(resid, lambda)
		for i, row := range r.x {
			out[i] = dot(row, beta)
		}
		return out
	}
	for i, row := range r.x {
		out[i] = dot(row, resid)
	}
	return r.solve(out, lambda)
}

// solve is V diag(1/(d+lambda)) V' b; eigenvalues that rounding made negative are nought.
func (r *ridger) solve(b []float64, lambda float64) []float64 {
	n := len(b)
	var c mat.VecDense
	c.MulVec(r.vec.T(), mat.NewVecDense(n, b))
	for k, d := range r.values {
		d = math.Max(0, d) + lambda
		if d > 0 {
			c.SetVec(k, c.AtVec(k)/d)
		} else {
			c.SetVec(k, 0)
		}
	}
	var out mat.VecDense
	out.MulVec(&r.vec, &c)
	return out.RawVector().Data
}

// Penalties tried: from the largest eigenvalue down by eight decades in twenty steps (augsynth's lambda_min_ratio and n_lambda).
const (
	lambdaSteps = 20
	lambdaRatio = 1e-8
)

// chooseLambda is the given penalty, or the one that leave-one-period-out cross-validation picks: the largest whose mean squared error is within
// one standard error of the least (or the least). As in augsynth's get_lambda_errors the last period before the campaign is never left out.
//
// With unit effects the means are those of the periods kept. augsynth takes them over all periods before it leaves one out, and gaps that sum to
// nought give the left-out one away: on the Kansas panel it then picks a penalty of 7e-8 and fits the past exactly (-0.069 instead of -0.040).
// On GeoLift_Test both pick the same penalty.
func chooseLambda(s problem, o SyntheticOptions) (float64, measure.Reason) {
	if o.Lambda > 0 {
		return o.Lambda, ""
	}
	all, ok := newRidger(s.centred())
	if !ok {
		return 0, NotConverged
	}
	largest := slices.Max(all.values)
	if !(largest > 0) {
		return 0, ConstantCovariate
	}
	lambdas := make([]float64, lambdaSteps+1)
	for k := range lambdas {
		lambdas[k] = largest * math.Pow(lambdaRatio, float64(k)/lambdaSteps)
	}
	errors := make([][]float64, len(lambdas)) // per penalty, one per fold
	var warm []float64
	for fold := range s.pre - 1 {
		f, why := s.without(fold).fitPlain(warm)
		if why != "" {
			return 0, why
		}
		warm = f.solver.w
		if why := s.foldErrors(fold, f, lambdas, errors); why != "" {
			return 0, why
		}
	}
	return pickLambda(lambdas, errors, o.LambdaMin), ""
}

// without is the problem with one matched period moved out to the end.
func (s problem) without(fold int) problem {
	move := func(y []float64) []float64 {
		out := make([]float64, 0, s.pre)
		out = append(append(out, y[:fold]...), y[fold+1:s.pre]...)
		return append(out, y[fold])
	}
	left := problem{target: move(s.target), pre: s.pre - 1, fe: s.fe, donors: make([][]float64, len(s.donors))}
	for i, d := range s.donors {
		left.donors[i] = move(d)
	}
	return left
}

func (s problem) fitPlain(warm []float64) (fitted, measure.Reason) {
	s.ridge = false
	return s.fit(warm)
}

// foldErrors adds the squared error at the left-out period, of every penalty.
func (s problem) foldErrors(fold int, f fitted, lambdas []float64, errors [][]float64) measure.Reason {
	left := s.without(fold)
	r, ok := newRidger(left.centred())
	if !ok {
		return NotConverged
	}
	at := make([]float64, len(left.donors)) // the donors at the left-out period; centring drops out, ridge weights sum to nought
	for i, d := range left.donors {
		at[i] = d[left.pre] - left.level(d)
	}
	for k, lambda := range lambdas {
		e := f.gaps[left.pre] - dot(at, r.weights(f.gaps[:left.pre], lambda))
		errors[k] = append(errors[k], e*e)
	}
	return ""
}

func pickLambda(lambdas []float64, errors [][]float64, least bool) float64 {
	best := 0
	means := make([]float64, len(lambdas))
	for k := range lambdas {
		means[k] = mean(errors[k])
		if means[k] < means[best] {
			best = k
		}
	}
	if least {
		return lambdas[best]
	}
	ss := 0.0
	for _, e := range errors[best] {
		ss += (e - means[best]) * (e - means[best])
	}
	n := float64(len(errors[best]))
	bound := means[best] + math.Sqrt(ss/(n-1)/n)
	for k := range lambdas { // descending: the first within the bound is the largest
		if means[k] <= bound {
			return lambdas[k]
		}
	}
	return lambdas[best]
}
