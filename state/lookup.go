package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// lookup finds footprints, which are mostly absent: a busy member's every new receipt is asked for once. Get would read a data block of the
// last level for each of them, as it leaves out that level's filters; an iterator can use them. One is kept from flush to flush, because
// nothing else changes what it sees.
type lookup struct{ it *pebble.Iterator }

// get returns the value of a key, valid until the next call.
func (l *lookup) get(db *pebble.DB, key []byte) (value []byte, found bool, err error) {
	if l.it == nil {
		l.it, err = db.NewIter(&pebble.IterOptions{
			KeyTypes: pebble.IterKeyTypePointsOnly, UseL6Filters: true,
			LowerBound: []byte{keyVersion, kindFootprint}, UpperBound: []byte{keyVersion, kindFootprint + 1},
		})
		if err != nil {
			l.it = nil
			return nil, false, err
		}
	}
	if !l.it.SeekPrefixGE(key) || !bytes.Equal(l.it.Key(), key) {
		return nil, false, l.it.Error()
	}
	value, err = l.it.ValueAndErr()
	return value, err == nil, err
}

// close lets the next get see what has been written since, and Pebble delete what it has replaced.
func (l *lookup) close() error {
	if l.it == nil {
		return nil
	}
	it := l.it
	l.it = nil
	return it.Close()
}
