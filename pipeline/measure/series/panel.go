package series

import (
	"fmt"
	"slices"

	"cagnotte/pipeline/measure"
)

// Panel is a balanced table of units by periods: the first Pre periods are before the campaign, which the Treated units ran in all others.
type Panel struct {
	Units   []string    `json:"units"`
	Treated []string    `json:"treated"`
	Y       [][]float64 `json:"y"` // Y[unit][period]
	Pre     int         `json:"pre"`
}

// SyntheticOptions chooses the estimator and its inference. The zero value of each field is the default.
type SyntheticOptions struct {
	Level        float64        `json:"level"` // of all intervals; must be given
	Design       measure.Design `json:"design,omitempty"`
	FixedEffects bool           `json:"fixed_effects,omitempty"` // take each unit's mean before the campaign out first
	Ridge        bool           `json:"ridge,omitempty"`         // augment with ridge regression (Ben-Michael, Feller, Rothstein 2021)
	Lambda       float64        `json:"lambda,omitempty"`        // ridge penalty; 0 chooses it by cross-validation over periods
	LambdaMin    bool           `json:"lambda_min,omitempty"`    // the penalty of least error rather than the largest within one standard error
	Conformal    Conformal      `json:"conformal"`
	Pointwise    bool           `json:"pointwise,omitempty"` // conformal interval of every period: about 100 fits each
	Placebos     int            `json:"placebos,omitempty"`  // most placebo fits, at most 10 000; 0 is none
}

// Conformal chooses the permutations of Chernozhukov, Wuthrich and Zhu (2021).
type Conformal struct {
	Draws int     `json:"draws,omitempty"` // seeded iid permutations, at most 100 000; 0 is all cyclic shifts, which serial correlation does not upset
	Seed  uint64  `json:"seed,omitempty"`  // of iid permutations and of sampled placebos
	Norm  float64 `json:"norm,omitempty"`  // q of the statistic (sum |u|^q)^(1/q), at least 1; 0 is 1
}

// Bounds of what a caller can ask for.
const (
	maxDraws    = 100_000
	maxPlacebos = 10_000
)

func (p Panel) check() error {
	if len(p.Units) != len(p.Y) {
		return fmt.Errorf("units: %d names for %d series", len(p.Units), len(p.Y))
	}
	seen := make(map[string]bool, len(p.Units))
	for i, u := range p.Units {
		if seen[u] {
			return fmt.Errorf("units: %q is there twice", u)
		}
		seen[u] = true
		if len(p.Y[i]) != len(p.Y[0]) {
			return fmt.Errorf("y[%d]: %d periods, y[0] has %d", i, len(p.Y[i]), len(p.Y[0]))
		}
		if err := checkSeries(fmt.Sprintf("y[%d]", i), p.Y[i]); err != nil {
			return err
		}
	}
	for i, u := range p.Treated {
		if !seen[u] {
			return fmt.Errorf("treated: %q is not among the units", u)
		}
		if slices.Contains(p.Treated[:i], u) {
			return fmt.Errorf("treated: %q is there twice", u)
		}
	}
	return checkPre(p.Pre, p.periods())
}

func (p Panel) periods() int {
	if len(p.Y) == 0 {
		return 0
	}
	return len(p.Y[0])
}

func (o SyntheticOptions) check() error {
	switch {
	case o.Conformal.Draws < 0 || o.Conformal.Draws > maxDraws:
		return fmt.Errorf("conformal.draws: %d is not between 0 and %d", o.Conformal.Draws, maxDraws)
	case o.Placebos < 0 || o.Placebos > maxPlacebos:
		return fmt.Errorf("placebos: %d is not between 0 and %d", o.Placebos, maxPlacebos)
	case o.Conformal.Norm != 0 && !(o.Conformal.Norm >= 1 && o.Conformal.Norm <= 10):
		return fmt.Errorf("conformal.norm: %v is not between 1 and 10", o.Conformal.Norm)
	case !(o.Lambda >= 0 && o.Lambda <= largest):
		return fmt.Errorf("lambda: %v is not a penalty", o.Lambda)
	}
	return checkLevel(o.Level)
}

// split returns the donors, their names and the mean of the treated units.
func (p Panel) split() (donors [][]float64, names []string, treated [][]float64) {
	for i, u := range p.Units {
		if slices.Contains(p.Treated, u) {
			treated = append(treated, p.Y[i])
			continue
		}
		donors, names = append(donors, p.Y[i]), append(names, u)
	}
	return donors, names, treated
}

// average is the mean series of units.
func average(units [][]float64) []float64 {
	out := make([]float64, len(units[0]))
	for _, u := range units {
		for t, y := range u {
			out[t] += y / float64(len(units))
		}
	}
	return out
}
