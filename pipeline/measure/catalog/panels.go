package catalog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"cagnotte/pipeline/measure/panel"
	"cagnotte/pipeline/measure/series"
)

// columns names the columns of a data set: the method's defaults, overridden by the input's columns.
type columns map[string]string

// columns reads the optional object of column names.
func (f *fields) columns(defaults ...string) columns {
	out := columns{}
	for i := 0; i+1 < len(defaults); i += 2 {
		out[defaults[i]] = defaults[i+1]
	}
	if !f.has("columns") {
		return out
	}
	in := f.object("columns", "an object: role of the column to its name in the data set")
	for i := 0; i+1 < len(defaults); i += 2 {
		out[defaults[i]] = in.textOr(defaults[i], defaults[i+1])
	}
	return out
}

// long is a data set in long form: one row per unit and period.
type long struct {
	units   []string // in order of appearance
	periods []string // in order: as numbers when all are, else as text, which is right for ISO dates
	unitOf  []int    // of each row
	timeOf  []int
	frame   *frame
}

// long reads a data set in long form.
func (r *reading) long(name string, c columns, more ...string) (*long, error) {
	frame, err := r.table(name, append([]string{c["unit"], c["time"]}, more...)...)
	if err != nil {
		return nil, err
	}
	l := &long{frame: frame, unitOf: make([]int, len(frame.cells)), timeOf: make([]int, len(frame.cells))}
	times := frame.words(c["time"])
	l.periods = inOrder(times)
	position := map[string]int{}
	for i, p := range l.periods {
		position[p] = i
	}
	unit := map[string]int{}
	for i, u := range frame.words(c["unit"]) {
		at, ok := unit[u]
		if !ok {
			at = len(l.units)
			unit[u] = at
			l.units = append(l.units, u)
		}
		l.unitOf[i], l.timeOf[i] = at, position[times[i]]
	}
	return l, nil
}

// inOrder returns the distinct texts, by number when all are numbers.
func inOrder(words []string) []string {
	out := slices.Clone(words)
	slices.Sort(out)
	out = slices.Compact(out)
	values := make(map[string]float64, len(out))
	for _, w := range out {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return out
		}
		values[w] = v
	}
	sort.SliceStable(out, func(i, j int) bool { return values[out[i]] < values[out[j]] })
	return out
}

// matrix spreads a column over units x periods; a cell that is missing or there twice is an error.
func (l *long) matrix(column string) ([][]float64, error) {
	values, err := l.frame.complete(column)
	if err != nil {
		return nil, err
	}
	if len(l.units) > maxDataRows/max(1, len(l.periods)) {
		return nil, &DataError{l.frame.name, fmt.Errorf("%d units x %d periods are too many", len(l.units), len(l.periods))}
	}
	out := make([][]float64, len(l.units))
	filled := make([][]bool, len(l.units))
	for i := range out {
		out[i], filled[i] = make([]float64, len(l.periods)), make([]bool, len(l.periods))
	}
	for i, v := range values {
		u, t := l.unitOf[i], l.timeOf[i]
		if filled[u][t] {
			return nil, &DataError{l.frame.name, fmt.Errorf("row %d: unit %q has two rows for %s", i+2, l.units[u], l.periods[t])}
		}
		out[u][t], filled[u][t] = v, true
	}
	for u := range filled {
		if t := slices.Index(filled[u], false); t >= 0 {
			return nil, &DataError{l.frame.name, fmt.Errorf("unit %q has no row for %s", l.units[u], l.periods[t])}
		}
	}
	return out, nil
}

// seriesPanel reads a balanced panel for a synthetic control, from a data set or from the input itself. Which units are treated, and from when,
// comes from the input (treated, pre_periods), or else from a column of the data set that is 1 where a unit is treated.
func (f *fields) seriesPanel(defaults ...string) func() (series.Panel, error) {
	if !f.has("data") {
		p := series.Panel{Units: f.texts("units", 1), Treated: f.texts("treated", 1), Y: f.rows("outcome", 1), Pre: f.countIn("pre_periods", -1, 1, 1_000_000)}
		f.sameLength("units", len(p.Units), "outcome", len(p.Y))
		return func() (series.Panel, error) { return p, nil }
	}
	name, c := f.dataPath("data"), f.columns(defaults...)
	var treated []string
	pre, post := 0, 0
	if f.has("treated") || c["treated"] == "" {
		treated, pre = f.texts("treated", 1), f.countIn("pre_periods", -1, 1, 1_000_000)
		post = f.countIn("post_periods", 0, 1, 1_000_000)
	}
	return func() (series.Panel, error) { return f.shared.seriesPanel(name, c, treated, pre, post) }
}

