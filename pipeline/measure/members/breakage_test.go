package members

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// programme simulates months of issued rewards that are redeemed within the ages given and returns what is observed at the end, with the
// truth. Redemptions follow the chain ladder's own assumption: given the past, each cohort's cumulative amount grows by the age's factor, with a
// variance in proportion to the amount.
func programme(rng *rand.Rand, months, ages int, growth, redeemed float64) (cohorts []IssueCohort, ultimate []float64) {
	done := func(age int) float64 { return (1 - math.Pow(0.6, float64(age+1))) / (1 - math.Pow(0.6, float64(ages))) }
	for i := range months {
		c := IssueCohort{Issued: math.Round(1e5 * math.Pow(growth, float64(i)))}
		sum := math.Round(c.Issued * redeemed * done(0) * math.Exp(0.03*rng.NormFloat64()))
		for age := range ages {
			add := sum
			if age > 0 {
				add = math.Round(sum*(done(age)/done(age-1)-1) + 4*math.Sqrt(sum)*rng.NormFloat64())
				sum += add
			}
			if i+age < months {
				c.Redeemed = append(c.Redeemed, add)
			}
		}
		cohorts, ultimate = append(cohorts, c), append(ultimate, sum)
	}
	return cohorts, ultimate
}

// TestBreakageCoverage: goal, honest intervals; method, 400 simulated programmes with known truth, for the chain ladder (all cohorts) and for the
// ratio over matured cohorts; beside them how often the flow of the last period would have misled.
func TestBreakageCoverage(t *testing.T) {
	const runs, months, ages = 400, 18, 8
	rng := rand.New(rand.NewPCG(3, 4))
	ladder, matured, flow := 0, 0, 0
	for range runs {
		cohorts, ultimate := programme(rng, months, ages, 1.1, 0.7)
		o := BreakageOptions{Ages: ages, Level: 0.9}
		b, err := BreakageByCohort(cohorts, o)
		if err != nil || b.Figure == nil {
			t.Fatalf("%v %s", err, b.Reason)
		}
		var issued, redeemed float64
		for i, u := range ultimate {
			issued += cohorts[i].Issued
			redeemed += u
		}
		ladder += held(b.Result, 1-redeemed/issued)
		if slices.Contains(b.Warnings, PeriodFlowMisleads) {
			flow++
		}
		m, err := MaturedBreakage(cohorts, o)
		if err != nil || m.Figure == nil || m.Matured != months-ages+1 {
			t.Fatalf("%v %s %d", err, m.Reason, m.Matured)
		}
		matured += held(m.Result, 1-0.7*math.Exp(0.03*0.03/2))
	}
	t.Logf("90 %% intervals that hold the truth: chain ladder %.1f %%, matured cohorts %.1f %%; period flow misleads in %.1f %%",
		100*float64(ladder)/runs, 100*float64(matured)/runs, 100*float64(flow)/runs)
	for name, n := range map[string]int{"chain ladder": ladder, "matured": matured} {
		if n < runs*85/100 || n > runs*95/100 {
			t.Errorf("%s: %d of %d, want about 90 %%", name, n, runs)
		}
	}
	if flow < runs*9/10 {
		t.Errorf("a programme that grows by 10 %% a month misleads the period flow in only %d of %d", flow, runs)
	}
}

// noisy makes each age's redemptions vary by themselves, by a tenth: the first age's chance is then multiplied into the ultimate and the factors
// after it correlate, which the chain ladder assumes away. The programme grows, so that the youngest cohort weighs most.
func noisy(rng *rand.Rand, months, ages int) (cohorts []IssueCohort, ultimate []float64) {
	for i := range months {
		c, all := IssueCohort{Issued: math.Round(1e5 * math.Pow(1.1, float64(i)))}, 0.0
		for age := range ages {
			v := math.Round(c.Issued * 0.28 * math.Pow(0.6, float64(age)) * math.Exp(0.1*rng.NormFloat64()))
			all += v
			if i+age < months {
				c.Redeemed = append(c.Redeemed, v)
			}
		}
		cohorts, ultimate = append(cohorts, c), append(ultimate, all)
	}
	return cohorts, ultimate
}

