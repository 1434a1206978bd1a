package catalog

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

const planSource = "Chow, Shao and Wang 2008, ch. 3; statsmodels NormalIndPower"

const examplePlan = `{"mean": 70, "variance": 7056, "holdout": 0.1, "power": 0.8, "correlation": 0.81`

// planningMethods answer questions before a campaign, and over many of them.
func planningMethods() []Method {
	return []Method{
		{Name: "power", Design: measure.Descriptive, Source: planSource,
			Summary: "how likely a relative effect is to be seen with so many members",
			Example: examplePlan + `, "members": 40000, "effect": 0.05}`, run: power},
		{Name: "minimum_detectable_effect", Design: measure.Descriptive, Source: planSource,
			Summary: "the smallest relative effect that so many members show with the planned power",
			Example: examplePlan + `, "members": 40000}`, run: minDetectable},
		{Name: "sample_size", Design: measure.Descriptive, Source: planSource,
			Summary: "how many members a relative effect needs",
			Example: examplePlan + `, "effect": 0.05}`, run: sampleSize},
		{Name: "benjamini_hochberg", Design: measure.Descriptive, Source: "Benjamini and Hochberg 1995, JRSS B 57(1)",
			Summary: "which of many campaigns and KPIs stand when at most the share q of those called significant may be wrong",
			Example: `{"p": [0.001, 0.2, 0.012, 0.04, 0.6], "q": 0.05}`, run: benjaminiHochberg},
		{Name: "srm", Design: measure.Randomised, Source: "Fabijan et al. 2019, KDD; chi-square, alarm below 0.001",
			Summary: "sample-ratio mismatch: do the arms have the sizes that the split promised? One look",
			Example: `{"n_treatment": 8700, "n_control": 1300, "holdout": 0.1}`, run: sampleRatio},
		{Name: "srm_sequential", Design: measure.Randomised, Source: "Lindon and Malek 2022, NeurIPS, arXiv 2011.03567; package ssrm-test",
			Summary: "sample-ratio mismatch that may be looked at after every member",
			Example: `{"n_treatment": 8700, "n_control": 1300, "holdout": 0.1}`, run: sequentialRatio},
		{Name: "winsor_cap", Design: measure.Descriptive, Source: "nearest-rank quantile",
			Summary: "the cap for member totals that leaves a share of those before the campaign uncut",
			Example: `{"totals": [1250, 90, 31800, 700, 4000], "share": 0.8}`, run: winsorCap},
	}
}

// plan reads what all planning questions share.
func (f *fields) plan() measure.Plan {
	p := measure.DefaultPlan(f.number("mean"), f.atLeast("variance", 0))
	p.Level = f.level()
	p.Holdout = f.openOr("holdout", p.Holdout, 0, 1)
	p.Power = f.openOr("power", p.Power, 0, 1)
	p.Correlation = f.openOr("correlation", 0, -1, 1)
	p.Sequential = f.flag("sequential")
	p.Tail = f.tail()
	return p
}

// openOr reads a number of an open range that may be missing.
func (f *fields) openOr(name string, fallback, low, high float64) float64 {
	if !f.has(name) {
		return fallback
	}
	return f.within(name, low, high)
}

func (f *fields) tail() measure.Tail {
	if t := f.oneOf("tail", "two_sided", string(measure.Greater), string(measure.Less)); t != "two_sided" {
		return measure.Tail(t)
	}
	return measure.TwoSided
}

func planned(name string, p measure.Plan, a measure.Planned) Answer {
	r := measure.Result{Method: measure.Method(name), Design: measure.Descriptive, Level: p.Level, NTreatment: a.Treatment, NControl: a.Control}
	if a.Reason != "" {
		return answer(r.Refuse(a.Reason))
	}
	return answer(r, whole("members", a.Members), whole("treatment", a.Treatment), whole("control", a.Control), num("effect", a.Effect), num("power", a.Power))
}

func power(in *fields) (Answer, error) {
	p, n, effect := in.plan(), in.count("members"), in.number("effect")
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return planned("power", p, measure.Power(p, n, effect)), nil
}

func minDetectable(in *fields) (Answer, error) {
	p, n := in.plan(), in.count("members")
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return planned("minimum_detectable_effect", p, measure.MinDetectable(p, n)), nil
}

func sampleSize(in *fields) (Answer, error) {
	p, effect := in.plan(), in.number("effect")
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return planned("sample_size", p, measure.SampleSize(p, effect)), nil
}

func benjaminiHochberg(in *fields) (Answer, error) {
	p, q := in.numbers("p", 1), in.openOr("q", 0.05, 0, 1)
	for i, v := range p {
		if v < 0 || v > 1 {
			in.shared.fail(item("p", i), "a probability", fmt.Sprintf("%g", v))
		}
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	found, err := measure.BenjaminiHochberg(p, q)
	if err != nil {
		return Answer{}, err
	}
	adjusted, significant := make([]float64, len(found)), int64(0)
	for i, d := range found {
		adjusted[i] = d.Adjusted
		if d.Significant {
			significant++
		}
	}
	r := measure.Result{Method: "benjamini_hochberg", Design: measure.Descriptive, Level: 1 - q}
	return answer(r, whole("significant", significant), nums("adjusted", adjusted...)), nil
}

func sampleRatio(in *fields) (Answer, error) {
	t, c, share := in.count("n_treatment"), in.count("n_control"), in.within("holdout", 0, 1)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return split("srm", measure.SampleRatio(t, c, share)), nil
}

func sequentialRatio(in *fields) (Answer, error) {
	t, c, share := in.count("n_treatment"), in.count("n_control"), in.within("holdout", 0, 1)
	concentration := in.openOr("concentration", measure.DefaultConcentration, 1e-3, 1e15)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	return split("srm_sequential", measure.SequentialSRM(t, c, share, concentration)), nil
}

func split(name measure.Method, s measure.SRM) Answer {
	r := measure.Result{Method: name, Design: measure.Randomised, Level: 1 - s.AlarmBelow, NTreatment: s.NTreatment, NControl: s.NControl}
	v := Values{word("state", string(s.State)), num("p", s.P), num("chi_square", s.ChiSquare), num("observed", s.Observed), num("planned", s.Planned)}
	if s.Sequential {
		v.add(num("log_evidence", s.LogE))
	}
	return answer(r, v...)
}

func winsorCap(in *fields) (Answer, error) {
	totals, share := in.numbers("totals", 1), in.number("share")
	cents := make([]int64, len(totals))
	for i, v := range totals {
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			in.shared.fail(item("totals", i), "an amount in minor units, an integer", fmt.Sprintf("%g", v))
		}
		cents[i] = int64(v)
	}
	if !(share > 0 && share <= 1) {
		in.shared.fail("share", "a share above 0 and at most 1", fmt.Sprintf("%g", share))
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	w, err := measure.CapFrom(cents, share)
	if err != nil {
		return Answer{}, err
	}
	return answer(measure.Result{Method: "winsor_cap", Design: measure.Descriptive, NTreatment: int64(len(cents))}, whole("cap", w.Cap)), nil
}
