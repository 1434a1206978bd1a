package state

import (
	"time"

	"cagnotte/pipeline/retail"

	"github.com/cockroachdb/pebble/v2"
)

// TimerKeys lists the accounts of the timer keys in Pebble, in order.
func (p *Partition) TimerKeys() (ids []retail.AccountID, err error) {
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keyVersion, kindTimer}, UpperBound: []byte{keyVersion, kindTimer + 1}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = it.Close() }()
	for ok := it.First(); ok; ok = it.Next() {
		_, id, err := decodeTimerKey(it.Key())
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, it.Error()
}

// The keys and values, for fuzzing.
var (
	AppendAccountKey   = appendAccountKey
	DecodeAccountKey   = decodeAccountKey
	AppendFootprintKey = appendFootprintKey
	DecodeFootprintKey = decodeFootprintKey
	AppendTimerKey     = appendTimerKey
	DecodeTimerKey     = decodeTimerKey
	WalkChangelogValue = walkChangelogValue
	DecodeMeta         = (*Meta).decode
	AppendMeta         = (*Meta).appendBinary
)

// SetFormat overwrites the format of the database.
func (p *Partition) SetFormat(version string) error {
	return p.db.Set([]byte(formatKey), []byte(version), pebble.Sync)
}

// TimerChunk is how many timers are read from Pebble at a time.
const TimerChunk = timerChunk

// Settle waits until Pebble has flushed its memtables and compacts no more.
func (p *Partition) Settle() error {
	if err := p.db.Flush(); err != nil {
		return err
	}
	for quiet := 0; quiet < 3; quiet++ {
		if p.db.Metrics().Compact.NumInProgress > 0 {
			quiet = 0
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}
