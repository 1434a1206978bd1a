package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func arms(nt, nc int64) (Arm, Arm) {
	return Arm{N: nt, Mean: 11, Var: 40}, Arm{N: nc, Mean: 10, Var: 38}
}

// TestReasons: goal, each typed reason instead of a figure, and their precedence; method, one table row per reason.
func TestReasons(t *testing.T) {
	good := DefaultOptions(Relative)
	failed := good
	failed.Split = SampleRatio(5000, 5000, 0.1)
	badLevel := good
	badLevel.Level = 1
	t1, c1 := arms(500, 500)
	few, _ := arms(99, 500)
	cases := []struct {
		name string
		t, c Arm
		o    Options
		want Reason
	}{
		{"figure", t1, c1, good, ""},
		{"nan", Arm{N: 500, Mean: math.NaN(), Var: 1}, c1, good, NotFinite},
		{"negative variance", Arm{N: 500, Mean: 1, Var: -1}, c1, good, NotFinite},
		{"level", t1, c1, badLevel, NotFinite},
		{"empty", t1, Arm{}, good, EmptyArm},
		{"empty before srm", t1, Arm{}, failed, EmptyArm},
		{"srm", t1, c1, failed, SRMFailed},
		{"srm before few", few, c1, failed, SRMFailed},
		{"few", few, c1, good, TooFewMembers},
		{"no spread", Arm{N: 500, Mean: 1}, Arm{N: 500, Mean: 1}, good, ZeroVariance},
		{"no control spend", t1, Arm{N: 500, Mean: 0, Var: 3}, good, ZeroControl},
	}
	for _, tc := range cases {
		for _, run := range []func(t, c Arm, o Options) Result{Welch, AlwaysValid} {
			r := run(tc.t, tc.c, tc.o)
			if r.Reason != tc.want || (r.Figure == nil) != (tc.want != "") {
				t.Errorf("%s (%s): reason %q figure %v, want %q", tc.name, r.Method, r.Reason, r.Figure, tc.want)
			}
			if r.NTreatment != tc.t.N || r.NControl != tc.c.N {
				t.Errorf("%s: n %d and %d are not the arms'", tc.name, r.NTreatment, r.NControl)
			}
		}
	}
}

// TestSampleRatio: the states, with chi-square figures taken by hand: 1000 members, 10 % planned, 130 held out: 900/100 + 900/900 = 10.
func TestSampleRatio(t *testing.T) {
	cases := []struct {
		nt, nc int64
		share  float64
		want   SplitState
	}{
		{900, 100, 0.1, SplitOK}, {870, 130, 0.1, SplitSuspect}, {850, 150, 0.1, SplitFailed},
		{30, 2, 0.1, SplitTooFew}, {900, 0, 0, SplitNone}, {900, 0, 1, SplitNone}, {0, 0, 0.1, SplitTooFew}, {900, 100, math.NaN(), SplitNone},
	}
	for _, tc := range cases {
		if got := SampleRatio(tc.nt, tc.nc, tc.share); got.State != tc.want {
			t.Errorf("%d/%d at %v: %q (p %v), want %q", tc.nt, tc.nc, tc.share, got.State, got.P, tc.want)
		}
	}
	s := SampleRatio(870, 130, 0.1)
	if math.Abs(s.ChiSquare-10) > 1e-9 || math.Abs(s.P-0.0015654) > 1e-6 {
		t.Errorf("chi-square %v p %v, want 10 and 0.0015654", s.ChiSquare, s.P)
	}
	if w := AlwaysValid(Arm{N: 870, Mean: 1, Var: 1}, Arm{N: 130, Mean: 1, Var: 1}, Options{Level: .95, PlanMembers: 1000, Split: s}); !slices.Contains(w.Warnings, SRMSuspect) {
		t.Error("a suspect split does not warn")
	}
}

