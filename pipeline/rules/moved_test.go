package rules_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

func movedDoc(t *testing.T, window string) *rules.Campaign {
	t.Helper()
	c, findings := rules.Parse("moved", []byte("id: c\nversion: 3\nname: x\nwindow: "+window+"\nreward: {percent: 10}\n"))
	if c == nil {
		t.Fatal(findings)
	}
	return c
}

// A week of December moved over the change of the clock: the same days of the week, whole local days, and a document that parses to itself.
func TestMovedKeepsTheCalendar(t *testing.T) {
	c := movedDoc(t, `{from: 2026-12-01, to: "2026-12-07T20:00:00+01:00", tz: Europe/Paris, weekdays: [tue]}`)
	m, err := c.Moved(-10)
	if err != nil {
		t.Fatal(err)
	}
	if want := at(t, "2026-09-22T00:00:00+02:00"); m.Window.From != want || m.EffectiveFrom != want {
		t.Errorf("from %d, effective %d, want %d", m.Window.From, m.EffectiveFrom, want)
	}
	if want := at(t, "2026-09-28T20:00:00+02:00"); m.Window.To != want {
		t.Errorf("to %d, want %d", m.Window.To, want)
	}
	if c.Window.From != at(t, "2026-12-01T00:00:00+01:00") {
		t.Error("the original was changed")
	}
	again, findings := rules.Parse("again", m.JSON())
	if again == nil || string(again.JSON()) != string(m.JSON()) || again.Window.From != m.Window.From || again.Window.To != m.Window.To {
		t.Errorf("%v: %s", findings, m.JSON())
	}
	if back, err := m.Moved(10); err != nil || back.Window.From != c.Window.From || back.Window.To != c.Window.To {
		t.Errorf("there and back: %v", err)
	}
}

func TestMovedRefuses(t *testing.T) {
	open := movedDoc(t, `{from: 2026-12-01}`)
	if m, err := open.Moved(4); err != nil || m.Window.To != 0 {
		t.Errorf("no end became %v, %v", m, err)
	}
	if _, err := open.Moved(-52 * 40); err == nil || !strings.Contains(err.Error(), "2000 to 2199") {
		t.Errorf("got %v", err)
	}
}
