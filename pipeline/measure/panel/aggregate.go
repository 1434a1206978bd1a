package panel

import (
	"slices"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/floats"
)

// fill writes the work sheet into the answer.
func (out *StaggeredResult) fill(s *staggered) {
	family := newFamily(s)
	without := false
	for _, c := range s.cells {
		e := Effect{Reason: c.reason}
		if c.reason == "" {
			e = s.effect(c.estimate, c.influence)
		}
		without = without || c.reason == NoControlUnit
		family.add(e, c.influence)
		out.GroupTime = append(out.GroupTime, GroupTime{
			Group: s.p.periods[c.group], Period: s.p.periods[c.period], Treated: c.treated, Control: c.control,
		})
	}
	out.Critical = family.band()
	for i := range out.GroupTime {
		out.GroupTime[i].Effect = family.effects[i]
	}
	out.Simple = s.simple()
	out.Event, out.Group, out.Calendar = s.event(), s.group(), s.calendar()
	out.warn(s, without)
	if f := out.Group.Overall.Figure; f != nil {
		out.Result = out.With(*f)
	} else {
		out.Result = out.Refuse(out.Group.Overall.Reason)
	}
}

// warn adds the remarks.
func (out *StaggeredResult) warn(s *staggered, without bool) {
	if without {
		out.Result = out.Warn(CellsUncompared)
	}
	if out.NTreatment < fewTreated {
		out.Result = out.Warn(FewTreated)
	}
	for _, g := range s.groups {
		if s.size[g] < smallCohort {
			out.Result = out.Warn(SmallCohort)
			break
		}
	}
	out.Pretest = s.pretest()
	switch {
	case out.Pretest == nil:
		out.Result = out.Warn(SingularPretest)
	case out.Pretest.P < 0.05:
		out.Result = out.Warn(PretrendSuspect)
	}
}

// sum is a weighted sum of effects with its influence.
type sum struct {
	estimate  float64
	influence []float64
	any       bool
}

// usable are the cells that have an estimate and are wanted.
func (s *staggered) usable(want func(cell) bool) []cell {
	var out []cell
	for _, c := range s.cells {
		if (c.reason == "" || c.reason == measure.ZeroVariance) && want(c) {
			out = append(out, c)
		}
	}
	return out
}

// bySize averages the estimates of parts that belong to groups (indexes in s.groups), weighted by the groups' sizes. The weights are estimated
// from the same units, which adds to the influence (did's wif; Callaway and Sant'Anna 2021, corollary 2).
func (s *staggered) bySize(estimates []float64, influences [][]float64, groups []int) sum {
	out := sum{influence: make([]float64, s.clusters), any: len(estimates) > 0}
	n := float64(len(s.rows))
	share := make([]float64, len(groups))
	for k, g := range groups {
		share[k] = float64(s.size[s.groups[g]]) / n
	}
	total := floats.Sum(share)
	for k, w := range share {
		out.estimate += w / total * estimates[k]
		floats.AddScaled(out.influence, w/total, influences[k])
	}
	for c := range out.influence {
		for k, g := range groups {
			// d estimate / d share[k] = (estimates[k] - estimate) / total
			out.influence[c] += (s.cohort[c][g] - s.members[c]*share[k]) * (estimates[k] - out.estimate) / total
		}
	}
	return out
}

// cellsBySize averages cells by the sizes of their groups.
func (s *staggered) cellsBySize(cells []cell) sum {
	var estimates []float64
	var influences [][]float64
	var groups []int
	for _, c := range cells {
		g, _ := slices.BinarySearch(s.groups, c.group)
		estimates, influences, groups = append(estimates, c.estimate), append(influences, c.influence), append(groups, g)
	}
	return s.bySize(estimates, influences, groups)
}

// equally averages sums with equal, known weights.
func (s *staggered) equally(parts []sum) sum {
	out := sum{influence: make([]float64, s.clusters), any: len(parts) > 0}
	for _, p := range parts {
		out.estimate += p.estimate / float64(len(parts))
		floats.AddScaled(out.influence, 1/float64(len(parts)), p.influence)
	}
	return out
}

func (s *staggered) overall(x sum) Effect {
	if !x.any {
		return Effect{Reason: NoControlUnit}
	}
	return s.effect(x.estimate, x.influence)
}

func (s *staggered) simple() Effect {
	return s.overall(s.cellsBySize(s.usable(func(c cell) bool { return c.period >= c.group })))
}

// event aggregates by time since treatment.
func (s *staggered) event() Aggregation {
	since := func(c cell) int { return s.p.periods[c.period] - s.p.periods[c.group] }
	var keys []int
	for _, c := range s.usable(func(cell) bool { return true }) {
		keys = append(keys, since(c))
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var after []sum
	family := newFamily(s)
	for _, key := range keys {
		x := s.cellsBySize(s.usable(func(c cell) bool { return since(c) == key }))
		family.add(s.overall(x), x.influence)
		if key >= 0 {
			after = append(after, x)
		}
	}
	return family.aggregation(keys, s.overall(s.equally(after)))
}

// group aggregates by group over its treated periods.
func (s *staggered) group() Aggregation {
	var keys, groups []int
	var estimates []float64
	var influences [][]float64
	family := newFamily(s)
	for g, start := range s.groups {
		var parts []sum
		for _, c := range s.usable(func(c cell) bool { return c.group == start && c.period >= start }) {
			parts = append(parts, sum{estimate: c.estimate, influence: c.influence})
		}
		if len(parts) == 0 {
			continue
		}
		x := s.equally(parts)
		keys, groups = append(keys, s.p.periods[start]), append(groups, g)
		estimates, influences = append(estimates, x.estimate), append(influences, x.influence)
		family.add(s.overall(x), x.influence)
	}
	return family.aggregation(keys, s.overall(s.bySize(estimates, influences, groups)))
}

// calendar aggregates by period over the groups treated by then.
func (s *staggered) calendar() Aggregation {
	var keys []int
	var all []sum
	family := newFamily(s)
	for t := range s.p.periods {
		cells := s.usable(func(c cell) bool { return c.period == t && t >= c.group })
		if len(cells) == 0 {
			continue
		}
		x := s.cellsBySize(cells)
		keys, all = append(keys, s.p.periods[t]), append(all, x)
		family.add(s.overall(x), x.influence)
	}
	return family.aggregation(keys, s.overall(s.equally(all)))
}
