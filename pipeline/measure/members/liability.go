package members

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// LiabilityInput is what a sale with rewards promised, and what was redeemed since. Amounts of money in any one currency, points in units.
// One of ExpectedRedeemed and RedemptionRate is needed (both must agree), and one of PointValue and Allocated.
type LiabilityInput struct {
	Sales            float64  `json:"sales"`                                 // price received for goods and points together; the goods' stand-alone price
	Points           float64  `json:"points"`                                // issued with the sales
	PointValue       *float64 `json:"point_value,omitempty"`                 // discount that one point buys
	ExpectedRedeemed *float64 `json:"expected_redeemed,omitempty"`           // points that will be redeemed in all
	RedemptionRate   *float64 `json:"redemption_rate,omitempty"`             // the same as a share of Points
	RedemptionStdErr *float64 `json:"redemption_std_err,omitempty"`          // of the rate; gives the liability its interval
	Allocated        *float64 `json:"allocated_to_points_rounded,omitempty"` // the books' allocation, when it is already made
	ShareDecimals    *int     `json:"share_decimals,omitempty"`              // see DefaultShareDecimals
	Periods          []Period `json:"periods,omitempty"`                     // after the sale, in order
	Level            float64  `json:"level"`
}

// Period is one period after the sale.
type Period struct {
	Redeemed float64  `json:"redeemed"`           // points redeemed in the period
	Expected *float64 `json:"expected,omitempty"` // points expected to be redeemed in all, as estimated at its end; absent: unchanged
}

// Release is the revenue of one period.
type Release struct {
	Redeemed float64 `json:"redeemed"` // so far
	Expected float64 `json:"expected"` // in all
	Revenue  float64 `json:"revenue"`  // of the period; negative when a raised estimate takes revenue back
	Open     float64 `json:"open"`     // liability at its end
}

// Liability is the contract liability of rewards. The figure is the exact allocation at the sale, before posting.
type Liability struct {
	measure.Result
	Goods            float64   `json:"goods"`             // revenue of the sale itself, as posted
	Liability        float64   `json:"liability"`         // allocated to the points, as posted
	Exact            float64   `json:"liability_exact"`   // before rounding
	StandAlone       float64   `json:"stand_alone"`       // of the points: points x value x rate; 0 when the value was not given
	ExpectedRedeemed float64   `json:"expected_redeemed"` // at the sale
	RedemptionRate   float64   `json:"redemption_rate"`   // at the sale
	Breakage         float64   `json:"breakage"`          // 1 - rate
	ReleasedAtHalf   float64   `json:"released_at_50pct"` // revenue once half of the expected redemptions have happened
	Periods          []Release `json:"periods,omitempty"`
	Open             float64   `json:"open"` // liability after the last period
}

// DefaultShareDecimals is the precision of the posted share of the price that goes to points: a permille, rounded up, as published worked
// examples carry the share with few digits (92.1 % goods and 7.9 % points of 2000 / 2170). Rounding up never understates what is owed, and
// the posted amount never exceeds the points' stand-alone price, so that a small promise is not inflated to a permille of the sales. The
// exact allocation stands beside it in Liability.Exact and in the figure; ShareDecimals 12 posts that.
const DefaultShareDecimals = 3

// BreakageLiability allocates a sale's price to the goods and to the points by relative stand-alone prices, the points' price taken with the
// likelihood of redemption (IFRS 15.74, B42), and releases the points' part as they are redeemed in proportion to all that are expected to be
// (B46): revenue so far = allocated x redeemed so far / expected in all, a change of the estimate caught up in the period that makes it
// (examples: IFRS 15.IE267-270, KPMG handbook 10A and 10B).
//
// Estimate the rate with BreakageByCohort or MaturedBreakage and pass its standard error: the figure's interval is the delta method's. Without
// one the interval is the point itself, with the warning known_rate.
func BreakageLiability(in LiabilityInput) (Liability, error) {
	out := Liability{Result: measure.Result{Method: MethodLiability, Design: measure.Descriptive, Level: in.Level}}
	if err := in.check(); err != nil {
		return out, err
	}
	expected, err := in.expected()
	if err != nil {
		return out, err
	}
	out.ExpectedRedeemed, out.RedemptionRate, out.Breakage = expected, expected/in.Points, 1-expected/in.Points
	slope, err := out.allocate(in)
	if err != nil {
		return out, err
	}
	out.ReleasedAtHalf = out.Liability / 2
	if err := out.release(in.Periods, expected); err != nil {
		return out, err
	}
	out.Result = out.figure(in, slope)
	if !measure.Finite(out.Goods, out.Liability, out.Exact, out.StandAlone, out.Open, out.RedemptionRate) {
		out = Liability{Result: out.Refuse(measure.NotFinite)}
	}
	return out, nil
}

