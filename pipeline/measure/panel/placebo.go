package panel

import (
	"fmt"
	"math"
	"math/rand/v2"

	"cagnotte/pipeline/measure"

	"gonum.org/v1/gonum/stat/distuv"
)

// Days is a matrix of store-days prepared for thousands of placebo windows: sums and counts from the first day on, so that a window's mean costs
// two look-ups. It is immutable.
type Days struct {
	stores, days int
	sum          []float64 // store after store, days+1 each
	seen         []int32
}

// NewDays prepares traffic[store][day]; NaN is a day without data. Negative and infinite values and rows of different lengths are errors.
func NewDays(traffic [][]float64) (Days, error) {
	if len(traffic) == 0 || len(traffic[0]) == 0 {
		return Days{}, fmt.Errorf("traffic: empty")
	}
	d := Days{stores: len(traffic), days: len(traffic[0])}
	if d.stores > maxCells/(d.days+1) {
		return Days{}, fmt.Errorf("traffic: %d x %d cells, at most %d", d.stores, d.days, maxCells)
	}
	d.sum, d.seen = make([]float64, d.stores*(d.days+1)), make([]int32, d.stores*(d.days+1))
	for i, row := range traffic {
		if len(row) != d.days {
			return Days{}, fmt.Errorf("traffic[%d]: %d days, the first store has %d", i, len(row), d.days)
		}
		at := i * (d.days + 1)
		for t, v := range row {
			d.sum[at+t+1], d.seen[at+t+1] = d.sum[at+t], d.seen[at+t]
			switch {
			case math.IsNaN(v):
			case v < 0 || math.IsInf(v, 0) || math.IsInf(d.sum[at+t]+v, 0):
				return Days{}, fmt.Errorf("traffic[%d][%d]: %g", i, t, v)
			default:
				d.sum[at+t+1] += v
				d.seen[at+t+1]++
			}
		}
	}
	return d, nil
}

// mean is a store's mean over [from, to) and whether at least nine in ten days, rounded down, have data.
func (d Days) mean(store, from, to int) (float64, bool) {
	at := store * (d.days + 1)
	n := int(d.seen[at+to] - d.seen[at+from])
	return (d.sum[at+to] - d.sum[at+from]) / float64(n), n > 0 && n >= (to-from)*9/10
}

// PlaceboDesign is the campaign that never was.
type PlaceboDesign struct {
	Treated int     // stores
	Pre     int     // days before
	Post    int     // days of the window
	First   int     // the window begins on this day or later; at least Pre
	Level   float64 // 0.95: tests decide at 5 %
	Draws   int     // of the permutation, 99 to 100 000, unless all assignments are no more
	Stores  int     // fewer usable stores than this give no test; at least Treated + 3
}

// DefaultPlacebo: 8 stores, 56 days before, 14 days, 999 draws, at least 30 usable stores.
func DefaultPlacebo() PlaceboDesign {
	return PlaceboDesign{Treated: 8, Pre: 56, Post: 14, First: 56, Level: 0.95, Draws: 999, Stores: 30}
}

// Decision is a test's p and whether it calls the nothing an effect. Made is false where the test needs more stores than there are.
type Decision struct {
	P      float64 `json:"p"`
	Reject bool    `json:"reject"`
	Made   bool    `json:"made"`
}

// PlaceboOutcome is what the estimators say about a window without a campaign.
type PlaceboOutcome struct {
	Start       int            `json:"start"`  // first day of the window
	Stores      int            `json:"stores"` // with enough data
	Uplift      float64        `json:"uplift"` // a fraction, of the difference-in-differences
	Pooled      Decision       `json:"pooled"`
	Welch       Decision       `json:"welch"`        // needs two treated stores
	Permutation Decision       `json:"permutation"`  //
	BeforeAfter Decision       `json:"before_after"` // t of the treated stores alone, what the comparison saves from; needs two of them
	Reason      measure.Reason `json:"reason,omitempty"`
}

// Placebo draws a window and the treated stores from the seed and asks every test: pooled t (the same numbers as LogDiD), Welch's t, permutation,
// and before/after. The caller counts the rejections over many seeds. Too few usable stores in the drawn window are a Reason, not an error.
func Placebo(d Days, design PlaceboDesign, seed uint64) (PlaceboOutcome, error) {
	if err := design.check(d); err != nil {
		return PlaceboOutcome{}, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x706c6163))
	first := max(design.First, design.Pre)
	start := first + rng.IntN(d.days-design.Post-first+1)
	growth := make([]float64, 0, d.stores)
	for store := range d.stores {
		before, ok := d.mean(store, start-design.Pre, start)
		during, ok2 := d.mean(store, start, start+design.Post)
		if g := math.Log(during) - math.Log(before); ok && ok2 && measure.Finite(g) {
			growth = append(growth, g)
		}
	}
	out := PlaceboOutcome{Start: start, Stores: len(growth)}
	if len(growth) < max(design.Stores, design.Treated+3) {
		out.Reason = TooFewUnits
		return out, nil
	}
	for i := range design.Treated {
		j := i + rng.IntN(len(growth)-i)
		growth[i], growth[j] = growth[j], growth[i]
	}
	out.decide(growth, design, rng)
	return out, nil
}

