package members

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"cagnotte/pipeline/measure"
)

// Incremental is an amount that a campaign added: members x difference of means.
type Incremental struct {
	measure.Result
	PerMember *measure.Figure `json:"per_member,omitempty"` // the difference of means itself
}

// IncrementalMargin is the margin that the campaign added over all treated members, n_T (mean_T - mean_C), with Welch's interval times n_T
// (n_T is what it is, the members are the sample). The arms hold each assigned member's margin after discounts and before the campaign's cost,
// zeros of those who did not come included: an arm of buyers only is a selection.
func IncrementalMargin(t, c measure.Arm, o measure.Options) Incremental {
	o.Scale = measure.Absolute
	r := renamed(MethodIncrementalMargin, measure.Welch(t, c, o))
	if r.Figure == nil {
		return Incremental{Result: r}
	}
	per := *r.Figure
	n := float64(t.N)
	out := Incremental{Result: r.With(measure.Figure{Estimate: n * per.Estimate, Low: n * per.Low, High: n * per.High, StdErr: n * per.StdErr, P: per.P, DF: per.DF})}
	if out.Figure != nil {
		out.PerMember = &per
	}
	return out
}

// Return is what a campaign brought for what it cost.
type Return struct {
	measure.Result
	Incremental float64 `json:"incremental"` // margin (ROI) or sales (iROAS) added
	Cost        float64 `json:"cost"`        // that it took
	G           float64 `json:"g,omitempty"` // Fieller's g: above 0.02 the delta method would be rough, at 1 there is no interval
}

// ROI is (incremental margin - cost) / cost with a cost that is known: the interval is the margin's, P tests break-even (ROI = 0).
func ROI(t, c measure.Arm, cost float64, o measure.Options) Return {
	return perCost(MethodROI, t, c, cost, 1, o)
}

// IROAS is incremental sales / cost, the return on ad spend that counts only what would not have been sold anyway; P tests 0. Sales, not
// margin: an iROAS of 1 loses the cost of the goods.
func IROAS(t, c measure.Arm, cost float64, o measure.Options) Return {
	return perCost(MethodIROAS, t, c, cost, 0, o)
}

// perCost returns incremental / cost - less.
func perCost(m measure.Method, t, c measure.Arm, cost, less float64, o measure.Options) Return {
	add := IncrementalMargin(t, c, o)
	out := Return{Result: renamed(m, add.Result)}
	switch {
	case !measure.Finite(cost) || cost < 0:
		out.Result = out.Refuse(measure.NotFinite)
		return out
	case add.Figure == nil:
		return out
	case cost == 0:
		out.Result = out.Refuse(ZeroCost)
		return out
	}
	f := *add.Figure
	out.Incremental, out.Cost = f.Estimate, cost
	z := (f.Estimate - less*cost) / f.StdErr
	p := math.Min(1, 2*distuv.StudentsT{Sigma: 1, Nu: f.DF}.Survival(math.Abs(z)))
	out.Result = out.With(measure.Figure{
		Estimate: f.Estimate/cost - less, Low: f.Low/cost - less, High: f.High/cost - less, StdErr: f.StdErr / cost, P: p, DF: f.DF,
	})
	return out
}

// Pair is the sufficient statistics of two amounts of each member; X is the numerator, Y the denominator (margin and cost, reward and spend).
type Pair struct {
	N   int64   `json:"n"`
	SX  float64 `json:"sx"`
	SXX float64 `json:"sxx"`
	SY  float64 `json:"sy"`
	SYY float64 `json:"syy"`
	SXY float64 `json:"sxy"`
}

// Add counts one member.
func (p *Pair) Add(x, y float64) {
	p.N++
	p.SX += x
	p.SXX += x * x
	p.SY += y
	p.SYY += y * y
	p.SXY += x * y
}

