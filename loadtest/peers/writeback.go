package peers

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// valueBytes is the size of an account's value: about what the product's has.
const valueBytes = 300

// writeBack keeps a fixed-size value per account: hot ones as objects, all of them in Pebble, written back every second or so. Its log is not synced.
type writeBack struct {
	db       *pebble.DB
	index    map[string]int32
	slots    []slot
	hand     int
	dirty    []int32
	lastSave time.Time
}

type slot struct {
	key        string
	value      [valueBytes]byte
	dirty, hot bool
}

func openWriteBack(dir string, accounts int) (*writeBack, error) {
	if dir == "" {
		return nil, errors.New("yardstick: no state directory")
	}
	opts := &pebble.Options{Cache: pebble.NewCache(256 << 20), MemTableSize: 64 << 20, MemTableStopWritesThreshold: 4, L0CompactionThreshold: 4}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		opts.Levels[i].BlockSize = 16 << 10
	}
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("yardstick: state: %w", err)
	}
	return &writeBack{db: db, index: make(map[string]int32, accounts), slots: make([]slot, 0, accounts), lastSave: time.Now()}, nil
}

// use reads the account's value and adds the receipt to it.
func (w *writeBack) use(r *retail.Receipt) error {
	s, err := w.slot(string(r.Loyalty.AccountID))
	if err != nil {
		return err
	}
	var sum, quantity int64
	for i := range r.Lines {
		sum += int64(r.Lines[i].Net)
		quantity += r.Lines[i].QuantityMilli
	}
	for i, v := range []int64{sum / 20, 1, int64(r.EndedAt), quantity} {
		b := s.value[8*i:]
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+uint64(v))
	}
	return nil
}

// slot finds the account's object, or loads it into the place of one that is clean and cold. It is dirty from now on.
func (w *writeBack) slot(key string) (*slot, error) {
	i, ok := w.index[key]
	if !ok {
		var err error
		if i, err = w.load(key); err != nil {
			return nil, err
		}
	}
	s := &w.slots[i]
	s.hot = true
	if !s.dirty {
		s.dirty = true
		w.dirty = append(w.dirty, i)
	}
	return s, nil
}

func (w *writeBack) load(key string) (int32, error) {
	i, err := w.vacant()
	if err != nil {
		return 0, err
	}
	s := &w.slots[i]
	owned := string([]byte(key)) // the caller's text aliases the record
	*s = slot{key: owned}
	value, closer, err := w.db.Get([]byte(owned))
	switch {
	case err == nil:
		copy(s.value[:], value)
		err = closer.Close()
	case errors.Is(err, pebble.ErrNotFound):
		err = nil
	}
	w.index[owned] = i
	return i, err
}

func (w *writeBack) vacant() (int32, error) {
	if len(w.slots) < cap(w.slots) {
		w.slots = append(w.slots, slot{})
		return int32(len(w.slots) - 1), nil
	}
	if len(w.dirty) > len(w.slots)/2 {
		if err := w.save(); err != nil {
			return 0, err
		}
	}
	for {
		i := w.hand
		w.hand = (w.hand + 1) % len(w.slots)
		s := &w.slots[i]
		if !s.hot && !s.dirty {
			delete(w.index, s.key)
			return int32(i), nil
		}
		s.hot = s.hot && s.dirty
	}
}

// tick writes back once a second.
func (w *writeBack) tick() error {
	if time.Since(w.lastSave) < time.Second {
		return nil
	}
	return w.save()
}

func (w *writeBack) save() error {
	b := w.db.NewBatch()
	for _, i := range w.dirty {
		s := &w.slots[i]
		s.dirty = false
		if err := b.Set([]byte(s.key), s.value[:], nil); err != nil {
			return fmt.Errorf("yardstick: state: %w", err)
		}
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("yardstick: state: %w", err)
	}
	w.dirty, w.lastSave = w.dirty[:0], time.Now()
	return b.Close()
}

func (w *writeBack) close() error {
	return errors.Join(w.save(), w.db.Close())
}
