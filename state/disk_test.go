package state_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A write-ahead log that cannot be written ends the process with a clear message, and what was flushed before is there when there is room again.
func TestFullDisk(t *testing.T) {
	mem := vfs.NewCrashableMem()
	full := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			return syscall.ENOSPC
		}
		return nil
	})}
	_, p := open(t, errorfs.Wrap(mem, full), 50) // never closed: the process is dead from the panic on
	earn(t, p, "a", "r", 5000)
	p.Commit(state.Meta{ChangelogOffset: 1})
	if err := p.Flush(true); err != nil {
		t.Fatal(err)
	}
	full.On()
	if said := flushUntilPanic(t, p); !strings.Contains(said, "no space left on device") {
		t.Fatalf("panic says %q", said)
	}

	s, p := open(t, mem.CrashClone(vfs.CrashCloneCfg{}), 50)
	defer closeBoth(t, s, p)
	if slot, err := p.Account("a"); p.Meta().ChangelogOffset < 1 || err != nil || slot.Account.Pending != 100 {
		t.Fatalf("offset %d, account %+v, %v", p.Meta().ChangelogOffset, slot, err)
	}
}

func flushUntilPanic(t *testing.T, p *state.Partition) (said string) {
	t.Helper()
	defer func() { said = fmt.Sprint(recover()) }()
	for i := range 100 {
		earn(t, p, retail.AccountID(fmt.Sprint("b", i)), "r", 5000)
		p.Commit(state.Meta{ChangelogOffset: int64(i + 2)})
		if err := p.Flush(true); err != nil {
			return err.Error()
		}
	}
	t.Fatal("a full disk is not noticed")
	return ""
}

// Reads that fail are errors with the account's name, and leave nothing wrong behind.
func TestFailingReads(t *testing.T) {
	broken := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileReadAt {
			return syscall.EIO
		}
		return nil
	})}
	const n = 3000 // more than a block of each kind
	fs := errorfs.Wrap(vfs.NewMem(), broken)
	s, p := open(t, fs, 16)
	for i := range n {
		earn(t, p, retail.AccountID(fmt.Sprint("a", i)), "r", 5000)
	}
	p.Commit(state.Meta{ChangelogOffset: 1})
	closeBoth(t, s, p)
	s, p = open(t, fs, 16)
	if err := p.Settle(); err != nil {
		t.Fatal(err)
	}
	broken.On()
	if _, err := p.Account("a7"); err == nil || !strings.Contains(err.Error(), `"a7"`) {
		t.Fatalf("account: %v", err)
	}
	if _, _, err := p.Footprint("a7", "r", nil); err == nil {
		t.Fatal("footprint: no error")
	}
	if _, err := p.DueAccounts(6000, 2*n, nil); err == nil {
		t.Fatal("timers: no error")
	}
	broken.Off()
	if slot, err := p.Account("a7"); err != nil || slot.Account.Pending != 100 {
		t.Fatalf("account: %+v, %v", slot, err)
	}
	if _, found, err := p.Footprint("a7", "r", nil); err != nil || !found {
		t.Fatalf("footprint: %v, %v", found, err)
	}
	if ids := due(t, p, 6000, 2*n); len(ids) != n {
		t.Fatalf("%d timers", len(ids))
	}
	closeBoth(t, s, p)
}

// Accounts in memory are found, changed and committed without allocating.
func TestHotPathDoesNotAllocate(t *testing.T) {
	s, p := open(t, vfs.NewMem(), 1000)
	defer closeBoth(t, s, p)
	ids := make([]retail.AccountID, 100)
	for i := range ids {
		ids[i] = retail.AccountID(fmt.Sprint("account ", i))
	}
	offset := int64(0)
	round := func() {
		for _, id := range ids {
			slot, err := p.Account(id)
			if err != nil {
				t.Fatal(err)
			}
			p.Touch(slot)
			slot.Account.AddUsed(7, 0, 125)
		}
		offset++
		p.Stage(func(key, value []byte, s *state.Slot) {})
		p.Commit(state.Meta{ChangelogOffset: offset})
	}
	round()
	round()
	if n := testing.AllocsPerRun(50, round); n > 1 {
		t.Errorf("%v allocations per commit of %d accounts", n, len(ids))
	}
}
