package members

import (
	"math"
	"testing"

	"cagnotte/pipeline/measure"
)

// The oracle's script and versions are in ../testdata/oracles/members.py.
type modelOracle struct {
	Customers                    [][4]float64
	R, Alpha, A, B, LogLik, P, Q float64
	V                            float64
	SE                           []float64
	Probe                        []int
	Expected, Alive, Spend, CLV  []float64
	CLVStep                      float64 `json:"clv_step"`
}

type oracles struct {
	CDNOW       modelOracle
	Simulated   []modelOracle
	Conditional []struct {
		R, Alpha, A, B, T, Want float64
		X                       int64
		Horizon                 float64 `json:"t"`
	}
	Survival []struct {
		Duration []float64
		Lapsed   []bool
		Steps    []SurvivalStep
		SE       []float64
		Median   *float64
	}
	Ladder []struct {
		Cumulative        [][]float64
		Factors, Open, SE []float64
		Total             float64
		TotalSE           float64 `json:"total_se"`
	}
	Returns []struct {
		Treatment, Control             measure.FloatSums
		Fixed, ROI, Low, High, P, Rate float64
		RateSE                         float64 `json:"rate_se"`
		Margin                         []float64
	}
	Cohorts struct {
		Through int
		Rows    []MemberActivity
		Joined  []int
		Size    []int64
		Cells   [][]int64
		Curve   [][4]float64
	}
}

func loadOracles(t *testing.T) (o oracles) {
	t.Helper()
	fixture(t, "members.json", &o)
	return o
}

// compareModel checks a fit and its predictions against Lifetimes'. That stops when its own tolerance is met, ours at a vanishing gradient, so
// the parameters agree to a part in ten thousand and our likelihood is never the smaller one.
func compareModel(t *testing.T, rows []Customer, want modelOracle) {
	t.Helper()
	bg, err := FitBGNBD(rows, FitOptions{Level: 0.95, Horizon: 39})
	if err != nil || bg.Figure == nil {
		t.Fatalf("no model: %v %s", err, bg.Reason)
	}
	gg, err := FitGammaGamma(rows, FitOptions{Level: 0.95})
	if err != nil || gg.Figure == nil {
		t.Fatalf("no model: %v %s", err, gg.Reason)
	}
	if bg.LogLik < want.LogLik-1e-9*math.Abs(want.LogLik) {
		t.Errorf("log-likelihood %.9f is below the oracle's %.9f", bg.LogLik, want.LogLik)
	}
	near(t, "log-likelihood", bg.LogLik, want.LogLik, 1e-8)
	near(t, "r", bg.R, want.R, 1e-4)
	near(t, "alpha", bg.Alpha, want.Alpha, 1e-4)
	near(t, "a", bg.A, want.A, 1e-4)
	near(t, "b", bg.B, want.B, 1e-4)
	near(t, "p", gg.P, want.P, 1e-4)
	near(t, "q", gg.Q, want.Q, 1e-4)
	near(t, "v", gg.V, want.V, 1e-4)
	for i, got := range []float64{bg.StdErr.R, bg.StdErr.Alpha, bg.StdErr.A, bg.StdErr.B} {
		near(t, "standard error", got/want.SE[i], 1, 1e-3)
	}
	for i, row := range want.Probe {
		p, err := bg.Predict(rows[row], 39)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "expected", p.Figure.Estimate, want.Expected[i], 1e-4)
		near(t, "alive", p.Alive, want.Alive[i], 1e-4)
		spend, ok := gg.Spend(rows[row])
		if !ok {
			t.Fatal("no spend")
		}
		near(t, "spend", spend, want.Spend[i], 1e-4)
	}
	clv, err := LifetimeValue(bg, gg, rows[:len(want.CLV)], CLVOptions{Steps: 12, Step: want.CLVStep, Discount: 0.01, Margin: 1, Level: 0.95})
	if err != nil || clv.Figure == nil {
		t.Fatalf("no value: %v %s", err, clv.Reason)
	}
	for i, w := range want.CLV {
		near(t, "clv", clv.Members[i].CLV, w, 2e-4)
	}
}

// TestModelsAgainstLifetimes: goal, the same fits and predictions as another implementation; method, simulated members and CDNOW.
func TestModelsAgainstLifetimes(t *testing.T) {
	o := loadOracles(t)
	for _, want := range o.Simulated {
		rows := make([]Customer, len(want.Customers))
		for i, c := range want.Customers {
			rows[i] = Customer{Frequency: int64(c[0]), Recency: c[1], T: c[2], Value: c[3]}
		}
		compareModel(t, rows, want)
	}
	t.Run("cdnow", func(t *testing.T) { compareModel(t, cdnow(t), o.CDNOW) })
}

// TestConditionalExpectation: goal, the series that replaces the hypergeometric function, also at and beside its poles; method, 60 digits.
func TestConditionalExpectation(t *testing.T) {
	worst := 0.0
	for i, c := range loadOracles(t).Conditional {
		got := BGNBDParams{c.R, c.Alpha, c.A, c.B}.ifAlive(Customer{Frequency: c.X, T: c.T}, c.Horizon)
		off := math.Abs(got/c.Want - 1)
		worst = math.Max(worst, off)
		if !(off < 1e-11) {
			t.Errorf("case %d %+v: %v, off by %.1e", i, c, got, off)
		}
	}
	t.Logf("largest relative error %.1e", worst)
}

