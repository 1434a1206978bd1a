package catalog

import (
	"cagnotte/pipeline/measure"
)

const (
	gbstats = "growthbook/growthbook packages/stats (gbstats), frequentist tests"
	asympCS = "Waudby-Smith et al. 2021, arXiv 2103.06476; gbstats sequential test"
)

const exampleArms = `{"control": {"n": 3407, "sum": 1396.87, "sum_squares": 52377.9767}, "treatment": {"n": 3461, "sum": 2422.7, "sum_squares": 134698.29}`

// twoArmMethods compare means and shares.
func twoArmMethods() []Method {
	return []Method{
		{Name: "welch_t_relative", Design: measure.Randomised, Source: gbstats,
			Summary: "relative lift of a mean at one planned look: Welch's t, delta method",
			Example: exampleArms + `, "alpha": 0.05}`, run: welch(measure.Relative, measure.TwoSided)},
		{Name: "welch_t_absolute", Design: measure.Randomised, Source: gbstats,
			Summary: "difference of means at one planned look: Welch's t",
			Example: exampleArms + `, "alpha": 0.05}`, run: welch(measure.Absolute, measure.TwoSided)},
		{Name: "welch_t_one_sided_greater", Design: measure.Randomised, Source: gbstats,
			Summary: "is the treatment's mean higher? Welch's t against one side, lower bound",
			Example: exampleArms + `}`, run: welch(measure.Absolute, measure.Greater)},
		{Name: "welch_t_one_sided_less", Design: measure.Randomised, Source: gbstats,
			Summary: "is the treatment's mean lower? Welch's t against one side, upper bound",
			Example: exampleArms + `}`, run: welch(measure.Absolute, measure.Less)},
		{Name: "welch_t_relative_proportion", Design: measure.Randomised, Source: gbstats + "; variance p(1-p)",
			Summary: "relative lift of a share at one planned look",
			Example: `{"control": {"n": 28, "sum": 14}, "treatment": {"n": 30, "sum": 16}}`, run: welchShare},
		{Name: "asymptotic_confidence_sequence_relative", Design: measure.Randomised, Source: asympCS,
			Summary: "relative lift of a mean that may be watched live: valid at every look at once",
			Example: exampleArms + `, "alpha": 0.05, "n_star": 7000}`, run: sequence(measure.Relative)},
		{Name: "asymptotic_confidence_sequence_absolute", Design: measure.Randomised, Source: asympCS,
			Summary: "difference of means that may be watched live: valid at every look at once",
			Example: exampleArms + `, "alpha": 0.05, "n_star": 7000}`, run: sequence(measure.Absolute)},
		{Name: "asymptotic_confidence_sequence_proportion", Design: measure.Randomised, Source: asympCS,
			Summary: "difference of shares (participation less ghost participation) that may be watched live",
			Example: `{"control": {"n": 1000, "sum": 110}, "treatment": {"n": 9000, "sum": 1620}, "n_star": 20000, "holdout": 0.1}`, run: sequenceShare},
		{Name: "wilson_interval", Design: measure.Descriptive, Source: "Wilson 1927, JASA 22(158)",
			Summary: "share of k among n with an interval that stays inside [0, 1]",
			Example: `{"k": 214, "n": 1133}`, run: wilson},
		{Name: "participation_rate", Design: measure.Descriptive, Source: "trade definition (taux de retour, taux de remontee); interval Wilson 1927",
			Summary: "claims among members reached",
			Example: `{"claims": 768, "reached": 10000}`, run: participation},
	}
}

func welch(s measure.Scale, tail measure.Tail) func(*fields) (Answer, error) {
	return func(in *fields) (Answer, error) {
		t, c, o := in.moments("treatment"), in.moments("control"), in.options(s)
		o.Split = in.split(t.N, c.N)
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		o.Tail = tail
		r := measure.Welch(t.Arm(), c.Arm(), o)
		return answer(r, tailed(estimateName(s), r)...), nil
	}
}

// tailed names the one bound that a one-sided figure vouches for.
func tailed(estimate string, r measure.Result) Values {
	f := r.Figure
	if f == nil || f.Tail == measure.TwoSided {
		return figure(estimate, r)
	}
	bound := num("ci_low", f.Low)
	if f.Tail == measure.Less {
		bound = num("ci_high", f.High)
	}
	return Values{num(estimate, f.Estimate), bound, num("se", f.StdErr), num("p", f.P), num("dof", f.DF)}
}

func estimateName(s measure.Scale) string {
	if s == measure.Relative {
		return "lift"
	}
	return "diff"
}

func welchShare(in *fields) (Answer, error) {
	t, c, o := in.share("treatment"), in.share("control"), in.options(measure.Relative)
	o.Split = in.split(t.N, c.N)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.Welch(t, c, o)
	return answer(r, figure("lift", r)...), nil
}

func sequence(s measure.Scale) func(*fields) (Answer, error) {
	return func(in *fields) (Answer, error) {
		t, c, o := in.moments("treatment"), in.moments("control"), in.planned(in.options(s))
		o.Split = in.split(t.N, c.N)
		if err := in.done(); err != nil {
			return Answer{}, err
		}
		r := measure.AlwaysValid(t.Arm(), c.Arm(), o)
		return answer(r, figure(estimateName(s), r)...), nil
	}
}

func sequenceShare(in *fields) (Answer, error) {
	t, c, o := in.share("treatment"), in.share("control"), in.planned(in.options(measure.Absolute))
	o.Split = in.split(t.N, c.N)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.AlwaysValid(t, c, o)
	return answer(r, figure("diff", r)...), nil
}

func wilson(in *fields) (Answer, error) {
	return rate(in, in.count("k"), in.count("n"))
}

func participation(in *fields) (Answer, error) {
	return rate(in, in.count("claims"), in.count("reached"))
}

func rate(in *fields, k, n int64) (Answer, error) {
	level := in.level()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	r := measure.Wilson(k, n, level)
	if r.Figure == nil {
		return answer(r), nil
	}
	return answer(r, num("rate", r.Figure.Estimate), num("lo", r.Figure.Low), num("hi", r.Figure.High)), nil
}
