package measure

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Plan is what has to be known before a campaign to say how many members it needs. Start from DefaultPlan.
type Plan struct {
	Mean        float64 `json:"mean"`        // of one member in past data; effects are fractions of it. A share is its own mean
	Var         float64 `json:"var"`         // of one member, both arms; p (1 - p) for a share
	Holdout     float64 `json:"holdout"`     // share of members held out: 0.1
	Level       float64 `json:"level"`       // of the interval that will decide
	Power       float64 `json:"power"`       // probability of seeing the effect, for MinDetectable and SampleSize
	Tail        Tail    `json:"tail"`        // the alternative
	Correlation float64 `json:"correlation"` // with the covariate that CUPED will take off, 0 without
	Sequential  bool    `json:"sequential"`  // decide by the always-valid interval tuned for exactly this size; else by a fixed look
}

// DefaultPlan: 10 % held out, 95 %, power 0.8, two-sided, no covariate, one fixed look.
func DefaultPlan(mean, variance float64) Plan {
	return Plan{Mean: mean, Var: variance, Holdout: 0.1, Level: 0.95, Power: 0.8}
}

// Planned is the answer to a planning question, or the reason why there is none. Planning is arithmetic on assumptions: it estimates
// nothing and has no interval.
type Planned struct {
	Members   int64   `json:"members"` // both arms
	Treatment int64   `json:"treatment"`
	Control   int64   `json:"control"`
	Effect    float64 `json:"effect"` // fraction of the mean
	Power     float64 `json:"power"`
	Reason    Reason  `json:"reason,omitempty"`
}

// Power returns the probability that a relative effect is seen with that many members in both arms, by the normal approximation (two-sided:
// in either direction). Looking at an always-valid interval all along, one sees it with a higher probability than this one at the planned
// size. Sources: Chow, Shao and Wang (2008) ch. 3; statsmodels NormalIndPower. Effects are tested on the absolute scale, mean times effect.
func Power(p Plan, members int64, effect float64) Planned {
	a, ok := p.answer(members, effect)
	if !ok {
		return a
	}
	z, crit := p.Mean*effect/p.stdErr(float64(members)), p.critical()
	up, down := normalP(crit-z, Greater), normalP(crit+z, Greater)
	switch p.Tail {
	case Greater:
		a.Power = up
	case Less:
		a.Power = down
	default:
		a.Power = math.Min(1, up+down)
	}
	if !Finite(a.Power) {
		return Planned{Reason: NotFinite}
	}
	return a
}

// MinDetectable returns the smallest effect, as a fraction of the mean, that is seen with probability Plan.Power by that many members.
func MinDetectable(p Plan, members int64) Planned {
	a, ok := p.answer(members, 1)
	if !ok {
		return a
	}
	a.Power = p.Power
	a.Effect = p.reach() * p.stdErr(float64(members)) / p.Mean
	if p.Tail == Less {
		a.Effect = -a.Effect
	}
	if !Finite(a.Effect) {
		return Planned{Reason: NotFinite}
	}
	return a
}

// SampleSize returns how many members both arms need together, rounded up, to see the effect with probability Plan.Power.
func SampleSize(p Plan, effect float64) Planned {
	wrongSide := p.Tail != TwoSided && effect*p.Tail.sign() <= 0
	if a, ok := p.answer(2, effect); !ok {
		return a
	}
	n := math.Ceil(math.Pow(p.reach()*p.stdErr(1)/(p.Mean*effect), 2))
	if effect == 0 || wrongSide || !Finite(n) || n > 1<<62 {
		return Planned{Reason: Unreachable}
	}
	a, _ := p.answer(max(2, int64(n)), effect)
	a.Power = p.Power
	return a
}

// answer checks the question and fills in the sizes.
func (p Plan) answer(members int64, effect float64) (Planned, bool) {
	known := p.Tail == TwoSided || p.Tail == Greater || p.Tail == Less
	switch {
	case !Finite(p.Mean, p.Var, p.Correlation, effect) || p.Var < 0 || !ValidLevel(p.Level) || !known:
		return Planned{Reason: NotFinite}, false
	case !(p.Holdout > 0 && p.Holdout < 1) || !(p.Power > 1-p.Level && p.Power < 1) || !(math.Abs(p.Correlation) < 1) || members < 0:
		return Planned{Reason: NotFinite}, false
	case members < 2:
		return Planned{Reason: TooFewMembers}, false
	case p.Mean <= 0:
		return Planned{Reason: ZeroControl}, false
	case p.Var == 0:
		return Planned{Reason: ZeroVariance}, false
	}
	// Each arm has somebody, even at the smallest sizes.
	control := min(max(1, int64(math.Round(float64(members)*p.Holdout))), members-1)
	return Planned{Members: members, Control: control, Treatment: members - control, Effect: effect}, true
}

// stdErr is the standard error of the difference with n members in both arms at the planned split.
func (p Plan) stdErr(n float64) float64 {
	v := p.Var * (1 - p.Correlation) * (1 + p.Correlation)
	return math.Sqrt(v / n / p.Holdout / (1 - p.Holdout))
}

// critical is the number of standard errors at which the interval excludes zero; for the always-valid one at the size it is tuned for, which
// makes it a constant.
func (p Plan) critical() float64 {
	o := Options{Level: p.Level, Tail: p.Tail}
	if !p.Sequential {
		return criticalZ(o)
	}
	alpha := 1 - p.Level
	if p.Tail != TwoSided {
		half, _ := oneSidedSequence(0, 1, alpha, 1)
		return half
	}
	k := rhoSquared(alpha, 1)
	return math.Sqrt(2 * (k + 1) / k * math.Log(math.Sqrt(k+1)/alpha))
}

// reach is the number of standard errors that an effect must have to be seen with the planned power.
func (p Plan) reach() float64 {
	crit := p.critical()
	r := crit + distuv.UnitNormal.Quantile(p.Power)
	if p.Tail != TwoSided {
		return r
	}
	// The wrong direction helps a little at low levels; the correction shrinks geometrically.
	for range 20 {
		r = crit + distuv.UnitNormal.Quantile(p.Power-normalP(r+crit, Greater))
	}
	return r
}
