package members

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// ChainLadder is a cohort x age triangle developed to its last age. The figure is the total still to come, over all cohorts.
type ChainLadder struct {
	measure.Result
	Factors  []float64   `json:"factors"`   // from each age to the next
	Sigma2   []float64   `json:"sigma2"`    // Mack's variance parameter of each factor
	FactorSE []float64   `json:"factor_se"` // standard error of each factor
	Rows     []Developed `json:"rows"`      // one per cohort, in the order given
	Total    Developed   `json:"total"`
	// Correlation is that of cohorts' successive factors; the method assumes none. Absent when there are too few cohorts to tell.
	Correlation *float64  `json:"correlation,omitempty"`
	volumes     []float64 // what each factor was estimated from
}

// Developed is one cohort developed to the last age.
type Developed struct {
	Latest   float64 `json:"latest"`   // cumulative amount observed so far
	Ultimate float64 `json:"ultimate"` // cumulative amount at the last age
	Open     float64 `json:"open"`     // still to come: ultimate - latest
	StdErr   float64 `json:"std_err"`  // root of the mean squared error of Open: process and estimation error
}

// maxCells bounds a triangle.
const maxCells = 1_000_000

// Mack develops a triangle of cumulative amounts by the chain ladder with Mack's distribution-free standard errors (ASTIN Bulletin 23, 1993,
// 213-225; the total's covariance is its corollary). Row i holds the ages observed of cohort i, from age 0 on; the longest row fixes the last
// age, after which nothing more may come. A variance of a factor that rests on one cohort is extrapolated by Mack's rule,
// min(s4/s2, s2, s) of the two before it. The interval of the total is log-normal with the same mean and mean squared error, as Mack proposes.
//
// Refused with zero_redemption when an age without any amount must be multiplied, and with too_few_cohorts when no variance can be estimated.
func Mack(cumulative [][]float64, level float64) (ChainLadder, error) {
	out := ChainLadder{Result: measure.Result{Method: MethodChainLadder, Design: measure.Descriptive, Level: level, NTreatment: int64(len(cumulative))}}
	if err := checkLevel(level); err != nil {
		return out, err
	}
	ages, err := checkTriangle(cumulative)
	if err != nil {
		return out, err
	}
	if len(cumulative) < 2 || ages < 2 {
		out.Result = out.Refuse(TooFewCohorts)
		return out, nil
	}
	if why := out.develop(cumulative, ages); why != "" {
		// Half of a development is none: the factors found so far would be read as an answer.
		out.Factors, out.Sigma2, out.FactorSE, out.Rows, out.Total = nil, nil, nil, nil, Developed{}
		out.Result = out.Refuse(why)
		return out, nil
	}
	if len(cumulative) < 5 {
		out.Result = out.Warn(FewCohorts)
	}
	if t, z, ok := factorCorrelation(cumulative, ages); ok && measure.Finite(t, z) {
		out.Correlation = &t
		if z > correlationLimit {
			out.Result = out.Warn(CorrelatedFactors)
		}
	}
	out.Result = out.total(quantile(level))
	return out, nil
}

// checkTriangle returns the number of ages.
func checkTriangle(rows [][]float64) (ages int, err error) {
	cells := 0
	for i, row := range rows {
		if len(row) == 0 {
			return 0, fmt.Errorf("rows[%d]: no age observed", i)
		}
		for j, v := range row {
			if !measure.Finite(v) || v < 0 {
				return 0, fmt.Errorf("rows[%d][%d]: %v is not an amount", i, j, v)
			}
		}
		ages = max(ages, len(row))
		cells += len(row)
	}
	// The covariance of the total looks at each pair of cohorts.
	if cells > maxCells || len(rows)*len(rows) > maxCells {
		return 0, fmt.Errorf("rows: the triangle has more than %d cells or pairs of cohorts", maxCells)
	}
	return ages, nil
}

// develop estimates the factors and develops each row.
func (c *ChainLadder) develop(rows [][]float64, ages int) measure.Reason {
	for k := range ages - 1 {
		if why := c.factor(rows, k); why != "" {
			return why
		}
	}
	for _, row := range rows {
		c.Rows = append(c.Rows, c.row(row))
	}
	c.sum(rows)
	return ""
}

