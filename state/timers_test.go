package state_test

import (
	"fmt"
	"slices"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type noNames struct{}

func (noNames) CampaignID(uint64) string { return "" }

func due(t *testing.T, p *state.Partition, now retail.Instant, most int) []retail.AccountID {
	t.Helper()
	ids, err := p.DueAccounts(now, most, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// fire does to an account what its timers do, within the open commit.
func fire(t *testing.T, p *state.Partition, id retail.AccountID, now retail.Instant) {
	t.Helper()
	s, err := p.Account(id)
	if err != nil {
		t.Fatal(err)
	}
	p.Touch(s)
	var j ledger.Journal
	s.Account.FireDue(&j, id, now, noNames{})
}

// A midnight herd, larger than what is read ahead and than the cache, comes out in portions, complete and in order, and each account once.
func TestHerd(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 50)
	n := 2*state.TimerChunk + 500
	for i := range n {
		earn(t, p, retail.AccountID(fmt.Sprintf("a%05d", i)), "r", 5000)
		if i%700 == 0 {
			p.Commit(state.Meta{ChangelogOffset: int64(i + 1)})
		}
	}
	p.Commit(state.Meta{ChangelogOffset: int64(n)})
	if err := p.Flush(false); err != nil {
		t.Fatal(err)
	}
	if ids := due(t, p, 4999, 10); len(ids) > 0 {
		t.Fatalf("early: %v", ids)
	}
	for i := 0; i < n; {
		ids := due(t, p, 5000, 300)
		if len(ids) != min(300, n-i) {
			t.Fatalf("after %d: %d accounts", i, len(ids))
		}
		for _, id := range ids {
			if want := retail.AccountID(fmt.Sprintf("a%05d", i)); id != want {
				t.Fatalf("%q comes up, want %q", id, want)
			}
			fire(t, p, id, 5000)
			i++
		}
		p.Commit(state.Meta{ChangelogOffset: int64(n + i)})
	}
	if ids := due(t, p, 1<<60, 10); len(ids) > 0 {
		t.Fatalf("left: %v", ids)
	}
	closeBoth(t, s, p)
}

// An account whose due instant moves away and back, once or often, with looks between, is listed once.
func TestTimerThatComesBack(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 50)
	defer closeBoth(t, s, p)
	due(t, p, 1, 10) // the horizon is beyond what follows
	for round := range 3 {
		earn(t, p, "a", "r", 5000)
		p.Commit(state.Meta{ChangelogOffset: int64(3*round + 1)})
		if ids := due(t, p, 5000, 10); !slices.Equal(ids, []retail.AccountID{"a"}) {
			t.Fatalf("round %d: %v", round, ids)
		}
		// Within one commit: fired, looked at, and earned again for the same instant.
		fire(t, p, "a", 5000)
		if ids := due(t, p, 5000, 10); len(ids) > 0 {
			t.Fatalf("round %d: moved by the open commit, and listed: %v", round, ids)
		}
		earn(t, p, "a", "r", 5000)
		p.Commit(state.Meta{ChangelogOffset: int64(3*round + 2)})
		if ids := due(t, p, 5000, 10); !slices.Equal(ids, []retail.AccountID{"a"}) {
			t.Fatalf("round %d: after it came back within a commit: %v", round, ids)
		}
		fire(t, p, "a", 5000)
		p.Commit(state.Meta{ChangelogOffset: int64(3*round + 3)}) // leaves a stale timer of the same instant behind
	}
	earn(t, p, "a", "r", 5000)
	p.Commit(state.Meta{ChangelogOffset: 100})
	if ids := due(t, p, 5000, 10); !slices.Equal(ids, []retail.AccountID{"a"}) {
		t.Fatalf("in the end: %v", ids)
	}
}
