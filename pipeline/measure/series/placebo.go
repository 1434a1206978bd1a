package series

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/combin"

	"cagnotte/pipeline/measure"
)

// Placebo is the permutation of the treatment over the control units: as many controls as were treated play the treated, all other controls
// are their donors (Abadie, Diamond, Hainmueller 2010, section 2.4; 2015).
type Placebo struct {
	P       float64        `json:"p"`        // of the ratio of root mean squared gaps, campaign over before; the treated is counted in
	PEffect float64        `json:"p_effect"` // of the effect's size alone, which a bad fit fakes
	Ratio   float64        `json:"ratio"`    // of the treated
	Fits    int            `json:"fits"`
	Failed  int            `json:"failed"`  // placebo fits that did not converge: counted against the effect
	Sampled bool           `json:"sampled"` // a seeded sample of the sets, not all of them
	Coarse  bool           `json:"coarse"`  // too few fits for P to get below 1-level: it can never reject
	Reason  measure.Reason `json:"reason,omitempty"`
}

// placebos refits with sets of k controls in the treated units' place, all sets when there are at most o.Placebos, a seeded sample otherwise.
func placebos(s problem, f fitted, k int, o SyntheticOptions) Placebo {
	n := len(s.donors)
	if n < k+2 {
		return Placebo{Reason: NoControlUnit}
	}
	out := Placebo{}
	pre := rms(f.gaps[:s.pre])
	if pre == 0 {
		return Placebo{Reason: measure.ZeroVariance}
	}
	out.Ratio = rms(f.gaps[s.pre:]) / pre
	effect := math.Abs(mean(f.gaps[s.pre:]))
	asLarge, asFar := 1, 1
	sets, sampled := placeboSets(n, k, o)
	out.Sampled, out.Fits = sampled, len(sets)
	for _, set := range sets {
		g, why := s.swap(set).fit(nil)
		if why != "" {
			out.Failed++
			asLarge, asFar = asLarge+1, asFar+1
			continue
		}
		if rms(g.gaps[s.pre:]) >= out.Ratio*rms(g.gaps[:s.pre])*(1-ties) { // a perfect fit before counts as large
			asLarge++
		}
		if math.Abs(mean(g.gaps[s.pre:])) >= effect*(1-ties) {
			asFar++
		}
	}
	out.P, out.PEffect = float64(asLarge)/float64(len(sets)+1), float64(asFar)/float64(len(sets)+1)
	out.Coarse = 1/float64(len(sets)+1) > 1-o.Level+1e-9
	if !measure.Finite(out.Ratio) {
		return Placebo{Reason: measure.NotFinite}
	}
	return out
}

// placeboSets lists the sets of controls to try.
func placeboSets(n, k int, o SyntheticOptions) ([][]int, bool) {
	// The number of sets as a float: a binomial of hundreds of stores overflows an int.
	if logSets := combin.LogGeneralizedBinomial(float64(n), float64(k)); logSets <= math.Log(float64(o.Placebos))+1e-9 {
		return combin.Combinations(n, k), false
	}
	rng := rand.New(rand.NewPCG(o.Conformal.Seed, uint64(n)<<32|uint64(k)))
	sets := make([][]int, o.Placebos)
	for i := range sets {
		set := rng.Perm(n)[:k]
		slices.Sort(set)
		sets[i] = set
	}
	return sets, true
}

// swap is the problem with a set of donors in the treated units' place.
func (s problem) swap(set []int) problem {
	out := s
	out.cached = nil
	var treated [][]float64
	out.donors = nil
	for i, d := range s.donors {
		if slices.Contains(set, i) {
			treated = append(treated, d)
		} else {
			out.donors = append(out.donors, d)
		}
	}
	out.target = average(treated)
	return out
}
