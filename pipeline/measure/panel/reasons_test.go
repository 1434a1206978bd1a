package panel

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/measure"
)

// build makes a panel of three periods from strings like "t:1,2,3": t is treated from period 2, l from 3, a always, n never.
func build(t testing.TB, units ...string) Panel {
	t.Helper()
	var rows []Row
	for i, u := range units {
		kind, cells, _ := strings.Cut(u, ":")
		from := map[string]int{"t": 2, "l": 3, "a": 1, "n": Never}[kind]
		for k, c := range strings.Split(cells, ",") {
			rows = append(rows, Row{Unit: fmt.Sprint(i), Period: k + 1, Outcome: number64(t, c), TreatedFrom: from})
		}
	}
	p, err := FromRows(rows, DropUnits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// whole fails when a number is not finite (JSON has none) and when a figure and a reason are both there or both missing.
func whole(t testing.TB, answer any, results ...measure.Result) {
	t.Helper()
	if _, err := json.Marshal(answer); err != nil {
		t.Fatalf("%+v: %v", answer, err)
	}
	for _, r := range results {
		if (r.Figure == nil) == (r.Reason == "") {
			t.Fatalf("%s: figure %v and reason %q", r.Method, r.Figure, r.Reason)
		}
	}
}

// TestPanelReasons: each gate of the panel estimators.
func TestPanelReasons(t *testing.T) {
	bad := DefaultOptions()
	bad.Level = 1
	fine := []string{"t:1,4,5", "t:2,4,4", "n:1,1,2", "n:2,3,1", "n:0,1,1"}
	cases := []struct {
		what              string
		o                 Options
		p                 Panel
		twoWay, staggered measure.Reason
	}{
		{"level", bad, build(t, fine...), measure.NotFinite, measure.NotFinite},
		{"fine", DefaultOptions(), build(t, fine...), "", ""},
		{"nobody", DefaultOptions(), build(t, "n:1,2,3", "n:1,2,2", "n:2,2,1"), NoTreatedUnit, NoTreatedUnit},
		{"always", DefaultOptions(), build(t, "a:1,2,3", "a:1,2,2", "n:2,2,1", "n:2,1,1"), NoTreatedUnit, NoTreatedUnit},
		{"everybody", DefaultOptions(), build(t, "t:1,2,3", "t:1,2,2", "t:2,2,1"), NoControlUnit, NoControlUnit},
		{"one treated", DefaultOptions(), build(t, "t:1,2,3", "n:1,2,2", "n:2,2,1"), TooFewClusters, NoTreatedUnit},
		{"one control", DefaultOptions(), build(t, "t:1,2,3", "t:1,2,2", "n:2,2,1"), TooFewClusters, TooFewUnits},
		{"no spread", DefaultOptions(), build(t, "t:1,5,5", "t:2,6,6", "n:1,1,1", "n:3,3,3"), measure.ZeroVariance, measure.ZeroVariance},
		{"tiny offsets", DefaultOptions(), build(t, "t:.1,.3,.3", "t:.7,.9,.9", "n:.1,.1,.1", "n:.3,.3,.3"), measure.ZeroVariance, measure.ZeroVariance},
		{"overflow", DefaultOptions(), build(t, "t:1e308,1,5", "t:-1e308,6,6", "n:1,1e308,1", "n:3,3,-1e308"), measure.NotFinite, measure.NotFinite},
	}
	for _, c := range cases {
		two, err := TwoWay(c.p, c.o)
		if err != nil || two.Reason != c.twoWay {
			t.Errorf("%s: two-way %q, want %q (%v)", c.what, two.Reason, c.twoWay, err)
		}
		wild := WildOptions{Options: c.o, Draws: 1999, Weights: Webb}
		w, err := WildCluster(c.p, wild)
		if err != nil || (w.Reason != c.twoWay && (c.twoWay != "" || w.Reason != UnboundedInterval)) {
			t.Errorf("%s: wild %q, want %q (%v)", c.what, w.Reason, c.twoWay, err)
		}
		s, err := Staggered(c.p, StaggeredOptions{Options: c.o, Draws: 99})
		if err != nil || s.Reason != c.staggered {
			t.Errorf("%s: staggered %q, want %q (%v)", c.what, s.Reason, c.staggered, err)
		}
		whole(t, two, two.Result)
		whole(t, w, w.Result)
		whole(t, s, s.Result)
	}
}

// TestWarnings: holes, timing, small cohorts, cells nobody can be compared with.
func TestWarnings(t *testing.T) {
	p := build(t, "t:1,4,5", "t:2,4,4", "t:3,4,NA", "l:1,1,2", "l:2,3,1", "a:0,1,1", "a:4,5,4")
	two, _ := TwoWay(p, DefaultOptions())
	for _, w := range []measure.Warning{UnitsDropped, FewTreated, FewClusters, StaggeredTiming} {
		if !slices.Contains(two.Warnings, w) {
			t.Errorf("two-way warnings %v lack %s (%s)", two.Warnings, w, two.Reason)
		}
	}
	o := DefaultStaggered(1)
	o.Control = NotYetTreated
	s, _ := Staggered(p, o)
	for _, w := range []measure.Warning{UnitsDropped, CohortsDropped, CellsUncompared, FewTreated, SmallCohort} {
		if !slices.Contains(s.Warnings, w) {
			t.Errorf("staggered warnings %v lack %s (%s)", s.Warnings, w, s.Reason)
		}
	}
	if s.NTreatment != 4 || s.NControl != 0 {
		t.Errorf("n %d, %d", s.NTreatment, s.NControl)
	}
	anticipated := DefaultStaggered(1)
	anticipated.Anticipation = 1
	if s, _ = Staggered(build(t, "t:1,2,3", "t:2,3,3", "l:1,3,4", "l:1,2,6", "n:1,2,2", "n:1,1,2"), anticipated); s.NTreatment != 2 || s.Figure == nil {
		t.Errorf("with anticipation only the later cohort has a base period: %+v %s", s.Result, s.Reason)
	}
}

// TestUnitReasons: the gates of the estimators that take one row per unit.
func TestUnitReasons(t *testing.T) {
	perm := func(values []float64, treated int, level float64) measure.Reason {
		on := make([]bool, len(values))
		for i := range treated {
			on[i] = true
		}
		o := DefaultPermutation(1)
		o.Level = level
		r, err := Permutation(values, on, o)
		if err != nil {
			t.Fatal(err)
		}
		whole(t, r, r.Result)
		return r.Reason
	}
	ten := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 11}
	for i, c := range []struct{ got, want measure.Reason }{
		{perm(ten, 4, .95), ""}, {perm(ten, 4, 0), measure.NotFinite}, {perm(ten, 0, .95), NoTreatedUnit}, {perm(ten, 10, .95), NoControlUnit},
		{perm(ten[:2], 1, .95), TooFewUnits}, {perm([]float64{.1, .1, .1, .1}, 2, .95), measure.ZeroVariance}, {perm(ten[:6], 3, .95), UnboundedInterval},
		{perm([]float64{1e308, -1e308, 1e308, 3}, 2, .95), measure.NotFinite},
	} {
		if c.got != c.want {
			t.Errorf("permutation row %d: %q, want %q", i, c.got, c.want)
		}
	}
	two := func(pairs ...Pair) measure.Reason {
		r, err := TwoByTwo(pairs, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		whole(t, r, r.Result)
		return r.Reason
	}
	a, b, c, d := Pair{"a", true, 1, 3}, Pair{"b", true, 2, 3}, Pair{"c", false, 1, 1}, Pair{"d", false, 2, 3}
	for i, x := range []struct{ got, want measure.Reason }{
		{two(a, b, c, d), ""}, {two(c, d), NoTreatedUnit}, {two(a, b), NoControlUnit}, {two(a, c, d), TooFewUnits},
		{two(a, a, c, c), measure.ZeroVariance}, {two(a, b, c, Pair{"e", false, nan, 1}), TooFewUnits}, {two(), NoTreatedUnit},
	} {
		if x.got != x.want {
			t.Errorf("2x2 row %d: %q, want %q", i, x.got, x.want)
		}
	}
	if _, err := TwoByTwo([]Pair{{"a", true, math.Inf(1), 1}}, DefaultOptions()); err == nil || !strings.Contains(err.Error(), "pairs[0]") {
		t.Errorf("error %v", err)
	}
}

// TestCampaignReasons: the gates of the campaign regressions.
func TestCampaignReasons(t *testing.T) {
	row := func(h, c string, on bool, pre, post float64) CampaignRow { return CampaignRow{h, c, on, pre, post} }
	fine := []CampaignRow{row("a", "1", true, 1, 3), row("b", "1", false, 2, 2), row("c", "1", false, 2, 5), row("a", "2", false, 1, 2), row("b", "2", true, 4, 5), row("c", "2", false, 3, 3)}
	edit := func(change func(*CampaignRow)) []CampaignRow {
		out := slices.Clone(fine)
		for i := range out {
			change(&out[i])
		}
		return out
	}
	for i, c := range []struct {
		rows        []CampaignRow
		did, ancova measure.Reason
	}{
		{fine, "", ""}, {nil, NoTreatedUnit, NoTreatedUnit}, {fine[:2], TooFewClusters, TooFewClusters},
		{edit(func(r *CampaignRow) { r.Exposed = true }), NoControlUnit, NoControlUnit},
		{edit(func(r *CampaignRow) { r.Exposed = r.Campaign == "1" }), Collinear, Collinear},
		{edit(func(r *CampaignRow) { r.Pre = 7 }), "", Collinear},
		{edit(func(r *CampaignRow) { r.Post = r.Pre }), measure.ZeroVariance, measure.ZeroVariance},
		{edit(func(r *CampaignRow) { r.Pre, r.Post = r.Pre*1e308, -r.Post*1e307 }), "error", "error"},
		{fine[:3], "", TooFewUnits},
		{edit(func(r *CampaignRow) { r.Post *= 1e200 }), measure.NotFinite, measure.NotFinite},
		{append(slices.Clone(fine), fine[0]), "error", "error"},
	} {
		r, err := Campaigns(c.rows, DefaultOptions())
		if err != nil && c.did != "error" || err == nil && (r.Reason != c.did || r.ANCOVA.Reason != c.ancova) {
			t.Errorf("row %d: %q and %q (%v), want %q and %q", i, r.Reason, r.ANCOVA.Reason, err, c.did, c.ancova)
		}
		whole(t, r)
	}
}

// TestTooMuchWork: panels that would take minutes are errors, not minutes.
func TestTooMuchWork(t *testing.T) {
	wide := long(syntheticPanel(6, 6, 1, 0), 20_000)
	if _, err := Staggered(wide, DefaultStaggered(1)); err == nil || !strings.Contains(err.Error(), "39998 effects") {
		t.Errorf("error %v", err)
	}
	many := long(syntheticPanel(2000, 6, 1, 0), 60)
	o := DefaultStaggered(1)
	o.Draws = 99_999
	if _, err := Staggered(many, o); err == nil || !strings.Contains(err.Error(), "draws: 99999 x 118 effects x 2000") {
		t.Errorf("error %v", err)
	}
	if _, err := WildCluster(many, WildOptions{Draws: 99_999}); err == nil || !strings.Contains(err.Error(), "draws: 99999 draws x 2000 clusters") {
		t.Errorf("error %v", err)
	}
}

// long stretches a panel to many empty periods.
func long(p Panel, periods int) Panel {
	for i, s := range p.start {
		if s == len(p.periods) {
			p.start[i] = periods
		}
	}
	p.periods, p.y = identity(periods), make([]float64, len(p.units)*periods)
	return p
}

// TestOptionErrors: options out of range are errors that name the field.
func TestOptionErrors(t *testing.T) {
	p := build(t, "t:1,4,5", "t:2,4,4", "n:1,1,2", "n:2,3,1")
	for want, err := range map[string]error{
		"draws":        second(WildCluster(p, WildOptions{Draws: 3})),
		"weights":      second(WildCluster(p, WildOptions{Draws: 99, Weights: 9})),
		"control":      second(Staggered(p, StaggeredOptions{Control: 9})),
		"anticipation": second(Staggered(p, StaggeredOptions{Anticipation: -1})),
		"draws: 5":     second(Staggered(p, StaggeredOptions{Draws: 5})),
		"treated: 1":   second(Permutation([]float64{1, 2}, []bool{true}, DefaultPermutation(1))),
		"values[1]":    second(Permutation([]float64{1, nan}, []bool{true, false}, DefaultPermutation(1))),
		"max_exact":    second(Permutation(nil, nil, PermutationOptions{MaxExact: -1})),
		"draws: 0":     second(Permutation(nil, nil, PermutationOptions{})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
