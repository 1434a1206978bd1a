package state

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Notes are the few values of a partition that belong to no account, such as its leases of budgets. They go the way of accounts: open commit,
// changelog, Pebble. All of them are in memory.
type notes struct {
	byKey     map[string]*note
	touched   []*note // of the open commit, in order of first touch
	dirty     []*note // committed and not flushed
	openSize  int
	dirtySize int
}

type note struct {
	key       string
	value     []byte // as of the last commit
	open      []byte // of the open commit
	committed bool   // value counts
	touched   bool   // open counts
	dirty     bool
}

// noteVersion begins a note's changelog value; an account's begins with changelogVersion.
const noteVersion = 2

func appendNoteKey(dst []byte, key string) []byte {
	return append(append(dst, keyVersion, kindNote), key...)
}

// Note returns the value of a key, that of the open commit if there is one. It is valid until the next PutNote of the key, or the end of the commit.
func (p *Partition) Note(key string) (value []byte, found bool) {
	n := p.notes.byKey[key]
	switch {
	case n == nil:
		return nil, false
	case n.touched:
		return n.open, true
	}
	return n.value, n.committed
}

// PutNote sets a value within the open commit. value is copied.
func (p *Partition) PutNote(key string, value []byte) {
	p.ready = false
	n := p.notes.byKey[key]
	if n == nil {
		n = &note{key: key}
		p.notes.byKey[key] = n
	}
	if !n.touched {
		n.touched = true
		p.notes.touched = append(p.notes.touched, n)
		p.notes.openSize += slotOverhead + len(key)
	}
	p.notes.openSize += len(value) - len(n.open)
	n.open = append(n.open[:0], value...)
}

// NoteKeys returns the keys of all committed notes, sorted.
func (p *Partition) NoteKeys() []string {
	var keys []string
	for key, n := range p.notes.byKey {
		if n.committed {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// load reads the notes that Pebble has.
func (ns *notes) load(db *pebble.DB) error {
	ns.byKey = map[string]*note{}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyVersion, kindNote}, UpperBound: []byte{keyVersion, kindNote + 1}})
	if err != nil {
		return fmt.Errorf("read notes: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(fmt.Errorf("read notes: %w", err), it.Close())
		}
		key := string(it.Key()[2:])
		ns.byKey[key] = &note{key: key, value: slices.Clone(value), committed: true}
	}
	return errors.Join(it.Error(), it.Close())
}

// commit makes the open values the committed ones.
func (ns *notes) commit() {
	for _, n := range ns.touched {
		n.value, n.open = n.open, n.value[:0]
		n.committed, n.touched = true, false
		if !n.dirty {
			n.dirty = true
			ns.dirty = append(ns.dirty, n)
			ns.dirtySize += slotOverhead + len(n.key)
		}
		ns.dirtySize += len(n.value)
	}
	ns.endOverlay()
}

func (ns *notes) abort() {
	for _, n := range ns.touched {
		n.open, n.touched = n.open[:0], false
		if !n.committed {
			delete(ns.byKey, n.key)
		}
	}
	ns.endOverlay()
}

func (ns *notes) endOverlay() {
	clear(ns.touched)
	ns.touched, ns.openSize = ns.touched[:0], 0
}

// fill writes the dirty notes in the order of keys.
func (ns *notes) fill(b *pebble.Batch, scratch []byte) ([]byte, error) {
	slices.SortFunc(ns.dirty, func(x, y *note) int { return cmp.Compare(x.key, y.key) })
	for _, n := range ns.dirty {
		scratch = appendNoteKey(scratch[:0], n.key)
		if err := b.Set(scratch, n.value, nil); err != nil {
			return scratch, err
		}
	}
	return scratch, nil
}

func (ns *notes) clean() {
	for _, n := range ns.dirty {
		n.dirty = false
	}
	clear(ns.dirty)
	ns.dirty, ns.dirtySize = ns.dirty[:0], 0
}
