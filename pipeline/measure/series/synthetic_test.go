package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// TestGeoLift: goal, the published walk-through of GeoLift, plain and ridge augmented; method, the same data and options.
func TestGeoLift(t *testing.T) {
	p := geolift(t)
	for _, c := range []struct {
		ridge                        bool
		att, incremental, l2, scaled float64
	}{{false, 155.556, 4667, 909.489, 0.1636}, {true, 156.805, 4704, 903.525, 0.1626}} {
		out, err := SyntheticControl(p, SyntheticOptions{Level: 0.9, FixedEffects: true, Ridge: c.ridge, Conformal: Conformal{Draws: 20_000, Seed: 1}})
		if err != nil || out.Figure == nil {
			t.Fatalf("%v %v", err, out.Reason)
		}
		for _, f := range []struct {
			what           string
			got, want, tol float64
		}{{"att", out.ATT, c.att, 5e-4}, {"incremental", out.Incremental, c.incremental, 0.5}, {"l2", out.L2, c.l2, 5e-4}, {"scaled l2", out.ScaledL2, c.scaled, 5e-5}} {
			if math.Abs(f.got-f.want) > f.tol {
				t.Errorf("ridge %v %s: got %.6f, want %.6f", c.ridge, f.what, f.got, f.want)
			}
		}
		// Published as 1.2 % and, in another listing, 0.01, of 1 000 random permutations: a standard error of 0.0034.
		if math.Abs(out.PConformal-0.012) > 0.003 {
			t.Errorf("ridge %v: p of iid permutations %.4f, published 0.012", c.ridge, out.PConformal)
		}
	}
	plain, _ := SyntheticControl(p, SyntheticOptions{Level: 0.9, FixedEffects: true})
	near(t, "lift", math.Round(plain.Lift*1000)/1000, 0.054, 0)
	want := []Weight{{"cincinnati", 0.2272, 0}, {"miami", 0.2028, 0}, {"baton rouge", 0.1335, 0}, {"minneapolis", 0.09, 0}, {"dallas", 0.0739, 0},
		{"nashville", 0.0685, 0}, {"honolulu", 0.0673, 0}, {"austin", 0.0465, 0}, {"san diego", 0.0451, 0}, {"reno", 0.0306, 0}, {"san antonio", 0.0054, 0}}
	for i, w := range want {
		if got := plain.Weights[i]; got.Unit != w.Unit || math.Abs(got.Weight-w.Weight) > 5.1e-5 {
			t.Errorf("weight %d: got %+v, want %+v", i, got, w)
		}
	}
}

// TestKansas: goal, the published vignette of augsynth: estimates, imbalance, and for every period the conformal p and interval; method, the same.
func TestKansas(t *testing.T) {
	p := kansas(t)
	cases := []struct {
		ridge     bool
		att, l2   float64
		ps        string // printed with three decimals, shifts of 90 periods
		low, high []float64
	}{
		{false, -0.0294, 0.083, "0.111 0.022 0.044 0.111 0.044 0.022 0.022 0.022 0.022 0.044 0.144 0.078 0.122 0.111 0.189 0.100",
			[]float64{-0.045, -0.070, -0.062, -0.046}, []float64{0.006, -0.015, -0.007, 0.005}},
		{true, -0.0401, 0.062, "0.056 0.022 0.022 0.033 0.022 0.022 0.022 0.022 0.022 0.033 0.056 0.056 0.056 0.056 0.056 0.056",
			[]float64{-0.044, -0.076, -0.071, -0.055}, []float64{0.003, -0.018, -0.010, -0.004}},
	}
	for _, c := range cases {
		out, err := SyntheticControl(p, SyntheticOptions{Level: 0.95, Ridge: c.ridge, Pointwise: true, Placebos: 60})
		if err != nil || out.Figure == nil {
			t.Fatalf("%v %v", err, out.Reason)
		}
		if math.Abs(out.ATT-c.att) > 1e-4 || math.Abs(out.L2-c.l2) > 5.1e-4 {
			t.Errorf("ridge %v: att %.5f l2 %.4f, want %v %v", c.ridge, out.ATT, out.L2, c.att, c.l2)
		}
		got := ""
		for i, pt := range out.Points[p.Pre:] {
			got += fmt.Sprintf(" %.3f", pt.Conformal.P)
			if i < len(c.low) && (math.Abs(pt.Conformal.Low-c.low[i]) > 0.006 || math.Abs(pt.Conformal.High-c.high[i]) > 0.006) {
				t.Errorf("ridge %v period %d: [%.4f, %.4f], augsynth's grid has [%v, %v]", c.ridge, i, pt.Conformal.Low, pt.Conformal.High, c.low[i], c.high[i])
			}
		}
		if got[1:] != c.ps {
			t.Errorf("ridge %v: p per period\n got %s\nwant %s", c.ridge, got[1:], c.ps)
		}
		if out.Placebo == nil || out.Placebo.Fits != 49 || out.Placebo.Failed != 0 || out.Placebo.Sampled {
			t.Errorf("placebo: %+v", out.Placebo)
		}
	}
}

