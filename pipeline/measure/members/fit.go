package members

import (
	"math"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"

	"cagnotte/pipeline/measure"
)

// Convergence says how far a maximum-likelihood fit can be trusted.
type Convergence struct {
	GradNorm    float64 `json:"grad_norm"`   // largest derivative of the mean log-likelihood in a log parameter, at the optimum
	Condition   float64 `json:"condition"`   // of the Hessian in the log parameters
	Starts      int     `json:"starts"`      // of the optimisation
	Agreed      int     `json:"agreed"`      // of them found the same optimum
	Evaluations int     `json:"evaluations"` // of the likelihood, over all starts
}

// objective is a mean negative log-likelihood of the logarithms of positive parameters: it returns the value and fills the gradient.
type objective func(theta, grad []float64) float64

// optimum of an objective over n observations.
type optimum struct {
	Convergence
	theta []float64
	value float64
	cov   *mat.SymDense // of theta: the inverse of n x Hessian
}

const (
	maxTheta     = 12.0 // log parameters beyond +-12 (in units of the data's own scale) are on their way to infinity
	gradTarget   = 1e-7 // of a mean log-likelihood, whose terms are of order one
	maxCondition = 1e10 // of the Hessian: beyond it its inverse is noise
	maxIter      = 300  // of one start; CDNOW takes about 30
	newtonSteps  = 8    // of the polish
	hessianStep  = 1e-4 // on logarithms: balances the error of the difference (1e-8) with the gradient's rounding
)

// maximise runs BFGS from each start, polishes the best by Newton's method and inverts the Hessian there.
func maximise(f objective, n float64, starts [][]float64) (optimum, measure.Reason) {
	best := optimum{value: math.Inf(1)}
	values := make([]float64, 0, len(starts))
	for _, start := range starts {
		theta, value := descend(f, start, &best.Evaluations)
		values = append(values, value)
		if value < best.value {
			best.theta, best.value = theta, value
		}
	}
	best.Starts = len(starts)
	if best.theta == nil {
		return best, NotConverged
	}
	hessian, why := polish(f, &best)
	if why != "" {
		return best, why
	}
	for _, v := range values {
		if v-best.value <= 1e-6*(1+math.Abs(best.value)) {
			best.Agreed++
		}
	}
	return best, best.invert(hessian, n)
}

// descend is one run of BFGS. Its error is not looked at: a line search that can do no better next to the optimum is an error to the library,
// and what counts is whether the gradient vanishes, which polish checks.
func descend(f objective, start []float64, evaluations *int) ([]float64, float64) {
	grad := make([]float64, len(start))
	problem := optimize.Problem{
		Func: func(x []float64) float64 { *evaluations++; return f(x, grad) },
		Grad: func(g, x []float64) { f(x, g) },
	}
	settings := &optimize.Settings{GradientThreshold: gradTarget, MajorIterations: maxIter, FuncEvaluations: 10 * maxIter, Concurrent: 1}
	result, _ := optimize.Minimize(problem, start, settings, &optimize.BFGS{})
	if result == nil || !measure.Finite(result.F) || !measure.Finite(result.X...) {
		return nil, math.Inf(1)
	}
	return result.X, result.F
}

// polish takes Newton steps while they lower the gradient and returns the Hessian where it stopped.
func polish(f objective, o *optimum) (*mat.SymDense, measure.Reason) {
	grad := make([]float64, len(o.theta))
	o.value = f(o.theta, grad)
	o.GradNorm = largest(grad)
	hessian := hessianAt(f, o.theta)
	for range newtonSteps {
		if o.GradNorm < gradTarget*gradTarget {
			break
		}
		var chol mat.Cholesky
		if !chol.Factorize(hessian) {
			break
		}
		step := mat.NewVecDense(len(grad), nil)
		if err := chol.SolveVecTo(step, mat.NewVecDense(len(grad), grad)); err != nil {
			break
		}
		next, nextGrad := make([]float64, len(grad)), make([]float64, len(grad))
		for i := range next {
			next[i] = o.theta[i] - step.AtVec(i)
		}
		value := f(next, nextGrad)
		if !measure.Finite(value) || largest(nextGrad) >= o.GradNorm || value > o.value+1e-9*(1+math.Abs(o.value)) {
			break
		}
		o.theta, o.value, grad, o.GradNorm = next, value, nextGrad, largest(nextGrad)
		hessian = hessianAt(f, o.theta)
	}
	switch {
	case !measure.Finite(o.value, o.GradNorm) || o.GradNorm > 100*gradTarget || largest(o.theta) > maxTheta:
		return nil, NotConverged
	}
	return hessian, ""
}

// hessianAt differentiates the gradient (central differences) and makes it symmetric.
func hessianAt(f objective, theta []float64) *mat.SymDense {
	d := len(theta)
	jac := mat.NewDense(d, d, nil)
	fd.Jacobian(jac, func(g, x []float64) { f(x, g) }, theta, &fd.JacobianSettings{Formula: fd.Central, Step: hessianStep})
	sym := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			sym.SetSym(i, j, (jac.At(i, j)+jac.At(j, i))/2)
		}
	}
	return sym
}

// invert turns the Hessian of the mean into the covariance of the estimates.
func (o *optimum) invert(hessian *mat.SymDense, n float64) measure.Reason {
	var chol mat.Cholesky
	if !chol.Factorize(hessian) {
		return NotIdentified
	}
	o.Condition = chol.Cond()
	if !(o.Condition <= maxCondition) {
		o.Condition = 0 // infinite is no number to show
		return NotIdentified
	}
	o.cov = mat.NewSymDense(len(o.theta), nil)
	if err := chol.InverseTo(o.cov); err != nil {
		return NotIdentified
	}
	o.cov.ScaleSym(1/n, o.cov)
	return ""
}

func largest(values []float64) float64 {
	m := 0.0
	for _, v := range values {
		if !(math.Abs(v) <= m) { // a NaN is larger than everything
			m = math.Abs(v)
		}
	}
	return m
}

// natural returns the parameters and their standard errors (delta method: se = parameter x se of its logarithm).
func (o optimum) natural() (values, se []float64) {
	for i, t := range o.theta {
		v := math.Exp(t)
		values = append(values, v)
		s := 0.0
		if o.cov != nil {
			s = v * math.Sqrt(o.cov.At(i, i))
		}
		se = append(se, s)
	}
	return values, se
}

// deltaSE is the delta method's standard error of a function of the log parameters; NaN when the function is NaN near them.
func deltaSE(f func(theta []float64) float64, theta []float64, cov *mat.SymDense) float64 {
	grad := mat.NewVecDense(len(theta), fd.Gradient(nil, f, theta, &fd.Settings{Formula: fd.Central, Step: hessianStep}))
	return math.Sqrt(math.Max(0, mat.Inner(grad, cov, grad)))
}

// positive is the figure of a positive quantity: the interval is taken on its logarithm, so that it stays above 0.
func positive(r measure.Result, v, se float64) measure.Result {
	if !measure.Finite(v, se) || v <= 0 {
		return r.Refuse(measure.NotFinite)
	}
	e := math.Exp(quantile(r.Level) * se / v)
	return r.With(measure.Figure{Estimate: v, Low: v / e, High: v * e, StdErr: se, P: 1})
}