// factor estimates the development from age k to k + 1.
func (c *ChainLadder) factor(rows [][]float64, k int) measure.Reason {
	var from, to float64
	n := 0
	for _, row := range rows {
		if len(row) > k+1 {
			from += row[k]
			to += row[k+1]
			n++
		}
	}
	f := to / from
	if !measure.Finite(from, to, f) {
		if from == 0 {
			return ZeroRedemption
		}
		return measure.NotFinite
	}
	if f == 0 {
		return ZeroRedemption
	}
	var ss float64
	for _, row := range rows {
		if len(row) > k+1 && (row[k] > 0 || row[k+1] > 0) {
			if row[k] == 0 {
				return ZeroRedemption // out of nothing came something: no factor does that
			}
			d := row[k+1]/row[k] - f
			ss += row[k] * d * d
		}
	}
	s2 := ss / float64(n-1)
	if n == 1 {
		if k == 0 {
			return TooFewCohorts
		}
		s2 = extrapolated(c.Sigma2)
	}
	c.Factors, c.Sigma2, c.FactorSE = append(c.Factors, f), append(c.Sigma2, s2), append(c.FactorSE, math.Sqrt(s2/from))
	c.volumes = append(c.volumes, from)
	return ""
}

// extrapolated is Mack's rule for a factor that rests on one cohort; with a single variance before it that one is taken.
func extrapolated(sigma2 []float64) float64 {
	last := sigma2[len(sigma2)-1]
	if len(sigma2) == 1 {
		return last
	}
	before := sigma2[len(sigma2)-2]
	if before == 0 {
		return 0
	}
	return min(last/before*last, before, last)
}

// row develops one cohort; its mean squared error is Mack's theorem 3.
func (c *ChainLadder) row(row []float64) Developed {
	d := Developed{Latest: row[len(row)-1]}
	d.Ultimate = d.Latest
	var relative float64
	for k := len(row) - 1; k < len(c.Factors); k++ {
		if d.Ultimate > 0 {
			relative += c.Sigma2[k] / (c.Factors[k] * c.Factors[k]) * (1/d.Ultimate + 1/c.volumes[k])
		}
		d.Ultimate *= c.Factors[k]
	}
	d.Open = d.Ultimate - d.Latest
	d.StdErr = d.Ultimate * math.Sqrt(relative)
	return d
}

// sum adds up the cohorts; they share the factors, so their estimation errors are correlated.
func (c *ChainLadder) sum(rows [][]float64) {
	shared := make([]float64, len(c.Factors)+1) // from an age on: sum of sigma2 / (f2 volume)
	for k := len(c.Factors) - 1; k >= 0; k-- {
		shared[k] = shared[k+1] + c.Sigma2[k]/(c.Factors[k]*c.Factors[k])/c.volumes[k]
	}
	var mse float64
	for i, d := range c.Rows {
		c.Total.Latest += d.Latest
		c.Total.Ultimate += d.Ultimate
		c.Total.Open += d.Open
		mse += d.StdErr * d.StdErr
		for j := range i {
			from := max(len(rows[i]), len(rows[j])) - 1
			mse += 2 * d.Ultimate * c.Rows[j].Ultimate * shared[from]
		}
	}
	c.Total.StdErr = math.Sqrt(mse)
}

// total is the figure.
func (c *ChainLadder) total(z float64) measure.Result {
	if !c.finite() {
		c.Factors, c.Sigma2, c.FactorSE, c.Rows, c.Total = nil, nil, nil, nil, Developed{}
		return c.Refuse(measure.NotFinite)
	}
	if c.Total.StdErr == 0 {
		return c.Refuse(measure.ZeroVariance)
	}
	low, high := c.Total.Open-z*c.Total.StdErr, c.Total.Open+z*c.Total.StdErr
	if c.Total.Open > 0 { // below zero only when amounts shrink with age, as corrections do: then the normal stands
		low, high = logNormal(c.Total.Open, c.Total.StdErr, z)
	}
	return c.With(measure.Figure{Estimate: c.Total.Open, Low: low, High: high, StdErr: c.Total.StdErr, P: 1})
}

func (c *ChainLadder) finite() bool {
	ok := measure.Finite(c.Factors...) && measure.Finite(c.Sigma2...) && measure.Finite(c.FactorSE...)
	for _, d := range append(c.Rows[:len(c.Rows):len(c.Rows)], c.Total) {
		ok = ok && measure.Finite(d.Latest, d.Ultimate, d.Open, d.StdErr)
	}
	return ok
}

// logNormal returns the interval of a log-normal with this mean and standard deviation, widened to hold the mean.
func logNormal(mean, sd, z float64) (low, high float64) {
	s2 := math.Log1p(sd / mean * (sd / mean))
	mid, s := math.Log(mean)-s2/2, math.Sqrt(s2)
	return math.Min(mean, math.Exp(mid-z*s)), math.Max(mean, math.Exp(mid+z*s))
}
