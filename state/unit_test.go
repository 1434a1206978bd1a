package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func mustFlush(t *testing.T, p *state.Partition) {
	t.Helper()
	if err := p.Flush(false); err != nil {
		t.Fatal(err)
	}
}

// A footprint that is replaced shows its newest version, an abort brings the one before back, wherever that lies.
func TestFootprintVersions(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 50)
	defer closeBoth(t, s, p)
	put := func(v string) {
		slot, err := p.Account("a")
		if err != nil {
			t.Fatal(err)
		}
		p.PutFootprint(slot, "r", []byte(v))
		p.PutFootprint(slot, "other", []byte(v))
	}
	want := func(v string) {
		t.Helper()
		got, found, err := p.Footprint("a", "r", []byte("+"))
		if err != nil || found != (v != "") || string(got) != "+"+v {
			t.Fatalf("footprint %q (found %v, %v), want %q", got, found, err, v)
		}
	}
	want("")
	put("1")
	want("1")
	p.Commit(state.Meta{ChangelogOffset: 1})
	put("2")
	put("3")
	want("3")
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	want("1")
	put("4")
	mustFlush(t, p) // version 1 goes to Pebble, version 4 stays
	want("4")
	put("5")
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	want("1")
	put("6")
	mustFlush(t, p)
	p.Commit(state.Meta{ChangelogOffset: 2})
	mustFlush(t, p)
	want("6")
}

// Values that are not those of the COMMIT record are refused as a whole.
func TestApplyProvesTheHash(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 50)
	earn(t, p, "a", "r1", 5000)
	earn(t, p, "b", "r2", 5000)
	var keys, values [][]byte
	p.Stage(func(key, value []byte, _ *state.Slot) {
		keys, values = append(keys, bytes.Clone(key)), append(values, bytes.Clone(value))
	})
	p.Commit(state.Meta{ChangelogOffset: 3})
	meta := p.Meta()
	closeBoth(t, s, p)
	for name, order := range map[string][]int{"missing": {0}, "repeated": {0, 1, 1}, "swapped": {1, 0}, "none": {}} {
		s, p := open(t, vfs.NewMem(), 50)
		for _, i := range order {
			if err := p.Apply(keys[i], values[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.ApplyCommit(meta); !errors.Is(err, state.ErrHash) {
			t.Errorf("%s: %v", name, err)
		}
		if a, err := p.Account("a"); err != nil || !a.Account.Empty() || p.Meta().ChangelogOffset != 0 || p.OverlayBytes() != 0 {
			t.Errorf("%s: something stayed: %+v, meta %+v, %v", name, a, p.Meta(), err)
		}
		closeBoth(t, s, p)
	}
	s, p = open(t, vfs.NewMem(), 50)
	defer closeBoth(t, s, p)
	for i := range keys {
		if err := p.Apply(keys[i], values[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.ApplyCommit(meta); err != nil || p.Meta().Hash != meta.Hash {
		t.Errorf("as written: %v, meta %+v", err, p.Meta())
	}
	if err := p.Apply([]byte("a"), []byte("nonsense")); err == nil {
		t.Error("nonsense is applied")
	}
	if err := p.Abort(); err != nil {
		t.Error(err)
	}
}

// What Stage hands out stays as it is until the next Stage, however many accounts and bytes follow.
func TestStagedValuesStay(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 5000)
	defer closeBoth(t, s, p)
	for i := range 2000 {
		earn(t, p, retail.AccountID(fmt.Sprint("a", i)), "r", 5000)
	}
	var kept, copies [][]byte
	p.Stage(func(key, value []byte, s *state.Slot) {
		if string(key) != string(s.ID) {
			t.Fatalf("key %q of %q", key, s.ID)
		}
		kept, copies = append(kept, key, value), append(copies, bytes.Clone(key), bytes.Clone(value))
	})
	p.Commit(state.Meta{ChangelogOffset: 1})
	earn(t, p, "a1", "r2", 6000)
	mustFlush(t, p)
	for i := range kept {
		if !bytes.Equal(kept[i], copies[i]) {
			t.Fatalf("record part %d changed", i)
		}
	}
}

func TestFormat(t *testing.T) {
	for version, hint := range map[string]string{"99": "newer", "0": "older", "x": "unknown format"} {
		fs := vfs.NewMem()
		s, p := open(t, fs, 50)
		if err := p.SetFormat(version); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Partition(3); !errors.Is(err, state.ErrFormat) || !strings.Contains(err.Error(), hint) {
			t.Errorf("format %s: %v", version, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fs := vfs.NewMem()
	db, err := pebble.Open("/data/partition-0003", &pebble.Options{FS: fs})
	if err == nil {
		err = errors.Join(db.Set([]byte("k"), nil, nil), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := state.Open(state.Options{Dir: "/data", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Partition(3); !errors.Is(err, state.ErrFormat) {
		t.Errorf("a database that is not ours: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenOnce(t *testing.T) {
	if _, err := state.Open(state.Options{}); err == nil {
		t.Error("a store without a directory")
	}
	s, p := open(t, vfs.NewMem(), 50)
	if _, err := s.Partition(3); !errors.Is(err, state.ErrOpen) {
		t.Errorf("opened twice: %v", err)
	}
	other, err := s.Partition(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := s.Partition(3)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "partition 3 was still open") {
		t.Errorf("closed under an open partition: %v", err)
	}
	_ = again
	if _, err := s.Partition(5); !errors.Is(err, state.ErrOpen) {
		t.Errorf("opened in a closed store: %v", err)
	}
}

// The cache keeps to its size, unless a single commit needs more, and comes back to it.
func TestCacheIsBounded(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 200)
	defer closeBoth(t, s, p)
	n := 0
	use := func(accounts int) {
		for range accounts {
			n++
			earn(t, p, retail.AccountID(fmt.Sprint("a", n)), "r", 5000)
		}
		p.Commit(state.Meta{ChangelogOffset: int64(n)})
	}
	for range 50 {
		use(30)
		if st := p.Stats(); st.Slots > 200 {
			t.Fatalf("%d slots after commits of 30", st.Slots)
		}
	}
	use(900)
	if st := p.Stats(); st.Slots < 900 {
		t.Fatalf("%d slots hold a commit of 900", st.Slots)
	}
	for range 50 {
		use(30)
	}
	if st := p.Stats(); st.Slots > 200 {
		t.Fatalf("%d slots stay after a large commit", st.Slots)
	}
}

// An account that does not exist is asked of Pebble once.
func TestAbsentAccount(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 50)
	defer closeBoth(t, s, p)
	buffer := []byte("new")
	for range 3 {
		slot, err := p.Account(retail.AccountID(buffer))
		if err != nil || !slot.Account.Empty() {
			t.Fatalf("%+v, %v", slot, err)
		}
	}
	earn(t, p, "new", "r", 5000)
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	slot, err := p.Account("new")
	if err != nil || !slot.Account.Empty() {
		t.Fatalf("after the abort: %+v, %v", slot, err)
	}
	if st := p.Stats(); st.Absent != 1 || st.Misses != 1 {
		t.Fatalf("%+v", st)
	}
}
