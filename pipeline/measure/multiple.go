package measure

import (
	"cmp"
	"fmt"
	"slices"
)

// Discovery is one test among many.
type Discovery struct {
	P           float64 `json:"p"`
	Adjusted    float64 `json:"adjusted"`    // smallest q at which this one would be found
	Significant bool    `json:"significant"` // adjusted <= q
}

// BenjaminiHochberg controls the false discovery rate at q over many campaigns and KPIs: of those called significant, at most the share q is
// expected to be wrong, for independent or positively dependent tests. The answers are in the order of the input. The error names the value
// that is no p, or q. Source: Benjamini and Hochberg (1995), step-up; statsmodels multipletests(method="fdr_bh").
func BenjaminiHochberg(p []float64, q float64) ([]Discovery, error) {
	if !(q > 0 && q < 1) {
		return nil, fmt.Errorf("q: %v is not between 0 and 1", q)
	}
	order := make([]int, len(p))
	for i, v := range p {
		if !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("p[%d]: %v is not a probability", i, v)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]Discovery, len(p))
	best := 1.0
	for rank := len(order); rank > 0; rank-- {
		i := order[rank-1]
		best = min(best, p[i]*float64(len(p))/float64(rank))
		out[i] = Discovery{P: p[i], Adjusted: best, Significant: best <= q}
	}
	return out, nil
}
