package catalog

import (
	"fmt"
	"strconv"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/series"
)

// structural reads one treated series and its controls: from the input, or from a data set with one row per period (columns.outcome and
// control_columns name its columns).
func (f *fields) structural() func() (series.StructuralInput, error) {
	in := series.StructuralInput{Pre: f.countIn("pre_periods", -1, 1, 1_000_000), Level: f.level(), Design: f.design(measure.Observational)}
	if !f.has("data") {
		in.Y = f.numbers("outcome", 1)
		if f.has("controls") {
			in.Controls = f.rows("controls", 0)
		}
		for i, c := range in.Controls {
			f.sameLength("outcome", len(in.Y), item("controls", i), len(c))
		}
		return func() (series.StructuralInput, error) { return in, nil }
	}
	name, outcome := f.dataPath("data"), f.columns("outcome", "y")["outcome"]
	var controls []string
	if f.has("control_columns") {
		controls = f.texts("control_columns", 0)
	}
	return func() (series.StructuralInput, error) {
		frame, err := f.shared.table(name, append([]string{outcome}, controls...)...)
		if err != nil {
			return in, err
		}
		if in.Y, err = frame.complete(outcome); err != nil {
			return in, err
		}
		if in.Pre > len(in.Y) {
			return in, &InputError{Path: "pre_periods", Want: fmt.Sprintf("at most the %d periods of the data", len(in.Y)), Got: strconv.Itoa(in.Pre)}
		}
		in.Controls = make([][]float64, len(controls))
		for i, c := range controls {
			if in.Controls[i], err = frame.complete(c); err != nil {
				return in, err
			}
		}
		return in, nil
	}
}

// impact names what both structural methods have in common.
func impact(r measure.Result, average, lift series.Figure) Values {
	v := Values{num("incremental", r.Figure.Estimate), nums("ci", r.Figure.Low, r.Figure.High), num("se", r.Figure.StdErr), num("p", r.Figure.P)}
	if f := average.Figure; f != nil {
		v.add(num("average", f.Estimate), nums("average_ci", f.Low, f.High))
	}
	if f := lift.Figure; f != nil {
		v.add(num("lift", f.Estimate), nums("lift_ci", f.Low, f.High))
	}
	return v
}

func localLevel(in *fields) (Answer, error) {
	load := in.structural()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	input, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := series.StructuralCounterfactual(input)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := impact(r.Result, r.Average, r.Lift)
	v.add(num("sigma_noise", r.SigmaNoise), num("sigma_level", r.SigmaLevel), num("loglik", r.LogLikelihood),
		detail("coefficients", r.Coefficients), detail("innovations", r.Innovations), detail("points", r.Points))
	return answer(r.Result, v...), nil
}

func bayesian(in *fields) (Answer, error) {
	load, prior := in.structural(), in.openOr("prior_level_sd", 0.01, 0, 1+1e-9)
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	input, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := series.BayesianStructural(series.BayesInput{StructuralInput: input, PriorLevelSD: prior})
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := impact(r.Result, r.Average, r.Lift)
	v.add(num("tail_area", r.TailArea), num("sigma_noise", r.SigmaNoise), num("sigma_level", r.SigmaLevel), nums("inclusion", r.Inclusion...),
		whole("components", int64(r.Components)), detail("points", r.Points))
	return answer(r.Result, v...), nil
}
