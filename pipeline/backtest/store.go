package backtest

import (
	"encoding/binary"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"github.com/cespare/xxhash/v2"
)

// worlds are the sets of campaigns that are run side by side: the drafts (joined with the live set when it is compared), and the live set alone.
const (
	with = iota
	without
	worldCount
)

// world is one set of campaigns with what it remembers of sales.
type world struct {
	rules     *rules.Ruleset
	evaluator *rules.Evaluator
	decision  rules.Decision
	footprint rules.Footprint
	kept      arena
	value     []byte
}

// member is one account.
type member struct {
	accounts   [worldCount]*ledger.Account // use of the caps; nil as long as nothing was granted
	granted    []int64                     // by draft, returns deducted; nil as long as there is nothing
	total      [worldCount]int64           // granted by all campaigns, returns deducted
	profile    ledger.Profile              // what events have said
	considered bool                        // a draft looked at one of its receipts
	heldOut    bool                        // in the holdout of a draft that wanted to give something
	apart      bool                        // the live campaigns have once decided otherwise because of a draft
}

// account returns what the ledger would remember of the caps.
func (m *member) account(w int) *ledger.Account {
	if m.accounts[w] == nil {
		m.accounts[w] = &ledger.Account{}
	}
	return m.accounts[w]
}

// view is what a world's rules may read of a member.
type view struct {
	m *member
	w int
}

// CapUsed implements rules.View.
func (v view) CapUsed(campaign uint64, period int32) money.Amount {
	if a := v.m.accounts[v.w]; a != nil {
		return a.CapUsed(campaign, period)
	}
	return 0
}

// Counters implements rules.View.
func (v view) Counters(campaign uint64) []ledger.Counter {
	if a := v.m.accounts[v.w]; a != nil {
		return a.CountersOf(campaign)
	}
	return nil
}

// Profile implements rules.View.
func (v view) Profile() *ledger.Profile { return &v.m.profile }

// place is what is known under a receipt's id: whether the receipt itself has come, and where each world keeps its footprint, 0 for none. A sale that
// no campaign grants anything for needs none.
type place struct {
	seen bool
	at   [worldCount]uint32
}

// placeKey names a receipt of an account in 64 bits. Two of a hundred million collide once in three thousand runs.
func placeKey(scratch []byte, account retail.AccountID, id retail.ReceiptID) (uint64, []byte) {
	b := append(scratch[:0], account...)
	b = append(append(b, 0), id...)
	return xxhash.Sum64(b), b
}

// arena keeps footprints one after the other, in blocks that the garbage collector need not look into.
type arena struct {
	blocks [][]byte
}

const (
	arenaBlock = 1 << 20
	arenaUnit  = 8 // places count in units, so that 32 bits reach 32 GiB
)

// put keeps a copy and returns where; 0 when the arena is full.
func (a *arena) put(v []byte) uint32 {
	need := (len(v) + 4 + arenaUnit - 1) / arenaUnit * arenaUnit
	last := len(a.blocks) - 1
	if last < 0 || len(a.blocks[last])+need > cap(a.blocks[last]) {
		size := max(arenaBlock, (need+arenaBlock-1)/arenaBlock*arenaBlock)
		if int64(len(a.blocks)+size/arenaBlock)*arenaBlock/arenaUnit > 1<<32-2 {
			return 0
		}
		a.blocks = append(a.blocks, make([]byte, 0, size))
		for range size/arenaBlock - 1 {
			a.blocks = append(a.blocks, nil) // a large value takes the numbers of the blocks that it covers
		}
		last = len(a.blocks) - size/arenaBlock
	}
	b := a.blocks[last]
	from := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
	b = append(b, v...)
	a.blocks[last] = b[:from+need]
	return uint32(last*arenaBlock/arenaUnit) + uint32(from/arenaUnit) + 1
}

// get returns what was put there.
func (a *arena) get(at uint32) []byte {
	unit := int(at - 1)
	b := a.blocks[unit/(arenaBlock/arenaUnit)][unit%(arenaBlock/arenaUnit)*arenaUnit:]
	n := binary.LittleEndian.Uint32(b)
	return b[4 : 4+n]
}

// load brings a footprint back.
func (w *world) load(at uint32) error {
	if at == 0 {
		w.footprint.Reset()
		return nil
	}
	return w.footprint.Decode(w.kept.get(at))
}

// keep stores the footprint when a return can still need it.
func (w *world) keep() (uint32, error) {
	if w.footprint.HasSale() && len(w.footprint.Awards) == 0 {
		return 0, nil
	}
	w.value = w.footprint.AppendBinary(w.value[:0])
	return w.keepValue(w.value)
}

func (w *world) keepValue(value []byte) (uint32, error) {
	at := w.kept.put(value)
	if at == 0 {
		return 0, errFull
	}
	return at, nil
}