// TestCorrelatedFactors: goal, that the warning comes far more often when the interval is too narrow than when it is right; method, 200
// programmes of each kind.
func TestCorrelatedFactors(t *testing.T) {
	const runs = 200
	rng := rand.New(rand.NewPCG(5, 6))
	var warned, hit [2]int
	for range runs {
		for kind := range 2 {
			cohorts, ultimate := programme(rng, 24, 8, 1, 0.7)
			if kind == 1 {
				cohorts, ultimate = noisy(rng, 24, 8)
			}
			b, err := BreakageByCohort(cohorts, BreakageOptions{Level: 0.9})
			if err != nil || b.Figure == nil {
				t.Fatalf("%v %s", err, b.Reason)
			}
			var all float64
			for _, u := range ultimate {
				all += u
			}
			hit[kind] += held(b.Result, 1-all/b.Issued)
			if slices.Contains(b.Warnings, CorrelatedFactors) {
				warned[kind]++
			}
		}
	}
	t.Logf("chain ladder as assumed: 90 %% interval holds %.1f %%, warned %.1f %%; ages noisy by themselves: holds %.1f %%, warned %.1f %%",
		100*float64(hit[0])/runs, 100*float64(warned[0])/runs, 100*float64(hit[1])/runs, 100*float64(warned[1])/runs)
	if warned[0] > runs*20/100 || warned[1] < runs*45/100 || hit[1] > runs*80/100 {
		t.Errorf("warned %d and %d, held %d and %d of %d", warned[0], warned[1], hit[0], hit[1], runs)
	}
}

// held is 1 when the interval holds the truth.
func held(r measure.Result, truth float64) int {
	if r.Figure.Low <= truth && truth <= r.Figure.High {
		return 1
	}
	return 0
}

// TestMackProperties: amounts in another unit give the same factors and scaled errors; a cohort that is whole has nothing open.
func TestMackProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, unit := rapid.IntRange(3, 8).Draw(t, "n"), rapid.Float64Range(0.001, 1000).Draw(t, "unit")
		rows, scaled := make([][]float64, n), make([][]float64, n)
		for i := range rows {
			sum := 0.0
			for range n - i {
				sum += rapid.Float64Range(1, 1000).Draw(t, "amount")
				rows[i] = append(rows[i], sum)
				scaled[i] = append(scaled[i], sum*unit)
			}
		}
		a, err := Mack(rows, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Mack(scaled, 0.95)
		if err != nil || a.Reason != b.Reason {
			t.Fatalf("%q and %q, %v", a.Reason, b.Reason, err)
		}
		if a.Figure == nil {
			return
		}
		near(t, "open", b.Total.Open, a.Total.Open*unit, 1e-9)
		near(t, "standard error", b.Total.StdErr, a.Total.StdErr*unit, 1e-9)
		if a.Rows[0].Open != 0 || a.Rows[0].StdErr != 0 {
			t.Fatalf("the whole cohort has %+v open", a.Rows[0])
		}
		if f := a.Figure; f.Low > f.Estimate || f.High < f.Estimate {
			t.Fatalf("%+v", *f)
		}
	})
}

