package backtest

import (
	"math"
	"slices"
)

var rangeMethod = Text{
	EN: "95 % range by the normal approximation from the sums per member: how much the cost would vary with other members of the same kind. Seasons, prices and behaviour are not in it.",
	FR: "intervalle à 95 % par approximation normale à partir des sommes par membre : la variation du coût avec d'autres membres du même genre. Ni saisons, ni prix, ni comportement n'y sont.",
}

// costRange is net less and plus 1.96 standard errors of a sum over independent members; those on file without a reward count as zero. sums are
// sorted, so that the result is the same for every order of the members.
func costRange(net int64, sums []int64, onFile int64) (low, high int64) {
	if onFile < 2 || len(sums) == 0 {
		return net, net
	}
	var total, squares float64
	for _, v := range sums {
		total += float64(v)
		squares += float64(v) * float64(v)
	}
	n := float64(onFile)
	variance := n / (n - 1) * math.Max(0, squares-total*total/n)
	half := int64(math.Ceil(1.959964 * math.Sqrt(variance)))
	return max(0, net-half), net + half
}

// percents are the quantiles that are told.
var percents = [...]int{10, 25, 50, 75, 90, 95, 99}

// spread describes sorted sums.
func spread(sorted []int64, buckets bool) Spread {
	s := Spread{Count: int64(len(sorted)), Quantiles: []Quantile{}}
	if len(sorted) == 0 {
		return s
	}
	total, n := int64(0), len(sorted)
	for _, v := range sorted {
		total += v
	}
	s.MeanMinor, s.TopMinor = int64(math.Round(float64(total)/float64(n))), sorted[n-1]
	for _, p := range percents {
		s.Quantiles = append(s.Quantiles, Quantile{p, sorted[max((n*p+99)/100, 1)-1]})
	}
	top := int64(0)
	for _, v := range sorted[n-(n+99)/100:] {
		top += v
	}
	if total > 0 {
		s.Top1ShareBP = int64(math.Round(float64(top) / float64(total) * 10_000))
	}
	if buckets {
		s.Distribution = distribution(sorted)
	}
	return s
}

// edges of the buckets in minor units: 1, 2, 5 of each decade.
var edges = [...]int64{0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000}

// distribution counts the sums in buckets, without empty ones at the ends.
func distribution(sorted []int64) []Bucket {
	var out []Bucket
	for i, from := range edges {
		b := Bucket{FromMinor: from}
		if i == 0 {
			b.FromMinor = min(sorted[0]-1, 0)
		}
		end := len(sorted)
		if i+1 < len(edges) {
			b.ToMinor = edges[i+1]
			end, _ = slices.BinarySearch(sorted, b.ToMinor+1)
		}
		for _, v := range sorted[:end] {
			b.SumMinor += v
		}
		b.Count, sorted = int64(end), sorted[end:]
		if b.Count > 0 || len(out) > 0 && len(sorted) > 0 {
			out = append(out, b)
		}
		if len(sorted) == 0 {
			break
		}
	}
	return out
}
