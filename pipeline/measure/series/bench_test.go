package series

import "testing"

func BenchmarkTimeBasedRegression(b *testing.B) {
	in := TBRInput{Pre: 56, Level: 0.9}
	s := randomStructural(1, 56, 28, 1)
	in.Treatment, in.Control = s.Y, s.Controls[0]
	b.ReportAllocs()
	for b.Loop() {
		if out, err := TimeBasedRegression(in); err != nil || out.Figure == nil {
			b.Fatal(err, out.Reason)
		}
	}
}

func BenchmarkSyntheticControl(b *testing.B) {
	p := randomPanel(1, 40, 90, 15, 5)
	for _, c := range []struct {
		name string
		o    SyntheticOptions
	}{
		{"fixed_effects", SyntheticOptions{Level: 0.9, FixedEffects: true}},
		{"ridge", SyntheticOptions{Level: 0.9, FixedEffects: true, Ridge: true}},
		{"pointwise", SyntheticOptions{Level: 0.9, FixedEffects: true, Pointwise: true}},
		{"placebos_40", SyntheticOptions{Level: 0.9, FixedEffects: true, Placebos: 40}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out, err := SyntheticControl(p, c.o); err != nil || out.Figure == nil {
					b.Fatal(err, out.Reason)
				}
			}
		})
	}
}

// BenchmarkWeights is one fit of 40 donors over 90 periods, from nothing.
func BenchmarkWeights(b *testing.B) {
	p := randomPanel(1, 40, 90, 15, 5)
	donors, _, treated := p.split()
	s := problem{donors: donors, target: average(treated), pre: p.Pre, fe: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, why := s.fit(nil); why != "" {
			b.Fatal(why)
		}
	}
}

func BenchmarkStructural(b *testing.B) {
	in := randomStructural(1, 90, 28, 2)
	b.Run("likelihood", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if out, err := StructuralCounterfactual(in); err != nil || out.Figure == nil {
				b.Fatal(err, out.Reason)
			}
		}
	})
	b.Run("bayes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if out, err := BayesianStructural(BayesInput{StructuralInput: in}); err != nil || out.Figure == nil {
				b.Fatal(err, out.Reason)
			}
		}
	})
}