func (r *reading) seriesPanel(name string, c columns, treated []string, pre, post int) (series.Panel, error) {
	more := []string{c["outcome"]}
	if treated == nil {
		more = append(more, c["treated"])
	}
	l, err := r.long(name, c, more...)
	if err != nil {
		return series.Panel{}, err
	}
	y, err := l.matrix(c["outcome"])
	if err != nil {
		return series.Panel{}, err
	}
	p := series.Panel{Units: l.units, Treated: treated, Y: y, Pre: pre}
	if treated == nil {
		if p.Treated, p.Pre, err = l.treatment(c["treated"]); err != nil {
			return series.Panel{}, err
		}
	}
	if len(l.periods) < p.Pre+post {
		return p, &DataError{name, fmt.Errorf("%d periods, fewer than pre_periods and post_periods together, %d", len(l.periods), p.Pre+post)}
	}
	if post > 0 {
		for i := range p.Y {
			p.Y[i] = p.Y[i][:p.Pre+post]
		}
	}
	return p, nil
}

// treatment reads a 0/1 column: the treated units, and how many periods before the first treated one. All must start together.
func (l *long) treatment(column string) (units []string, pre int, err error) {
	flags, err := l.matrix(column)
	if err != nil {
		return nil, 0, err
	}
	pre = len(l.periods)
	for u, row := range flags {
		from := slices.IndexFunc(row, func(v float64) bool { return v != 0 })
		if from < 0 {
			continue
		}
		if len(units) > 0 && from != pre {
			return nil, 0, &DataError{l.frame.name, errors.New("the treated units do not start together: use group_time_att")}
		}
		units, pre = append(units, l.units[u]), from
	}
	return units, pre, nil
}

// unitPanel reads a panel of units x periods with the period from which each unit is treated, from a data set or from the input itself.
func (f *fields) unitPanel(defaults ...string) func() (panel.Panel, error) {
	policy, logs := panel.RejectMissing, f.flag("log")
	if f.oneOf("missing", "reject", "drop_units") == "drop_units" {
		policy = panel.DropUnits
	}
	var rows func() ([]panel.Row, error)
	if f.has("data") {
		rows = f.dataRows(defaults...)
	} else {
		inline := f.inlineRows()
		rows = func() ([]panel.Row, error) { return inline, nil }
	}
	return func() (panel.Panel, error) {
		list, err := rows()
		if err != nil {
			return panel.Panel{}, err
		}
		p, err := panel.FromRows(list, policy)
		if err == nil && logs {
			p, err = p.Log()
		}
		return p, err
	}
}

// inlineRows reads units, periods (integers), outcome (units x periods) and treated_from, in which 0 means never.
func (f *fields) inlineRows() []panel.Row {
	units, periods, outcome, from := f.texts("units", 1), f.counts("periods", 1), f.rows("outcome", 1), f.counts("treated_from", 1)
	f.sameLength("units", len(units), "outcome", len(outcome))
	f.sameLength("units", len(units), "treated_from", len(from))
	if len(outcome) > 0 {
		f.sameLength("periods", len(periods), "outcome[0]", len(outcome[0]))
	}
	if len(f.shared.errs) > 0 {
		return nil
	}
	var rows []panel.Row
	for u, row := range outcome {
		for t, y := range row {
			rows = append(rows, panel.Row{Unit: units[u], Period: int(periods[t]), Outcome: y, TreatedFrom: orNever(float64(from[u]))})
		}
	}
	return rows
}

// orNever turns the data sets' way to write never treated into the package's.
func orNever(from float64) int {
	if from == 0 || math.IsNaN(from) {
		return panel.Never
	}
	return int(from)
}

// dataRows reads a panel in long form: columns unit, time (an integer), outcome, treated_from (the first treated period; 0, empty or NA means
// never).
func (f *fields) dataRows(defaults ...string) func() ([]panel.Row, error) {
	name, c := f.dataPath("data"), f.columns(defaults...)
	return func() ([]panel.Row, error) {
		frame, err := f.shared.table(name, c["unit"], c["time"], c["outcome"], c["treated_from"])
		if err != nil {
			return nil, err
		}
		times, err := frame.complete(c["time"])
		if err != nil {
			return nil, err
		}
		outcome, missing, err := frame.numbers(c["outcome"])
		if err != nil {
			return nil, err
		}
		from, _, err := frame.numbers(c["treated_from"])
		if err != nil {
			return nil, err
		}
		rows := make([]panel.Row, len(times))
		for i, u := range frame.words(c["unit"]) {
			rows[i] = panel.Row{Unit: u, Period: int(times[i]), Outcome: outcome[i], TreatedFrom: orNever(from[i])}
			if missing[i] {
				rows[i].Outcome = math.NaN()
			}
		}
		return rows, nil
	}
}
