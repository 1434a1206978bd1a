package state

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// footprints holds those that are not in Pebble yet: first the committed ones, then those of the open commit. Keys and values lie in one
// buffer, keys as Pebble's, so that a flush copies and the garbage collector has nothing to scan.
type footprints struct {
	data      []byte
	entries   []footprint
	index     map[uint64]int32 // hash of a key -> its newest entry
	committed int              // entries below are committed
}

type footprint struct {
	key, value span
	receiptLen int // the receipt is the key's end
	hash       uint64
	older      int32 // the entry that the index had under this hash, -1 when none
	next       int32 // next one of the same slot in the open commit, -1 at the end
}

func (f *footprints) key(e *footprint) []byte     { return e.key.of(f.data) }
func (f *footprints) value(e *footprint) []byte   { return e.value.of(f.data) }
func (f *footprints) receipt(e *footprint) []byte { k := f.key(e); return k[len(k)-e.receiptLen:] }

// add appends an entry and returns its number. key and value are copied.
func (f *footprints) add(key []byte, receiptLen int, value []byte) int32 {
	e := footprint{receiptLen: receiptLen, hash: xxhash.Sum64(key), older: -1, next: -1}
	e.key = span{len(f.data), len(key)}
	f.data = append(f.data, key...)
	e.value = span{len(f.data), len(value)}
	f.data = append(f.data, value...)
	return f.link(e)
}

func (f *footprints) link(e footprint) int32 {
	if f.index == nil {
		f.index = make(map[uint64]int32)
	}
	e.older = -1
	if old, ok := f.index[e.hash]; ok {
		e.older = old
	}
	i := int32(len(f.entries))
	f.index[e.hash] = i
	f.entries = append(f.entries, e)
	return i
}

// find returns the newest value of a key, aliasing the buffer.
func (f *footprints) find(key []byte) ([]byte, bool) {
	i, ok := f.index[xxhash.Sum64(key)]
	for ; ok && i >= 0; i = f.entries[i].older {
		if e := &f.entries[i]; bytes.Equal(f.key(e), key) {
			return f.value(e), true
		}
	}
	return nil, false
}

func (f *footprints) commit() { f.committed = len(f.entries) }

// abort forgets the entries of the open commit, newest first.
func (f *footprints) abort() {
	for i := len(f.entries) - 1; i >= f.committed; i-- {
		e := &f.entries[i]
		if e.older >= 0 {
			f.index[e.hash] = e.older
		} else {
			delete(f.index, e.hash)
		}
		f.data = f.data[:e.key.off]
	}
	f.entries = f.entries[:f.committed]
}

// committedBytes and openBytes are the sizes of keys and values.
func (f *footprints) committedBytes() int {
	if f.committed == len(f.entries) {
		return len(f.data)
	}
	return f.entries[f.committed].key.off
}

func (f *footprints) openBytes() int { return len(f.data) - f.committedBytes() }

// keptBytes bounds what stays allocated after a flush.
const keptBytes = 16 << 20

// dropCommitted forgets what a flush has written. The numbers of the entries that stay go down by the returned shift.
func (f *footprints) dropCommitted() (shift int32) {
	shift = int32(f.committed)
	stay, data, cut := f.entries[f.committed:], f.data, f.committedBytes()
	f.data, f.entries, f.committed = f.data[:0], f.entries[:0], 0
	if cap(f.data) > keptBytes {
		f.data, f.entries, f.index = nil, nil, nil
	}
	clear(f.index)
	f.data = append(f.data, data[cut:]...)
	for _, e := range stay {
		e.key.off -= cut
		e.value.off -= cut
		if e.next >= 0 {
			e.next -= shift
		}
		f.link(e)
	}
	return shift
}
