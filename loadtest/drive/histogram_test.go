package drive

import (
	"math/rand/v2"
	"sort"
	"testing"
	"time"
)

// TestQuantiles compares the histogram with sorted samples.
func TestQuantiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(rng.ExpFloat64() * float64(30*time.Millisecond))
		all = append(all, d)
		h.Add(d, 1)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[min(int(q*float64(len(all))), len(all)-1)]
		got := h.Quantile(q)
		if diff := float64(got-exact) / float64(exact); diff > 0.03 || diff < -0.03 {
			t.Errorf("quantile %g is %v, exactly %v", q, got, exact)
		}
	}
	if h.Count() != 20_000 {
		t.Errorf("count %d", h.Count())
	}
}

func TestBucketsAreContiguous(t *testing.T) {
	for v := uint64(0); v < 1<<20; v++ {
		b := bucket(v)
		if v > highest(b) || b > 0 && v <= highest(b-1) {
			t.Fatalf("%d is in bucket %d, which ends at %d after %d", v, b, highest(b), highest(b-1))
		}
	}
}

func TestEmptyHistogram(t *testing.T) {
	var h Histogram
	if h.Quantile(0.99) != 0 {
		t.Fatal("an empty histogram has a quantile")
	}
	h.Add(-time.Second, 3)
	if h.Quantile(1) != 0 || h.Count() != 3 {
		t.Fatal("a negative duration does not count as zero")
	}
}
