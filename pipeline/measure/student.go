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

// StudentQuantile returns the t that is not exceeded with probability p. From 200 degrees of freedom on it is the expansion of Abramowitz and
// Stegun 26.7.5 around the normal quantile, below 1000 improved by two Newton steps on Hill's deviate.
func StudentQuantile(p, df float64) float64 {
	if df < manyDF {
		return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
	}
	z := distuv.UnitNormal.Quantile(p)
	t := math.Abs(z)
	if math.IsInf(df, 1) || t == 0 || math.IsInf(t, 1) {
		return z
	}
	t = expansion(t, df)
	if df < 1000 {
		for range 2 {
			y := (df - 0.5) * math.Log1p(t*t/df)
			// The slope of the leading term is enough: it is off by O(1/df), and so is each step.
			t -= (normalDeviate(t, df) - math.Abs(z)) * math.Sqrt(y) * (df + t*t) / ((df - 0.5) * t)
		}
	}
	return math.Copysign(t, z)
}

func expansion(z, df float64) float64 {
	q := z * z
	g1 := z * (q + 1) / 4
	g2 := z * ((5*q+16)*q + 3) / 96
	g3 := z * (((3*q+19)*q+17)*q - 15) / 384
	g4 := z * ((((79*q+776)*q+1482)*q-1920)*q - 945) / 92160
	return z + (((g4/df+g3)/df+g2)/df+g1)/df
}
