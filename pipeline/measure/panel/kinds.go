// Package panel holds the estimators for units x periods: stores by day, households by campaign, counties by year. It covers 2x2 and log
// difference-in-differences, two-way fixed effects with cluster-robust errors, the restricted wild cluster bootstrap, the permutation test,
// staggered adoption by group-time effects, and regressions with campaign fixed effects.
//
// The package is pure like its parent: no I/O, no clock; randomness arrives as a seed, every loop is bounded, every function may be called
// concurrently. Raw slices that contradict themselves are an error that names the field; data that forbid a figure are a Result with a Reason.
package panel

import "cagnotte/pipeline/measure"

// Methods of this package, beside measure.MethodStoreDiD for the log difference-in-differences.
const (
	MethodTwoByTwo    measure.Method = "did_2x2"                // difference of the mean change of units seen in both periods, Welch
	MethodTwoWay      measure.Method = "two_way_fixed_effects"  // unit and period effects, CR1, t with clusters - 1
	MethodWild        measure.Method = "wild_cluster_bootstrap" // two-way fixed effects, restricted wild cluster bootstrap-t
	MethodPermutation measure.Method = "permutation"            // difference in means, re-assignment of the units
	MethodStaggered   measure.Method = "group_time_att"         // Callaway and Sant'Anna (2021)
	MethodNaiveFE     measure.Method = "naive_campaign_fe"      // exposed against others within a campaign: selection and effect together
	MethodDiDPooled   measure.Method = "did_pooled"             // change of the exposed against change of the others
	MethodDiDFE       measure.Method = "did_campaign_fe"        // the same within a campaign
	MethodANCOVA      measure.Method = "ancova_campaign_fe"     // level within a campaign, given the level before
)

// Reasons of this package. Precedence in every function: measure.NotFinite for the options, then NoTreatedUnit, NoControlUnit, TooFewUnits,
// TooFewClusters, measure.NotFinite for outcomes whose squares overflow, Collinear, measure.ZeroVariance, UnboundedInterval.
const (
	NoTreatedUnit     measure.Reason = "no_treated_unit"    // nobody is treated in the data
	NoControlUnit     measure.Reason = "no_control_unit"    // nobody is left to compare with
	TooFewUnits       measure.Reason = "too_few_units"      // an arm is too small for a standard error
	TooFewClusters    measure.Reason = "too_few_clusters"   // under two treated or two untreated clusters: a cluster-robust error means nothing
	Collinear         measure.Reason = "collinear"          // the fixed effects explain the treatment, or regressors repeat each other
	UnboundedInterval measure.Reason = "interval_unbounded" // so few assignments that no value can be excluded at the level; P is still given
)

// Warnings of this package.
const (
	UnitsDropped    measure.Warning = "units_dropped"      // units with missing cells, or that fit neither arm, were left out
	CohortsDropped  measure.Warning = "cohorts_dropped"    // cohorts without a period before treatment, or of one unit, were left out
	FewClusters     measure.Warning = "few_clusters"       // under 20 clusters: CR1 may over-reject; compare CR2 and the wild bootstrap
	FewTreated      measure.Warning = "few_treated"        // under 8 treated units or clusters (the same text as measure.FewTreatedStore)
	StaggeredTiming measure.Warning = "staggered_timing"   // treatment starts at several dates: two-way fixed effects may weight effects negatively
	SmallCohort     measure.Warning = "small_cohort"       // a cohort has under 5 units: its normal interval is rough
	PretrendSuspect measure.Warning = "pretrend_suspect"   // the effects before treatment are jointly significant at 5 %
	CellsUncompared measure.Warning = "cells_uncompared"   // group-time cells without an untreated unit took no part in the aggregations
	SingularPretest measure.Warning = "pretest_impossible" // the pre-test's covariance is singular, or there is no period to test
)

const (
	fewTreated  = 8  // below: FewTreated
	fewClusters = 20 // below: FewClusters
	smallCohort = 5  // below: SmallCohort
)

// Options that every estimator shares. Start from DefaultOptions.
type Options struct {
	Level  float64        // of the interval, within (0, 1)
	Design measure.Design // what kind of comparison the caller has; it changes no number
}

// DefaultOptions: 95 %, observational.
func DefaultOptions() Options { return Options{Level: 0.95, Design: measure.Observational} }

// result starts an answer. A level that is no number is shown as 0, which is refused as well.
func (o Options) result(m measure.Method, treated, control int) measure.Result {
	return measure.Result{Method: m, Design: o.Design, Level: o.level(), NTreatment: int64(treated), NControl: int64(control)}
}

func (o Options) level() float64 {
	if !measure.Finite(o.Level) {
		return 0
	}
	return o.Level
}
