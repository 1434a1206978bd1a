package model

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// scaled reads digits with at most n decimals as an integer scaled by 10^n; an empty text is 0.
func scaled(s text, n int) (int64, error) {
	if s == "" {
		return 0, nil
	}
	whole, frac, _ := strings.Cut(string(s), ".")
	if len(frac) > n {
		if strings.Trim(frac[n:], "0") != "" {
			return 0, fmt.Errorf("number %q has more than %d decimals", s, n)
		}
		frac = frac[:n]
	}
	v, err := strconv.ParseInt(whole+frac+strings.Repeat("0", n-len(frac)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("number %q: %w", s, err)
	}
	return v, nil
}

// product is a x num / den, rounded once. Exact: it is done in big integers.
func product(a, num, den int64, rounding string) int64 {
	x := new(big.Int).Mul(big.NewInt(a), big.NewInt(num))
	d := big.NewInt(den)
	floor, rem := new(big.Int).DivMod(x, d, new(big.Int)) // den > 0: rem is 0 <= rem < den
	twice := new(big.Int).Lsh(rem, 1).Cmp(d)
	up := false
	switch rounding {
	case "floor":
	case "ceil":
		up = rem.Sign() > 0
	case "half_even":
		up = twice > 0 || twice == 0 && floor.Bit(0) == 1
	default: // half_up: away from zero
		up = twice > 0 || twice == 0 && x.Sign() > 0
	}
	out := floor.Int64()
	if up {
		out++
	}
	return out
}

// spread splits total over the weights by largest remainder; ties go to the lower index. The weights must not be negative.
func spread(total int64, weights []int64) []int64 {
	out := make([]int64, len(weights))
	sum := int64(0)
	for _, w := range weights {
		sum += w
	}
	if total == 0 || len(weights) == 0 {
		return out
	}
	if sum == 0 {
		out[0] = total
		return out
	}
	if total < 0 {
		for i, v := range spread(-total, weights) {
			out[i] = -v
		}
		return out
	}
	left := total
	rest := make([]*big.Int, len(weights))
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), big.NewInt(sum), new(big.Int))
		out[i], rest[i] = q.Int64(), r
		left -= out[i]
	}
	for ; left > 0; left-- {
		best := 0
		for i := range rest {
			if rest[i].Cmp(rest[best]) > 0 {
				best = i
			}
		}
		out[best]++
		rest[best] = big.NewInt(-1)
	}
	return out
}

// midnight is the first instant of a local day; where a change of the clock skips midnight it is the first instant that exists.
func midnight(y int, m time.Month, d int, zone *time.Location) int64 {
	noon := time.Date(y, m, d, 12, 0, 0, 0, zone)
	y, m, d = noon.Date()
	t := noon.Add(-14 * time.Hour)
	for {
		yy, mm, dd := t.Date()
		if yy == y && mm == m && dd == d {
			return t.UnixMilli()
		}
		t = t.Add(time.Minute)
	}
}

// moment reads a day or an RFC 3339 instant; last makes a day mean the instant after its end.
func moment(s text, zone *time.Location, last bool) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if t, err := time.Parse(time.RFC3339, string(s)); err == nil {
		return t.UnixMilli(), nil
	}
	t, err := time.Parse(time.DateOnly, string(s))
	if err != nil {
		return 0, fmt.Errorf("moment %q: want a day or an instant", s)
	}
	if last {
		t = t.AddDate(0, 0, 1)
	}
	return midnight(t.Year(), t.Month(), t.Day(), zone), nil
}

// hours reads Nh or Nd in ms.
func hours(s text) (int64, error) {
	if s == "" {
		return 0, nil
	}
	unit := int64(3_600_000)
	digits, ok := strings.CutSuffix(string(s), "h")
	if !ok {
		unit *= 24
		digits, ok = strings.CutSuffix(string(s), "d")
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok {
		return 0, fmt.Errorf("duration %q: want Nh or Nd", s)
	}
	return n * unit, nil
}
