package series

import (
	"testing"
)

// TestCoverage: goal, intervals that hold the truth about as often as they say, where the model holds; method, seeded worlds without an effect:
// local level plus regression for the structural interval, exchangeable panels for the conformal p. It prints both shares.
func TestCoverage(t *testing.T) {
	const worlds = 200
	held, rejected, tests := 0, 0, 0
	for seed := range uint64(worlds) {
		out, err := StructuralCounterfactual(randomStructural(seed, 60, 10, 1))
		if err != nil || out.Figure == nil {
			t.Fatal(err, out.Reason)
		}
		if out.Figure.Low <= 0 && 0 <= out.Figure.High {
			held++
		}
		if seed%2 == 0 {
			continue
		}
		panel, err := SyntheticControl(randomPanel(seed, 6, 40, 5, 0), SyntheticOptions{Level: 0.9, FixedEffects: true})
		if err != nil {
			t.Fatal(err)
		}
		tests++
		if panel.PConformal <= 0.1 {
			rejected++
		}
	}
	cover, wrong := float64(held)/worlds, float64(rejected)/float64(tests)
	t.Logf("structural 90 %% interval holds the truth in %.3f of %d; conformal test at 10 %% is wrong in %.3f of %d", cover, worlds, wrong, tests)
	// Over 2 000 worlds it is 0.85: the variances' ratio counts as known, and is put at nought too often. Lower than 0.79 or higher than 0.97 is
	// another fault.
	if cover < 0.79 || cover > 0.97 {
		t.Errorf("structural coverage %.3f, level 0.9", cover)
	}
	if wrong > 0.19 {
		t.Errorf("conformal test wrong in %.3f, level 0.1", wrong)
	}
}
