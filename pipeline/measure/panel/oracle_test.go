package panel

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"cagnotte/pipeline/measure"
)

// oracle is testdata/oracles/panel.json: what libraries of another origin say about random inputs. panel.py says how it is made.
type oracle struct {
	TwoWay []struct {
		Name    string
		Outcome [][]float64
		Start   []*int
		Cluster []int
		SE1     float64 `json:"se_cr1"`
		P1      float64 `json:"p_cr1"`
		SE2     float64 `json:"se_cr2"`
		DF2     float64 `json:"df_cr2"`

		Estimate, Low, High float64
	} `json:"two_way"`
	Wild []struct {
		Name        string
		T           float64
		PEnumerated float64 `json:"p_enumerated"`
		PPackage    float64 `json:"p_package"`
		PWebb       float64 `json:"p_package_webb"`
		Patterns    int
	}
	Permutation []struct {
		Values, Shifts []float64
		PShift         []float64 `json:"p_shift"`
		Treated        int
		Difference, P  float64
		WelchP         float64 `json:"welch_p"`
		WelchDF        float64 `json:"welch_df"`
	}
	Staggered struct {
		Outcome [][]float64
		Start   []*int
		Cases   []staggeredCase
	}
	TwoByTwo struct {
		Treated       []bool
		Before, After []*float64
		All, Balanced []float64
	} `json:"two_by_two"`
	Campaigns struct {
		Rows   [][5]float64
		Naive  [3]float64 `json:"naive_campaign_fe"`
		Pooled [3]float64 `json:"did_pooled"`
		DiD    [3]float64 `json:"did_campaign_fe"`
		ANCOVA [3]float64 `json:"ancova_campaign_fe"`
	}
}

type staggeredCase struct {
	Name, Control, Base              string
	Cells                            [][4]*float64
	Simple, Dynamic, Group, Calendar struct {
		Overall [2]*float64
		Cells   [][3]*float64
	}
}

func loadOracle(t *testing.T) oracle {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "oracles", "panel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o oracle
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// near fails unless got is want up to a share (or, near zero, an absolute amount) of tolerance.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s: %.10g, want %.10g", what, got, want)
	}
}

