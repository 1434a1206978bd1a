package members

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"

	"cagnotte/pipeline/measure"
)

// BGNBDParams are the four parameters of BG/NBD (Fader, Hardie & Lee, "Counting your customers the easy way", Marketing Science 24, 2005): a
// living member buys at a Poisson rate that is Gamma(R, Alpha) over members (Alpha in time), and leaves after each purchase with a
// probability that is Beta(A, B).
type BGNBDParams struct {
	R     float64 `json:"r"`
	Alpha float64 `json:"alpha"`
	A     float64 `json:"a"`
	B     float64 `json:"b"`
}

// BGNBD is a fitted model. The figure is the expected number of purchases per member of the data within the horizon, interval by the delta
// method on its logarithm (what is uncertain is the parameters; a single member's purchases vary far more).
type BGNBD struct {
	measure.Result
	BGNBDParams
	StdErr      BGNBDParams `json:"se"`
	LogLik      float64     `json:"loglik"`
	Members     float64     `json:"members"`
	Repeaters   float64     `json:"repeaters"` // who bought after the first purchase
	Horizon     float64     `json:"horizon"`
	Convergence Convergence `json:"convergence"`
	theta       []float64
	cov         *mat.SymDense
}

// FitBGNBD fits BG/NBD by maximum likelihood: analytic gradient, BFGS on the logarithms of the parameters with time scaled to the mean T,
// four starts, Newton's polish, standard errors from the Hessian. An error names the field of a row that contradicts itself.
//
// Refused: not_finite (sums overflow), empty_arm, too_few_members, no_events (nobody came again), not_converged (no stationary point inside
// the bounds: parameters run to infinity, as when nobody ever leaves), not_identified (the Hessian is not positive definite), out_of_range
// (the horizon). The parameters found are shown beside not_identified and out_of_range.
func FitBGNBD(rows []Customer, o FitOptions) (BGNBD, error) {
	out := BGNBD{Result: measure.Result{Method: MethodBGNBD, Design: measure.Descriptive, Level: o.Level}}
	if err := checkFit(rows, o); err != nil {
		return out, err
	}
	sums := total(rows)
	if why := sums.forbidden(o); why != "" {
		out.Result = out.Refuse(why)
		return out, nil
	}
	out.Members, out.Repeaters, out.NTreatment, out.Horizon = sums.members, sums.repeaters, int64(sums.members), o.Horizon
	scale := sums.time / sums.members
	if o.Horizon == 0 {
		out.Horizon = scale
	}
	data := merged(rows)
	likelihood := newBGLikelihood(data, scale)
	best, why := maximise(likelihood.eval, sums.members, bgStarts())
	out.Convergence = best.Convergence
	if why == NotConverged {
		out.Result = out.Refuse(why)
		return out, nil
	}
	out.take(best, scale, -best.value*sums.members-sums.purchases*math.Log(scale))
	if why != "" {
		out.Result = out.Refuse(why)
		return out, nil
	}
	if 2*best.Agreed < best.Starts {
		out.Result = out.Warn(FewStartsAgree)
	}
	out.Result = out.expectedPerMember(data)
	return out, nil
}

// checkFit names the first option or row that cannot be.
func checkFit(rows []Customer, o FitOptions) error {
	if err := checkLevel(o.Level); err != nil {
		return err
	}
	if !measure.Finite(o.Horizon) || o.Horizon < 0 {
		return fmt.Errorf("horizon: %v is not a time", o.Horizon)
	}
	if o.MinMembers < 0 {
		return fmt.Errorf("min_members: %d is negative", o.MinMembers)
	}
	return checkCustomers(rows)
}

// take sets the parameters, alpha back in the data's unit of time.
func (m *BGNBD) take(best optimum, scale, loglik float64) {
	v, se := best.natural()
	m.BGNBDParams = BGNBDParams{R: v[0], Alpha: v[1] * scale, A: v[2], B: v[3]}
	m.StdErr = BGNBDParams{R: se[0], Alpha: se[1] * scale, A: se[2], B: se[3]}
	m.LogLik = loglik
	m.theta, m.cov = []float64{best.theta[0], best.theta[1] + math.Log(scale), best.theta[2], best.theta[3]}, best.cov
}

