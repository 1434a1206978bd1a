package measure

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// Int192 is a signed integer of 192 bits (two's complement), the accumulator of sums. A product of two int64 needs 126 bits and a sum of
// 2^63 of them 189, so that no honest data can overflow it: that is why it is not an Int128, which eight squares of 2^62 fill. Values are
// comparable with ==. In JSON it is a decimal string, because a JSON number above 2^53 is not safe with every reader; numbers are read too.
type Int192 struct{ lo, mid, hi uint64 }

// ToInt192 returns v.
func ToInt192(v int64) Int192 {
	ext := uint64(v >> 63)
	return Int192{uint64(v), ext, ext}
}

// Product returns a times b, exactly.
func Product(a, b int64) Int192 {
	hi, lo := bits.Mul64(abs64(a), abs64(b))
	p := Int192{lo: lo, mid: hi}
	if (a < 0) != (b < 0) {
		return p.neg()
	}
	return p
}

// abs64 is the magnitude; that of the smallest int64 is 2^63, which only the unsigned type holds.
func abs64(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// Add returns a plus b; ok is false when the sum does not fit and has wrapped.
func (a Int192) Add(b Int192) (sum Int192, ok bool) {
	var c uint64
	sum.lo, c = bits.Add64(a.lo, b.lo, 0)
	sum.mid, c = bits.Add64(a.mid, b.mid, c)
	sum.hi, _ = bits.Add64(a.hi, b.hi, c)
	return sum, a.negative() != b.negative() || sum.negative() == a.negative()
}

// Sub returns a minus b; ok is false when the difference does not fit and has wrapped.
func (a Int192) Sub(b Int192) (diff Int192, ok bool) {
	var c uint64
	diff.lo, c = bits.Sub64(a.lo, b.lo, 0)
	diff.mid, c = bits.Sub64(a.mid, b.mid, c)
	diff.hi, _ = bits.Sub64(a.hi, b.hi, c)
	return diff, a.negative() == b.negative() || diff.negative() == a.negative()
}

func (a Int192) negative() bool { return a.hi>>63 == 1 }

func (a Int192) neg() Int192 {
	n, _ := Int192{}.Sub(a)
	return n
}

// magnitude returns the absolute value as an unsigned number, that of the smallest value included.
func (a Int192) magnitude() [3]uint64 {
	if a.negative() {
		a = a.neg()
	}
	return [3]uint64{a.lo, a.mid, a.hi}
}

// Float returns the nearest float64 but for the last bit.
func (a Int192) Float() float64 {
	m := a.magnitude()
	return wide{neg: a.negative(), mag: [6]uint64{m[0], m[1], m[2]}}.float()
}

// Big returns the value as a new big.Int.
func (a Int192) Big() *big.Int {
	m := a.magnitude()
	v := new(big.Int)
	for i := 2; i >= 0; i-- {
		v.Or(v.Lsh(v, 64), new(big.Int).SetUint64(m[i]))
	}
	if a.negative() {
		v.Neg(v)
	}
	return v
}

// FromBig returns v, which a ClickHouse Int128 column arrives as; ok is false when it has more than 191 bits.
func FromBig(v *big.Int) (a Int192, ok bool) {
	if v == nil {
		return a, false
	}
	bits := v
	if v.Sign() < 0 {
		bits = new(big.Int).Not(v) // the least value, -2^191, has no positive twin
	}
	if bits.BitLen() > 191 {
		return a, false
	}
	mask, rest := new(big.Int).SetUint64(^uint64(0)), new(big.Int).Abs(v)
	var limbs [3]uint64
	for i := range limbs {
		limbs[i] = new(big.Int).And(rest, mask).Uint64()
		rest.Rsh(rest, 64)
	}
	a = Int192{limbs[0], limbs[1], limbs[2]}
	if v.Sign() < 0 {
		a = a.neg()
	}
	return a, true
}

// ParseInt192 reads a decimal integer with an optional sign.
func ParseInt192(s string) (Int192, error) {
	// 191 bits have 58 digits; the bound keeps a hostile string from costing quadratic time.
	if len(s) > 60 {
		return Int192{}, fmt.Errorf("integer of %d characters does not fit into 192 bits", len(s))
	}
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return Int192{}, fmt.Errorf("%q is not a decimal integer", s)
	}
	a, ok := FromBig(v)
	if !ok {
		return Int192{}, fmt.Errorf("%s does not fit into 192 bits", s)
	}
	return a, nil
}

// String returns the decimal form.
func (a Int192) String() string { return a.Big().String() }

// MarshalJSON writes a decimal string.
func (a Int192) MarshalJSON() ([]byte, error) { return []byte(`"` + a.String() + `"`), nil }

// UnmarshalJSON reads a decimal string or an integer number.
func (a *Int192) UnmarshalJSON(raw []byte) error {
	s := string(raw)
	if len(s) >= 2 && strings.HasPrefix(s, `"`) && strings.HasSuffix(s, `"`) {
		s = s[1 : len(s)-1]
	}
	v, err := ParseInt192(s)
	if err != nil {
		return err
	}
	*a = v
	return nil
}
