package members

import (
	"math/rand/v2"
	"testing"

	"cagnotte/pipeline/measure"
)

// cdnowLike simulates as many members as CDNOW has, with its published parameters.
func cdnowLike() []Customer {
	return shop(rand.New(rand.NewPCG(1, 2)), 2357, BGNBDParams{R: 0.243, Alpha: 4.414, A: 0.793, B: 2.426}, GammaGammaParams{P: 6.25, Q: 3.74, V: 15.44})
}

// bench measures f, which must give a figure.
func bench(b *testing.B, f func() (measure.Result, error)) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if r, err := f(); err != nil || r.Figure == nil {
			b.Fatalf("%v %s", err, r.Reason)
		}
	}
}

func BenchmarkFitBGNBD(b *testing.B) {
	rows := cdnowLike()
	bench(b, func() (measure.Result, error) {
		m, err := FitBGNBD(rows, FitOptions{Level: 0.95, Horizon: 39})
		return m.Result, err
	})
}

func BenchmarkFitGammaGamma(b *testing.B) {
	rows := cdnowLike()
	bench(b, func() (measure.Result, error) {
		m, err := FitGammaGamma(rows, FitOptions{Level: 0.95})
		return m.Result, err
	})
}

func BenchmarkPredict(b *testing.B) {
	m, err := FitBGNBD(cdnowLike(), FitOptions{Level: 0.95})
	if err != nil {
		b.Fatal(err)
	}
	c := Customer{Frequency: 2, Recency: 30.43, T: 38.86}
	bench(b, func() (measure.Result, error) {
		p, err := m.Predict(c, 39)
		return p.Result, err
	})
}

func BenchmarkLifetimeValue(b *testing.B) {
	rows := cdnowLike()
	m, err := FitBGNBD(rows, FitOptions{Level: 0.95})
	if err != nil {
		b.Fatal(err)
	}
	g, err := FitGammaGamma(rows, FitOptions{Level: 0.95})
	if err != nil {
		b.Fatal(err)
	}
	o := CLVOptions{Steps: 12, Step: 4.345, Discount: 0.01, Margin: 0.3, Level: 0.95}
	b.Run("delta", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { v, err := LifetimeValue(m, g, rows, o); return v.Result, err })
	})
	o.Draws = 200
	b.Run("draws", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { v, err := LifetimeValue(m, g, rows, o); return v.Result, err })
	})
}

func BenchmarkKaplanMeier(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]Lifetime, 100_000)
	for i := range rows {
		rows[i] = Lifetime{float64(rng.IntN(730)), rng.IntN(3) > 0}
	}
	bench(b, func() (measure.Result, error) {
		s, err := KaplanMeier(rows, SurvivalOptions{At: 90, Level: 0.95})
		return s.Result, err
	})
}

func BenchmarkCohorts(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([]MemberActivity, 100_000)
	for i := range rows {
		rows[i].Joined = rng.IntN(24)
		for p := rows[i].Joined; p < 24; p += 1 + rng.IntN(4) {
			rows[i].Active = append(rows[i].Active, p)
		}
	}
	bench(b, func() (measure.Result, error) {
		t, err := Cohorts(rows, CohortOptions{Through: 23, Age: 6, Level: 0.95})
		return t.Result, err
	})
}

func BenchmarkRates(b *testing.B) {
	b.Run("retention", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { return RetentionRate(200, 250, 70, 0.95).Result, nil })
	})
	next := 3.0
	rows := make([]FirstReward, 10_000)
	for i := range rows {
		rows[i] = FirstReward{Observed: float64(i % 60), Next: nil}
		if i%3 == 0 && i%60 > 3 {
			rows[i].Next = &next
		}
	}
	b.Run("repeat", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { r, err := RepeatRate(rows, 30, 0.95); return r.Result, err })
	})
}

func BenchmarkBreakage(b *testing.B) {
	cohorts, _ := programme(rand.New(rand.NewPCG(1, 2)), 36, 12, 1.02, 0.7)
	o := BreakageOptions{Level: 0.95}
	b.Run("chain_ladder", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { r, err := BreakageByCohort(cohorts, o); return r.Result, err })
	})
	b.Run("matured", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { r, err := MaturedBreakage(cohorts, o); return r.Result, err })
	})
	value, rate, se := 0.1, 0.85, 0.01
	in := LiabilityInput{Sales: 2000, Points: 2000, PointValue: &value, RedemptionRate: &rate, RedemptionStdErr: &se, Level: 0.95}
	b.Run("liability", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { r, err := BreakageLiability(in); return r.Result, err })
	})
}

func BenchmarkReturns(b *testing.B) {
	t, c := measure.Joint{N: 5000, Y: 12, YY: 400, D: 1, DD: 0.5, YD: 10}, measure.Joint{N: 5000, Y: 10, YY: 300}
	o := measure.DefaultOptions(measure.Absolute)
	b.Run("incremental_margin", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { return IncrementalMargin(t.Arm(), c.Arm(), o).Result, nil })
	})
	b.Run("roi", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { return ROI(t.Arm(), c.Arm(), 500, o).Result, nil })
	})
	b.Run("roi_fieller", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { return ROIRandomCost(t, c, 500, o).Result, nil })
	})
	b.Run("reward_rate", func(b *testing.B) {
		bench(b, func() (measure.Result, error) { return RewardRate(t, 0.95), nil })
	})
}
