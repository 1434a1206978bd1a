package catalog

import (
	"cagnotte/pipeline/measure"
)

const (
	exampleAdjusted = `{"control": {"n": 3000, "post": {"sum": 14096.87, "sum_squares": 152377.98}, "pre": {"sum": 13987.5, "sum_squares": 149527.9}, "post_pre_sum_of_products": 138450.2},
 "treatment": {"n": 3461, "post": {"sum": 17422.7, "sum_squares": 204698.3}, "pre": {"sum": 16122.7, "sum_squares": 171348.3}, "post_pre_sum_of_products": 172950.6}`
	exampleRatio = `{"control": {"n": 1200, "main": {"sum": 61200, "sum_squares": 4520000}, "denominator": {"sum": 2400, "sum_squares": 6300}, "main_denominator_sum_of_products": 158000},
 "treatment": {"n": 1210, "main": {"sum": 64130, "sum_squares": 4890000}, "denominator": {"sum": 2440, "sum_squares": 6450}, "main_denominator_sum_of_products": 166000}`
	cupedSource = "Deng, Xu, Kohavi and Walker 2013 (CUPED); gbstats RegressionAdjustedStatistic"
	ratioSource = "delta method by member: Deng, Knoblich and Lu 2018, KDD; gbstats RatioStatistic"
)

// adjustedMethods compare arms with a covariate, a denominator or by another interval.
func adjustedMethods() []Method {
	return []Method{
		{Name: "welch_t_relative_cuped", Design: measure.Randomised, Source: cupedSource,
			Summary: "relative lift of a mean at one planned look, less what spend before the campaign foretold (theta fixes the slope)",
			Example: exampleAdjusted + `}`, run: cuped(measure.Relative, measure.CUPED, (*fields).adjustedArm, false)},
		{Name: "welch_t_absolute_cuped", Design: measure.Randomised, Source: cupedSource,
			Summary: "difference of means at one planned look, less what spend before the campaign foretold",
			Example: exampleAdjusted + `}`, run: cuped(measure.Absolute, measure.CUPED, (*fields).adjustedArm, false)},
		{Name: "asymptotic_confidence_sequence_relative_cuped", Design: measure.Randomised, Source: asympCS + "; " + cupedSource,
			Summary: "relative lift that may be watched live, less what spend before the campaign foretold",
			Example: exampleAdjusted + `, "n_star": 5000}`, run: cuped(measure.Relative, measure.AlwaysValidCUPED, (*fields).adjustedArm, true)},
		{Name: "asymptotic_confidence_sequence_absolute_cuped", Design: measure.Randomised, Source: asympCS + "; " + cupedSource,
			Summary: "difference of means that may be watched live, less what spend before the campaign foretold",
			Example: exampleAdjusted + `, "n_star": 5000}`, run: cuped(measure.Absolute, measure.AlwaysValidCUPED, (*fields).adjustedArm, true)},
		{Name: "ratio_relative", Design: measure.Randomised, Source: ratioSource,
			Summary: "relative change of a sum over a sum (basket value), clustered by member, at one planned look",
			Example: exampleRatio + `}`, run: ratio(measure.RatioWelch, false)},
		{Name: "asymptotic_confidence_sequence_ratio", Design: measure.Randomised, Source: asympCS + "; " + ratioSource,
			Summary: "relative change of a sum over a sum (basket value), clustered by member, that may be watched live",
			Example: exampleRatio + `, "n_star": 3000}`, run: ratio(measure.AlwaysValidRatio, true)},
		{Name: "ratio_relative_cuped", Design: measure.Randomised, Source: ratioSource + "; " + cupedSource,
			Summary: "relative change of a sum over a sum, adjusted by a covariate from before, at one planned look",
			Example: exampleRatioCovariate + `}`, run: cuped(measure.Relative, measure.CUPEDRatio, (*fields).ratioArm, false)},
		{Name: "asymptotic_confidence_sequence_ratio_cuped", Design: measure.Randomised, Source: asympCS + "; " + ratioSource + "; " + cupedSource,
			Summary: "relative change of a sum over a sum, adjusted by a covariate from before, that may be watched live",
			Example: exampleRatioCovariate + `, "n_star": 3000}`, run: cuped(measure.Relative, measure.AlwaysValidCUPEDRatio, (*fields).ratioArm, true)},
		{Name: "asymptotic_confidence_sequence_mean", Design: measure.Descriptive, Source: asympCS,
			Summary: "level of one arm's mean with an interval that may be watched live",
			Example: `{"arm": {"n": 3407, "sum": 1396.87, "sum_squares": 52377.9767}, "n_star": 5000}`, run: sequenceMean},
		{Name: "fieller_relative", Design: measure.Randomised, Source: "Fieller 1954, JRSS B 16(2)",
			Summary: "relative lift with Fieller's interval: right where the control's mean is poorly known",
			Example: exampleArms + `}`, run: fieller},
		{Name: "newcombe_difference", Design: measure.Randomised, Source: "Newcombe 1998, Statistics in Medicine 17, method 10",
			Summary: "difference of two shares from their Wilson intervals: right for small counts",
			Example: `{"control": {"n": 28, "sum": 1}, "treatment": {"n": 30, "sum": 6}}`, run: newcombe},
		{Name: "did_from_sufficient_stats", Design: measure.Observational, Source: "Welch on members' changes; ANCOVA beside it as a bracket (Ding and Li 2019, arXiv 1903.06286)",
			Summary: "member difference-in-differences from sums: naive, DiD and ANCOVA side by side, for arms that nobody drew",
			Example: `{"control": {"n": 1424, "sx": 108292.98, "sxx": 34224828.2486, "sy": 114361.25, "syy": 35866575.9757, "sxy": 29682853.5417},
 "treated": {"n": 1076, "sx": 243765.89, "sxx": 96673707.4723, "sy": 248204.65, "syy": 100590423.9995, "sxy": 87394941.0348}}`, run: memberDiD},
	}
}

