package measure

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// honest fails when a result is neither a sane figure nor a reason.
func honest(t *testing.T, r Result) {
	t.Helper()
	if (r.Figure == nil) == (r.Reason == "") {
		t.Fatalf("%s: figure %v with reason %q", r.Method, r.Figure, r.Reason)
	}
	saneFigure(t, r.Method, r.Figure)
	if _, err := json.Marshal(r); err != nil && ValidLevel(r.Level) {
		t.Fatal(err)
	}
}

func saneFigure(t *testing.T, m Method, f *Figure) {
	t.Helper()
	if f == nil {
		return
	}
	if !Finite(f.Estimate, f.Low, f.High, f.StdErr, f.P, f.DF, f.MinDetectable) || f.Low > f.Estimate || f.High < f.Estimate || f.P < 0 || f.P > 1 || f.StdErr < 0 {
		t.Fatalf("%s: %+v", m, *f)
	}
}

// everyTwoArm runs all estimators of two arms.
func everyTwoArm(t *testing.T, a, b Joint, o Options) {
	t.Helper()
	x, y := a.Arm(), b.Arm()
	for _, r := range []Result{
		Welch(x, y, o), AlwaysValid(x, y, o), Fieller(x, y, o), MeanZ(x, y, o), AlwaysValidMean(x, o), AlwaysValidMean(a.RatioArm(), o),
		RatioWelch(a, b, o), AlwaysValidRatio(a, b, o),
	} {
		honest(t, r)
	}
	for _, r := range []Adjusted{CUPED(a, b, o), AlwaysValidCUPED(a, b, o), CUPEDRatio(a, b, o), AlwaysValidCUPEDRatio(a, b, o)} {
		honest(t, r.Result)
		if !Finite(r.Theta, r.Correlation, r.VarianceReduction) {
			t.Fatalf("%+v", r)
		}
	}
	m := MemberDiD(a, b, o)
	honest(t, m.Result)
	saneFigure(t, "naive", m.Naive)
	saneFigure(t, "ancova", m.ANCOVA)
	if !Finite(m.Slope) || (m.ANCOVA == nil) == (m.ANCOVAReason == "") {
		t.Fatalf("%+v", m)
	}
}

func fuzzOptions(level, theta float64, flags uint8, plan int64) Options {
	o := Options{Scale: Scale(flags & 1), Level: level, MinPerArm: int64(flags >> 1 & 1), PlanMembers: plan, Tail: []Tail{TwoSided, Greater, Less, "sideways"}[flags>>2&3]}
	if flags>>4&1 == 1 {
		o.Theta = &theta
	}
	return o
}

// FuzzFloatSums: no sums of floating-point numbers, however contradictory, bring a NaN to an answer without a reason.
func FuzzFloatSums(f *testing.F) {
	huge := math.Ldexp(1, 62)
	f.Add(int64(3407), 1396.87, 52377.9767, 3500.0, 4000.0, 1500.0, 16.87, 527.9767, 1.0, 2.0, int64(3461), 0.95, 0.5, uint8(1), int64(5000))
	f.Add(int64(0), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, int64(0), 0.0, 0.0, uint8(0), int64(0))
	f.Add(int64(1), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, int64(1), 1.0, 1.0, uint8(255), int64(1))
	f.Add(int64(2), huge, huge*huge, huge, huge*huge, huge*huge, huge, huge*huge, huge*huge, huge, int64(1)<<62, 0.5, huge, uint8(4), int64(1)<<62)
	f.Add(int64(500), math.NaN(), math.Inf(1), -1.0, 5.0, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.0, 3.0, -7.0, int64(500), 0.95, math.Inf(-1), uint8(17), int64(20000))
	f.Add(int64(500), 5.0, 1e300, 1e-300, 1e-300, 1.0, 5.0, 1e300, 1e300, 1.0, int64(500), 1e-300, 1e300, uint8(16), int64(-1))
	f.Fuzz(func(t *testing.T, n int64, y, yy, d, dd, yd, x, xx, xy, xd float64, m int64, level, theta float64, flags uint8, plan int64) {
		a := FloatSums{N: n, Y: y, YY: yy, D: d, DD: dd, YD: yd, X: x, XX: xx, XY: xy, XD: xd}.Joint()
		b := FloatSums{N: m, Y: y + 1, YY: yy * 2, D: d, DD: dd, YD: yd, X: xd, XX: xx, XY: xy, XD: xd}.Joint()
		everyTwoArm(t, a, b, fuzzOptions(level, theta, flags, plan))
		everyTwoArm(t, a, a, fuzzOptions(0.95, theta, flags, 20_000)) // equal arms
		everyTwoArm(t, Joint{N: n, Y: y, YY: yy, D: d, DD: dd, YD: yd, X: x, XX: xx, XY: xy, XD: xd}, b, fuzzOptions(0.95, theta, flags, 20_000))
		honest(t, Welch(Moments{n, y, yy}.Arm(), Moments{m, x, xx}.Arm(), fuzzOptions(level, theta, flags, plan)))
	})
}

