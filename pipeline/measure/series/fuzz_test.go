package series

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"cagnotte/pipeline/measure"
)

// numbers reads a series from bytes, eight each; every fourth is taken as a small integer, so that equal and constant series come up too.
func numbers(raw []byte) []float64 {
	out := make([]float64, 0, len(raw)/8)
	for i := 0; i+8 <= len(raw) && len(out) < 240; i += 8 {
		bits := binary.LittleEndian.Uint64(raw[i:])
		if bits%4 == 0 {
			out = append(out, float64(int8(bits>>8)))
		} else {
			out = append(out, math.Float64frombits(bits))
		}
	}
	return out
}

func encode(values ...float64) []byte {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v)|1) // the last bit keeps it from the integers
	}
	return out
}

// seeds are ordinary, huge, tiny, equal and forbidden numbers.
func seeds(f *testing.F) {
	wave := make([]float64, 60)
	for i := range wave {
		wave[i] = 100 + 10*math.Sin(float64(i)) + float64(i%7)
	}
	f.Add(encode(wave...), uint8(20), uint8(3), 0.9, true)
	for _, x := range []float64{0, 1, 1 << 62, 1e-300, 1e99, 1e100, 1e308, math.NaN(), math.Inf(1), -1} {
		mixed := append([]float64{}, wave...)
		mixed[7], mixed[31] = x, -x
		f.Add(encode(mixed...), uint8(15), uint8(2), 0.95, false)
		same := make([]float64, 60)
		for i := range same {
			same[i] = x
		}
		f.Add(encode(same...), uint8(15), uint8(3), 0.5, true)
		f.Add(encode(scale(wave, x)...), uint8(12), uint8(4), 0.999999, false)
	}
	f.Add([]byte{}, uint8(0), uint8(0), math.NaN(), true)
}

func scale(x []float64, by float64) []float64 { return affine(x, by, 0) }

// sound fails when an answer holds a number that JSON cannot (NaN, infinity), or a figure beside a reason, or neither.
func sound(t *testing.T, answer any, r measure.Result, err error) {
	t.Helper()
	if err != nil {
		return
	}
	if _, bad := json.Marshal(answer); bad != nil {
		t.Fatalf("%v: %+v", bad, answer)
	}
	if (r.Figure == nil) == (r.Reason == "") {
		t.Fatalf("figure %+v, reason %q", r.Figure, r.Reason)
	}
	f := r.Figure
	if f == nil {
		return
	}
	// The mean of a skewed mixture may lie outside a narrow central interval: a posterior's estimate is not held to its own.
	inside := r.Method == MethodBayes || f.Low <= f.Estimate && f.Estimate <= f.High
	if !(f.Low <= f.High && inside && f.P >= 0 && f.P <= 1) {
		t.Fatalf("figure %+v", f)
	}
}

// rows cuts values into n series of equal length.
func rows(values []float64, n int) [][]float64 {
	if n == 0 {
		return nil
	}
	out := make([][]float64, n)
	for i := range out {
		out[i] = values[i*(len(values)/n) : (i+1)*(len(values)/n)]
	}
	return out
}

func FuzzTimeBasedRegression(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, pre, _ uint8, level float64, cost bool) {
		r := rows(numbers(raw), 4)
		in := TBRInput{Treatment: r[0], Control: r[1], Pre: int(pre) % (len(r[0]) + 1), Level: level}
		if cost {
			in.TreatmentCost, in.ControlCost = r[2], r[3]
		}
		out, err := TimeBasedRegression(in)
		sound(t, out, out.Result, err)
	})
}

func FuzzSyntheticControl(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, pre, units uint8, level float64, ridge bool) {
		p := Panel{Units: []string{"a", "b", "c", "d", "e", "f"}[:2+units%5], Treated: []string{"b"}}
		p.Y = rows(numbers(raw), len(p.Units))
		p.Pre = int(pre) % (p.periods() + 1)
		o := SyntheticOptions{Level: level, Ridge: ridge, FixedEffects: pre%2 == 0, Pointwise: pre%5 == 0, Placebos: int(pre % 4), Conformal: Conformal{Draws: int(pre%3) * 20}}
		out, err := SyntheticControl(p, o)
		sound(t, out, out.Result, err)
		total := 0.0
		for _, w := range out.Weights {
			total += w.Simplex
			if w.Simplex < 0 {
				t.Fatalf("weight %+v", w)
			}
		}
		if len(out.Weights) > 0 && math.Abs(total-1) > 1e-9 {
			t.Fatalf("weights sum to %v", total)
		}
	})
}

func FuzzStructural(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, pre, controls uint8, level float64, bayes bool) {
		r := rows(numbers(raw), 1+int(controls%3))
		in := StructuralInput{Y: r[0], Controls: r[1:], Pre: int(pre) % (len(r[0]) + 1), Level: level}
		if bayes {
			out, err := BayesianStructural(BayesInput{StructuralInput: in})
			sound(t, out, out.Result, err)
			return
		}
		out, err := StructuralCounterfactual(in)
		sound(t, out, out.Result, err)
	})
}
