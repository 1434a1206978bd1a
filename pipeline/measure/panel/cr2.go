package panel

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// cr2 returns the variance of the estimate by CR2 and its Satterthwaite degrees of freedom.
//
// With unit and period dummies in a complete panel, the residual maker's block of a cluster of m units is
//
//	B = (1 - m/n) P1 + P2 - d d'/S,
//
// where P1 projects on paths that all its units share, P2 on the rest (both less unit means), d is the cluster's residual treatment and S its sum
// of squares over all. d lies in the span of its own parts in P1 and P2, so that the adjusted regressor w = B^(-1/2) d needs only a 2x2 root.
// Taking the root of every whole block (clusters x (units x periods)^3) gives the same numbers and was left to the oracle.
func (d *twoWay) cr2() (variance, df float64) {
	g := d.clusters
	shared, rest := make([]float64, g), make([]float64, g) // w's multiples of d's two parts
	q := make([]float64, g)                                // w'd
	own := 0.0                                             // sum of |w|^4
	var trace, cross float64
	weighted := mat.NewDense(g, len(d.path), nil)
	paths := d.gram()
	n := float64(d.units)
	roots := map[[3]float64][2]float64{} // clusters of one make-up share theirs
	for c := range g {
		m := floats.Sum(d.count[c])
		a := quadratic(paths, d.count[c]) / m
		b := max(0, floats.Dot(d.count[c], d.size)-a)
		known, ok := roots[[3]float64{m, a, b}]
		if !ok {
			known[0], known[1] = root(1-m/n, a, b, d.total)
			roots[[3]float64{m, a, b}] = known
		}
		shared[c], rest[c] = known[0], known[1]
		square := shared[c]*shared[c]*a + rest[c]*rest[c]*b
		q[c] = shared[c]*a + rest[c]*b
		rank := shared[c]*shared[c]*a*m/n + q[c]*q[c]/d.total
		own += square * square
		trace += square - rank
		cross += square * rank
		for k, count := range d.count[c] {
			weighted.Set(c, k, shared[c]*count)
		}
	}
	df = trace * trace / (own - 2*cross + d.lowRank(weighted, paths, q))
	return d.adjusted(shared, rest), df
}

// gram holds the products of the kinds' paths.
func (d *twoWay) gram() *mat.SymDense {
	k := len(d.path)
	out := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			out.SetSym(i, j, floats.Dot(d.path[i], d.path[j]))
		}
	}
	return out
}

func quadratic(m mat.Matrix, x []float64) float64 {
	v := mat.NewVecDense(len(x), x)
	return mat.Inner(v, m, v)
}

// root returns B^(-1/2) d as multiples of d's part shared by the cluster's units (square a) and the rest (square b). A direction that the model
// explains wholly has no inverse and gets 0 (Moore-Penrose).
func root(alpha, a, b, total float64) (shared, rest float64) {
	ra, rb := math.Sqrt(a), math.Sqrt(b)
	block := mat.NewSymDense(2, []float64{alpha - a/total, -ra * rb / total, -ra * rb / total, 1 - b/total})
	var eigen mat.EigenSym
	if !eigen.Factorize(block, true) {
		return math.NaN(), math.NaN()
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var wa, wb float64
	for j, value := range eigen.Values(nil) {
		if value <= 1e-10 {
			continue
		}
		x, y := vectors.At(0, j), vectors.At(1, j)
		along := (x*ra + y*rb) / math.Sqrt(value)
		wa, wb = wa+along*x, wb+along*y
	}
	if ra > 0 {
		shared = wa / ra
	}
	if rb > 0 {
		rest = wb / rb
	}
	return shared, rest
}

// lowRank is the squared Frobenius norm of W W'/n + q q'/S, with W = weighted x paths, from the kinds' products alone.
func (d *twoWay) lowRank(weighted *mat.Dense, paths *mat.SymDense, q []float64) float64 {
	var inner, product, twice mat.Dense
	inner.Mul(weighted.T(), weighted)
	product.Mul(&inner, paths)
	twice.Mul(&product, &product)
	n := float64(d.units)
	var v mat.VecDense
	v.MulVec(weighted.T(), mat.NewVecDense(len(q), q))
	qq := squares(q) / d.total
	return mat.Trace(&twice)/(n*n) + 2*mat.Inner(&v, paths, &v)/(n*d.total) + qq*qq
}

// adjusted is the sum of squares of w'e over the clusters, over S squared.
func (d *twoWay) adjusted(shared, rest []float64) float64 {
	sums := make([]float64, d.clusters*d.periods) // of the residuals of a cluster's units
	units := make([]float64, d.clusters)
	for i, c := range d.cluster {
		floats.Add(sums[c*d.periods:(c+1)*d.periods], d.residual[i*d.periods:(i+1)*d.periods])
		units[c]++
	}
	var total float64
	for c := range d.clusters {
		var common float64
		for k, count := range d.count[c] {
			if count > 0 {
				common += count * floats.Dot(d.path[k], sums[c*d.periods:(c+1)*d.periods])
			}
		}
		common /= units[c]
		w := shared[c]*common + rest[c]*(d.score[c]-common)
		total += w * w
	}
	return total / (d.total * d.total)
}
