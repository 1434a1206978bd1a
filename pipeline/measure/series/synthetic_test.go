package series

import (
	"testing"
)

func TestTry(t *testing.T) {
	for _, fe := range []bool{true, false} {
		for _, ridge := range []bool{false, true} {
			out, err := SyntheticControl(geolift(t), SyntheticOptions{Level: .9, FixedEffects: fe, Ridge: ridge})
			t.Log("geolift", fe, ridge, err, out.Result, out.Figure, out.ATT, out.Incremental, out.Lift, out.L2, out.ScaledL2, out.PConformal, out.Lambda, out.Gap, out.Iterations, out.Weights)
			out, err = SyntheticControl(kansas(t), SyntheticOptions{Level: .95, FixedEffects: fe, Ridge: ridge, Pointwise: true, Placebos: 100})
			t.Log("kansas", fe, ridge, err, out.Result, out.Figure, out.ATT, out.Incremental, out.Lift, out.L2, out.ScaledL2, out.PConformal, out.Lambda, out.Gap, out.Iterations)
			for _, p := range out.Points[89:] {
				t.Log(p, p.Conformal)
			}
			t.Log(out.Placebo)
		}
	}
}
