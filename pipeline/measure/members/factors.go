package members

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// correlationLimit is the normal quantile beyond which the correlation of successive factors is taken as real: one in ten without any.
const correlationLimit = 1.2816

// factorCorrelation is Mack's test of the chain ladder's main assumption, that what a cohort's amount grew by says nothing about what it will
// grow by next (Mack, "Measuring the variability of chain ladder reserve estimates", CAS Forum 1994, appendix G): Spearman's correlation of each
// cohort's successive factors, averaged over ages with weights n - 1, and that average in units of its standard deviation. ok is false when no
// age has three cohorts.
//
// The dangerous sign is plus: a first age that was low by chance makes the factors after it all high. The errors that follow from it do not
// cancel and the interval is too narrow.
func factorCorrelation(rows [][]float64, ages int) (t, z float64, ok bool) {
	var sum, weight float64
	for k := 2; k < ages; k++ {
		var before, after []float64
		for _, row := range rows {
			if len(row) > k && row[k-2] > 0 && row[k-1] > 0 {
				before = append(before, row[k-1]/row[k-2])
				after = append(after, row[k]/row[k-1])
			}
		}
		if len(before) < 3 {
			continue
		}
		rho := stat.Correlation(ranks(before), ranks(after), nil)
		if math.IsNaN(rho) { // all factors of an age are equal
			continue
		}
		sum += float64(len(before)-1) * rho
		weight += float64(len(before) - 1)
	}
	if weight == 0 {
		return 0, 0, false
	}
	return sum / weight, sum / math.Sqrt(weight), true
}

// ranks returns the rank of each value, ties at their mean.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, at := range order[i:j] {
			out[at] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
