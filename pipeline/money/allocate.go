package money

import "math/bits"

// Allocate splits total over the weights by largest remainder (decision D3) and writes the shares to out, which must have the length of
// weights. The shares sum to total exactly; ties go to the lower index, that is to the lower line number. Weights must not be negative;
// when all of them are zero everything goes to the first. A negative total is the mirror of its positive.
//
// Exact and O(n^2) in the worst case only for the few left-over units: n is the number of lines of a receipt.
func Allocate(total Amount, weights []Amount, out []Amount) {
	clear(out)
	if len(weights) == 0 || total == 0 {
		return
	}
	var sum uint64
	for _, w := range weights {
		if w < 0 {
			panic("money: negative weight")
		}
		sum += uint64(w)
	}
	if sum == 0 {
		out[0] = total
		return
	}
	sign := Amount(1)
	if total < 0 {
		sign, total = -1, -total
	}
	left := total
	for i, w := range weights {
		share, _ := share(total, w, sum)
		out[i] = Amount(share)
		left -= out[i]
	}
	// Fewer than n units are left. Give one to each of the largest remainders; a share is never raised twice, as left < n.
	for ; left > 0; left-- {
		best, bestRem := -1, uint64(0)
		for i, w := range weights {
			s, rem := share(total, w, sum)
			if out[i] == Amount(s) && rem > 0 && (best < 0 || rem > bestRem) {
				best, bestRem = i, rem
			}
		}
		out[best]++
	}
	for i := range out {
		out[i] *= sign
	}
}

func share(total, w Amount, sum uint64) (quotient, remainder uint64) {
	hi, lo := bits.Mul64(uint64(total), uint64(w))
	return bits.Div64(hi, lo, sum)
}
