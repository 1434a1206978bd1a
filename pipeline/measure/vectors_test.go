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
	CI                     []float64
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
			near(t, "low", &r.Figure.Low, &want.CI[0], v.Tolerance)
			near(t, "high", &r.Figure.High, &want.CI[1], v.Tolerance)
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

// TestMemberDiDVectors: difference-in-differences of members is Welch on each member's change, whose moments follow from the pairs' sums.
func TestMemberDiDVectors(t *testing.T) {
	vectors := loadVectors(t)
	type pairs struct {
		N                     int64
		SX, SXX, SY, SYY, SXY float64
	}
	change := func(p pairs) Arm { return Moments{N: p.N, Sum: p.SY - p.SX, SumSq: p.SYY + p.SXX - 2*p.SXY}.Arm() }
	for _, id := range []string{"cj_campaign_8", "cj_campaign_18", "cj_campaign_20"} {
		t.Run(id, func(t *testing.T) {
			v := vectors[id]
			var in struct{ Control, Treated pairs }
			var want struct {
				DiD float64
				SE  float64 `json:"did_se"`
			}
			decode(t, v, &in, &want)
			f := Welch(change(in.Treated), change(in.Control), DefaultOptions(Absolute)).Figure
			near(t, "did", &f.Estimate, &want.DiD, v.Tolerance)
			near(t, "se", &f.StdErr, &want.SE, v.Tolerance)
		})
	}
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
