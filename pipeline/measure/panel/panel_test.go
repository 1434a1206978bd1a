package panel

import (
	"math"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/measure"

	"pgregory.net/rapid"
)

var nan = math.NaN()

// TestNewRefuses: what contradicts itself is an error that names the field.
func TestNewRefuses(t *testing.T) {
	two := []int{1, 2}
	cases := []struct {
		want    string
		units   []string
		periods []int
		y       [][]float64
		from    []int
	}{
		{"outcome: 1 rows for 2 units", []string{"a", "b"}, two, [][]float64{{1, 2}}, []int{1, 1}},
		{"treated_from: 1 entries", []string{"a", "b"}, two, [][]float64{{1, 2}, {1, 2}}, []int{1}},
		{"periods: 1", []string{"a"}, []int{1}, [][]float64{{1}}, []int{1}},
		{"periods[1]: 9007199254740993 is beyond", []string{"a"}, []int{1, 1<<53 + 1}, [][]float64{{1, 2}}, []int{1}},
		{"periods[1]: 1 after 1", []string{"a"}, []int{1, 1}, [][]float64{{1, 2}}, []int{1}},
		{`units[1]: "a" twice`, []string{"a", "a"}, two, [][]float64{{1, 2}, {1, 2}}, []int{1, 1}},
		{"outcome[0]: 1 cells", []string{"a"}, two, [][]float64{{1}}, []int{1}},
		{`outcome: unit "a" period 2: missing cell`, []string{"a"}, two, [][]float64{{1, nan}}, []int{1}},
		{`outcome: unit "a" period 2 is infinite`, []string{"a"}, two, [][]float64{{nan, math.Inf(-1)}}, []int{1}},
	}
	for _, c := range cases {
		if _, err := New(c.units, c.periods, c.y, c.from, RejectMissing); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if _, err := New([]string{"a"}, two, [][]float64{{nan, math.Inf(1)}}, []int{1}, DropUnits); err == nil {
		t.Error("an infinite cell is not a missing one")
	}
}

// TestFromRows: any order, holes by policy, contradictions.
func TestFromRows(t *testing.T) {
	rows := []Row{{"b", 20, 4, Never}, {"a", 20, 2, 20}, {"a", 10, 1, 20}, {"b", 10, 3, Never}, {"c", 10, 5, 15}}
	if _, err := FromRows(rows, RejectMissing); err == nil || !strings.Contains(err.Error(), `unit "c" period 20: missing`) {
		t.Errorf("error %v", err)
	}
	p, err := FromRows(rows, DropUnits)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Units(), []string{"b", "a"}) || !slices.Equal(p.Periods(), []int{10, 20}) || p.Dropped() != 1 ||
		!slices.Equal(p.y, []float64{3, 4, 1, 2}) || !slices.Equal(p.start, []int{2, 1}) {
		t.Errorf("%+v", p)
	}
	for want, more := range map[string]Row{
		`unit "b" period 10 twice`:               {"b", 10, 3, Never},
		`rows[5].treated_from: unit "b" has nev`: {"b", 30, 3, 5},
	} {
		if _, err := FromRows(append(slices.Clone(rows), more), DropUnits); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := p.Clustered(map[string]string{"a": "x"}); err == nil || !strings.Contains(err.Error(), `unit "b"`) {
		t.Errorf("error %v", err)
	}
	if l, err := p.Log(); err != nil || l.y[2] != 0 || p.y[2] != 1 {
		t.Errorf("log %v %v", l.y, err)
	}
}

// TestLogDiD: the same numbers as measure.StoreUplift, whatever the panel looks like around the window; units that fit no arm are counted.
func TestLogDiD(t *testing.T) {
	units := []string{"t1", "t2", "late", "c1", "c2", "c3", "closed", "early"}
	from := []int{5, 5, 6, Never, Never, 99, Never, 2}
	y := [][]float64{
		{9, 100, 110, 7, 120, 130}, {9, 50, 52, 7, 50, 55}, {9, 1, 1, 1, 1, 1}, {9, 80, 82, 7, 84, 86},
		{9, 70, 70, 7, 70, 70}, {9, 60, 66, 7, 63, 60}, {9, 10, 10, 7, 0, 0}, {9, 5, 5, 5, 9, 9},
	}
	p, err := New(units, []int{1, 2, 3, 4, 5, 6}, y, from, RejectMissing)
	if err != nil {
		t.Fatal(err)
	}
	w := Window{Pre: Span{2, 4}, Post: Span{5, 7}}
	r, err := LogDiD(p, w, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := measure.StoreUplift([]measure.StoreTraffic{
		{Store: "t1", Treated: true, Before: 105, During: 125}, {Store: "t2", Treated: true, Before: 51, During: 52.5}, {Store: "c1", Before: 81, During: 85},
		{Store: "c2", Before: 70, During: 70}, {Store: "c3", Before: 63, During: 61.5},
	}, 0.95)
	if *r.Figure != *want.Figure || r.NTreatment != 2 || r.NControl != 3 || r.Dropped != 3 {
		t.Errorf("%+v (dropped %d), want %+v", *r.Figure, r.Dropped, *want.Figure)
	}
	for _, warning := range []measure.Warning{UnitsDropped, measure.StoresDropped, measure.FewTreatedStore} {
		if !slices.Contains(r.Warnings, warning) {
			t.Errorf("warnings %v lack %s", r.Warnings, warning)
		}
	}
	if r.Welch == nil || math.Abs(r.Welch.Estimate-want.Figure.Estimate) > 1e-12 {
		t.Errorf("Welch %+v %s", r.Welch, r.WelchReason)
	}
	for want, w := range map[string]Window{"window.pre": {Span{8, 9}, Span{5, 6}}, "window.post": {Span{2, 5}, Span{4, 6}}} {
		if _, err := LogDiD(p, w, DefaultOptions()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// cents draws amounts of up to a hundred in hundredths. Numbers whose squares lose digits to underflow would test the hardware, not the estimators.
func cents(low int) *rapid.Generator[float64] {
	return rapid.Map(rapid.IntRange(low, 10_000), func(c int) float64 { return float64(c) / 100 })
}

// drawPanel makes a random panel with at least three units that change and three that never do.
func drawPanel(t *rapid.T) Panel {
	n, periods := rapid.IntRange(6, 16).Draw(t, "units"), rapid.IntRange(3, 8).Draw(t, "periods")
	units, labels, y, from := make([]string, n), make([]int, periods), make([][]float64, n), make([]int, n)
	for i := range labels {
		labels[i] = 10 * (i + 1)
	}
	for i := range n {
		units[i] = string(rune('a' + i))
		from[i] = Never
		if i%2 == 0 {
			from[i] = labels[rapid.IntRange(1, periods-1).Draw(t, "from")]
		}
		y[i] = rapid.SliceOfN(cents(-10_000), periods, periods).Draw(t, "y")
	}
	p, err := New(units, labels, y, from, RejectMissing)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sameFigure(a, b *measure.Figure, tolerance float64) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	for _, pair := range [][2]float64{{a.Estimate, b.Estimate}, {a.StdErr, b.StdErr}, {a.Low, b.Low}, {a.High, b.High}, {a.P, b.P}} {
		if !(math.Abs(pair[0]-pair[1]) <= tolerance*(1+math.Abs(pair[0]))) {
			return false
		}
	}
	return true
}

// TestLevelsDoNotMatter: what a unit or a period adds to all its cells changes no estimate: that is what the designs are for.
func TestLevelsDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPanel(t)
		moved := p
		moved.y = slices.Clone(p.y)
		for i := range moved.y {
			moved.y[i] += 7*float64(i/len(p.periods)) - 13*float64(i%len(p.periods)*(i%len(p.periods)))
		}
		one, err := TwoWay(p, DefaultOptions())
		two, err2 := TwoWay(moved, DefaultOptions())
		if err != nil || err2 != nil || one.Reason != two.Reason || !sameFigure(one.Figure, two.Figure, 1e-6) || !sameFigure(one.CR2, two.CR2, 1e-6) {
			t.Fatalf("two-way: %+v %s, moved %+v %s", one.Figure, one.Reason, two.Figure, two.Reason)
		}
		o := DefaultStaggered(1)
		o.Control, o.Draws = NotYetTreated, 0
		a, err := Staggered(p, o)
		b, err2 := Staggered(moved, o)
		if err != nil || err2 != nil || !sameFigure(a.Figure, b.Figure, 1e-6) || !sameFigure(a.Simple.Figure, b.Simple.Figure, 1e-6) {
			t.Fatalf("staggered: %+v %s, moved %+v %s", a.Figure, a.Reason, b.Figure, b.Reason)
		}
	})
}

// TestOrderDoesNotMatter: turning the units round changes nothing beyond rounding; clusters of one unit are no clusters.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPanel(t)
		units, from := p.Units(), make([]int, len(p.units))
		y, by := make([][]float64, len(units)), map[string]string{}
		slices.Reverse(units)
		for i, u := range units {
			back := len(units) - 1 - i
			y[i], from[i], by[u] = p.row(back), Never, u+"!"
			if s := p.start[back]; s < len(p.periods) {
				from[i] = p.periods[s]
			}
		}
		turned, err := New(units, p.Periods(), y, from, RejectMissing)
		if err == nil {
			turned, err = turned.Clustered(by)
		}
		if err != nil {
			t.Fatal(err)
		}
		one, _ := TwoWay(p, DefaultOptions())
		two, _ := TwoWay(turned, DefaultOptions())
		if !sameFigure(one.Figure, two.Figure, 1e-7) || !sameFigure(one.CR2, two.CR2, 1e-7) {
			t.Fatalf("%+v, turned %+v", one.Figure, two.Figure)
		}
		a, _ := Staggered(p, DefaultStaggered(1))
		b, _ := Staggered(turned, DefaultStaggered(1))
		if !sameFigure(a.Figure, b.Figure, 1e-7) || (a.Pretest == nil) != (b.Pretest == nil) {
			t.Fatalf("%+v, turned %+v", a.Figure, b.Figure)
		}
	})
}

