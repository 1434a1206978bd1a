package measure

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// oracle reads a fixture that another library made; the script of the same name says which.
func oracle(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "oracles", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// wanted is one expected figure; what the library does not give is absent.
type wanted struct {
	Estimate, SE, Low, High, P, DF *float64
}

// agrees compares relatively: to 1e-9, and 1e-11 absolutely where a figure passes through zero.
func agrees(t *testing.T, what string, got float64, want *float64) {
	t.Helper()
	if want != nil && math.Abs(got-*want) > 1e-11+1e-9*math.Abs(*want) {
		t.Errorf("%s = %.15g, want %.15g", what, got, *want)
	}
}

func sameFigure(t *testing.T, name string, f *Figure, why Reason, w wanted) {
	t.Helper()
	if f == nil {
		t.Errorf("%s: no figure: %s", name, why)
		return
	}
	agrees(t, name+" estimate", f.Estimate, w.Estimate)
	agrees(t, name+" se", f.StdErr, w.SE)
	agrees(t, name+" low", f.Low, w.Low)
	agrees(t, name+" p", f.P, w.P)
	agrees(t, name+" df", f.DF, w.DF)
	if f.Tail == TwoSided {
		agrees(t, name+" high", f.High, w.High)
	}
}

type twoArmCase struct {
	Treatment, Control Sums
	Theta, Slope       float64
	ThetaRatio         float64 `json:"theta_ratio"`
	Want               map[string]wanted
	t, c               Joint
	absolute, relative Options
}

// estimators maps the fixture's names to the functions under test; each is run from exact sums.
func (k twoArmCase) estimators() map[string]func() Result {
	at, ac := k.Treatment.Arm(), k.Control.Arm()
	abs, rel := k.absolute, k.relative
	return map[string]func() Result{
		"welch_absolute":        func() Result { return Welch(at, ac, abs) },
		"welch_relative":        func() Result { return Welch(at, ac, rel) },
		"greater_absolute":      func() Result { return WelchOneSided(at, ac, Greater, abs) },
		"greater_relative":      func() Result { return WelchOneSided(at, ac, Greater, rel) },
		"less_absolute":         func() Result { return WelchOneSided(at, ac, Less, abs) },
		"ratio_absolute":        func() Result { return RatioWelch(k.t, k.c, abs) },
		"ratio_relative":        func() Result { return RatioWelch(k.t, k.c, rel) },
		"cuped_absolute":        func() Result { return CUPED(k.t, k.c, abs).Result },
		"cuped_relative":        func() Result { return CUPED(k.t, k.c, rel).Result },
		"cuped_ratio_absolute":  func() Result { return CUPEDRatio(k.t, k.c, abs).Result },
		"cuped_ratio_relative":  func() Result { return CUPEDRatio(k.t, k.c, rel).Result },
		"always_absolute":       func() Result { return AlwaysValid(at, ac, abs) },
		"always_relative":       func() Result { return AlwaysValid(at, ac, rel) },
		"always_ratio_relative": func() Result { return AlwaysValidRatio(k.t, k.c, rel) },
		"always_cuped_absolute": func() Result { return AlwaysValidCUPED(k.t, k.c, abs).Result },
		"fieller":               func() Result { return Fieller(at, ac, rel) },
		"did":                   func() Result { return MemberDiD(k.t, k.c, abs).Result },
	}
}

// TestTwoArmOracles: goal, every two-arm estimator against another library; method, ten random pairs of arms whose raw values that library
// saw and whose exact sums this one sees; all figures agree to nine digits.
func TestTwoArmOracles(t *testing.T) {
	var fixture struct {
		NStar int64 `json:"n_star"`
		Cases []twoArmCase
	}
	oracle(t, "two_arms", &fixture)
	if len(fixture.Cases) < 10 {
		t.Fatalf("%d cases", len(fixture.Cases))
	}
	for _, k := range fixture.Cases {
		k.t, k.c = k.Treatment.Joint(), k.Control.Joint()
		k.absolute, k.relative = DefaultOptions(Absolute), DefaultOptions(Relative)
		k.absolute.PlanMembers, k.relative.PlanMembers = fixture.NStar, fixture.NStar
		compared := 0
		for name, run := range k.estimators() {
			w, ok := k.Want[name]
			if !ok {
				t.Errorf("the fixture has no %s", name)
				continue
			}
			r := run()
			sameFigure(t, name, r.Figure, r.Reason, w)
			compared++
		}
		agrees(t, "theta", CUPED(k.t, k.c, k.relative).Theta, &k.Theta)
		agrees(t, "theta of the ratio", CUPEDRatio(k.t, k.c, k.relative).Theta, &k.ThetaRatio)
		m := MemberDiD(k.t, k.c, k.absolute)
		sameFigure(t, "naive", m.Naive, m.Reason, k.Want["naive"])
		sameFigure(t, "ancova", m.ANCOVA, m.ANCOVAReason, k.Want["ancova"])
		agrees(t, "slope", m.Slope, &k.Slope)
		if compared+2 != len(k.Want) {
			t.Errorf("compared %d of the fixture's %d", compared+2, len(k.Want))
		}
	}
}

type countsFixture struct {
	Shares []struct {
		KT, NT, KC, NC int64
		Low, High, P   float64
		PGreater       float64 `json:"p_greater"`
		Wilson         [2]float64
	}
	Splits []struct {
		NT, NC          int64
		Holdout, Chi, P float64
		E               *float64
		LogE            float64 `json:"log_e"`
	}
	Multinomials []struct {
		Counts        []int64
		Planned       []float64
		Concentration float64
		LogE          float64 `json:"log_e"`
	}
	Many []struct {
		P, Adjusted []float64
		Q           float64
		Significant []bool
	}
	Planning []struct {
		Mean, Var, Holdout, Level, Power, Effect, Total float64
		Side                                            string
		Members                                         int64
		PowerAt                                         float64 `json:"power_at"`
		MDEAt                                           float64 `json:"mde_at"`
	}
	Tails       []struct{ DF, T, Tail float64 }
	Quantiles   []struct{ DF, P, T float64 }
	Covariances []struct {
		X, Y []float64
		Cov  float64
	}
}

// TestShareOracles: Wilson, Newcombe and the two-proportion z against statsmodels.
func TestShareOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	o := DefaultOptions(Absolute)
	o.MinPerArm = 1
	greater := o
	greater.Tail = Greater
	for _, s := range fixture.Shares {
		f := Newcombe(s.KT, s.NT, s.KC, s.NC, o).Figure
		agrees(t, "low", f.Low, &s.Low)
		agrees(t, "high", f.High, &s.High)
		agrees(t, "p", f.P, &s.P)
		agrees(t, "one-sided p", Newcombe(s.KT, s.NT, s.KC, s.NC, greater).Figure.P, &s.PGreater)
		w := Wilson(s.KT, s.NT, 0.95).Figure
		agrees(t, "wilson low", w.Low, &s.Wilson[0])
		agrees(t, "wilson high", w.High, &s.Wilson[1])
	}
}

