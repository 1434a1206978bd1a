package measure

import (
	"math"
	"slices"
	"testing"
)

// joints returns two healthy arms with a denominator and a covariate.
func joints() (t, c Joint) {
	c = Joint{N: 500, Y: 10, D: 2, X: 8, YY: 38, DD: 1.5, XX: 30, YD: 3, XY: 20, XD: 2}
	t = Joint{N: 600, Y: 11, D: 2, X: 8.1, YY: 40, DD: 1.5, XX: 31, YD: 3, XY: 21, XD: 2}
	return t, c
}

// TestJointGates: goal, the typed reason of each thing that forbids a ratio, an adjusted or a difference-in-differences figure.
func TestJointGates(t *testing.T) {
	edit := func(f func(t, c *Joint)) [2]Joint {
		a, b := joints()
		f(&a, &b)
		return [2]Joint{a, b}
	}
	failed := DefaultOptions(Relative)
	failed.Split = SampleRatio(5000, 5000, 0.1)
	good := DefaultOptions(Relative)
	cases := []struct {
		name              string
		arms              [2]Joint
		o                 Options
		ratio, cuped, did Reason
	}{
		{"figure", edit(func(t, c *Joint) {}), good, "", "", ""},
		{"all in one arm", edit(func(t, c *Joint) { *c = Joint{} }), good, EmptyArm, EmptyArm, EmptyArm},
		{"split", edit(func(t, c *Joint) {}), failed, SRMFailed, SRMFailed, SRMFailed},
		{"few", edit(func(t, c *Joint) { t.N = 99 }), good, TooFewMembers, TooFewMembers, TooFewMembers},
		{"nan", edit(func(t, c *Joint) { t.XY = math.NaN() }), good, NotFinite, NotFinite, NotFinite},
		{"negative n", edit(func(t, c *Joint) { t.N = -1 }), good, NotFinite, NotFinite, NotFinite},
		{"negative variance", edit(func(t, c *Joint) { c.YY = -1 }), good, Cancellation, Cancellation, Cancellation},
		{"impossible covariance", edit(func(t, c *Joint) { t.XY = 40 }), good, Cancellation, Cancellation, Cancellation},
		{"no receipts", edit(func(t, c *Joint) { c.D, c.DD, c.YD, c.XD = 0, 0, 0, 0 }), good, ZeroDivisor, "", ""},
		{"no control spend", edit(func(t, c *Joint) { c.Y, c.YY, c.YD, c.XY = 0, 0, 0, 0 }), good, ZeroControl, ZeroControl, ""},
		{"no spread", edit(func(t, c *Joint) { t.YY, t.YD, t.XY, c.YY, c.YD, c.XY = 0, 0, 0, 0, 0, 0 }), good, "", ZeroVariance, ""},
		{"no spread in the change", edit(func(t, c *Joint) { t.XX, t.XY, c.XX, c.XY = t.YY, t.YY, c.YY, c.YY; t.XD, c.XD = t.YD, c.YD }), good, "", "", ZeroVariance},
	}
	for _, k := range cases {
		treated, control := k.arms[0], k.arms[1]
		for _, got := range []struct {
			r    Result
			want Reason
		}{
			{RatioWelch(treated, control, k.o), k.ratio}, {AlwaysValidRatio(treated, control, k.o), k.ratio},
			{CUPED(treated, control, k.o).Result, k.cuped}, {AlwaysValidCUPED(treated, control, k.o).Result, k.cuped},
			{MemberDiD(treated, control, k.o).Result, k.did},
		} {
			if got.r.Reason != got.want || (got.r.Figure == nil) != (got.want != "") {
				t.Errorf("%s (%s): %q, want %q", k.name, got.r.Method, got.r.Reason, got.want)
			}
			if got.r.NTreatment != treated.N || got.r.NControl != control.N || got.r.Level != 0.95 || got.r.Method == "" {
				t.Errorf("%s: %+v does not say what it is of", k.name, got.r)
			}
		}
	}
}