// FuzzSums: members of any values, added, merged with themselves until the count ends, subtracted.
func FuzzSums(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), uint8(0), uint8(0))
	f.Add(int64(1), int64(1), int64(1), int64(1), int64(1), int64(1), uint8(8), uint8(1))
	f.Add(int64(1)<<62, int64(1), int64(1)<<62, int64(1)<<62-1, int64(2), int64(0), uint8(62), uint8(5))
	f.Add(int64(math.MinInt64), int64(math.MaxInt64), int64(-1), int64(0), int64(math.MinInt64), int64(1), uint8(70), uint8(2))
	f.Fuzz(func(t *testing.T, y1, d1, x1, y2, d2, x2 int64, doublings, flags uint8) {
		a, b := Of(Member{y1, d1, x1}), Of(Member{y2, d2, x2})
		b.Add(Member{x1, y1, d2})
		for range doublings % 80 {
			before := a
			a = a.Merge(a).Merge(b).Subtract(b)
			if back := a.Subtract(before); !a.Overflow && back != before {
				t.Fatalf("%+v halved is %+v", before, back)
			}
		}
		raw, err := json.Marshal(a)
		var back Sums
		if err != nil || json.Unmarshal(raw, &back) != nil || back != a {
			t.Fatalf("%s %v", raw, err)
		}
		o := fuzzOptions(0.95, 0.5, flags, 1000)
		o.MinPerArm = 0
		everyTwoArm(t, a.Joint(), b.Joint(), o)
		everyTwoArm(t, a.Joint(), a.Joint(), o)
		honest(t, Welch(a.Arm(), b.Arm(), o))
	})
}

// FuzzCounts: shares, splits, plans, many tests and the t distribution with any numbers.
func FuzzCounts(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(0), 0.0, 0.0, 0.0, uint8(0))
	f.Add(int64(1), int64(1), int64(1), int64(1), 1.0, 1.0, 1.0, uint8(1))
	f.Add(int64(14), int64(28), int64(16), int64(30), 0.95, 0.1, 10_000.0, uint8(4))
	f.Add(int64(1)<<62, int64(1)<<62, int64(1), int64(1)<<62, 0.5, 0.999, 1e15, uint8(8))
	f.Add(int64(-1), int64(math.MaxInt64), int64(math.MinInt64), int64(5), math.NaN(), math.Inf(1), -1.0, uint8(12))
	f.Fuzz(func(t *testing.T, k1, n1, k2, n2 int64, level, x, y float64, flags uint8) {
		o := fuzzOptions(level, x, flags, n1)
		honest(t, Newcombe(k1, n1, k2, n2, o))
		honest(t, Wilson(k1, n1, level))
		honest(t, Welch(Share(k1, n1), Share(k2, n2), o))
		honest(t, AlwaysValid(Share(k1, n1), Share(k2, n2), o))
		for _, s := range []SRM{SampleRatio(n1, n2, x), SequentialSRM(n1, n2, x, y), SequentialSRM(n1, n2, 0.1, DefaultConcentration)} {
			if !Finite(s.P, s.ChiSquare, s.LogE, s.Observed, s.Planned) || s.P < 0 || s.P > 1 || s.State == "" {
				t.Fatalf("%+v", s)
			}
		}
		p := Plan{Mean: x, Var: y, Holdout: 0.1, Level: level, Power: 0.8, Tail: o.Tail, Correlation: x - y, Sequential: flags&32 > 0}
		for _, a := range []Planned{Power(p, n1, x), MinDetectable(p, n1), SampleSize(p, y), SampleSize(p, x)} {
			if !Finite(a.Effect, a.Power) || a.Power < 0 || a.Power > 1 || a.Reason == "" && a.Control+a.Treatment != a.Members {
				t.Fatalf("%+v", a)
			}
		}
		found, err := BenjaminiHochberg([]float64{x, y, level, 0.01}, 0.1)
		for _, d := range found {
			if err != nil || d.Adjusted < d.P || d.Adjusted > 1 {
				t.Fatalf("%+v %v", d, err)
			}
		}
		if df := math.Abs(x); df > 1e-3 && Finite(x, y) {
			if v := StudentTail(y, df); !(v >= 0 && v <= 1) {
				t.Fatalf("tail(%v, %v) = %v", y, df, v)
			}
		}
		if c, err := Covariance([]float64{x, y, 1}, []float64{level, x, y}); err == nil && !Finite(c) {
			t.Fatal(c)
		}
	})
}

