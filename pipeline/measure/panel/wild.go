package panel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/floats"
)

// Weights of the wild bootstrap.
type Weights uint8

// Weights.
const (
	Rademacher Weights = iota // -1 or 1; all 2^clusters sign patterns are enumerated when the draws allow
	Webb                      // six points, -sqrt(3/2) to sqrt(3/2): for under about a dozen clusters (Webb 2014, QED working paper 1315)
)

// WildOptions of the bootstrap. Start from DefaultWild.
type WildOptions struct {
	Options
	Weights Weights
	Draws   int    // 99 to 99 999
	Seed    uint64 // the same seed gives the same figures
}

// DefaultWild: 1 999 draws of Rademacher weights.
func DefaultWild(seed uint64) WildOptions {
	return WildOptions{Options: DefaultOptions(), Draws: 1999, Seed: seed}
}

// WildResult is a two-way fixed effects estimate with bootstrap inference. StdErr in the figure is CR1's; P and the interval are the bootstrap's.
type WildResult struct {
	measure.Result
	Clusters        int     `json:"clusters"`
	TreatedClusters int     `json:"treated_clusters"`
	T               float64 `json:"t"` // CR1's t against no effect; 0 without an estimate
	P               float64 `json:"p"` // given even where the interval is unbounded; 1 without an estimate
	Draws           int     `json:"draws"`
	Enumerated      bool    `json:"enumerated"` // all sign patterns, no randomness
}

const (
	maxWeights    = 1 << 24 // draws x clusters (128 MiB)
	maxReplicates = 1 << 28 // draws x clusters x starting dates; an interval takes some seventy times as many steps
)

// WildCluster tests the treatment effect of TwoWay by the restricted wild cluster bootstrap-t (Cameron, Gelbach and Miller 2008, doi
// 10.1162/rest.90.3.414; Roodman et al. 2019, doi 10.1177/1536867X19830877), p two-sided and symmetric: the share of |t*| >= |t|, with
// (count+1)/(draws+1) for random draws. The interval holds the values that the test does not reject at 1 - level, found by bisection on the same
// draws. With a single digit of treated clusters it may still err, mostly by not rejecting (MacKinnon and Webb 2018).
func WildCluster(p Panel, o WildOptions) (WildResult, error) {
	if o.Draws < 99 || o.Draws > 99_999 {
		return WildResult{}, fmt.Errorf("draws: %d, want 99 to 99999", o.Draws)
	}
	if o.Weights > Webb {
		return WildResult{}, fmt.Errorf("weights: %d is unknown", o.Weights)
	}
	if p.clusters > maxWeights/o.Draws {
		return WildResult{}, fmt.Errorf("draws: %d draws x %d clusters, at most %d", o.Draws, p.clusters, maxWeights)
	}
	if kinds := len(slices.Compact(slices.Sorted(slices.Values(p.start)))); o.Draws*p.clusters > maxReplicates/max(1, kinds) {
		return WildResult{}, fmt.Errorf("draws: %d draws x %d clusters x %d starting dates, at most %d", o.Draws, p.clusters, kinds, maxReplicates)
	}
	d, r, ok := prepare(p, o.Options, MethodWild)
	out := WildResult{Result: r, Clusters: p.clusters, P: 1}
	if d != nil {
		out.TreatedClusters = d.treatedClusters
	}
	if !ok {
		return out, nil
	}
	se := d.cr1()
	if !measure.Finite(d.estimate, se, d.estimate/se) || se <= 0 {
		out.Result = r.Refuse(measure.NotFinite)
		return out, nil
	}
	b := newBootstrap(d, o)
	out.T, out.P, out.Draws, out.Enumerated = d.estimate/se, b.p(0), len(b.v), b.enumerated
	out.Result = b.figure(r, se, out.P)
	return out, nil
}

// bootstrap holds the sums from which a replicate costs clusters x kinds, not cells: the replicate's outcome is a weighted sum over clusters of
// residuals, and everything that the t needs is linear in the weights.
type bootstrap struct {
	d          *twoWay
	v          [][]float64 // weights by draw and cluster
	enumerated bool
	cross      []float64   // of each cluster: residual treatment x outcome less effects
	square     []float64   // of each cluster: sum of squares of the residual treatment
	kindU      [][]float64 // kind x cluster: path x summed outcomes, over n
	kindD      [][]float64 // kind x cluster: path x summed residual treatment, over n
	spread     float64     // root of the sum of squared scores
}

