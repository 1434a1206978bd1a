package members

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// shop simulates members from the models' definitions.
func shop(rng *rand.Rand, n int, p BGNBDParams, g GammaGammaParams) []Customer {
	rate, leave := distuv.Gamma{Alpha: p.R, Beta: p.Alpha, Src: rng}, distuv.Beta{Alpha: p.A, Beta: p.B, Src: rng}
	nu := distuv.Gamma{Alpha: g.Q, Beta: g.V, Src: rng}
	rows := make([]Customer, n)
	for i := range rows {
		c := Customer{T: 20 + 20*rng.Float64()}
		lambda, out := rate.Rand(), leave.Rand()
		spend := distuv.Gamma{Alpha: g.P, Beta: nu.Rand(), Src: rng}
		for t := rng.ExpFloat64() / lambda; t <= c.T; t += rng.ExpFloat64() / lambda {
			c.Frequency++
			c.Recency = t
			c.Value += (spend.Rand() - c.Value) / float64(c.Frequency)
			if rng.Float64() < out {
				break
			}
		}
		rows[i] = c
	}
	return rows
}

var (
	truth  = BGNBDParams{R: 0.8, Alpha: 6, A: 0.8, B: 3}
	spends = GammaGammaParams{P: 5, Q: 4, V: 12}
)

// models fits both.
func models(t *testing.T, rows []Customer, horizon float64) (BGNBD, GammaGamma) {
	t.Helper()
	m, err := FitBGNBD(rows, FitOptions{Level: 0.95, Horizon: horizon})
	if err != nil || m.Figure == nil {
		t.Fatalf("%v %s", err, m.Reason)
	}
	g, err := FitGammaGamma(rows, FitOptions{Level: 0.95})
	if err != nil || g.Figure == nil {
		t.Fatalf("%v %s", err, g.Reason)
	}
	return m, g
}

// trueTheta is the models' parameters as the simulation has them.
func trueTheta() []float64 {
	theta := []float64{truth.R, truth.Alpha, truth.A, truth.B, spends.P, spends.Q, spends.V}
	for i, v := range theta {
		theta[i] = math.Log(v)
	}
	return theta
}

// TestModelsRecoverTruth: goal, that standard errors and intervals mean what they say; method, seeded shops with known parameters: the errors in
// standard errors must have a root mean square near 1, and the intervals of expected purchases and of the lifetime value must hold what the true
// parameters give the same members.
func TestModelsRecoverTruth(t *testing.T) {
	const shops = 12
	rng := rand.New(rand.NewPCG(11, 12))
	o := CLVOptions{Steps: 12, Step: 4, Discount: 0.01, Margin: 0.3, Level: 0.95}
	want := trueTheta()
	squares, purchases, worth := 0.0, 0, 0
	for range shops {
		rows := shop(rng, 800, truth, spends)
		m, g := models(t, rows, 20)
		se := []float64{m.StdErr.R / m.R, m.StdErr.Alpha / m.Alpha, m.StdErr.A / m.A, m.StdErr.B / m.B, g.StdErr.P / g.P, g.StdErr.Q / g.Q, g.StdErr.V / g.V}
		for i, got := range slices.Concat(m.theta, g.theta) {
			z := (got - want[i]) / se[i] // on the logarithm, where the estimate is nearest to normal
			squares += z * z / 7 / shops
		}
		v, err := LifetimeValue(m, g, rows, o)
		if err != nil || v.Figure == nil {
			t.Fatalf("%v %s", err, v.Reason)
		}
		mean, _ := newValuer(rows, o).values(want, nil)
		worth += held(v.Result, mean)
		purchases += held(m.Result, truth.expected(merged(rows), 20))
	}
	t.Logf("errors in standard errors: root mean square %.2f; 95 %% intervals that hold the truth, of %d: purchases %d, lifetime value %d", math.Sqrt(squares), shops, purchases, worth)
	if squares < 0.5 || squares > 1.7 || purchases < shops-2 || worth < shops-2 {
		t.Error("the intervals are not honest")
	}
}

