package series

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// salesAndCost sums the published experiment to group totals, 42 days before and 28 during.
func salesAndCost(t testing.TB) TBRInput {
	groups := table(t, "tbr_salesandcost", "geoassignment.csv")
	group := map[string]string{}
	for i, geo := range groups["geo"] {
		group[geo] = groups["geo.group"][i]
	}
	rows := table(t, "tbr_salesandcost", "salesandcost.csv.gz")
	sales, cost := floats(t, rows["sales"]), floats(t, rows["cost"])
	col := map[string]int{}
	for _, day := range rows["date"] {
		if day <= "2015-03-15" {
			col[day] = 0
		}
	}
	days := make([]string, 0, len(col))
	for day := range col {
		days = append(days, day)
	}
	slices.Sort(days)
	for i, day := range days {
		col[day] = i
	}
	in := TBRInput{Pre: 42, Level: 0.9, Design: measure.Randomised}
	for _, s := range []*[]float64{&in.Treatment, &in.Control, &in.TreatmentCost, &in.ControlCost} {
		*s = make([]float64, len(days))
	}
	for i, day := range rows["date"] {
		k, ok := col[day]
		switch {
		case !ok:
		case group[rows["geo"][i]] == "2":
			in.Treatment[k], in.TreatmentCost[k] = in.Treatment[k]+sales[i], in.TreatmentCost[k]+cost[i]
		case group[rows["geo"][i]] == "1":
			in.Control[k], in.ControlCost[k] = in.Control[k]+sales[i], in.ControlCost[k]+cost[i]
		}
	}
	return in
}

// TestTBRVector: goal, Google's matched_markets on its own example; method, the published numbers to 1e-5.
func TestTBRVector(t *testing.T) {
	out, err := TimeBasedRegression(salesAndCost(t))
	if err != nil || out.Figure == nil || out.IROAS.Figure.Figure == nil {
		t.Fatalf("%v %v %v", err, out.Reason, out.IROAS.Reason)
	}
	for _, f := range []struct {
		what      string
		got, want float64
	}{
		{"slope", out.Slope, 0.9997001}, {"intercept", out.Intercept, -421.72940805}, {"sigma2", out.Sigma2, 358331.83595838},
		{"df", float64(out.DF), 40}, {"incremental", out.Incremental, 147337.122}, {"se", out.SE, 4625.513662}, {"cost", out.Cost, 50000},
		{"iroas", out.IROAS.Estimate, 2.946742}, {"iroas lower one-sided", out.IROAS.Lower, 2.826194},
		{"iroas low", out.IROAS.Low, 2.790969}, {"iroas high", out.IROAS.High, 3.102516}, {"lift", out.Lift.Estimate, 0.173964},
	} {
		near(t, f.what, f.got, f.want, 1e-6)
	}
	if len(out.Points) != 70 || math.Abs(out.Points[69].CumulativeLow-out.Figure.Low) > 1e-6 {
		t.Errorf("the chart ends at %+v, the figure is %+v", out.Points[len(out.Points)-1], out.Figure)
	}
}

// TestTBRArma: goal, the interval that independent residuals would give on the CausalImpact series, +5 added; method, the study's own figure.
func TestTBRArma(t *testing.T) {
	c := table(t, "causalimpact", "arma_data.csv")
	y := floats(t, c["y"])
	for i := 70; i < len(y); i++ {
		y[i] += 5
	}
	out, err := TimeBasedRegression(TBRInput{Treatment: y, Control: floats(t, c["X"]), Pre: 70, Level: 0.95})
	if err != nil || out.Figure == nil {
		t.Fatal(err, out.Reason)
	}
	for what, pair := range map[string][2]float64{"effect": {out.Figure.Estimate, 5.97}, "low": {out.Figure.Low, 5.55}, "high": {out.Figure.High, 6.40}} {
		if math.Abs(pair[0]/30-pair[1]) > 0.006 {
			t.Errorf("%s: got %.4f, want %v", what, pair[0]/30, pair[1])
		}
	}
}

