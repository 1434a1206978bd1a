package series

import (
	"math"

	"cagnotte/pipeline/measure"
)

// MethodBayes is CausalImpact's model, integrated by quadrature rather than drawn.
const MethodBayes measure.Method = "bayesian_structural"

// TooManyControls: the subsets of the controls are enumerated, so there may be at most MaxBayesControls of them.
const TooManyControls measure.Reason = "too_many_controls"

// MaxBayesControls is the most control series that BayesianStructural takes.
const MaxBayesControls = 6

// BayesInput is a StructuralInput with the one prior that CausalImpact lets its user set.
type BayesInput struct {
	StructuralInput
	PriorLevelSD float64 `json:"prior_level_sd,omitempty"` // expected step of the level over the series' standard deviation, up to 1; 0 is 0.01
}

// Bayesian is the answer of BayesianStructural. Result.Figure is the cumulative effect: posterior mean, central interval, posterior standard
// deviation, and P twice the tail area.
type Bayesian struct {
	measure.Result
	Average    Figure    `json:"average"`
	Lift       Figure    `json:"lift"`
	TailArea   float64   `json:"tail_area"`   // one-sided, which CausalImpact prints as p (it counts draws, so never below 1/draws)
	SigmaNoise float64   `json:"sigma_noise"` // posterior means, in the data's unit
	SigmaLevel float64   `json:"sigma_level"`
	Inclusion  []float64 `json:"inclusion"` // posterior probability that a control is in the regression
	Components int       `json:"components"`
	Points     []Point   `json:"points"` // of the campaign
}

// Priors of Google's CausalImpact (R/impact_model.R) and of bsts' SpikeSlabPrior, on series scaled to unit standard deviation.
const (
	priorLevelDF   = 32   // of the level's step
	priorNoiseDF   = 50   // of the noise
	priorR2        = 0.8  // expected: the noise's guess is 1 - R2
	priorModelSize = 3.0  // expected coefficients, intercept included
	priorWeight    = 0.01 // observations' worth of Zellner's slab
	priorShrink    = 0.5  // of the slab towards its diagonal
)

// BayesianStructural forecasts as StructuralCounterfactual does, but with the priors of R's CausalImpact: inverse gamma on both variances, a
// spike-and-slab on the coefficients. Instead of Gibbs draws it sums over all subsets of the controls, integrates the coefficients exactly and
// the two standard deviations on a grid of their posterior; the predictive distribution is the mixture, so the answer is the same every time and
// is what CausalImpact's draws scatter around.
//
// The priors are strong: they hold the level's step near a hundredth of the series' standard deviation whatever the data say. On series whose
// level wanders (share prices) the interval is therefore far too narrow; StructuralCounterfactual, which lets the data decide, is the honest one.
//
// Source: Brodersen et al. 2015; google/CausalImpact R/impact_model.R; bsts' SpikeSlabPrior (George, McCulloch 1997; Zellner 1986).
func BayesianStructural(in BayesInput) (Bayesian, error) {
	if err := in.check(); err != nil {
		return Bayesian{}, err
	}
	out := Bayesian{Result: start(MethodBayes, in.Design, in.Level, 1, len(in.Controls))}
	if in.PriorLevelSD == 0 {
		in.PriorLevelSD = 0.01
	}
	why := measure.Reason("")
	m, u, badly := in.model0()
	switch {
	case !(in.PriorLevelSD > 0 && in.PriorLevelSD <= 1):
		why = measure.NotFinite
	case in.Pre < minStructural || in.Pre == len(in.Y):
		why = TooFewPeriods
	case len(in.Controls) > MaxBayesControls:
		why = TooManyControls
	default:
		why = badly
	}
	if why != "" {
		out.Result, out.Average, out.Lift = out.Refuse(why), refusedFigure(why), refusedFigure(why)
		return out, nil
	}
	p := newPosterior(m, in.PriorLevelSD)
	mix, ok := p.mixture(len(in.Y) - in.Pre)
	if !ok {
		out.Result, out.Average, out.Lift = out.Refuse(NotConverged), refusedFigure(NotConverged), refusedFigure(NotConverged)
		return out, nil
	}
	out.describe(in, u, mix)
	return out, nil
}

// model0 is model for input that may be too short to scale.
func (in StructuralInput) model0() (localLevel, units, measure.Reason) {
	if in.Pre < 2 {
		return localLevel{}, units{}, TooFewPeriods
	}
	return in.model()
}

// describe turns the mixture of counterfactuals into effects.
func (out *Bayesian) describe(in BayesInput, u units, mix []component) {
	out.Components = len(mix)
	out.Inclusion = make([]float64, len(in.Controls))
	for _, c := range mix {
		out.SigmaNoise += c.weight * c.noise * u.scale[0]
		out.SigmaLevel += c.weight * c.step * u.scale[0]
		for _, j := range c.columns {
			if j > 0 {
				out.Inclusion[j-1] += c.weight
			}
		}
	}
	one := normals{weight: make([]float64, len(mix)), mean: make([]float64, len(mix)), sd: make([]float64, len(mix))}
	total := normals{weight: one.weight, mean: make([]float64, len(mix)), sd: make([]float64, len(mix))}
	tail, actual := (1-in.Level)/2, 0.0
	for h, y := range in.Y[in.Pre:] {
		actual += y
		for i, c := range mix {
			one.weight[i] = c.weight
			one.mean[i], one.sd[i] = u.mean[0]+u.scale[0]*c.mean[h], u.scale[0]*math.Sqrt(c.variance[h])
			total.mean[i] += one.mean[i]
			total.sd[i] = u.scale[0] * math.Sqrt(c.total[h])
		}
		m, _ := one.moments()
		all, _ := total.moments()
		out.Points = append(out.Points, Point{
			Period: in.Pre + h, Actual: y, Predicted: m, Effect: y - m, Low: y - one.quantile(1-tail), High: y - one.quantile(tail),
			Cumulative: actual - all, CumulativeLow: actual - total.quantile(1-tail), CumulativeHigh: actual - total.quantile(tail),
		})
	}
	out.summarise(in, total, actual)
}

func (out *Bayesian) summarise(in BayesInput, total normals, actual float64) {
	m, sd := total.moments()
	last := out.Points[len(out.Points)-1]
	below := total.cdf(actual)
	out.TailArea = math.Min(below, 1-below)
	f := measure.Figure{Estimate: actual - m, Low: last.CumulativeLow, High: last.CumulativeHigh, StdErr: sd, P: math.Min(1, 2*out.TailArea)}
	n := float64(len(out.Points))
	mean := f
	mean.Estimate, mean.Low, mean.High, mean.StdErr = f.Estimate/n, f.Low/n, f.High/n, sd/n
	out.Result, out.Average = out.With(f), figureOf(mean)
	out.Lift = refusedFigure(NonPositiveBase)
	if low, high := actual-f.High, actual-f.Low; low > 0 {
		ends := [2]float64{actual/high - 1, actual/low - 1}
		out.Lift = figureOf(measure.Figure{Estimate: actual/m - 1, Low: math.Min(ends[0], ends[1]), High: math.Max(ends[0], ends[1]),
			StdErr: sd * math.Abs(actual) / (m * m), P: f.P})
	}
	if in.Pre < 2*len(out.Points) {
		out.Result = out.Warn(ShortHistory)
	}
	if out.Figure == nil || !finitePoints(out.Points) || !measure.Finite(out.SigmaNoise, out.SigmaLevel, out.TailArea) {
		bad := refusedFigure(measure.NotFinite)
		*out = Bayesian{Result: out.Refuse(measure.NotFinite), Average: bad, Lift: bad}
	}
}