// TestLifetimeValue: the delta method and draws agree, a seed repeats its draws, and the arithmetic of discount, margin and periods.
func TestLifetimeValue(t *testing.T) {
	rows := shop(rand.New(rand.NewPCG(4, 4)), 600, truth, spends)
	m, g := models(t, rows, 0)
	value := func(o CLVOptions) CLV {
		o.Level = 0.95
		v, err := LifetimeValue(m, g, rows, o)
		if err != nil || v.Figure == nil {
			t.Fatalf("%v %s", err, v.Reason)
		}
		return v
	}
	o := CLVOptions{Steps: 6, Step: 4, Discount: 0.02, Margin: 0.4}
	delta := value(o)
	o.Draws, o.Seed = 300, 1
	drawn, again := value(o), value(o)
	near(t, "draws and delta, standard error", drawn.Figure.StdErr/delta.Figure.StdErr, 1, 0.15)
	near(t, "draws and delta, low", drawn.Figure.Low/delta.Figure.Low, 1, 0.05)
	near(t, "draws and delta, high", drawn.Figure.High/delta.Figure.High, 1, 0.05)
	if *drawn.Figure != *again.Figure {
		t.Errorf("the same seed gives %v and %v", *drawn.Figure, *again.Figure)
	}
	whole, half := value(CLVOptions{Steps: 1, Step: 24, Margin: 1}), value(CLVOptions{Steps: 24, Step: 1, Margin: 0.5})
	near(t, "without discount only the horizon matters", half.Figure.Estimate, whole.Figure.Estimate/2, 1e-9)
	if d := value(CLVOptions{Steps: 24, Step: 1, Margin: 0.5, Discount: 0.1}); d.Figure.Estimate >= half.Figure.Estimate {
		t.Errorf("discounted %v, plain %v", d.Figure.Estimate, half.Figure.Estimate)
	}
	sum := 0.0
	for i, v := range delta.Members {
		p, err := m.Predict(rows[i], 24)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "purchases", v.Purchases, p.Figure.Estimate, 1e-9)
		sum += v.CLV
	}
	near(t, "total", delta.Total, sum, 1e-9)
	near(t, "mean", delta.Figure.Estimate, sum/float64(len(rows)), 1e-9)
	for field, bad := range map[string]CLVOptions{
		"steps": {Step: 1, Margin: 1}, "step": {Steps: 1, Margin: 1}, "discount": {Steps: 1, Step: 1, Margin: 1, Discount: -1}, "margin": {Steps: 1, Step: 1},
		"draws": {Steps: 1, Step: 1, Margin: 1, Draws: 5},
	} {
		bad.Level = 0.95
		if _, err := LifetimeValue(m, g, rows, bad); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if v, err := LifetimeValue(BGNBD{Result: m.Refuse(NotConverged)}, g, rows, CLVOptions{Steps: 1, Step: 1, Margin: 1, Level: 0.95}); err != nil || v.Reason != NotConverged {
		t.Errorf("a refused model: %q %v", v.Reason, err)
	}
}

// TestGradients: goal, the analytic gradients; method, central differences at random parameters.
func TestGradients(t *testing.T) {
	rows := shop(rand.New(rand.NewPCG(1, 1)), 300, truth, spends)
	bg := newBGLikelihood(merged(rows), 30)
	again, err := spenders(rows)
	if err != nil {
		t.Fatal(err)
	}
	gg := newGGLikelihood(again, 10)
	rapid.Check(t, func(t *rapid.T) {
		for dim, f := range map[int]objective{4: bg.eval, 3: gg.eval} {
			theta := rapid.SliceOfN(rapid.Float64Range(-2, 2), dim, dim).Draw(t, "theta")
			grad, scratch := make([]float64, dim), make([]float64, dim)
			f(theta, grad)
			want := fd.Gradient(nil, func(x []float64) float64 { return f(x, scratch) }, theta, &fd.Settings{Formula: fd.Central, Step: 1e-5})
			for i := range grad {
				near(t, "derivative", grad[i], want[i], 1e-6)
			}
		}
	})
}

