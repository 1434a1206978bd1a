package state

import (
	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// Stage encodes the overlay and calls emit (which may be nil) with one changelog record per touched slot, in the order of first touch, and then one per
// note, without a slot. Key and value stay
// as they are until the next Stage after this commit has ended. It may be called again after more changes, and then emits all again.
func (p *Partition) Stage(emit func(key, value []byte, s *Slot)) {
	p.arena, p.staged, p.ready = p.arena[:0], p.meta.Hash, true
	for _, s := range p.touched {
		start := len(p.arena)
		p.arena = append(p.arena, s.ID...)
		split := len(p.arena)
		p.arena = p.appendChangelogValue(p.arena, s)
		s.staged.off = len(p.arena)
		p.arena = s.Account.AppendBinary(p.arena)
		end := len(p.arena)
		s.staged.len = end - s.staged.off
		p.staged = chain(p.staged, xxhash.Sum64(p.arena[start:end]))
		if emit != nil {
			emit(p.arena[start:split:split], p.arena[split:end:end], s)
		}
	}
	p.stageNotes(emit)
}

func (p *Partition) stageNotes(emit func(key, value []byte, s *Slot)) {
	for _, n := range p.notes.touched {
		start := len(p.arena)
		p.arena = append(p.arena, n.key...)
		split := len(p.arena)
		p.arena = append(append(p.arena, noteVersion), n.open...)
		end := len(p.arena)
		p.staged = chain(p.staged, xxhash.Sum64(p.arena[start:end]))
		if emit != nil {
			emit(p.arena[start:split:split], p.arena[split:end:end], nil)
		}
	}
}

// StagedHash is the running hash after the values of the last Stage: what the COMMIT record must say.
func (p *Partition) StagedHash() uint64 { return p.staged }

// Commit makes the overlay committed state: dirty until a flush. meta says what it covers; its Hash is set to StagedHash. It stages first
// if that has not been done since the last change. The overlay is empty afterwards.
func (p *Partition) Commit(meta Meta) {
	if !p.ready {
		p.Stage(nil)
	}
	for _, s := range p.touched {
		s.enc = append(s.enc[:0], s.staged.of(p.arena)...)
		p.soil(s)
		p.schedule(s, s.Account.NextDue())
		p.untouch(s)
	}
	p.prints.commit()
	p.notes.commit()
	p.meta = Meta{ChangelogOffset: meta.ChangelogOffset, Commit: append(p.meta.Commit[:0], meta.Commit...), Hash: p.staged}
	p.unwritten = true
	p.endOverlay()
}

// soil marks a slot dirty and keeps count.
func (p *Partition) soil(s *Slot) {
	if !s.dirty {
		s.dirty = true
		p.dirty = append(p.dirty, s)
	}
	p.dirtySize -= s.size
	s.size = slotOverhead + len(s.ID) + len(s.enc)
	p.dirtySize += s.size
}

// slotOverhead is what an account takes in a batch beside its id and value, a changed timer included.
const slotOverhead = 48

// schedule notes the next due instant of a committed account.
func (p *Partition) schedule(s *Slot, due retail.Instant) {
	if due != s.due || s.missed {
		p.timers.add(due, s.ID)
	}
	s.due = due
}

// Abort drops the overlay: touched accounts are as of the last commit again. An error means that the partition must be closed.
func (p *Partition) Abort() error {
	var first error
	for _, s := range p.touched {
		if err := s.rollback(); err != nil && first == nil {
			first = err
		}
		if s.missed {
			p.timers.add(s.due, s.ID)
		}
		p.untouch(s)
	}
	p.prints.abort()
	p.notes.abort()
	p.endOverlay()
	return first
}

func (p *Partition) untouch(s *Slot) {
	s.touched, s.missed, s.firstPrint, s.lastPrint = false, false, -1, -1
}

func (p *Partition) endOverlay() {
	clear(p.touched)
	p.touched, p.overlaySize = p.touched[:0], 0
	p.ready = false
	p.staged, p.applied = p.meta.Hash, p.meta.Hash
}

// DirtyBytes is about what a flush would write now. Flush when it exceeds FlushBytes.
func (p *Partition) DirtyBytes() int {
	return p.dirtySize + p.prints.committedBytes() + p.notes.dirtySize
}

// OverlayBytes is about what the open commit will write to the changelog. A bound on it bounds the memory of a commit.
func (p *Partition) OverlayBytes() int {
	return p.overlaySize + p.prints.openBytes() + p.notes.openSize
}