// TestSplitOracles: chi-square against scipy, the sequential check against its authors' package and against 60 digits, at counts up to 2^62.
func TestSplitOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	for _, s := range fixture.Splits {
		if c := SampleRatio(s.NT, s.NC, s.Holdout); c.State != SplitTooFew {
			agrees(t, "chi-square", c.ChiSquare, &s.Chi)
			agrees(t, "p", c.P, &s.P)
		}
		q := SequentialSRM(s.NT, s.NC, s.Holdout, DefaultConcentration)
		agrees(t, "log e", q.LogE, &s.LogE)
		if p := math.Min(1, math.Exp(-s.LogE)); q.State != verdict(p) {
			t.Errorf("%d/%d: state %q at p %v", s.NT, s.NC, q.State, p)
		}
		// The package takes log-gammas of large numbers: seven digits are what it has.
		if s.E != nil && math.Abs(math.Exp(q.LogE)-*s.E) > 1e-6*(1+*s.E) {
			t.Errorf("%d/%d: E %v, the authors' package %v", s.NT, s.NC, math.Exp(q.LogE), *s.E)
		}
	}
	for _, m := range fixture.Multinomials {
		got, err := SequentialMultinomial(m.Counts, m.Planned, m.Concentration)
		if err != nil {
			t.Fatal(err)
		}
		// Count times share is rounded at 1e-16 of the counts: at 1e18 members that is a hundred of them.
		if math.Abs(got-m.LogE) > 1e-8*(1+math.Abs(m.LogE)) {
			t.Errorf("%v: log e %v, want %v", m.Counts, got, m.LogE)
		}
	}
}

