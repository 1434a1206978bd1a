// Package drive feeds a product under load: it starts its processes, sends at a rate or as fast as it goes, kills and restarts, waits until
// everything has drained, measures latency without coordinated omission, and has the result audited.
package drive

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

// Histogram counts durations in buckets of a constant relative width, as HDR histograms do: 64 buckets per power of two of microseconds, an error
// of at most 1.6 %. Safe for concurrent use.
type Histogram struct {
	mu     sync.Mutex
	counts [maxBucket]int64
	n      int64
	top    time.Duration
}

const (
	subBits   = 6
	maxBucket = 40 << subBits
)

// Add counts a duration n times; a negative one, which only clocks that disagree can make, counts as zero.
func (h *Histogram) Add(d time.Duration, n int64) {
	d = max(d, 0)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[bucket(uint64(d.Microseconds()))] += n
	h.n += n
	h.top = max(h.top, d)
}

// Count returns how many durations were counted.
func (h *Histogram) Count() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// Quantile returns the duration that the share q of all durations does not exceed, and the greatest one for q = 1. Zero when there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	rank := int64(math.Ceil(q * float64(h.n)))
	if rank >= h.n {
		return h.top
	}
	seen := int64(0)
	for i, c := range h.counts {
		if seen += c; c > 0 && seen >= rank {
			return min(time.Duration(highest(i))*time.Microsecond, h.top)
		}
	}
	return h.top
}

// Summary is what is reported of a histogram, in milliseconds.
type Summary struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// Summary returns count, p50, p99, p999 and maximum.
func (h *Histogram) Summary() Summary {
	ms := func(q float64) float64 { return float64(h.Quantile(q).Microseconds()) / 1000 }
	return Summary{Count: h.Count(), P50: ms(0.5), P99: ms(0.99), P999: ms(0.999), Max: ms(1)}
}

// bucket numbers the bucket of a value: its highest seven bits and how many follow.
func bucket(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return min(shift<<subBits+int(v>>shift), maxBucket-1)
}

// highest is the greatest value of a bucket.
func highest(i int) uint64 {
	shift := max(i>>subBits-1, 0)
	return uint64(i-shift<<subBits+1)<<shift - 1
}
