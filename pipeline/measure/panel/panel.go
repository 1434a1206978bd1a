package panel

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Never is the treated-from period of a unit that is not treated.
const Never = math.MaxInt

const (
	maxCells = 1 << 24 // of a panel (128 MiB of outcomes)
	maxLabel = 1 << 53 // of a period, either way: differences do not overflow and JSON's numbers hold them
)

// Missing says what to do with units that lack a cell. There is no third way: an estimate over a panel with holes depends on who is missing when.
type Missing uint8

// Policies for missing cells.
const (
	RejectMissing Missing = iota // a missing cell is an error
	DropUnits                    // units with a missing cell are left out; the figures carry UnitsDropped
)

// Panel is a complete matrix of outcomes, units x periods, with the period from which each unit is treated; treatment never ends. Make one with
// New or FromRows. It is immutable.
type Panel struct {
	units    []string
	periods  []int
	y        []float64 // unit after unit
	start    []int     // index of the first treated period, len(periods) where there is none
	cluster  []int     // of each unit, numbered from 0 in order of appearance
	clusters int
	dropped  int
}

// New validates a matrix. units are unique names; periods are strictly increasing labels; outcome[i][t] is unit i in period t, NaN where missing;
// treatedFrom[i] is the label of the first treated period, or Never (a label beyond the last period means never too, one before the first means
// always; one between two periods counts from the next). Errors name the field.
func New(units []string, periods []int, outcome [][]float64, treatedFrom []int, missing Missing) (Panel, error) {
	if err := checkShape(units, periods, outcome, treatedFrom); err != nil {
		return Panel{}, err
	}
	p := Panel{periods: slices.Clone(periods)}
	for i, row := range outcome {
		whole, err := checkRow(row, units[i], periods)
		switch {
		case err == nil && whole:
		case missing == DropUnits && errors.Is(err, errMissing):
			p.dropped++
			continue
		default:
			return Panel{}, err
		}
		p.units = append(p.units, units[i])
		p.y = append(p.y, row...)
		from, _ := slices.BinarySearch(periods, treatedFrom[i])
		p.start = append(p.start, from)
	}
	p.cluster, p.clusters = identity(len(p.units)), len(p.units)
	return p, nil
}

// errMissing marks a hole, which a policy may forgive.
var errMissing = errors.New("missing cell")

func checkShape(units []string, periods []int, outcome [][]float64, treatedFrom []int) error {
	switch {
	case len(outcome) != len(units):
		return fmt.Errorf("outcome: %d rows for %d units", len(outcome), len(units))
	case len(treatedFrom) != len(units):
		return fmt.Errorf("treated_from: %d entries for %d units", len(treatedFrom), len(units))
	case len(periods) < 2:
		return fmt.Errorf("periods: %d, at least 2", len(periods))
	case len(units) > maxCells/len(periods):
		return fmt.Errorf("outcome: %d x %d cells, at most %d", len(units), len(periods), maxCells)
	}
	for t, label := range periods {
		if label < -maxLabel || label > maxLabel {
			return fmt.Errorf("periods[%d]: %d is beyond 2^53", t, label)
		}
		if t > 0 && label <= periods[t-1] {
			return fmt.Errorf("periods[%d]: %d after %d, want strictly increasing", t, label, periods[t-1])
		}
	}
	seen := make(map[string]bool, len(units))
	for i, u := range units {
		if seen[u] {
			return fmt.Errorf("units[%d]: %q twice", i, u)
		}
		seen[u] = true
		if len(outcome[i]) != len(periods) {
			return fmt.Errorf("outcome[%d]: %d cells for %d periods", i, len(outcome[i]), len(periods))
		}
	}
	return nil
}

// checkRow reports whether every cell of a unit is there. A hole wraps errMissing, an infinity does not.
func checkRow(row []float64, unit string, periods []int) (bool, error) {
	var hole error
	for t, v := range row {
		switch {
		case math.IsInf(v, 0):
			return false, fmt.Errorf("outcome: unit %q period %d is infinite", unit, periods[t])
		case math.IsNaN(v) && hole == nil:
			hole = fmt.Errorf("outcome: unit %q period %d: %w", unit, periods[t], errMissing)
		}
	}
	return hole == nil, hole
}