// TestNoJointBringsNaN: what FuzzFloatSums looks for, on every run, with numbers drawn near the edges and near plausible data.
func TestNoJointBringsNaN(t *testing.T) {
	edge := rapid.SampledFrom([]float64{0, 1, -1, math.NaN(), math.Inf(1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 62, 1e154, 1e-154, 1e-300})
	odd := rapid.OneOf(rapid.Float64(), edge, rapid.Float64Range(-100, 100), rapid.Float64Range(0, 1))
	count := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 300))
	rapid.Check(t, func(rt *rapid.T) {
		draw := func() Joint {
			f := func(name string) float64 { return odd.Draw(rt, name) }
			j := Joint{N: count.Draw(rt, "n"), Y: f("y"), D: f("d"), X: f("x"), YY: math.Abs(f("yy")), DD: math.Abs(f("dd")), XX: math.Abs(f("xx"))}
			// Correlations in [-1, 1], so that most cases pass the first gate.
			c := rapid.Float64Range(-1, 1)
			j.YD = c.Draw(rt, "yd") * math.Sqrt(j.YY) * math.Sqrt(j.DD)
			j.XY = c.Draw(rt, "xy") * math.Sqrt(j.XX) * math.Sqrt(j.YY)
			j.XD = c.Draw(rt, "xd") * math.Sqrt(j.XX) * math.Sqrt(j.DD)
			return j
		}
		a, b := draw(), draw()
		o := fuzzOptions(0.95, odd.Draw(rt, "theta"), rapid.Uint8().Draw(rt, "flags"), count.Draw(rt, "plan"))
		everyTwoArm(t, a, b, o)
		everyTwoArm(t, a, a, o)
	})
}

// FuzzInt192: a JSON value is refused, or is the integer that math/big reads, and comes back as itself.
func FuzzInt192(f *testing.F) {
	limit := new(big.Int).Lsh(big.NewInt(1), 191)
	for _, s := range []string{"0", "-1", `"12"`, `"+7"`, "null", `"`, `""`, `"1_0"`, "1e3", limit.String(), `"-` + limit.String() + `"`, new(big.Int).Sub(limit, big.NewInt(1)).String()} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a, again Int192
		if json.Unmarshal(raw, &a) != nil {
			return
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(bytes.TrimSpace(raw))
		}
		if want, ok := new(big.Int).SetString(text, 10); !ok || want.Cmp(a.Big()) != 0 {
			t.Fatalf("%s is %v", raw, a)
		}
		out, err := json.Marshal(a)
		if err != nil || json.Unmarshal(out, &again) != nil || again != a {
			t.Fatalf("%s is %v, written as %s, read as %v: %v", raw, a, out, again, err)
		}
	})
}
