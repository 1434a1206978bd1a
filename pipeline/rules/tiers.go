package rules

import (
	"fmt"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Tiers is a document that gives members a level instead of money: by a qualifying counter of its own (D27), which nothing that is spent lowers.
//
// The level at an instant is a function of the sums per period and of the highest level reached within the period: up at once, down only at the end of
// a period, and after its grace. A return lowers the sum and so the next period's level, never the present one.
type Tiers struct {
	Count     CountKind
	Per       CapPeriod // PerMonth or PerYear
	Levels    []Level   // rising
	OneDown   bool      // at a period's end at most one level is lost; else the sum alone decides
	GraceDays int32     // of the new period, in which nothing is lost yet
}

// Level is reached from a sum on: minor units for spend, else hundredths of a number, as an amount is written.
type Level struct {
	Name string
	From money.Amount
}

const (
	maxLevels   = 12
	tierHorizon = 8 // periods that a level can be handed down over
)

func (t *Tiers) given() bool { return len(t.Levels) > 0 }

// tiers reads the document's levels.
func (n node) tiers() Tiers {
	if !n.given() {
		return Tiers{}
	}
	k := n.keys("count", "per", "levels", "downgrade", "grace")
	t := Tiers{Count: child(k, n, "count").required("spend, receipts or pieces").countKind(), Per: PerYear}
	if t.Count != CountSpend && t.Count != CountReceipts && t.Count != CountPieces && t.Count != NoCount {
		child(k, n, "count").fail(CodeRange, "found "+t.Count.String(), "spend, receipts or pieces", "")
	}
	if child(k, n, "per").choice("year", "month") == 1 {
		t.Per = PerMonth
	}
	t.OneDown = child(k, n, "downgrade").choice("one_down", "requalify") == 0
	grace := child(k, n, "grace")
	ms := grace.duration(366)
	if ms%dayMs != 0 {
		grace.fail(CodeRange, "a grace counts whole days", "days such as 60d", "")
	}
	t.GraceDays = int32(ms / dayMs)
	t.Levels = child(k, n, "levels").required("a list of {name, from}").levels()
	return t
}

func (n node) levels() []Level {
	var out []Level
	names := map[string]bool{}
	for _, v := range n.list() {
		k := v.keys("name", "from")
		l := Level{Name: child(k, v, "name").required("a name").text(32), From: child(k, v, "from").required("an amount, or a number").amountOrZero()}
		if names[l.Name] {
			child(k, v, "name").fail(CodeDuplicate, "two levels are called "+quoteShort(l.Name), "a name of its own for each", "")
		}
		names[l.Name] = true
		if len(out) > 0 && l.From <= out[len(out)-1].From {
			child(k, v, "from").fail(CodeConflict, fmt.Sprintf("the level %s does not rise above %s", l.Name, out[len(out)-1].Name), "levels that rise", "")
		}
		out = append(out, l)
	}
	if len(out) == 0 || len(out) > maxLevels {
		n.fail(CodeRange, fmt.Sprintf("%d levels", len(out)), fmt.Sprintf("1 to %d", maxLevels), "")
	}
	return out
}

// level is the highest one that a sum reaches, counted from 1; 0 is none.
func (t *Tiers) level(sum int64) int {
	if !t.Count.money() {
		sum *= 100
	}
	level := 0
	for level < len(t.Levels) && sum >= int64(t.Levels[level].From) {
		level++
	}
	return level
}

// sums reads what a period has come to: its level, and the highest reached within it.
func (t *Tiers) sums(list []ledger.Counter, period int32) (level, peak int) {
	slot := slotIn(list, period)
	return t.level(value(t.Count, 0, slot)), int(keyValue(slot, keyPeak))
}

// at is the level of a member at an instant, counted from 1.
func (t *Tiers) at(list []ledger.Counter, when retail.Instant, loc *time.Location) int {
	level, peak := t.sums(list, ordinalOf(t.Per, when, loc))
	return max(peak, level, t.brought(list, when, loc))
}

// brought is the level that a member has at an instant without anything of its period.
func (t *Tiers) brought(list []ledger.Counter, when retail.Instant, loc *time.Location) int {
	period := ordinalOf(t.Per, when, loc)
	end := 0 // level at the end of a period, from the oldest on
	carried := 0
	for p := period - tierHorizon; p <= period; p++ {
		before, _ := t.sums(list, p-1)
		carried = before
		if t.OneDown {
			carried = max(carried, end-1)
		}
		if p == period {
			break
		}
		now, _ := t.sums(list, p)
		end = max(now, carried)
	}
	if t.graced(when, loc) {
		carried = max(carried, end)
	}
	return max(carried, t.level(0))
}

// graced reports whether the instant is within the grace at the beginning of its period.
func (t *Tiers) graced(when retail.Instant, loc *time.Location) bool {
	if t.GraceDays == 0 {
		return false
	}
	y, m, d := time.UnixMilli(int64(when)).In(loc).Date()
	first := time.Date(y, time.January, 1, 0, 0, 0, 0, time.UTC)
	if t.Per == PerMonth {
		first = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(first.AddDate(0, 0, int(t.GraceDays)))
}

// name of a level counted from 1; empty for none.
func (t *Tiers) name(level int) string {
	if level <= 0 || level > len(t.Levels) {
		return ""
	}
	return t.Levels[level-1].Name
}

// TierOf returns the level that a tiers document of the ruleset gives a member at an instant: its name, empty when there is none.
func (rs *Ruleset) TierOf(id string, counters []ledger.Counter, at retail.Instant) string {
	for _, i := range rs.tiers {
		if r := &rs.rules[i]; r.id == id && r.chosen.holds(at) {
			return r.doc.Tiers.name(r.doc.Tiers.at(counters, at, r.loc))
		}
	}
	return ""
}

// inTier reports whether the member is on one of the levels, by any tiers document that counts at the instant: before the receipt at hand.
func (e *Evaluator) inTier(levels []string, v View) (level string, ok bool) {
	for _, i := range e.rs.tiers {
		r := &e.rs.rules[i]
		if !r.chosen.holds(e.now) {
			continue
		}
		t := &r.doc.Tiers
		level = t.name(t.at(v.Counters(r.key), e.now, r.loc))
		for _, l := range levels {
			if l == level {
				return level, true
			}
		}
	}
	return level, false
}

// climb notes the highest level of the period in the part of a sale, and tells it.
func (e *Evaluator) climb(r *rule, p *part, slot int32, before, after []ledger.Counter, d *Decision) {
	t := &r.doc.Tiers
	sum := value(t.Count, 0, after)
	level, peak := t.level(sum), int(keyValue(before, keyPeak))
	step := Step{Node: "tiers", Code: StepTier, Unit: Count, Passed: level > 0, Observed: sum}
	if t.Count.money() {
		step.Unit = Minor
	}
	if level < len(t.Levels) {
		step.Expected = int64(t.Levels[level].From)
		if !t.Count.money() {
			step.Expected /= 100
		}
	}
	d.step(step)
	if level > peak {
		p.add(slot, keyPeak, int64(level-peak))
		d.step(Step{Node: "tiers.levels", Code: StepTierUp, Unit: Text, Passed: true, ObservedText: t.name(level), ExpectedText: t.name(peak)})
	}
}