// TestTwoPeriodsAgree: with two periods and one start, two-way effects, group-time effects and the 2x2 are the same estimate, and CR1 against the
// influence function's error differ by known factors only.
func TestTwoPeriodsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 20).Draw(t, "n")
		var pairs []Pair
		var rows []Row
		for i := range n {
			q := Pair{string(rune('a' + i)), i%2 == 0, cents(0).Draw(t, "before"), cents(0).Draw(t, "after")}
			from := Never
			if q.Treated {
				from = 2
			}
			pairs = append(pairs, q)
			rows = append(rows, Row{q.Unit, 1, q.Before, from}, Row{q.Unit, 2, q.After, from})
		}
		p, err := FromRows(rows, RejectMissing)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := TwoByTwo(pairs, DefaultOptions())
		two, _ := TwoWay(p, DefaultOptions())
		staggered, _ := Staggered(p, DefaultStaggered(1))
		if plain.Figure == nil || two.Figure == nil || staggered.Figure == nil {
			return // no spread in a drawn panel
		}
		g, cells := float64(n), float64(2*n)
		factor := math.Sqrt(g / (g - 1) * (cells - 1) / (cells - 3))
		for what, pair := range map[string][2]float64{
			"two-way": {two.Figure.Estimate, plain.Figure.Estimate}, "staggered": {staggered.Figure.Estimate, plain.Figure.Estimate},
			"CR1": {two.Figure.StdErr, staggered.Figure.StdErr * factor}, "all": {plain.All.Estimate, plain.Figure.Estimate},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*(1+math.Abs(pair[1])) {
				t.Fatalf("%s: %.12g against %.12g", what, pair[0], pair[1])
			}
		}
	})
}