func drawArm(t *rapid.T, name string) Arm {
	return Arm{
		N:    rapid.Int64Range(100, 1_000_000).Draw(t, name+" n"),
		Mean: rapid.Float64Range(0.01, 1e6).Draw(t, name+" mean"),
		Var:  rapid.Float64Range(0.01, 1e9).Draw(t, name+" var"),
	}
}

// TestAlwaysValidProperties: the interval holds the estimate and the fixed-horizon interval, agrees with its p, and knows no unit.
func TestAlwaysValidProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawArm(t, "treatment"), drawArm(t, "control")
		o := DefaultOptions(Scale(rapid.IntRange(0, 1).Draw(t, "scale")))
		o.PlanMembers = rapid.Int64Range(100, 10_000_000).Draw(t, "plan")
		r, w := AlwaysValid(a, b, o), Welch(a, b, o)
		f, g := r.Figure, w.Figure
		if f == nil || g == nil {
			t.Fatalf("no figure: %q %q", r.Reason, w.Reason)
		}
		if f.Low > g.Low || f.High < g.High {
			t.Fatalf("always valid [%v, %v] is narrower than fixed [%v, %v]", f.Low, f.High, g.Low, g.High)
		}
		excludes := f.Low > 0 || f.High < 0
		if edge := min(math.Abs(f.Low), math.Abs(f.High)) < 1e-9*f.StdErr; !edge && excludes != (f.P < 1-o.Level) {
			t.Fatalf("p %v and interval [%v, %v] disagree", f.P, f.Low, f.High)
		}
		if o.Scale == Absolute {
			s := AlwaysValid(b, a, o).Figure
			if s.Estimate != -f.Estimate || !close(s.Low, -f.High) {
				t.Fatalf("swapped arms are not mirrored: %v and %v", *f, *s)
			}
			return
		}
		c := rapid.Float64Range(0.01, 100).Draw(t, "unit")
		s := AlwaysValid(Arm{N: a.N, Mean: a.Mean * c, Var: a.Var * c * c}, Arm{N: b.N, Mean: b.Mean * c, Var: b.Var * c * c}, o).Figure
		if !close(s.Low, f.Low) || !close(s.High, f.High) {
			t.Fatalf("the relative interval depends on the unit: %v and %v", *f, *s)
		}
	})
}

func close(a, b float64) bool { return math.Abs(a-b) <= 1e-6*(1+math.Abs(a)+math.Abs(b)) }

// TestNeverNaN: whatever comes in, out comes a finite figure or a reason, never both and never neither.
func TestNeverNaN(t *testing.T) {
	odd := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64}))
	count := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 300))
	rapid.Check(t, func(t *rapid.T) {
		a := Moments{count.Draw(t, "n"), odd.Draw(t, "sum"), odd.Draw(t, "sq")}.Arm()
		b := Moments{count.Draw(t, "n"), odd.Draw(t, "sum"), odd.Draw(t, "sq")}.Arm()
		o := Options{
			Scale: Scale(rapid.IntRange(0, 1).Draw(t, "scale")), Level: odd.Draw(t, "level"), PlanMembers: count.Draw(t, "plan"),
			Split: SampleRatio(count.Draw(t, "nt"), count.Draw(t, "nc"), odd.Draw(t, "share")),
		}
		if !Finite(o.Split.P, o.Split.ChiSquare, o.Split.Observed, o.Split.Planned) {
			t.Fatalf("split %+v", o.Split)
		}
		stores := make([]StoreTraffic, rapid.IntRange(0, 9).Draw(t, "stores"))
		for i := range stores {
			stores[i] = StoreTraffic{Treated: rapid.Bool().Draw(t, "treated"), Before: odd.Draw(t, "before"), During: odd.Draw(t, "during")}
		}
		all := []Result{Welch(a, b, o), AlwaysValid(a, b, o), Wilson(count.Draw(t, "k"), count.Draw(t, "of"), o.Level), StoreUplift(stores, o.Level)}
		o.Level = 0.95
		all = append(all, Welch(a, b, o), AlwaysValid(a, b, o), StoreUplift(stores, 0.95))
		for _, r := range all {
			if (r.Figure == nil) == (r.Reason == "") {
				t.Fatalf("%s: figure %v with reason %q", r.Method, r.Figure, r.Reason)
			}
			if f := r.Figure; f != nil && (!Finite(f.Estimate, f.Low, f.High, f.StdErr, f.P, f.DF, f.MinDetectable) || f.Low > f.Estimate || f.High < f.Estimate || f.P < 0 || f.P > 1) {
				t.Fatalf("%s: %+v", r.Method, *f)
			}
		}
	})
}

