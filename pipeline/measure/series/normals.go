package series

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// normals is a mixture of normals in the data's unit.
type normals struct {
	weight, mean, sd []float64
}

func (x normals) moments() (mean, sd float64) {
	for i, w := range x.weight {
		mean += w * x.mean[i]
	}
	v := 0.0
	for i, w := range x.weight {
		d := x.mean[i] - mean
		v += w * (x.sd[i]*x.sd[i] + d*d)
	}
	return mean, math.Sqrt(v)
}

func (x normals) cdf(at float64) float64 {
	s := 0.0
	for i, w := range x.weight {
		s += w * distuv.UnitNormal.CDF((at-x.mean[i])/x.sd[i])
	}
	return s
}

// quantile bisects between twelve standard deviations.
func (x normals) quantile(p float64) float64 {
	mean, sd := x.moments()
	low, high := mean-12*sd, mean+12*sd
	for range 40 {
		if mid := low + (high-low)/2; x.cdf(mid) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return low + (high-low)/2
}