func newBootstrap(d *twoWay, o WildOptions) *bootstrap {
	b := &bootstrap{d: d, cross: make([]float64, d.clusters), square: make([]float64, d.clusters), spread: math.Sqrt(squares(d.score))}
	sums := make([][]float64, d.clusters)
	for c := range sums {
		sums[c] = make([]float64, d.periods)
	}
	for i, k := range d.kind {
		c, row := d.cluster[i], d.u[i*d.periods:(i+1)*d.periods]
		b.cross[c] += floats.Dot(d.path[k], row)
		b.square[c] += d.size[k]
		floats.Add(sums[c], row)
	}
	gram := d.gram()
	for k, path := range d.path {
		u, t := make([]float64, d.clusters), make([]float64, d.clusters)
		for c := range d.clusters {
			u[c] = floats.Dot(path, sums[c]) / float64(d.units)
			for other, count := range d.count[c] {
				t[c] += count * gram.At(k, other) / float64(d.units)
			}
		}
		b.kindU, b.kindD = append(b.kindU, u), append(b.kindD, t)
	}
	b.weights(o)
	return b
}

// weights draws them, or lists all sign patterns when they are no more than the draws.
func (b *bootstrap) weights(o WildOptions) {
	g, draws := b.d.clusters, o.Draws
	b.enumerated = o.Weights == Rademacher && g < 30 && 1<<g <= draws
	if b.enumerated {
		draws = 1 << g
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x77696c64))
	points := []float64{-1, 1}
	if o.Weights == Webb {
		points = []float64{-math.Sqrt(1.5), -1, -math.Sqrt(.5), math.Sqrt(.5), 1, math.Sqrt(1.5)}
	}
	flat := make([]float64, draws*g)
	for i := range flat {
		if b.enumerated {
			flat[i] = points[i/g>>(i%g)&1]
		} else {
			flat[i] = points[rng.IntN(len(points))]
		}
	}
	b.v = make([][]float64, draws)
	for i := range b.v {
		b.v[i] = flat[i*g : (i+1)*g]
	}
}

// p is the bootstrap p of the effect being null, with the null imposed on the residuals.
func (b *bootstrap) p(null float64) float64 {
	t := math.Abs(b.d.estimate-null) * b.d.total / b.spread
	scratch := make([]float64, len(b.d.path))
	count := 0
	for _, v := range b.v {
		// A replicate that ties up to rounding counts: the observed pattern must count itself. A NaN (0/0) counts too.
		if s := b.replicate(v, null, scratch); !(s < t-1e-9*t) {
			count++
		}
	}
	if b.enumerated {
		return float64(count) / float64(len(b.v))
	}
	return float64(count+1) / float64(len(b.v)+1)
}

// replicate returns |t*| of the outcome made of the restricted residuals times the clusters' weights, without the small-sample factor, which the
// observed t lacks too.
func (b *bootstrap) replicate(v []float64, null float64, shift []float64) float64 {
	d := b.d
	for k := range shift {
		shift[k] = floats.Dot(b.kindU[k], v) - null*floats.Dot(b.kindD[k], v)
	}
	var effect float64
	for c, w := range v {
		effect += w * (b.cross[c] - null*b.square[c])
	}
	effect /= d.total
	var sum float64
	for c, w := range v {
		score := w*(b.cross[c]-null*b.square[c]) - effect*b.square[c]
		for k, count := range d.count[c] {
			score -= count * shift[k]
		}
		sum += score * score
	}
	return math.Abs(effect) * d.total / math.Sqrt(sum)
}

// figure inverts the test on both sides of the estimate.
func (b *bootstrap) figure(r measure.Result, se, p float64) measure.Result {
	low, okLow := b.bound(-se, 1-r.Level)
	high, okHigh := b.bound(se, 1-r.Level)
	if !okLow || !okHigh {
		return r.Refuse(UnboundedInterval)
	}
	return r.With(measure.Figure{Estimate: b.d.estimate, Low: low, High: high, StdErr: se, P: p})
}

// bound returns the value at which the test begins to reject, going away from the estimate by steps that double; false when it never does.
func (b *bootstrap) bound(step, alpha float64) (float64, bool) {
	inside, reach := 0.0, step
	for range 12 {
		if b.p(b.d.estimate+reach) <= alpha {
			return b.bisect(inside, reach, alpha), true
		}
		inside, reach = reach, 2*reach
	}
	return 0, false
}

func (b *bootstrap) bisect(inside, outside, alpha float64) float64 {
	for range 30 {
		if half := (inside + outside) / 2; b.p(b.d.estimate+half) <= alpha {
			outside = half
		} else {
			inside = half
		}
	}
	return b.d.estimate + outside
}
