package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// MeanZ compares two means whose population variances are known (Arm.Var), not estimated, by a z test. With estimated variances use Welch.
// Source: ClickHouse meanZTest; there index 0 is the treatment. Options.Scale does not matter.
func MeanZ(t, c Arm, o Options) Result {
	o.Scale = Absolute
	r, e, ok := compare(MethodMeanZ, t.outcome(), c.outcome(), 0, o)
	if !ok {
		return r
	}
	e.df = 0
	return r.Warn(FixedHorizon).With(figure(e, criticalZ(o)*e.se, normalP(e.value/e.se, o.Tail), o))
}

// Covariance returns the sample covariance (n - 1) of pairs, two-pass, as ClickHouse's covarSampStable. Its error names the field: lists of
// different or too small length, a value that is not finite, a result beyond float64.
func Covariance(x, y []float64) (float64, error) {
	switch {
	case len(x) != len(y):
		return 0, fmt.Errorf("y: %d values for %d of x", len(y), len(x))
	case len(x) < 2:
		return 0, fmt.Errorf("x: %d values, at least 2 are needed", len(x))
	}
	for i := range x {
		if !Finite(x[i]) {
			return 0, fmt.Errorf("x[%d]: %v is not finite", i, x[i])
		}
		if !Finite(y[i]) {
			return 0, fmt.Errorf("y[%d]: %v is not finite", i, y[i])
		}
	}
	cov := stat.Covariance(x, y, nil)
	if math.IsNaN(cov) || math.IsInf(cov, 0) {
		return 0, fmt.Errorf("x, y: the covariance is beyond float64")
	}
	return cov, nil
}