func (p PlaceboDesign) check(d Days) error {
	switch {
	case p.Treated < 1:
		return fmt.Errorf("treated: %d, at least 1", p.Treated)
	case p.Pre < 1 || p.Post < 1 || p.Pre > d.days || p.Post > d.days || p.First > d.days || max(p.First, p.Pre)+p.Post > d.days:
		return fmt.Errorf("pre: %d days, post: %d, first: %d do not fit in %d days", p.Pre, p.Post, p.First, d.days)
	case !measure.ValidLevel(p.Level):
		return fmt.Errorf("level: %g", p.Level)
	case p.Draws < 99 || p.Draws > 100_000:
		return fmt.Errorf("draws: %d, want 99 to 100000", p.Draws)
	}
	return nil
}

// decide runs the tests on log growth, the treated stores first.
func (out *PlaceboOutcome) decide(growth []float64, design PlaceboDesign, rng *rand.Rand) {
	var arms [2]running
	for i, g := range growth {
		arms[armOf(i < design.Treated)].add(g)
	}
	t, c := arms[0], arms[1]
	if t.constant() && c.constant() {
		out.Reason = measure.ZeroVariance
		return
	}
	difference, alpha := t.mean-c.mean, 1-design.Level
	out.Uplift = math.Expm1(difference)
	nt, nc := float64(t.n), float64(c.n)
	out.Pooled = tTest(difference, math.Sqrt((t.m2+c.m2)/(nt+nc-2)*(1/nt+1/nc)), nt+nc-2, alpha)
	out.Permutation = permuted(growth, design, rng)
	if t.n < 2 {
		return
	}
	a, b := t.variance()/nt, c.variance()/nc
	s := a + b
	out.Welch = tTest(difference, math.Sqrt(s), 1/((a/s)*(a/s)/(nt-1)+(b/s)*(b/s)/(nc-1)), alpha)
	out.BeforeAfter = tTest(t.mean, math.Sqrt(a), nt-1, alpha)
}

func tTest(estimate, se, df, alpha float64) Decision {
	if !measure.Finite(estimate/se, df) {
		return Decision{}
	}
	p := math.Min(1, 2*distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Survival(math.Abs(estimate/se)))
	return Decision{P: p, Reject: p <= alpha, Made: true}
}

// permuted is Permutation's p without its interval and without keeping the assignments; it shuffles growth.
func permuted(growth []float64, design PlaceboDesign, rng *rand.Rand) Decision {
	k := design.Treated
	var total, observed, largest float64
	for _, g := range growth {
		total += g / float64(len(growth))
	}
	for i := range growth {
		growth[i] -= total
		largest = max(largest, math.Abs(growth[i]))
		if i < k {
			observed += growth[i]
		}
	}
	threshold := math.Abs(observed) - 1e-12*largest
	var p float64
	if ways, small := choose(len(growth), k, design.Draws); small {
		p = float64(extremes(growth, k, threshold)) / float64(ways)
	} else {
		p = float64(1+randomExtremes(growth, k, design.Draws, threshold, rng)) / float64(design.Draws+1)
	}
	return Decision{P: p, Reject: p <= 1-design.Level, Made: true}
}

// extremes counts all choices of k values whose absolute sum reaches the threshold.
func extremes(x []float64, k int, threshold float64) int {
	count := 0
	enumerate(len(x), k, func(chosen []int) {
		var sum float64
		for _, i := range chosen {
			sum += x[i]
		}
		if math.Abs(sum) >= threshold {
			count++
		}
	})
	return count
}

// randomExtremes counts random choices; the shuffle goes on in place.
func randomExtremes(x []float64, k, draws int, threshold float64, rng *rand.Rand) int {
	count, n := 0, uint32(len(x))
	for range draws {
		var sum float64
		for i := range k {
			j := i + int(rng.Uint32N(n-uint32(i)))
			x[i], x[j] = x[j], x[i]
			sum += x[i]
		}
		if math.Abs(sum) >= threshold {
			count++
		}
	}
	return count
}