// TestMackReasons: triangles that say nothing.
func TestMackReasons(t *testing.T) {
	cases := map[string]struct {
		rows [][]float64
		want measure.Reason
	}{
		"nothing":          {nil, TooFewCohorts},
		"one cohort":       {[][]float64{{1, 2, 3}}, TooFewCohorts},
		"one age":          {[][]float64{{1}, {2}}, TooFewCohorts},
		"two by two":       {[][]float64{{1, 2}, {2}}, TooFewCohorts},
		"nothing at first": {[][]float64{{0, 2, 3}, {0, 3}, {0}}, ZeroRedemption},
		"out of nothing":   {[][]float64{{0, 2, 3}, {1, 3}, {1}}, ZeroRedemption},
		"all gone":         {[][]float64{{1, 0, 0}, {1, 0}, {1}}, ZeroRedemption},
		"no spread":        {[][]float64{{1, 2, 4}, {1, 2}, {1}}, measure.ZeroVariance},
		"figure":           {[][]float64{{1, 2, 4}, {1, 3}, {1}}, ""},
		"too large":        {[][]float64{{1, 1e300, 1e308}, {1, 1e307}, {1}}, measure.NotFinite},
	}
	for name, c := range cases {
		if m, err := Mack(c.rows, 0.95); err != nil || m.Reason != c.want || (m.Figure == nil) != (m.Rows == nil || c.want == measure.ZeroVariance) {
			t.Errorf("%s: %q %v, want %q (rows %v)", name, m.Reason, err, c.want, m.Rows)
		}
	}
	for field, rows := range map[string][][]float64{"rows[0][1]": {{1, math.NaN()}}, "rows[1]": {{1}, {}}, "rows[0][0]": {{-1}}} {
		if _, err := Mack(rows, 0.95); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestBreakageErrors: rows that contradict themselves, and cohorts that have not expired.
func TestBreakageErrors(t *testing.T) {
	for field, c := range map[string]IssueCohort{
		"cohorts[0].issued": {Issued: 0}, "cohorts[0].redeemed[1]": {Issued: 10, Redeemed: []float64{6, 5}}, "cohorts[0].redeemed[0]": {Issued: 10, Redeemed: []float64{-1}},
	} {
		if _, err := BreakageByCohort([]IssueCohort{c}, BreakageOptions{Level: 0.95}); err == nil || !strings.HasPrefix(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	cohorts, _ := programme(rand.New(rand.NewPCG(1, 1)), 6, 6, 1, 0.8)
	b, err := BreakageByCohort(cohorts, BreakageOptions{Ages: 9, Level: 0.95})
	if err != nil || b.Reason != NotObserved {
		t.Errorf("expiry after nine ages, six observed: %q %v", b.Reason, err)
	}
	m, err := MaturedBreakage(cohorts, BreakageOptions{Ages: 9, Level: 0.95})
	if err != nil || m.Reason != NotObserved || m.Immature != 6 {
		t.Errorf("no cohort is past expiry: %q %v", m.Reason, err)
	}
	b, err = BreakageByCohort(cohorts, BreakageOptions{Value: 0.01, Level: 0.95})
	if err != nil || b.Figure == nil {
		t.Fatalf("%v %q", err, b.Reason)
	}
	near(t, "liability", b.Liability, 0.01*(b.Ultimate-b.Redeemed), 1e-12)
	if b.LiabilityLo > b.Liability || b.LiabilityHi < b.Liability {
		t.Errorf("liability %v is not within [%v, %v]", b.Liability, b.LiabilityLo, b.LiabilityHi)
	}
}

// TestLiabilityProperties: nothing is lost between goods, revenue and liability; the posted amount is never below what is owed nor above the
// points' stand-alone price; the figure's interval holds the allocation at other rates.
func TestLiabilityProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value, rate := rapid.Float64Range(0.001, 1).Draw(t, "value"), rapid.Float64Range(0.01, 1).Draw(t, "rate")
		se, decimals := rapid.Float64Range(0.001, 0.2).Draw(t, "se"), rapid.IntRange(0, 12).Draw(t, "decimals")
		in := LiabilityInput{
			Sales: rapid.Float64Range(1, 1e9).Draw(t, "sales"), Points: rapid.Float64Range(1, 1e9).Draw(t, "points"), PointValue: &value,
			RedemptionRate: &rate, RedemptionStdErr: &se, ShareDecimals: &decimals, Level: 0.95,
		}
		for range rapid.IntRange(0, 6).Draw(t, "periods") {
			e := in.Points * rapid.Float64Range(0, 1).Draw(t, "expected")
			in.Periods = append(in.Periods, Period{Redeemed: in.Points * rapid.Float64Range(0, 0.3).Draw(t, "redeemed"), Expected: &e})
		}
		l, err := BreakageLiability(in)
		if err != nil || l.Figure == nil {
			t.Fatalf("%v %s", err, l.Reason)
		}
		near(t, "goods and points", l.Goods+l.Liability, in.Sales, 1e-12)
		if l.Liability < l.Exact || l.Liability > l.StandAlone*(1+1e-12) {
			t.Fatalf("posted %v, exact %v, stand-alone %v", l.Liability, l.Exact, l.StandAlone)
		}
		if decimals == 12 {
			near(t, "posted with twelve decimals", l.Liability/l.Exact, 1, 1e-4)
		}
		sum := l.Open
		for _, p := range l.Periods {
			sum += p.Revenue
		}
		near(t, "revenue and open", sum/l.Liability, 1, 1e-9)
		if f := l.Figure; f.Low > f.Estimate || f.High < f.Estimate || f.Estimate != l.Exact {
			t.Fatalf("%+v", *f)
		}
		other := math.Max(0, math.Min(1, rate+1e-6))
		in.RedemptionRate, in.Periods = &other, nil
		next, err := BreakageLiability(in)
		if err != nil {
			t.Fatal(err)
		}
		if slope := l.Figure.StdErr / se; other > rate {
			near(t, "slope", (next.Exact-l.Exact)/(other-rate)/slope, 1, 1e-2)
		}
	})
}

// TestLiabilityErrors: an error names the field.
func TestLiabilityErrors(t *testing.T) {
	p := func(v float64) *float64 { return &v }
	good := LiabilityInput{Sales: 100, Points: 10, PointValue: p(1), RedemptionRate: p(0.9), Level: 0.95}
	many := 13
	cases := map[string]func(*LiabilityInput){
		"level": func(l *LiabilityInput) { l.Level = 1 }, "sales": func(l *LiabilityInput) { l.Sales = 0 }, "points": func(l *LiabilityInput) { l.Points = math.NaN() },
		"point_value": func(l *LiabilityInput) { l.PointValue = nil }, "redemption_rate": func(l *LiabilityInput) { l.RedemptionRate = p(1.1) },
		"expected_redeemed": func(l *LiabilityInput) { l.ExpectedRedeemed = p(5) }, "redemption_std_err": func(l *LiabilityInput) { l.RedemptionStdErr = p(math.NaN()) },
		"allocated_to_points_rounded": func(l *LiabilityInput) { l.Allocated = p(101) }, "share_decimals": func(l *LiabilityInput) { l.ShareDecimals = &many },
		"periods[0]": func(l *LiabilityInput) { l.Periods = []Period{{Redeemed: math.Inf(1)}} }, "periods[0].redeemed": func(l *LiabilityInput) { l.Periods = []Period{{Redeemed: -1}} },
	}
	for field, change := range cases {
		in := good
		change(&in)
		if _, err := BreakageLiability(in); err == nil || !strings.HasPrefix(err.Error(), field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
	in := good
	in.RedemptionRate = nil
	if _, err := BreakageLiability(in); err == nil || !strings.HasPrefix(err.Error(), "expected_redeemed:") {
		t.Errorf("no rate: %v", err)
	}
	in.ExpectedRedeemed, in.Periods = p(9), []Period{{Redeemed: 8}, {Redeemed: 2}}
	l, err := BreakageLiability(in)
	if err != nil || l.Open != 0 || !slices.Contains(l.Warnings, RedeemedAboveRate) || !slices.Contains(l.Warnings, KnownRate) {
		t.Errorf("more redeemed than expected: open %v, warnings %v, %v", l.Open, l.Warnings, err)
	}
}

// Cohorts whose sum no float64 holds are refused whole: no total that is infinite stands beside the reason.
func TestMoreIssuedThanCanBeHeld(t *testing.T) {
	cohorts := []IssueCohort{{math.MaxFloat64, []float64{1, 2}}, {math.MaxFloat64, []float64{1, 3}}, {math.MaxFloat64, []float64{1}}}
	for _, ages := range []int{2, 4} {
		o := BreakageOptions{Level: 0.95, Ages: ages}
		b, err := BreakageByCohort(cohorts, o)
		if sound(t, b.Result, b); err != nil || b.Reason != measure.NotFinite {
			t.Errorf("%d ages: %+v %v", ages, b, err)
		}
	}
	m, err := MaturedBreakage(cohorts, BreakageOptions{Level: 0.95})
	if sound(t, m.Result, m); err != nil || m.Reason != measure.NotFinite {
		t.Errorf("%+v %v", m, err)
	}
}
