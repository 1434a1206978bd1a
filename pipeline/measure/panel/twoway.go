package panel

import (
	"math"
	"slices"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/floats"
)

// TwoWayResult is the effect of treatment in y = unit effect + period effect + effect x treated. The Result's figure carries CR1.
type TwoWayResult struct {
	measure.Result
	Clusters        int             `json:"clusters"`
	TreatedClusters int             `json:"treated_clusters"`
	CR2             *measure.Figure `json:"cr2,omitempty"` // bias-reduced error, Satterthwaite degrees of freedom
	CR2Reason       measure.Reason  `json:"cr2_reason,omitempty"`
}

// TwoWay estimates two-way fixed effects on a complete panel, errors clustered (by unit unless Clustered says otherwise).
//
// CR1: factor G/(G-1) x (N-1)/(N-K) with K = 1 + number of periods (the effect, the period effects and a constant; unit effects are nested in
// the clusters and do not count, as in Stata's xtreg and fixest's default), t with G-1 degrees of freedom.
// CR2: Bell and McCaffrey (2002) with their Satterthwaite degrees of freedom, for the model with all dummies (Pustejovsky and Tipton 2018,
// doi 10.1080/07350015.2016.1247004, equations 5, 8 and 11); in a complete panel the adjustment has a closed form.
//
// With several starting dates it carries StaggeredTiming: use Staggered instead.
func TwoWay(p Panel, o Options) (TwoWayResult, error) {
	d, r, ok := prepare(p, o, MethodTwoWay)
	out := TwoWayResult{Result: r, Clusters: p.clusters}
	if d != nil {
		out.TreatedClusters = d.treatedClusters
	}
	if !ok {
		out.CR2Reason = r.Reason
		return out, nil
	}
	g := float64(d.clusters)
	out.Result = r.With(tFigure(d.estimate, d.cr1(), g-1, o.Level))
	v, df := d.cr2()
	second := r.With(tFigure(d.estimate, math.Sqrt(v), df, o.Level))
	out.CR2, out.CR2Reason = second.Figure, second.Reason
	return out, nil
}

// twoWay is the regression after both sets of effects are taken out. In a complete panel that is double demeaning, and the residual treatment of
// a unit depends on its starting date alone: kinds of paths, not units, are stored.
type twoWay struct {
	units, periods, clusters int
	treatedClusters          int
	kind                     []int       // of each unit
	path                     [][]float64 // residual treatment of each kind
	size                     []float64   // sum of squares of each path
	total                    float64     // sum of squares of the residual treatment
	u                        []float64   // outcome less both effects
	cluster                  []int
	count                    [][]float64 // units by cluster and kind
	estimate                 float64
	residual                 []float64 // u less the effect's part
	score                    []float64 // of each cluster: residual treatment x residual
}

// prepare makes the checks and the estimate that the t and the bootstrap share; ok is false when r is already final.
func prepare(p Panel, o Options, m measure.Method) (d *twoWay, r measure.Result, ok bool) {
	treated, control := p.arms()
	r = o.result(m, treated, control)
	if p.dropped > 0 {
		r = r.Warn(UnitsDropped)
	}
	switch {
	case !measure.ValidLevel(o.Level):
		return nil, r.Refuse(measure.NotFinite), false
	case treated == 0:
		return nil, r.Refuse(NoTreatedUnit), false
	}
	d = newTwoWay(p)
	if why := d.forbidden(p); why != "" {
		return d, r.Refuse(why), false
	}
	if d.treatedClusters < fewTreated {
		r = r.Warn(FewTreated)
	}
	if d.clusters < fewClusters {
		r = r.Warn(FewClusters)
	}
	if starts(p) > 1 {
		r = r.Warn(StaggeredTiming)
	}
	return d, r, true
}

// starts counts the distinct dates within the panel at which treatment begins.
func starts(p Panel) int {
	seen := make([]bool, len(p.periods)+1)
	n := 0
	for _, s := range p.start {
		if s > 0 && s < len(p.periods) && !seen[s] {
			seen[s] = true
			n++
		}
	}
	return n
}