// Row is one cell of a panel in long form.
type Row struct {
	Unit        string
	Period      int
	Outcome     float64 // NaN where missing; an absent row is missing too
	TreatedFrom int     // as in New; the same in every row of a unit
}

// FromRows builds the panel of rows in any order: units in order of appearance, the periods are those that occur. A cell that occurs twice and a
// unit with two treated-from periods are errors.
func FromRows(rows []Row, missing Missing) (Panel, error) {
	index := map[string]int{}
	var units []string
	var from, periods []int
	for i, r := range rows {
		u, known := index[r.Unit]
		if !known {
			index[r.Unit], u = len(units), len(units)
			units, from = append(units, r.Unit), append(from, r.TreatedFrom)
		}
		if from[u] != r.TreatedFrom {
			return Panel{}, fmt.Errorf("rows[%d].treated_from: unit %q has %s and %s", i, r.Unit, label(from[u]), label(r.TreatedFrom))
		}
		periods = append(periods, r.Period)
	}
	slices.Sort(periods)
	periods = slices.Compact(periods)
	if len(periods) > 0 && len(units) > maxCells/len(periods) {
		return Panel{}, fmt.Errorf("rows: %d x %d cells, at most %d", len(units), len(periods), maxCells)
	}
	y, err := matrix(rows, index, periods)
	if err != nil {
		return Panel{}, err
	}
	return New(units, periods, y, from, missing)
}

// matrix spreads rows over units x periods; what no row fills is NaN.
func matrix(rows []Row, index map[string]int, periods []int) ([][]float64, error) {
	y := make([][]float64, len(index))
	filled := make([]bool, len(index)*len(periods))
	for i := range y {
		y[i] = make([]float64, len(periods))
		for t := range y[i] {
			y[i][t] = math.NaN()
		}
	}
	for i, r := range rows {
		u := index[r.Unit]
		t, _ := slices.BinarySearch(periods, r.Period)
		if filled[u*len(periods)+t] {
			return nil, fmt.Errorf("rows[%d]: unit %q period %d twice", i, r.Unit, r.Period)
		}
		filled[u*len(periods)+t] = true
		y[u][t] = r.Outcome
	}
	return y, nil
}

func label(from int) string {
	if from == Never {
		return "never"
	}
	return strconv.Itoa(from)
}

// Clustered returns the panel with its units gathered in clusters (trade areas, regions): errors within one may be correlated in any way. by maps
// every unit to its cluster. Without it each unit is its own cluster.
func (p Panel) Clustered(by map[string]string) (Panel, error) {
	number := map[string]int{}
	ids := make([]int, len(p.units))
	for i, u := range p.units {
		name, ok := by[u]
		if !ok {
			return Panel{}, fmt.Errorf("clusters: unit %q has none", u)
		}
		id, known := number[name]
		if !known {
			id = len(number)
			number[name] = id
		}
		ids[i] = id
	}
	p.cluster, p.clusters = ids, len(number)
	return p, nil
}

// Log returns the panel of the logarithms, so that effects are relative. A cell that is not positive is an error.
func (p Panel) Log() (Panel, error) {
	y := make([]float64, len(p.y))
	for i, v := range p.y {
		if v <= 0 {
			return Panel{}, fmt.Errorf("outcome: unit %q period %d is %g, no logarithm", p.units[i/len(p.periods)], p.periods[i%len(p.periods)], v)
		}
		y[i] = math.Log(v)
	}
	p.y = y
	return p, nil
}

// Units returns the names of the kept units.
func (p Panel) Units() []string { return slices.Clone(p.units) }

// Periods returns the labels of the periods.
func (p Panel) Periods() []int { return slices.Clone(p.periods) }

// Dropped returns how many units were left out for a missing cell.
func (p Panel) Dropped() int { return p.dropped }

// row returns the outcomes of unit i.
func (p Panel) row(i int) []float64 { return p.y[i*len(p.periods) : (i+1)*len(p.periods)] }

// arms counts the units that are treated at some time and those that never are.
func (p Panel) arms() (treated, control int) {
	for _, s := range p.start {
		if s < len(p.periods) {
			treated++
		} else {
			control++
		}
	}
	return treated, control
}

func identity(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
