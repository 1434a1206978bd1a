package members

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"cagnotte/pipeline/measure"
)

// Lifetime is one member's time until lapse, or until observation ended.
type Lifetime struct {
	Duration float64 `json:"duration"` // in any one unit of time, 0 or more
	Lapsed   bool    `json:"lapsed"`   // false: still active when observation ended (right-censored)
}

// SurvivalStep is the state just after one time with at least one lapse.
type SurvivalStep struct {
	Time     float64 `json:"time"`
	AtRisk   int64   `json:"at_risk"`  // just before Time
	Lapsed   int64   `json:"lapsed"`   // at Time
	Survival float64 `json:"survival"` // share that stays beyond Time
	StdErr   float64 `json:"std_err"`  // Greenwood; 0 once nobody is left
	Low      float64 `json:"low"`      // log-log interval, pointwise
	High     float64 `json:"high"`
}

// Survival is a Kaplan-Meier curve. The figure is the survival at SurvivalOptions.At.
type Survival struct {
	measure.Result
	Members  int64          `json:"members"`
	Lapsed   int64          `json:"lapsed"`
	Censored int64          `json:"censored"`
	Through  float64        `json:"through"`          // the longest observation: the curve says nothing beyond it
	Median   *float64       `json:"median,omitempty"` // first time with survival <= 1/2; absent when the curve stays above
	Steps    []SurvivalStep `json:"steps"`
}

// SurvivalOptions of a Kaplan-Meier curve.
type SurvivalOptions struct {
	At    float64 `json:"at"` // the time whose survival is the figure
	Level float64 `json:"level"`
}

// KaplanMeier estimates the share of members who have not lapsed by each time, right-censored members counted for as long as they were
// observed. At equal times a lapse comes before a censoring. The variance is Greenwood's, sum d / (n (n - d)); the interval is taken on
// log(-log S), which keeps it inside [0, 1] (Kalbfleisch & Prentice, as R's survfit conf.type = "log-log"). Before the first lapse there is no
// variance to speak of: the figure is refused with no_events.
func KaplanMeier(rows []Lifetime, o SurvivalOptions) (Survival, error) {
	out := Survival{Result: measure.Result{Method: MethodKaplanMeier, Design: measure.Descriptive, Level: o.Level, NTreatment: int64(len(rows))}, Members: int64(len(rows))}
	if err := checkLevel(o.Level); err != nil {
		return out, err
	}
	if !measure.Finite(o.At) || o.At < 0 {
		return out, fmt.Errorf("at: %v is not a time", o.At)
	}
	for i, row := range rows {
		if !measure.Finite(row.Duration) || row.Duration < 0 {
			return out, fmt.Errorf("rows[%d].duration: %v is not a time", i, row.Duration)
		}
	}
	sorted := slices.SortedFunc(slices.Values(rows), func(a, b Lifetime) int { return cmp.Compare(a.Duration, b.Duration) })
	out.run(sorted, quantile(o.Level))
	out.Result = out.at(o)
	return out, nil
}

// run makes the steps from rows sorted by time.
func (s *Survival) run(rows []Lifetime, z float64) {
	survival, greenwood, high := 1.0, 0.0, 1.0
	for i := 0; i < len(rows); {
		t, j, lapsed := rows[i].Duration, i, int64(0)
		for ; j < len(rows) && rows[j].Duration == t; j++ {
			if rows[j].Lapsed {
				lapsed++
			}
		}
		if lapsed > 0 {
			n, d := float64(len(rows)-i), float64(lapsed)
			survival *= (n - d) / n
			step := SurvivalStep{Time: t, AtRisk: int64(len(rows) - i), Lapsed: lapsed, Survival: survival, High: high}
			if survival > 0 { // once nobody is left Greenwood's sum is infinite: the last upper end stands
				greenwood += d / (n * (n - d))
				step.StdErr = survival * math.Sqrt(greenwood)
				step.Low, step.High = logLog(survival, greenwood, z)
			}
			high = step.High
			s.Steps = append(s.Steps, step)
			if s.Median == nil && survival <= 0.5 {
				s.Median = &t
			}
		}
		s.Lapsed += lapsed
		s.Censored += int64(j-i) - lapsed
		s.Through = t
		i = j
	}
}

// logLog returns the interval of a survival strictly between 0 and 1: S^exp(-+ z se), se = sqrt(greenwood) / |log S|.
func logLog(survival, greenwood, z float64) (low, high float64) {
	l := math.Log(survival)
	e := z * math.Sqrt(greenwood) / -l
	return math.Min(survival, math.Exp(l*math.Exp(e))), math.Max(survival, math.Exp(l*math.Exp(-e)))
}

// at is the figure: the step in force at one time.
func (s *Survival) at(o SurvivalOptions) measure.Result {
	r := s.Result
	switch {
	case s.Members == 0:
		return r.Refuse(measure.EmptyArm)
	case s.Lapsed == 0:
		return r.Refuse(NoEvents)
	case o.At > s.Through:
		return r.Refuse(NotObserved)
	}
	i, exact := slices.BinarySearchFunc(s.Steps, o.At, func(step SurvivalStep, at float64) int { return cmp.Compare(step.Time, at) })
	if !exact {
		i--
	}
	if i < 0 {
		return r.Refuse(NoEvents)
	}
	step := s.Steps[i]
	return r.With(measure.Figure{Estimate: step.Survival, Low: step.Low, High: step.High, StdErr: step.StdErr, P: 1})
}

// TimeToLapse turns one member's receipt times into a lifetime: the member lapses when gap passes without a receipt, and the lapse is dated
// at the end of that gap, when it became known. (Dated at the last receipt, every member's latest visit would look like a possible end, and
// those seen last would be censored informatively.) Times count from joining at 0; through is the end of observation. A member who comes
// back after a lapse has lapsed all the same: the time is that of the first.
func TimeToLapse(receipts []float64, gap, through float64) (Lifetime, error) {
	if !measure.Finite(gap) || gap <= 0 {
		return Lifetime{}, fmt.Errorf("gap: %v is not above 0", gap)
	}
	if !measure.Finite(through) || through < 0 {
		return Lifetime{}, fmt.Errorf("through: %v is not a time", through)
	}
	for i, t := range receipts {
		if !measure.Finite(t) || t < 0 {
			return Lifetime{}, fmt.Errorf("receipts[%d]: %v is not a time", i, t)
		}
	}
	last := 0.0
	for _, t := range slices.Sorted(slices.Values(receipts)) {
		if t > through || t-last > gap {
			break
		}
		last = t
	}
	if last+gap <= through {
		return Lifetime{Duration: last + gap, Lapsed: true}, nil
	}
	return Lifetime{Duration: through}, nil
}