func newTwoWay(p Panel) *twoWay {
	d := &twoWay{units: len(p.units), periods: len(p.periods), clusters: p.clusters, cluster: p.cluster}
	d.paths(p)
	d.u = doubleDemeaned(p)
	d.count = make([][]float64, d.clusters)
	for g := range d.count {
		d.count[g] = make([]float64, len(d.path))
	}
	for i, k := range d.kind {
		d.count[d.cluster[i]][k]++
		d.total += d.size[k]
	}
	d.solve()
	d.treatedClusters = d.countTreated(p)
	return d
}

// paths numbers the starting dates and takes the means out of each path of treatment.
func (d *twoWay) paths(p Panel) {
	number := make([]int, d.periods+1)
	d.kind = make([]int, d.units)
	var begin []int
	for i, s := range p.start {
		if number[s] == 0 {
			begin = append(begin, s)
			number[s] = len(begin)
		}
		d.kind[i] = number[s] - 1
	}
	share := make([]float64, d.periods) // of units treated in each period
	for _, s := range p.start {
		for t := s; t < d.periods; t++ {
			share[t] += 1 / float64(d.units)
		}
	}
	all := mean(share)
	for _, s := range begin {
		own := float64(d.periods-s) / float64(d.periods)
		path := make([]float64, d.periods)
		var size float64
		for t := range path {
			on := 0.0
			if t >= s {
				on = 1
			}
			path[t] = on - own - share[t] + all
			size += path[t] * path[t]
		}
		d.path, d.size = append(d.path, path), append(d.size, size)
	}
}

// doubleDemeaned takes the unit means and then the period means out of the outcomes.
func doubleDemeaned(p Panel) []float64 {
	periods := len(p.periods)
	u := make([]float64, len(p.y))
	column := make([]float64, periods)
	for i := range p.units {
		row := p.row(i)
		m := mean(row)
		for t, v := range row {
			u[i*periods+t] = v - m
			column[t] += (v - m) / float64(len(p.units))
		}
	}
	for i := range u {
		u[i] -= column[i%periods]
	}
	return u
}

// solve makes the estimate, the residuals and the clusters' scores.
func (d *twoWay) solve() {
	for i, k := range d.kind {
		d.estimate += floats.Dot(d.path[k], d.u[i*d.periods:(i+1)*d.periods])
	}
	d.estimate /= d.total
	d.residual = slices.Clone(d.u)
	d.score = make([]float64, d.clusters)
	for i, k := range d.kind {
		e := d.residual[i*d.periods : (i+1)*d.periods]
		floats.AddScaled(e, -d.estimate, d.path[k])
		d.score[d.cluster[i]] += floats.Dot(d.path[k], e)
	}
}

// countTreated counts the clusters with a unit that changes to treated within the panel.
func (d *twoWay) countTreated(p Panel) int {
	seen := make([]bool, d.clusters)
	n := 0
	for i, s := range p.start {
		if c := d.cluster[i]; s > 0 && s < d.periods && !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// forbidden returns the reason why there is no estimate.
func (d *twoWay) forbidden(p Panel) measure.Reason {
	plain := make([]bool, d.clusters) // clusters without any change
	for i := range plain {
		plain[i] = true
	}
	for i, s := range p.start {
		if s > 0 && s < d.periods {
			plain[d.cluster[i]] = false
		}
	}
	untreated := 0
	for _, is := range plain {
		if is {
			untreated++
		}
	}
	switch {
	case d.treatedClusters == 0:
		return NoTreatedUnit // treated all along: nothing changes
	case d.total <= 1e-9*float64(d.units)/float64(d.periods):
		return NoControlUnit // everybody changes at once
	case d.treatedClusters < 2 || (starts(p) == 1 && untreated < 2):
		return TooFewClusters
	case d.units*d.periods <= d.units+d.periods:
		return TooFewUnits
	}
	y := squares(p.y)
	if !measure.Finite(y) {
		return measure.NotFinite
	}
	if squares(d.residual) <= noise*y || squares(d.score) <= noise*y*d.total {
		return measure.ZeroVariance
	}
	return ""
}

func squares(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// cr1 is the standard error by CR1.
func (d *twoWay) cr1() float64 {
	g, n, k := float64(d.clusters), float64(d.units*d.periods), float64(1+d.periods)
	return math.Sqrt(squares(d.score)*g/(g-1)*(n-1)/(n-k)) / d.total
}
