package measure

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// vector is one published result of the shared file.
type vector struct {
	ID        string          `json:"id"`
	Inputs    json.RawMessage `json:"inputs"`
	Expected  json.RawMessage `json:"expected"`
	Tolerance float64         `json:"tolerance"`
}

// dataDir finds the folder of real data, or skips; where services are mandatory, absence is a failure.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("the real data are mandatory here: %v", err)
		}
		t.Skipf("no real data (set CAGNOTTE_DATA): %v", err)
	}
	return dir
}

func loadVectors(t *testing.T) map[string]vector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dataDir(t), "..", "vectors", "kpi_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	byID := map[string]vector{}
	for _, v := range list {
		byID[v.ID] = v
	}
	return byID
}

type armIn struct {
	N     int64   `json:"n"`
	Sum   float64 `json:"sum"`
	SumSq float64 `json:"sum_squares"`
}

func (a armIn) arm() Arm { return Moments(a).Arm() }

type twoArmIn struct {
	Control, Treatment armIn
	NStar              int64 `json:"n_star"`
}

type twoArmOut struct {
	Lift, Diff, SE, P, DOF *float64
	CI                     [2]*float64
	CILow                  *float64 `json:"ci_low"`
}

// TestTwoArmVectors: goal, the estimates, intervals and p of published tests; method, the same sufficient statistics.
func TestTwoArmVectors(t *testing.T) {
	vectors := loadVectors(t)
	cases := []struct {
		id    string
		scale Scale
		arm   func(armIn) Arm
		run   func(t, c Arm, o Options) Result
	}{
		{"gb_mean_rel", Relative, armIn.arm, Welch},
		{"gb_mean_abs", Absolute, armIn.arm, Welch},
		{"gb_binom_rel", Relative, func(a armIn) Arm { return Share(int64(a.Sum), a.N) }, Welch},
		{"gb_seq_mean", Relative, armIn.arm, AlwaysValid},
		{"gb_one_sided_abs_greater", Absolute, armIn.arm, func(t, c Arm, o Options) Result { return WelchOneSided(t, c, Greater, o) }},
	}
	for _, tc := range cases {
		t.Run(tc.id, func(t *testing.T) {
			v := vectors[tc.id]
			var in twoArmIn
			var want twoArmOut
			decode(t, v, &in, &want)
			o := DefaultOptions(tc.scale)
			o.MinPerArm, o.PlanMembers = 2, in.NStar
			r := tc.run(tc.arm(in.Treatment), tc.arm(in.Control), o)
			if r.Figure == nil {
				t.Fatalf("no figure: %s", r.Reason)
			}
			estimate := want.Lift
			if tc.scale == Absolute {
				estimate = want.Diff
			}
			near(t, "estimate", &r.Figure.Estimate, estimate, v.Tolerance)
			near(t, "se", &r.Figure.StdErr, want.SE, v.Tolerance)
			near(t, "p", &r.Figure.P, want.P, v.Tolerance)
			near(t, "df", &r.Figure.DF, want.DOF, 1e-3)
			near(t, "low", &r.Figure.Low, want.CI[0], v.Tolerance)
			near(t, "high", &r.Figure.High, want.CI[1], v.Tolerance)
			near(t, "one-sided low", &r.Figure.Low, want.CILow, v.Tolerance)
		})
	}
}

// TestClickHouseWelch: the engine's own example of welchTTest, from raw values.
func TestClickHouseWelch(t *testing.T) {
	v := loadVectors(t)["ch_welch"]
	var in struct{ Index0, Index1 []float64 }
	var want struct{ T, P float64 }
	decode(t, v, &in, &want)
	var a, b Moments
	for _, x := range in.Index0 {
		a.Add(x)
	}
	for _, x := range in.Index1 {
		b.Add(x)
	}
	o := DefaultOptions(Absolute)
	o.MinPerArm = 2
	f := Welch(a.Arm(), b.Arm(), o).Figure
	got := f.Estimate / f.StdErr
	near(t, "t", &got, &want.T, 1e-9)
	near(t, "p", &f.P, &want.P, v.Tolerance)
}

// TestSequentialCUPEDVector: the published confidence sequence of a covariate-adjusted lift.
func TestSequentialCUPEDVector(t *testing.T) {
	v := loadVectors(t)["gb_seq_cuped"]
	type sums struct {
		Sum   float64
		SumSq float64 `json:"sum_squares"`
	}
	type arm struct {
		N         int64
		Post, Pre sums
		Product   float64 `json:"post_pre_sum_of_products"`
	}
	var in struct {
		Control, Treatment arm
		NStar              int64 `json:"n_star"`
	}
	var want twoArmOut
	decode(t, v, &in, &want)
	joint := func(a arm) Joint {
		return FloatSums{N: a.N, Y: a.Post.Sum, YY: a.Post.SumSq, X: a.Pre.Sum, XX: a.Pre.SumSq, XY: a.Product}.Joint()
	}
	o := DefaultOptions(Relative)
	o.PlanMembers = in.NStar
	r := AlwaysValidCUPED(joint(in.Treatment), joint(in.Control), o)
	if r.Figure == nil || r.Fallback != "" || r.Theta == 0 {
		t.Fatalf("not adjusted: %q %q", r.Reason, r.Fallback)
	}
	near(t, "lift", &r.Figure.Estimate, want.Lift, v.Tolerance)
	near(t, "se", &r.Figure.StdErr, want.SE, v.Tolerance)
	near(t, "p", &r.Figure.P, want.P, v.Tolerance)
	near(t, "low", &r.Figure.Low, want.CI[0], v.Tolerance)
	near(t, "high", &r.Figure.High, want.CI[1], v.Tolerance)
}

