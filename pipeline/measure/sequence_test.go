package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestWatchingSplit: goal, that looking at the arms' sizes after every hundred members rarely cries wolf with the sequential check and often does with
// a chi-square, and that a real mismatch is found. Method: 1000 seeded experiments of 200 looks each at 10 % held out; an alarm is p below 5 %.
func TestWatchingSplit(t *testing.T) {
	const experiments, looks, perLook = 1000, 200, 100
	rng := rand.New(rand.NewPCG(3, 5))
	watch := func(share float64) (chi, sequential int) {
		for range experiments {
			var nt, nc int64
			sawChi, sawSeq := false, false
			for range looks {
				for range perLook {
					if rng.Float64() < share {
						nc++
					} else {
						nt++
					}
				}
				s := SequentialSRM(nt, nc, 0.1, DefaultConcentration)
				sawSeq = sawSeq || s.P < 0.05
				sawChi = sawChi || SampleRatio(nt, nc, 0.1).P < 0.05
			}
			chi += tally(sawChi)
			sequential += tally(sawSeq)
		}
		return chi, sequential
	}
	chi, seq := watch(0.1)
	_, found := watch(0.115)
	t.Logf("split as planned, ever below 5 %%: chi-square %.1f %%, sequential %.1f %%; 11.5 %% for 10 %% found in %.1f %%", float64(chi)/10, float64(seq)/10, float64(found)/10)
	if seq > 50 {
		t.Errorf("the sequential check was wrong in %d of %d", seq, experiments)
	}
	if chi < 200 {
		t.Errorf("the chi-square was wrong in only %d of %d: the simulation does not show the danger", chi, experiments)
	}
	if found < 950 {
		t.Errorf("a real mismatch was found in only %d of %d", found, experiments)
	}
}

// group is an arm of a simulated campaign.
type group struct {
	sums   Sums
	joint  Joint
	buyers int64
}

func (g *group) grow(rng *rand.Rand, n int) {
	for range n {
		m := drawMember(rng)
		g.sums.Add(m)
		g.buyers += tally64(m.D > 0)
	}
	g.joint = g.sums.Joint()
}

func tally64(b bool) int64 { return int64(tally(b)) }

// watched is a family of sequences that are looked at together.
type watched struct {
	name string
	run  func(a, b group) Result
}

// TestWatchingFamilies: goal, the same promise for ratios, adjusted and one-sided figures as TestWatchingAA makes for means. Method: skewed spend that
// depends on the member's taste, receipts and spend before that do so, too; 300 seeded experiments without effect, 60 looks.
func TestWatchingFamilies(t *testing.T) {
	const experiments, looks, perLook = 300, 60, 40
	rng := rand.New(rand.NewPCG(8, 13))
	o := DefaultOptions(Relative)
	o.PlanMembers = 2 * looks * perLook
	one := o
	one.Tail = Greater
	families := []watched{
		{"ratio", func(a, b group) Result { return AlwaysValidRatio(a.joint, b.joint, o) }},
		{"cuped", func(a, b group) Result { return AlwaysValidCUPED(a.joint, b.joint, o).Result }},
		{"cuped ratio", func(a, b group) Result { return AlwaysValidCUPEDRatio(a.joint, b.joint, o).Result }},
		{"one-sided", func(a, b group) Result { return AlwaysValid(a.sums.Arm(), b.sums.Arm(), one) }},
		{"share", func(a, b group) Result { return AlwaysValid(Share(a.buyers, a.sums.N), Share(b.buyers, b.sums.N), o) }},
	}
	wrong := make([]int, len(families))
	for range experiments {
		var a, b group
		saw := make([]bool, len(families))
		for range looks {
			a.grow(rng, perLook)
			b.grow(rng, perLook)
			for i, f := range families {
				r := f.run(a, b)
				saw[i] = saw[i] || r.Figure != nil && (r.Figure.Low > 0 || r.Figure.High < 0 && r.Figure.Tail == TwoSided)
			}
		}
		for i := range saw {
			wrong[i] += tally(saw[i])
		}
	}
	for i, f := range families {
		t.Logf("%s: ever significant without effect %.1f %%", f.name, 100*float64(wrong[i])/experiments)
		if wrong[i] > experiments*5/100 {
			t.Errorf("%s was wrong in %d of %d", f.name, wrong[i], experiments)
		}
	}
}