// TestUselessCovariate: a covariate that cannot help leaves the raw figure and says so; one that only tells the arms apart must not eat the
// effect.
func TestUselessCovariate(t *testing.T) {
	treated, control := joints()
	useless := func(xt, xc float64) (Joint, Joint) {
		a, b := treated, control
		a.X, a.XX, a.XY, a.XD = xt, 0, 0, 0
		b.X, b.XX, b.XY, b.XD = xc, 0, 0, 0
		return a, b
	}
	o := DefaultOptions(Relative)
	raw := AlwaysValid(treated.Arm(), control.Arm(), o)
	for name, x := range map[string][2]float64{"constant": {3, 3}, "constant up to rounding": {3, 3 * (1 + 1e-16)}, "one value per arm": {5, 3}, "zero": {0, 0}} {
		a, b := useless(x[0], x[1])
		got := AlwaysValidCUPED(a, b, o)
		if got.Fallback != ConstantX || !slices.Contains(got.Warnings, Unadjusted) || got.Figure == nil || *got.Figure != *raw.Figure || got.Theta != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if m := MemberDiD(a, b, o); m.ANCOVA != nil || m.ANCOVAReason != ConstantX || m.Figure == nil {
			t.Errorf("%s: ancova %+v %q", name, m.ANCOVA, m.ANCOVAReason)
		}
	}
	theta := 0.5
	o.Theta = &theta
	if got := CUPED(treated, control, o); got.Theta != 0.5 || got.Fallback != "" || !(got.VarianceReduction > 0) {
		t.Errorf("fixed theta: %+v", got)
	}
	o.Design = Observational
	if got := CUPED(treated, control, o); !slices.Contains(got.Warnings, NotRandomised) {
		t.Error("adjusting groups that somebody chose is not warned of")
	}
	theta = math.NaN()
	if got := CUPED(treated, control, o); got.Reason != NotFinite {
		t.Errorf("theta NaN: %q", got.Reason)
	}
}

// TestRatioOfOnesIsTheMean: with a denominator of one per member, ratio and mean are the same figure, adjusted or not.
func TestRatioOfOnesIsTheMean(t *testing.T) {
	a, b := joints()
	a.D, a.DD, a.YD, a.XD = 1, 0, 0, 0
	b.D, b.DD, b.YD, b.XD = 1, 0, 0, 0
	for _, s := range []Scale{Absolute, Relative} {
		o := DefaultOptions(s)
		if x, y := RatioWelch(a, b, o), Welch(a.Arm(), b.Arm(), o); *x.Figure != *y.Figure {
			t.Errorf("%+v, want %+v", *x.Figure, *y.Figure)
		}
		x, y := CUPEDRatio(a, b, o), CUPED(a, b, o)
		if !close(x.Figure.Estimate, y.Figure.Estimate) || !close(x.Figure.StdErr, y.Figure.StdErr) || !close(x.Theta, y.Theta) {
			t.Errorf("%+v, want %+v", *x.Figure, *y.Figure)
		}
	}
}

// TestFiellerGate: an unknown control mean has no bounded interval; a known one has one around the estimate that agrees with its p.
func TestFiellerGate(t *testing.T) {
	o := DefaultOptions(Relative)
	treated := Arm{N: 400, Mean: 2, Var: 100}
	if r := Fieller(treated, Arm{N: 400, Mean: 0.9, Var: 100}, o); r.Reason != Unbounded {
		t.Errorf("g above 1: %q", r.Reason)
	}
	for _, mean := range []float64{1.1, 1.5, 1.9, 3} {
		f := Fieller(treated, Arm{N: 400, Mean: mean, Var: 100}, o).Figure
		if excludes := f.Low > 0 || f.High < 0; excludes != (f.P < 0.05) || f.Low > f.Estimate || f.High < f.Estimate {
			t.Errorf("control %v: %+v", mean, *f)
		}
	}
	if r := Newcombe(3, 2, 1, 2, o); r.Reason != NotFinite {
		t.Errorf("3 of 2: %q", r.Reason)
	}
	if r := Newcombe(0, 0, 1, 2, o); r.Reason != EmptyArm {
		t.Errorf("nobody: %q", r.Reason)
	}
	if r := Newcombe(0, 500, 0, 500, o); r.Figure == nil || r.Figure.P != 1 || !(r.Figure.High > 0) {
		t.Errorf("no successes: %+v", r)
	}
}