// matrixPanel makes the panel of an oracle's matrix; periods count from 1.
func matrixPanel(t *testing.T, outcome [][]float64, start []*int, cluster []int) Panel {
	t.Helper()
	units, from, by := make([]string, len(outcome)), make([]int, len(outcome)), map[string]string{}
	periods := make([]int, len(outcome[0]))
	for i := range periods {
		periods[i] = i + 1
	}
	for i := range outcome {
		units[i], from[i] = fmt.Sprint("u", i), Never
		if start[i] != nil {
			from[i] = *start[i] + 1
		}
		if cluster != nil {
			by[units[i]] = fmt.Sprint(cluster[i])
		}
	}
	p, err := New(units, periods, outcome, from, RejectMissing)
	if err == nil && cluster != nil {
		p, err = p.Clustered(by)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func need(t *testing.T, r measure.Result) measure.Figure {
	t.Helper()
	if r.Figure == nil {
		t.Fatalf("%s: no figure: %s", r.Method, r.Reason)
	}
	return *r.Figure
}

// TestTwoWayOracle: statsmodels for the estimate, CR1 and its t interval; brute force in numpy for CR2 and its degrees of freedom.
func TestTwoWayOracle(t *testing.T) {
	for _, c := range loadOracle(t).TwoWay {
		t.Run(c.Name, func(t *testing.T) {
			r, err := TwoWay(matrixPanel(t, c.Outcome, c.Start, c.Cluster), DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			f := need(t, r.Result)
			near(t, "estimate", f.Estimate, c.Estimate, 1e-10)
			near(t, "CR1", f.StdErr, c.SE1, 1e-10)
			near(t, "p", f.P, c.P1, 1e-9)
			near(t, "low", f.Low, c.Low, 1e-9)
			near(t, "high", f.High, c.High, 1e-9)
			if r.CR2 == nil {
				t.Fatalf("no CR2: %s", r.CR2Reason)
			}
			near(t, "CR2", r.CR2.StdErr, c.SE2, 1e-9)
			near(t, "CR2 df", r.CR2.DF, c.DF2, 1e-8)
		})
	}
}

// TestWildOracle: all sign patterns by brute force must give the same p to the last pattern; the package wildboottest counts ties as not extreme,
// so that it differs by two patterns at most, and by noise where it draws.
func TestWildOracle(t *testing.T) {
	o := loadOracle(t)
	for _, w := range o.Wild {
		t.Run(w.Name, func(t *testing.T) {
			for _, c := range o.TwoWay {
				if c.Name != w.Name {
					continue
				}
				p := matrixPanel(t, c.Outcome, c.Start, c.Cluster)
				r, err := WildCluster(p, DefaultWild(1))
				if err != nil {
					t.Fatal(err)
				}
				if !r.Enumerated || r.Draws != w.Patterns {
					t.Errorf("enumerated %v, %d patterns, want %d", r.Enumerated, r.Draws, w.Patterns)
				}
				near(t, "t", r.T, w.T, 1e-9)
				near(t, "p", r.P, w.PEnumerated, 1e-12)
				near(t, "p of the package", r.P, w.PPackage, 2.5/float64(w.Patterns))
				webb := DefaultWild(2)
				webb.Weights, webb.Draws = Webb, 9999
				if r, err = WildCluster(p, webb); err != nil {
					t.Fatal(err)
				}
				noise := 4 * math.Sqrt(2*w.PWebb*(1-w.PWebb)/9999)
				near(t, "p by Webb's weights", r.P, w.PWebb, noise)
			}
		})
	}
}

// TestPermutationOracle: scipy's permutation_test, all assignments, for p at no effect; and at fifteen shifts, whether the interval holds exactly
// those that scipy does not reject.
func TestPermutationOracle(t *testing.T) {
	for i, c := range loadOracle(t).Permutation {
		treated := make([]bool, len(c.Values))
		for j := range c.Treated {
			treated[j] = true
		}
		r, err := Permutation(c.Values, treated, DefaultPermutation(1))
		if err != nil {
			t.Fatal(err)
		}
		f := need(t, r.Result)
		near(t, "difference", r.Difference, c.Difference, 1e-12)
		near(t, "p", r.P, c.P, 1e-12)
		if !r.Exact {
			t.Errorf("row %d is not exact", i)
		}
		for j, s := range c.Shifts {
			if inside := s >= f.Low && s <= f.High; inside != (c.PShift[j] > 0.05) {
				t.Errorf("row %d: shift %g has p %g, interval [%g, %g]", i, s, c.PShift[j], f.Low, f.High)
			}
		}
		var arms [2]running
		for j, v := range c.Values {
			arms[armOf(treated[j])].add(v)
		}
		w := need(t, welch(DefaultOptions().result("welch", 0, 0), arms[0], arms[1]))
		near(t, "Welch p", w.P, c.WelchP, 1e-9)
		near(t, "Welch df", w.DF, c.WelchDF, 1e-9)
	}
}

// TestTwoByTwoOracle: statsmodels' saturated regression clustered by unit, scipy's Welch on the changes.
func TestTwoByTwoOracle(t *testing.T) {
	c := loadOracle(t).TwoByTwo
	value := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	var pairs []Pair
	for i := range c.Treated {
		pairs = append(pairs, Pair{Unit: fmt.Sprint(i), Treated: c.Treated[i], Before: value(c.Before[i]), After: value(c.After[i])})
	}
	r, err := TwoByTwo(pairs, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range []float64{r.All.Estimate, r.All.StdErr, r.All.P} {
		near(t, fmt.Sprint("all ", i), got, c.All[i], 1e-10)
	}
	f := need(t, r.Result)
	for i, got := range []float64{f.Estimate, f.P, f.DF, f.Low, f.High} {
		near(t, fmt.Sprint("balanced ", i), got, c.Balanced[i], 1e-9)
	}
}

// TestCampaignsOracle: statsmodels' OLS with campaign dummies, clustered by household.
func TestCampaignsOracle(t *testing.T) {
	c := loadOracle(t).Campaigns
	var rows []CampaignRow
	for _, r := range c.Rows {
		rows = append(rows, CampaignRow{Household: fmt.Sprint(r[0]), Campaign: fmt.Sprint(r[1]), Exposed: r[2] == 1, Pre: r[3], Post: r[4]})
	}
	r, err := Campaigns(rows, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct {
		got  measure.Result
		want [3]float64
	}{{r.Naive, c.Naive}, {r.DiDPooled, c.Pooled}, {r.Result, c.DiD}, {r.ANCOVA, c.ANCOVA}} {
		f := need(t, pair.got)
		for i, got := range []float64{f.Estimate, f.StdErr, f.P} {
			near(t, fmt.Sprint(pair.got.Method, " ", i), got, pair.want[i], 1e-9)
		}
	}
}