// drawMember has a taste that shows in receipts, spend and spend before; Y, D and X of one who never came are 0.
func drawMember(rng *rand.Rand) Member {
	taste := rng.NormFloat64()
	d := int64(rng.ExpFloat64()*math.Exp(0.3*taste) + 0.5)
	y := int64(float64(d) * 1000 * math.Exp(0.5*taste+0.5*rng.NormFloat64()))
	return Member{Y: y, D: d, X: int64(1500 * math.Exp(0.6*taste+0.6*rng.NormFloat64()))}
}

// TestOneSidedProperties: goal, the promises of one-sided figures. A bound tighter than the two-sided one of the same level, a p that agrees with it and with the
// other tail, and both ends there.
func TestOneSidedProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawArm(t, "treatment"), drawArm(t, "control")
		o := DefaultOptions(Scale(rapid.IntRange(0, 1).Draw(t, "scale")))
		o.PlanMembers = rapid.Int64Range(100, 10_000_000).Draw(t, "plan")
		for _, run := range []func(t, c Arm, o Options) Result{Welch, AlwaysValid, Fieller} {
			two := run(a, b, o).Figure
			up, down := o, o
			up.Tail, down.Tail = Greater, Less
			g, l := run(a, b, up).Figure, run(a, b, down).Figure
			if two == nil || g == nil || l == nil {
				continue // Fieller has none where the control mean is unknown
			}
			// Each sequence is tuned for its own error, so that far from the plan the two-sided one may be as narrow.
			far := float64(a.N+b.N) > 2*float64(o.PlanMembers) || float64(a.N+b.N) < 0.5*float64(o.PlanMembers)
			if !far && (g.Low < two.Low || l.High > two.High) {
				t.Fatalf("one-sided bounds %v, %v outside [%v, %v]", g.Low, l.High, two.Low, two.High)
			}
			if g.Low != l.Low || g.High != l.High || g.Low > g.Estimate || g.High < g.Estimate {
				t.Fatalf("%+v and %+v", *g, *l)
			}
			if edge := math.Abs(g.Low) < 1e-9*g.StdErr; !edge && (g.Low > 0) != (g.P < 0.05) {
				t.Fatalf("p %v and bound %v disagree", g.P, g.Low)
			}
			if edge := math.Abs(l.High) < 1e-9*l.StdErr; !edge && (l.High < 0) != (l.P < 0.05) {
				t.Fatalf("p %v and bound %v disagree", l.P, l.High)
			}
			if g.P+l.P < 1-1e-9 {
				t.Fatalf("tails %v and %v", g.P, l.P)
			}
		}
	})
}

