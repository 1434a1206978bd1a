// Package series estimates what a campaign changed from series over time: the treated units' series is compared with a counterfactual that the
// untreated ones predict. Three families, each with its own trust:
//
//   - TimeBasedRegression: one treated and one control total, ordinary least squares (Kerman, Wang, Vaver 2017).
//   - SyntheticControl: a weighted mean of control units, with or without unit effects, optionally ridge augmented, judged by permutation.
//   - Structural: a local level with static regression on control series, by Kalman filter.
//
// The package is pure: no I/O, no clock; randomness is a seed that the caller hands in. Every loop is bounded and every function may be called
// concurrently. A number that the data forbid is a measure.Reason in the result; inputs that contradict themselves (NaN, lengths that differ)
// are an error that names the field.
package series

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"cagnotte/pipeline/measure"
)

// Methods of this package.
const (
	MethodTBR           measure.Method = "time_based_regression"
	MethodSyntheticFE   measure.Method = "synthetic_control_fixed_effects"
	MethodSyntheticNoFE measure.Method = "synthetic_control_no_fe"
	MethodStructural    measure.Method = "local_level"
)

// Reasons of this package, in descending precedence; measure.NotFinite stands above them all, measure.ZeroVariance after TooFewPeriods.
const (
	TooFewPeriods     measure.Reason = "too_few_periods"    // too few periods before or during the campaign for the method
	NoTreatedUnit     measure.Reason = "no_treated_unit"    // no series is marked as treated
	NoControlUnit     measure.Reason = "no_control_unit"    // no control series (synthetic control: fewer than two donors)
	ConstantCovariate measure.Reason = "constant_covariate" // a control series does not move before the campaign: its slope has no meaning
	SingularMatrix    measure.Reason = "singular_matrix"    // control series that are (nearly) combinations of one another
	NotConverged      measure.Reason = "not_converged"      // the optimiser stopped without the certificate of its optimum
	NonPositiveBase   measure.Reason = "non_positive_base"  // a relative figure whose counterfactual may be zero or negative
	NoCost            measure.Reason = "no_cost"            // iROAS without an incremental cost above zero
	UnboundedInterval measure.Reason = "unbounded_interval" // the test rejects no effect at this level: the interval has no end
)

// Warnings of this package.
const (
	NotRandomised     measure.Warning = "not_randomised"     // nobody drew the treated units: the effect is a forecast error, which other events share
	SerialCorrelation measure.Warning = "serial_correlation" // residuals hang together in time: the regression's interval is too narrow
	PoorFit           measure.Warning = "poor_pre_fit"       // the counterfactual follows the series badly before the campaign
	CoarseTest        measure.Warning = "coarse_test"        // the smallest possible p of the permutation test is above 0.05
	PlacebosSampled   measure.Warning = "placebos_sampled"   // too many placebo sets to try all: a seeded sample was taken
	ShortHistory      measure.Warning = "short_history"      // fewer periods before the campaign than twice those during it
	VarianceAtEdge    measure.Warning = "variance_at_edge"   // a variance is estimated as zero: the level is fixed, or there is no noise
)

// Point is one period of the comparison, in the unit of the data. The interval of Effect is pointwise, that of Cumulative is for the running
// total since the campaign began. Before the campaign Effect is the fit's residual, and the interval and the total are 0.
type Point struct {
	Period         int     `json:"period"` // 0 is the first period of the data
	Actual         float64 `json:"actual"`
	Predicted      float64 `json:"predicted"` // counterfactual
	Effect         float64 `json:"effect"`    // Actual - Predicted
	Low            float64 `json:"low"`
	High           float64 `json:"high"`
	Cumulative     float64 `json:"cumulative"`
	CumulativeLow  float64 `json:"cumulative_low"`
	CumulativeHigh float64 `json:"cumulative_high"`
}

// Figure is a measure.Figure or the reason for its absence, never both: for the second and third figures that an estimator reports beside its
// main one.
type Figure struct {
	*measure.Figure
	Reason measure.Reason `json:"reason,omitempty"`
}

// figureOf keeps the figure when it is finite and the reason otherwise.
func figureOf(f measure.Figure) Figure {
	if r := (measure.Result{}).With(f); r.Figure == nil {
		return Figure{Reason: r.Reason}
	}
	return Figure{Figure: &f}
}