// TestKaplanMeierAgainstLifelines: steps, Greenwood's standard error (statsmodels), log-log intervals and median (lifelines).
func TestKaplanMeierAgainstLifelines(t *testing.T) {
	for _, c := range loadOracles(t).Survival {
		rows := make([]Lifetime, len(c.Duration))
		for i := range rows {
			rows[i] = Lifetime{c.Duration[i], c.Lapsed[i]}
		}
		s, err := KaplanMeier(rows, SurvivalOptions{At: c.Duration[0], Level: 0.95})
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Steps) != len(c.Steps) {
			t.Fatalf("%d steps, want %d", len(s.Steps), len(c.Steps))
		}
		for i, w := range c.Steps {
			g := s.Steps[i]
			if g.Time != w.Time || g.AtRisk != w.AtRisk {
				t.Errorf("step %d at %v with %d at risk, want %v with %d", i, g.Time, g.AtRisk, w.Time, w.AtRisk)
			}
			near(t, "survival", g.Survival, w.Survival, 1e-12)
			if w.Survival > 0 { // once nobody is left the oracles say 0 and infinite
				near(t, "standard error", g.StdErr, w.StdErr, 1e-9)
				near(t, "low", g.Low, w.Low, 1e-9)
				near(t, "high", g.High, w.High, 1e-9)
			}
		}
		if (s.Median == nil) != (c.Median == nil) || s.Median != nil && *s.Median != *c.Median {
			t.Errorf("median %v, want %v", s.Median, c.Median)
		}
	}
}

// TestMackAgainstChainLadder: the first triangle is Taylor and Ashe's, on which Mack published 18 680 856 with a standard error of 2 447 095.
func TestMackAgainstChainLadder(t *testing.T) {
	for i, c := range loadOracles(t).Ladder {
		m, err := Mack(c.Cumulative, 0.95)
		if err != nil || m.Figure == nil {
			t.Fatalf("no ladder: %v %s", err, m.Reason)
		}
		for k, f := range c.Factors {
			near(t, "factor", m.Factors[k], f, 1e-12)
		}
		for j, row := range m.Rows {
			near(t, "open", row.Open, c.Open[j], 1e-9)
			near(t, "standard error", row.StdErr, c.SE[j], 1e-9)
		}
		near(t, "total", m.Total.Open, c.Total, 1e-12)
		near(t, "total's standard error", m.Total.StdErr, c.TotalSE, 1e-9)
		if i == 0 {
			within(t, "published total", m.Total.Open, 18_680_856, 1)
			within(t, "published standard error", m.Total.StdErr, 2_447_095, 1)
			t.Logf("Taylor-Ashe: open %.0f, standard error %.0f, 95 %% [%.0f, %.0f]", m.Total.Open, m.Total.StdErr, m.Figure.Low, m.Figure.High)
		}
	}
}

// TestReturnsAgainstRoots: Fieller's interval against root finding on the raw rows, Welch's against statsmodels.
func TestReturnsAgainstRoots(t *testing.T) {
	o := measure.DefaultOptions(measure.Absolute)
	for _, c := range loadOracles(t).Returns {
		tr, co := c.Treatment.Joint(), c.Control.Joint()
		r := ROIRandomCost(tr, co, c.Fixed, o)
		if r.Figure == nil {
			t.Fatal(r.Reason)
		}
		near(t, "ROI", r.Figure.Estimate, c.ROI, 1e-9)
		near(t, "low", r.Figure.Low, c.Low, 1e-8)
		near(t, "high", r.Figure.High, c.High, 1e-8)
		near(t, "p", r.Figure.P, c.P, 1e-8)
		m := IncrementalMargin(tr.Arm(), co.Arm(), o)
		for i, got := range []float64{m.Figure.Estimate, m.Figure.Low, m.Figure.High} {
			near(t, "incremental margin", got, c.Margin[i], 1e-9)
		}
		rewards := tr
		rewards.Y, rewards.D, rewards.YY, rewards.DD = tr.D, tr.Y, tr.DD, tr.YY
		rate := RewardRate(rewards, 0.95)
		near(t, "reward rate", rate.Figure.Estimate, c.Rate, 1e-10)
		near(t, "its standard error", rate.Figure.StdErr/c.RateSE, 1, 1e-8)
	}
}

// TestCohortsAgainstPandas: counts, the absence of what is not observed, and the pooled curve with Wilson's interval.
func TestCohortsAgainstPandas(t *testing.T) {
	w := loadOracles(t).Cohorts
	table, err := Cohorts(w.Rows, CohortOptions{Through: w.Through, Age: 3, Level: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	if len(table.Cohorts) != len(w.Joined) {
		t.Fatalf("%d cohorts, want %d", len(table.Cohorts), len(w.Joined))
	}
	for i, c := range table.Cohorts {
		if c.Joined != w.Joined[i] || c.Size != w.Size[i] || len(c.Cells) != len(w.Cells[i]) {
			t.Fatalf("cohort %d: joined %d, size %d, %d cells; want %d, %d, %d", i, c.Joined, c.Size, len(c.Cells), w.Joined[i], w.Size[i], len(w.Cells[i]))
		}
		for k, cell := range c.Cells {
			if cell.Active != w.Cells[i][k] || cell.Age != k || cell.Of != c.Size {
				t.Errorf("cohort %d age %d: %d active, want %d", c.Joined, k, cell.Active, w.Cells[i][k])
			}
		}
	}
	for k, c := range w.Curve {
		g := table.Curve[k]
		if float64(g.Active) != c[0] || float64(g.Of) != c[1] {
			t.Errorf("age %d: %d of %d, want %v of %v", k, g.Active, g.Of, c[0], c[1])
		}
		near(t, "low", g.Low, c[2], 1e-12)
		near(t, "high", g.High, c[3], 1e-12)
	}
	if f := table.Figure; f == nil || f.Estimate != table.Curve[3].Share {
		t.Errorf("the figure %v is not the curve at age 3", f)
	}
}
