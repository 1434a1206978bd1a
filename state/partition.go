package state

import (
	"errors"
	"fmt"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
)

// Partition is the state of one input partition. It belongs to one goroutine.
type Partition struct {
	store  *Store
	number int32
	db     *pebble.DB

	cache   *cache
	touched []*Slot // the overlay, in order of first touch
	dirty   []*Slot // committed and not flushed, in order of first commit
	prints  footprints
	timers  timers
	notes   notes
	lookup  lookup

	meta      Meta
	unwritten bool   // meta is ahead of Pebble's
	ready     bool   // the overlay is staged as it is
	arena     []byte // keys and changelog values of the overlay
	staged    uint64 // running hash after the staged values
	applied   uint64 // running hash after the values applied so far

	dirtySize, overlaySize int

	digest xxhash.Digest
	key    []byte  // scratch
	order  []int32 // scratch
	batch  *pebble.Batch
	stats  Stats
}

// Stats counts what a partition did since it was opened.
type Stats struct {
	Hits, Misses     int64 // Account found in memory, or not
	Absent           int64 // misses of accounts that did not exist
	Evicted          int64
	FootprintReads   int64 // Footprint went to Pebble
	Flushes          int64
	FlushedAccounts  int64
	FlushedBytes     int64
	Slots, Dirty     int // now
	Overlay, Pending int // accounts touched now; timers in memory now
}

func newPartition(s *Store, number int32, db *pebble.DB) (*Partition, error) {
	if err := checkFormat(db); err != nil {
		return nil, err
	}
	p := &Partition{store: s, number: number, db: db, cache: newCache()}
	value, closer, err := db.Get(appendMetaKey(nil))
	if err != nil && !errors.Is(err, pebble.ErrNotFound) {
		return nil, fmt.Errorf("read meta: %w", err)
	}
	if err == nil {
		err = errors.Join(p.meta.decode(value), closer.Close())
		if err != nil {
			return nil, err
		}
	}
	p.staged, p.applied = p.meta.Hash, p.meta.Hash
	return p, p.notes.load(db)
}

// Close flushes what is committed, with a sync, drops the overlay and closes the database. A partition whose flush failed is closed too.
func (p *Partition) Close() error {
	err := errors.Join(p.Flush(true), p.lookup.close(), p.closeBatch(), p.db.Close())
	p.store.forget(p.number)
	if err != nil {
		return fmt.Errorf("close state of partition %d: %w", p.number, err)
	}
	return nil
}

func (p *Partition) closeBatch() error {
	if p.batch == nil {
		return nil
	}
	return p.batch.Close()
}

// Meta returns what the committed state covers: Pebble's at open, then as advanced by Commit and ApplyCommit. Its Commit aliases the
// partition until the next commit.
func (p *Partition) Meta() Meta { return p.meta }

// Stats returns counters since open.
func (p *Partition) Stats() Stats {
	s := p.stats
	s.Slots, s.Dirty, s.Overlay, s.Pending = len(p.cache.slots), len(p.dirty), len(p.touched), len(p.timers.heap)
	return s
}

// Account returns the account's slot: from the overlay, the cache, or Pebble. An account that does not exist is empty, and remembered
// as such. id may alias a buffer. The slot is the caller's until Account or DueAccounts is called again, or, when touched, until the commit ends.
func (p *Partition) Account(id retail.AccountID) (*Slot, error) {
	if s := p.cache.get(id); s != nil {
		p.stats.Hits++
		return s, nil
	}
	p.stats.Misses++
	s, err := p.vacancy()
	if err != nil {
		return nil, err
	}
	if err := p.load(s, id); err != nil {
		s.clear()
		return nil, fmt.Errorf("account %q: %w", id, err)
	}
	s.ID = retail.AccountID(strings.Clone(string(id)))
	p.cache.put(s)
	return s, nil
}

