package measure

import "math"

// Joint holds means, variances and covariances of one arm's members: outcome Y, denominator D and covariate X. It is what every two-arm
// estimator beyond the plain mean starts from. A metric without a denominator or without a covariate leaves those fields zero.
type Joint struct {
	N          int64
	Y, D, X    float64 // means
	YY, DD, XX float64 // sample variances of one member
	YD, XY, XD float64 // sample covariances
	Broken     Reason  // why the sums cannot have come from data; empty when they can
}

// FloatSums are sufficient statistics that were summed in floating point, the published form of many test vectors. Prefer Sums: here the
// digits that cancel in Syy - Sy^2/n are gone already.
type FloatSums struct {
	N  int64   `json:"n"`
	Y  float64 `json:"y"`
	YY float64 `json:"yy"`
	D  float64 `json:"d"`
	DD float64 `json:"dd"`
	YD float64 `json:"yd"`
	X  float64 `json:"x"`
	XX float64 `json:"xx"`
	XY float64 `json:"xy"`
	XD float64 `json:"xd"`
}

// Joint returns means, variances and covariances. A variance that is rounding noise becomes 0, one that is negative beyond it makes the
// result broken with reason Cancellation.
func (s FloatSums) Joint() Joint {
	if s.N <= 0 {
		return Joint{N: s.N}
	}
	n := float64(s.N)
	j := Joint{N: s.N, Y: s.Y / n, D: s.D / n, X: s.X / n}
	j.YY, j.DD, j.XX = s.variance(s.YY, s.Y), s.variance(s.DD, s.D), s.variance(s.XX, s.X)
	j.YD, j.XY, j.XD = s.covariance(s.YD, s.Y, s.D), s.covariance(s.XY, s.X, s.Y), s.covariance(s.XD, s.X, s.D)
	return j.checked()
}

func (s FloatSums) variance(sq, sum float64) float64 {
	return quiet(s.covariance(sq, sum, sum), sq/float64(s.N))
}

// quiet turns a variance that is rounding noise beside the mean square into 0. A clearly negative one stays, to be found.
func quiet(v, meanSquare float64) float64 {
	if math.Abs(v) <= cancellation*math.Abs(meanSquare) {
		return 0
	}
	return v
}

func (s FloatSums) covariance(ab, a, b float64) float64 {
	if s.N < 2 {
		return 0
	}
	n := float64(s.N)
	return math.FMA(-a, b/n, ab) / (n - 1)
}

// Arm returns the outcome alone.
func (j Joint) Arm() Arm { return Arm{N: j.N, Mean: j.Y, Var: j.YY, Broken: j.Broken} }

// Scaled returns the same members in other units: outcome, denominator and covariate multiplied by y, d and x (0.01, 1, 0.01 takes cents to
// euros).
func (j Joint) Scaled(y, d, x float64) Joint {
	return Joint{
		N: j.N, Y: j.Y * y, D: j.D * d, X: j.X * x, YY: j.YY * y * y, DD: j.DD * d * d, XX: j.XX * x * x,
		YD: j.YD * y * d, XY: j.XY * x * y, XD: j.XD * x * d, Broken: j.Broken,
	}
}

// Plus returns the members of both groups together, by the pairwise update of Chan, Golub and LeVeque (1983), which does not cancel.
func (j Joint) Plus(o Joint) Joint {
	switch {
	case j.N <= 0 || j.Broken != "":
		return firstBroken(j, o)
	case o.N <= 0 || o.Broken != "":
		return firstBroken(o, j)
	}
	a, b := float64(j.N), float64(o.N)
	n := a + b
	dy, dd, dx := o.Y-j.Y, o.D-j.D, o.X-j.X
	pool := func(u, v, product float64) float64 { return ((a-1)*u + (b-1)*v + product*(a*(b/n))) / (n - 1) }
	return Joint{
		N: j.N + o.N, Y: j.Y + dy*(b/n), D: j.D + dd*(b/n), X: j.X + dx*(b/n),
		YY: pool(j.YY, o.YY, dy*dy), DD: pool(j.DD, o.DD, dd*dd), XX: pool(j.XX, o.XX, dx*dx),
		YD: pool(j.YD, o.YD, dy*dd), XY: pool(j.XY, o.XY, dx*dy), XD: pool(j.XD, o.XD, dx*dd),
	}
}

// firstBroken returns a when it is broken, else b: an empty group adds nothing.
func firstBroken(a, b Joint) Joint {
	if a.Broken != "" {
		return a
	}
	return b
}

// checked marks what no data can have: a negative variance, or a covariance beyond what the variances allow (Cauchy-Schwarz).
func (j Joint) checked() Joint {
	if j.Broken == "" && !(possible(j.YY, j.DD, j.YD) && possible(j.XX, j.YY, j.XY) && possible(j.XX, j.DD, j.XD)) {
		j.Broken = Cancellation
		if !j.finite() {
			j.Broken = NotFinite
		}
	}
	return j
}

func possible(va, vb, cov float64) bool {
	return va >= 0 && vb >= 0 && math.Abs(cov) <= math.Sqrt(va)*math.Sqrt(vb)*(1+1e-6)+cancellation*(va+vb)
}

func (j Joint) finite() bool {
	return Finite(j.Y, j.D, j.X, j.YY, j.DD, j.XX, j.YD, j.XY, j.XD)
}
