package series

import (
	"cmp"
	"math"
	"slices"

	"cagnotte/pipeline/measure"
)

// Synthetic is the answer of SyntheticControl. Result.Figure is the mean effect per treated unit and period: the interval holds the effects that
// the conformal test of the mean (statistic |sum u|) does not reject, P is that test of nought, StdErr is 0 because permutation has none.
// PConformal tests another thing, that no period has any effect (statistic sum |u|, which augsynth and GeoLift print): an effect that changes
// its sign is seen by it and not by the mean. Where the test cannot bound the effect the Result is refused, while the point estimates stand.
type Synthetic struct {
	measure.Result
	ATT         float64          `json:"att"`         // mean effect per treated unit and period of the campaign
	Incremental float64          `json:"incremental"` // over all treated units and periods
	Lift        float64          `json:"lift"`        // ATT over the mean counterfactual; 0 where that is not positive
	L2          float64          `json:"l2"`          // root of the summed squared gaps before the campaign
	ScaledL2    float64          `json:"scaled_l2"`   // over that of equal weights
	ATTPlain    float64          `json:"att_plain"`   // without augmentation; ATT where there is none
	Lambda      float64          `json:"lambda"`      // ridge penalty used
	PConformal  float64          `json:"p_conformal"` // of no effect in any period
	Gap         float64          `json:"duality_gap"` // certificate of the weights, relative
	Iterations  int              `json:"iterations"`  // of the solver
	Weights     []Weight         `json:"weights"`     // not nought, largest first
	Points      []SyntheticPoint `json:"points"`      // per treated unit
	Placebo     *Placebo         `json:"placebo,omitempty"`
}

// Weight is one donor's share in the counterfactual: of the simplex alone and with the augmentation.
type Weight struct {
	Unit    string  `json:"unit"`
	Weight  float64 `json:"weight"`
	Simplex float64 `json:"simplex"`
}

// SyntheticPoint is one period, per treated unit.
type SyntheticPoint struct {
	Period     int       `json:"period"`
	Actual     float64   `json:"actual"`
	Predicted  float64   `json:"predicted"`
	Effect     float64   `json:"effect"`
	Cumulative float64   `json:"cumulative"`
	Conformal  *Interval `json:"conformal,omitempty"` // of the effect, when asked for
}

// Interval is a conformal interval with its p of no effect, or the reason for its absence.
type Interval struct {
	Low    float64        `json:"low"`
	High   float64        `json:"high"`
	P      float64        `json:"p"`
	Reason measure.Reason `json:"reason,omitempty"`
}

// minSynthetic is the fewest periods before the campaign; weights matched on fewer follow noise.
const minSynthetic = 5

// SyntheticControl predicts the mean of the treated units by a weighted mean of the others, with weights that are not negative, sum to one and
// fit best before the campaign (Abadie, Diamond, Hainmueller 2010, on outcomes alone as augsynth does). FixedEffects takes each unit's mean
// before the campaign out first (Doudchenko, Imbens 2016; Ferman, Pinto 2021), which GeoLift has as its default. Ridge corrects the remaining
// imbalance by regression and may leave the simplex.
//
// Source: ebenmichael/augsynth fit_synth.R, ridge.R, inference.R; facebookincubator/GeoLift.
func SyntheticControl(p Panel, o SyntheticOptions) (Synthetic, error) {
	if err := p.check(); err != nil {
		return Synthetic{}, err
	}
	if err := o.check(); err != nil {
		return Synthetic{}, err
	}
	donors, names, treated := p.split()
	method := MethodSyntheticNoFE
	if o.FixedEffects {
		method = MethodSyntheticFE
	}
	out := Synthetic{Result: start(method, o.Design, o.Level, len(treated), len(donors))}
	switch {
	case len(treated) == 0:
		return out.refuse(NoTreatedUnit), nil
	case len(donors) < 2:
		return out.refuse(NoControlUnit), nil
	case p.Pre < minSynthetic || p.periods() == p.Pre:
		return out.refuse(TooFewPeriods), nil
	}
	s := problem{donors: donors, target: average(treated), pre: p.Pre, fe: o.FixedEffects}
	if o.Ridge {
		lambda, why := chooseLambda(s, o)
		if why != "" {
			return out.refuse(why), nil
		}
		s.lambda, s.ridge = lambda, true
	}
	f, why := s.fit(nil)
	if why != "" {
		return out.refuse(why), nil
	}
	out.describe(s, f, names, len(treated))
	out.infer(s, f, o)
	if o.Placebos > 0 {
		placebo := placebos(s, f, len(treated), o)
		out.Placebo = &placebo
		if placebo.Sampled {
			out.Result = out.Warn(PlacebosSampled)
		}
	}
	return out.finite(), nil
}

func (out Synthetic) refuse(why measure.Reason) Synthetic {
	out.Result = out.Refuse(why)
	return out
}

