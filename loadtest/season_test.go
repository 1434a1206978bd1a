package loadtest

import (
	"testing"
	"time"

	"cagnotte/pipeline/retail"
)

// A day from any weekday and hour takes the receipts it was asked to: a benchmark of a Sunday overran its day before, and the product refused what closed in the
// future.
func TestStreamFitsItsSpan(t *testing.T) {
	const count, span = 20_000, retail.Instant(24 * hourMs)
	for hour := range 7 * 24 / 5 {
		from := retail.Instant(time.Date(2026, 11, 16, 5*hour, 20, 0, 0, time.UTC).UnixMilli())
		perDay, err := PerDay(count, from, from+span-span/11)
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(Options{Seed: 4, Start: from, PerDay: perDay})
		if err != nil {
			t.Fatal(err)
		}
		var it Item
		for range count {
			g.Next(&it)
		}
		if end := g.Clock() - from; end > span || end < span/2 {
			t.Errorf("from %s: %d receipts took %s, want most of a day and not more", time.UnixMilli(int64(from)).UTC().Format("Mon 15:04"), count, time.Duration(end)*time.Millisecond)
		}
	}
}

func TestPerDayOfNothing(t *testing.T) {
	for _, c := range []struct {
		count    int64
		from, to retail.Instant
	}{{1000, 5, 5}, {1000, 9, 5}, {0, 5, 50 * hourMs}} {
		if perDay, err := PerDay(c.count, c.from, c.to); err == nil {
			t.Errorf("%+v: %g and no error", c, perDay)
		}
	}
}
