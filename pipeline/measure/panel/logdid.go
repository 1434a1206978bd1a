package panel

import (
	"fmt"
	"math"

	"cagnotte/pipeline/measure"
)

// Span is a half-open range of period labels.
type Span struct{ From, To int }

// Window compares Post with Pre. For daily traffic both should be whole weeks.
type Window struct{ Pre, Post Span }

// indexes returns the positions of a span's periods, half-open.
func (p Panel) indexes(name string, s Span) (from, to int, err error) {
	from, to = len(p.periods), len(p.periods)
	for t := len(p.periods) - 1; t >= 0; t-- {
		if p.periods[t] >= s.From {
			from = t
		}
		if p.periods[t] >= s.To {
			to = t
		}
	}
	if from >= to {
		return 0, 0, fmt.Errorf("window.%s: no period in [%d, %d)", name, s.From, s.To)
	}
	return from, to, nil
}

// Change is the log growth of one unit from the pre to the post span.
type Change struct {
	Unit    string
	Treated bool
	Value   float64 // ln(mean post) - ln(mean pre)
}

// Growth returns the log growth of the units that fit an arm: treated are those untreated in the whole pre span and treated in the whole post span,
// control those untreated in both. The rest, and units whose mean is not positive in a span, are counted as dropped.
func Growth(p Panel, w Window) (changes []Change, dropped int, err error) {
	stores, other, err := p.traffic(w)
	if err != nil {
		return nil, 0, err
	}
	for _, s := range stores {
		g := math.Log(s.During) - math.Log(s.Before)
		if !measure.Finite(g) {
			other++
			continue
		}
		changes = append(changes, Change{Unit: s.Store, Treated: s.Treated, Value: g})
	}
	return changes, other, nil
}

// traffic returns the mean outcome of the units that fit an arm, and how many fit none.
func (p Panel) traffic(w Window) (stores []measure.StoreTraffic, other int, err error) {
	preFrom, preTo, err := p.indexes("pre", w.Pre)
	if err != nil {
		return nil, 0, err
	}
	postFrom, postTo, err := p.indexes("post", w.Post)
	if err != nil {
		return nil, 0, err
	}
	if postFrom < preTo {
		return nil, 0, fmt.Errorf("window.post: begins at %d, before window.pre ends at %d", w.Post.From, w.Pre.To)
	}
	for i, s := range p.start {
		treated := s >= preTo && s <= postFrom
		if !treated && s < postTo {
			other++
			continue
		}
		row := p.row(i)
		stores = append(stores, measure.StoreTraffic{
			Store: p.units[i], Treated: treated, Before: mean(row[preFrom:preTo]), During: mean(row[postFrom:postTo]),
		})
	}
	return stores, other, nil
}

// LogDiDResult is the log difference-in-differences over stores; the Result's figure is the pooled t of measure.StoreUplift.
type LogDiDResult struct {
	measure.Result
	Welch       *measure.Figure `json:"welch,omitempty"` // the same estimate without assuming equal variances; a fraction like the Result's
	WelchReason measure.Reason  `json:"welch_reason,omitempty"`
	Dropped     int             `json:"dropped"`
}

// LogDiD is the store-level log difference-in-differences with a pooled t: measure.StoreUplift on the means of both spans of a panel, so that the
// two always print the same numbers. The pooled t works with one treated store; Welch's needs several in both arms and over-rejects below five.
func LogDiD(p Panel, w Window, o Options) (LogDiDResult, error) {
	stores, other, err := p.traffic(w)
	if err != nil {
		return LogDiDResult{}, err
	}
	changes, dropped, err := Growth(p, w)
	if err != nil {
		return LogDiDResult{}, err
	}
	r := LogDiDResult{Result: measure.StoreUplift(stores, o.level()), Dropped: dropped + p.dropped}
	r.Design = o.Design
	if other+p.dropped > 0 {
		r.Result = r.Warn(UnitsDropped)
	}
	var arms [2]running
	for _, c := range changes {
		arms[armOf(c.Treated)].add(c.Value)
	}
	alone := welch(o.result(measure.MethodStoreDiD, arms[0].n, arms[1].n), arms[0], arms[1])
	alone = exponentiated(alone)
	r.Welch, r.WelchReason = alone.Figure, alone.Reason
	return r, nil
}

// exponentiated turns a figure in logs into fractions; the standard error stays that of the log ratio.
func exponentiated(r measure.Result) measure.Result {
	if r.Figure == nil {
		return r
	}
	f := *r.Figure
	f.Estimate, f.Low, f.High = math.Expm1(f.Estimate), math.Expm1(f.Low), math.Expm1(f.High)
	return r.With(f)
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
