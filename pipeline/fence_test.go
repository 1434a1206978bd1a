package pipeline

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Goal: an instance that gives a partition to another in good order is not fenced: it holds others, and a fence ends its session. Method: a second
// instance joins while receipts flow, nothing fails, and all clients say the same client id, as those of a deployment do.
func TestLiveOwnerIsLeftAlone(t *testing.T) {
	codec := simCodec(t)
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: 1, rng: rand.New(rand.NewPCG(1, 7)), codec: codec, instances: 2}
		s.encore = s.sellOut
		time.Sleep(time.Hour)
		s.run()
		said := s.said.b.String()
		if n := strings.Count(said, "partition ready"); n < 3 {
			t.Fatalf("%d hand-overs: no partition has moved", n)
		}
		for _, bad := range []string{"fenced a dead owner", "session ended"} {
			if strings.Contains(said, bad) {
				t.Errorf("%q in a run without faults:\n%s", bad, tail(said, 3000))
			}
		}
	})
}
