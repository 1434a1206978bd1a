package members

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"

	"cagnotte/pipeline/measure"
)

// sound is what every answer promises whatever came in: a figure or a reason, never both and never neither; an interval that holds its estimate; and
// no number that is not one, anywhere in it (encoding/json refuses NaN and infinities). A level that is none is repeated as it came in.
func sound(t *testing.T, r measure.Result, whole any) {
	t.Helper()
	if (r.Figure == nil) == (r.Reason == "") {
		t.Fatalf("%s: figure %v with reason %q", r.Method, r.Figure, r.Reason)
	}
	if f := r.Figure; f != nil && (!measure.Finite(f.Estimate, f.Low, f.High, f.StdErr, f.P, f.DF) || f.Low > f.Estimate || f.High < f.Estimate || f.P < 0 || f.P > 1 || f.StdErr < 0) {
		t.Fatalf("%s: %+v", r.Method, *f)
	}
	if _, err := json.Marshal(whole); err != nil && measure.ValidLevel(r.Level) {
		t.Fatalf("%s: %v in %+v", r.Method, err, whole)
	}
}

// extremes are the seeds of every number.
var extremes = []float64{0, 1, 2, 0.5, 1e-300, 1 << 62, math.MaxFloat64, -1, math.NaN(), math.Inf(1), math.Inf(-1)}

// take turns bytes into numbers: a byte picks an extreme or a plain number.
type take struct{ bytes []byte }

func (b *take) byte() byte {
	if len(b.bytes) == 0 {
		return 0
	}
	v := b.bytes[0]
	b.bytes = b.bytes[1:]
	return v
}

func (b *take) number(odd float64) float64 {
	switch v := b.byte(); {
	case v < 200:
		return float64(v) / 4
	case v < 220:
		return odd
	case v < 240:
		return extremes[int(v)%len(extremes)]
	default:
		return math.Ldexp(float64(b.byte())+1, 3*(int(v)-248))
	}
}

// amount is a number that a row may hold, so that extreme ones get past the checks; one in sixteen is anything.
func (b *take) amount(odd float64) float64 {
	v := b.number(odd)
	if b.byte()%16 != 15 && !(v >= 0 && v <= math.MaxFloat64) {
		return 3
	}
	return v
}

func FuzzModels(f *testing.F) {
	for i, x := range extremes {
		f.Add([]byte{8, byte(i), 3, 9, 12, 0, 40, 40, 1, 7, 9, 30, 5, 5, 8, 20, 30, 220 + byte(i), 2, 210, 3, 1, 1, 240, 4, 9, 9}, x, 0.95, 10.0)
	}
	f.Add([]byte{}, 1.0, math.NaN(), math.NaN())
	f.Fuzz(func(t *testing.T, data []byte, odd, level, horizon float64) {
		b := &take{data}
		n := int(b.byte()) % 12
		rows := make([]Customer, n)
		for i := range rows {
			c := Customer{T: b.amount(odd), Value: b.amount(odd), Weight: b.amount(odd)}
			if x := b.amount(odd); x < 1<<62 {
				c.Frequency = int64(x)
			}
			if c.Frequency > 0 {
				c.Recency = math.Min(c.T, b.number(odd))
			}
			rows[i] = c
		}
		o := FitOptions{Level: level, Horizon: horizon, MinMembers: 2}
		m, err := FitBGNBD(rows, o)
		if err != nil {
			return
		}
		sound(t, m.Result, m)
		g, err := FitGammaGamma(rows, o)
		if err != nil {
			return
		}
		sound(t, g.Result, g)
		for _, c := range rows {
			if p, err := m.Predict(c, math.Max(horizon, 1)); err == nil {
				sound(t, p.Result, p)
			}
		}
		v, err := LifetimeValue(m, g, rows, CLVOptions{Steps: 2, Step: math.Max(horizon, 1e-9), Discount: math.Abs(odd), Margin: 0.5, Level: level, Draws: 100 * (n % 2)})
		if err == nil {
			sound(t, v.Result, v)
		}
	})
}

