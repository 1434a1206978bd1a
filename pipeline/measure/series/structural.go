package series

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// StructuralInput is a treated series and control series of the same periods, the first Pre of them before the campaign. The controls must not
// be touched by the campaign.
type StructuralInput struct {
	Y        []float64      `json:"y"`
	Controls [][]float64    `json:"controls,omitempty"` // one series each; none: a local level alone
	Pre      int            `json:"pre"`
	Level    float64        `json:"level"`
	Design   measure.Design `json:"design,omitempty"`
}

// Structural is the answer of StructuralCounterfactual. Result.Figure is the cumulative effect; P is two-sided against none.
type Structural struct {
	measure.Result
	Average       Figure      `json:"average"` // effect per period of the campaign
	Lift          Figure      `json:"lift"`    // effect over counterfactual
	SigmaNoise    float64     `json:"sigma_noise"`
	SigmaLevel    float64     `json:"sigma_level"`    // standard deviation of the walk's step
	LogLikelihood float64     `json:"log_likelihood"` // diffuse, as statsmodels' exact diffuse initialisation counts it
	Coefficients  []Estimate  `json:"coefficients"`   // of the controls
	Levels        []Estimate  `json:"levels"`         // smoothed, periods before the campaign
	Innovations   Diagnostics `json:"innovations"`    // one-step forecast errors before the campaign
	Points        []Point     `json:"points"`
}

// Estimate is a value and its standard error.
type Estimate struct {
	Value  float64 `json:"value"`
	StdErr float64 `json:"std_err"`
}

// The fewest periods before the campaign: for two variances, and above the coefficients.
const (
	minStructural = 10
	minSpare      = 5
)

// StructuralCounterfactual forecasts the treated series from a local level plus a static regression on the controls and takes the difference to
// what came: y_t = mu_t + x_t'beta + e_t, mu_(t+1) = mu_t + h_t. The variances are estimated by maximum likelihood; the first level and the
// coefficients have a diffuse prior, so that their uncertainty is in every interval, as is the correlation of the forecast errors in the
// total's. Since the overall scale is estimated, intervals are Student's with n - 1 - controls degrees of freedom; the ratio of the variances
// counts as known, which costs coverage (a 90 % interval held the truth in 85 % of 2 000 worlds of 60 periods). Without a
// walk (sigma_level 0) and with one control it is TimeBasedRegression exactly.
//
// It has the model of R's CausalImpact (Brodersen et al. 2015, Annals of Applied Statistics 9) without its priors: CausalImpact pulls the walk
// towards a hundredth of the series' standard deviation and the noise towards an R2 of 0.8, which the README compares.
func StructuralCounterfactual(in StructuralInput) (Structural, error) {
	if err := in.check(); err != nil {
		return Structural{}, err
	}
	out := Structural{Result: start(MethodStructural, in.Design, in.Level, 1, len(in.Controls))}
	refuse := func(why measure.Reason) (Structural, error) {
		out.Result, out.Average, out.Lift = out.Refuse(why), refusedFigure(why), refusedFigure(why)
		return out, nil
	}
	k := len(in.Controls) + 1
	if in.Pre < minStructural || in.Pre-k < minSpare || in.Pre == len(in.Y) {
		return refuse(TooFewPeriods)
	}
	m, u, why := in.model()
	if why != "" {
		return refuse(why)
	}
	r, why := m.fit()
	if why != "" {
		return refuse(why)
	}
	out.describe(in, m, u, r)
	out.effects(in, m, u, r)
	return out.finite(), nil
}

func (in StructuralInput) check() error {
	if err := checkSeries("y", in.Y); err != nil {
		return err
	}
	for j, c := range in.Controls {
		name := fmt.Sprintf("controls[%d]", j)
		if len(c) != len(in.Y) {
			return fmt.Errorf("%s: %d periods, y has %d", name, len(c), len(in.Y))
		}
		if err := checkSeries(name, c); err != nil {
			return err
		}
	}
	if err := checkPre(in.Pre, len(in.Y)); err != nil {
		return err
	}
	return checkLevel(in.Level)
}

// units takes the scaled model back to the data's: y = mean[0] + scale[0] z, and so for each control.
type units struct {
	mean, scale []float64
}

