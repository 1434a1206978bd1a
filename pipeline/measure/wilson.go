package measure

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

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
	z := normalQuantile(level)
	nf, p := float64(n), float64(k)/float64(n)
	den := 1 + z*z/nf
	mid := (p + z*z/(2*nf)) / den
	half := z / den * math.Sqrt(p*(1-p)/nf+z*z/(4*nf*nf))
	return r.With(Figure{
		Estimate: p, Low: math.Min(p, math.Max(0, mid-half)), High: math.Max(p, math.Min(1, mid+half)),
		StdErr: math.Sqrt(p * (1 - p) / nf), P: 1,
	})
}

// normalQuantile returns z such that a standard normal lies within +-z with probability level.
func normalQuantile(level float64) float64 {
	return distuv.UnitNormal.Quantile(1 - (1-level)/2)
}
