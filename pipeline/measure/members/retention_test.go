package members

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// TestRetentionRate: the reasons and the ends.
func TestRetentionRate(t *testing.T) {
	cases := []struct {
		start, end, joined int64
		want               measure.Reason
	}{
		{200, 250, 70, ""}, {200, 0, 0, ""}, {200, 200, 0, ""}, {0, 0, 0, measure.EmptyArm}, {0, 5, 5, measure.EmptyArm},
		{200, 50, 70, measure.NotFinite}, {200, 300, 70, measure.NotFinite}, {-1, 0, 0, measure.NotFinite}, {1, -1, -2, measure.NotFinite},
		{math.MaxInt64, math.MaxInt64, 0, ""}, {1, math.MinInt64, math.MaxInt64, measure.NotFinite},
	}
	for _, c := range cases {
		if r := RetentionRate(c.start, c.end, c.joined, 0.95); r.Reason != c.want || (r.Figure == nil) != (c.want != "") {
			t.Errorf("%+v: reason %q, figure %v", c, r.Reason, r.Figure)
		}
	}
	if r := RetentionRate(200, 250, 70, 1); r.Reason != measure.NotFinite {
		t.Errorf("a level of 1: %q", r.Reason)
	}
}

// TestRepeatRateCensoring: goal, that members observed too briefly do not move the rate; method, members who come back after an exponential time,
// half of them observed for less than the window. Counting the early returners among those would give more.
func TestRepeatRateCensoring(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const window, mean = 30.0, 40.0
	var rows []FirstReward
	for i := range 4000 {
		row := FirstReward{Observed: 30 + 60*rng.Float64()}
		if i%2 == 0 {
			row.Observed = 30 * rng.Float64()
		}
		if next := mean * rng.ExpFloat64(); next <= row.Observed {
			row.Next = &next
		}
		rows = append(rows, row)
	}
	r, err := RepeatRate(rows, window, 0.99)
	if err != nil {
		t.Fatal(err)
	}
	truth := 1 - math.Exp(-window/mean)
	if r.Figure.Low > truth || r.Figure.High < truth {
		t.Errorf("[%v, %v] does not hold %v", r.Figure.Low, r.Figure.High, truth)
	}
	if r.Of+r.Immature != 4000 || r.Immature < 1900 || !slices.Contains(r.Warnings, Censored) {
		t.Errorf("%d counted, %d immature, warnings %v", r.Of, r.Immature, r.Warnings)
	}
	two := 2.0
	for field, bad := range map[string]FirstReward{"rows[0].observed": {Observed: math.NaN()}, "rows[0].next": {Observed: 1, Next: &two}} {
		if _, err := RepeatRate([]FirstReward{bad}, 1, 0.95); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func drawMembers(t *rapid.T) []MemberActivity {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) MemberActivity {
		m := MemberActivity{Joined: rapid.IntRange(-3, 9).Draw(t, "joined")}
		for _, age := range rapid.SliceOfN(rapid.IntRange(0, 9), 0, 8).Draw(t, "ages") {
			m.Active = append(m.Active, m.Joined+age)
		}
		return m
	}), 1, 40).Draw(t, "members")
}

// TestCohortProperties: goal, censoring; a table that ends earlier is the later one with cells taken away, the order of members does not matter,
// and nothing that lies beyond the end shows.
func TestCohortProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawMembers(t)
		o := CohortOptions{Through: rapid.IntRange(0, 12).Draw(t, "through"), Level: 0.95}
		late, err := Cohorts(rows, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Through--
		early, err := Cohorts(rapid.Permutation(rows).Draw(t, "order"), o)
		if err != nil {
			t.Fatal(err)
		}
		byJoined := map[int]Cohort{}
		var members int64
		for _, c := range late.Cohorts {
			byJoined[c.Joined] = c
			members += c.Size
			if len(c.Cells) != o.Through+1-c.Joined+1 {
				t.Fatalf("cohort %d through %d has %d cells", c.Joined, o.Through+1, len(c.Cells))
			}
		}
		if members+late.Late != int64(len(rows)) {
			t.Fatalf("%d in the table and %d late of %d", members, late.Late, len(rows))
		}
		for _, c := range early.Cohorts {
			if full := byJoined[c.Joined]; !slices.Equal(c.Cells, full.Cells[:len(full.Cells)-1]) {
				t.Fatalf("cohort %d: %v is not the start of %v", c.Joined, c.Cells, full.Cells)
			}
		}
	})
}