// FuzzPrediction looks at the series alone, with any parameters.
func FuzzPrediction(f *testing.F) {
	f.Add(0.243, 4.414, 0.793, 2.426, int64(2), 30.43, 38.86, 39.0)
	for _, x := range extremes {
		f.Add(x, 1.0, 1.0, 1.0, int64(1), 0.0, x, x)
		f.Add(1.0, x, 1.0, x, int64(1<<53), 0.0, 1.0, 1.0)
	}
	f.Fuzz(func(t *testing.T, r, alpha, a, b float64, x int64, recency, age, horizon float64) {
		c := Customer{Frequency: x, Recency: recency, T: age}
		if !(min(r, alpha, a, b, horizon) > 0) || !measure.Finite(r, alpha, a, b, horizon) || c.check() != nil {
			return
		}
		p := BGNBDParams{r, alpha, a, b}
		if alive := p.alive(c); alive < 0 || alive > 1 {
			t.Fatalf("alive %v", alive)
		}
		if v := p.ifAlive(c, horizon); v < 0 {
			t.Fatalf("%v purchases", v)
		}
	})
}

func FuzzSurvival(f *testing.F) {
	for i, x := range extremes {
		f.Add([]byte{9, 4, 1, 8, 0, 220 + byte(i), 1, 4, 0, 12, 1, 200, 1}, x, x, 0.95)
	}
	f.Fuzz(func(t *testing.T, data []byte, odd, at, level float64) {
		b := &take{data}
		n := int(b.byte()) % 40
		lives := make([]Lifetime, n)
		repeats := make([]FirstReward, n)
		members := make([]MemberActivity, n)
		for i := range lives {
			v := b.number(odd)
			lives[i] = Lifetime{v, b.byte()%2 == 0}
			repeats[i] = FirstReward{Observed: v, Next: &odd}
			members[i] = MemberActivity{Joined: int(v), Active: []int{int(v), int(at)}}
		}
		if s, err := KaplanMeier(lives, SurvivalOptions{At: at, Level: level}); err == nil {
			sound(t, s.Result, s)
		}
		if s, err := RepeatRate(repeats, at, level); err == nil {
			sound(t, s.Result, s)
		}
		if s, err := Cohorts(members, CohortOptions{Through: int(at), Age: 1, Level: level}); err == nil {
			sound(t, s.Result, s)
		}
		if l, err := TimeToLapse([]float64{odd, 1, 2}, at, 50); err == nil && !(l.Duration >= 0 && l.Duration <= 50) {
			t.Fatalf("%+v", l)
		}
		r := RetentionRate(int64(at), int64(odd), int64(n), level)
		sound(t, r.Result, r)
	})
}

func FuzzBreakage(f *testing.F) {
	for i, x := range extremes {
		f.Add([]byte{5, 4, 40, 8, 4, 2, 199, 20, 10, 220 + byte(i), 7, 199, 9, 199, 1, 1, 1}, x, 1.0, 0.95)
		f.Add([]byte{3, 3, 199, 210, 4, 2, 199, 20, 10, 199, 7}, x, x, 0.95)
	}
	f.Fuzz(func(t *testing.T, data []byte, odd, value, level float64) {
		b := &take{data}
		n, ages := int(b.byte())%9, int(b.byte())%9
		cohorts := make([]IssueCohort, n)
		rows := make([][]float64, n)
		for i := range cohorts {
			cohorts[i].Issued = 4 * b.number(odd)
			for range max(1, ages-i) {
				v := b.number(odd)
				cohorts[i].Redeemed = append(cohorts[i].Redeemed, v)
				rows[i] = append(rows[i], v)
			}
		}
		if m, err := Mack(rows, level); err == nil {
			sound(t, m.Result, m)
		}
		o := BreakageOptions{Value: value, Level: level}
		if m, err := BreakageByCohort(cohorts, o); err == nil {
			sound(t, m.Result, m)
		}
		if m, err := MaturedBreakage(cohorts, o); err == nil {
			sound(t, m.Result, m)
		}
	})
}

func FuzzLiability(f *testing.F) {
	for i, x := range extremes {
		f.Add([]byte{byte(i), 255, 40, 40, 8}, x, 0.5, 0.1, 0.95)
		f.Add([]byte{byte(i), 3, 220 + byte(i)}, 2000.0, x, x, 0.95)
	}
	f.Fuzz(func(t *testing.T, data []byte, sales, rate, se, level float64) {
		b := &take{data}
		in := LiabilityInput{Sales: sales, Points: math.Max(1, b.number(sales)), RedemptionRate: &rate, RedemptionStdErr: &se, Level: level}
		flags := b.byte()
		value, allocated := b.number(rate), b.number(se)
		if flags&1 != 0 {
			in.PointValue = &value
		}
		if flags&2 != 0 {
			in.Allocated = &allocated
		}
		for range int(flags>>2) % 5 {
			e := b.number(sales)
			in.Periods = append(in.Periods, Period{Redeemed: b.number(se), Expected: &e})
		}
		if l, err := BreakageLiability(in); err == nil {
			sound(t, l.Result, l)
		}
	})
}

