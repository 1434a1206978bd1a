package panel

import (
	"fmt"
	"math"
	"slices"

	"cagnotte/pipeline/measure"
)

// Control says who stands for the treated had they not been treated.
type Control uint8

// Comparison groups.
const (
	NeverTreated  Control = iota // units never treated within the panel
	NotYetTreated                // those, and units treated later than both periods of a comparison
)

// StaggeredOptions of the group-time effects. Start from DefaultStaggered.
type StaggeredOptions struct {
	Options
	Control      Control
	Anticipation int    // periods before its start in which a campaign may already act (announced in advance); 0 to 1 000
	Universal    bool   // every comparison uses the last period before treatment; otherwise those before it use the period before themselves
	Draws        int    // of the multiplier bootstrap for the uniform bands: 0 for none, else 99 to 99 999
	Seed         uint64 // the same seed gives the same bands
}

// DefaultStaggered: never-treated controls, no anticipation, 1 999 draws for the bands.
func DefaultStaggered(seed uint64) StaggeredOptions {
	return StaggeredOptions{Options: DefaultOptions(), Draws: 1999, Seed: seed}
}

// Effect is one estimate of a family. The figure's interval is pointwise; the band holds all effects of the family at once (0, 0 without draws).
type Effect struct {
	Figure   *measure.Figure `json:"figure,omitempty"`
	Reason   measure.Reason  `json:"reason,omitempty"`
	BandLow  float64         `json:"band_low"`
	BandHigh float64         `json:"band_high"`
}

// GroupTime is ATT(g,t): the mean effect in a period on the units first treated in Group.
type GroupTime struct {
	Group   int `json:"group"`
	Period  int `json:"period"`
	Treated int `json:"treated"` // units
	Control int `json:"control"` // units
	Effect
}

// Keyed is an aggregated effect: Key is the event time (periods' labels less the group's), the group, or the period.
type Keyed struct {
	Key int `json:"key"`
	Effect
}

// Aggregation is a family of effects and their one-number summary.
type Aggregation struct {
	Overall  Effect  `json:"overall"`
	Cells    []Keyed `json:"cells"`
	Critical float64 `json:"critical"` // of the band, in standard errors; 0 without draws
}

// Pretest is the Wald test that all effects before treatment are null. Passing it proves nothing; failing it warns.
type Pretest struct {
	Wald float64 `json:"wald"`
	DF   int     `json:"df"`
	P    float64 `json:"p"`
}

// StaggeredResult holds the group-time effects and their aggregations. The Result's figure is Group.Overall, the mean effect over treated units.
type StaggeredResult struct {
	measure.Result
	GroupTime []GroupTime `json:"group_time"`
	Critical  float64     `json:"critical"` // of the group-time band
	Simple    Effect      `json:"simple"`   // treated cells, weighted by the groups' sizes
	Event     Aggregation `json:"event"`    // by time since treatment; Overall averages what is not before it
	Group     Aggregation `json:"group"`    // by group over its treated periods; Overall weights by size
	Calendar  Aggregation `json:"calendar"` // by period over the groups treated by then; Overall averages the periods
	Pretest   *Pretest    `json:"pretest,omitempty"`
}

const (
	maxEffects = 20_000  // group-time cells: daily data of many cohorts belong in weeks
	maxWork    = 1 << 34 // draws x effects x clusters of the bands
)

// Staggered estimates treatment that starts at different times by Callaway and Sant'Anna (2021, doi 10.1016/j.jeconom.2020.12.001), without
// covariates: ATT(g,t) by difference in means of the change since the base period (equations 2.8 and 2.9), aggregations of their section 3,
// standard errors from influence functions (with the estimated weights' part), uniform bands by their algorithm 1 with Mammen's multipliers,
// studentised by the analytic error. The same choices as R's did and its port csdid.
//
// Left out with CohortsDropped: cohorts without a base period (treated from the first period on) and cohorts of one unit, whose own variance
// nobody can see. A cell without a comparison has Reason NoControlUnit and takes no part in the aggregations.
func Staggered(p Panel, o StaggeredOptions) (StaggeredResult, error) {
	switch {
	case o.Control > NotYetTreated:
		return StaggeredResult{}, fmt.Errorf("control: %d is unknown", o.Control)
	case o.Anticipation < 0 || o.Anticipation > 1000:
		return StaggeredResult{}, fmt.Errorf("anticipation: %d, want 0 to 1000", o.Anticipation)
	case o.Draws != 0 && (o.Draws < 99 || o.Draws > 99_999):
		return StaggeredResult{}, fmt.Errorf("draws: %d, want 0 or 99 to 99999", o.Draws)
	}
	s := newStaggered(p, o)
	treated := len(s.rows) - s.size[len(p.periods)]
	out := StaggeredResult{Result: o.result(MethodStaggered, treated, s.size[len(p.periods)])}
	if p.dropped > 0 {
		out.Result = out.Warn(UnitsDropped)
	}
	if len(s.rows) < len(p.units) {
		out.Result = out.Warn(CohortsDropped)
	}
	if why := s.forbidden(treated); why != "" {
		out.Result = out.Refuse(why)
		return out, nil
	}
	effects := len(s.groups) * (len(p.periods) - 1)
	switch {
	case effects > maxEffects || effects > 2*maxCells/s.clusters:
		return StaggeredResult{}, fmt.Errorf("panel: %d effects (starts x periods) x %d clusters are too many: use longer periods", effects, s.clusters)
	case max(1, o.Draws) > maxWork/s.clusters/effects:
		return StaggeredResult{}, fmt.Errorf("draws: %d x %d effects x %d clusters are too many", o.Draws, effects, s.clusters)
	}
	s.estimate()
	out.fill(s)
	return out, nil
}

