// Package measure turns sufficient statistics into the figures that a screen may show: each with its interval, its method and its n, or with
// the reason why the data forbid a figure. It never returns NaN or an infinity.
//
// The package is pure: no I/O, no clock, no randomness, no map whose order could show; every function may be called concurrently. Its
// floats describe samples, they never become money.
package measure

import "math"

// Method names the procedure behind a figure.
type Method string

// Methods.
const (
	MethodWilson      Method = "wilson"       // interval of a proportion
	MethodWelch       Method = "welch"        // fixed horizon: valid for one look, planned before the data
	MethodAlwaysValid Method = "always_valid" // asymptotic confidence sequence (arXiv 2103.06476): valid at every look
	MethodStoreDiD    Method = "store_did"    // log difference-in-differences, pooled t over stores
)

// Design says what kind of comparison a figure rests on.
type Design string

// Designs.
const (
	Randomised    Design = "randomised"    // arms by hash, compared as assigned
	Observational Design = "observational" // groups that somebody chose: association, not proof
	Descriptive   Design = "descriptive"   // a level, no comparison
)

// Reason says why there is no figure. The empty reason means that there is one.
type Reason string

// Reasons, in descending precedence.
const (
	NotFinite      Reason = "not_finite"        // an input is NaN, infinite or contradicts itself
	EmptyArm       Reason = "empty_arm"         // one arm has no members at all
	SRMFailed      Reason = "srm_failed"        // the arms' sizes contradict the planned split: the comparison is broken
	TooFewMembers  Reason = "too_few_members"   // fewer per arm than Options.MinPerArm
	ZeroVariance   Reason = "zero_variance"     // no spread in the outcome
	ZeroControl    Reason = "zero_control_mean" // a relative figure needs a positive control mean
	TooFewStores   Reason = "too_few_stores"    // fewer stores than the t needs
	NoTreatedStore Reason = "no_treated_store"  // no store ran the campaign in the data
	NoControlStore Reason = "no_control_store"  // every store ran the campaign: nothing to compare with
)

// Warning is a remark that goes with a figure.
type Warning string

// Warnings.
const (
	SRMSuspect      Warning = "srm_suspect"      // the split's p is below 0.01
	UnstableRatio   Warning = "unstable_ratio"   // the control mean is poorly known: the relative interval is rough (Fieller's g above 0.02)
	StoresDropped   Warning = "stores_dropped"   // stores without traffic before or during the window were left out
	FewTreatedStore Warning = "few_treated"      // under 8 treated stores: the t may over-reject
	FixedHorizon    Warning = "fixed_horizon"    // valid for one planned look, not for watching
	SmallPlan       Warning = "plan_outgrown"    // n is over ten times the planned size: the interval is wider than need be
	Provisional     Warning = "provisional_data" // the window is open or late receipts may still come
)

// Figure is an estimate with its interval. All fields are finite. Shares and relative figures are fractions (0.05 is 5 %), absolute ones
// are in the unit of the data.
type Figure struct {
	Estimate      float64 `json:"estimate"`
	Low           float64 `json:"low"`
	High          float64 `json:"high"`
	StdErr        float64 `json:"std_err"`                  // of the estimate; of the log ratio for store_did
	P             float64 `json:"p"`                        // two-sided; 1 for a proportion, which tests nothing
	DF            float64 `json:"df,omitempty"`             // degrees of freedom of the t, 0 where there is none
	MinDetectable float64 `json:"min_detectable,omitempty"` // smallest effect seen with 80 % power, 0 where not computed
}

// Result is what a screen shows: a figure or the reason for its absence, never both.
type Result struct {
	Method     Method    `json:"method"`
	Design     Design    `json:"design"`
	Level      float64   `json:"level"` // of the interval, 0.95
	NTreatment int64     `json:"n_treatment"`
	NControl   int64     `json:"n_control"`
	Figure     *Figure   `json:"figure,omitempty"`
	Reason     Reason    `json:"reason,omitempty"`
	Warnings   []Warning `json:"warnings,omitempty"`
}

// refuse returns r without a figure.
func (r Result) refuse(why Reason) Result {
	r.Figure, r.Reason = nil, why
	return r
}

// with returns r with the figure, unless a number in it is not finite.
func (r Result) with(f Figure) Result {
	if !finite(f.Estimate, f.Low, f.High, f.StdErr, f.P, f.DF, f.MinDetectable) {
		return r.refuse(NotFinite)
	}
	r.Figure, r.Reason = &f, ""
	return r
}

func finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
