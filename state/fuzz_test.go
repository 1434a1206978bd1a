package state_test

import (
	"bytes"
	"cmp"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/state"
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