// TestTuning: the interval is within a percent of its narrowest at the planned size, and the plan's own sizes follow from it.
func TestTuning(t *testing.T) {
	width := func(n, planned int64) float64 {
		o := DefaultOptions(Absolute)
		o.PlanMembers = planned
		f := AlwaysValid(Arm{N: n / 2, Mean: 1, Var: 4}, Arm{N: n / 2, Mean: 1, Var: 4}, o).Figure
		return f.High - f.Low
	}
	const n = 10_000
	best := math.Inf(1)
	for planned := int64(1000); planned <= 100_000; planned += 250 {
		best = min(best, width(n, planned))
	}
	if ratio := width(n, n) / best; ratio > 1.01 {
		t.Errorf("at the planned size the interval is %.3f times its narrowest", ratio)
	}
	t.Logf("width against Welch's: at the plan %.2f, at a tenth %.2f, at ten times %.2f", width(n, n)/(4*1.96*2/math.Sqrt(n)), width(n, 10*n)/(4*1.96*2/math.Sqrt(n)), width(n, n/10)/(4*1.96*2/math.Sqrt(n)))
	if rho := TuneRho(0.05, n); math.Abs(rho*rho*n-(-2*math.Log(.05)+math.Log(-2*math.Log(.05)+1))) > 1e-9 {
		t.Errorf("rho %v", rho)
	}
	for _, sequential := range []bool{false, true} {
		p := DefaultPlan(10, 144)
		p.Sequential = sequential
		size := SampleSize(p, 0.03)
		got, effect := Power(p, size.Members, 0.03).Power, MinDetectable(p, size.Members).Effect
		t.Logf("sequential %v: %d members for 3 %%", sequential, size.Members)
		if got < 0.8 || got > 0.8001 || effect > 0.03 || effect < 0.02999 || size.Control != int64(math.Round(float64(size.Members)*0.1)) {
			t.Errorf("%+v has power %v, smallest effect %v", size, got, effect)
		}
	}
}

// TestAlwaysValidMean: one arm's level, wider than Wilson's interval of the same share and around it.
func TestAlwaysValidMean(t *testing.T) {
	o := DefaultOptions(Absolute)
	r, w := AlwaysValidMean(Share(300, 2000), o), Wilson(300, 2000, 0.95).Figure
	if r.Figure == nil || r.Figure.Low > w.Low || r.Figure.High < w.High || r.Figure.P != 1 || r.Design != Descriptive || r.NTreatment != 2000 {
		t.Errorf("%+v, Wilson %+v", r, *w)
	}
	for _, k := range []struct {
		a    Arm
		want Reason
	}{{Arm{}, EmptyArm}, {Arm{N: 5, Var: 1}, TooFewMembers}, {Arm{N: 500, Mean: 1}, ZeroVariance}, {Arm{N: 500, Mean: math.Inf(1), Var: 1}, NotFinite}, {Arm{N: 9, Broken: Overflow}, Overflow}} {
		if got := AlwaysValidMean(k.a, o); got.Reason != k.want {
			t.Errorf("%+v: %q, want %q", k.a, got.Reason, k.want)
		}
	}
}

// A base that was fixed before the data: the boundary goes by who came, is never narrower for it, and there is no figure while they are few.
func TestCame(t *testing.T) {
	o := DefaultOptions(Relative)
	treatment, control := Moments{N: 18_000, Sum: 930_000, SumSq: 930_000 * 90}.Arm(), Moments{N: 2_000, Sum: 100_000, SumSq: 100_000 * 90}.Arm()
	whole := AlwaysValid(treatment, control, o)
	width := func(came *Came) float64 {
		o.Came = came
		r := AlwaysValid(treatment, control, o)
		if r.Figure == nil {
			t.Fatalf("no figure with %+v: %s", came, r.Reason)
		}
		if r.Figure.Estimate != whole.Figure.Estimate || r.Figure.StdErr != whole.Figure.StdErr || r.NTreatment != 18_000 {
			t.Errorf("%+v changes more than the boundary: %+v, %+v", came, r.Figure, whole.Figure)
		}
		return r.Figure.High - r.Figure.Low
	}
	all := width(&Came{18_000, 2_000})
	if want := whole.Figure.High - whole.Figure.Low; all != want {
		t.Errorf("all came: width %g, want %g", all, want)
	}
	if few := width(&Came{900, 100}); few <= all {
		t.Errorf("a twentieth came: width %g, that of all is %g", few, all)
	}
	o.Came = &Came{5_000, 99}
	if r := AlwaysValid(treatment, control, o); r.Figure != nil || r.Reason != TooFewMembers {
		t.Errorf("99 came: %+v", r)
	}
}
