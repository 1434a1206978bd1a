package panel

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestPlaceboFavorita: goal, that on real stores with no campaign the tests reject about as often as they say and before/after far more often;
// method, windows and stores drawn by seed. The bounds are three standard errors wide.
func TestPlaceboFavorita(t *testing.T) {
	days, err := NewDays(favorita(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []int{1, 2, 8} {
		design := DefaultPlacebo()
		design.Treated, design.Draws = k, 499
		var runs, pooled, welch, permuted, before int
		for seed := uint64(0); runs < 1000; seed++ {
			out, err := Placebo(days, design, seed)
			if err != nil {
				t.Fatal(err)
			}
			if out.Reason != "" {
				continue
			}
			runs++
			pooled, welch = pooled+count(out.Pooled), welch+count(out.Welch)
			permuted, before = permuted+count(out.Permutation), before+count(out.BeforeAfter)
			if out.Welch.Made != (k > 1) {
				t.Fatalf("Welch made %v with %d treated", out.Welch.Made, k)
			}
		}
		t.Logf("%d treated stores, %d windows, false positives: pooled t %.1f %%, Welch %.1f %%, permutation %.1f %%, before/after %.1f %%",
			k, runs, float64(pooled)/10, float64(welch)/10, float64(permuted)/10, float64(before)/10)
		for what, n := range map[string]int{"pooled": pooled, "permutation": permuted} {
			if n < 25 || n > 85 {
				t.Errorf("%d treated: %s rejects %d of 1000, want about 50", k, what, n)
			}
		}
		if k == 8 && before < 2*pooled {
			t.Errorf("before/after rejects %d of 1000: the panel does not show why a comparison is needed", before)
		}
	}
}

func count(d Decision) int {
	if d.Made && d.Reject {
		return 1
	}
	return 0
}

// TestPlaceboIsLogDiD: the placebo's pooled t, Welch and permutation are the estimators' own numbers on the same stores and window.
func TestPlaceboIsLogDiD(t *testing.T) {
	const stores, length = 12, 40
	p := syntheticPanel(stores, length, 4, 0)
	traffic := make([][]float64, stores)
	for i := range traffic {
		traffic[i] = make([]float64, length)
		for d, v := range p.row(i) {
			traffic[i][d] = math.Exp(v / 10)
		}
	}
	days, err := NewDays(traffic)
	if err != nil {
		t.Fatal(err)
	}
	design := PlaceboDesign{Treated: 3, Pre: 14, Post: 7, Level: 0.95, Draws: 999}
	for seed := range uint64(20) {
		out, err := Placebo(days, design, seed)
		if err != nil {
			t.Fatal(err)
		}
		// Which stores were drawn is not reported: the one choice with the same uplift is it.
		matches := 0
		enumerate(stores, design.Treated, func(chosen []int) {
			from := make([]int, stores)
			for i := range from {
				from[i] = Never
			}
			for _, i := range chosen {
				from[i] = out.Start
			}
			q, _ := New(p.Units(), days0(length), traffic, from, RejectMissing)
			w := Window{Pre: Span{out.Start - design.Pre, out.Start}, Post: Span{out.Start, out.Start + design.Post}}
			r, err := LogDiD(q, w, DefaultOptions())
			if err != nil || math.Abs(r.Figure.Estimate-out.Uplift) > 1e-12 {
				return
			}
			matches++
			near(t, "pooled", out.Pooled.P, r.Figure.P, 1e-9)
			near(t, "Welch", out.Welch.P, r.Welch.P, 1e-9)
			changes, _, _ := Growth(q, w)
			values, treated := make([]float64, 0, stores), make([]bool, 0, stores)
			for _, c := range changes {
				values, treated = append(values, c.Value), append(treated, c.Treated)
			}
			exact, _ := Permutation(values, treated, DefaultPermutation(1))
			near(t, "permutation", out.Permutation.P, exact.P, 1e-9)
		})
		if matches != 1 {
			t.Errorf("seed %d: %d choices have the uplift %g", seed, matches, out.Uplift)
		}
	}
}

func days0(n int) []int { return identity(n) }

// TestPlaceboErrors: designs that do not fit, traffic that is none, and windows with too few stores.
func TestPlaceboErrors(t *testing.T) {
	days, err := NewDays([][]float64{{1, 2, 3, 4}, {nan, nan, nan, 4}, {2, 2, 2, 2}, {1, 2, 2, 1}, {3, 2, 2, 3}, {1, 1, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	good := PlaceboDesign{Treated: 1, Pre: 2, Post: 2, Level: 0.9, Draws: 99}
	if out, err := Placebo(days, good, 1); err != nil || out.Stores != 5 || !out.Permutation.Made || out.BeforeAfter.Made {
		t.Errorf("%+v %v", out, err)
	}
	good.Stores = 6
	if out, err := Placebo(days, good, 1); err != nil || out.Reason != TooFewUnits {
		t.Errorf("%+v %v", out, err)
	}
	for want, d := range map[string]PlaceboDesign{
		"treated: 0": {Pre: 2, Post: 2, Level: .9, Draws: 99}, "pre: 3 days": {Treated: 1, Pre: 3, Post: 2, Level: .9, Draws: 99},
		"pre: 0": {Treated: 1, Post: 2, Level: .9, Draws: 99}, "level: 1": {Treated: 1, Pre: 1, Post: 2, Level: 1, Draws: 99},
		"draws: 5": {Treated: 1, Pre: 1, Post: 2, Level: .9, Draws: 5}, "pre: 9223372036854775807": {Treated: 1, Pre: math.MaxInt, Post: 2, Level: .9, Draws: 99},
	} {
		if _, err := Placebo(days, d, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for want, y := range map[string][][]float64{"empty": nil, "traffic[1]: 1 days": {{1, 2}, {1}}, "traffic[0][1]": {{1, -2}}, "traffic[0][2]": {{1e308, 1, 1e308}}} {
		if _, err := NewDays(y); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestWildKeepsItsSize: goal, that with four treated of twelve clusters and no effect the bootstrap rejects no more often than CR1's t; method,
// seeded panels whose clusters have their own noise level.
func TestWildKeepsItsSize(t *testing.T) {
	const runs = 300
	var wild, t1, t2 int
	for seed := range uint64(runs) {
		p := syntheticPanel(12, 6, seed, 0)
		for i := range p.start {
			p.start[i] = len(p.periods)
			if i < 3 {
				p.start[i] = 3
			}
		}
		o := DefaultWild(seed)
		o.Draws = 399
		w, err := WildCluster(p, o)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := TwoWay(p, DefaultOptions())
		wild += count(Decision{Made: true, Reject: w.P <= 0.05})
		t1 += count(Decision{Made: true, Reject: r.Figure.P <= 0.05})
		t2 += count(Decision{Made: true, Reject: r.CR2.P <= 0.05})
	}
	say := func(n int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/runs) }
	t.Logf("3 treated of 12 clusters, no effect: CR1 rejects %s, CR2 with Satterthwaite %s, wild bootstrap %s", say(t1), say(t2), say(wild))
	if wild > t1 || wild > runs/10 || t2 > runs/10 {
		t.Errorf("wild %d, CR1 %d, CR2 %d of %d", wild, t1, t2, runs)
	}
}