type tbrCase struct {
	Pre                                       int
	X, Y, Low, High                           []float64
	Intercept, Slope, Sigma2, Incremental, SE float64
	DurbinWatson                              float64 `json:"durbin_watson"`
	LjungBox                                  float64 `json:"ljung_box"`
	LjungBoxP                                 float64 `json:"ljung_box_p"`
}

// TestTBROracle: goal, statsmodels' OLS, its prediction intervals and residual tests; method, random series with and without serial correlation.
func TestTBROracle(t *testing.T) {
	var oracle struct{ TBR []tbrCase }
	fixture(t, "series.json", &oracle)
	warned := 0
	for i, c := range oracle.TBR {
		out, err := TimeBasedRegression(TBRInput{Treatment: c.Y, Control: c.X, Pre: c.Pre, Level: 0.9})
		if err != nil || out.Figure == nil {
			t.Fatal(err, out.Reason)
		}
		name := fmt.Sprintf("case %d ", i)
		near(t, name+"slope", out.Slope, c.Slope, 1e-9)
		near(t, name+"intercept", out.Intercept, c.Intercept, 1e-9)
		near(t, name+"sigma2", out.Sigma2, c.Sigma2, 1e-9)
		near(t, name+"incremental", out.Incremental, c.Incremental, 1e-9)
		near(t, name+"se", out.SE, c.SE, 1e-9)
		near(t, name+"durbin-watson", out.Residuals.DurbinWatson, c.DurbinWatson, 1e-9)
		near(t, name+"ljung-box", out.Residuals.LjungBox, c.LjungBox, 1e-9)
		near(t, name+"ljung-box p", out.Residuals.P, c.LjungBoxP, 1e-9)
		for k, p := range out.Points[c.Pre:] {
			near(t, name+"low", p.Low, c.Low[k], 1e-8)
			near(t, name+"high", p.High, c.High[k], 1e-8)
		}
		if slices.Contains(out.Warnings, SerialCorrelation) != (c.LjungBoxP < 0.05 || math.Abs(c.DurbinWatson-2) > 3.92/math.Sqrt(float64(c.Pre))) {
			t.Errorf("%swarnings %v at p %v", name, out.Warnings, c.LjungBoxP)
		}
		if slices.Contains(out.Warnings, SerialCorrelation) {
			warned++
		}
	}
	if warned < 2 {
		t.Errorf("the two serially correlated cases must warn, %d did", warned)
	}
}

// TestTBREquivariance: goal, units do not matter; method, scale and shift treated and control by different amounts.
func TestTBREquivariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n, pre := 30, rapid.IntRange(5, 29).Draw(t, "pre")
		a, c := rapid.Float64Range(0.01, 100).Draw(t, "a"), rapid.Float64Range(0.01, 100).Draw(t, "c")
		b, d := rapid.Float64Range(-100, 100).Draw(t, "b"), rapid.Float64Range(-100, 100).Draw(t, "d")
		one, two := TBRInput{Pre: pre, Level: 0.9}, TBRInput{Pre: pre, Level: 0.9}
		for range n {
			x := 100 + rng.NormFloat64()
			y := 5 + 2*x + rng.NormFloat64()
			one.Treatment, one.Control = append(one.Treatment, y), append(one.Control, x)
			two.Treatment, two.Control = append(two.Treatment, a*y+b), append(two.Control, c*x+d)
		}
		p, err := TimeBasedRegression(one)
		q, err2 := TimeBasedRegression(two)
		if err != nil || err2 != nil || p.Figure == nil || q.Figure == nil {
			t.Fatal(err, err2, p.Reason, q.Reason)
		}
		tol := 1e-6 * (1 + math.Abs(p.Incremental) + p.SE)
		if math.Abs(q.Incremental/a-p.Incremental) > tol || math.Abs(q.SE/a-p.SE) > tol || math.Abs(q.Figure.P-p.Figure.P) > 1e-6 {
			t.Fatalf("%+v and %+v", p.Figure, q.Figure)
		}
	})
}

