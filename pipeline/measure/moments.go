package measure

// Moments are the floating-point sufficient statistics of one outcome over members: how many, their sum, and the sum of their squares. Totals of a member
// count once, however many receipts made them. Moments of disjoint groups
// add up, to rounding; Sums do so exactly.
type Moments struct {
	N     int64   `json:"n"`
	Sum   float64 `json:"sum"`
	SumSq float64 `json:"sum_sq"`
}

// Add counts one member with outcome x.
func (m *Moments) Add(x float64) {
	m.N++
	m.Sum += x
	m.SumSq += x * x
}

// Plus returns the moments of both groups together.
func (m Moments) Plus(o Moments) Moments {
	return Moments{N: m.N + o.N, Sum: m.Sum + o.Sum, SumSq: m.SumSq + o.SumSq}
}

// Arm is the mean and the variance of an outcome in one arm.
type Arm struct {
	N      int64
	Mean   float64
	Var    float64 // of one member, not of the mean
	Broken Reason  // why the sums cannot have come from data; empty when they can
}

// Arm returns the mean and the sample variance (n - 1). The variance of what is constant up to rounding is 0; one that is negative beyond
// rounding makes the arm broken, because no data have such sums.
func (m Moments) Arm() Arm {
	if m.N <= 0 {
		return Arm{}
	}
	n := float64(m.N)
	a := Arm{N: m.N, Mean: m.Sum / n}
	if m.N > 1 {
		a.Var = (m.SumSq - m.Sum*a.Mean) / (n - 1)
	}
	a.Var = quiet(a.Var, m.SumSq/n)
	if a.Var < 0 {
		a.Broken = Cancellation
	}
	return a
}

// cancellation is the share of the mean square below which a variance is rounding noise.
const cancellation = 1e-12

// Share returns the arm of a yes/no outcome: k of n members, variance p (1 - p).
func Share(k, n int64) Arm {
	if n <= 0 {
		return Arm{}
	}
	p := float64(k) / float64(n)
	return Arm{N: n, Mean: p, Var: p * (1 - p)}
}

// valid reports whether the arm can have come from data.
func (a Arm) valid() bool { return a.N >= 0 && Finite(a.Mean, a.Var) && a.Var >= 0 }

// why returns the reason that the arm itself gives against a figure.
func (a Arm) why() Reason {
	if a.Broken != "" {
		return a.Broken
	}
	if !a.valid() {
		return NotFinite
	}
	return ""
}
