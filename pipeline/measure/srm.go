package measure

import "gonum.org/v1/gonum/stat/distuv"

// SplitState is the verdict of a sample-ratio check.
type SplitState string

// Split states.
const (
	SplitUnchecked SplitState = ""        // the check was not made
	SplitNone      SplitState = "none"    // there is no experiment: nobody is held out, or everybody is
	SplitTooFew    SplitState = "too_few" // an arm expects fewer than 5 members
	SplitOK        SplitState = "ok"
	SplitSuspect   SplitState = "suspect" // p below 0.01: worth a look
	SplitFailed    SplitState = "failed"  // p below 0.001: lift must not be shown
)

// SRM is a sample-ratio check: do the arms have the sizes that the assignment promised?
type SRM struct {
	State        SplitState `json:"state"`
	Planned      float64    `json:"planned"`  // share of members held out, by the campaign document
	Observed     float64    `json:"observed"` // share of members held out, in the data
	ChiSquare    float64    `json:"chi_square"`
	P            float64    `json:"p"` // 1 when the check could not be made
	NTreatment   int64      `json:"n_treatment"`
	NControl     int64      `json:"n_control"`
	AlarmBelow   float64    `json:"alarm_below"`
	SuspectBelow float64    `json:"suspect_below"`
	Sequential   bool       `json:"sequential,omitempty"` // P holds at every look, see SequentialSRM
	LogE         float64    `json:"log_e,omitempty"`      // log of the evidence against the plan, sequential only
}

const (
	srmAlarm   = 0.001
	srmSuspect = 0.01
)

// SampleRatio checks the sizes of the arms against the planned holdout share (0.1 is 10 %) by a chi-square of one degree of freedom.
func SampleRatio(nTreatment, nControl int64, holdout float64) SRM {
	s := SRM{Planned: holdout, P: 1, NTreatment: nTreatment, NControl: nControl, AlarmBelow: srmAlarm, SuspectBelow: srmSuspect}
	if nTreatment < 0 || nControl < 0 || !(holdout > 0 && holdout < 1) {
		s.State, s.Planned = SplitNone, 0
		return s
	}
	n := float64(nTreatment) + float64(nControl)
	if n > 0 {
		s.Observed = float64(nControl) / n
	}
	expected := n * holdout
	if min(expected, n-expected) < 5 {
		s.State = SplitTooFew
		return s
	}
	d := float64(nControl) - expected
	s.ChiSquare = d*d/expected + d*d/(n-expected)
	s.P = distuv.ChiSquared{K: 1}.Survival(s.ChiSquare)
	s.State = verdict(s.P)
	return s
}

func verdict(p float64) SplitState {
	switch {
	case p < srmAlarm:
		return SplitFailed
	case p < srmSuspect:
		return SplitSuspect
	}
	return SplitOK
}