type syntheticCase struct {
	FixedEffects bool        `json:"fixed_effects"`
	Pre          int         `json:"pre"`
	Y            [][]float64 `json:"y"`
	Weights      []float64   `json:"weights"`
	ATT          float64     `json:"att"`
	L2           float64     `json:"l2"`
	Lambda       float64     `json:"lambda"`
	RidgeWeights []float64   `json:"ridge_weights"`
	RidgeATT     float64     `json:"ridge_att"`
	RidgeL2      float64     `json:"ridge_l2"`
}

func (c syntheticCase) panel() Panel {
	p := Panel{Treated: []string{"u0"}, Y: c.Y, Pre: c.Pre}
	for i := range c.Y {
		p.Units = append(p.Units, fmt.Sprintf("u%d", i))
	}
	return p
}

// TestSyntheticOracle: goal, weights, penalty and effects of scipy's SLSQP and numpy; method, random panels with more and with fewer donors than periods.
func TestSyntheticOracle(t *testing.T) {
	var oracle struct{ Synthetic []syntheticCase }
	fixture(t, "series.json", &oracle)
	for i, c := range oracle.Synthetic {
		for _, ridge := range []bool{false, true} {
			out, err := SyntheticControl(c.panel(), SyntheticOptions{Level: 0.8, FixedEffects: c.FixedEffects, Ridge: ridge})
			if err != nil {
				t.Fatal(err)
			}
			want, att, l2 := c.Weights, c.ATT, c.L2
			if ridge {
				want, att, l2 = c.RidgeWeights, c.RidgeATT, c.RidgeL2
				near(t, "lambda", out.Lambda/c.Lambda, 1, 1e-8)
			}
			name := fmt.Sprintf("case %d ridge %v ", i, ridge)
			near(t, name+"att", out.ATT, att, 2e-6)
			near(t, name+"l2", out.L2, l2, 2e-6)
			got := map[string]float64{}
			for _, w := range out.Weights {
				got[w.Unit] = w.Weight
			}
			for j, w := range want {
				near(t, fmt.Sprintf("%sweight %d", name, j), got[fmt.Sprintf("u%d", j+1)], w, 1e-5)
			}
		}
	}
}

// TestSimplexCertificate: goal, weights on the simplex that no other point beats; method, random points, also collinear and more than dimensions.
func TestSimplexCertificate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, dim := rapid.IntRange(1, 12).Draw(t, "n"), rapid.IntRange(1, 8).Draw(t, "dim")
		value := rapid.Float64Range(-100, 100)
		points := make([][]float64, n)
		for i := range points {
			points[i] = rapid.SliceOfN(value, dim, dim).Draw(t, "point")
			if i > 1 && rapid.Bool().Draw(t, "collinear") {
				for k := range points[i] {
					points[i][k] = (points[0][k] + points[1][k]) / 2
				}
			}
		}
		h := nearest(points, nil)
		if !h.ok {
			t.Fatalf("no certificate: gap %g", h.gap)
		}
		total, v, scale := 0.0, make([]float64, dim), 1e-300
		for i, w := range h.w {
			total += w
			if w < 0 {
				t.Fatalf("weight %d is %g", i, w)
			}
			for k := range v {
				v[k] += w * points[i][k]
			}
			scale = math.Max(scale, dot(points[i], points[i]))
		}
		if math.Abs(total-1) > 1e-12 {
			t.Fatalf("weights sum to %.17g", total)
		}
		for i, p := range points {
			if gap := dot(v, v) - dot(v, p); gap > 1e-9*scale {
				t.Fatalf("point %d proves a better one: %g of %g", i, gap, scale)
			}
		}
	})
}

// randomPanel has a treated unit that follows its donors; effect is added to the campaign's periods.
func randomPanel(seed uint64, donors, pre, post int, effect float64) Panel {
	rng := rand.New(rand.NewPCG(seed, 7))
	p := Panel{Treated: []string{"u0"}, Pre: pre, Units: make([]string, donors+1), Y: make([][]float64, donors+1)}
	common := make([]float64, pre+post)
	for t := range common {
		common[t] = 100 + 10*math.Sin(float64(t)/5) + 3*rng.NormFloat64()
	}
	for i := range p.Y {
		p.Units[i] = fmt.Sprintf("u%d", i)
		load, base := 0.5+rng.Float64(), 20*rng.Float64()
		for t := range common {
			p.Y[i] = append(p.Y[i], base+load*common[t]+rng.NormFloat64())
			if i == 0 && t >= pre {
				p.Y[i][t] += effect
			}
		}
	}
	return p
}

