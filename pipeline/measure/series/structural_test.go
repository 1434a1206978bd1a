package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

type structuralCase struct {
	Pre                   int
	Y                     []float64
	X                     [][]float64
	Noise                 float64 `json:"sigma2_noise"`
	Step                  float64 `json:"sigma2_level"`
	LLF                   float64 `json:"llf"`
	Level, Beta, Forecast []float64
	LevelSE               []float64 `json:"level_se"`
	BetaSE                []float64 `json:"beta_se"`
	ForecastSE            []float64 `json:"forecast_se"`
}

// TestStructuralOracle: goal, statsmodels' UnobservedComponents with exact diffuse start: likelihood, variances, smoothed level, coefficients and
// forecasts; method, random walks with 0 to 3 controls. statsmodels divides the variance by n - k, as here.
func TestStructuralOracle(t *testing.T) {
	var oracle struct{ Structural []structuralCase }
	fixture(t, "series.json", &oracle)
	for i, c := range oracle.Structural {
		in := StructuralInput{Y: c.Y, Controls: c.X, Pre: c.Pre, Level: 0.9}
		out, err := StructuralCounterfactual(in)
		if err != nil || out.Figure == nil {
			t.Fatal(err, out.Reason)
		}
		name := fmt.Sprintf("case %d ", i)
		near(t, name+"likelihood", out.LogLikelihood, c.LLF, 1e-8)
		near(t, name+"noise", out.SigmaNoise*out.SigmaNoise, c.Noise, 1e-4)
		near(t, name+"step", out.SigmaLevel*out.SigmaLevel, c.Step, 1e-4)
		for k, b := range out.Coefficients {
			near(t, name+"beta", b.Value, c.Beta[k], 1e-5)
			near(t, name+"beta se", b.StdErr, c.BetaSE[k], 1e-5)
		}
		for k, l := range out.Levels {
			near(t, name+"level", l.Value, c.Level[k], 1e-4)
			near(t, name+"level se", l.StdErr, c.LevelSE[k], 1e-4)
		}
		q := newBands(0.9, float64(c.Pre-1-len(c.X))).two
		for h, p := range out.Points[c.Pre:] {
			near(t, name+"forecast", p.Predicted, c.Forecast[h], 1e-4)
			near(t, name+"forecast se", (p.High-p.Low)/2/q, c.ForecastSE[h], 1e-4)
		}
	}
}

// TestForecastCovariance: goal, variances of single periods and of running totals; method, universal kriging with the whole covariance matrix.
func TestForecastCovariance(t *testing.T) {
	const n, horizon, share = 9, 4, 0.3
	rng := rand.New(rand.NewPCG(5, 5))
	m := localLevel{n: n, k: 2, d: [][]float64{slices.Repeat([]float64{1}, n+horizon), make([]float64, n+horizon)}, y: make([]float64, n)}
	for i := range m.d[1] {
		m.d[1][i] = rng.NormFloat64()
	}
	for i := range m.y {
		m.y[i] = rng.NormFloat64()
	}
	cov := func(s, t int) float64 {
		v := share * float64(min(s, t)+1)
		if s == t {
			v += 1 - share
		}
		return v
	}
	sigma, cross, d := mat.NewDense(n, n, nil), mat.NewDense(horizon, n, nil), mat.NewDense(n, 2, nil)
	future, df := mat.NewDense(horizon, horizon, nil), mat.NewDense(horizon, 2, nil)
	for i := range n + horizon {
		for j := range n + horizon {
			switch {
			case i < n && j < n:
				sigma.Set(i, j, cov(i, j))
			case i >= n && j < n:
				cross.Set(i-n, j, cov(i, j))
			case i >= n && j >= n:
				future.Set(i-n, j-n, cov(i, j))
			}
		}
		for j := range 2 {
			if i < n {
				d.Set(i, j, m.d[j][i])
			} else {
				df.Set(i-n, j, m.d[j][i])
			}
		}
	}
	// Var = S_ff - K S_nf + (D_f - K D)(D' S^-1 D)^-1 (D_f - K D)', K = S_fn S^-1
	var inv, k, kd, info, infoInv, a, b, want mat.Dense
	_ = inv.Inverse(sigma)
	k.Mul(cross, &inv)
	kd.Mul(&k, d)
	kd.Sub(df, &kd)
	info.Product(d.T(), &inv, d)
	_ = infoInv.Inverse(&info)
	a.Mul(&k, cross.T())
	b.Product(&kd, &infoInv, kd.T())
	want.Sub(future, &a)
	want.Add(&want, &b)
	r := m.filter(share)
	total := 0.0
	for h, f := range m.forecasts(r, horizon) {
		near(t, "variance", f.variance, r.s2*want.At(h, h), 1e-10)
		for j := range h {
			total += 2 * want.At(h, j)
		}
		total += want.At(h, h)
		near(t, "variance of the total", f.total, r.s2*total, 1e-10)
	}
}