func FuzzReturns(f *testing.F) {
	for _, x := range extremes {
		f.Add(int64(500), x, 40.0, 1.0, 0.5, 2.0, int64(500), 10.0, 100.0, 0.95)
		f.Add(int64(1<<62), 12.0, x, 1.0, x, x, int64(1<<62), 12.0, x, 0.95)
		f.Add(int64(500), 12.0, 40.0, x, x, 0.0, int64(500), 12.0, x, x)
	}
	f.Fuzz(func(t *testing.T, nt int64, y, yy, d, dd, yd float64, nc int64, control, cost, level float64) {
		a, b := measure.Joint{N: nt, Y: y, YY: yy, D: d, DD: dd, YD: yd}, measure.Joint{N: nc, Y: control, YY: yy}
		for _, tail := range []measure.Tail{measure.TwoSided, measure.Greater, measure.Less} {
			o := measure.DefaultOptions(measure.Absolute)
			o.Level, o.Tail = level, tail
			for _, r := range []Return{ROIRandomCost(a, b, cost, o), ROI(a.Arm(), b.Arm(), cost, o), IROAS(a.Arm(), b.Arm(), cost, o)} {
				sound(t, r.Result, r)
			}
			m := IncrementalMargin(a.Arm(), b.Arm(), o)
			sound(t, m.Result, m)
		}
		r := RewardRate(a, level)
		sound(t, r, r)
		n := CampaignCost{Issued: y, PerUnit: yy, Breakage: d, BreakageStdErr: dd, Funding: yd, Fixed: cost}.Net(level)
		sound(t, n, n)
	})
}

// TestModelsNeverNaN: goal, that magnitudes at the ends of float64 and int64 reach the fits and come out as a figure or a reason; method, rows that
// pass the checks, drawn from ordinary and extreme numbers.
func TestModelsNeverNaN(t *testing.T) {
	usual := rapid.Float64Range(0.1, 50)
	amount := rapid.OneOf(usual, usual, usual, usual, usual, usual, usual, rapid.SampledFrom([]float64{0, 1, 5e-324, 1e-300, 1e-9, 1 << 53, 1e100, 1e300, math.MaxFloat64}))
	few := rapid.Int64Range(0, 3)
	count := rapid.OneOf(few, few, few, few, few, few, few, rapid.Int64Range(0, 99), rapid.SampledFrom([]int64{0, 1, 1 << 20, 1 << 53}))
	weight := rapid.SampledFrom([]float64{0, 1, 1, 2, 3, 7, 1e-9, 1e9})
	reasons := map[measure.Reason]int{}
	rapid.Check(t, func(r *rapid.T) {
		rows := make([]Customer, rapid.IntRange(0, 30).Draw(r, "n"))
		for i := range rows {
			c := Customer{Frequency: count.Draw(r, "x"), T: amount.Draw(r, "T"), Value: math.Max(5e-324, amount.Draw(r, "value")), Weight: weight.Draw(r, "weight")}
			if c.Frequency > 0 {
				c.Recency = math.Min(c.T, amount.Draw(r, "recency"))
			}
			rows[i] = c
		}
		horizon := math.Max(5e-324, amount.Draw(r, "horizon"))
		o := FitOptions{Level: 0.95, Horizon: horizon, MinMembers: 2}
		m, err := FitBGNBD(rows, o)
		if err != nil {
			r.Fatal(err)
		}
		g, err := FitGammaGamma(rows, o)
		if err != nil {
			r.Fatal(err)
		}
		sound(t, m.Result, m)
		sound(t, g.Result, g)
		reasons[m.Reason]++
		for _, c := range rows {
			p, err := m.Predict(c, horizon)
			if err != nil {
				r.Fatal(err)
			}
			sound(t, p.Result, p)
		}
		v, err := LifetimeValue(m, g, rows, CLVOptions{Steps: 3, Step: horizon, Discount: amount.Draw(r, "discount"), Margin: 0.5, Level: 0.95})
		if err != nil {
			r.Fatal(err)
		}
		sound(t, v.Result, v)
	})
	t.Logf("BG/NBD: %v", reasons)
}