// bgStarts are far apart: even rates and quick leaving; uneven rates; loyal members; even rates and loyal members.
func bgStarts() [][]float64 {
	logs := func(v ...float64) []float64 {
		for i := range v {
			v[i] = math.Log(v[i])
		}
		return v
	}
	return [][]float64{logs(1, 1, 1, 1), logs(0.3, 0.2, 0.5, 2), logs(1, 0.5, 0.3, 5), logs(4, 2, 1, 10)}
}

// bgLikelihood is the data in the form that the likelihood wants: terms that depend on the frequency alone are computed once per frequency.
type bgLikelihood struct {
	counts []bgCount
	rows   []bgRow
	weight float64
}

type bgCount struct{ x, weight float64 }

type bgRow struct{ x, recency, age, weight float64 }

// newBGLikelihood takes merged customers, times in units of scale.
func newBGLikelihood(data []Customer, scale float64) *bgLikelihood {
	l := &bgLikelihood{rows: make([]bgRow, 0, len(data))}
	for _, c := range data {
		x := float64(c.Frequency)
		if n := len(l.counts); n == 0 || l.counts[n-1].x != x {
			l.counts = append(l.counts, bgCount{x: x})
		}
		l.counts[len(l.counts)-1].weight += c.Weight
		l.weight += c.Weight
		l.rows = append(l.rows, bgRow{x: x, recency: c.Recency / scale, age: c.T / scale, weight: c.Weight})
	}
	return l
}

// eval is the mean negative log-likelihood and its gradient in log(r, alpha, a, b). Per member (FHL 2005, eq. 6; the split into logarithms is
// that of Fader & Hardie's implementation note): A1 + A2 + log(e^A3 + [x > 0] e^A4) with
//
//	A1 = lgamma(r+x) - lgamma(r) + r log alpha        A3 = -(r+x) log(alpha+T)
//	A2 = lgamma(a+b) + lgamma(b+x) - lgamma(b) - lgamma(a+b+x)        A4 = log a - log(b+x-1) - (r+x) log(alpha+t_x)
func (l *bgLikelihood) eval(theta, grad []float64) float64 {
	if !(largest(theta) < 2*maxTheta) {
		clear(grad)
		return math.Inf(1)
	}
	r, alpha, a, b := math.Exp(theta[0]), math.Exp(theta[1]), math.Exp(theta[2]), math.Exp(theta[3])
	sum := l.weight * r * theta[1]
	dr, dalpha, da, db := l.weight*theta[1], l.weight*r/alpha, 0.0, 0.0
	sum += l.gammas(r, a, b, &dr, &da, &db)
	for _, row := range l.rows {
		m := r + row.x
		end := alpha + row.age
		logEnd := math.Log(end)
		a3 := -m * logEnd
		if row.x == 0 {
			sum += row.weight * a3
			dr -= row.weight * logEnd
			dalpha -= row.weight * m / end
			continue
		}
		last := alpha + row.recency
		logLast := math.Log(last)
		a4 := theta[2] - math.Log(b+row.x-1) - m*logLast
		gone := 1 / (1 + math.Exp(a3-a4)) // share of the likelihood in which the member left after the last purchase
		sum += row.weight * logAdd(a3, a4)
		dr -= row.weight * ((1-gone)*logEnd + gone*logLast)
		dalpha -= row.weight * m * ((1-gone)/end + gone/last)
		da += row.weight * gone / a
		db -= row.weight * gone / (b + row.x - 1)
	}
	for i, d := range [4]float64{dr * r, dalpha * alpha, da * a, db * b} {
		grad[i] = -d / l.weight
	}
	return -sum / l.weight
}

// gammas adds the terms that depend on x alone.
func (l *bgLikelihood) gammas(r, a, b float64, dr, da, db *float64) (sum float64) {
	lr, lb, lab := lgamma(r), lgamma(b), lgamma(a+b)
	pr, pb, pab := mathext.Digamma(r), mathext.Digamma(b), mathext.Digamma(a+b)
	for _, c := range l.counts {
		if c.x == 0 {
			continue // all differences are 0
		}
		sum += c.weight * (lgamma(r+c.x) - lr + lab + lgamma(b+c.x) - lb - lgamma(a+b+c.x))
		pabx := mathext.Digamma(a + b + c.x)
		*dr += c.weight * (mathext.Digamma(r+c.x) - pr)
		*da += c.weight * (pab - pabx)
		*db += c.weight * (pab + mathext.Digamma(b+c.x) - pb - pabx)
	}
	return sum
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// logAdd is log(e^a + e^b).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	return a + math.Log1p(math.Exp(b-a))
}