// TestSyntheticEquivariance: goal, units of measure do not matter; method, scale all, shift all (with unit effects: each by its own), reorder donors.
func TestSyntheticEquivariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPanel(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(2, 8).Draw(t, "donors"), 24, 4, 6)
		o := SyntheticOptions{Level: 0.8, FixedEffects: rapid.Bool().Draw(t, "fe"), Ridge: rapid.Bool().Draw(t, "ridge")}
		scale, shift := rapid.Float64Range(0.01, 1000).Draw(t, "scale"), rapid.Float64Range(-1e3, 1e3).Draw(t, "shift")
		a, err := SyntheticControl(p, o)
		if err != nil || a.L2 == 0 {
			t.Fatal(err, a.Reason)
		}
		q := Panel{Treated: p.Treated, Pre: p.Pre}
		for i := len(p.Y) - 1; i >= 0; i-- {
			y := make([]float64, len(p.Y[i]))
			for k, v := range p.Y[i] {
				y[k] = scale*v + shift
				if o.FixedEffects {
					y[k] += float64(i) * shift
				}
			}
			q.Units, q.Y = append(q.Units, p.Units[i]), append(q.Y, y)
		}
		b, err := SyntheticControl(q, o)
		if err != nil {
			t.Fatal(err)
		}
		if tol := 1e-5 * (1 + math.Abs(shift)/scale); math.Abs(b.ATT/scale-a.ATT) > tol || math.Abs(b.L2/scale-a.L2) > tol {
			t.Fatalf("att %g and %g, l2 %g and %g", a.ATT, b.ATT/scale, a.L2, b.L2/scale)
		}
	})
}

// TestSyntheticRefuses: goal, a reason or an error naming the field instead of a number; method, the ways in which data forbid one.
func TestSyntheticRefuses(t *testing.T) {
	ok := randomPanel(1, 5, 20, 5, 3)
	cases := []struct {
		name string
		p    func() Panel
		o    SyntheticOptions
		want measure.Reason
		err  string
	}{
		{"nobody treated", func() Panel { p := ok; p.Treated = nil; return p }, SyntheticOptions{Level: 0.9}, NoTreatedUnit, ""},
		{"one donor", func() Panel { p := ok; p.Units, p.Y = p.Units[:2], p.Y[:2]; return p }, SyntheticOptions{Level: 0.9}, NoControlUnit, ""},
		{"short", func() Panel { p := ok; p.Pre = 4; return p }, SyntheticOptions{Level: 0.9}, TooFewPeriods, ""},
		{"no campaign", func() Panel { p := ok; p.Pre = 25; return p }, SyntheticOptions{Level: 0.9}, TooFewPeriods, ""},
		{"25 shifts cannot reach 1 %", func() Panel { return ok }, SyntheticOptions{Level: 0.99}, UnboundedInterval, ""},
		{"twice", func() Panel { p := ok; p.Treated = []string{"u0", "u0"}; return p }, SyntheticOptions{Level: 0.9}, "", `treated: "u0" is there twice`},
		{"unknown", func() Panel { p := ok; p.Treated = []string{"x"}; return p }, SyntheticOptions{Level: 0.9}, "", `treated: "x" is not among the units`},
		{"ragged", func() Panel {
			p := ok
			p.Y = append([][]float64{p.Y[0][:3]}, p.Y[1:]...)
			return p
		}, SyntheticOptions{Level: 0.9}, "", "y[1]: 25 periods, y[0] has 3"},
		{"nan", func() Panel { p := ok; p.Y = append([][]float64{}, p.Y...); p.Y[2] = nan(25); return p }, SyntheticOptions{Level: 0.9}, "", "y[2][0]: NaN is not a number that can be computed with"},
		{"level", func() Panel { return ok }, SyntheticOptions{Level: 1}, "", "level: 1 is not between 0 and 1"},
		{"placebos", func() Panel { return ok }, SyntheticOptions{Level: 0.9, Placebos: -1}, "", "placebos: -1 is not between 0 and 10000"},
		{"same series", func() Panel {
			p := ok
			p.Y = [][]float64{p.Y[1], p.Y[1], p.Y[1]}
			p.Units = p.Units[:3]
			return p
		}, SyntheticOptions{Level: 0.9}, measure.ZeroVariance, ""},
	}
	for _, c := range cases {
		out, err := SyntheticControl(c.p(), c.o)
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("%s: error %v, want %q", c.name, err, c.err)
		case c.err == "" && (err != nil || out.Reason != c.want || out.Figure != nil):
			t.Errorf("%s: %v, reason %q, want %q", c.name, err, out.Reason, c.want)
		}
	}
}

func nan(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
