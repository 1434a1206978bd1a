package members

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"

	"cagnotte/pipeline/measure"
)

// CLVOptions of a lifetime value.
type CLVOptions struct {
	Steps    int     `json:"steps"`           // number of periods ahead
	Step     float64 `json:"step"`            // length of a period in the histories' unit of time
	Discount float64 `json:"discount"`        // per period: 0.01 is 1 %; purchases of period i count (1 + discount)^-i
	Margin   float64 `json:"margin"`          // share of the spend that is margin
	Level    float64 `json:"level"`           // of the interval
	Draws    int     `json:"draws,omitempty"` // 0: delta method; else this many draws of the parameters, at least 100
	Seed     uint64  `json:"seed,omitempty"`  // of the draws
}

// MemberValue is one member's future.
type MemberValue struct {
	Alive     float64 `json:"alive"`     // probability that the member has not left
	Purchases float64 `json:"purchases"` // expected over the whole horizon, not discounted
	Spend     float64 `json:"spend"`     // expected value of one of them
	CLV       float64 `json:"clv"`       // discounted margin
}

// CLV is the lifetime value of a group of members. The figure is the mean per member (weighted); its interval is about the models' parameters:
// a single member's fortune varies far more.
type CLV struct {
	measure.Result
	Total    float64       `json:"total"`
	Members  []MemberValue `json:"members"`            // in the order given
	Rejected int           `json:"rejected,omitempty"` // draws in which the mean spend does not exist
}

// Bounds of a lifetime value.
const (
	maxSteps = 1200 // a century of months
	minDraws = 100
	maxDraws = 10_000
	// maxWork bounds steps x histories x evaluations: beyond it the answer would take minutes.
	maxWork = 100_000_000
)

// LifetimeValue is, for each member, the sum over periods of expected purchases x expected spend x margin, discounted (Fader, Hardie & Lee
// 2005; Fader & Hardie 2013). The members need not be those that the models were fitted to.
//
// The interval is the delta method's on the logarithm of the mean, over the seven parameters, BG/NBD's and Gamma-Gamma's estimates being
// independent (their likelihoods share no parameter). With Draws it is a parametric bootstrap: quantiles of the mean over that many draws of the
// log parameters from their asymptotic normal distribution, which keeps the skewness. Both leave out that BG/NBD itself may be wrong: a window
// with a promotion, extrapolated, is (the warning beyond_data stands when the horizon is longer than anything observed).
//
// A refused model refuses the value with its reason, no_mean_spend also when a member without repeat purchases has no expected spend, and
// out_of_range when the horizon is too far.
func LifetimeValue(bg BGNBD, gg GammaGamma, rows []Customer, o CLVOptions) (CLV, error) {
	out := CLV{Result: measure.Result{Method: MethodCLV, Design: measure.Descriptive, Level: o.Level, NTreatment: int64(len(rows))}}
	if err := o.check(rows); err != nil {
		return out, err
	}
	for _, r := range []measure.Result{bg.Result, gg.Result} {
		for _, w := range r.Warnings {
			out.Result = out.Warn(w)
		}
		if r.Figure == nil && out.Reason == "" {
			out.Result = out.Refuse(r.Reason)
		}
	}
	if out.Reason == "" && len(rows) == 0 {
		out.Result = out.Refuse(measure.EmptyArm)
	}
	if out.Reason != "" {
		return out, nil
	}
	v := newValuer(rows, o)
	theta := slices.Concat(bg.theta, gg.theta)
	cov := blocks(bg.cov, gg.cov)
	out.Result = out.value(v, theta, cov)
	if out.Figure == nil {
		out.Members, out.Total = nil, 0
	}
	return out, nil
}

// check names the first option or row that cannot be.
func (o CLVOptions) check(rows []Customer) error {
	switch {
	case !measure.ValidLevel(o.Level):
		return checkLevel(o.Level)
	case o.Steps < 1 || o.Steps > maxSteps:
		return fmt.Errorf("steps: %d is not within 1 and %d", o.Steps, maxSteps)
	case !measure.Finite(o.Step) || o.Step <= 0:
		return fmt.Errorf("step: %v is not above 0", o.Step)
	case !measure.Finite(o.Discount) || o.Discount < 0:
		return fmt.Errorf("discount: %v is negative", o.Discount)
	case !measure.Finite(o.Margin) || o.Margin <= 0 || o.Margin > 1:
		return fmt.Errorf("margin: %v is not a share above 0", o.Margin)
	case o.Draws != 0 && (o.Draws < minDraws || o.Draws > maxDraws):
		return fmt.Errorf("draws: %d is not 0 nor within %d and %d", o.Draws, minDraws, maxDraws)
	case o.Steps*len(rows)*max(15, o.Draws) > maxWork:
		return fmt.Errorf("draws: %d over %d members and %d steps is too much work", o.Draws, len(rows), o.Steps)
	}
	for i, c := range rows {
		if err := c.check(); err != nil {
			return fmt.Errorf("customers[%d].%w", i, err)
		}
		if c.Frequency > 0 && c.Value <= 0 {
			return fieldError(i, "value", "a member with purchases after the first spent nothing in them")
		}
	}
	return nil
}

