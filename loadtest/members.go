package loadtest

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// population is the loyalty members: how often each one shops (Zipf), where, and which arm of an effect it is on. Immutable.
type population struct {
	size    uint64
	step    uint64 // odd multiplier, coprime with size: spreads the heavy shoppers over all accounts
	effects []Effect
}

// Effect makes the treatment arm of a campaign buy more, so that a measured lift has a known truth. The arm is the product's:
// xxhash64(campaign + "|" + account) % 10000 < HoldoutBP is the holdout.
type Effect struct {
	Campaign  string
	HoldoutBP int
	// ExtraLines is the share of lines added to the baskets of the treatment arm, in basis points: 800 is +8 %.
	ExtraLines int
}

func newPopulation(size int, effects []Effect) population {
	n := uint64(max(size, 1))
	step := uint64(0x9E3779B1) % n
	for step == 0 || gcd(step, n) != 1 {
		step++
	}
	return population{size: n, step: step, effects: effects}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// member turns a rank of popularity into a member number.
func (p *population) member(rank uint64) uint64 {
	hi, lo := bits.Mul64(rank, p.step)
	_, rem := bits.Div64(hi%p.size, lo, p.size)
	return rem
}

// appendAccount writes the opaque token of a member.
func appendAccount(dst []byte, member uint64) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, 'm', '-')
	h := mix(member ^ 0xCA6E077E)
	for shift := 60; shift >= 32; shift -= 4 {
		dst = append(dst, hex[h>>shift&15])
	}
	return appendPadded(dst, member, 9)
}

// appendPadded writes v in decimal on at least width digits.
func appendPadded(dst []byte, v uint64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for v > 0 || width > 0 {
		i--
		buf[i] = byte('0' + v%10)
		v /= 10
		width--
	}
	return append(dst, buf[i:]...)
}

// extraLinesBP sums what the effects add to the baskets of an account.
func (p *population) extraLinesBP(account []byte, scratch []byte) int {
	extra := 0
	for i := range p.effects {
		e := &p.effects[i]
		scratch = append(append(append(scratch[:0], e.Campaign...), '|'), account...)
		if xxhash.Sum64(scratch)%10000 >= uint64(e.HoldoutBP) {
			extra += e.ExtraLines
		}
	}
	return extra
}

// mix is the finaliser of splitmix64: it spreads consecutive numbers over all bits.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
