package model

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"cagnotte/loadtest/wire"

	"github.com/cespare/xxhash/v2"
)

// Movement is one change of an account that must be in the ledger: a reward given to a receipt, or taken back by one.
type Movement struct {
	Receipt  string // the sale, or the return that takes back
	Campaign string
	Version  int32
	Amount   int64 // signed, minor units, never zero
	At       int64 // close of that receipt
	Active   int64 // when the reward becomes spendable, 0 at once
	Expires  int64 // when it lapses, 0 never
	Wallet   string
	Donated  int64 // of Amount: what goes to a charity
	Together bool  // the reward of several receipts: no single lot is what a taken back one went into
	// WrittenOff is what was taken back and nobody pays: the member owed too much already.
	WrittenOff int64
	Shop       string // of the sale: a campaign may be paid by it
}

// Ends is when the reward lapses: not before it could be spent.
func (m *Movement) Ends() int64 {
	if m.Expires == 0 {
		return 0
	}
	return max(m.Expires, m.Active)
}

// Account is what one account must have come to.
type Account struct {
	Movements []Movement
	Commands  []Command
	pockets   map[string]*pocket
	holds     map[string]*hold
	burns     map[string]*burn // by the EVENT that spent
	receipts  map[string]*known
	used      map[capUse]int64
	member    member
	gifts     map[string][]*gift // progress and tiers: what every receipt adds, by campaign
	stands    map[standKey]int64 // what is granted of a campaign's progress
	spendable map[standKey]int64 // when all of that is
	peaks     map[peakKey]int
}

func newAccount() *Account {
	return &Account{receipts: map[string]*known{}, used: map[capUse]int64{}, gifts: map[string][]*gift{}, stands: map[standKey]int64{},
		spendable: map[standKey]int64{}, peaks: map[peakKey]int{}, holds: map[string]*hold{}, burns: map[string]*burn{}}
}

// standKey names the progress of a campaign in a period.
type standKey struct {
	campaign string
	slot     int64
}

// Total is everything earned less everything taken back.
func (a *Account) Total() int64 {
	sum := int64(0)
	for _, m := range a.Movements {
		sum += m.Amount
	}
	return sum
}

// Forget lets go of the account's receipts: the replay is over, the movements stay.
func (a *Account) Forget() {
	*a = Account{Movements: a.Movements, Commands: a.Commands, pockets: a.pockets, holds: a.holds}
}

type capUse struct {
	campaign string
	period   int32
}

// known is a receipt id that an account remembers. content 0 means that only returns of it have come so far.
type known struct {
	content  uint64
	basket   *basket // nil unless the receipt earns
	awards   []award
	returned []givenBack
	voided   bool
	counted  map[*campaign]*gift // towards tiers
}

func newKnown() *known { return &known{counted: map[*campaign]*gift{}} }

// givenBack is one returned line of a receipt.
type givenBack struct {
	lineNo    int32
	gtin, sku string
	quantity  int64 // positive
	net       int64 // positive
}

func (a *Account) use(campaign string, period int32) int64 { return a.used[capUse{campaign, period}] }

// receive applies one valid receipt of the account. It returns false when nothing may happen: a repeat, or (conflict true) another receipt under a
// known id.
func (p *Partition) receive(a *Account, r *wire.Receipt) (accepted, conflict bool) {
	content := contentOf(r)
	k := a.receipts[r.ID]
	if k != nil && k.content != 0 {
		return false, k.content != content
	}
	if k == nil {
		k = newKnown()
		a.receipts[string([]byte(r.ID))] = k
	}
	k.content = content
	switch {
	case r.Training:
	case r.Type == "EVENT":
		a.member.learn(r)
		p.command(a, r)
		p.earn(a, k, newBasket(r, p.pool))
	case r.Type == "SALE" || r.Type == "EXCHANGE":
		p.earn(a, k, newBasket(r, p.pool))
	case r.Type == "RETURN" || r.Type == "VOID":
		p.giveBack(a, r)
	}
	return true, false
}

// contentOf condenses what makes two deliveries the same receipt; never 0.
func contentOf(r *wire.Receipt) uint64 {
	b := fmt.Appendf(nil, "%s|%s|%s|%d|%d", r.Type, r.Account(), r.Store.ID, r.EndedAt, r.Total)
	for i := range r.Lines {
		l := &r.Lines[i]
		b = binary.AppendVarint(b, int64(l.No))
		b = append(append(append(b, l.Kind...), l.GTIN...), l.SKU...)
		b = binary.AppendVarint(binary.AppendVarint(b, l.Quantity), l.Net)
	}
	if r.Type == "EVENT" {
		for _, k := range slices.Sorted(maps.Keys(r.Attributes)) {
			b = fmt.Appendf(b, "|%q=%q", k, r.Attributes[k])
		}
	}
	return max(xxhash.Sum64(b), 1)
}

// originalID is the id that a return refers to, from its parts when it is not given as such.
func originalID(r *wire.Receipt) string {
	o := r.Original
	if o == nil || o.ReceiptID != "" {
		if o == nil {
			return ""
		}
		return o.ReceiptID
	}
	day := time.Unix(int64(o.BusinessDate)*86_400, 0).UTC().Format(time.DateOnly)
	return fmt.Sprintf("%s:%s:%s:%d", o.StoreID, o.TerminalID, day, o.SequenceNo)
}
