package simulate

import (
	"math"
	"slices"

	"cagnotte/pipeline/measure"
)

// The ways to count members, and what the always-valid interval takes for its n.
//
// The boundary is built for data that arrive: it is wide while n is small and narrow at the planned n. A base of members that is frozen at the
// start has its full n before anybody has come, so the narrow end of the boundary meets the first hours, when a few large baskets decide.
// The clock is the remedy that keeps intention-to-treat: means over the whole base, but the boundary (and the least n for a figure) go by how
// many of the base have come by now.
const (
	countBase    = iota // every member of the base from the first hour: means, variances and n
	countExposed        // a member counts from the first receipt in the window; not intention-to-treat, an offer may change who comes
	countClock          // means and variances over the base, n of the boundary by those who came
	countings
)

// lifts must be as many as Lifts returns.
const lifts = 4

// variants is the number of rows that one campaign gives: each way to count, with and without adjustment, each lift.
const variants = countings * 2 * lifts

func variant(counted, adjusted, lift int) int { return (counted*2+adjusted)*lifts + lift }

// verdict is what one campaign said under one variant.
type verdict struct {
	figure                bool // at the end
	fixedEver, fixedEnd   bool
	fixedCover            bool
	alwaysEver, alwaysEnd bool
	missed, wrongSign     bool
	first                 int // hour of the first crossing of the always-valid interval, from 1
	fixedHalf, alwaysHalf float64
}

type outcome [variants]verdict

// observe watches one campaign.
func (o *outcome) observe(c *campaign, opts Options) {
	options := measure.DefaultOptions(measure.Relative)
	options.PlanMembers = opts.Plan
	truth := Lifts()
	c.watch(func(hour int, base, exposed *pair) {
		for counted := range countings {
			p, at := base, options
			switch counted {
			case countExposed:
				p = exposed
			case countClock:
				at.Came = &measure.Came{Treatment: exposed.treatment.N, Control: exposed.control.N}
			}
			t, ctl := p.treatment.Joint(), p.control.Joint()
			for l, lift := range truth {
				lifted := t.Scaled(1+lift, 1, 1)
				o[variant(counted, 0, l)].look(plain(lifted, ctl, at), hour, lift)
				o[variant(counted, 1, l)].look(adjusted(lifted, ctl, at), hour, lift)
			}
		}
	})
}

// procedures are the two intervals on the same data, each computed when it is asked for.
type procedures struct{ always, fixed func() measure.Result }

func plain(t, c measure.Joint, o measure.Options) procedures {
	return procedures{
		always: func() measure.Result { return measure.AlwaysValid(t.Arm(), c.Arm(), o) },
		fixed:  func() measure.Result { return measure.Welch(t.Arm(), c.Arm(), o) },
	}
}

func adjusted(t, c measure.Joint, o measure.Options) procedures {
	return procedures{
		always: func() measure.Result { return measure.AlwaysValidCUPED(t, c, o).Result },
		fixed:  func() measure.Result { return measure.CUPED(t, c, o).Result },
	}
}

// look notes what the intervals say now.
func (v *verdict) look(x procedures, hour int, truth float64) {
	last := hour == WindowHours-1
	f := x.always().Figure
	if f == nil {
		return // the gates of both are the same
	}
	crossed := f.Low > 0 || f.High < 0
	if crossed && !v.alwaysEver {
		v.alwaysEver, v.first = true, hour+1
	}
	v.missed = v.missed || f.Low > truth || f.High < truth
	v.wrongSign = v.wrongSign || truth > 0 && f.High < 0
	if last {
		v.figure, v.alwaysEnd, v.alwaysHalf = true, crossed, (f.High-f.Low)/2
	}
	// No t excludes zero below 1.96 standard errors, whatever its degrees of freedom: only the other looks need the quantile.
	if last || !v.fixedEver && math.Abs(f.Estimate) > 1.95*f.StdErr {
		v.lookFixed(x.fixed().Figure, last, truth)
	}
}

func (v *verdict) lookFixed(f *measure.Figure, last bool, truth float64) {
	if f == nil {
		return
	}
	crossed := f.Low > 0 || f.High < 0
	v.fixedEver = v.fixedEver || crossed
	if last {
		v.fixedEnd, v.fixedHalf = crossed, (f.High-f.Low)/2
		v.fixedCover = f.Low <= truth && truth <= f.High
	}
}

// summarise counts the verdicts of one variant.
func summarise(source string, v int, outcomes []outcome) Watching {
	w := Watching{
		Source: source, Counted: [countings]string{"base", "exposed", "clock"}[v/(2*lifts)],
		Adjusted: v/lifts%2 == 1, Lift: Lifts()[v%lifts], Campaigns: len(outcomes),
	}
	var firsts []int
	for i := range outcomes {
		x := &outcomes[i][v]
		w.NoFigure += one(!x.figure)
		w.FixedEver += float64(one(x.fixedEver))
		w.FixedEnd += float64(one(x.fixedEnd))
		w.FixedCover += float64(one(x.fixedCover))
		w.AlwaysEver += float64(one(x.alwaysEver))
		w.AlwaysEnd += float64(one(x.alwaysEnd))
		w.AlwaysCover += float64(one(!x.missed))
		w.WrongSign += float64(one(x.wrongSign))
		w.FixedHalf += x.fixedHalf
		w.AlwaysHalf += x.alwaysHalf
		if x.first > 0 {
			firsts = append(firsts, x.first)
		}
	}
	n := float64(len(outcomes))
	for _, share := range []*float64{&w.FixedEver, &w.FixedEnd, &w.FixedCover, &w.AlwaysEver, &w.AlwaysEnd, &w.AlwaysCover, &w.WrongSign} {
		*share /= n
	}
	figures := math.Max(1, n-float64(w.NoFigure))
	w.FixedHalf /= figures
	w.AlwaysHalf /= figures
	if len(firsts) > 0 {
		slices.Sort(firsts)
		w.MedianFirst = firsts[len(firsts)/2]
	}
	return w
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