// TestClickHouseVectors: the engine's own examples of meanZTest and covarSampStable.
func TestClickHouseVectors(t *testing.T) {
	v := loadVectors(t)["ch_meanz"]
	var in struct {
		Index0, Index1 []float64
		VarX           float64 `json:"var_x"`
		VarY           float64 `json:"var_y"`
		Level          float64
	}
	var want struct {
		Z, P float64
		CI   [2]float64
	}
	decode(t, v, &in, &want)
	known := func(values []float64, variance float64) Arm {
		var m Moments
		for _, x := range values {
			m.Add(x)
		}
		return Arm{N: m.N, Mean: m.Arm().Mean, Var: variance}
	}
	f := MeanZ(known(in.Index0, in.VarX), known(in.Index1, in.VarY), Options{Level: in.Level}).Figure
	z := f.Estimate / f.StdErr
	near(t, "z", &z, &want.Z, v.Tolerance)
	near(t, "p", &f.P, &want.P, v.Tolerance)
	near(t, "low", &f.Low, &want.CI[0], v.Tolerance)
	near(t, "high", &f.High, &want.CI[1], v.Tolerance)

	v = loadVectors(t)["ch_covar"]
	var pairs struct{ X, Y []float64 }
	var cov struct{ Cov float64 }
	decode(t, v, &pairs, &cov)
	got, err := Covariance(pairs.X, pairs.Y)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "covariance", &got, &cov.Cov, v.Tolerance)
}

// TestMemberDiDVectors: real campaigns without random arms, three estimates from the sums of members' spend before and during.
func TestMemberDiDVectors(t *testing.T) {
	vectors := loadVectors(t)
	type pairs struct {
		N                     int64
		SX, SXX, SY, SYY, SXY float64
	}
	joint := func(p pairs) Joint {
		return FloatSums{N: p.N, Y: p.SY, YY: p.SYY, X: p.SX, XX: p.SXX, XY: p.SXY}.Joint()
	}
	for _, id := range []string{"cj_campaign_8", "cj_campaign_18", "cj_campaign_20"} {
		t.Run(id, func(t *testing.T) {
			v := vectors[id]
			var in struct{ Control, Treated pairs }
			var want struct {
				Naive, DiD, ANCOVA float64
				SE                 float64 `json:"did_se"`
			}
			decode(t, v, &in, &want)
			o := DefaultOptions(Absolute)
			o.Design = Observational
			e := MemberDiD(joint(in.Treated), joint(in.Control), o)
			near(t, "did", &e.Figure.Estimate, &want.DiD, v.Tolerance)
			near(t, "se", &e.Figure.StdErr, &want.SE, v.Tolerance)
			near(t, "naive", &e.Naive.Estimate, &want.Naive, v.Tolerance)
			near(t, "ancova", &e.ANCOVA.Estimate, &want.ANCOVA, v.Tolerance)
		})
	}
}

// TestReceiptDeltaVector: the squares of a member's total, receipt by receipt. The vector is in euros, members are in cents.
func TestReceiptDeltaVector(t *testing.T) {
	v := loadVectors(t)["sumsq_delta"]
	var in struct{ Receipts []float64 }
	var want struct {
		Total  float64
		SumSq  float64 `json:"sum_squares_of_total"`
		Deltas []float64
	}
	decode(t, v, &in, &want)
	var m Member
	s := Of(m)
	for i, euros := range in.Receipts {
		after, delta, ok := m.Receipt(int64(math.Round(euros*100)), 1)
		if !ok {
			t.Fatal("refused")
		}
		got := delta.YY.Float() / 1e4
		near(t, "delta", &got, &want.Deltas[i], v.Tolerance)
		s, m = s.Merge(delta), after
	}
	total, sq := s.Y.Float()/100, s.YY.Float()/1e4
	near(t, "total", &total, &want.Total, v.Tolerance)
	near(t, "squares", &sq, &want.SumSq, v.Tolerance)
}

// TestWilsonVectors: participation rates with their interval.
func TestWilsonVectors(t *testing.T) {
	vectors := loadVectors(t)
	v := vectors["wilson_cj18"]
	var in struct{ K, N int64 }
	var want struct{ Rate, Lo, Hi float64 }
	decode(t, v, &in, &want)
	f := Wilson(in.K, in.N, 0.95).Figure
	near(t, "rate", &f.Estimate, &want.Rate, v.Tolerance)
	near(t, "low", &f.Low, &want.Lo, v.Tolerance)
	near(t, "high", &f.High, &want.Hi, v.Tolerance)

	v = vectors["cashback_return_rate_fr"]
	var claims struct{ Claims, Reached int64 }
	decode(t, v, &claims, &want)
	f = Wilson(claims.Claims, claims.Reached, 0.95).Figure
	near(t, "rate", &f.Estimate, &want.Rate, 1e-15)
}

func decode(t *testing.T, v vector, in, want any) {
	t.Helper()
	if v.ID == "" {
		t.Fatal("the vector is not in the file")
	}
	if err := json.Unmarshal(v.Inputs, in); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(v.Expected, want); err != nil {
		t.Fatal(err)
	}
}

// near compares where an expected value was published.
func near(t *testing.T, what string, got, want *float64, tolerance float64) {
	t.Helper()
	if want == nil {
		return
	}
	if math.Abs(*got-*want) > tolerance {
		t.Errorf("%s = %.8f, want %.8f (tolerance %g)", what, *got, *want, tolerance)
	}
}
