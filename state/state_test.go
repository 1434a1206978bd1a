package state_test

import (
	"fmt"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func open(t testing.TB, fs vfs.FS, accounts int) (*state.Store, *state.Partition) {
	t.Helper()
	s, err := state.Open(state.Options{Dir: "/data", FS: fs, CacheAccounts: accounts, BlockCacheBytes: 16 << 20, MemTableBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Partition(3)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func closeBoth(t testing.TB, s *state.Store, p *state.Partition) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// earn posts a deferred reward to an account within the open commit.
func earn(t testing.TB, p *state.Partition, id retail.AccountID, receipt string, due retail.Instant) {
	t.Helper()
	s, err := p.Account(id)
	if err != nil {
		t.Fatal(err)
	}
	p.Touch(s)
	var j ledger.Journal
	s.Account.Earn(&j, s.ID, &ledger.Grant{Campaign: "c", CampaignKey: 7, Version: 1, Amount: 100, At: 1, ActiveFrom: due})
	p.PutFootprint(s, retail.ReceiptID(receipt), []byte("print of "+receipt))
}

func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	s, p := open(t, fs, 100)
	for i := range 50 {
		earn(t, p, retail.AccountID(fmt.Sprintf("a%02d", i)), fmt.Sprintf("r%02d", i), retail.Instant(1000+i))
	}
	n := 0
	p.Stage(func(key, value []byte, s *state.Slot) { n++ })
	hash := p.StagedHash()
	p.Commit(state.Meta{ChangelogOffset: 51, Commit: []byte("commit 1")})
	if n != 50 || p.DirtyBytes() == 0 || p.OverlayBytes() != 0 {
		t.Fatalf("staged %d, dirty %d, overlay %d", n, p.DirtyBytes(), p.OverlayBytes())
	}
	closeBoth(t, s, p)

	s, p = open(t, fs, 100)
	defer closeBoth(t, s, p)
	if m := p.Meta(); m.ChangelogOffset != 51 || string(m.Commit) != "commit 1" || m.Hash != hash {
		t.Fatalf("meta %+v", m)
	}
	due, err := p.DueAccounts(1009, 100, nil)
	if err != nil || len(due) != 10 || due[0] != "a00" || due[9] != "a09" {
		t.Fatalf("due %v, %v", due, err)
	}
	v, found, err := p.Footprint("a07", "r07", nil)
	if err != nil || !found || string(v) != "print of r07" {
		t.Fatalf("footprint %q %v %v", v, found, err)
	}
	slot, err := p.Account("a07")
	if err != nil || slot.Account.Pending != 100 {
		t.Fatalf("account %+v %v", slot, err)
	}
}
