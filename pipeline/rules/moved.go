package rules

import (
	"fmt"
	"time"

	"cagnotte/pipeline/retail"
)

// Moved returns the campaign with its window and its effective date moved by whole weeks of its own calendar, so that weekdays and local hours stay
// where they were, also across a change of the clock. What is counted from a purchase (pending, expiry, the periods of a member's cap) is not moved:
// it follows the receipts. The embedded tests are left out, since their receipts have dates.
func (c *Campaign) Moved(weeks int) (*Campaign, error) {
	loc, err := loadZone(c.Window.TZ)
	if err != nil {
		return nil, fmt.Errorf("move campaign %s: %w", c.ID, err)
	}
	m := *c
	m.Tests = nil
	mv := mover{weeks: weeks, loc: loc}
	m.Window.From, m.Window.fromText = mv.move(c.Window.From, c.Window.fromText, false)
	m.Window.To, m.Window.toText = mv.move(c.Window.To, c.Window.toText, true)
	if m.EffectiveFrom, m.effectiveText = m.Window.From, ""; c.EffectiveFrom != c.Window.From {
		m.EffectiveFrom, m.effectiveText = mv.move(c.EffectiveFrom, c.effectiveText, false)
	}
	if mv.outside {
		return nil, fmt.Errorf("move campaign %s by %d weeks: the window leaves the years 2000 to 2199", c.ID, weeks)
	}
	return &m, nil
}

type mover struct {
	weeks   int
	loc     *time.Location
	outside bool
}

// move moves one end of a window; 0 is none. A day stays a day: its bounds are those of the calendar it comes to.
func (m *mover) move(at retail.Instant, text string, last bool) (retail.Instant, string) {
	if at == 0 {
		return 0, ""
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		day = day.AddDate(0, 0, 7*m.weeks)
		text, at = day.Format(time.DateOnly), dayStart(day.Year(), day.Month(), day.Day(), m.loc)
		if last {
			at = dayStart(day.Year(), day.Month(), day.Day()+1, m.loc)
		}
	} else {
		t := time.UnixMilli(int64(at)).In(m.loc).AddDate(0, 0, 7*m.weeks)
		text, at = t.Format("2006-01-02T15:04:05.999Z07:00"), retail.Instant(t.UnixMilli())
	}
	m.outside = m.outside || at < minInstant || at > maxInstant
	return at, text
}