// model centres and scales by the periods before the campaign: counts in the millions beside shares would spoil the normal equations.
func (in StructuralInput) model() (localLevel, units, measure.Reason) {
	m := localLevel{n: in.Pre, k: len(in.Controls) + 1}
	u := units{}
	z := func(x []float64) []float64 {
		mu := mean(x[:in.Pre])
		out := make([]float64, len(x))
		for t := range x {
			out[t] = x[t] - mu
		}
		sd := norm(out[:in.Pre]) / math.Sqrt(float64(in.Pre-1))
		for t := range out {
			out[t] /= sd
		}
		u.mean, u.scale = append(u.mean, mu), append(u.scale, sd)
		return out
	}
	if !varies(in.Y[:in.Pre]) {
		return m, u, measure.ZeroVariance
	}
	m.y = z(in.Y)[:in.Pre]
	ones := make([]float64, len(in.Y))
	for t := range ones {
		ones[t] = 1
	}
	m.d = append(m.d, ones)
	for _, c := range in.Controls {
		if !varies(c[:in.Pre]) {
			return m, u, ConstantCovariate
		}
		m.d = append(m.d, z(c))
	}
	return m, u, ""
}

// describe fills what was estimated, in the data's units.
func (out *Structural) describe(in StructuralInput, m localLevel, u units, r filtered) {
	sy := u.scale[0]
	out.SigmaNoise, out.SigmaLevel = sy*math.Sqrt(r.s2*(1-r.share)), sy*math.Sqrt(r.s2*r.share)
	out.LogLikelihood = r.like - float64(m.n-m.k)*math.Log(sy)
	base := make([]float64, m.k) // of the level at x = 0, the data's nought
	base[0] = 1
	for j := 1; j < m.k; j++ {
		out.LogLikelihood -= math.Log(u.scale[j])
		base[j] = -u.mean[j] / u.scale[j]
		unit := make([]float64, m.k)
		unit[j] = 1
		c := sy / u.scale[j]
		out.Coefficients = append(out.Coefficients, Estimate{Value: c * r.delta[j], StdErr: c * math.Sqrt(r.s2*r.quad(unit))})
	}
	level, variance := m.smoothed(r, base)
	e := make([]float64, m.n)
	for t := range level {
		out.Levels = append(out.Levels, Estimate{Value: u.mean[0] + sy*level[t], StdErr: sy * math.Sqrt(math.Max(0, variance[t]))})
		e[t] = r.innovation(t) / math.Sqrt(r.f[t])
		predicted := out.Levels[t].Value
		for j, c := range out.Coefficients {
			predicted += c.Value * in.Controls[j][t]
		}
		out.Points = append(out.Points, Point{Period: t, Actual: in.Y[t], Predicted: predicted, Effect: in.Y[t] - predicted})
	}
	out.Innovations = diagnose(e)
	if out.Innovations.Correlated {
		out.Result = out.Warn(SerialCorrelation)
	}
	if r.share == 0 || r.share == 1 {
		out.Result = out.Warn(VarianceAtEdge)
	}
	if in.Pre < 2*(len(in.Y)-in.Pre) {
		out.Result = out.Warn(ShortHistory)
	}
}

// effects fills the intervals.
func (out *Structural) effects(in StructuralInput, m localLevel, u units, r filtered) {
	b := newBands(in.Level, float64(m.n-m.k))
	sy := u.scale[0]
	total, se := 0.0, 0.0
	for h, f := range m.forecasts(r, len(in.Y)-in.Pre) {
		t := in.Pre + h
		p := Point{Period: t, Actual: in.Y[t], Predicted: u.mean[0] + sy*f.mean}
		p.Effect = p.Actual - p.Predicted
		half := b.two * sy * math.Sqrt(f.variance)
		p.Low, p.High = p.Effect-half, p.Effect+half
		total += p.Effect
		se = sy * math.Sqrt(f.total)
		p.Cumulative, p.CumulativeLow, p.CumulativeHigh = total, total-b.two*se, total+b.two*se
		out.Points = append(out.Points, p)
	}
	n := float64(len(in.Y) - in.Pre)
	out.Result = out.With(b.figure(total, se))
	out.Average = figureOf(b.figure(total/n, se/n))
	out.Lift = b.relative(sum(in.Y[in.Pre:]), total, se)
}

// finite refuses everything when a detail overflowed.
func (out Structural) finite() Structural {
	ok := measure.Finite(out.SigmaNoise, out.SigmaLevel, out.LogLikelihood)
	for _, e := range append(out.Levels[:len(out.Levels):len(out.Levels)], out.Coefficients...) {
		ok = ok && measure.Finite(e.Value, e.StdErr)
	}
	ok = ok && finitePoints(out.Points)
	if ok {
		return out
	}
	return Structural{Result: out.Refuse(measure.NotFinite), Average: refusedFigure(measure.NotFinite), Lift: refusedFigure(measure.NotFinite)}
}
