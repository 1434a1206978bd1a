package panel

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/stat/distuv"
)

// Pair is one unit before and after; NaN where it was not seen.
type Pair struct {
	Unit          string
	Treated       bool
	Before, After float64
}

// Group is the mean of an arm in one period over the units seen then.
type Group struct {
	N      int     `json:"n"`
	Mean   float64 `json:"mean"`
	StdErr float64 `json:"std_err"` // of the mean, n - 1
}

// TwoByTwoResult is the table of a 2x2 difference-in-differences. The Result's figure is the balanced estimate with Welch's interval.
type TwoByTwoResult struct {
	measure.Result
	TreatedBefore Group           `json:"treated_before"`
	TreatedAfter  Group           `json:"treated_after"`
	ControlBefore Group           `json:"control_before"`
	ControlAfter  Group           `json:"control_after"`
	All           *measure.Figure `json:"all,omitempty"` // from the four means, whoever was seen; CR1 by unit, t with units - 1
	AllReason     measure.Reason  `json:"all_reason,omitempty"`
	NBalanced     [2]int          `json:"n_balanced"` // treated, control units seen in both periods
}

// TwoByTwo compares the change of the treated with the change of the others. Balanced: units seen in both periods, Welch's t on the change
// (Card and Krueger 1994, table 3, row 4). All: the difference of the four means over whoever was seen (row 3), with the cluster-robust error of
// the saturated regression by unit, because the same unit's two outcomes go together. An infinite outcome is an error.
func TwoByTwo(pairs []Pair, o Options) (TwoByTwoResult, error) {
	var change, before, after [2]running // treated, control
	for i, p := range pairs {
		if math.IsInf(p.Before, 0) || math.IsInf(p.After, 0) {
			return TwoByTwoResult{}, fmt.Errorf("pairs[%d]: unit %q has an infinite outcome", i, p.Unit)
		}
		arm := armOf(p.Treated)
		before[arm].addSeen(p.Before)
		after[arm].addSeen(p.After)
		change[arm].addSeen(p.After - p.Before)
	}
	r := TwoByTwoResult{
		Result:        o.result(MethodTwoByTwo, change[0].n, change[1].n),
		TreatedBefore: before[0].group(), TreatedAfter: after[0].group(), ControlBefore: before[1].group(), ControlAfter: after[1].group(),
		NBalanced: [2]int{change[0].n, change[1].n},
	}
	all := saturated(r.Result, pairs, before, after)
	r.All, r.AllReason = all.Figure, all.Reason
	r.Result = welch(r.Result, change[0], change[1])
	return r, finiteGroups(&r)
}

// finiteGroups replaces a table that overflowed by nothing: a mean of numbers near the largest float has no place in an answer.
func finiteGroups(r *TwoByTwoResult) error {
	for _, g := range []Group{r.TreatedBefore, r.TreatedAfter, r.ControlBefore, r.ControlAfter} {
		if !measure.Finite(g.Mean, g.StdErr) {
			return fmt.Errorf("pairs: the outcomes overflow (mean %g, standard error %g)", g.Mean, g.StdErr)
		}
	}
	return nil
}

func armOf(treated bool) int {
	if treated {
		return 0
	}
	return 1
}

// welch finishes r with Welch's t on one value per unit: treated minus control.
func welch(r measure.Result, t, c running) measure.Result {
	switch {
	case !measure.ValidLevel(r.Level):
		return r.Refuse(measure.NotFinite)
	case t.n == 0:
		return r.Refuse(NoTreatedUnit)
	case c.n == 0:
		return r.Refuse(NoControlUnit)
	case t.n < 2 || c.n < 2:
		return r.Refuse(TooFewUnits)
	}
	a, b := t.variance()/float64(t.n), c.variance()/float64(c.n)
	s := a + b
	if t.constant() && c.constant() {
		return r.Refuse(measure.ZeroVariance)
	}
	df := 1 / ((a/s)*(a/s)/float64(t.n-1) + (b/s)*(b/s)/float64(c.n-1))
	return r.With(tFigure(t.mean-c.mean, math.Sqrt(s), df, r.Level))
}

// tFigure is the two-sided t interval of an estimate.
func tFigure(estimate, se, df, level float64) measure.Figure {
	if !measure.Finite(estimate, se, df) || se <= 0 || df <= 0 {
		return measure.Figure{Estimate: math.NaN()} // With turns it into NotFinite
	}
	dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	half := dist.Quantile(1-(1-level)/2) * se
	p := math.Min(1, 2*dist.Survival(math.Abs(estimate/se)))
	return measure.Figure{Estimate: estimate, Low: estimate - half, High: estimate + half, StdErr: se, P: p, DF: df}
}

// normalFigure is the two-sided normal interval of an estimate.
func normalFigure(estimate, se, level float64) measure.Figure {
	if !measure.Finite(estimate, se) || se <= 0 {
		return measure.Figure{Estimate: math.NaN()}
	}
	half := distuv.UnitNormal.Quantile(1-(1-level)/2) * se
	p := math.Min(1, 2*distuv.UnitNormal.Survival(math.Abs(estimate/se)))
	return measure.Figure{Estimate: estimate, Low: estimate - half, High: estimate + half, StdErr: se, P: p}
}

// saturated is the regression on treated, after and their product over all observations, clustered by unit: CR1 with G/(G-1) x (N-1)/(N-4).
// With dummies only, a unit's score for the interaction is its deviations from its cells' means, each over the cell's n.
func saturated(r measure.Result, pairs []Pair, before, after [2]running) measure.Result {
	switch {
	case !measure.ValidLevel(r.Level):
		return r.Refuse(measure.NotFinite)
	case before[0].n == 0 || after[0].n == 0:
		return r.Refuse(NoTreatedUnit)
	case before[1].n == 0 || after[1].n == 0:
		return r.Refuse(NoControlUnit)
	case min(before[0].n, after[0].n, before[1].n, after[1].n) < 2:
		return r.Refuse(TooFewUnits)
	case before[0].constant() && after[0].constant() && before[1].constant() && after[1].constant():
		return r.Refuse(measure.ZeroVariance)
	}
	var sum float64
	units, obs := 0, 0
	for _, p := range pairs {
		arm := armOf(p.Treated)
		score, seen := 0.0, 0
		if !math.IsNaN(p.Before) {
			score -= (p.Before - before[arm].mean) / float64(before[arm].n)
			seen++
		}
		if !math.IsNaN(p.After) {
			score += (p.After - after[arm].mean) / float64(after[arm].n)
			seen++
		}
		if seen > 0 {
			units, obs, sum = units+1, obs+seen, sum+score*score
		}
	}
	g, n := float64(units), float64(obs)
	se := math.Sqrt(sum * g / (g - 1) * (n - 1) / (n - 4))
	estimate := after[0].mean - before[0].mean - (after[1].mean - before[1].mean)
	return r.With(tFigure(estimate, se, g-1, r.Level))
}
