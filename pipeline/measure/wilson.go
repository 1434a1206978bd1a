package measure

import "gonum.org/v1/gonum/stat/distuv"

// Wilson returns the share of k among n with Wilson's score interval, which stays inside [0, 1] and does not collapse at 0 or n. The
// result's NTreatment is n. It describes one planned look, like every level.
func Wilson(k, n int64, level float64) Result {
	r := Result{Method: MethodWilson, Design: Descriptive, Level: level, NTreatment: n}
	if n < 0 || k < 0 || k > n || !ValidLevel(level) {
		return r.Refuse(NotFinite)
	}
	if n == 0 {
		return r.Refuse(EmptyArm)
	}
	w := scoreInterval(k, n, normalQuantile(level))
	return r.With(Figure{Estimate: w.p, Low: w.low, High: w.high, StdErr: w.se, P: 1})
}

// normalQuantile returns z such that a standard normal lies within +-z with probability level.
func normalQuantile(level float64) float64 {
	return distuv.UnitNormal.Quantile(1 - (1-level)/2)
}