// TestCohortReasons: refusals and errors.
func TestCohortReasons(t *testing.T) {
	rows := []MemberActivity{{Joined: 1, Active: []int{1, 2, 2, 9}}, {Joined: 2, Active: []int{4}}, {Joined: 7}}
	for want, o := range map[measure.Reason]CohortOptions{
		"": {Through: 4, Age: 2, Level: 0.95}, NotObserved: {Through: 4, Age: 4, Level: 0.95}, measure.EmptyArm: {Through: 0, Level: 0.95},
	} {
		if r, err := Cohorts(rows, o); err != nil || r.Reason != want {
			t.Errorf("%+v: %q, %v", o, r.Reason, err)
		}
	}
	bad := map[string]MemberActivity{"rows[0].active": {Joined: 3, Active: []int{2}}, "rows[0].joined": {Joined: -5000}}
	for field, row := range bad {
		if _, err := Cohorts([]MemberActivity{row}, CohortOptions{Through: 4, Level: 0.95}); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if r, err := Cohorts([]MemberActivity{{Joined: math.MaxInt, Active: []int{math.MaxInt}}}, CohortOptions{Through: math.MaxInt, Level: 0.95}); err != nil || r.Figure.Estimate != 1 {
		t.Errorf("the last period there is: %v", err)
	}
	if _, err := Cohorts([]MemberActivity{{Joined: math.MinInt}}, CohortOptions{Through: math.MaxInt, Level: 0.95}); err == nil {
		t.Error("all periods there are: no error")
	}
}

// TestKaplanMeierProperties: without censoring the curve is the plain share of survivors; the unit of time does not matter; the interval holds
// the estimate; survival never rises.
func TestKaplanMeierProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t, "n")
		scale := rapid.Float64Range(0.01, 100).Draw(t, "scale")
		all := rapid.Bool().Draw(t, "all lapse")
		rows, scaled := make([]Lifetime, n), make([]Lifetime, n)
		for i := range rows {
			rows[i] = Lifetime{float64(rapid.IntRange(0, 12).Draw(t, "duration")), all || rapid.Bool().Draw(t, "lapsed")}
			scaled[i] = Lifetime{rows[i].Duration * scale, rows[i].Lapsed}
		}
		a, err := KaplanMeier(rows, SurvivalOptions{At: 5, Level: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		b, err := KaplanMeier(scaled, SurvivalOptions{At: 5 * scale, Level: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		if a.Lapsed+a.Censored != int64(n) || len(a.Steps) != len(b.Steps) || a.Reason != b.Reason {
			t.Fatalf("%+v and %+v", a, b)
		}
		last := 1.0
		for i, s := range a.Steps {
			if s.Survival > last || s.Low > s.Survival || s.High < s.Survival || s.Low < 0 || s.High > 1 || s.Survival != b.Steps[i].Survival {
				t.Fatalf("step %+v after %v", s, last)
			}
			last = s.Survival
			beyond := 0
			for _, r := range rows {
				if r.Duration > s.Time {
					beyond++
				}
			}
			if all && math.Abs(s.Survival-float64(beyond)/float64(n)) > 1e-12 {
				t.Fatalf("step %+v, want %d of %d", s, beyond, n)
			}
		}
	})
}

// TestKaplanMeierReasons: what the curve does not say.
func TestKaplanMeierReasons(t *testing.T) {
	rows := []Lifetime{{10, true}, {20, false}, {30, true}}
	for at, want := range map[float64]measure.Reason{5: NoEvents, 10: "", 30: "", 31: NotObserved} {
		if s, err := KaplanMeier(rows, SurvivalOptions{At: at, Level: 0.95}); err != nil || s.Reason != want {
			t.Errorf("at %v: %q %v", at, s.Reason, err)
		}
	}
	if s, err := KaplanMeier(nil, SurvivalOptions{Level: 0.95}); err != nil || s.Reason != measure.EmptyArm {
		t.Errorf("nobody: %q %v", s.Reason, err)
	}
	if _, err := KaplanMeier([]Lifetime{{Duration: math.Inf(1)}}, SurvivalOptions{Level: 0.95}); err == nil || !strings.HasPrefix(err.Error(), "rows[0].duration") {
		t.Errorf("infinite: %v", err)
	}
}

// TestTimeToLapse: the first gap counts, dated when it is over.
func TestTimeToLapse(t *testing.T) {
	cases := []struct {
		receipts []float64
		through  float64
		want     Lifetime
	}{
		{nil, 20, Lifetime{20, false}}, {nil, 30, Lifetime{30, true}}, {nil, 90, Lifetime{30, true}},
		{[]float64{10, 35, 60}, 90, Lifetime{90, true}}, {[]float64{10, 35, 60}, 89, Lifetime{89, false}},
		{[]float64{60, 10}, 50, Lifetime{40, true}}, {[]float64{10, 95}, 200, Lifetime{40, true}}, {[]float64{30, 60}, 70, Lifetime{70, false}},
	}
	for _, c := range cases {
		if got, err := TimeToLapse(c.receipts, 30, c.through); err != nil || got != c.want {
			t.Errorf("%v through %v: %+v %v, want %+v", c.receipts, c.through, got, err, c.want)
		}
	}
	if _, err := TimeToLapse([]float64{1, math.Inf(1)}, 30, 90); err == nil {
		t.Error("an infinite time is no error")
	}
}