// load fills a vacant slot from Pebble.
func (p *Partition) load(s *Slot, id retail.AccountID) error {
	p.key = appendAccountKey(p.key[:0], id)
	value, closer, err := p.db.Get(p.key)
	if errors.Is(err, pebble.ErrNotFound) {
		p.stats.Absent++
		return nil
	}
	if err != nil {
		return err
	}
	s.enc = append(s.enc[:0], value...)
	if err := closer.Close(); err != nil {
		return err
	}
	if err := s.Account.Decode(s.enc); err != nil {
		return err
	}
	s.due = s.Account.NextDue()
	s.stored = s.due
	return nil
}

// vacancy finds room for one more account: a new slot while the cache is below its limit, else a victim's. When most slots are dirty it
// flushes first; when most are touched the cache grows beyond its limit, and shrinks again later.
func (p *Partition) vacancy() (*Slot, error) {
	limit := p.limit()
	if len(p.cache.ring) < limit {
		return p.cache.grow(), nil
	}
	if len(p.dirty) > limit-limit/4 {
		if err := p.Flush(false); err != nil {
			return nil, err
		}
	}
	if len(p.touched) > limit/2 {
		return p.cache.grow(), nil
	}
	if len(p.cache.ring) > limit {
		p.cache.shrink()
	}
	if s := p.cache.evict(); s != nil {
		p.stats.Evicted++
		return s, nil
	}
	return p.cache.grow(), nil
}

// minCache keeps a partition working when there are very many of them.
const minCache = 16

func (p *Partition) limit() int {
	return max(minCache, p.store.opts.CacheAccounts/int(max(1, p.store.open.Load())))
}

// Touch puts the slot into the overlay: its Account is about to change within the open commit.
func (p *Partition) Touch(s *Slot) {
	p.ready = false
	if s.touched {
		return
	}
	s.touched = true
	p.touched = append(p.touched, s)
	p.overlaySize += slotOverhead + len(s.ID) + len(s.enc)
}

// Footprint appends to dst what was put for a receipt of an account: from the open commit, from those that are not flushed, or from
// Pebble. found is false when there is none.
func (p *Partition) Footprint(acct retail.AccountID, receipt retail.ReceiptID, dst []byte) (value []byte, found bool, err error) {
	p.key = appendFootprintKey(p.key[:0], acct, receipt)
	if v, ok := p.prints.find(p.key); ok {
		return append(dst, v...), true, nil
	}
	p.stats.FootprintReads++
	v, found, err := p.lookup.get(p.db, p.key)
	if err != nil {
		return dst, false, fmt.Errorf("footprint of %q: %w", receipt, err)
	}
	return append(dst, v...), found, nil
}

// PutFootprint sets a receipt's footprint within the open commit and touches the slot. receipt and value are copied.
func (p *Partition) PutFootprint(s *Slot, receipt retail.ReceiptID, value []byte) {
	p.Touch(s)
	p.note(s, receipt)
	p.key = appendFootprintKey(p.key[:0], s.ID, receipt)
	i := p.prints.add(p.key, len(receipt), value)
	if s.lastPrint >= 0 {
		p.prints.entries[s.lastPrint].next = i
	} else {
		s.firstPrint = i
	}
	s.lastPrint = i
}

// Range flushes and then calls fn for every committed account, in the order of ids. The account is reused between calls. It stops at
// fn's first error.
func (p *Partition) Range(fn func(id retail.AccountID, a *ledger.Account) error) error {
	if err := p.Flush(false); err != nil {
		return err
	}
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyVersion, kindAccount}, UpperBound: []byte{keyVersion, kindAccount + 1}})
	if err != nil {
		return fmt.Errorf("range: %w", err)
	}
	return errors.Join(rangeAccounts(it, fn), it.Close())
}

func rangeAccounts(it *pebble.Iterator, fn func(id retail.AccountID, a *ledger.Account) error) error {
	var a ledger.Account
	for ok := it.First(); ok; ok = it.Next() {
		id, err := decodeAccountKey(it.Key())
		if err != nil {
			return fmt.Errorf("range: %w", err)
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("range: account %q: %w", id, err)
		}
		if err := a.Decode(value); err != nil {
			return fmt.Errorf("range: account %q: %w", id, err)
		}
		if err := fn(id, &a); err != nil {
			return err
		}
	}
	return nil
}
