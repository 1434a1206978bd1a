package panel

import (
	"math"
	"testing"
)

// The benchmarks' sizes: 54 stores x 70 days for stores, 300 units x 12 periods for staggered adoption, 75 000 rows for campaigns.

func benchPanel(b *testing.B) Panel {
	p := syntheticPanel(54, 70, 1, 0.2)
	for i := range p.start {
		p.start[i] = len(p.periods)
		if i < 8 {
			p.start[i] = 56
		}
	}
	for i := range p.y {
		p.y[i] = math.Exp(p.y[i] / 10)
	}
	b.ReportAllocs()
	return p
}

func BenchmarkTwoByTwo(b *testing.B) {
	p := benchPanel(b)
	var pairs []Pair
	for i := range p.units {
		pairs = append(pairs, Pair{p.units[i], i < 8, p.row(i)[0], p.row(i)[1]})
	}
	for b.Loop() {
		if r, _ := TwoByTwo(pairs, DefaultOptions()); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkLogDiD(b *testing.B) {
	p := benchPanel(b)
	w := Window{Span{1, 57}, Span{57, 71}}
	for b.Loop() {
		if r, _ := LogDiD(p, w, DefaultOptions()); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkTwoWay(b *testing.B) {
	p := benchPanel(b)
	for b.Loop() {
		if r, _ := TwoWay(p, DefaultOptions()); r.Figure == nil || r.CR2 == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkWildCluster999(b *testing.B) {
	p := benchPanel(b)
	o := DefaultWild(1)
	o.Draws = 999
	for b.Loop() {
		if r, _ := WildCluster(p, o); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkPermutation9999(b *testing.B) {
	p := benchPanel(b)
	values, treated := make([]float64, 54), make([]bool, 54)
	for i := range values {
		values[i], treated[i] = p.row(i)[60], i < 8
	}
	for b.Loop() {
		if r, _ := Permutation(values, treated, DefaultPermutation(1)); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkStaggered999(b *testing.B) {
	p := syntheticPanel(300, 12, 1, 0.2)
	o := DefaultStaggered(1)
	o.Draws = 999
	b.ReportAllocs()
	for b.Loop() {
		if r, _ := Staggered(p, o); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkCampaigns(b *testing.B) {
	rows := completeJourney(b)
	b.ReportAllocs()
	for b.Loop() {
		if r, _ := Campaigns(rows, DefaultOptions()); r.Figure == nil {
			b.Fatal(r.Reason)
		}
	}
}

func BenchmarkPlacebo999(b *testing.B) {
	days, err := NewDays(favorita(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	seed := uint64(0)
	for b.Loop() {
		seed++
		if _, err := Placebo(days, DefaultPlacebo(), seed); err != nil {
			b.Fatal(err)
		}
	}
}
