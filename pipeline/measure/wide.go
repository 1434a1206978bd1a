package measure

import (
	"math"
	"math/bits"
)

// wide is a sign and a magnitude of 384 bits: the product of two Int192, whatever they are. It exists so that n * Syy - Sy * Sy, where almost
// all leading digits cancel, is formed without any rounding. math/big does the same with five allocations and about ten times the time,
// which the refresh of ten thousand intervals would feel.
type wide struct {
	neg bool
	mag [6]uint64
}

// times returns a * b, exactly.
func times(a, b Int192) wide {
	x, y := a.magnitude(), b.magnitude()
	w := wide{neg: a.negative() != b.negative()}
	for i, xi := range x {
		if xi == 0 {
			continue
		}
		var carry uint64
		for j, yj := range y {
			hi, lo := bits.Mul64(xi, yj)
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi += c // at most 2^64 - 2 + 1
			w.mag[i+j], c = bits.Add64(w.mag[i+j], lo, 0)
			carry = hi + c
		}
		w.mag[i+3] = carry // still empty: the rows before wrote no further than i + 2
	}
	return w
}

// minus returns a - b; magnitudes are at most 2^382, so that the sum of two of them fits.
func (a wide) minus(b wide) wide {
	if a.neg != b.neg {
		a.mag = addMag(a.mag, b.mag)
		return a
	}
	if lessMag(a.mag, b.mag) {
		return wide{neg: !a.neg, mag: subMag(b.mag, a.mag)}
	}
	a.mag = subMag(a.mag, b.mag)
	return a
}

func addMag(a, b [6]uint64) (s [6]uint64) {
	var c uint64
	for i := range a {
		s[i], c = bits.Add64(a[i], b[i], c)
	}
	return s
}

func subMag(a, b [6]uint64) (s [6]uint64) {
	var c uint64
	for i := range a {
		s[i], c = bits.Sub64(a[i], b[i], c)
	}
	return s
}

func lessMag(a, b [6]uint64) bool {
	for i := 5; i >= 0; i-- {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// float returns the value rounded from its leading 65 to 128 bits: off by less than one unit in the last place. 2^382 is well inside the
// range of float64.
func (a wide) float() float64 {
	top := 5
	for top > 0 && a.mag[top] == 0 {
		top--
	}
	f := math.Ldexp(float64(a.mag[top]), 64*top)
	if top > 0 {
		f += math.Ldexp(float64(a.mag[top-1]), 64*(top-1))
	}
	if a.neg {
		return -f
	}
	return f
}
