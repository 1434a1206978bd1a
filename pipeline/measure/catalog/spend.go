package catalog

import (
	"cagnotte/pipeline/measure/members"
)

func gammaGamma(in *fields) (Answer, error) {
	load, o := in.customers(true), in.fitOptions()
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	rows, err := load()
	if err != nil {
		return Answer{}, err
	}
	r, err := members.FitGammaGamma(rows, o)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := Values{num("p", r.P), num("q", r.Q), num("v", r.V), num("loglik", r.LogLik), num("mean_value", r.Figure.Estimate), nums("ci", r.Figure.Low, r.Figure.High)}
	v.add(detail("se", r.StdErr), num("members", r.Members), detail("independence", r.Independence), detail("convergence", r.Convergence))
	return answer(r.Result, v...), nil
}

// lifetimeValue fits both models to the members and discounts what they will bring. discount is per step, margin a share of the spend.
func lifetimeValue(in *fields) (Answer, error) {
	load, fit := in.customers(true), in.fitOptions()
	o := members.CLVOptions{
		Steps: in.countIn("steps", 52, 1, 1200), Step: in.numberOr("step", 1), Discount: in.numberOr("discount", 0), Margin: in.numberOr("margin", 1),
		Level: fit.Level, Draws: in.countIn("draws", 0, 0, 10_000), Seed: uint64(in.countOr("seed", 1)),
	}
	if err := in.done(); err != nil {
		return Answer{}, err
	}
	rows, err := load()
	if err != nil {
		return Answer{}, err
	}
	bg, err := members.FitBGNBD(rows, fit)
	if err != nil {
		return Answer{}, err
	}
	gg, err := members.FitGammaGamma(rows, fit)
	if err != nil {
		return Answer{}, err
	}
	r, err := members.LifetimeValue(bg, gg, rows, o)
	if err != nil || r.Figure == nil {
		return answer(r.Result), err
	}
	v := figure("per_member", r.Result)
	v.add(num("total", r.Total), whole("rejected_draws", int64(r.Rejected)), detail("members", r.Members))
	return answer(r.Result, v...), nil
}
