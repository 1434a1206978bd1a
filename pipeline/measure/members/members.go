// Package members measures what members do over time: whether they stay (retention, cohorts, time to lapse), how often they will come again
// and what that is worth (BG/NBD, Gamma-Gamma, lifetime value), what of the rewards they earned they will never use (breakage and the
// liability that remains), and whether a campaign paid for itself (incremental margin, ROI).
//
// The package is pure: no I/O, no clock; randomness arrives as a seed. Its functions may be called concurrently. Every answer embeds
// measure.Result: a figure with its interval, or the reason why there is none. Inputs that contradict themselves are an error that names the
// field where a function takes rows, and the reason not_finite where it takes sums.
package members

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"cagnotte/pipeline/measure"
)

// Methods of this package.
const (
	MethodRetention         measure.Method = "retention_rate"       // (end - new) / start with Wilson's interval
	MethodRepeat            measure.Method = "repeat_rate"          // share with a next receipt within a window, of those observed that long
	MethodCohorts           measure.Method = "cohort_retention"     // cohort x age table, pooled at one age
	MethodKaplanMeier       measure.Method = "kaplan_meier"         // product limit (Kaplan & Meier 1958), Greenwood's variance
	MethodBGNBD             measure.Method = "bg_nbd"               // Fader, Hardie & Lee 2005, maximum likelihood
	MethodGammaGamma        measure.Method = "gamma_gamma"          // Fader & Hardie 2013, maximum likelihood
	MethodCLV               measure.Method = "clv"                  // BG/NBD x Gamma-Gamma, discounted margin over a horizon
	MethodMaturedBreakage   measure.Method = "matured_breakage"     // 1 - redeemed / issued over cohorts past expiry
	MethodBreakage          measure.Method = "breakage_by_cohort"   // chain ladder of redemptions against what was issued
	MethodChainLadder       measure.Method = "chain_ladder"         // Mack 1993 on a cohort x age triangle of redemptions
	MethodLiability         measure.Method = "breakage_liability"   // IFRS 15: relative stand-alone prices, proportional release
	MethodIncrementalMargin measure.Method = "incremental_margin"   // members x difference of mean margins, Welch
	MethodROI               measure.Method = "roi"                  // (incremental margin - cost) / cost, cost known
	MethodROIFieller        measure.Method = "roi_fieller"          // the same, cost estimated from the members too
	MethodIROAS             measure.Method = "iroas"                // incremental sales / cost, cost known
	MethodRewardRate        measure.Method = "reward_rate"          // issued value / qualifying spend, clustered by member
	MethodNetCost           measure.Method = "cost_net_of_breakage" // issued x value x (1 - breakage) - funding + fixed
)

// Reasons of this package. Precedence, descending: those of measure in their own order, then these in the order of the list.
const (
	NotObserved    measure.Reason = "not_observed"    // the age or time asked for lies beyond what has been observed
	NoEvents       measure.Reason = "no_events"       // nobody lapsed, repeated or redeemed yet: nothing to estimate from
	TooFewCohorts  measure.Reason = "too_few_cohorts" // a variance over cohorts needs more of them
	ZeroRedemption measure.Reason = "zero_redemption" // no redemption at an age: the factor to the next age does not exist
	NotConverged   measure.Reason = "not_converged"   // no start of the optimisation reached a stationary point inside the bounds
	NotIdentified  measure.Reason = "not_identified"  // the Hessian is not positive definite: the data do not tell the parameters apart
	NoMeanSpend    measure.Reason = "no_mean_spend"   // Gamma-Gamma q <= 1: the population's mean spend is infinite
	OutOfRange     measure.Reason = "out_of_range"    // the horizon is so far that the sum has more terms than are worth adding
)

// Warnings of this package.
const (
	Censored            measure.Warning = "censored"               // units not yet observed long enough were left out
	MixedCohorts        measure.Warning = "mixed_cohorts"          // later ages rest on older cohorts only: a curve over them may bend for that reason
	SpendDependsOnVisit measure.Warning = "spend_depends_on_visit" // frequency and value correlate: Gamma-Gamma assumes that they do not
	FewStartsAgree      measure.Warning = "few_starts_agree"       // fewer than half of the optimisation's starts found the optimum
	BeyondData          measure.Warning = "beyond_data"            // the horizon is longer than the longest observation: extrapolated
	PeriodFlowMisleads  measure.Warning = "period_flow_misleads"   // redeemed / issued of the last period lies outside the redemption rate's interval
	ImmatureCohorts     measure.Warning = "immature_cohorts"       // cohorts before expiry were left out
	AboveIssued         measure.Warning = "above_issued"           // an ultimate above what was issued was cut to it
	FewCohorts          measure.Warning = "few_cohorts"            // under 5 cohorts: the standard errors are themselves rough
	CorrelatedFactors   measure.Warning = "correlated_factors"     // cohorts that grew much at one age did so at the next too: the chain ladder's interval is too narrow
	KnownRate           measure.Warning = "known_rate"             // the rate was taken as known: pass its standard error for an interval
	RoundedAllocation   measure.Warning = "rounded_allocation"     // the posted allocation is rounded up; the exact one is beside it
	RedeemedAboveRate   measure.Warning = "redeemed_above_rate"    // more was redeemed than the estimate expects in all: raise the estimate
	OutsideGuardRail    measure.Warning = "outside_guard_rail"     // the reward rate is not within 1 % to 5 % of the spend
)

// quantile returns z such that a standard normal lies within +-z with probability level.
func quantile(level float64) float64 { return distuv.UnitNormal.Quantile(0.5 + level/2) }

// twoSided returns the normal two-sided p of z.
func twoSided(z float64) float64 { return math.Min(1, math.Erfc(math.Abs(z)/math.Sqrt2)) }

// checkLevel names the field when level is no level of an interval.
func checkLevel(level float64) error {
	if !measure.ValidLevel(level) {
		return fmt.Errorf("level: %v is not strictly between 0 and 1", level)
	}
	return nil
}

// maxExact is the largest count that a float64 holds exactly.
const maxExact = 1 << 53
