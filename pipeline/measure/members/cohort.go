package members

import (
	"fmt"
	"slices"

	"cagnotte/pipeline/measure"
)

// MemberActivity is one member: the period of joining and the periods with at least one receipt, in any order. Periods are consecutive
// integers (weeks, months); activity before joining contradicts itself.
type MemberActivity struct {
	Joined int   `json:"joined"`
	Active []int `json:"active"`
}

// CohortOptions of a cohort table.
type CohortOptions struct {
	Through int     `json:"through"` // the last period that is observed whole; later activity is not counted
	Age     int     `json:"age"`     // the age whose pooled retention is the figure
	Level   float64 `json:"level"`
}

// CohortCell is the retention of one cohort at one age.
type CohortCell struct {
	Age    int     `json:"age"` // periods since joining; 0 is the period of joining
	Active int64   `json:"active"`
	Of     int64   `json:"of"`
	Share  float64 `json:"share"`
	Low    float64 `json:"low"` // Wilson
	High   float64 `json:"high"`
}

// Cohort is the members who joined in one period. Its cells end where observation ends: an age that has not passed whole is absent, not zero.
type Cohort struct {
	Joined int          `json:"joined"`
	Size   int64        `json:"size"`
	Cells  []CohortCell `json:"cells"`
}

// CohortTable is the retention of cohorts by age. Curve pools, at each age, the cohorts that have reached it; the figure is the curve at
// CohortOptions.Age.
type CohortTable struct {
	measure.Result
	Cohorts []Cohort     `json:"cohorts"`
	Curve   []CohortCell `json:"curve"`
	Late    int64        `json:"late"` // members who joined after Through: not in the table
}

// maxAges bounds the table: a thousand weeks are 19 years, more is a period that was mistyped.
const maxAges = 1000

// Cohorts counts members by cohort and age, right-censored at o.Through. Age 0 is the period of joining; a member who joined without a
// receipt is not active in it.
func Cohorts(rows []MemberActivity, o CohortOptions) (CohortTable, error) {
	out := CohortTable{Result: measure.Result{Method: MethodCohorts, Design: measure.Descriptive, Level: o.Level}}
	if err := checkLevel(o.Level); err != nil {
		return out, err
	}
	if o.Age < 0 {
		return out, fmt.Errorf("age: %d is negative", o.Age)
	}
	ages, err := span(rows, o.Through)
	if err != nil {
		return out, err
	}
	out.fill(rows, o.Through, ages)
	for i := range out.Cohorts {
		finish(out.Cohorts[i].Cells, out.Cohorts[i].Size, o.Level)
	}
	out.Cohorts = slices.DeleteFunc(out.Cohorts, func(c Cohort) bool { return c.Size == 0 })
	out.Curve = pool(out.Cohorts, o.Level)
	out.Result = pooledAt(out, o)
	return out, nil
}

// span returns how many periods lie between the oldest cohort and through, both counted, or the error of the first row that contradicts
// itself or would make the table too large.
func span(rows []MemberActivity, through int) (ages int, err error) {
	for i, row := range rows {
		if row.Joined > through {
			continue
		}
		// The difference is taken in uint64: periods at the ends of int must not overflow into a small number.
		n := uint64(through) - uint64(row.Joined)
		if n >= maxAges {
			return 0, fmt.Errorf("rows[%d].joined: %d is %d periods before through, at most %d", i, row.Joined, n, maxAges-1)
		}
		for _, a := range row.Active {
			if a < row.Joined {
				return 0, fmt.Errorf("rows[%d].active: period %d is before joining in %d", i, a, row.Joined)
			}
		}
		ages = max(ages, int(n)+1)
	}
	return ages, nil
}

// fill counts the members into the table.
func (t *CohortTable) fill(rows []MemberActivity, through, ages int) {
	for n := ages; n > 0; n-- {
		t.Cohorts = append(t.Cohorts, Cohort{Joined: through - n + 1, Cells: make([]CohortCell, n)})
	}
	seen := make([]int, ages) // age -> 1 + the last row that counted it: a period listed twice counts once
	for i, row := range rows {
		if row.Joined > through {
			t.Late++
			continue
		}
		c := &t.Cohorts[ages-1-(through-row.Joined)]
		c.Size++
		for _, a := range row.Active {
			if a > through {
				continue
			}
			if age := a - row.Joined; seen[age] != i+1 {
				seen[age] = i + 1
				c.Cells[age].Active++
			}
		}
	}
}

// finish gives each cell its share and interval.
func finish(cells []CohortCell, size int64, level float64) {
	for age := range cells {
		cells[age] = cell(age, cells[age].Active, size, level)
	}
}

func cell(age int, active, of int64, level float64) CohortCell {
	c := CohortCell{Age: age, Active: active, Of: of}
	if f := measure.Wilson(active, of, level).Figure; f != nil {
		c.Share, c.Low, c.High = f.Estimate, f.Low, f.High
	}
	return c
}

// pool adds up, at each age, the cohorts that have reached it.
func pool(cohorts []Cohort, level float64) []CohortCell {
	if len(cohorts) == 0 {
		return nil
	}
	curve := make([]CohortCell, len(cohorts[0].Cells)) // the oldest has the most ages
	for age := range curve {
		var active, of int64
		for _, c := range cohorts {
			if age < len(c.Cells) {
				active += c.Cells[age].Active
				of += c.Size
			}
		}
		curve[age] = cell(age, active, of, level)
	}
	return curve
}

// pooledAt is the figure: the curve at one age.
func pooledAt(t CohortTable, o CohortOptions) measure.Result {
	r := t.Result
	switch {
	case len(t.Curve) == 0:
		return r.Refuse(measure.EmptyArm)
	case o.Age >= len(t.Curve):
		return r.Refuse(NotObserved)
	}
	r = renamed(MethodCohorts, measure.Wilson(t.Curve[o.Age].Active, t.Curve[o.Age].Of, o.Level))
	if t.Curve[o.Age].Of < t.Curve[0].Of {
		r = r.Warn(Censored)
	}
	if len(t.Cohorts) > 1 {
		r = r.Warn(MixedCohorts)
	}
	return r
}