// TestFitInvariance: neither the order of members, nor the units of time and money, nor weights instead of repeated rows change the models.
func TestFitInvariance(t *testing.T) {
	rows := shop(rand.New(rand.NewPCG(5, 5)), 400, truth, spends)
	m, g := models(t, rows, 20)
	other := slices.Clone(rows)
	slices.Reverse(other)
	for i := range other {
		other[i].T *= 7
		other[i].Recency *= 7
		other[i].Value *= 100
	}
	n, h := models(t, other, 140)
	near(t, "r", n.R, m.R, 1e-6)
	near(t, "alpha in days", n.Alpha, 7*m.Alpha, 1e-6)
	near(t, "b", n.B, m.B, 1e-6)
	near(t, "expected", n.Figure.Estimate, m.Figure.Estimate, 1e-7)
	near(t, "v in cents", h.V, 100*g.V, 1e-6)
	near(t, "mean in cents", h.Figure.Estimate, 100*g.Figure.Estimate, 1e-7)
	heavy := slices.Clone(rows)
	for i := range heavy {
		heavy[i].Weight = 3
	}
	thrice, spend := models(t, slices.Concat(rows, rows, rows), 20)
	w, wg := models(t, heavy, 20)
	near(t, "log-likelihood with weights", w.LogLik, thrice.LogLik, 1e-10)
	near(t, "standard error with weights", w.StdErr.B, thrice.StdErr.B, 1e-6)
	near(t, "spend with weights", wg.LogLik, spend.LogLik, 1e-10)
	near(t, "standard error shrinks", w.StdErr.R*math.Sqrt(3), m.StdErr.R, 1e-4)
}

// TestPredictionProperties: more time, more purchases, and never more than without leaving; the longer the silence, the less alive.
func TestPredictionProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		positive := func(name string, most float64) float64 { return rapid.Float64Range(0.01, most).Draw(t, name) }
		p := BGNBDParams{R: positive("r", 5), Alpha: positive("alpha", 20), A: positive("a", 5), B: positive("b", 20)}
		c := Customer{Frequency: rapid.Int64Range(0, 200).Draw(t, "x"), T: positive("T", 100)}
		if c.Frequency > 0 {
			c.Recency = c.T * rapid.Float64Range(0, 1).Draw(t, "recency")
		}
		near, far := positive("horizon", 50), 0.0
		far = near * (1 + positive("more", 1))
		a, b := p.ifAlive(c, near), p.ifAlive(c, far)
		if math.IsNaN(a) || math.IsNaN(b) {
			t.Skip("further than the series goes")
		}
		never := (p.R + float64(c.Frequency)) * far / (p.Alpha + c.T)
		if a < 0 || b < a || b > never*(1+1e-12) {
			t.Fatalf("%v then %v, without leaving %v", a, b, never)
		}
		later := c
		later.T *= 1.5
		if now, then := p.alive(c), p.alive(later); now < 0 || now > 1 || then > now {
			t.Fatalf("alive %v, later %v", now, then)
		}
		// The published form, where it has no pole near: the library's 2F1 is another road to the same number.
		x := float64(c.Frequency)
		if cc := p.A + p.B + x; c.Frequency < 40 && math.Abs(p.A-1) > 0.2 && math.Abs(cc-1) > 0.2 {
			z := near / (p.Alpha + c.T + near)
			f := mathext.Hypergeo(p.R+x, p.B+x, cc-1, z)
			want := (cc - 1) / (p.A - 1) * (1 - math.Exp((p.R+x)*math.Log1p(-z))*f)
			if z < 0.8 && math.Abs(a-want) > 1e-7*(1+math.Abs(want)) {
				t.Fatalf("%v, with 2F1 %v", a, want)
			}
		}
	})
}

