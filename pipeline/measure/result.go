// Package measure turns sufficient statistics into the figures that a screen may show: each with its interval, its method and its n, or with
// the reason why the data forbid a figure. It never returns NaN or an infinity.
//
// Sums are the exact statistics that a stream keeps per arm; Arm and Joint are the means and variances in them; the estimators take those. Units by
// periods, time series and members' histories are in the packages below. README.md lists the methods.
//
// The package is pure: no I/O, no clock, no randomness, no map whose order could show; every function may be called concurrently. Its
// floats describe samples, they never become money.
package measure

import (
	"math"
	"slices"
)

// Method names the procedure behind a figure.
type Method string

// Methods.
const (
	MethodWilson      Method = "wilson"             // interval of a proportion
	MethodWelch       Method = "welch"              // fixed horizon: valid for one look, planned before the data
	MethodAlwaysValid Method = "always_valid"       // asymptotic confidence sequence (arXiv 2103.06476): valid at every look
	MethodStoreDiD    Method = "store_did"          // log difference-in-differences, pooled t over stores
	MethodFieller     Method = "fieller"            // fixed horizon: interval of a ratio of means that may be lopsided
	MethodNewcombe    Method = "newcombe"           // fixed horizon: difference of two proportions from their Wilson intervals
	MethodRatio       Method = "ratio"              // fixed horizon: sum over sum, delta method clustered by member
	MethodCUPED       Method = "cuped"              // fixed horizon: adjusted by a covariate from before assignment
	MethodMeanZ       Method = "mean_z"             // fixed horizon: known variances
	MethodMemberDiD   Method = "member_did"         // fixed horizon: difference-in-differences of members' changes
	MethodAlwaysRatio Method = "always_valid_ratio" // ratio, valid at every look
	MethodAlwaysCUPED Method = "always_valid_cuped" // cuped, valid at every look
	MethodAlwaysMean  Method = "always_valid_mean"  // one arm's level, valid at every look
)

// Design says what kind of comparison a figure rests on.
type Design string

// Designs.
const (
	Randomised        Design = "randomised"         // arms by hash, compared as assigned
	QuasiExperimental Design = "quasi_experimental" // groups that somebody chose, compared by their change: as good as parallel trends
	Observational     Design = "observational"      // groups that somebody chose: association, not proof
	Descriptive       Design = "descriptive"        // a level, no comparison
)

// Reason says why there is no figure. The empty reason means that there is one.
type Reason string

// Reasons, in descending precedence: of two that hold, a result gives the upper one.
const (
	NotFinite      Reason = "not_finite"         // an input is NaN, infinite or contradicts itself
	Overflow       Reason = "overflow"           // sums beyond their integers: corrupt input, no honest data reach it
	Cancellation   Reason = "cancellation"       // a negative variance or an impossible covariance: the sums contradict themselves
	ZeroDivisor    Reason = "zero_denominator"   // a ratio needs a positive mean denominator in both arms
	EmptyArm       Reason = "empty_arm"          // one arm has no members at all
	SRMFailed      Reason = "srm_failed"         // the arms' sizes contradict the planned split: the comparison is broken
	TooFewMembers  Reason = "too_few_members"    // fewer per arm than Options.MinPerArm
	ZeroVariance   Reason = "zero_variance"      // no spread in the outcome
	ZeroControl    Reason = "zero_control_mean"  // a relative figure needs a positive control mean
	Unbounded      Reason = "unbounded_ratio"    // Fieller's g is 1 or more: the control mean may be zero, the interval has no end
	Unreachable    Reason = "unreachable"        // no number of members that can be counted shows such an effect
	ConstantX      Reason = "constant_covariate" // the covariate does not vary, or not with the outcome: nothing to adjust by
	TooFewStores   Reason = "too_few_stores"     // fewer stores than the t needs
	NoTreatedStore Reason = "no_treated_store"   // no store ran the campaign in the data
	NoControlStore Reason = "no_control_store"   // every store ran the campaign: nothing to compare with
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
	Unadjusted      Warning = "unadjusted"       // the covariate was of no use: the raw figure is shown
	NotRandomised   Warning = "not_randomised"   // an adjustment that needs random arms was made without them
	Winsorised      Warning = "winsorised"       // member totals were cut at Result.Cap
	Provisional     Warning = "provisional_data" // the window is open or late receipts may still come
)

// Tail says which side a test looks at. The empty tail is two-sided.
type Tail string

// Tails.
const (
	TwoSided Tail = ""
	Greater  Tail = "greater" // the alternative is that the effect is above zero: Low is the bound
	Less     Tail = "less"    // the alternative is that the effect is below zero: High is the bound
)

// Figure is an estimate with its interval. All fields are finite. Shares and relative figures are fractions (0.05 is 5 %), absolute ones
// are in the unit of the data.
//
// A one-sided figure (Tail not empty) has one bound, Low for Greater and High for Less, which holds with Result.Level; P is one-sided. Its
// other end is not infinite, which JSON has no word for, but the bound that the opposite test would give at the same level. So both fields
// are always there, Low <= Estimate <= High holds, and a reader who does not know of tails sees a two-sided interval of level 2 Level - 1,
// never a narrower one than he has a right to.
type Figure struct {
	Estimate      float64 `json:"estimate"`
	Low           float64 `json:"low"`
	High          float64 `json:"high"`
	StdErr        float64 `json:"std_err"`                  // of the estimate; of the log ratio for store_did
	P             float64 `json:"p"`                        // by Tail; 1 for a proportion, which tests nothing
	DF            float64 `json:"df,omitempty"`             // degrees of freedom of the t, 0 where there is none
	MinDetectable float64 `json:"min_detectable,omitempty"` // smallest effect seen with 80 % power, 0 where not computed
	Tail          Tail    `json:"tail,omitempty"`           // empty: two-sided
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
	Cap        int64     `json:"cap,omitempty"` // in minor units: where member totals were cut, 0 when they were not
	Warnings   []Warning `json:"warnings,omitempty"`
}

// Refuse returns r without a figure and with the reason why.
func (r Result) Refuse(why Reason) Result {
	r.Figure, r.Reason = nil, why
	return r
}

// With returns r with the figure; when a number in it is not finite, r is refused with NotFinite instead.
func (r Result) With(f Figure) Result {
	if !Finite(f.Estimate, f.Low, f.High, f.StdErr, f.P, f.DF, f.MinDetectable) {
		return r.Refuse(NotFinite)
	}
	r.Figure, r.Reason = &f, ""
	return r
}

// Warn returns r with one more warning; a warning that r has already is not repeated. The slice is never shared with r.
func (r Result) Warn(w Warning) Result {
	if !slices.Contains(r.Warnings, w) {
		r.Warnings = append(slices.Clip(r.Warnings), w)
	}
	return r
}

// Finite reports whether none of the values is NaN or infinite.
func Finite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// ValidLevel reports whether level can be that of an interval: strictly between 0 and 1 (NaN is not).
func ValidLevel(level float64) bool { return level > 0 && level < 1 }
