package members

import (
	"encoding/json"
	"fmt"
	"testing"

	"cagnotte/pipeline/measure"
)

// TestRetentionVectors: goal, the published rates; method, their own inputs, compared exactly.
func TestRetentionVectors(t *testing.T) {
	var in struct{ Start, End, New int64 }
	var want struct{ Rate float64 }
	tolerance := loadVector(t, "retention_small_business_guide", &in, &want)
	r := RetentionRate(in.Start, in.End, in.New, 0.95)
	within(t, "retention", r.Figure.Estimate, want.Rate, tolerance)

	var claims struct{ Claims, Reached int64 }
	tolerance = loadVector(t, "cashback_return_rate_fr", &claims, &want)
	within(t, "participation", measure.Wilson(claims.Claims, claims.Reached, 0.95).Figure.Estimate, want.Rate, tolerance)
}

// TestBGNBDVector: goal, the published parameters, likelihood and conditional expectation on CDNOW.
func TestBGNBDVector(t *testing.T) {
	rows := cdnow(t)
	var want struct {
		R, Alpha, A, B, LogLik float64
		Expected               float64 `json:"cond_exp_39w_x2_tx30_43_T38_86"`
	}
	tolerance := loadVector(t, "bgnbd_cdnow", &struct{}{}, &want)
	m, err := FitBGNBD(rows, FitOptions{Level: 0.95, Horizon: 39})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(Customer{Frequency: 2, Recency: 30.43, T: 38.86}, 39)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "r", m.R, want.R, tolerance)
	within(t, "alpha", m.Alpha, want.Alpha, tolerance)
	within(t, "a", m.A, want.A, tolerance)
	within(t, "b", m.B, want.B, tolerance)
	within(t, "log-likelihood", m.LogLik, want.LogLik, 0.01) // published with two decimals
	within(t, "conditional expectation", p.Figure.Estimate, want.Expected, tolerance)
	t.Logf("r %.4f (%.4f) alpha %.4f (%.4f) a %.4f (%.4f) b %.4f (%.4f) log-likelihood %.4f, E %.4f [%.3f, %.3f], alive %.3f, %d evaluations, %d of %d starts agree",
		m.R, m.StdErr.R, m.Alpha, m.StdErr.Alpha, m.A, m.StdErr.A, m.B, m.StdErr.B, m.LogLik, p.Figure.Estimate, p.Figure.Low, p.Figure.High, p.Alive,
		m.Convergence.Evaluations, m.Convergence.Agreed, m.Convergence.Starts)
}

// TestGammaGammaPublished: the parameters that Fader & Hardie 2013 publish for the same members.
func TestGammaGammaPublished(t *testing.T) {
	m, err := FitGammaGamma(cdnow(t), FitOptions{Level: 0.95})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "p", m.P, 6.25, 0.01)
	within(t, "q", m.Q, 3.74, 0.01)
	within(t, "v", m.V, 15.44, 0.01)
}

// booked is a liability vector's own form: the periods are y2_..., y3_... and so on.
func booked(t *testing.T, id string) (in LiabilityInput, want map[string]float64, tolerance float64) {
	t.Helper()
	var raw map[string]float64
	tolerance = loadVector(t, id, &raw, &want)
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	for year := 2; ; year++ {
		redeemed, ok := raw[fmt.Sprintf("y%d_redeemed", year)]
		if !ok {
			break
		}
		p := Period{Redeemed: redeemed}
		if e, ok := raw[fmt.Sprintf("y%d_expected", year)]; ok {
			p.Expected = &e
		}
		in.Periods = append(in.Periods, p)
	}
	in.Level = 0.95
	return in, want, tolerance
}

// TestLiabilityVectors: goal, both published examples through the one entry point; method, whatever an example expects is looked up by name.
func TestLiabilityVectors(t *testing.T) {
	for _, id := range []string{"ifrs15_kpmg_10a", "ifrs15_finlearn"} {
		t.Run(id, func(t *testing.T) {
			in, want, tolerance := booked(t, id)
			l, err := BreakageLiability(in)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{"goods": l.Goods, "liability": l.Liability, "released_at_50pct": l.ReleasedAtHalf}
			for i, p := range l.Periods {
				got[fmt.Sprintf("y%d_revenue", i+2)] = p.Revenue
			}
			for name, w := range want {
				g, ok := got[name]
				if !ok {
					t.Errorf("no answer has the name %s", name)
				}
				within(t, name, g, w, tolerance)
				t.Logf("%s %.2f, published %.2f", name, g, w)
			}
			t.Logf("exact allocation %.4f, posted %.4f, open %.2f, warnings %v", l.Exact, l.Liability, l.Open, l.Warnings)
		})
	}
}

// TestLiabilityPublished10B: the sister example, in which the estimate falls to 9 200 points.
func TestLiabilityPublished10B(t *testing.T) {
	expected, rate, less := 9000.0, 0.97, 9200.0
	l, err := BreakageLiability(LiabilityInput{
		Sales: 100_000, Points: 10_000, RedemptionRate: &rate, Allocated: &expected, Level: 0.95,
		Periods: []Period{{Redeemed: 4500}, {Redeemed: 4000, Expected: &less}},
	})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "year 2", l.Periods[0].Revenue, 4175, 1)
	within(t, "year 3", l.Periods[1].Revenue, 4140, 1)
}
