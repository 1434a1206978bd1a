package measure

import (
	"fmt"
	"math"
	"slices"
)

// Winsor cuts a member's outcome total at a cap that was fixed before the data, such as a high quantile of spend before the window. Keep the
// raw sums beside the cut ones: a cap trades a little bias for much less variance, and the reader is owed both.
type Winsor struct {
	Cap int64 `json:"cap"` // in minor units; totals above it count as the cap, those below -Cap as -Cap; not negative
}

// Member returns m with its outcome cut, and whether it was. The covariate is cut as well, so that it stays comparable.
func (w Winsor) Member(m Member) (cut Member, was bool) {
	y := m.Y
	m.Y, m.X = w.clamp(m.Y), w.clamp(m.X)
	return m, m.Y != y
}

func (w Winsor) clamp(v int64) int64 { return min(max(v, -w.Cap), w.Cap) }

// CapFrom returns the cap that leaves the given share of members' totals uncut (0.999 cuts one in a thousand): the nearest-rank quantile. The
// totals must be those of a span before the campaign, of all members: a cap from the data that it cuts hides the effect. The error names the field.
func CapFrom(totals []int64, share float64) (Winsor, error) {
	if len(totals) == 0 {
		return Winsor{}, fmt.Errorf("totals: there are none")
	}
	if !(share > 0 && share <= 1) {
		return Winsor{}, fmt.Errorf("share: %v is not above 0 and at most 1", share)
	}
	sorted := slices.Clone(totals)
	slices.Sort(sorted)
	rank := int(math.Ceil(share * float64(len(sorted))))
	return Winsor{Cap: max(0, sorted[min(max(rank, 1), len(sorted))-1])}, nil
}
