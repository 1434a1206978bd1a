package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/retail"
)

// zone reads an IANA zone; the default when absent or wrong.
func (n node) zone() *time.Location {
	name := n.text(64)
	if name == "" {
		name = DefaultZone
	}
	loc, err := loadZone(name)
	if err != nil {
		n.fail(CodeZone, "unknown time zone "+quoteShort(name), "an IANA name such as Europe/Paris", "")
		return time.UTC
	}
	return loc
}

// loadZone refuses "Local", which would make the meaning of a document depend on the machine.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" || name == "" {
		return nil, fmt.Errorf("load time zone %q: not an IANA name", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("load time zone %q: %w", name, err)
	}
	return loc, nil
}

const wantMoment = "a day such as 2026-12-01 or an instant such as 2026-12-01T08:00:00+01:00"

// moment reads a local day or an instant. A day means its first instant, or with last the first instant after it.
func (n node) moment(loc *time.Location, last bool) (at retail.Instant, text string) {
	if !n.given() {
		return 0, ""
	}
	s, ok := n.scalar(wantMoment)
	if !ok {
		return 0, ""
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		at = retail.Instant(t.UnixMilli())
	} else if t, err := time.Parse(time.DateOnly, s); err == nil {
		day := t.Day()
		if last {
			day++
		}
		at = dayStart(t.Year(), t.Month(), day, loc)
	} else {
		n.fail(CodeDate, "found "+quoteShort(s), wantMoment, "")
		return 0, ""
	}
	if at < minInstant || at > maxInstant {
		n.fail(CodeRange, "found "+s, "a year from 2000 to 2199", "")
		return 0, ""
	}
	return at, s
}

// Events outside 2000 to 2199 are typing errors.
const (
	minInstant retail.Instant = 946_684_800_000 - 24*hourMs
	maxInstant retail.Instant = 7_258_118_400_000 + 24*hourMs
	hourMs                    = 3_600_000
	dayMs                     = 24 * hourMs
)

// days reads "48h" or "2d" in milliseconds.
func (n node) duration(maxDays int64) int64 {
	if !n.given() {
		return 0
	}
	want := fmt.Sprintf("hours or days such as 48h or 2d, at most %dd", maxDays)
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	unit := int64(hourMs)
	digits, isHours := strings.CutSuffix(s, "h")
	if !isHours {
		unit = dayMs
		digits, ok = strings.CutSuffix(s, "d")
	}
	v, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || !isHours && !ok {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return 0
	}
	if int64(v)*unit > maxDays*dayMs {
		n.fail(CodeRange, "found "+s, want, "")
		return 0
	}
	return int64(v) * unit
}

// clock reads "08:00" as minutes since midnight; "24:00" ends a day.
func clock(s string) (int16, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, false
	}
	return int16(t.Hour()*60 + t.Minute()), true
}

// monthDay reads "03-01". 29 February does not come every year and is refused.
func (n node) monthDay() (month, day int8) {
	if !n.given() {
		return 0, 0
	}
	const want = `a month and day of every year such as "03-01"`
	s, ok := n.scalar(want)
	if !ok {
		return 0, 0
	}
	t, err := time.Parse("2006-01-02", "2001-"+s)
	if err != nil {
		n.fail(CodeDate, "found "+quoteShort(s), want, "")
		return 0, 0
	}
	return int8(t.Month()), int8(t.Day())
}