// arms returns both amounts' means and variances, and their covariance.
func (p Pair) arms() (x, y measure.Arm, cov float64, err error) {
	if p.N < 0 || !measure.Finite(p.SX, p.SXX, p.SY, p.SYY, p.SXY) {
		return x, y, 0, fmt.Errorf("n: the sums are not finite or n is negative")
	}
	x = measure.Moments{N: p.N, Sum: p.SX, SumSq: p.SXX}.Arm()
	y = measure.Moments{N: p.N, Sum: p.SY, SumSq: p.SYY}.Arm()
	if p.N > 1 {
		cov = (p.SXY - p.SX*y.Mean) / float64(p.N-1)
	}
	// Cauchy-Schwarz: what is beyond it by more than rounding is not data; a constant amount has no covariance.
	limit := math.Sqrt(x.Var) * math.Sqrt(y.Var)
	if !measure.Finite(cov, limit) || math.Abs(cov) > limit*(1+1e-6)+cancellation*math.Sqrt(p.SXX)*math.Sqrt(p.SYY) {
		return x, y, 0, fmt.Errorf("sxy: contradicts the variances")
	}
	return x, y, math.Max(-limit, math.Min(limit, cov)), nil
}

// ROIRandomCost is ROI when the members' cost is part of the sample (rewards differ from member to member, and who buys more earns more): X is
// the margin, Y the cost of each assigned member, fixed the cost that does not depend on them. ROI = n_T (x_T - x_C) / (fixed + n_T (y_T - y_C))
// - 1 with Fieller's interval from the arms' variances and covariances per member; StdErr is the delta method's, P tests break-even. Refused
// with unbounded_ratio when the cost is not clearly above zero.
func ROIRandomCost(t, c Pair, fixed float64, o measure.Options) Return {
	xt, yt, covT, errT := t.arms()
	xc, yc, covC, errC := c.arms()
	add := IncrementalMargin(xt, xc, o)
	out := Return{Result: renamed(MethodROIFieller, add.Result)}
	if errT != nil || errC != nil || !measure.Finite(fixed) || fixed < 0 {
		out.Result = out.Refuse(measure.NotFinite)
		return out
	}
	if add.Figure == nil {
		return out
	}
	nt, nc := float64(t.N), float64(c.N)
	q := quotient{
		x: xt.Mean - xc.Mean, y: yt.Mean - yc.Mean + fixed/nt,
		vx: xt.Var/nt + xc.Var/nc, vy: yt.Var/nt + yc.Var/nc, cov: covT/nt + covC/nc,
	}
	out.Incremental, out.Cost = nt*q.x, nt*q.y
	out.Result, out.G = q.roi(out.Result)
	if !measure.Finite(out.Incremental, out.Cost, out.G) {
		out = Return{Result: out.Refuse(measure.NotFinite)}
	}
	return out
}

// quotient is x / y, both estimated.
type quotient struct{ x, y, vx, vy, cov float64 }

// fieller returns the ends of the quotient's interval (Fieller 1954): the roots in r of (x - r y)^2 = z^2 (vx - 2 r cov + r^2 vy). The
// quantities are scaled by y first, so that g = z^2 vy / y^2 is the only small number.
func (q quotient) fieller(z float64) (low, high, g float64, ok bool) {
	r, vx, vy, cov := q.x/q.y, q.vx/q.y/q.y, q.vy/q.y/q.y, q.cov/q.y/q.y
	g = z * z * vy
	if g >= 1 || q.y <= 0 {
		return 0, 0, g, false
	}
	h := z * z * cov
	mid := (r - h) / (1 - g)
	root := (r-h)*(r-h) - (1-g)*(r*r-z*z*vx)
	half := math.Sqrt(math.Max(0, root)) / (1 - g)
	return mid - half, mid + half, g, true
}

// delta returns the variance of the quotient to first order.
func (q quotient) delta() float64 {
	r := q.x / q.y
	return math.Max(0, q.vx/q.y/q.y+r*r*(q.vy/q.y/q.y)-2*r*(q.cov/q.y/q.y))
}