const exampleRatioCovariate = `{"control": {"n": 1200, "main": {"sum": 61200, "sum_squares": 4520000}, "denominator": {"sum": 2400, "sum_squares": 6300}, "main_denominator_sum_of_products": 158000,
  "pre": {"sum": 60000, "sum_squares": 4380000}, "main_pre_sum_of_products": 4100000, "denominator_pre_sum_of_products": 150000},
 "treatment": {"n": 1210, "main": {"sum": 64130, "sum_squares": 4890000}, "denominator": {"sum": 2440, "sum_squares": 6450}, "main_denominator_sum_of_products": 166000,
  "pre": {"sum": 60500, "sum_squares": 4420000}, "main_pre_sum_of_products": 4280000, "denominator_pre_sum_of_products": 153000}`

// cuped runs an estimator that takes a covariate. theta in the input fixes the slope; without it both arms give one.
func cuped(s measure.Scale, estimate func(t, c measure.Joint, o measure.Options) measure.Adjusted, arm func(*fields, string) measure.FloatSums, live bool) func(*fields) (Answer, error) {
	return func(in *fields) (Answer, error) {
		t, c, o := arm(in, "treatment"), arm(in, "control"), in.options(s)
		o.Split = in.split(t.N, c.N)
		if live {
			o = in.planned(o)
		}
		if in.has("theta") {
			theta := in.number("theta")
			o.Theta = &theta
		}
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		r := estimate(t.Joint(), c.Joint(), o)
		v := figure(estimateName(s), r.Result)
		if v != nil {
			v.add(num("theta", r.Theta), num("correlation", r.Correlation), num("variance_reduction", r.VarianceReduction))
		}
		if r.Fallback != "" {
			v.add(word("fallback", string(r.Fallback)))
		}
		return answer(r.Result, v...), nil
	}
}

func ratio(estimate func(t, c measure.Joint, o measure.Options) measure.Result, live bool) func(*fields) (Answer, error) {
	return func(in *fields) (Answer, error) {
		t, c, o := in.ratioArm("treatment"), in.ratioArm("control"), in.options(measure.Relative)
		o.Split = in.split(t.N, c.N)
		if live {
			o = in.planned(o)
		}
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		tj, cj := t.Joint(), c.Joint()
		r := estimate(tj, cj, o)
		v := figure("lift", r)
		if v != nil {
			v.add(num("ratio_treatment", tj.RatioArm().Mean), num("ratio_control", cj.RatioArm().Mean))
		}
		return answer(r, v...), nil
	}
}

func sequenceMean(in *fields) (Answer, error) {
	m, o := in.moments("arm"), in.planned(in.options(measure.Absolute))
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.AlwaysValidMean(m.Arm(), o)
	return answer(r, figure("mean", r)...), nil
}

func fieller(in *fields) (Answer, error) {
	t, c, o := in.moments("treatment"), in.moments("control"), in.options(measure.Relative)
	o.Split = in.split(t.N, c.N)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.Fieller(t.Arm(), c.Arm(), o)
	return answer(r, figure("lift", r)...), nil
}

func newcombe(in *fields) (Answer, error) {
	kt, nt := in.counted("treatment")
	kc, nc := in.counted("control")
	o := in.options(measure.Absolute)
	o.Split = in.split(nt, nc)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.Newcombe(kt, nt, kc, nc, o)
	return answer(r, figure("diff", r)...), nil
}

func memberDiD(in *fields) (Answer, error) {
	t, c, o := in.pairSums("treated"), in.pairSums("control"), in.options(measure.Absolute)
	if !in.has("design") {
		o.Design = measure.Observational
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.MemberDiD(t.Joint(), c.Joint(), o)
	var v Values
	if r.Naive != nil {
		v.add(num("naive", r.Naive.Estimate), num("naive_se", r.Naive.StdErr))
	}
	if f := r.Figure; f != nil {
		v.add(num("did", f.Estimate), num("did_se", f.StdErr), nums("did_ci", f.Low, f.High), num("did_p", f.P))
	}
	if f := r.ANCOVA; f != nil {
		v.add(num("ancova", f.Estimate), num("ancova_se", f.StdErr), num("slope", r.Slope))
	}
	if r.ANCOVAReason != "" {
		v.add(word("ancova_reason", string(r.ANCOVAReason)))
	}
	return answer(r.Result, v...), nil
}
