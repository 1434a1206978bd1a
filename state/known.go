package state

import (
	"errors"

	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
)

// known is the set of receipts of one busy account that may have a footprint. An account remembers its latest receipts itself; one that shops more
// often than that would be looked up in Pebble for each new receipt, to learn that it is new: a tenth of all processor time under a load where few
// members shop very often. The set is read once, the second time that the account asks while it is in memory, and grows with what is put.
//
// Invariant: no footprint of the account, in Pebble or on its way there, is missing from ids. It may hold more: those of an aborted commit.
type known struct {
	asked int8
	ids   map[uint64]struct{} // hashes of receipt ids, nil until they have been read
}

// Bounds of what the sets of a partition take: ids of one account, and of all.
const (
	maxKnown          = 1 << 13
	maxKnownPartition = 1 << 18
)

// Absent reports that a receipt of the slot's account has certainly no footprint, without a look at Pebble. False means: ask Footprint.
func (p *Partition) Absent(s *Slot, receipt retail.ReceiptID) (bool, error) {
	if s.known.ids == nil {
		if s.known.asked < 2 {
			s.known.asked++
		}
		if s.known.asked != 2 || p.cache.knownIDs >= maxKnownPartition {
			return false, nil
		}
		s.known.asked++ // an account with too many footprints is not read again
		if err := p.learn(s); err != nil || s.known.ids == nil {
			return false, err
		}
	}
	_, maybe := s.known.ids[xxhash.Sum64String(string(receipt))]
	return !maybe, nil
}

// learn reads the ids of all footprints of an account, unless they are too many.
func (p *Partition) learn(s *Slot) error {
	ids := make(map[uint64]struct{})
	lower := appendFootprintKey(nil, s.ID, "")
	for i := range p.prints.entries {
		e := &p.prints.entries[i]
		if key := p.prints.key(e); len(key) == len(lower)+e.receiptLen && string(key[:len(lower)]) == string(lower) {
			ids[xxhash.Sum64(p.prints.receipt(e))] = struct{}{}
		}
	}
	upper := append([]byte(nil), lower...)
	upper[len(upper)-1]++ // the mark that ends the account
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	for ok := it.First(); ok && len(ids) < maxKnown; ok = it.Next() {
		ids[xxhash.Sum64(it.Key()[len(lower):])] = struct{}{}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil || len(ids) >= maxKnown {
		return err
	}
	s.known.ids = ids
	p.cache.knownIDs += len(ids)
	return nil
}

// note adds a footprint that is being put to what is known of its account.
func (p *Partition) note(s *Slot, receipt retail.ReceiptID) {
	if s.known.ids == nil {
		return
	}
	if len(s.known.ids) >= 2*maxKnown {
		p.cache.unlearn(s)
		return
	}
	before := len(s.known.ids)
	s.known.ids[xxhash.Sum64String(string(receipt))] = struct{}{}
	p.cache.knownIDs += len(s.known.ids) - before
}

// unlearn forgets the set: the slot goes to another account, or the set has become too large.
func (c *cache) unlearn(s *Slot) {
	c.knownIDs -= len(s.known.ids)
	s.known.ids = nil
}
