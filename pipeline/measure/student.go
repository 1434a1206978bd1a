package measure

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// manyDF is where the normal expansions below take over from gonum's incomplete beta function. There they are off by less than 1e-12 (tail,
// relative, |t| <= 5) and 1e-9 (quantile), while distuv.StudentsT loses digits as the degrees of freedom grow (quantile at 1e9 off by 3e-7,
// at 1e12 by 2e-5) and takes 20 to 270 us, so that ten thousand intervals would take seconds.
const manyDF = 200

// StudentTail returns the upper tail P(T > t) of Student's t. From 200 degrees of freedom on it takes the equivalent normal deviate of Hill
// (1970), Algorithm 395, CACM 13(10), eq. 2; an infinite df is the normal distribution.
func StudentTail(t, df float64) float64 {
	if df < manyDF {
		return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Survival(t)
	}
	return math.Erfc(math.Copysign(normalDeviate(math.Abs(t), df), t)/math.Sqrt2) / 2
}

// normalDeviate returns z such that the normal tail at z is the t's at t >= 0.
func normalDeviate(t, df float64) float64 {
	if math.IsInf(df, 1) || math.IsInf(t, 1) {
		return t
	}
	a := df - 0.5
	b := 48 * a * a
	y := a * math.Log1p(t*t/df)
	return (((((-0.4*y-3.3)*y-24)*y-85.5)/(0.8*y*y+100+b)+y+3)/b + 1) * math.Sqrt(y)
}

// StudentQuantile returns the t that is not exceeded with probability p: the expansion of Abramowitz and Stegun 26.7.5 around the normal
// quantile, below 1000 degrees of freedom improved by Newton steps on the tail. Few degrees of freedom and extreme p are gonum's.
func StudentQuantile(p, df float64) float64 {
	dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	if !(df >= fewDF) || p < 0 || p > 1 {
		return dist.Quantile(p)
	}
	z := distuv.UnitNormal.Quantile(p)
	a := math.Abs(z)
	switch {
	case math.IsInf(df, 1) || a == 0 || math.IsInf(a, 1):
		return z
	case df < manyDF && a > 4.5:
		return dist.Quantile(p)
	case df < manyDF:
		return math.Copysign(newton(expansion(a, df), math.Min(p, 1-p), dist), z)
	}
	t := expansion(a, df)
	if df < 1000 {
		for range 2 {
			y := (df - 0.5) * math.Log1p(t*t/df)
			// The slope of the leading term is enough: it is off by O(1/df), and so is each step.
			t -= (normalDeviate(t, df) - a) * math.Sqrt(y) * (df + t*t) / ((df - 0.5) * t)
		}
	}
	return math.Copysign(t, z)
}

// fewDF is where the expansion is no good start for Newton's steps any more.
const fewDF = 30

// newton improves t, off by at most 1e-4, until its upper tail is the wanted one. The tail is smooth and the start near, so that the second
// step is below rounding already; gonum's own bisection takes twenty times as long.
func newton(t, tail float64, dist distuv.StudentsT) float64 {
	for range 3 {
		t += (dist.Survival(t) - tail) / dist.Prob(t)
	}
	return t
}

func expansion(z, df float64) float64 {
	q := z * z
	g1 := z * (q + 1) / 4
	g2 := z * ((5*q+16)*q + 3) / 96
	g3 := z * (((3*q+19)*q+17)*q - 15) / 384
	g4 := z * ((((79*q+776)*q+1482)*q-1920)*q - 945) / 92160
	return z + (((g4/df+g3)/df+g2)/df+g1)/df
}
