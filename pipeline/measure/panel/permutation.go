package panel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"cagnotte/pipeline/measure"
)

// PermutationOptions of the test. Start from DefaultPermutation.
type PermutationOptions struct {
	Options
	MaxExact int    // all assignments are enumerated when there are no more than this, at most 1 000 000
	Draws    int    // random assignments otherwise, 99 to 1 000 000
	Seed     uint64 // the same seed gives the same figures
	Logs     bool   // the values are logarithms: estimate and interval are exponentiated to fractions
}

// DefaultPermutation: exact up to 20 000 assignments, else 9 999 draws.
func DefaultPermutation(seed uint64) PermutationOptions {
	return PermutationOptions{Options: DefaultOptions(), MaxExact: 20_000, Draws: 9_999, Seed: seed}
}

// PermutationResult is a difference in means with the re-assignment test. StdErr in the figure is the spread of the difference over the
// assignments; the interval holds the constant shifts that the test does not reject.
type PermutationResult struct {
	measure.Result
	Difference  float64 `json:"difference"`  // treated mean less control mean, in the values' unit
	P           float64 `json:"p"`           // given even where the interval is unbounded; 1 without a test
	Assignments int     `json:"assignments"` // considered
	Exact       bool    `json:"exact"`       // all of them, no randomness
}

const maxAssignments = 1_000_000

// Permutation tests the difference in means of one value per unit (such as Growth's) by re-drawing which units are treated, keeping their number:
// p two-sided on the absolute difference, count/assignments when all are enumerated (the observed one counts), else (count+1)/(draws+1) (Phipson
// and Smyth 2010, doi 10.2202/1544-6115.1585). The interval is the exact inversion for a constant shift: each assignment rejects outside one
// interval of shifts, so that its ends are order statistics. It is as good as the claim that any units might have been the treated ones.
func Permutation(values []float64, treated []bool, o PermutationOptions) (PermutationResult, error) {
	if err := checkPermutation(values, treated, o); err != nil {
		return PermutationResult{}, err
	}
	x, k, arms := ordered(values, treated)
	r := o.result(MethodPermutation, k, len(x)-k)
	out := PermutationResult{Result: r, P: 1}
	switch {
	case !measure.ValidLevel(o.Level):
		out.Result = r.Refuse(measure.NotFinite)
	case k == 0:
		out.Result = r.Refuse(NoTreatedUnit)
	case k == len(x):
		out.Result = r.Refuse(NoControlUnit)
	case len(x) < 3:
		out.Result = r.Refuse(TooFewUnits)
	case squares(x) <= noise*squares(values):
		out.Result = r.Refuse(measure.ZeroVariance)
	case !measure.Finite(squares(x)):
		out.Result = r.Refuse(measure.NotFinite)
	default:
		if k < fewTreated {
			r = r.Warn(FewTreated)
		}
		out.run(r, x, k, arms[0].mean-arms[1].mean, o)
	}
	return out, nil
}

func checkPermutation(values []float64, treated []bool, o PermutationOptions) error {
	switch {
	case len(values) != len(treated):
		return fmt.Errorf("treated: %d entries for %d values", len(treated), len(values))
	case o.MaxExact < 0 || o.MaxExact > maxAssignments:
		return fmt.Errorf("max_exact: %d, want 0 to %d", o.MaxExact, maxAssignments)
	case o.Draws < 99 || o.Draws > maxAssignments:
		return fmt.Errorf("draws: %d, want 99 to %d", o.Draws, maxAssignments)
	}
	for i, v := range values {
		if !measure.Finite(v) {
			return fmt.Errorf("values[%d]: %g", i, v)
		}
	}
	return nil
}

// ordered returns the values less their mean, the treated first, and how many those are.
func ordered(values []float64, treated []bool) (x []float64, k int, arms [2]running) {
	var all running
	for i, v := range values {
		all.add(v)
		arms[armOf(treated[i])].add(v)
	}
	x = make([]float64, 0, len(values))
	for _, want := range [2]bool{true, false} {
		for i, v := range values {
			if treated[i] == want {
				x = append(x, v-all.mean)
			}
		}
	}
	return x, arms[0].n, arms
}

