package state

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

// Slot is one account in memory. The caller may read Account at any time and change it after Touch. A slot that is not touched belongs to
// the cache again as soon as another account is asked for: ask again rather than keep it.
type Slot struct {
	ID      retail.AccountID // owned by the slot
	Account ledger.Account

	enc     []byte         // encoding as of the last commit; empty when the account does not exist yet
	due     retail.Instant // NextDue as of the last commit
	stored  retail.Instant // NextDue that Pebble's timer key has
	staged  span           // the account's encoding in the arena, between Stage and Commit
	size    int            // what the slot counts for in DirtyBytes
	hot     bool           // used since the clock's hand passed
	touched bool           // in the overlay
	dirty   bool           // committed and not flushed
	known   known          // which receipts may have footprints
	missed  bool           // its timer was dropped from the heap because of what the open commit did

	firstPrint, lastPrint int32 // footprints of the open commit, -1 when none
}

// span is a part of a growing buffer, by offset: the buffer may move.
type span struct{ off, len int }

func (s span) of(b []byte) []byte { return b[s.off : s.off+s.len] }

// rollback puts the account back to its last commit.
func (s *Slot) rollback() error {
	if len(s.enc) == 0 {
		s.Account.Reset()
		return nil
	}
	return s.Account.Decode(s.enc)
}

// clear makes the slot ready for another account, keeping its memory.
func (s *Slot) clear() {
	s.Account.Reset()
	*s = Slot{Account: s.Account, enc: s.enc[:0], firstPrint: -1, lastPrint: -1}
}
