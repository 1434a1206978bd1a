package members

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// IssueCohort is what was issued in one period and how much of that was redeemed at each age since. Rows are consecutive periods, oldest
// first; ages that have not passed whole are absent.
type IssueCohort struct {
	Issued   float64   `json:"issued"`
	Redeemed []float64 `json:"redeemed"` // of this cohort, in each age (not cumulative); negative for a redemption taken back
}

// BreakageOptions of a cohort x age triangle.
type BreakageOptions struct {
	Ages  int     `json:"ages"`            // ages until expiry; 0 for the longest row
	Value float64 `json:"value,omitempty"` // of one issued unit when it is redeemed; 0 for 1 (the amounts are money)
	Level float64 `json:"level"`
}

// CohortBreakage is one issue cohort at expiry.
type CohortBreakage struct {
	Issued   float64 `json:"issued"`
	Redeemed float64 `json:"redeemed"` // so far
	Ultimate float64 `json:"ultimate"` // expected by expiry, at most Issued
	Breakage float64 `json:"breakage"` // 1 - ultimate / issued
	Open     float64 `json:"open"`     // expected still to be redeemed, units
	StdErr   float64 `json:"std_err"`  // of Open (Mack)
}

// Breakage is the share of issued rewards that will never be redeemed, and the value of what will. The figure is the share over all cohorts.
type Breakage struct {
	measure.Result
	Issued      float64          `json:"issued"`
	Redeemed    float64          `json:"redeemed"`
	Ultimate    float64          `json:"ultimate"`
	Liability   float64          `json:"liability"` // value of Open over all cohorts: outstanding rewards that will be used
	LiabilityLo float64          `json:"liability_low"`
	LiabilityHi float64          `json:"liability_high"`
	Cohorts     []CohortBreakage `json:"cohorts"`
	Ladder      ChainLadder      `json:"ladder"`
	// PeriodFlow is redeemed / issued of the last calendar period, which people like to call the redemption rate. It divides redemptions of old
	// rewards by new rewards: above 1 when the programme shrinks, low when it grows. Absent when the last period issued nothing.
	PeriodFlow *float64 `json:"period_flow,omitempty"`
}

// BreakageByCohort develops each cohort's redemptions to expiry by the chain ladder (Mack) and compares the ultimate with what was issued.
// Dividing the redemptions of a period by what the same period issued is not an estimate of redemption: PeriodFlow shows it, with the warning
// period_flow_misleads when it lies outside the interval.
func BreakageByCohort(cohorts []IssueCohort, o BreakageOptions) (Breakage, error) {
	out := Breakage{Result: measure.Result{Method: MethodBreakage, Design: measure.Descriptive, Level: o.Level, NTreatment: int64(len(cohorts))}}
	rows, err := checkCohorts(cohorts, &o)
	if err != nil {
		return out, err
	}
	out.Ladder, err = Mack(rows, o.Level)
	if err != nil {
		return out, err
	}
	for _, w := range out.Ladder.Warnings {
		out.Result = out.Warn(w)
	}
	if out.Ladder.Figure == nil {
		out.Result = out.Refuse(out.Ladder.Reason)
		return out, nil
	}
	if out.compare(cohorts); !measure.Finite(out.Issued) { // no redemption is above what was issued
		out.Issued, out.Redeemed, out.Ultimate = 0, 0, 0
		out.Result = out.Refuse(measure.NotFinite)
		return out, nil
	}
	out.Result = out.share(o, *out.Ladder.Figure)
	out.flow(cohorts)
	return out, nil
}