// TestManyOracles: Benjamini-Hochberg against statsmodels.
func TestManyOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	for _, m := range fixture.Many {
		got, err := BenjaminiHochberg(m.P, m.Q)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range got {
			agrees(t, "adjusted", d.Adjusted, &m.Adjusted[i])
			if d.Significant != m.Significant[i] || d.P != m.P[i] {
				t.Errorf("%d: %+v", i, d)
			}
		}
	}
}

// TestPlanningOracles: power, sample size and smallest effect against statsmodels' normal power.
func TestPlanningOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	for _, k := range fixture.Planning {
		p := DefaultPlan(k.Mean, k.Var)
		p.Holdout, p.Level, p.Power = k.Holdout, k.Level, k.Power
		if k.Side == "larger" {
			p.Tail = Greater
		}
		n := SampleSize(p, k.Effect)
		if off := float64(n.Members) - k.Total; off < -1e-9*k.Total || off > 1+1e-9*k.Total {
			t.Errorf("sample size %d, want %v", n.Members, k.Total)
		}
		agrees(t, "power", Power(p, k.Members, k.Effect).Power, &k.PowerAt)
		if got := MinDetectable(p, k.Members).Effect; math.Abs(got-k.MDEAt) > 1e-9*k.MDEAt {
			t.Errorf("smallest effect %v, want %v", got, k.MDEAt)
		}
	}
}

// TestStudentOracles: tail and quantile against 60 digits, over both the gonum range and the expansions'.
func TestStudentOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	worst := make([]float64, 2)
	for _, k := range fixture.Tails {
		off := math.Abs(StudentTail(k.T, k.DF)/k.Tail - 1)
		worst[0] = max(worst[0], off)
		if off > 2e-11 {
			t.Errorf("tail(%v, df %v) off by %.1e", k.T, k.DF, off)
		}
		if mirrored := StudentTail(-k.T, k.DF) + StudentTail(k.T, k.DF); math.Abs(mirrored-1) > 1e-15 {
			t.Errorf("the tails at %v, df %v add up to %v", k.T, k.DF, mirrored)
		}
	}
	for _, k := range fixture.Quantiles {
		off := math.Abs(StudentQuantile(k.P, k.DF) - k.T)
		worst[1] = max(worst[1], off)
		if off > 1e-9 {
			t.Errorf("quantile(%v, df %v) off by %.1e", k.P, k.DF, off)
		}
	}
	t.Logf("worst: tail %.1e relative, quantile %.1e", worst[0], worst[1])
}

// TestCovarianceOracles: against numpy, and what it refuses.
func TestCovarianceOracles(t *testing.T) {
	var fixture countsFixture
	oracle(t, "counts", &fixture)
	for _, k := range fixture.Covariances {
		got, err := Covariance(k.X, k.Y)
		if err != nil {
			t.Fatal(err)
		}
		agrees(t, "covariance", got, &k.Cov)
	}
	bad := [][2][]float64{{{1}, {1}}, {{1, 2}, {1}}, {{1, math.NaN()}, {1, 2}}, {{1, 2}, {math.Inf(1), 2}}, {{-math.MaxFloat64, math.MaxFloat64}, {-math.MaxFloat64, math.MaxFloat64}}}
	for i, b := range bad {
		if _, err := Covariance(b[0], b[1]); err == nil {
			t.Errorf("row %d is not refused", i)
		}
	}
	if slices.Contains([]int{len(fixture.Covariances), len(fixture.Many), len(fixture.Shares)}, 0) {
		t.Error("a fixture is empty")
	}
}