func refusedFigure(why measure.Reason) Figure { return Figure{Reason: why} }

// start is the empty result of a method. A design that is not given is taken as observational, with the warning.
func start(method measure.Method, design measure.Design, level float64, treated, control int) measure.Result {
	if design == "" {
		design = measure.Observational
	}
	r := measure.Result{Method: method, Design: design, Level: level, NTreatment: int64(treated), NControl: int64(control)}
	if design != measure.Randomised {
		r = r.Warn(NotRandomised)
	}
	return r
}

// checkSeries reports a value of the named slice that is not finite, or so large that a sum of its squares would overflow.
func checkSeries(name string, values []float64) error {
	for i, v := range values {
		if math.IsNaN(v) || math.Abs(v) > largest {
			return fmt.Errorf("%s[%d]: %v is not a number that can be computed with", name, i, v)
		}
	}
	return nil
}

// largest is the greatest magnitude accepted: its square times a million periods is still far from overflow.
const largest = 1e100

func checkLevel(level float64) error {
	if !measure.ValidLevel(level) {
		return fmt.Errorf("level: %v is not between 0 and 1", level)
	}
	return nil
}

func checkPre(pre, periods int) error {
	if pre < 0 || pre > periods {
		return fmt.Errorf("pre: %d is not between 0 and the %d periods given", pre, periods)
	}
	return nil
}

// bands holds the two quantiles of the Student t that all t intervals here use; df +Inf is the normal.
type bands struct {
	dist     distuv.StudentsT
	two, one float64 // of the two-sided and of the one-sided interval
}

func newBands(level, df float64) bands {
	d := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	return bands{dist: d, two: d.Quantile(1 - (1-level)/2), one: d.Quantile(level)}
}

// figure is the t interval around an estimate; without a standard error there is no test, and p is 1 or 0 as the estimate is nought or not.
func (b bands) figure(estimate, se float64) measure.Figure {
	f := measure.Figure{Estimate: estimate, Low: estimate - b.two*se, High: estimate + b.two*se, StdErr: se, DF: b.dist.Nu}
	f.P = math.Min(1, 2*b.dist.Survival(math.Abs(estimate/se)))
	f.MinDetectable = (b.two + b.dist.Quantile(0.8)) * se
	return f
}

// relative is the lift of an actual total over a counterfactual with a t predictive distribution: actual/counterfactual - 1 is monotone in the
// counterfactual while that is positive, so its interval is the image of the counterfactual's and exact (no delta method).
func (b bands) relative(actual, effect, se float64) Figure {
	base := actual - effect
	low, high := base-b.two*se, base+b.two*se
	if !(low > 0) {
		return refusedFigure(NonPositiveBase)
	}
	ends := [2]float64{actual/high - 1, actual/low - 1}
	return figureOf(measure.Figure{
		Estimate: actual/base - 1, Low: math.Min(ends[0], ends[1]), High: math.Max(ends[0], ends[1]), StdErr: se * math.Abs(actual) / (base * base),
		P: math.Min(1, 2*b.dist.Survival(math.Abs(effect/se))), DF: b.dist.Nu,
	})
}

func mean(x []float64) float64 { return sum(x) / float64(len(x)) }

// sum adds with Neumaier's compensation, so that a long series of large counts loses nothing to small ones.
func sum(x []float64) float64 {
	var s, c float64
	for _, v := range x {
		t := s + v
		if math.Abs(s) >= math.Abs(v) {
			c += (s - t) + v
		} else {
			c += (v - t) + s
		}
		s = t
	}
	return s + c
}

// varies reports whether x moves by more than rounding around its mean.
func varies(x []float64) bool {
	m, ss := mean(x), 0.0
	for _, v := range x {
		ss += (v - m) * (v - m)
	}
	return ss > 1e-24*float64(len(x))*m*m && ss > 0
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func finitePoints(points []Point) bool {
	for _, p := range points {
		if !measure.Finite(p.Actual, p.Predicted, p.Effect, p.Low, p.High, p.Cumulative, p.CumulativeLow, p.CumulativeHigh) {
			return false
		}
	}
	return true
}