// TestMultipleGates: what is no p or no plan is named.
func TestMultipleGates(t *testing.T) {
	for _, p := range [][]float64{{0.1, math.NaN()}, {-0.1}, {1.1}} {
		if _, err := BenjaminiHochberg(p, 0.1); err == nil {
			t.Errorf("%v is not refused", p)
		}
	}
	for _, q := range []float64{0, 1, math.NaN()} {
		if _, err := BenjaminiHochberg([]float64{0.1}, q); err == nil {
			t.Errorf("q %v is not refused", q)
		}
	}
	for _, k := range []struct {
		counts  []int64
		planned []float64
		c       float64
	}{{[]int64{1}, []float64{1}, 1}, {[]int64{1, -1}, []float64{.5, .5}, 1}, {[]int64{1, 1}, []float64{.5, .4}, 1}, {[]int64{1, 1}, []float64{.5, math.NaN()}, 1}, {[]int64{1, 1}, []float64{.5, .5}, 0}, {[]int64{1, 1}, []float64{.5, .5}, math.NaN()}} {
		if _, err := SequentialMultinomial(k.counts, k.planned, k.c); err == nil {
			t.Errorf("%+v is not refused", k)
		}
	}
	p := DefaultPlan(10, 40)
	for name, k := range map[string]struct {
		got  Planned
		want Reason
	}{
		"no effect": {SampleSize(p, 0), Unreachable}, "tiny": {SampleSize(p, 1e-300), Unreachable}, "wrong side": {SampleSize(Plan{10, 40, .1, .95, .8, Less, 0, false}, 0.1), Unreachable},
		"one member": {Power(p, 1, 0.1), TooFewMembers}, "no mean": {MinDetectable(DefaultPlan(0, 1), 1000), ZeroControl}, "no spread": {MinDetectable(DefaultPlan(1, 0), 1000), ZeroVariance},
		"nan": {Power(p, 1000, math.NaN()), NotFinite}, "fine": {Power(p, 1000, 0.1), ""},
	} {
		if k.got.Reason != k.want {
			t.Errorf("%s: %q, want %q", name, k.got.Reason, k.want)
		}
	}
}

// TestJointAlgebra: other units change no relative figure, nobody adds nothing, and what is broken stays broken.
func TestJointAlgebra(t *testing.T) {
	a, b := joints()
	o := DefaultOptions(Relative)
	euros := func(j Joint) Joint { return j.Scaled(0.01, 1, 0.01) }
	x, y := CUPEDRatio(a, b, o), CUPEDRatio(euros(a), euros(b), o)
	if !close(x.Figure.Estimate, y.Figure.Estimate) || !close(x.Figure.Low, y.Figure.Low) || !close(x.Theta, y.Theta) {
		t.Errorf("%+v in euros is %+v", *x.Figure, *y.Figure)
	}
	if a.Plus(Joint{}) != a || (Joint{}).Plus(a) != a {
		t.Error("nobody adds something")
	}
	broken := Joint{N: 5, Broken: Overflow}
	if a.Plus(broken) != broken || broken.Plus(a) != broken {
		t.Error("a broken group mends")
	}
	p := DefaultPlan(10, 144)
	p.Sequential, p.Tail = true, Greater
	one := SampleSize(p, 0.03)
	p.Tail = TwoSided
	if two := SampleSize(p, 0.03); one.Members >= two.Members || Power(p, two.Members, -0.03).Power != Power(p, two.Members, 0.03).Power {
		t.Errorf("one-sided %d, two-sided %d members", one.Members, two.Members)
	}
	p.Tail = Less
	if got := MinDetectable(p, 100_000).Effect; !(got < 0) || Power(p, 100_000, got).Power < 0.7999 {
		t.Errorf("smallest effect downwards %v", got)
	}
}