// TestTBRRandomCost: goal, iROAS with an estimated cost; method, costs that are the sales over four give exactly 4 with no width, and noise in
// the cost gives Fieller's interval around the truth.
func TestTBRRandomCost(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	in := TBRInput{Pre: 40, Level: 0.9}
	for i := range 60 {
		x := 1000 + 50*rng.NormFloat64()
		y := 1.2*x + 10*rng.NormFloat64()
		if i >= in.Pre {
			y += 400
		}
		in.Treatment, in.Control = append(in.Treatment, y), append(in.Control, x)
		in.TreatmentCost, in.ControlCost = append(in.TreatmentCost, y/4), append(in.ControlCost, x/4)
	}
	out, err := TimeBasedRegression(in)
	if err != nil || out.IROAS.Figure.Figure == nil {
		t.Fatal(err, out.IROAS.Reason)
	}
	for _, v := range []float64{out.IROAS.Estimate, out.IROAS.Low, out.IROAS.High, out.IROAS.Lower} {
		near(t, "iroas", v, 4, 1e-6)
	}
	for i := range in.TreatmentCost {
		in.TreatmentCost[i] += 3 * rng.NormFloat64()
	}
	out, err = TimeBasedRegression(in)
	if err != nil || out.IROAS.Figure.Figure == nil || !(out.IROAS.Low < 4 && 4 < out.IROAS.High && out.IROAS.Low < out.IROAS.Lower) {
		t.Errorf("%v %+v", err, out.IROAS)
	}
	in.TreatmentCost = append(slices.Clone(in.TreatmentCost[:40]), slices.Repeat([]float64{100}, 20)...)
	if out, _ = TimeBasedRegression(in); out.IROAS.Reason != NoCost || out.Figure == nil {
		t.Errorf("less spent than expected: %+v", out.IROAS)
	}
}

// TestTBRRefuses: goal, a reason or an error naming the field; method, inputs that forbid a number.
func TestTBRRefuses(t *testing.T) {
	flat := slices.Repeat([]float64{3}, 12)
	ramp := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	wave := []float64{1, 3, 2, 5, 4, 7, 5, 9, 8, 9, 11, 12}
	cases := []struct {
		in   TBRInput
		want measure.Reason
		err  string
	}{
		{TBRInput{Treatment: wave, Control: ramp, Pre: 4, Level: 0.9}, TooFewPeriods, ""},
		{TBRInput{Treatment: wave, Control: ramp, Pre: 12, Level: 0.9}, TooFewPeriods, ""},
		{TBRInput{Treatment: wave, Control: flat, Pre: 8, Level: 0.9}, ConstantCovariate, ""},
		{TBRInput{Treatment: flat, Control: ramp, Pre: 8, Level: 0.9}, measure.ZeroVariance, ""},
		{TBRInput{Treatment: ramp, Control: ramp, Pre: 8, Level: 0.9}, measure.ZeroVariance, ""},
		{TBRInput{Treatment: wave, Control: ramp[:3], Pre: 8, Level: 0.9}, "", "control: 3 periods, treatment has 12"},
		{TBRInput{Treatment: wave, Control: nan(12), Pre: 8, Level: 0.9}, "", "control[0]: NaN is not a number that can be computed with"},
		{TBRInput{Treatment: wave, Control: ramp, Pre: -1, Level: 0.9}, "", "pre: -1 is not between 0 and the 12 periods given"},
		{TBRInput{Treatment: wave, Control: ramp, Pre: 8, Level: 0}, "", "level: 0 is not between 0 and 1"},
		{TBRInput{Treatment: wave, Control: ramp, Pre: 8, Level: 0.9, NControl: -1}, "", "n_treatment, n_control: 0 and -1: must not be negative"},
		{TBRInput{Treatment: wave, Control: ramp, TreatmentCost: ramp, Pre: 8, Level: 0.9}, "", "treatment_cost, control_cost: 12 and 0 periods, treatment has 12"},
	}
	for i, c := range cases {
		out, err := TimeBasedRegression(c.in)
		switch {
		case c.err != "" && (err == nil || err.Error() != c.err):
			t.Errorf("case %d: error %v, want %q", i, err, c.err)
		case c.err == "" && (err != nil || out.Reason != c.want || out.Figure != nil || out.Lift.Figure != nil):
			t.Errorf("case %d: %v, reason %q, want %q", i, err, out.Reason, c.want)
		}
	}
}
