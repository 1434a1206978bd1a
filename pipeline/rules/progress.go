package rules

import (
	"math"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// A stateful campaign (challenge, punch card, streak) rewards what an account comes to over several receipts. Its state is sums per period of the
// receipts' own time, and what stands granted is a function of the sums alone. So late receipts, shuffled arrival and returns in any parts need no
// rules of their own: each posts the difference of that function before and after it.

// Progress is the part of a document that makes it stateful. The zero value is none.
type Progress struct {
	Count       CountKind
	Target      int64 // minor units for spend and amount, else a number; 0 with objectives, or with a ladder
	Per         CapPeriod
	RollingDays int32 // instead of Per
	Repeat      bool
	Max         int64 // completions per period with Repeat; 0: no bound
	Streak      int32 // consecutive periods; 0: none
	Objectives  []Objective
	Need        int32 // of the objectives
	KeepDone    bool  // returns: keep_once_completed
}

// Objective is one of several goals of a challenge.
type Objective struct {
	Name   string
	Lines  Selector
	Count  CountKind
	Target int64
}

// CountKind is what a stateful campaign counts.
type CountKind uint8

// Kinds of counts.
const (
	NoCount CountKind = iota
	CountPieces
	CountSpend
	CountReceipts
	CountProducts // distinct gtin, else sku
	CountDays     // distinct local days
	CountAmount   // of an event's lines: spend by another name
)

var countNames = []string{"", "pieces", "spend", "receipts", "products", "days", "amount"}

// String returns the word of the grammar.
func (k CountKind) String() string { return pick(k, countNames...) }

// money reports whether the count is an amount.
func (k CountKind) money() bool { return k == CountSpend || k == CountAmount }

// Keys of a slot's counters. Sums of objective o stand at o*8 + one of the first three; a product and a day are counted under keys of their own.
const (
	keyPieces uint32 = iota + 1
	keySpend
	keyReceipts
	keyProduct uint32 = 1 << 30 // + objective<<26 + tag of the product modulo 2^26
	keyDay     uint32 = 2 << 28 // + objective<<20 + day modulo 2^20
	keyPeak    uint32 = 1<<32 - 2
	keyGranted uint32 = 1<<32 - 1

	slotWhole int32 = math.MaxInt32 - 1<<10 // from here on: what stands over all slots, by version
)

const (
	maxObjectives = 16
	objectiveKeys = 8
	dayKeyBits    = 20
	// Of 200 different products two share a key once in 3 000 members.
	productKeyBits = 26
)

// maxPeriods bounds what a streak or a rolling window looks back on: as many slots as an account keeps.
const maxPeriods = 64

// overAll reports whether completions look at several slots together.
func (p *Progress) overAll() bool { return p.Streak > 0 || p.RollingDays > 0 }

// slotOf numbers the slot of a receipt: day, week, month or year counted on from a fixed one, so that neighbours differ by one.
func (p *Progress) slotOf(t retail.Instant, loc *time.Location) int32 {
	if p.RollingDays > 0 {
		return ordinalOf(PerDay, t, loc)
	}
	return ordinalOf(p.Per, t, loc)
}

// ordinalOf counts local periods; 0 for the whole campaign.
func ordinalOf(per CapPeriod, t retail.Instant, loc *time.Location) int32 {
	if per == PerCampaign {
		return 0
	}
	local := time.UnixMilli(int64(t)).In(loc)
	y, m, d := local.Date()
	switch per {
	case PerMonth:
		return int32(y*12 + int(m) - 1)
	case PerYear:
		return int32(y)
	}
	day := int32(time.Date(y, m, d, 12, 0, 0, 0, time.UTC).Unix() / 86_400)
	if per == PerWeek {
		return (day + 3) / 7 // 1 January 1970 was a Thursday
	}
	return day
}

// value reads one count out of a slot's counters.
func value(kind CountKind, objective int, slot []ledger.Counter) (sum int64) {
	base := uint32(objective * objectiveKeys)
	switch kind {
	case CountPieces:
		return keyValue(slot, base+keyPieces)
	case CountSpend, CountAmount:
		return keyValue(slot, base+keySpend)
	case CountReceipts:
		return keyValue(slot, base+keyReceipts)
	case CountProducts:
		return positives(slot, keyProduct+uint32(objective)<<productKeyBits, 1<<productKeyBits)
	case CountDays:
		return positives(slot, keyDay+uint32(objective)<<dayKeyBits, 1<<dayKeyBits)
	}
	return 0
}

func keyValue(slot []ledger.Counter, key uint32) int64 {
	for i := range slot {
		if slot[i].Key == key {
			return slot[i].Value
		}
	}
	return 0
}

// positives counts the keys from first on whose value is above zero.
func positives(slot []ledger.Counter, first, n uint32) (count int64) {
	for i := range slot {
		if k := slot[i].Key; k >= first && k-first < n && slot[i].Value > 0 {
			count++
		}
	}
	return count
}

// nextSlot cuts the counters of the first slot off the list.
func nextSlot(list []ledger.Counter) (slot, rest []ledger.Counter) {
	n := 0
	for n < len(list) && list[n].Slot == list[0].Slot {
		n++
	}
	return list[:n], list[n:]
}

// slotIn returns the counters of one slot.
func slotIn(list []ledger.Counter, number int32) []ledger.Counter {
	for len(list) > 0 {
		slot, rest := nextSlot(list)
		if slot[0].Slot == number {
			return slot
		}
		list = rest
	}
	return nil
}

// completions is how often the goal is reached by the counters: those of one slot, or of all when the campaign looks over several.
func (p *Progress) completions(list []ledger.Counter) int64 {
	switch {
	case len(p.Objectives) > 0:
		if p.reached(list) >= p.Need {
			return 1
		}
		return 0
	case p.Streak > 0:
		return p.streaks(list)
	case p.RollingDays > 0:
		return p.windows(list)
	case p.Target == 0:
		return 0
	}
	return p.times(max(value(p.Count, 0, list), 0) / p.Target)
}

// times bounds what repeats.
func (p *Progress) times(n int64) int64 {
	switch {
	case !p.Repeat:
		return min(n, 1)
	case p.Max > 0:
		return min(n, p.Max)
	}
	return n
}

// reached counts the objectives whose target is met.
func (p *Progress) reached(slot []ledger.Counter) (n int32) {
	for i := range p.Objectives {
		if o := &p.Objectives[i]; value(o.Count, i, slot) >= o.Target {
			n++
		}
	}
	return n
}

// streaks counts over the maximal runs of consecutive periods that reach the target.
func (p *Progress) streaks(list []ledger.Counter) (n int64) {
	run, last := int64(0), int32(math.MinInt32)
	for len(list) > 0 {
		var slot []ledger.Counter
		slot, list = nextSlot(list)
		if slot[0].Slot >= slotWhole || value(p.Count, 0, slot) < p.Target {
			continue
		}
		if slot[0].Slot != last+1 {
			run = 0
		}
		last = slot[0].Slot
		if run++; run%int64(p.Streak) == 0 {
			n++
		}
	}
	return p.times(n)
}

// longest is how many periods the longest run has that ends at the slot or later: what a member wants to know of a streak.
func (p *Progress) longest(list []ledger.Counter) (longest int64) {
	run, last := int64(0), int32(math.MinInt32)
	for len(list) > 0 {
		var slot []ledger.Counter
		slot, list = nextSlot(list)
		if slot[0].Slot >= slotWhole || value(p.Count, 0, slot) < p.Target {
			continue
		}
		if slot[0].Slot != last+1 {
			run = 0
		}
		last = slot[0].Slot
		run++
		longest = max(longest, run)
	}
	return longest
}

// windows counts greedily from the earliest day: the first window of so many days whose sum reaches the target completes, and takes its days up to the
// one on which it was reached.
func (p *Progress) windows(list []ledger.Counter) (n int64) {
	for len(list) > 0 && list[0].Slot < slotWhole {
		sum, rest := int64(0), list
		first, done := list[0].Slot, false
		for len(rest) > 0 && rest[0].Slot < first+p.RollingDays && !done {
			var slot []ledger.Counter
			slot, rest = nextSlot(rest)
			sum += value(p.Count, 0, slot)
			done = sum >= p.Target
		}
		if done {
			n++
			list = rest
			continue
		}
		_, list = nextSlot(list)
	}
	return p.times(n)
}

// standing is what the campaign owes by the counters, and how often the goal is reached.
func (r *rule) standing(list []ledger.Counter) (owed money.Amount, done int64) {
	p, rw := &r.doc.Progress, &r.doc.Reward
	if len(rw.Ladder) > 0 {
		at := value(p.Count, 0, list)
		if !p.Count.money() {
			at *= 100 // a ladder's reach is in hundredths
		}
		for _, s := range rw.Ladder {
			if at >= int64(s.Spend) {
				owed, done = s.Get, done+1
			}
		}
		return owed, done
	}
	done = p.completions(list)
	if done == 0 {
		return 0, 0
	}
	each := rw.Fixed + rw.Points.Get
	switch {
	case rw.Percent != 0 && p.Count.money():
		return rw.Percent.Of(money.Amount(totalOf(list, keySpend)), rw.Rounding), done
	case rw.Percent != 0:
		pieces, spend := totalOf(list, keyPieces), totalOf(list, keySpend)
		if pieces <= 0 || spend <= 0 {
			return 0, done
		}
		each = meanShare(money.Amount(spend), rw.Percent, pieces, rw.Rounding)
	}
	if each <= 0 {
		return 0, done
	}
	return perUnit(each, done), done
}

// meanShare is rate x spend / pieces, rounded once. Amounts are below 2^53 and pieces below 2^33: where the product of rate and pieces would not fit,
// the mean price is rounded first, at amounts that nobody pays.
func meanShare(spend money.Amount, rate money.Rate, pieces int64, mode money.Rounding) money.Amount {
	if den := int64(money.One); pieces <= math.MaxInt64/den {
		return money.MulDiv(spend, int64(rate), den*pieces, mode)
	}
	return rate.Of(money.MulDiv(spend, 1, pieces, mode), mode)
}

// totalOf sums a key over all slots of the list.
func totalOf(list []ledger.Counter, key uint32) (sum int64) {
	for i := range list {
		if list[i].Key == key && list[i].Slot < slotWhole {
			sum += list[i].Value
		}
	}
	return sum
}
