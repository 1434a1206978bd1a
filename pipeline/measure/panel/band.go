package panel

import (
	"math"
	"math/rand/v2"
	"slices"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// family gathers effects that share a uniform band.
type family struct {
	s          *staggered
	effects    []Effect
	influences [][]float64 // nil where there is no figure
}

func newFamily(s *staggered) *family { return &family{s: s} }

func (f *family) add(e Effect, influence []float64) {
	if e.Figure == nil {
		influence = nil
	}
	f.effects, f.influences = append(f.effects, e), append(f.influences, influence)
}

// aggregation gives the effects their keys.
func (f *family) aggregation(keys []int, overall Effect) Aggregation {
	a := Aggregation{Overall: overall, Critical: f.band()}
	for i, key := range keys {
		a.Cells = append(a.Cells, Keyed{Key: key, Effect: f.effects[i]})
	}
	return a
}

// band sets the effects' bands and returns their critical value: the level's quantile, over draws of multipliers by cluster, of the largest |t| of
// the family, and at least the pointwise one, below which only the draws' noise can bring it.
func (f *family) band() float64 {
	if f.s.o.Draws == 0 || !slices.ContainsFunc(f.effects, func(e Effect) bool { return e.Figure != nil }) {
		return 0
	}
	critical := max(f.critical(), distuv.UnitNormal.Quantile(1-(1-f.s.o.Level)/2))
	for i, e := range f.effects {
		if e.Figure == nil {
			continue
		}
		e.BandLow, e.BandHigh = e.Figure.Estimate-critical*e.Figure.StdErr, e.Figure.Estimate+critical*e.Figure.StdErr
		if !measure.Finite(e.BandLow, e.BandHigh) {
			e = Effect{Reason: measure.NotFinite}
		}
		f.effects[i] = e
	}
	return critical
}

func (f *family) critical() float64 {
	// Mammen's two points: mean 0, variance 1, third moment 1.
	low, high := (1-math.Sqrt(5))/2, (1+math.Sqrt(5))/2
	chance := (math.Sqrt(5) + 1) / (2 * math.Sqrt(5)) // of low
	rng := rand.New(rand.NewPCG(f.s.o.Seed, 0x62616e64))
	v := make([]float64, f.s.clusters)
	largest := make([]float64, f.s.o.Draws)
	n := float64(len(f.s.rows))
	for b := range largest {
		for c := range v {
			v[c] = high
			if rng.Float64() < chance {
				v[c] = low
			}
		}
		for i, influence := range f.influences {
			if influence != nil {
				largest[b] = max(largest[b], math.Abs(floats.Dot(influence, v))/(n*f.effects[i].Figure.StdErr))
			}
		}
	}
	slices.Sort(largest)
	return stat.Quantile(f.s.o.Level, stat.Empirical, largest, nil)
}

// maxPretest bounds the cells of the pre-test, whose covariance is dense.
const maxPretest = 1000

// pretest tests the cells before treatment (and anticipation) jointly; nil when there is none or their covariance is singular.
func (s *staggered) pretest() *Pretest {
	cells := s.usable(func(c cell) bool { return c.period < c.group-s.o.Anticipation })
	if len(cells) == 0 || len(cells) > maxPretest || len(cells) >= s.clusters {
		return nil
	}
	q, n := len(cells), float64(len(s.rows))
	cov := mat.NewSymDense(q, nil)
	estimates := mat.NewVecDense(q, nil)
	for i := range q {
		estimates.SetVec(i, cells[i].estimate)
		for j := i; j < q; j++ {
			cov.SetSym(i, j, floats.Dot(cells[i].influence, cells[j].influence)/(n*n))
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(cov) || !(chol.Cond() < 1e12) {
		return nil
	}
	var solved mat.VecDense
	if chol.SolveVecTo(&solved, estimates) != nil {
		return nil
	}
	w := mat.Dot(estimates, &solved)
	if math.IsNaN(w) || math.IsInf(w, 0) {
		return nil
	}
	return &Pretest{Wald: w, DF: q, P: distuv.ChiSquared{K: float64(q)}.Survival(w)}
}