// TestWilsonProperties: inside [0, 1], around the share, mirrored, and narrower with more data.
func TestWilsonProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1_000_000).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		f, m := Wilson(k, n, 0.95).Figure, Wilson(n-k, n, 0.95).Figure
		if f.Low < 0 || f.High > 1 || f.Low > f.Estimate || f.High < f.Estimate || f.Low == f.High {
			t.Fatalf("%d of %d: %+v", k, n, *f)
		}
		if !close(f.Low, 1-m.High) || !close(f.High, 1-m.Low) {
			t.Fatalf("%d of %d is not mirrored: %+v %+v", k, n, *f, *m)
		}
		if ten := Wilson(10*k, 10*n, 0.95).Figure; ten.High-ten.Low >= f.High-f.Low {
			t.Fatalf("ten times the data is not narrower at %d of %d", k, n)
		}
	})
}

// TestMomentsAdd: moments of two groups together are those of all their members.
func TestMomentsAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e4, 1e4), 2, 60).Draw(t, "xs")
		cut := rapid.IntRange(0, len(xs)).Draw(t, "cut")
		var all, left, right Moments
		for i, x := range xs {
			all.Add(x)
			if i < cut {
				left.Add(x)
			} else {
				right.Add(x)
			}
		}
		a, b := all.Arm(), left.Plus(right).Arm()
		if a.N != b.N || !close(a.Mean, b.Mean) || math.Abs(a.Var-b.Var) > 1e-6*(1+all.SumSq) {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}

// TestWatchingAA: goal, that looking every hour at an experiment without effect rarely cries wolf with the always-valid interval and often
// does with a fixed one. Method: seeded skewed baskets, 300 experiments of 60 looks.
func TestWatchingAA(t *testing.T) {
	const experiments, looks, perLook = 300, 60, 40
	rng := rand.New(rand.NewPCG(1, 2))
	o := DefaultOptions(Relative)
	o.PlanMembers = 2 * looks * perLook
	var fixed, always int
	for range experiments {
		var a, b Moments
		sawFixed, sawAlways := false, false
		for range looks {
			for range perLook {
				a.Add(math.Exp(rng.NormFloat64()))
				b.Add(math.Exp(rng.NormFloat64()))
			}
			sawFixed = sawFixed || significant(Welch(a.Arm(), b.Arm(), o))
			sawAlways = sawAlways || significant(AlwaysValid(a.Arm(), b.Arm(), o))
		}
		fixed += tally(sawFixed)
		always += tally(sawAlways)
	}
	t.Logf("ever significant without effect: fixed horizon %.1f %%, always valid %.1f %%", 100*float64(fixed)/experiments, 100*float64(always)/experiments)
	if always > experiments*5/100 {
		t.Errorf("the always-valid interval was wrong in %d of %d experiments", always, experiments)
	}
	if fixed < experiments*15/100 {
		t.Errorf("the fixed interval was wrong in only %d of %d: the simulation does not show the danger", fixed, experiments)
	}
}

func significant(r Result) bool { return r.Figure != nil && (r.Figure.Low > 0 || r.Figure.High < 0) }

func tally(b bool) int {
	if b {
		return 1
	}
	return 0
}