func fieldError(i int, field, what string) error {
	return fmt.Errorf("customers[%d].%s: %s", i, field, what)
}

// valuer values the same members under many parameters: it holds them in the order that lets neighbours share the series.
type valuer struct {
	o        CLVOptions
	rows     []Customer
	order    []int
	discount []float64 // (1 + d)^-i
}

func newValuer(rows []Customer, o CLVOptions) *valuer {
	v := &valuer{o: o, rows: rows, order: make([]int, len(rows)), discount: make([]float64, o.Steps)}
	for i := range v.order {
		v.order[i] = i
	}
	slices.SortStableFunc(v.order, func(i, j int) int { return byHistory(rows[i], rows[j]) })
	for i := range v.discount {
		v.discount[i] = math.Exp(-float64(i+1) * math.Log1p(o.Discount))
	}
	return v
}

// values calls each with the value of every member and returns the weighted mean and total of CLV; NaN when one does not exist.
func (v *valuer) values(theta []float64, each func(i int, m MemberValue)) (mean, sum float64) {
	p, g := bgParams(theta[:4]), ggParams(theta[4:])
	var weight, purchases, discounted float64
	for n, i := range v.order {
		c := v.rows[i]
		if last := v.rows[v.order[max(0, n-1)]]; n == 0 || c.Frequency != last.Frequency || c.T != last.T {
			purchases, discounted = v.stream(p, c)
		}
		spend, ok := g.Spend(c)
		if !ok || math.IsNaN(discounted) {
			return math.NaN(), math.NaN()
		}
		m := MemberValue{Alive: p.alive(c), Spend: spend}
		m.Purchases, m.CLV = m.Alive*purchases, m.Alive*discounted*spend*v.o.Margin
		sum += c.weight() * m.CLV
		weight += c.weight()
		if each != nil {
			each(i, m)
		}
	}
	return sum / weight, sum
}

// stream returns the expected purchases of a living member over the horizon, plain and discounted.
func (v *valuer) stream(p BGNBDParams, c Customer) (purchases, discounted float64) {
	for i, d := range v.discount {
		now := p.ifAlive(c, float64(i+1)*v.o.Step)
		discounted += d * (now - purchases)
		purchases = now
	}
	return purchases, discounted
}

// value is the figure, with the members' values.
func (c *CLV) value(v *valuer, theta []float64, cov *mat.SymDense) measure.Result {
	c.Members = make([]MemberValue, len(v.rows))
	sound := true
	mean, sum := v.values(theta, func(i int, m MemberValue) {
		c.Members[i] = m
		sound = sound && measure.Finite(m.Alive, m.Purchases, m.Spend, m.CLV)
	})
	if !sound || !measure.Finite(mean, sum) {
		return c.Refuse(OutOfRange)
	}
	c.Total = sum
	f := func(theta []float64) float64 { mean, _ := v.values(theta, nil); return mean }
	if v.o.Draws == 0 {
		return positive(c.Result, mean, deltaSE(f, theta, cov))
	}
	draws, ok := v.draw(f, theta, cov)
	c.Rejected = v.o.Draws - len(draws)
	// Where more than one draw in twenty has no mean spend, the quantiles of the others would be those of another question.
	if !ok || 20*c.Rejected > v.o.Draws {
		return c.Refuse(NoMeanSpend)
	}
	at := func(p float64) float64 { return stat.Quantile(p, stat.LinInterp, draws, nil) }
	low, high := math.Min(mean, at((1-v.o.Level)/2)), math.Max(mean, at((1+v.o.Level)/2))
	return c.With(measure.Figure{Estimate: mean, Low: low, High: high, StdErr: stat.StdDev(draws, nil), P: 1})
}

// draw returns the sorted values of f at draws of the parameters; those at which it does not exist are left out.
func (v *valuer) draw(f func([]float64) float64, theta []float64, cov *mat.SymDense) ([]float64, bool) {
	normal, ok := distmv.NewNormal(theta, cov, rand.NewPCG(v.o.Seed, 0))
	if !ok {
		return nil, false
	}
	var out []float64
	at := make([]float64, len(theta))
	for range v.o.Draws {
		normal.Rand(at)
		if value := f(at); measure.Finite(value) {
			out = append(out, value)
		}
	}
	slices.Sort(out)
	return out, len(out) > 1
}

// blocks joins two covariances of independent estimates.
func blocks(a, b *mat.SymDense) *mat.SymDense {
	n := a.SymmetricDim()
	out := mat.NewSymDense(n+b.SymmetricDim(), nil)
	for k, m := range []*mat.SymDense{a, b} {
		for i := range m.SymmetricDim() {
			for j := i; j < m.SymmetricDim(); j++ {
				out.SetSym(k*n+i, k*n+j, m.At(i, j))
			}
		}
	}
	return out
}
