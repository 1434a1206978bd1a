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

// openSpans returns when the campaign's hours and weekdays are open within [from, to), which is at most two days long. It writes at most
// len(out) spans and returns how many.
func (w *Window) openSpans(day span, loc *time.Location, out []span) int {
	n := 0
	for t := day.from; t < day.to && n < len(out); {
		local, bounds := localDay(t, loc)
		if w.Weekdays.has(local.Weekday()) {
			out[n] = w.Hours.within(local, bounds, loc)
			n++
		}
		t = bounds.to
	}
	return n
}

func (h Hours) within(local time.Time, bounds span, loc *time.Location) span {
	if h == (Hours{}) {
		return bounds
	}
	return span{atMinute(local, h.From, bounds, loc), atMinute(local, h.To, bounds, loc)}
}

// atMinute is the instant of a local clock time. One that a change of the clock skips becomes the instant of the change.
func atMinute(local time.Time, minute int16, bounds span, loc *time.Location) retail.Instant {
	if minute >= 24*60 {
		return bounds.to
	}
	if minute == 0 {
		return bounds.from
	}
	y, m, d := local.Date()
	t := time.Date(y, m, d, int(minute)/60, int(minute)%60, 0, 0, loc)
	if got := t.Hour()*60 + t.Minute(); got != int(minute) {
		if start, end := t.ZoneBounds(); got > int(minute) {
			t = start
		} else {
			t = end
		}
	}
	return retail.Instant(t.UnixMilli())
}

// has reports whether the weekday is in the set; an empty set holds all.
func (w Weekdays) has(d time.Weekday) bool { return w == 0 || w&(1<<((int(d)+6)%7)) != 0 }
