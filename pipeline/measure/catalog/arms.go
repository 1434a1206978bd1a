package catalog

import (
	"strconv"

	"cagnotte/pipeline/measure"
)

// The forms in which two arms are given. They follow the published vectors: an arm is an object with n and sums; a covariate (CUPED) makes it
// n, post, pre and the sum of their products; a ratio has a denominator.

// moments reads {n, sum, sum_squares}.
func (f *fields) moments(name string) measure.Moments {
	in := f.object(name, "an object with n, sum and sum_squares")
	return measure.Moments{N: in.count("n"), Sum: in.number("sum"), SumSq: in.atLeast("sum_squares", 0)}
}

// counted reads {n, sum} of a yes/no outcome: sum members of n.
func (f *fields) counted(name string) (k, n int64) {
	in := f.object(name, "an object with n and sum")
	n, k = in.count("n"), in.count("sum")
	if k > n {
		in.shared.fail(join(in.path, "sum"), "at most n, because a share counts members", strconv.FormatInt(k, 10))
	}
	return k, n
}

// share is counted as an arm, with variance p (1 - p).
func (f *fields) share(name string) measure.Arm { return measure.Share(f.counted(name)) }

// pairSums reads {n, sx, sxx, sy, syy, sxy}: x before, y during.
func (f *fields) pairSums(name string) measure.FloatSums {
	in := f.object(name, "an object with n, sx, sxx, sy, syy and sxy")
	return measure.FloatSums{
		N: in.count("n"), X: in.number("sx"), XX: in.atLeast("sxx", 0), Y: in.number("sy"), YY: in.atLeast("syy", 0), XY: in.number("sxy"),
	}
}

// sums reads {sum, sum_squares} of one column.
func (f *fields) sums(name string) (sum, squares float64) {
	in := f.object(name, "an object with sum and sum_squares")
	return in.number("sum"), in.atLeast("sum_squares", 0)
}

// adjustedArm reads an arm with a covariate: {n, post, pre, post_pre_sum_of_products}.
func (f *fields) adjustedArm(name string) measure.FloatSums {
	in := f.object(name, "an object with n, post, pre and post_pre_sum_of_products")
	s := measure.FloatSums{N: in.count("n"), XY: in.number("post_pre_sum_of_products")}
	s.Y, s.YY = in.sums("post")
	s.X, s.XX = in.sums("pre")
	return s
}

// ratioArm reads an arm of a ratio metric: {n, main, denominator, main_denominator_sum_of_products}, and, when it has a pre, the covariate with
// both products.
func (f *fields) ratioArm(name string) measure.FloatSums {
	in := f.object(name, "an object with n, main, denominator and main_denominator_sum_of_products")
	s := measure.FloatSums{N: in.count("n"), YD: in.number("main_denominator_sum_of_products")}
	s.Y, s.YY = in.sums("main")
	s.D, s.DD = in.sums("denominator")
	if in.has("pre") {
		s.X, s.XX = in.sums("pre")
		s.XY, s.XD = in.number("main_pre_sum_of_products"), in.number("denominator_pre_sum_of_products")
	}
	return s
}

// of adds up raw values, one per member.
func of(values []float64) measure.Moments {
	var m measure.Moments
	for _, v := range values {
		m.Add(v)
	}
	return m
}

// options reads what all comparisons share: alpha or level, the least n per arm (2 here: a person who asks by hand knows how many there are;
// screens use 100), design, and the planned share held out, which turns the sample-ratio check on.
func (f *fields) options(s measure.Scale) measure.Options {
	o := measure.DefaultOptions(s)
	o.Level = f.level()
	o.MinPerArm = f.countOr("min_per_arm", 2)
	o.Design = f.design(measure.Randomised)
	return o
}

// design reads what kind of comparison the caller has. It changes no number.
func (f *fields) design(usual measure.Design) measure.Design {
	if !f.has("design") {
		return usual
	}
	return measure.Design(f.oneOf("design", string(measure.Randomised), string(measure.QuasiExperimental), string(measure.Observational)))
}

// split checks the arms' sizes when the input says which share was to be held out.
func (f *fields) split(nTreatment, nControl int64) measure.SRM {
	if !f.has("holdout") {
		return measure.SRM{}
	}
	return measure.SampleRatio(nTreatment, nControl, f.within("holdout", 0, 1))
}

// planned adds n_star to the options of a sequence: the total n at which it is tightest.
func (f *fields) planned(o measure.Options) measure.Options {
	o.PlanMembers = f.countOr("n_star", o.PlanMembers)
	if o.PlanMembers == 0 {
		f.shared.fail(join(f.path, "n_star"), "the total number of members planned for, 1 or more", "0")
	}
	return o
}

// figure names the parts of a result's figure as the published vectors do; the estimate gets the name given. A result without a figure has no
// values.
func figure(estimate string, r measure.Result) Values {
	f := r.Figure
	if f == nil {
		return nil
	}
	v := Values{num(estimate, f.Estimate), nums("ci", f.Low, f.High), num("se", f.StdErr), num("p", f.P)}
	if f.DF > 0 {
		v.add(num("dof", f.DF))
	}
	return v
}
