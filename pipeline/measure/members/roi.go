package members

import (
	"math"

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
	out := Incremental{Result: r.With(affine(per, float64(t.N), 0))}
	if out.Figure != nil {
		out.PerMember = &per
	}
	return out
}

// affine returns the figure of times x estimate - less; P still tests the estimate against 0.
func affine(f measure.Figure, times, less float64) measure.Figure {
	f.Estimate, f.Low, f.High = f.Estimate*times-less, f.Low*times-less, f.High*times-less
	f.StdErr *= times
	f.MinDetectable *= times
	return f
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
		out.Result = out.Refuse(measure.ZeroDivisor)
		return out
	}
	f := affine(*add.Figure, 1/cost, less)
	f.P = tailP((add.Figure.Estimate-less*cost)/add.Figure.StdErr, f.DF, f.Tail)
	out.Incremental, out.Cost = add.Figure.Estimate, cost
	out.Result = out.With(f)
	if out.Figure == nil {
		out.Incremental, out.Cost = 0, 0
	}
	return out
}

// tailP is the p of a Student's t; an infinite df is the normal.
func tailP(z, df float64, tail measure.Tail) float64 {
	switch tail {
	case measure.Greater:
		return measure.StudentTail(z, df)
	case measure.Less:
		return measure.StudentTail(-z, df)
	}
	return math.Min(1, 2*measure.StudentTail(math.Abs(z), df))
}

// ROIRandomCost is ROI when the members' cost is part of the sample (rewards differ from member to member, and who buys more earns more): Y is
// the margin and D the cost of each assigned member, fixed the cost that does not depend on them. ROI = n_T (Y_T - Y_C) / (fixed + n_T (D_T -
// D_C)) - 1 with Fieller's interval from the arms' variances and covariances per member; StdErr is the delta method's, P tests break-even.
// Refused with unbounded_ratio when the cost is not clearly above zero.
func ROIRandomCost(t, c measure.Joint, fixed float64, o measure.Options) Return {
	add := IncrementalMargin(t.Arm(), c.Arm(), o)
	out := Return{Result: renamed(MethodROIFieller, add.Result)}
	if !measure.Finite(fixed) || fixed < 0 || !possible(t) || !possible(c) {
		out.Result = out.Refuse(measure.NotFinite)
		return out
	}
	if add.Figure == nil {
		return out
	}
	nt, nc := float64(t.N), float64(c.N)
	q := quotient{
		x: t.Y - c.Y, y: t.D - c.D + fixed/nt,
		vx: t.YY/nt + c.YY/nc, vy: t.DD/nt + c.DD/nc, cov: t.YD/nt + c.YD/nc,
	}
	out.Result, out.G = q.roi(out.Result, o.Tail)
	out.Incremental, out.Cost = nt*q.x, nt*q.y
	if !measure.Finite(out.Incremental, out.Cost, out.G) {
		out = Return{Result: out.Refuse(measure.NotFinite)}
	}
	return out
}

// possible reports whether margin and cost can have come from data (Cauchy-Schwarz, but for rounding). A joint that is marked broken is left
// to the margin's own check, which knows the reason.
func possible(j measure.Joint) bool {
	if j.Broken != "" {
		return true
	}
	limit := math.Sqrt(j.YY) * math.Sqrt(j.DD)
	return measure.Finite(j.D, j.DD, j.YD, limit) && j.DD >= 0 && math.Abs(j.YD) <= limit*(1+1e-6)+cancellation*(j.YY+j.DD)
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
func (q quotient) roi(r measure.Result, tail measure.Tail) (measure.Result, float64) {
	if !(q.y > 0) {
		return r.Refuse(measure.ZeroDivisor), 0
	}
	z := quantile(r.Level)
	if tail != measure.TwoSided {
		z = math.Max(0, quantile(2*r.Level-1))
	}
	low, high, g, ok := q.fieller(z)
	if !ok {
		return r.Refuse(measure.Unbounded), 0
	}
	if g > 0.02 {
		r = r.Warn(measure.UnstableRatio)
	}
	ratio, even := q.x/q.y, q.vx+q.vy-2*q.cov
	if even <= cancellation*(q.vx+q.vy) {
		return r.Refuse(measure.ZeroVariance), 0
	}
	return r.With(measure.Figure{
		Estimate: ratio - 1, Low: math.Min(ratio, low) - 1, High: math.Max(ratio, high) - 1, StdErr: math.Sqrt(q.delta()),
		P: tailP((q.x-q.y)/math.Sqrt(even), math.Inf(1), tail), Tail: tail,
	}), g
}

// RewardRate is issued value / qualifying spend, clustered by member (a ratio of sums, delta method): Y is the value issued to a member, D the
// member's qualifying spend. The warning outside_guard_rail says that it is not within 1 % to 5 %, the trade's range of what works. P tests 0.
func RewardRate(j measure.Joint, level float64) measure.Result {
	r := measure.Result{Method: MethodRewardRate, Design: measure.Descriptive, Level: level, NTreatment: j.N}
	rate := j.RatioArm()
	switch {
	case !measure.ValidLevel(level):
		return r.Refuse(measure.NotFinite)
	case rate.Broken != "":
		return r.Refuse(rate.Broken)
	case rate.N == 0:
		return r.Refuse(measure.EmptyArm)
	case rate.N < 2:
		return r.Refuse(measure.TooFewMembers)
	case rate.Var == 0:
		return r.Refuse(measure.ZeroVariance)
	}
	if rate.Mean < 0.01 || rate.Mean > 0.05 {
		r = r.Warn(OutsideGuardRail)
	}
	se := math.Sqrt(rate.Var / float64(rate.N))
	half := quantile(level) * se
	return r.With(measure.Figure{Estimate: rate.Mean, Low: rate.Mean - half, High: rate.Mean + half, StdErr: se, P: twoSided(rate.Mean / se)})
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
