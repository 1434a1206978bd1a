package rules

import (
	"time"

	"cagnotte/pipeline/retail"
)

// span is a half-open interval of instants.
type span struct{ from, to retail.Instant }

func (s span) holds(t retail.Instant) bool { return s.from <= t && t < s.to }

// forever ends what has no end.
const forever retail.Instant = 1<<63 - 1

// dayStart returns the first instant of a local day; day may be out of range and is normalised (day 32, month 13). Where a change of the
// clock skips midnight, the day begins when the clock has changed.
func dayStart(year int, month time.Month, day int, loc *time.Location) retail.Instant {
	t := time.Date(year, month, day, 0, 0, 0, 0, loc)
	want := time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Day()
	if t.Day() != want {
		if _, end := t.ZoneBounds(); !end.IsZero() {
			t = end
		}
	}
	return retail.Instant(t.UnixMilli())
}

// localDay returns the local day that holds t, and its bounds.
func localDay(t retail.Instant, loc *time.Location) (local time.Time, day span) {
	local = time.UnixMilli(int64(t)).In(loc)
	y, m, d := local.Date()
	return local, span{dayStart(y, m, d, loc), dayStart(y, m, d+1, loc)}
}

// period numbers the calendar period that holds a local day, so that numbers grow with time and can be read: 20261203, 202649, 202612, 2026.
func (p CapPeriod) period(local time.Time) int32 {
	y, m, d := local.Date()
	switch p {
	case PerDay:
		return int32(y*10_000 + int(m)*100 + d)
	case PerWeek:
		iy, iw := local.ISOWeek()
		return int32(iy*100 + iw)
	case PerMonth:
		return int32(y*100 + int(m))
	case PerYear:
		return int32(y)
	default:
		return 0
	}
}

// activeFrom is when a reward of a receipt closed at ended becomes spendable: pending later, up to the full hour, so that lots stay few.
// 0 when it is spendable at once.
func (v *Validity) activeFrom(ended retail.Instant) retail.Instant {
	if v.PendingMs == 0 {
		return 0
	}
	t := ended + retail.Instant(v.PendingMs)
	return (t + hourMs - 1) / hourMs * hourMs
}

// byCalendar reports whether rewards lapse on a day of the year.
func (v *Validity) byCalendar() bool { return v.ExpireMonth != 0 }

// expiresAt is when a reward lapses; 0 is never. active is when it becomes spendable. A calendar day that would come before the reward is
// spendable is moved by whole years.
func (v *Validity) expiresAt(ended, active retail.Instant, loc *time.Location) retail.Instant {
	switch {
	case v.ExpireDays > 0:
		local := time.UnixMilli(int64(active)).In(loc)
		y, m, d := local.Date()
		last := time.Date(y, m, d+int(v.ExpireDays), 12, 0, 0, 0, time.UTC)
		return dayStart(last.Year(), last.Month()+1, 1, loc)
	case v.byCalendar():
		year := time.UnixMilli(int64(ended)).In(loc).Year() + 1
		at := dayStart(year, time.Month(v.ExpireMonth), int(v.ExpireDay), loc)
		for at <= active {
			year++
			at = dayStart(year, time.Month(v.ExpireMonth), int(v.ExpireDay), loc)
		}
		return at
	default:
		return 0
	}
}

// openSpans returns when the campaign's hours and weekdays are open within a UTC day, by what the clock on the wall shows: an hour that a change
// of the clock skips does not come, one that it repeats comes twice. It writes to out and returns how many.
func (w *Window) openSpans(day span, loc *time.Location, out []span) int {
	n := 0
	for from := day.from; from < day.to; {
		t := time.UnixMilli(int64(from)).In(loc)
		_, offset := t.Zone()
		to := day.to
		if _, end := t.ZoneBounds(); !end.IsZero() {
			to = min(to, retail.Instant(end.UnixMilli()))
		}
		n += w.openAt(span{from, to}, retail.Instant(offset)*1000, out[n:])
		from = to
	}
	return n
}

// openAt is openSpans where the distance to UTC does not change.
func (w *Window) openAt(part span, offset retail.Instant, out []span) int {
	n := 0
	for midnight := floorDay(part.from + offset); midnight < part.to+offset && n < len(out); midnight += dayMs {
		if !w.Weekdays.has(time.UnixMilli(int64(midnight)).UTC().Weekday()) {
			continue
		}
		open := span{midnight, midnight + dayMs}
		if w.Hours != (Hours{}) {
			open = span{midnight + retail.Instant(w.Hours.From)*minuteMs, midnight + retail.Instant(w.Hours.To)*minuteMs}
		}
		open = span{max(open.from-offset, part.from), min(open.to-offset, part.to)}
		if open.from < open.to {
			out[n] = open
			n++
		}
	}
	return n
}

// floorDay is the midnight at or before t.
func floorDay(t retail.Instant) retail.Instant {
	r := t % dayMs
	if r < 0 {
		r += dayMs
	}
	return t - r
}

// maxOpens is how many open spans a UTC day can have: two local days meet it, and each may be cut by one change of the clock.
const maxOpens = 4

// has reports whether the weekday is in the set; an empty set holds all.
func (w Weekdays) has(d time.Weekday) bool { return w == 0 || w&(1<<((int(d)+6)%7)) != 0 }
