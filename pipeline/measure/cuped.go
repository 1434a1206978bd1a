package measure

import "math"

// Adjusted is a comparison that used a covariate from before assignment.
type Adjusted struct {
	Result
	Theta             float64 `json:"theta"`              // slope taken off, in outcome units per covariate unit; 0 when none was
	Correlation       float64 `json:"correlation"`        // of outcome and covariate over both arms
	VarianceReduction float64 `json:"variance_reduction"` // 1 - (adjusted se / raw se)^2; a bad fixed theta makes it negative
	Fallback          Reason  `json:"fallback,omitempty"` // why the figure is the raw one, empty when it is adjusted
}

// CUPED compares two arms' means at a fixed horizon after taking off what the covariate foretold. The slope is that of both arms
// together, unless Options.Theta fixes it. A covariate that is constant or uncorrelated leaves the raw figure, with Fallback and the warning
// Unadjusted. Only for random arms and a covariate from before assignment: otherwise the adjustment itself is biased, and warned of.
// Source: Deng, Xu, Kohavi and Walker (WSDM 2013); gbstats RegressionAdjustedStatistic and compute_theta.
func CUPED(t, c Joint, o Options) Adjusted {
	return adjust(MethodCUPED, t, c, Joint.mean, o, fixed)
}

// AlwaysValidCUPED is CUPED with the interval of AlwaysValid.
func AlwaysValidCUPED(t, c Joint, o Options) Adjusted {
	return adjust(MethodAlwaysCUPED, t, c, Joint.mean, o, sequence)
}

// CUPEDRatio adjusts sums over sums: the covariate is taken off each member's linearised ratio (Y - R D) / mean D.
// Source: Deng, Knoblich and Lu (KDD 2018), section 4; gbstats adjusts by a covariate that is itself a ratio, this one is plain.
func CUPEDRatio(t, c Joint, o Options) Adjusted {
	return adjust(MethodCUPED, t, c, Joint.ratio, o, fixed)
}

// AlwaysValidCUPEDRatio is CUPEDRatio with the interval of AlwaysValid.
func AlwaysValidCUPEDRatio(t, c Joint, o Options) Adjusted {
	return adjust(MethodAlwaysCUPED, t, c, Joint.ratio, o, sequence)
}

func adjust(m Method, t, c Joint, metric func(Joint) outcome, o Options, finish func(Result, effect, Options) Result) Adjusted {
	mt, mc := metric(t), metric(c)
	raw, e, ok := compare(m, mt, mc, 0, o)
	if !ok {
		return Adjusted{Result: raw}
	}
	both := metric(t.Plus(c))
	a := Adjusted{Correlation: both.correlation()}
	theta, why := slope(mt, mc, both, o)
	if why == "" {
		a.Theta = theta
		var adjusted effect
		if raw, adjusted, ok = compare(m, mt, mc, theta, o); !ok {
			return Adjusted{Result: raw}
		}
		a.VarianceReduction = 1 - adjusted.se/e.se*(adjusted.se/e.se)
		e = adjusted
	} else {
		a.Fallback, raw = why, raw.Warn(Unadjusted)
	}
	if o.Design != Randomised {
		raw = raw.Warn(NotRandomised)
	}
	a.Result = finish(raw, e, o)
	if !Finite(a.Theta, a.Correlation, a.VarianceReduction) {
		return Adjusted{Result: a.Refuse(NotFinite)}
	}
	return a
}

// slope returns the theta to adjust by, or the reason why there is none.
func slope(t, c, both outcome, o Options) (float64, Reason) {
	if o.Theta != nil {
		return *o.Theta, ""
	}
	// Constant within both arms but different between them, the pooled slope would be the effect itself and take it off.
	within := quiet(t.vx, t.x*t.x) == 0 && quiet(c.vx, c.x*c.x) == 0
	if within || both.why != "" || both.vx <= 0 || both.cov == 0 {
		return 0, ConstantX
	}
	theta := both.cov / both.vx
	if theta == 0 {
		return 0, ConstantX // underflow
	}
	return theta, ""
}

// correlation of the outcome and the covariate, 0 where one of them is constant.
func (m outcome) correlation() float64 {
	if m.v <= 0 || m.vx <= 0 {
		return 0
	}
	return math.Max(-1, math.Min(1, m.cov/math.Sqrt(m.v)/math.Sqrt(m.vx)))
}