// checkCohorts returns the cumulative triangle up to expiry and fills in the options' defaults.
func checkCohorts(cohorts []IssueCohort, o *BreakageOptions) ([][]float64, error) {
	if err := checkLevel(o.Level); err != nil {
		return nil, err
	}
	if o.Value == 0 {
		o.Value = 1
	}
	if !measure.Finite(o.Value) || o.Value < 0 {
		return nil, fmt.Errorf("value: %v is not a price", o.Value)
	}
	longest := 0
	rows := make([][]float64, len(cohorts))
	for i, c := range cohorts {
		longest = max(longest, len(c.Redeemed))
		row, err := cumulative(c, i)
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	if o.Ages == 0 {
		o.Ages = longest
	}
	if o.Ages < 0 || o.Ages < longest {
		return nil, fmt.Errorf("ages: %d, but a cohort has %d ages observed", o.Ages, longest)
	}
	return rows, nil
}

// cumulative adds up the redemptions of cohort i.
func cumulative(c IssueCohort, i int) ([]float64, error) {
	if !measure.Finite(c.Issued) || c.Issued <= 0 {
		return nil, fmt.Errorf("cohorts[%d].issued: %v is not above 0", i, c.Issued)
	}
	sum, row := 0.0, make([]float64, len(c.Redeemed))
	for k, v := range c.Redeemed {
		if !measure.Finite(v) {
			return nil, fmt.Errorf("cohorts[%d].redeemed[%d]: %v is not an amount", i, k, v)
		}
		sum += v
		if sum < 0 || sum > c.Issued*(1+1e-9) {
			return nil, fmt.Errorf("cohorts[%d].redeemed[%d]: %v redeemed in all of %v issued", i, k, sum, c.Issued)
		}
		row[k] = math.Min(sum, c.Issued)
	}
	return row, nil
}

// compare sets each cohort's ultimate beside what was issued. More than everything cannot be redeemed.
func (b *Breakage) compare(cohorts []IssueCohort) {
	for i, c := range cohorts {
		d := b.Ladder.Rows[i]
		u := math.Min(d.Ultimate, c.Issued)
		if u < d.Ultimate {
			b.Result = b.Warn(AboveIssued)
		}
		b.Cohorts = append(b.Cohorts, CohortBreakage{
			Issued: c.Issued, Redeemed: d.Latest, Ultimate: u, Breakage: 1 - u/c.Issued, Open: u - d.Latest, StdErr: d.StdErr,
		})
		b.Issued += c.Issued
		b.Redeemed += d.Latest
		b.Ultimate += u
	}
}

// share is the figure: breakage over all cohorts. Its interval is that of the ladder's total, cut to what is possible.
func (b *Breakage) share(o BreakageOptions, total measure.Figure) measure.Result {
	if o.Ages > len(b.Ladder.Factors)+1 {
		// The oldest cohort has not expired: what it will still redeem is in no factor.
		return b.Refuse(NotObserved)
	}
	open := b.Ultimate - b.Redeemed
	most := b.Issued - b.Redeemed
	low, high := math.Min(open, math.Max(total.Low, 0)), math.Max(open, math.Min(total.High, most))
	b.Liability, b.LiabilityLo, b.LiabilityHi = open*o.Value, low*o.Value, high*o.Value
	if !measure.Finite(b.Liability, b.LiabilityLo, b.LiabilityHi) {
		b.Liability, b.LiabilityLo, b.LiabilityHi = 0, 0, 0
		return b.Refuse(measure.NotFinite)
	}
	of := func(open float64) float64 { return 1 - (b.Redeemed+open)/b.Issued }
	return b.With(measure.Figure{Estimate: of(open), Low: of(high), High: of(low), StdErr: total.StdErr / b.Issued, P: 1})
}

// flow computes what the last calendar period would have said.
func (b *Breakage) flow(cohorts []IssueCohort) {
	last := 0
	for i, c := range cohorts {
		last = max(last, i+len(c.Redeemed)-1)
	}
	if last >= len(cohorts) || b.Figure == nil {
		return
	}
	var redeemed float64
	for i, c := range cohorts {
		if i+len(c.Redeemed)-1 == last {
			redeemed += c.Redeemed[len(c.Redeemed)-1]
		}
	}
	flow := redeemed / cohorts[last].Issued
	if !measure.Finite(flow) {
		return
	}
	b.PeriodFlow = &flow
	if flow < 1-b.Figure.High || flow > 1-b.Figure.Low {
		b.Result = b.Warn(PeriodFlowMisleads)
	}
}

// Matured is the breakage of cohorts past expiry.
type Matured struct {
	measure.Result
	Issued   float64 `json:"issued"`
	Redeemed float64 `json:"redeemed"`
	Matured  int     `json:"matured"`  // cohorts past expiry
	Immature int     `json:"immature"` // cohorts left out
}

// MaturedBreakage is 1 - redeemed / issued over the cohorts that have all o.Ages ages behind them. A cohort is the unit of variance (a ratio of
// sums over cohorts, delta method, Student's t with cohorts - 1 degrees of freedom), because what moves redemption moves a whole cohort.
func MaturedBreakage(cohorts []IssueCohort, o BreakageOptions) (Matured, error) {
	out := Matured{Result: measure.Result{Method: MethodMaturedBreakage, Design: measure.Descriptive, Level: o.Level}}
	rows, err := checkCohorts(cohorts, &o)
	if err != nil {
		return out, err
	}
	for i, row := range rows {
		if len(row) < o.Ages || len(row) == 0 {
			out.Immature++
			continue
		}
		out.Matured++
		out.Issued += cohorts[i].Issued
		out.Redeemed += row[len(row)-1]
	}
	out.NTreatment = int64(out.Matured)
	switch {
	case !measure.Finite(out.Issued):
		out.Issued, out.Redeemed = 0, 0
		out.Result = out.Refuse(measure.NotFinite)
		return out, nil
	case out.Matured == 0:
		out.Result = out.Refuse(NotObserved)
		return out, nil
	case out.Matured < 2:
		out.Result = out.Refuse(TooFewCohorts)
		return out, nil
	}
	out.Result = out.ratio(cohorts, rows, o)
	return out, nil
}

// ratio is the figure of the matured cohorts.
func (m *Matured) ratio(cohorts []IssueCohort, rows [][]float64, o BreakageOptions) measure.Result {
	n, rate := float64(m.Matured), m.Redeemed/m.Issued
	var ss float64
	for i, row := range rows {
		if len(row) == o.Ages {
			d := (row[len(row)-1] - rate*cohorts[i].Issued) / (m.Issued / n)
			ss += d * d
		}
	}
	se := math.Sqrt(ss / (n - 1) / n)
	if m.Immature > 0 {
		m.Result = m.Warn(ImmatureCohorts)
	}
	if m.Matured < 5 {
		m.Result = m.Warn(FewCohorts)
	}
	if se <= cancellation {
		return m.Refuse(measure.ZeroVariance)
	}
	half := measure.StudentQuantile(0.5+o.Level/2, n-1) * se
	return m.With(measure.Figure{Estimate: 1 - rate, Low: math.Max(0, 1-rate-half), High: math.Min(1, 1-rate+half), StdErr: se, P: 1, DF: n - 1})
}

// cancellation is the relative size below which a spread is rounding noise.
const cancellation = 1e-12
