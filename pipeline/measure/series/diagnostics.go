package series

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Diagnostics says whether the residuals before the campaign look independent, which a t interval from regression needs.
type Diagnostics struct {
	DurbinWatson float64 `json:"durbin_watson"`  // 2 is none, towards 0 positive, towards 4 negative correlation with the period before
	Lag1         float64 `json:"lag1"`           // autocorrelation with the period before
	LjungBox     float64 `json:"ljung_box"`      // chi-square with Lags degrees of freedom
	Lags         int     `json:"ljung_box_lags"` // min(10, n/5)
	P            float64 `json:"ljung_box_p"`
	Correlated   bool    `json:"correlated"` // Ljung-Box p below 0.05, or Durbin-Watson more than 1.96 standard errors from 2
}

// diagnose computes Durbin-Watson (1950) and Ljung-Box (1978) over residuals; lags follow Hyndman's rule for series without season. For the
// verdict Durbin-Watson is taken as 2(1-r) with r normal of variance 1/n, which is rough in small samples and errs towards warning.
func diagnose(e []float64) Diagnostics {
	n := len(e)
	ss := dot(e, e)
	if n < 4 || ss == 0 {
		return Diagnostics{DurbinWatson: 2, P: 1}
	}
	d := Diagnostics{Lags: max(1, min(10, n/5))}
	for t := 1; t < n; t++ {
		d.DurbinWatson += (e[t] - e[t-1]) * (e[t] - e[t-1]) / ss
	}
	for k := 1; k <= d.Lags; k++ {
		r := 0.0
		for t := k; t < n; t++ {
			r += e[t] * e[t-k] / ss
		}
		if k == 1 {
			d.Lag1 = r
		}
		d.LjungBox += float64(n) * float64(n+2) * r * r / float64(n-k)
	}
	d.P = distuv.ChiSquared{K: float64(d.Lags)}.Survival(d.LjungBox)
	d.Correlated = d.P < 0.05 || math.Abs(d.DurbinWatson-2) > 2*1.96/math.Sqrt(float64(n))
	return d
}
