package measure

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// StoreTraffic is one store: its mean number of receipts per day before the campaign and during it. Days must be whole and comparable (same
// weekdays); a store that was closed in either span has 0 there and is left out.
type StoreTraffic struct {
	Store   string
	Treated bool // ran the campaign
	Before  float64
	During  float64
}

// minControlStores is the fewest comparison stores with which a pooled t says anything.
const minControlStores = 3

// StoreUplift estimates the change of traffic in treated stores against the others: the difference of the mean log growth, a pooled t over
// one value per store, exponentiated. On real stores without any campaign it is wrong about as often as it says, where comparing before with
// after is wrong several times as often (TestStoreUpliftPlacebo prints both).
// The estimate is a fraction (0.05 is +5 %); MinDetectable is the uplift that would be seen four times out of five.
func StoreUplift(stores []StoreTraffic, level float64) Result {
	treated, control, dropped := logGrowth(stores)
	r := Result{Method: MethodStoreDiD, Design: Observational, Level: level, NTreatment: treated.N, NControl: control.N}
	if dropped > 0 {
		r.Warnings = append(r.Warnings, StoresDropped)
	}
	t, c := treated.arm(), control.arm()
	switch {
	case !ValidLevel(level) || !t.valid() || !c.valid():
		return r.Refuse(NotFinite)
	case t.N == 0:
		return r.Refuse(NoTreatedStore)
	case c.N == 0:
		return r.Refuse(NoControlStore)
	case c.N < minControlStores:
		return r.Refuse(TooFewStores)
	}
	if t.N < 8 {
		r.Warnings = append(r.Warnings, FewTreatedStore)
	}
	return pooled(r, t, c)
}

// pooled finishes the estimate with the pooled variance.
func pooled(r Result, t, c Arm) Result {
	nt, nc := float64(t.N), float64(c.N)
	df := nt + nc - 2
	v := ((nt-1)*t.Var + (nc-1)*c.Var) / df
	if v == 0 {
		return r.Refuse(ZeroVariance)
	}
	se := math.Sqrt(v * (1/nt + 1/nc))
	dist := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}
	q := dist.Quantile(1 - (1-r.Level)/2)
	d := t.Mean - c.Mean
	return r.With(Figure{
		Estimate: math.Expm1(d), Low: math.Expm1(d - q*se), High: math.Expm1(d + q*se), StdErr: se,
		P: math.Min(1, 2*dist.Survival(math.Abs(d/se))), DF: df, MinDetectable: math.Expm1((q + dist.Quantile(0.8)) * se),
	})
}

// running keeps a mean and the sum of squared deviations (Welford), which does not cancel for the small numbers that log growth is.
type running struct {
	N        int64
	mean, m2 float64
}

func (r *running) add(x float64) {
	r.N++
	d := x - r.mean
	r.mean += d / float64(r.N)
	r.m2 += d * (x - r.mean)
}

func (r running) arm() Arm {
	a := Arm{N: r.N, Mean: r.mean}
	if r.N > 1 {
		a.Var = math.Max(0, r.m2/float64(r.N-1))
	}
	return a
}

// logGrowth splits the stores and takes the log of each one's growth; stores without traffic in a span are counted as dropped.
func logGrowth(stores []StoreTraffic) (treated, control running, dropped int) {
	for _, s := range stores {
		g := math.Log(s.During) - math.Log(s.Before)
		switch {
		case !Finite(g):
			dropped++
		case s.Treated:
			treated.add(g)
		default:
			control.add(g)
		}
	}
	return treated, control, dropped
}
