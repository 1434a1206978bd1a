package measure

import (
	"fmt"
	"math"
)

// DefaultConcentration is the weight, in members, of the prior around the planned split. Larger finds small mismatches late, smaller finds
// gross ones early. 10 000 is what the authors' own package takes.
const DefaultConcentration = 10_000

// SequentialSRM checks the sizes of the arms as SampleRatio does, with a p that may be looked at after every member: it stays below 0.001 at
// any time with probability at most 0.001 when the split is as planned, where a chi-square looked at daily cries wolf. The smallest P of all
// looks is a valid p as well. It stands in Options.Split as it is.
// Source: Lindon and Malek (NeurIPS 2022), Anytime-Valid Inference for Multinomial Count Data, arXiv 2011.03567; package ssrm-test.
func SequentialSRM(nTreatment, nControl int64, holdout, concentration float64) SRM {
	s := SampleRatio(nTreatment, nControl, holdout)
	s.Sequential = true
	if s.State == SplitNone {
		return s
	}
	e, err := SequentialMultinomial([]int64{nTreatment, nControl}, []float64{1 - holdout, holdout}, concentration)
	if err != nil {
		s.State, s.P = SplitNone, 1
		return s
	}
	s.LogE, s.P = e, math.Min(1, math.Exp(-e))
	s.State = verdict(s.P)
	return s
}

// SequentialMultinomial returns the log of the Bayes factor of counts against the planned shares under a Dirichlet prior with the given
// concentration around the plan. Under the plan its exponential is a martingale from 1: it exceeds 1/alpha at any time with probability at most
// alpha, whatever the order of the looks. exp(-result), at most 1, is the p. The error names the field.
func SequentialMultinomial(counts []int64, planned []float64, concentration float64) (float64, error) {
	n, err := checkSplit(counts, planned, concentration)
	if err != nil {
		return 0, err
	}
	// The textbook sum of log-gammas loses all digits at large counts (1e5 at 2^62). Written around Stirling's formula, with z = prior +
	// count and d = count - n theta (the priors are proportional to theta, so that d = z - Z theta as well), only small terms are left.
	z := concentration + n
	e := (math.Log(z)-math.Log(concentration))/2 - (stirling(z) - stirling(concentration))
	for i, k := range counts {
		a := concentration * planned[i]
		zi, d := a+float64(k), float64(k)-n*planned[i]
		e += zi*logRatio(zi, d, z*planned[i]) - d - (math.Log(zi)-math.Log(a))/2 + stirling(zi) - stirling(a)
	}
	if !Finite(e) {
		return 0, fmt.Errorf("counts: the evidence is beyond float64")
	}
	return e, nil
}

func checkSplit(counts []int64, planned []float64, concentration float64) (n float64, err error) {
	if len(counts) != len(planned) || len(counts) < 2 {
		return 0, fmt.Errorf("planned: %d shares for %d counts, at least 2 of each are needed", len(planned), len(counts))
	}
	if !(concentration >= 1e-3 && concentration <= 1e15) {
		return 0, fmt.Errorf("concentration: %v is not between 0.001 and 1e15", concentration)
	}
	var sum float64
	for i, k := range counts {
		if k < 0 {
			return 0, fmt.Errorf("counts[%d]: %d is negative", i, k)
		}
		if !(planned[i] >= 1e-9 && planned[i] < 1) {
			return 0, fmt.Errorf("planned[%d]: %v is not a share from 1e-9 to below 1", i, planned[i])
		}
		n += float64(k)
		sum += planned[i]
	}
	if math.Abs(sum-1) > 1e-9 {
		return 0, fmt.Errorf("planned: the shares add up to %v, not to 1", sum)
	}
	return n, nil
}

// logRatio is log(zi / expected) where zi - expected = d, without losing d's digits when it is small nor zi's when that is.
func logRatio(zi, d, expected float64) float64 {
	if u := d / expected; math.Abs(u) < 0.5 {
		return math.Log1p(u)
	}
	return math.Log(zi / expected)
}

// stirling is log Gamma(z) minus the leading terms (z - 1/2) log z - z + log(2 pi)/2.
func stirling(z float64) float64 {
	if z < 20 {
		l, _ := math.Lgamma(z)
		return l - (z-0.5)*math.Log(z) + z - math.Log(2*math.Pi)/2
	}
	q := 1 / (z * z)
	return (1.0/12 - q*(1.0/360-q*(1.0/1260-q/1680))) / z
}
