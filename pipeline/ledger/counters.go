package ledger

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cagnotte/pipeline/retail"
)

// Counter is one sum of a stateful campaign (challenge, punch card, streak, tier): what an account has come to under a key within a slot. What slots
// and keys mean is the campaign's (package rules). Sums commute: receipts that come late, or in parts back, end at the same value.
type Counter struct {
	Campaign uint64
	Slot     int32 // number of a calendar period or day, in the campaign's zone
	Key      uint32
	Value    int64 // never 0: a counter that returns to zero is removed
}

// maxSlots bounds what is kept of a campaign; older slots fall out first.
const maxSlots = 64

func compareCounters(a, b Counter) int {
	return cmpAll(cmp.Compare(a.Campaign, b.Campaign), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Key, b.Key))
}

func cmpAll(vs ...int) int {
	for _, v := range vs {
		if v != 0 {
			return v
		}
	}
	return 0
}

// CountersOf returns the campaign's counters, sorted by slot and key; nil when there are none. The slice is the account's: not to be kept or changed.
func (a *Account) CountersOf(campaign uint64) []Counter {
	from, _ := slices.BinarySearchFunc(a.Counters, campaign, func(c Counter, k uint64) int { return cmp.Compare(c.Campaign, k) })
	to := from
	for to < len(a.Counters) && a.Counters[to].Campaign == campaign {
		to++
	}
	return a.Counters[from:to:to]
}

// Advance adds delta to a counter.
func (a *Account) Advance(campaign uint64, slot int32, key uint32, delta int64) {
	if delta == 0 {
		return
	}
	c := Counter{Campaign: campaign, Slot: slot, Key: key}
	i, found := slices.BinarySearchFunc(a.Counters, c, compareCounters)
	if !found {
		c.Value = delta
		a.Counters = slices.Insert(a.Counters, i, c)
		a.dropOldSlots(campaign)
		return
	}
	if a.Counters[i].Value += delta; a.Counters[i].Value == 0 {
		a.Counters = slices.Delete(a.Counters, i, i+1)
	}
}

// dropOldSlots forgets the campaign's oldest slots beyond the bound.
func (a *Account) dropOldSlots(campaign uint64) {
	list := a.CountersOf(campaign)
	slots := 0
	for i := range list {
		if i == 0 || list[i].Slot != list[i-1].Slot {
			slots++
		}
	}
	if slots <= maxSlots {
		return
	}
	from, _ := slices.BinarySearchFunc(a.Counters, campaign, func(c Counter, k uint64) int { return cmp.Compare(c.Campaign, k) })
	to := from
	for a.Counters[to].Slot == list[0].Slot && a.Counters[to].Campaign == campaign {
		to++
	}
	a.Counters = slices.Delete(a.Counters, from, to)
}

func (a *Account) appendCounters(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.Counters)))
	for i := range a.Counters {
		c := &a.Counters[i]
		same := i > 0 && a.Counters[i-1].Campaign == c.Campaign
		dst = append(dst, bit(same))
		if !same {
			dst = binary.LittleEndian.AppendUint64(dst, c.Campaign)
		}
		dst = binary.AppendVarint(dst, int64(c.Slot))
		dst = binary.AppendUvarint(dst, uint64(c.Key))
		dst = binary.AppendVarint(dst, c.Value)
	}
	return dst
}

const minCounterBytes = 4

func (a *Account) readCounters(r *reader) {
	for n := r.count(minCounterBytes); n > 0; n-- {
		c := Counter{}
		if r.flag() && len(a.Counters) > 0 {
			c.Campaign = a.Counters[len(a.Counters)-1].Campaign
		} else {
			c.Campaign = r.fixed64()
		}
		c.Slot = r.int32()
		key := r.uvarint()
		c.Key, c.Value = uint32(key), r.varint()
		if key > 1<<32-1 || c.Value == 0 || len(a.Counters) > 0 && compareCounters(a.Counters[len(a.Counters)-1], c) >= 0 {
			r.fail()
		}
		if r.bad {
			return
		}
		a.Counters = append(a.Counters, c)
	}
}

// maxBirthday is 31 December.
const maxBirthday = 1231

func (a *Account) appendProfile(dst []byte) []byte {
	p := &a.Profile
	dst = binary.AppendVarint(dst, int64(p.EnrolledAt))
	dst = binary.AppendUvarint(dst, uint64(p.Birthday))
	dst = binary.AppendUvarint(dst, uint64(len(p.Referrer)))
	dst = append(dst, p.Referrer...)
	dst = binary.AppendUvarint(dst, uint64(len(p.Facts)))
	for i := range p.Facts {
		f := &p.Facts[i]
		dst = append(dst, byte(f.Kind))
		dst = binary.LittleEndian.AppendUint64(dst, f.Key)
		dst = binary.AppendVarint(dst, int64(f.From))
		dst = binary.AppendVarint(dst, int64(f.To))
	}
	return dst
}

const minFactBytes = 1 + 8 + 1 + 1

func (a *Account) readProfile(r *reader) {
	p := &a.Profile
	p.EnrolledAt = retail.Instant(r.varint())
	birthday := r.uvarint()
	if birthday > maxBirthday {
		r.fail()
	}
	p.Birthday = int16(birthday)
	p.Referrer = retail.AccountID(r.take(r.count(1)))
	for n := r.count(minFactBytes); n > 0; n-- {
		f := Fact{Kind: FactKind(r.byte()), Key: r.fixed64(), From: retail.Instant(r.varint()), To: retail.Instant(r.varint())}
		if f.Kind == 0 || f.Kind > Club || len(p.Facts) >= MaxFacts || len(p.Facts) > 0 && compareFacts(p.Facts[len(p.Facts)-1], f) >= 0 {
			r.fail()
		}
		if r.bad {
			return
		}
		p.Facts = append(p.Facts, f)
	}
}
