package state_test

import (
	"bytes"
	"cmp"
	"fmt"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/state"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Keys say what went in, sort as their parts do, and any bytes are either refused or are a key.
func FuzzKey(f *testing.F) {
	f.Add("a", "r1", int64(5), "a\x00", "r1", int64(-1))
	f.Add("", "", int64(0), "\x00\x01", "\x00", int64(1)<<62)
	f.Add("a", "\x01F", int64(1), "a\x00\x01", "", int64(2))
	f.Fuzz(func(t *testing.T, a, r string, due int64, b, s string, due2 int64) {
		acct, acct2, receipt, receipt2 := retail.AccountID(a), retail.AccountID(b), retail.ReceiptID(r), retail.ReceiptID(s)
		x, y := state.AppendAccountKey(nil, acct), state.AppendAccountKey(nil, acct2)
		if got, err := state.DecodeAccountKey(x); err != nil || got != acct || bytes.Compare(x, y) != cmp.Compare(a, b) {
			t.Fatalf("account %q: %q %v", a, got, err)
		}
		x, y = state.AppendFootprintKey(nil, acct, receipt), state.AppendFootprintKey(nil, acct2, receipt2)
		if gotA, gotR, err := state.DecodeFootprintKey(x); err != nil || gotA != acct || gotR != receipt {
			t.Fatalf("footprint %q %q: %q %q %v", a, r, gotA, gotR, err)
		}
		if bytes.Compare(x, y) != cmp.Or(cmp.Compare(a, b), cmp.Compare(r, s)) {
			t.Fatalf("order of %q %q and %q %q", a, r, b, s)
		}
		x, y = state.AppendTimerKey(nil, retail.Instant(due), acct), state.AppendTimerKey(nil, retail.Instant(due2), acct2)
		if gotD, gotA, err := state.DecodeTimerKey(x); err != nil || gotA != acct || gotD != retail.Instant(due) {
			t.Fatalf("timer %d %q: %d %q %v", due, a, gotD, gotA, err)
		}
		if bytes.Compare(x, y) != cmp.Or(cmp.Compare(due, due2), cmp.Compare(a, b)) {
			t.Fatalf("order of %d %q and %d %q", due, a, due2, b)
		}
		raw := []byte("\x01F" + a + r) // any bytes
		if gotA, gotR, err := state.DecodeFootprintKey(raw); err == nil && !bytes.Equal(state.AppendFootprintKey(nil, gotA, gotR), raw) {
			t.Fatalf("%x is read as %q %q", raw, gotA, gotR)
		}
		raw = []byte("\x01T" + a + r)
		if gotD, gotA, err := state.DecodeTimerKey(raw); err == nil && !bytes.Equal(state.AppendTimerKey(nil, gotD, gotA), raw) {
			t.Fatalf("%x is read as %d %q", raw, gotD, gotA)
		}
	})
}

// Any bytes as a changelog value are refused or read within their bounds.
func FuzzChangelogValue(f *testing.F) {
	f.Add([]byte{1, 0, 1})
	f.Add([]byte{1, 1, 2, 'r', '1', 3, 'a', 'b', 'c', 1})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		account, err := state.WalkChangelogValue(b, func(receipt, print []byte) { n += len(receipt) + len(print) + 2 })
		if err == nil && (len(account) == 0 || n+len(account)+2 > len(b)) {
			t.Fatalf("%x: %d bytes of footprints, account %x", b, n, account)
		}
	})
}

// Any bytes as a meta value are refused or survive a round trip.
func FuzzMeta(f *testing.F) {
	f.Add(state.AppendMeta(&state.Meta{ChangelogOffset: 77, Commit: []byte("commit"), Hash: 5}, nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again state.Meta
		if state.DecodeMeta(&m, b) != nil {
			return
		}
		c := state.AppendMeta(&m, nil)
		if err := state.DecodeMeta(&again, c); err != nil || again.ChangelogOffset != m.ChangelogOffset || again.Hash != m.Hash || !bytes.Equal(again.Commit, m.Commit) {
			t.Fatalf("%x: %+v, %+v, %v", b, m, again, err)
		}
	})
}

// FuzzApply restores from any record. Goal: it is refused, and then nothing of it stays; or what is staged of it can be restored, to the same bytes.
func FuzzApply(f *testing.F) {
	store, p := open(f, vfs.NewMem(), 100)
	f.Cleanup(func() { closeBoth(f, store, p) })
	earn(f, p, "a01", "r01", 1000)
	p.PutNote("budget/at", []byte{1, 2, 3})
	for _, r := range staged(p) {
		f.Add(r[0], r[1])
	}
	p.Commit(state.Meta{ChangelogOffset: 1, Commit: []byte("c")})
	f.Add([]byte(""), []byte{1, 0, 1})
	f.Add([]byte("a01"), []byte{1, 2, 1, 'r', 1, 'x', 1, 'r', 1, 'y', 1})
	f.Add([]byte("a01"), []byte{2})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		before, hash := staged(p), p.StagedHash()
		if err := p.Apply(key, value); err != nil {
			abort(t, p)
			if after := staged(p); len(before)+len(after) != 0 || p.StagedHash() != hash {
				t.Fatalf("refused with %v, and %d records stay", err, len(after))
			}
			return
		}
		first := staged(p)
		abort(t, p)
		for _, r := range first {
			if err := p.Apply(r[0], r[1]); err != nil {
				t.Fatalf("%x was applied, and not %x, which is staged for it: %v", value, r[1], err)
			}
		}
		if second := staged(p); fmt.Sprintf("%x", second) != fmt.Sprintf("%x", first) {
			t.Fatalf("%x\n%x", first, second)
		}
		abort(t, p)
	})
}

// staged returns keys and values of what the open commit would write.
func staged(p *state.Partition) (records [][2][]byte) {
	p.Stage(func(key, value []byte, _ *state.Slot) {
		records = append(records, [2][]byte{bytes.Clone(key), bytes.Clone(value)})
	})
	return records
}

func abort(t *testing.T, p *state.Partition) {
	t.Helper()
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
}
