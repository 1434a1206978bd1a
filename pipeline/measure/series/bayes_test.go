package series

import (
	"math"
	"testing"
)

// summary is one R summary of CausalImpact, of the column that is printed with more digits.
type summary struct {
	name       string
	in         func(testing.TB) StructuralInput
	periods    float64 // what the printed figures are per
	effect, sd float64
	low, high  float64
}

func impact(t testing.TB, post int, file, y string, x ...string) StructuralInput {
	c := table(t, "causalimpact", file)
	in := StructuralInput{Y: floats(t, c[y]), Level: 0.95}
	for _, name := range x {
		in.Controls = append(in.Controls, floats(t, c[name]))
	}
	in.Pre = len(in.Y) - post
	return in
}

func summaries() []summary {
	return []summary{
		{"comparison", func(t testing.TB) StructuralInput {
			return impact(t, 18, "comparison_data.csv", "CHANGED", "NOT_CHANGED_1", "NOT_CHANGED_2", "NOT_CHANGED_3")
		}, 18, -657, 736, -2076, 832},
		{"arma", func(t testing.TB) StructuralInput { return impact(t, 30, "arma_data.csv", "y", "X") }, 1, 26.67, 9.1, 7.99, 44.4},
		{"basque", func(t testing.TB) StructuralInput { return impact(t, 22, "basque.csv", "Basque", "another") }, 1, -16.75, 6.89, -30.0, -4.3},
		{"volks", func(t testing.TB) StructuralInput {
			return impact(t, 79, "volks_data.csv", "VolksWagen", "BMW", "Allianz")
		}, 1, -3496, 438.5, -4338, -2571},
	}
}

// TestCausalImpact: goal, the four published summaries of Google's R package; method, quadrature of its model. The summaries are of 1 000 draws:
// a mean is known to 0.03 standard deviations, a 2.5 % quantile to 0.085. The comparison data are held to 5 % of each number besides.
func TestCausalImpact(t *testing.T) {
	for _, s := range summaries() {
		out, err := BayesianStructural(BayesInput{StructuralInput: s.in(t)})
		if err != nil || out.Figure == nil {
			t.Fatalf("%s: %v %v", s.name, err, out.Reason)
		}
		effect, sd, low, high := out.Figure.Estimate/s.periods, out.Figure.StdErr/s.periods, out.Figure.Low/s.periods, out.Figure.High/s.periods
		t.Logf("%-10s effect %.5g (%.4g) [%.5g, %.5g], R %.5g (%.4g) [%.5g, %.5g], %d components", s.name, effect, sd, low, high, s.effect, s.sd, s.low, s.high, out.Components)
		for _, f := range []struct {
			what           string
			got, want, tol float64
		}{{"effect", effect, s.effect, 0.1}, {"sd", sd, s.sd, 0.05}, {"low", low, s.low, 0.25}, {"high", high, s.high, 0.25}} {
			if math.Abs(f.got-f.want) > f.tol*s.sd {
				t.Errorf("%s %s: got %.5g, R has %.5g", s.name, f.what, f.got, f.want)
			}
			if s.name == "comparison" && math.Abs(f.got/f.want-1) > 0.05 {
				t.Errorf("comparison %s: got %.5g, R has %.5g: more than 5 %%", f.what, f.got, f.want)
			}
		}
	}
}

// TestBayesQuadrature: goal, the grid is fine enough; method, the mixture's mass against a grid of other spacing (the search's own grid), and a
// chart that ends at the figure.
func TestBayesQuadrature(t *testing.T) {
	in := randomStructural(2, 60, 8, 2)
	m, _, _ := in.model()
	p := newPosterior(m, 0.01)
	b, ok := p.zoom()
	if !ok {
		t.Fatal("no box")
	}
	mass := func(n int) float64 {
		var logs []float64
		for i := range n {
			for j := range n {
				logs = append(logs, p.density(b.at(i, j, n)))
			}
		}
		return logSum(logs) - 2*math.Log(float64(n-1))
	}
	near(t, "log mass", mass(finalGrid), mass(61), 1e-6)
	out, err := BayesianStructural(BayesInput{StructuralInput: in})
	if err != nil || out.Figure == nil {
		t.Fatal(err, out.Reason)
	}
	if last := out.Points[len(out.Points)-1]; last.CumulativeLow != out.Figure.Low || last.CumulativeHigh != out.Figure.High || math.Abs(last.Cumulative-out.Figure.Estimate) > 1e-9 {
		t.Errorf("the chart ends at %+v, the figure is %+v", last, out.Figure)
	}
	for j, x := range out.Inclusion {
		if x < 0.99 || x > 1+1e-12 {
			t.Errorf("control %d drives the series, inclusion %v", j, x)
		}
	}
}