// TestFitReasons: data that no model can be fitted to.
func TestFitReasons(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	once, loyal, alike := make([]Customer, 200), make([]Customer, 400), make([]Customer, 200)
	for i := range once {
		once[i] = Customer{T: 10}
		alike[i] = Customer{Frequency: 2, Recency: 5, T: 10, Value: 20}
	}
	for i := range loyal { // nobody ever leaves: the last purchase is always just now
		loyal[i] = Customer{Frequency: 20 + rng.Int64N(20), Recency: 39.9, T: 40, Value: 5 + rng.Float64()}
	}
	good := shop(rng, 400, truth, spends)
	cases := map[string]struct {
		rows []Customer
		o    FitOptions
		want []measure.Reason
	}{
		"nobody":      {nil, FitOptions{}, []measure.Reason{measure.EmptyArm}},
		"few":         {good[:50], FitOptions{}, []measure.Reason{measure.TooFewMembers}},
		"once":        {once, FitOptions{}, []measure.Reason{NoEvents}},
		"loyal":       {loyal, FitOptions{}, []measure.Reason{NotConverged, NotIdentified}},
		"alike":       {alike, FitOptions{}, []measure.Reason{NotConverged, NotIdentified}},
		"far horizon": {good, FitOptions{Horizon: 1e9}, []measure.Reason{OutOfRange}},
	}
	for name, c := range cases {
		c.o.Level = 0.95
		m, err := FitBGNBD(c.rows, c.o)
		if err != nil || m.Figure != nil || !slices.Contains(c.want, m.Reason) {
			t.Errorf("%s: %q %v %+v", name, m.Reason, err, m.Convergence)
		}
		if p, err := m.Predict(good[0], 10); name != "far horizon" && (err != nil || p.Figure != nil || p.Reason != m.Reason) {
			t.Errorf("%s: a refused model predicts %+v", name, p)
		}
	}
	if g, err := FitGammaGamma(alike, FitOptions{Level: 0.95}); err != nil || g.Reason != measure.ZeroVariance {
		t.Errorf("equal values: %q %v", g.Reason, err)
	}
	if g, err := FitGammaGamma(once, FitOptions{Level: 0.95}); err != nil || g.Reason != measure.EmptyArm {
		t.Errorf("no repeat purchase: %q %v", g.Reason, err)
	}
	for field, bad := range map[string]Customer{
		"customers[0].frequency": {Frequency: -1}, "customers[0].T": {T: math.NaN()}, "customers[0].recency": {Recency: 2, T: 1, Frequency: 1},
		"customers[0].weight": {Weight: -1}, "customers[0].value": {Value: math.Inf(1)},
	} {
		if _, err := FitBGNBD([]Customer{bad}, FitOptions{Level: 0.95}); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestSpendDependsOnVisit: the warning comes when members who come more often spend more, and not without.
func TestSpendDependsOnVisit(t *testing.T) {
	rows := shop(rand.New(rand.NewPCG(3, 3)), 2000, truth, spends)
	g, err := FitGammaGamma(rows, FitOptions{Level: 0.95})
	if err != nil || slices.Contains(g.Warnings, SpendDependsOnVisit) {
		t.Errorf("independent: %v %+v %v", g.Warnings, g.Independence, err)
	}
	for i := range rows {
		rows[i].Value *= 1 + 0.3*float64(rows[i].Frequency)
	}
	g, err = FitGammaGamma(rows, FitOptions{Level: 0.95})
	if err != nil || !slices.Contains(g.Warnings, SpendDependsOnVisit) {
		t.Errorf("dependent: %v %+v %v", g.Warnings, g.Independence, err)
	}
}
