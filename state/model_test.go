package state_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"cagnotte/state"
	"cagnotte/state/statetest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// Whatever is touched, committed, aborted, flushed and reopened, in a cache far too small, the partition shows what plain maps show.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fs := vfs.NewMem()
		s, p := open(t, fs, 16)
		r := statetest.NewRun(p, 40, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "choice") })
		for i := range rapid.IntRange(20, 300).Draw(rt, "steps") {
			if err := r.Step(); err != nil {
				rt.Fatalf("step %d: %v", i, err)
			}
			if rapid.IntRange(0, 49).Draw(rt, "reopen") == 0 {
				if err := r.Abort(); err != nil {
					rt.Fatal(err)
				}
				closeBoth(t, s, p)
				s, p = open(t, fs, 16)
				r.P = p
			}
		}
		if err := errors.Join(r.Abort(), r.Model().Check(p, r.Prints()), checkTimerKeys(r.Model(), p)); err != nil {
			rt.Fatal(err)
		}
		closeBoth(t, s, p)
	})
}

// After a power cut at any moment, with any share of what was not synced on the disk, a partition is exactly as one of its commits left it: not before
// the last sync, not after the last commit, and its meta says which. The changelog's tail then brings it to the last commit.
func TestPowerCut(t *testing.T) {
	seeds := 400
	if testing.Short() {
		seeds = 50
	}
	behind, ahead := 0, 0
	for seed := range seeds {
		kept, err := powerCut(t, uint64(seed))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if kept {
			ahead++
		} else {
			behind++
		}
	}
	t.Logf("%d power cuts: %d lost flushed commits that were not synced, %d lost nothing that was flushed", seeds, behind, ahead)
	if behind == 0 || ahead == 0 {
		t.Error("the power cuts do not try both")
	}
}

// powerCut reports whether everything that was flushed has survived.
func powerCut(t *testing.T, seed uint64) (kept bool, err error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	fs := vfs.NewCrashableMem()
	s, p := open(t, fs, 16+rng.IntN(50))
	defer closeBoth(t, s, p)
	r := statetest.NewRun(p, 10+rng.IntN(50), rng.IntN)
	synced, flushed := int64(0), int64(0)
	for range 20 + rng.IntN(300) {
		if err := r.Step(); err != nil {
			return false, err
		}
		if rng.IntN(30) == 0 {
			sync := rng.IntN(2) == 0
			if err := p.Flush(sync); err != nil {
				return false, err
			}
			if flushed = p.Meta().ChangelogOffset; sync {
				synced = flushed
			}
		}
	}
	disk := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[rng.IntN(3)], RNG: rng})
	s2, p2 := open(t, disk, 20)
	defer closeBoth(t, s2, p2)
	offset := p2.Meta().ChangelogOffset
	if err := checkPrefix(r, p2, synced); err != nil {
		return false, err
	}
	return offset >= flushed, errors.Join(r.Restore(p2), checkTimerKeys(r.Model(), p2))
}

// checkTimerKeys demands that Pebble holds one timer key for each account that has something due, and none besides.
func checkTimerKeys(m *statetest.Model, p *state.Partition) error {
	want, err := m.Due(math.MaxInt64)
	if err != nil {
		return err
	}
	if got, err := p.TimerKeys(); err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("timer keys of %q, want %q: %w", got, want, err)
	}
	return nil
}

func checkPrefix(r *statetest.Run, p *state.Partition, synced int64) error {
	offset := p.Meta().ChangelogOffset
	if offset < synced {
		return fmt.Errorf("is at offset %d, synced was %d", offset, synced)
	}
	if offset == 0 {
		return statetest.NewModel().Check(p, r.Prints())
	}
	for i := range r.Commits {
		if after := r.Commits[i].After; after.Meta.ChangelogOffset == offset {
			return after.Check(p, r.Prints())
		}
	}
	return fmt.Errorf("no commit ends at offset %d", offset)
}
