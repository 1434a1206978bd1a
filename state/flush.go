package state

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Flush writes what is committed and not yet in Pebble as one atomic batch: accounts, footprints, timer keys and the meta that covers
// them. The open commit is not part of it. sync also makes it durable against a power cut, together with every flush before. After an
// error nothing has changed and everything is still dirty.
func (p *Partition) Flush(sync bool) error {
	if err := p.lookup.close(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	mode := pebble.NoSync
	if sync {
		mode = pebble.Sync
	}
	if !p.unwritten {
		return p.syncOnly(sync)
	}
	if p.batch == nil {
		p.batch = p.db.NewBatch(pebble.WithInitialSizeBytes(p.DirtyBytes()), pebble.WithMaxRetainedSizeBytes(2*FlushBytes))
	}
	b := p.batch
	b.Reset() // its memory is used again: a flush is megabytes
	if err := p.fill(b); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	size := b.Len()
	if err := b.Commit(mode); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	p.stats.Flushes++
	p.stats.FlushedAccounts += int64(len(p.dirty))
	p.stats.FlushedBytes += int64(size)
	p.cleanAll()
	return nil
}

func (p *Partition) syncOnly(sync bool) error {
	if !sync {
		return nil
	}
	if err := p.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}

// fill writes in the order of keys: the memtable then finds the place of each key beside that of the one before, in memory that is still in the
// processor's cache.
func (p *Partition) fill(b *pebble.Batch) error {
	slices.SortFunc(p.dirty, func(x, y *Slot) int { return cmp.Compare(x.ID, y.ID) })
	for _, s := range p.dirty {
		if err := p.fillSlot(b, s); err != nil {
			return err
		}
	}
	for _, i := range p.sortedPrints() {
		e := &p.prints.entries[i]
		if err := b.Set(p.prints.key(e), p.prints.value(e), nil); err != nil {
			return err
		}
	}
	var err error
	if p.key, err = p.notes.fill(b, p.key); err != nil {
		return err
	}
	p.key = p.meta.appendBinary(p.key[:0])
	return b.Set(appendMetaKey(nil), p.key, nil)
}

// sortedPrints returns the numbers of the committed footprints by key, those of one key from old to new.
func (p *Partition) sortedPrints() []int32 {
	order := p.order[:0]
	for i := range p.prints.committed {
		order = append(order, int32(i))
	}
	slices.SortFunc(order, func(x, y int32) int {
		c := bytes.Compare(p.prints.key(&p.prints.entries[x]), p.prints.key(&p.prints.entries[y]))
		return cmp.Or(c, cmp.Compare(x, y))
	})
	p.order = order
	return order
}

func (p *Partition) fillSlot(b *pebble.Batch, s *Slot) error {
	p.key = appendAccountKey(p.key[:0], s.ID)
	if err := b.Set(p.key, s.enc, nil); err != nil {
		return err
	}
	if s.due == s.stored {
		return nil
	}
	if s.stored != 0 {
		p.key = appendTimerKey(p.key[:0], s.stored, s.ID)
		if err := b.Delete(p.key, nil); err != nil {
			return err
		}
	}
	if s.due == 0 {
		return nil
	}
	p.key = appendTimerKey(p.key[:0], s.due, s.ID)
	return b.Set(p.key, nil, nil)
}

// cleanAll notes that everything committed is in Pebble now.
func (p *Partition) cleanAll() {
	for _, s := range p.dirty {
		s.dirty, s.size, s.stored = false, 0, s.due
	}
	clear(p.dirty)
	p.dirty, p.dirtySize, p.unwritten = p.dirty[:0], 0, false
	p.notes.clean()
	shift := p.prints.dropCommitted()
	for _, s := range p.touched {
		if s.firstPrint >= 0 {
			s.firstPrint -= shift
			s.lastPrint -= shift
		}
	}
}
