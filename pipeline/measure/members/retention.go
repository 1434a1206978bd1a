package members

import (
	"fmt"

	"cagnotte/pipeline/measure"
)

// Rate is a share of members with the counts behind it.
type Rate struct {
	measure.Result
	Kept int64 `json:"kept"` // members who stayed or came again
	Of   int64 `json:"of"`   // members who could
}

// RetentionRate is the customer retention rate (E - N) / S of the trade: of start members, end less joined are still there. The interval is
// Wilson's, because the numerator counts members of the denominator. Counts that cannot be such (E - N below 0 or above S, a negative one)
// are refused with not_finite. Source: the small-business loyalty guide (S = 200, E = 250, N = 70: 90 %).
func RetentionRate(start, end, joined int64, level float64) Rate {
	r := Rate{Of: start}
	if start < 0 || end < 0 || joined < 0 || end-joined < 0 || end-joined > start {
		r.Result = measure.Result{Method: MethodRetention, Design: measure.Descriptive, Level: level, NTreatment: start}.Refuse(measure.NotFinite)
		return r
	}
	r.Kept = end - joined
	r.Result = renamed(MethodRetention, measure.Wilson(r.Kept, start, level))
	return r
}

// renamed returns r under the method that the reader asked for.
func renamed(m measure.Method, r measure.Result) measure.Result {
	r.Method = m
	return r
}

// FirstReward is one member since the first reward: how long the member has been observed, and when the next receipt came. Days, or any one
// unit of time.
type FirstReward struct {
	Observed float64  `json:"observed"`       // from the reward to now (or to the end of the data)
	Next     *float64 `json:"next,omitempty"` // from the reward to the next receipt; nil when there is none yet
}

// Repeat is the share of members who came again within the window.
type Repeat struct {
	Rate
	Window   float64 `json:"window"`
	Immature int64   `json:"immature"` // observed for less than the window: in neither count, also when they came again already
}

// RepeatRate is the share of members whose next receipt comes within window of their first reward, with Wilson's interval. Members who have
// been observed for less than the window are left out altogether: counting only those of them who already came again would raise the rate.
// It is a level, not an effect: earning a reward takes a visit, so members with rewards are frequent visitors to begin with.
func RepeatRate(rows []FirstReward, window, level float64) (Repeat, error) {
	out := Repeat{Window: window}
	if err := checkLevel(level); err != nil {
		return out, err
	}
	if !measure.Finite(window) || window <= 0 {
		return out, fmt.Errorf("window: %v is not above 0", window)
	}
	for i, row := range rows {
		switch {
		case !measure.Finite(row.Observed) || row.Observed < 0:
			return out, fmt.Errorf("rows[%d].observed: %v is not a time", i, row.Observed)
		case row.Next != nil && !(*row.Next >= 0 && *row.Next <= row.Observed):
			return out, fmt.Errorf("rows[%d].next: %v is not within the %v observed", i, *row.Next, row.Observed)
		case row.Observed < window:
			out.Immature++
			continue
		case row.Next != nil && *row.Next <= window:
			out.Kept++
		}
		out.Of++
	}
	out.Result = renamed(MethodRepeat, measure.Wilson(out.Kept, out.Of, level))
	if out.Immature > 0 {
		out.Result = out.Warn(Censored)
	}
	return out, nil
}
