package money

import (
	"math/big"
	"testing"
)

// FuzzParse: a text is refused, or is the amount that an exact fraction says, and its own text reads back to it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"5", "5.5", "-0.05", "-0", "00.10", "90071992547409.92", "90071992547409.93", "1e3", "+1", "1_0", "٣", "5.", ".5", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Mul(want, big.NewRat(100, 1)).Cmp(new(big.Rat).SetInt64(int64(a))) != 0 || a < Min || a > Max {
			t.Fatalf("%q is %d", s, int64(a))
		}
		if again, err := Parse(a.String()); err != nil || again != a {
			t.Fatalf("%q is %v, which is read as %v, %v", s, a, again, err)
		}
	})
}