// TestStructuralIsRegression: goal, without a walk and with one control the model is time-based regression; method, the filter at share 0.
func TestStructuralIsRegression(t *testing.T) {
	in := salesAndCost(t)
	tbr, err := TimeBasedRegression(in)
	if err != nil {
		t.Fatal(err)
	}
	s := StructuralInput{Y: in.Treatment, Controls: [][]float64{in.Control}, Pre: in.Pre, Level: in.Level}
	m, u, why := s.model()
	if why != "" {
		t.Fatal(why)
	}
	var out Structural
	r := m.filter(0)
	out.describe(s, m, u, r)
	out.effects(s, m, u, r)
	near(t, "effect", out.Figure.Estimate, tbr.Incremental, 1e-10)
	near(t, "se", out.Figure.StdErr, tbr.SE, 1e-10)
	near(t, "low", out.Figure.Low, tbr.Figure.Low, 1e-10)
	near(t, "slope", out.Coefficients[0].Value, tbr.Slope, 1e-10)
	near(t, "intercept", out.Levels[7].Value, tbr.Intercept, 1e-8)
	near(t, "lift", out.Lift.Low, tbr.Lift.Low, 1e-10)
	for i, p := range out.Points {
		near(t, "chart", p.CumulativeHigh, tbr.Points[i].CumulativeHigh, 1e-9)
	}
}

// TestStructuralEquivariance: goal, units do not matter; method, scale and shift the series and each control by its own amounts.
func TestStructuralEquivariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := randomStructural(rapid.Uint64().Draw(t, "seed"), 40, 6, rapid.IntRange(0, 2).Draw(t, "controls"))
		scale, shift := rapid.Float64Range(0.01, 100).Draw(t, "scale"), rapid.Float64Range(-100, 100).Draw(t, "shift")
		b := StructuralInput{Pre: a.Pre, Level: a.Level, Y: affine(a.Y, scale, shift)}
		for j, c := range a.Controls {
			b.Controls = append(b.Controls, affine(c, float64(j+1)/scale, -shift))
		}
		p, err := StructuralCounterfactual(a)
		q, err2 := StructuralCounterfactual(b)
		if err != nil || err2 != nil || p.Figure == nil || q.Figure == nil {
			t.Fatal(err, err2, p.Reason, q.Reason)
		}
		if tol := 1e-3 * p.Figure.StdErr; math.Abs(q.Figure.Estimate/scale-p.Figure.Estimate) > tol || math.Abs(q.Figure.StdErr/scale-p.Figure.StdErr) > tol {
			t.Fatalf("%+v and %+v", p.Figure, q.Figure)
		}
	})
}

func affine(x []float64, a, b float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = a*v + b
	}
	return out
}

func randomStructural(seed uint64, pre, post, controls int) StructuralInput {
	rng := rand.New(rand.NewPCG(seed, 11))
	in := StructuralInput{Pre: pre, Level: 0.9, Y: make([]float64, pre+post), Controls: make([][]float64, controls)}
	level := 50.0
	for t := range in.Y {
		level += 0.5 * rng.NormFloat64()
		in.Y[t] = level + rng.NormFloat64()
		for j := range in.Controls {
			x := 20 + rng.NormFloat64()
			in.Controls[j] = append(in.Controls[j], x)
			in.Y[t] += 0.7 * x
		}
	}
	return in
}

// TestStructuralRefuses: goal, a reason or an error naming the field; method, inputs that forbid a number, through both estimators.
func TestStructuralRefuses(t *testing.T) {
	ok := randomStructural(1, 30, 5, 1)
	with := func(change func(*StructuralInput)) StructuralInput {
		in := ok
		change(&in)
		return in
	}
	constant := slices.Repeat([]float64{2}, 35)
	cases := []struct {
		in          StructuralInput
		want, bayes measure.Reason
		err         string
	}{
		{with(func(in *StructuralInput) { in.Pre = 9 }), TooFewPeriods, TooFewPeriods, ""},
		{with(func(in *StructuralInput) { in.Pre = 0 }), TooFewPeriods, TooFewPeriods, ""},
		{with(func(in *StructuralInput) { in.Pre = 35 }), TooFewPeriods, TooFewPeriods, ""},
		{with(func(in *StructuralInput) { in.Y = constant }), measure.ZeroVariance, measure.ZeroVariance, ""},
		{with(func(in *StructuralInput) { in.Controls = [][]float64{constant} }), ConstantCovariate, ConstantCovariate, ""},
		{with(func(in *StructuralInput) { in.Controls = [][]float64{ok.Controls[0], affine(ok.Controls[0], 2, 1)} }), SingularMatrix, "", ""},
		{with(func(in *StructuralInput) { in.Controls = [][]float64{affine(ok.Y, 2, 1)} }), measure.ZeroVariance, "", ""},
		{with(func(in *StructuralInput) { in.Controls = [][]float64{{1}} }), "", "", "controls[0]: 1 periods, y has 35"},
		{with(func(in *StructuralInput) { in.Y = nan(35) }), "", "", "y[0]: NaN is not a number that can be computed with"},
		{with(func(in *StructuralInput) { in.Level = math.NaN() }), "", "", "level: NaN is not between 0 and 1"},
	}
	for i, c := range cases {
		out, err := StructuralCounterfactual(c.in)
		bayes, err2 := BayesianStructural(BayesInput{StructuralInput: c.in})
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err || err2 == nil || err2.Error() != c.err):
			t.Errorf("case %d: errors %v, %v, want %q", i, err, err2, c.err)
		case c.err == "" && (err != nil || out.Reason != c.want || out.Figure != nil || err2 != nil || bayes.Reason != c.bayes):
			t.Errorf("case %d: %v, reasons %q, %q, want %q, %q", i, err, out.Reason, bayes.Reason, c.want, c.bayes)
		}
	}
	many := ok
	many.Controls = slices.Repeat(ok.Controls, MaxBayesControls+1)
	if out, err := BayesianStructural(BayesInput{StructuralInput: many}); err != nil || out.Reason != TooManyControls {
		t.Errorf("%v, reason %q", err, out.Reason)
	}
}
