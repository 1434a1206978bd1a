// Package money holds the amounts, rates and roundings of the reward path.
//
// Everything is an integer: amounts are minor units (cents), rates are parts per million, products are taken in 128 bits and
// rounded once, with the rounding written at the call. There is no float and no bare int64 for money anywhere in the domain.
// The package is pure: no I/O, no clock, safe for concurrent use.
package money

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is a signed sum in minor units of one currency (cents for EUR). Which currency is known by its owner.
type Amount int64

// Max and Min bound what the domain accepts: far from overflow of int64, so that sums of many amounts stay exact.
const (
	Max Amount = 1 << 53
	Min Amount = -Max
)

// Neg returns -a.
func (a Amount) Neg() Amount { return -a }

// Abs returns the magnitude of a.
func (a Amount) Abs() Amount {
	if a < 0 {
		return -a
	}
	return a
}

// String prints the amount in major units with two decimals and a dot, for logs and tests: -1234 is "-12.34".
func (a Amount) String() string {
	sign, v := "", int64(a)
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%02d", sign, v/100, v%100)
}

// Parse reads an amount in major units: "5", "5.5", "5.00", "-0.05". At most two decimals; no exponent, no spaces, no grouping.
// It refuses rather than rounds.
func Parse(s string) (Amount, error) {
	body, neg := strings.CutPrefix(s, "-")
	whole, frac, dot := strings.Cut(body, ".")
	if whole == "" || len(frac) > 2 || (dot && frac == "") || !digits(whole) || !digits(frac) {
		return 0, fmt.Errorf("parse amount %q: want digits with at most two decimals, such as 5 or 5.00", s)
	}
	v, err := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64)
	if err != nil || Amount(v) > Max {
		return 0, fmt.Errorf("parse amount %q: out of range", s)
	}
	if neg {
		v = -v
	}
	return Amount(v), nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Rounding says what happens to the part of a product that is smaller than one minor unit (decision D2).
type Rounding uint8

// Roundings, all symmetric in sign except Floor and Ceil, which go towards minus and plus infinity.
const (
	Floor Rounding = iota
	HalfUp
	HalfEven
	Ceil
)

// String returns the name used in campaign documents.
func (r Rounding) String() string {
	return [...]string{"floor", "half_up", "half_even", "ceil"}[r&3]
}

// Rate is a share in parts per million: 10 % is 100 000.
type Rate int64

// One is the rate of 100 %.
const One Rate = 1_000_000

// Of returns rate x a, rounded once by mode. HalfUp rounds half away from zero, so that a return mirrors its sale.
// It panics on overflow of int64, which amounts within Max and rates up to 1000 x cannot reach.
func (p Rate) Of(a Amount, mode Rounding) Amount { return MulDiv(a, int64(p), int64(One), mode) }

// MulDiv returns a x num / den with a 128-bit intermediate, rounded once by mode. den must be positive.
func MulDiv(a Amount, num, den int64, mode Rounding) Amount {
	if den <= 0 {
		panic("money: denominator must be positive")
	}
	neg := (a < 0) != (num < 0)
	hi, lo := bits.Mul64(absU(int64(a)), absU(num))
	if hi >= uint64(den) {
		panic("money: product overflows")
	}
	q, rem := bits.Div64(hi, lo, uint64(den))
	if q > 1<<62 {
		panic("money: product overflows")
	}
	if rem != 0 && roundsAway(mode, neg, q, rem, uint64(den)) {
		q++
	}
	if neg {
		return -Amount(q)
	}
	return Amount(q)
}

// roundsAway reports whether a magnitude with a non-zero remainder grows by one.
func roundsAway(mode Rounding, neg bool, q, rem, den uint64) bool {
	half := rem >= den-rem
	switch mode {
	case HalfUp:
		return half
	case HalfEven:
		return rem > den-rem || (rem == den-rem && q&1 == 1)
	case Ceil:
		return !neg
	default:
		return neg
	}
}

func absU(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}