// staggered is the work sheet: the kept units and the cells' estimates.
type staggered struct {
	p        Panel
	o        StaggeredOptions
	rows     []int // kept units
	groups   []int // starting indexes of the kept cohorts, ascending
	size     []int // kept units by starting index
	clusters int
	meanSq   float64     // of the outcomes, the scale of rounding
	cohort   [][]float64 // kept units by cluster and group
	members  []float64   // kept units by cluster
	cells    []cell
}

// cell is one ATT(g,t). Its influence is summed by cluster and scaled so that the variance is its sum of squares over n squared.
type cell struct {
	group, period    int // indexes
	treated, control int
	estimate         float64
	influence        []float64
	reason           measure.Reason
}

func newStaggered(p Panel, o StaggeredOptions) *staggered {
	s := &staggered{p: p, o: o, size: make([]int, len(p.periods)+1), clusters: p.clusters, meanSq: squares(p.y) / float64(max(1, len(p.y)))}
	for _, start := range p.start {
		s.size[start]++
	}
	for start := range len(p.periods) {
		switch {
		case s.size[start] == 0:
		case s.size[start] < 2 || s.base(start) < 0:
			s.size[start] = 0
		default:
			s.groups = append(s.groups, start)
		}
	}
	s.cohort, s.members = make([][]float64, p.clusters), make([]float64, p.clusters)
	for c := range s.cohort {
		s.cohort[c] = make([]float64, len(s.groups))
	}
	for i, start := range p.start {
		if s.size[start] == 0 {
			continue
		}
		s.rows = append(s.rows, i)
		s.members[p.cluster[i]]++
		if g, is := slices.BinarySearch(s.groups, start); is {
			s.cohort[p.cluster[i]][g]++
		}
	}
	return s
}

// base is the last period in which a group is certainly untouched, negative when there is none.
func (s *staggered) base(start int) int { return start - 1 - s.o.Anticipation }

func (s *staggered) forbidden(treated int) measure.Reason {
	never := s.size[len(s.p.periods)]
	switch {
	case !measure.ValidLevel(s.o.Level):
		return measure.NotFinite
	case treated == 0:
		return NoTreatedUnit
	case never == 0 && (s.o.Control == NeverTreated || len(s.groups) == 1):
		return NoControlUnit
	case never == 1 && s.o.Control == NeverTreated:
		return TooFewUnits
	case !measure.Finite(s.meanSq):
		return measure.NotFinite
	}
	return ""
}

// estimate fills the cells, group by group.
func (s *staggered) estimate() {
	for _, g := range s.groups {
		for t := range s.p.periods {
			base := s.base(g)
			if t < g && !s.o.Universal {
				base = t - 1
			}
			if base >= 0 && base != t {
				s.cells = append(s.cells, s.att(g, t, base))
			}
		}
	}
}

// role tells whether a unit of a start is treated (+1), a comparison (-1) or neither (0) in the cell.
func (s *staggered) role(start, g, t, base int) int {
	switch {
	case start == g:
		return 1
	case start == len(s.p.periods):
		return -1
	case s.o.Control == NotYetTreated && start > max(t, base)+s.o.Anticipation:
		return -1
	}
	return 0
}

// att estimates one cell.
func (s *staggered) att(g, t, base int) cell {
	c := cell{group: g, period: t}
	var arms [2]running
	for _, i := range s.rows {
		if role := s.role(s.p.start[i], g, t, base); role != 0 {
			row := s.p.row(i)
			arms[armOf(role > 0)].add(row[t] - row[base])
		}
	}
	c.treated, c.control = arms[0].n, arms[1].n
	c.estimate = arms[0].mean - arms[1].mean
	if c.control < 2 {
		c.reason = TooFewUnits
		if c.control == 0 {
			c.reason = NoControlUnit
		}
		return c
	}
	c.influence = make([]float64, s.clusters)
	var seen [2]map[int]bool
	seen[0], seen[1] = map[int]bool{}, map[int]bool{}
	n := float64(len(s.rows))
	for _, i := range s.rows {
		role := s.role(s.p.start[i], g, t, base)
		if role == 0 {
			continue
		}
		arm, row := armOf(role > 0), s.p.row(i)
		c.influence[s.p.cluster[i]] += float64(role) * n / float64(arms[arm].n) * (row[t] - row[base] - arms[arm].mean)
		seen[arm][s.p.cluster[i]] = true
	}
	if len(seen[0]) < 2 || len(seen[1]) < 2 {
		c.reason = TooFewClusters
	} else if arms[0].constant() && arms[1].constant() {
		c.reason = measure.ZeroVariance
	}
	return c
}

// stdErr is the standard error of an influence function.
func (s *staggered) stdErr(influence []float64) float64 {
	return math.Sqrt(squares(influence)) / float64(len(s.rows))
}

// effect turns an estimate into its pointwise figure.
func (s *staggered) effect(estimate float64, influence []float64) Effect {
	r := measure.Result{Level: s.o.Level}
	se := s.stdErr(influence)
	if se*se <= noise*s.meanSq {
		return Effect{Reason: measure.ZeroVariance}
	}
	r = r.With(normalFigure(estimate, se, s.o.Level))
	return Effect{Figure: r.Figure, Reason: r.Reason}
}