// run fills the answer from all assignments or from random ones.
func (out *PermutationResult) run(r measure.Result, x []float64, k int, difference float64, o PermutationOptions) {
	n := len(x)
	a := newTally(x, k)
	if total, small := choose(n, k, o.MaxExact); small {
		out.Exact, out.Assignments = true, total
		a.reserve(total)
		enumerate(n, k, a.add)
	} else {
		out.Assignments = o.Draws
		a.reserve(o.Draws + 1)
		a.add(identity(k)) // the observed one
		drawn(n, k, o.Draws, o.Seed, a.add)
	}
	out.Difference, out.P = difference, float64(a.extreme)/float64(a.all)
	low, high, ok := a.interval(1 - r.Level)
	if !ok {
		out.Result = r.Refuse(UnboundedInterval)
		return
	}
	f := measure.Figure{Estimate: difference, Low: low, High: high, StdErr: math.Sqrt(a.sumSq / float64(a.all)), P: out.P}
	out.Result = r.With(f)
	if o.Logs {
		out.Result = exponentiated(out.Result)
	}
}

// tally collects assignments. Under a constant shift s of the treated, an assignment's difference is a - c s, where c is the difference it makes of
// the treatment itself; it is as extreme as the observed one, |o - s|, for s between (o - a)/(1 - c) and (o + a)/(1 + c), and always where c = ±1.
type tally struct {
	x            []float64
	k            int
	observed     float64
	scale        float64 // difference in means per sum over the treated of centred values
	tolerance    float64
	all, extreme int
	always       int // assignments that are as extreme at any shift
	sumSq        float64
	low, high    []float64
}

func newTally(x []float64, k int) *tally {
	n := float64(len(x))
	t := &tally{x: x, k: k, scale: 1/float64(k) + 1/(n-float64(k))}
	var largest float64
	for i, v := range x {
		largest = max(largest, math.Abs(v))
		if i < k {
			t.observed += v
		}
	}
	t.observed *= t.scale
	t.tolerance = 1e-12 * largest
	return t
}

func (t *tally) reserve(n int) {
	t.low, t.high = make([]float64, 0, n), make([]float64, 0, n)
}

// add counts the assignment that treats the units chosen.
func (t *tally) add(chosen []int) {
	var sum float64
	both := 0
	for _, i := range chosen {
		sum += t.x[i]
		if i < t.k {
			both++
		}
	}
	a := sum * t.scale
	t.all++
	t.sumSq += a * a
	if math.Abs(a) >= math.Abs(t.observed)-t.tolerance {
		t.extreme++
	}
	rest := len(t.x) - t.k
	c := float64(both)/float64(t.k) - float64(t.k-both)/float64(rest)
	if both == t.k || (both == 0 && rest == t.k) {
		t.always++
		return
	}
	one, two := (t.observed-a)/(1-c), (t.observed+a)/(1+c)
	t.low, t.high = append(t.low, min(one, two)), append(t.high, max(one, two))
}

// interval returns the smallest and largest shift with p above alpha; false when p never falls to alpha.
func (t *tally) interval(alpha float64) (low, high float64, ok bool) {
	// p(s) = (always + intervals around s) / all, and every interval holds the observed difference.
	need := int(math.Floor(alpha*float64(t.all)+1e-9)) - t.always + 1
	if need <= 0 || need > len(t.low) {
		return 0, 0, false
	}
	slices.Sort(t.low)
	slices.Sort(t.high)
	return t.low[need-1], t.high[len(t.high)-need], true
}

// choose returns the number of ways to take k of n, and whether it is at most limit.
func choose(n, k, limit int) (int, bool) {
	k = min(k, n-k)
	ways := 1
	for i := 1; i <= k; i++ {
		ways = ways * (n - k + i) / i // exact at every step
		if ways > limit {
			return 0, false
		}
	}
	return ways, ways <= limit
}

// enumerate visits all choices of k of n in lexicographic order.
func enumerate(n, k int, visit func([]int)) {
	chosen := identity(k)
	for {
		visit(chosen)
		i := k - 1
		for i >= 0 && chosen[i] == n-k+i {
			i--
		}
		if i < 0 {
			return
		}
		chosen[i]++
		for j := i + 1; j < k; j++ {
			chosen[j] = chosen[j-1] + 1
		}
	}
}

// drawn visits random choices of k of n: the first k places of a shuffle that goes on from the last one.
func drawn(n, k, draws int, seed uint64, visit func([]int)) {
	rng := rand.New(rand.NewPCG(seed, 0x7065726d))
	order := identity(n)
	for range draws {
		for i := range k {
			j := i + rng.IntN(n-i)
			order[i], order[j] = order[j], order[i]
		}
		visit(order[:k])
	}
}