// finite refuses everything when a detail overflowed; the figure was checked when it was set.
func (out Synthetic) finite() Synthetic {
	ok := measure.Finite(out.ATT, out.Incremental, out.Lift, out.L2, out.ScaledL2, out.ATTPlain, out.Lambda, out.PConformal, out.Gap)
	for _, p := range out.Points {
		ok = ok && measure.Finite(p.Actual, p.Predicted, p.Effect, p.Cumulative)
	}
	for _, w := range out.Weights {
		ok = ok && measure.Finite(w.Weight, w.Simplex)
	}
	if ok {
		return out
	}
	return Synthetic{Result: out.Refuse(measure.NotFinite)}
}

// describe fills the point estimates.
func (out *Synthetic) describe(s problem, f fitted, names []string, treated int) {
	post := f.gaps[s.pre:]
	out.ATT, out.ATTPlain = mean(post), mean(f.plain[s.pre:])
	out.Incremental = sum(post) * float64(treated)
	if base := mean(s.target[s.pre:]) - out.ATT; base > 0 {
		out.Lift = out.ATT / base
	}
	out.L2 = norm(f.gaps[:s.pre])
	if uniform := norm(s.gapsOf(equal(len(s.donors)))[:s.pre]); uniform > 0 {
		out.ScaledL2 = out.L2 / uniform
	}
	out.Lambda, out.Gap, out.Iterations = s.lambda, f.solver.gap, f.solver.iterations
	for i, w := range f.w {
		if w != 0 {
			out.Weights = append(out.Weights, Weight{Unit: names[i], Weight: w, Simplex: f.solver.w[i]})
		}
	}
	slices.SortStableFunc(out.Weights, func(a, b Weight) int { return cmp.Compare(b.Weight, a.Weight) })
	cum := 0.0
	for t, y := range s.target {
		if t >= s.pre {
			cum += f.gaps[t]
		}
		out.Points = append(out.Points, SyntheticPoint{Period: t, Actual: y, Predicted: y - f.gaps[t], Effect: f.gaps[t], Cumulative: cum})
	}
	if out.ScaledL2 > 0.8 {
		out.Result = out.Warn(PoorFit)
	}
	if s.pre < 2*len(post) {
		out.Result = out.Warn(ShortHistory)
	}
}

// problem is one synthetic control to fit: the first pre periods are matched.
type problem struct {
	donors [][]float64
	target []float64
	pre    int
	fe     bool
	ridge  bool
	lambda float64
	cached *ridger // of the donors over the first pre periods; nil computes it
}

// fitted are the weights and the gaps (target minus counterfactual) of all periods.
type fitted struct {
	w      []float64
	solver hull
	gaps   []float64
	plain  []float64 // gaps of the simplex weights alone
}

// fit solves for the weights; warm are simplex weights of a similar problem, or nil.
func (s problem) fit(warm []float64) (fitted, measure.Reason) {
	points := make([][]float64, len(s.donors))
	tbar := s.level(s.target)
	flat := make([]float64, len(s.donors)*s.pre)
	for i, d := range s.donors {
		points[i] = flat[i*s.pre : (i+1)*s.pre]
		dbar := s.level(d)
		for t := range points[i] {
			points[i][t] = (d[t] - dbar) - (s.target[t] - tbar)
		}
	}
	f := fitted{solver: nearest(points, warm)}
	if !f.solver.ok {
		return f, NotConverged
	}
	f.w = f.solver.w
	f.plain = s.gapsOf(f.w)
	f.gaps = f.plain
	if !s.ridge {
		return f, ""
	}
	r := s.cached
	if r == nil {
		var ok bool
		if r, ok = newRidger(s.centred()); !ok {
			return f, NotConverged
		}
	}
	f.w = slices.Clone(f.w)
	for i, w := range r.weights(f.plain[:s.pre], s.lambda) {
		f.w[i] += w
	}
	f.gaps = s.gapsOf(f.w)
	return f, ""
}

// level is the unit effect: the mean over the matched periods, or nought.
func (s problem) level(y []float64) float64 {
	if !s.fe {
		return 0
	}
	return mean(y[:s.pre])
}

// gapsOf is the target minus the weighted donors, in all periods.
func (s problem) gapsOf(w []float64) []float64 {
	out := make([]float64, len(s.target))
	tbar := s.level(s.target)
	for t, y := range s.target {
		out[t] = y - tbar
	}
	for i, d := range s.donors {
		if w[i] == 0 {
			continue
		}
		dbar := s.level(d)
		for t, y := range d {
			out[t] -= w[i] * (y - dbar)
		}
	}
	return out
}

func equal(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1 / float64(n)
	}
	return w
}

func norm(x []float64) float64 { return math.Sqrt(dot(x, x)) }
