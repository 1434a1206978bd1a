package measure

import (
	"math/rand/v2"
	"testing"
)

// benchSums are two arms of a campaign with 900 and 100 members.
func benchSums(seed uint64) (t, c Sums) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range 1000 {
		if i < 900 {
			t.Add(drawMember(rng))
		} else {
			c.Add(drawMember(rng))
		}
	}
	return t, c
}

// BenchmarkEstimators: one figure each, from moments that are there already.
func BenchmarkEstimators(b *testing.B) {
	ts, cs := benchSums(1)
	t, c := ts.Joint(), cs.Joint()
	at, ac := t.Arm(), c.Arm()
	abs, rel := DefaultOptions(Absolute), DefaultOptions(Relative)
	greater := rel
	greater.Tail = Greater
	ps := []float64{.001, .2, .03, .5, .04, .9, .01, .6}
	plan := DefaultPlan(10, 144)
	xs := []float64{5.6, -9.6, -1.3, 5.3, 4.4, -8.6, 5.1, 7.9, -8.2, -3}
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Welch", func() { Welch(at, ac, rel) }},
		{"WelchOneSided", func() { WelchOneSided(at, ac, Greater, abs) }},
		{"Fieller", func() { Fieller(at, ac, rel) }},
		{"MeanZ", func() { MeanZ(at, ac, abs) }},
		{"Wilson", func() { Wilson(214, 1133, 0.95) }},
		{"Newcombe", func() { Newcombe(214, 1133, 30, 120, abs) }},
		{"RatioWelch", func() { RatioWelch(t, c, rel) }},
		{"CUPED", func() { CUPED(t, c, rel) }},
		{"CUPEDRatio", func() { CUPEDRatio(t, c, rel) }},
		{"MemberDiD", func() { MemberDiD(t, c, abs) }},
		{"AlwaysValid", func() { AlwaysValid(at, ac, rel) }},
		{"AlwaysValidOneSided", func() { AlwaysValid(at, ac, greater) }},
		{"AlwaysValidMean", func() { AlwaysValidMean(at, abs) }},
		{"AlwaysValidRatio", func() { AlwaysValidRatio(t, c, rel) }},
		{"AlwaysValidCUPED", func() { AlwaysValidCUPED(t, c, rel) }},
		{"AlwaysValidCUPEDRatio", func() { AlwaysValidCUPEDRatio(t, c, rel) }},
		{"SampleRatio", func() { SampleRatio(900, 100, 0.1) }},
		{"SequentialSRM", func() { SequentialSRM(900, 100, 0.1, DefaultConcentration) }},
		{"BenjaminiHochberg8", func() { _, _ = BenjaminiHochberg(ps, 0.1) }},
		{"Power", func() { Power(plan, 100_000, 0.03) }},
		{"SampleSize", func() { SampleSize(plan, 0.03) }},
		{"MinDetectable", func() { MinDetectable(plan, 100_000) }},
		{"Covariance10", func() { _, _ = Covariance(xs, xs) }},
		{"StudentQuantile99", func() { StudentQuantile(0.975, 99) }},
		{"StudentQuantile500", func() { StudentQuantile(0.975, 500) }},
		{"StudentQuantile5000", func() { StudentQuantile(0.975, 5000) }},
	} {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.run()
			}
		})
	}
}

// BenchmarkSums: what a receipt and a refresh cost before any figure.
func BenchmarkSums(b *testing.B) {
	t, c := benchSums(2)
	m := Member{Y: 4250, D: 3, X: 9000}
	for _, k := range []struct {
		name string
		run  func()
	}{
		{"Receipt", func() { m.Receipt(725, 1) }},
		{"Merge", func() { t.Merge(c) }},
		{"Arm", func() { t.Arm() }},
		{"Joint", func() { t.Joint() }},
	} {
		b.Run(k.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.run()
			}
		})
	}
}

// BenchmarkRefresh10000: goal, at most 100 ms on one core for a screen of 10 000 campaign x KPI pairs, each from its exact sums to its always-valid
// interval with Welch's beside it. One operation is the whole screen. A fifth of the pairs is small (190 members at most), where Student's t
// comes from the incomplete beta function.
func BenchmarkRefresh10000(b *testing.B) {
	pairs := refreshPairs(10_000)
	o := DefaultOptions(Relative)
	o.MinPerArm = 50
	b.ReportAllocs()
	for b.Loop() {
		shown := 0
		for i := range pairs {
			t, c := pairs[i][0].Arm(), pairs[i][1].Arm()
			if AlwaysValid(t, c, o).Figure != nil && Welch(t, c, o).Figure != nil {
				shown++
			}
		}
		if shown != len(pairs) {
			b.Fatalf("%d figures", shown)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e4, "ns/pair")
}

// BenchmarkRefreshCUPED10000: the same screen from adjusted figures: nine moments in place of two.
func BenchmarkRefreshCUPED10000(b *testing.B) {
	pairs := refreshPairs(10_000)
	o := DefaultOptions(Relative)
	o.MinPerArm = 50
	b.ReportAllocs()
	for b.Loop() {
		for i := range pairs {
			t, c := pairs[i][0].Joint(), pairs[i][1].Joint()
			if AlwaysValidCUPED(t, c, o).Figure == nil || CUPED(t, c, o).Figure == nil {
				b.Fatal("no figure")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1e4, "ns/pair")
}

// refreshPairs builds the arms of that many campaigns out of a few simulated blocks of members, so that the sums differ in size and value.
func refreshPairs(n int) [][2]Sums {
	rng := rand.New(rand.NewPCG(21, 34))
	blocks := make([]Sums, 64)
	for i := range blocks {
		for range 90 {
			blocks[i].Add(drawMember(rng))
		}
	}
	pairs := make([][2]Sums, n)
	for i := range pairs {
		size := 1
		if i%5 != 0 {
			size = 3 + rng.IntN(30)
		}
		for k := range size {
			pairs[i][0] = pairs[i][0].Merge(blocks[(i+k)%64])
			pairs[i][1] = pairs[i][1].Merge(blocks[(i+k+31)%64])
		}
	}
	return pairs
}