// check names the first field that cannot be.
func (in LiabilityInput) check() error {
	if err := checkLevel(in.Level); err != nil {
		return err
	}
	positive := []struct {
		name string
		v    float64
	}{{"sales", in.Sales}, {"points", in.Points}}
	for _, f := range positive {
		if !measure.Finite(f.v) || f.v <= 0 {
			return fmt.Errorf("%s: %v is not above 0", f.name, f.v)
		}
	}
	optional := []struct {
		name string
		v    *float64
		most float64
	}{
		{"point_value", in.PointValue, math.MaxFloat64}, {"expected_redeemed", in.ExpectedRedeemed, in.Points}, {"redemption_rate", in.RedemptionRate, 1},
		{"redemption_std_err", in.RedemptionStdErr, math.MaxFloat64}, {"allocated_to_points_rounded", in.Allocated, in.Sales},
	}
	for _, f := range optional {
		if f.v != nil && !(*f.v >= 0 && *f.v <= f.most) {
			return fmt.Errorf("%s: %v is not within 0 and %v", f.name, *f.v, f.most)
		}
	}
	if d := in.ShareDecimals; d != nil && (*d < 0 || *d > 12) {
		return fmt.Errorf("share_decimals: %d is not within 0 and 12", *d)
	}
	if in.PointValue == nil && in.Allocated == nil {
		return fmt.Errorf("point_value: missing, and allocated_to_points_rounded too")
	}
	return nil
}

// expected returns the points that will be redeemed in all.
func (in LiabilityInput) expected() (float64, error) {
	e, r := in.ExpectedRedeemed, in.RedemptionRate
	switch {
	case e == nil && r == nil:
		return 0, fmt.Errorf("expected_redeemed: missing, and redemption_rate too")
	case e == nil:
		return in.Points * *r, nil
	case r != nil && math.Abs(*e-in.Points**r) > 1e-6*in.Points:
		return 0, fmt.Errorf("expected_redeemed: %v of %v points contradicts redemption_rate %v", *e, in.Points, *r)
	}
	return *e, nil
}

// allocate splits the price and returns the slope of the allocation in the redemption rate.
func (l *Liability) allocate(in LiabilityInput) (slope float64, err error) {
	if in.PointValue != nil {
		full := in.Points * *in.PointValue
		l.StandAlone = full * l.RedemptionRate
		share := l.StandAlone / (in.Sales + l.StandAlone)
		l.Exact = in.Sales * share
		slope = full * (1 - share) * (1 - share) // d/d rate of S V / (S + V), V = full x rate
		l.Liability = math.Min(in.Sales*roundedUp(share, in.ShareDecimals), l.StandAlone)
	}
	if in.Allocated != nil {
		l.Exact, l.Liability, slope = *in.Allocated, *in.Allocated, 0
	}
	l.Liability = math.Max(l.Liability, l.Exact) // rounding noise must not take away what is owed
	if l.Liability > l.Exact*(1+cancellation) {
		l.Result = l.Warn(RoundedAllocation)
	}
	l.Goods, l.Open = in.Sales-l.Liability, l.Liability
	return slope, nil
}

// roundedUp rounds a share up to the decimals asked for; a share that already has so few is left alone.
func roundedUp(share float64, decimals *int) float64 {
	d := DefaultShareDecimals
	if decimals != nil {
		d = *decimals
	}
	scale := math.Pow10(d)
	return math.Min(1, math.Ceil(share*scale-1e-6)/scale)
}

// release takes the periods in order.
func (l *Liability) release(periods []Period, expected float64) error {
	var redeemed, recognised float64
	for i, p := range periods {
		if p.Expected != nil {
			expected = *p.Expected
		}
		if !measure.Finite(p.Redeemed, expected) || expected < 0 {
			return fmt.Errorf("periods[%d]: redeemed %v of %v expected", i, p.Redeemed, expected)
		}
		redeemed += p.Redeemed
		if redeemed < 0 || !measure.Finite(redeemed) {
			return fmt.Errorf("periods[%d].redeemed: %v redeemed in all", i, redeemed)
		}
		share := 1.0 // nothing more is expected: the rest is breakage and revenue
		if redeemed < expected {
			share = redeemed / expected
		} else if redeemed > expected {
			l.Result = l.Warn(RedeemedAboveRate)
		}
		revenue := l.Liability*share - recognised
		recognised += revenue
		l.Open = l.Liability - recognised
		l.Periods = append(l.Periods, Release{Redeemed: redeemed, Expected: expected, Revenue: revenue, Open: l.Open})
	}
	return nil
}

// figure is the exact allocation with the interval that the rate's standard error gives it.
func (l *Liability) figure(in LiabilityInput, slope float64) measure.Result {
	f := measure.Figure{Estimate: l.Exact, Low: l.Exact, High: l.Exact, P: 1}
	if in.RedemptionStdErr == nil || slope == 0 {
		return l.Warn(KnownRate).With(f)
	}
	f.StdErr = slope * *in.RedemptionStdErr
	half := quantile(in.Level) * f.StdErr
	// Nothing redeemed and everything redeemed are the ends that a rate can reach.
	all := in.Points * *in.PointValue
	f.Low, f.High = math.Max(0, l.Exact-half), math.Max(l.Exact, math.Min(l.Exact+half, in.Sales*(all/(in.Sales+all))))
	return l.With(f)
}