// roi finishes x / y - 1.
func (q quotient) roi(r measure.Result) (measure.Result, float64) {
	if q.y <= 0 {
		return r.Refuse(ZeroCost), 0
	}
	low, high, g, ok := q.fieller(quantile(r.Level))
	if !ok {
		return r.Refuse(UnboundedRatio), 0
	}
	if g > 0.02 {
		r = r.Warn(measure.UnstableRatio)
	}
	ratio, even := q.x/q.y, math.Max(0, q.vx+q.vy-2*q.cov)
	if even == 0 {
		return r.Refuse(measure.ZeroVariance), 0
	}
	return r.With(measure.Figure{
		Estimate: ratio - 1, Low: math.Min(ratio, low) - 1, High: math.Max(ratio, high) - 1, StdErr: math.Sqrt(q.delta()), P: twoSided((q.x - q.y) / math.Sqrt(even)),
	}), g
}

// RewardRate is issued value / qualifying spend, clustered by member (a ratio of means, delta method): X is the value issued to a member, Y the
// member's qualifying spend. The warning outside_guard_rail says that it is not within 1 % to 5 %, the trade's range of what works.
func RewardRate(p Pair, level float64) measure.Result {
	r := measure.Result{Method: MethodRewardRate, Design: measure.Descriptive, Level: level, NTreatment: p.N}
	x, y, cov, err := p.arms()
	switch {
	case err != nil || !measure.ValidLevel(level):
		return r.Refuse(measure.NotFinite)
	case p.N == 0:
		return r.Refuse(measure.EmptyArm)
	case p.N < 2:
		return r.Refuse(measure.TooFewMembers)
	case y.Mean <= 0:
		return r.Refuse(ZeroCost)
	}
	n := float64(p.N)
	q := quotient{x: x.Mean, y: y.Mean, vx: x.Var / n, vy: y.Var / n, cov: cov / n}
	rate, se := q.x/q.y, math.Sqrt(q.delta())
	if se <= cancellation*math.Abs(rate) {
		return r.Refuse(measure.ZeroVariance)
	}
	if rate < 0.01 || rate > 0.05 {
		r = r.Warn(OutsideGuardRail)
	}
	half := quantile(level) * se
	return r.With(measure.Figure{Estimate: rate, Low: rate - half, High: rate + half, StdErr: se, P: twoSided(rate / se)})
}

// CampaignCost is what a campaign costs whoever pays for it.
type CampaignCost struct {
	Issued         float64 `json:"issued"`                     // rewards issued, at face value
	PerUnit        float64 `json:"per_unit"`                   // cost of one unit of face value: 1 for a discount (revenue forgone), the cost of goods for a gift
	Breakage       float64 `json:"breakage"`                   // expected share never redeemed
	BreakageStdErr float64 `json:"breakage_std_err,omitempty"` // gives the cost its interval
	Funding        float64 `json:"funding,omitempty"`          // paid by suppliers
	Fixed          float64 `json:"fixed,omitempty"`            // set-up and media
}

// Net is the cost net of breakage and of suppliers' funding: issued x per unit x (1 - breakage) - funding + fixed.
func (c CampaignCost) Net(level float64) measure.Result {
	r := measure.Result{Method: MethodNetCost, Design: measure.Descriptive, Level: level}
	bad := !measure.ValidLevel(level) || !measure.Finite(c.Issued, c.PerUnit, c.Breakage, c.BreakageStdErr, c.Funding, c.Fixed)
	if bad || min(c.Issued, c.PerUnit, c.Breakage, c.BreakageStdErr, c.Funding, c.Fixed) < 0 || c.Breakage > 1 {
		return r.Refuse(measure.NotFinite)
	}
	face := c.Issued * c.PerUnit
	at := func(breakage float64) float64 { return face*(1-breakage) - c.Funding + c.Fixed }
	half := quantile(level) * c.BreakageStdErr
	if half == 0 {
		r = r.Warn(KnownRate)
	}
	return r.With(measure.Figure{
		Estimate: at(c.Breakage), Low: at(math.Min(1, c.Breakage+half)), High: at(math.Max(0, c.Breakage-half)), StdErr: face * c.BreakageStdErr, P: 1,
	})
}
