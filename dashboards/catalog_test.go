package dashboards

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"cagnotte/pipeline/rules"
)

// c0 is an instant before the campaign.
func c0(c *rules.Campaign) time.Time { return time.UnixMilli(int64(c.Window.From) - 1) }

// TestCatalogVersions: the version in effect is shown, a re-published one replaces its earlier self, and order of arrival does not matter.
func TestCatalogVersions(t *testing.T) {
	doc := func(version, percent int, from string) []byte {
		return fmt.Appendf(nil, `{"id": "c", "version": %d, "effective_from": "%s", "name": "C", "window": {"from": "2026-01-01", "to": "2026-12-31", "tz": "UTC"}, "reward": {"percent": %d}}`, version, from, percent)
	}
	c := newCatalog(slog.New(slog.DiscardHandler))
	c.add("c", doc(2, 20, "2026-06-01T00:00:00Z"))
	c.add("c", doc(1, 10, "2026-01-01T00:00:00Z"))
	c.add("c", doc(2, 25, "2026-06-01T00:00:00Z"))
	c.add("broken", []byte("{"))
	for month, want := range map[time.Month]int64{time.May: 100_000, time.July: 250_000} {
		if got := c.current("c", time.Date(2026, month, 15, 0, 0, 0, 0, time.UTC)); int64(got.Reward.Percent) != want {
			t.Errorf("%s: %d, want %d", month, got.Reward.Percent, want)
		}
	}
	if got := c.current("c", time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)); got == nil || got.Version != 1 {
		t.Errorf("before the first: %+v", got)
	}
	if c.current("broken", time.Now()) != nil || len(c.campaigns(time.Now())) != 1 {
		t.Error("a broken document is listed")
	}
}

// Levels and terms of spending are documents and no campaigns; points are no euros, neither in a row nor in the sum of the budgets.
func TestOnlyCampaignsAreListed(t *testing.T) {
	const head = `{"version": 1, "name": "N", "window": {"from": "2026-01-01", "to": "2026-12-31", "tz": "UTC"}, "id": `
	c := newCatalog(slog.New(slog.DiscardHandler))
	for id, rest := range map[string]string{
		"euros":  `"reward": {"fixed": 1}, "budget": {"total": 100}`,
		"points": `"reward": {"points": {"get": 1, "for": 10}, "wallet": "points"}, "budget": {"total": 5000}`,
		"levels": `"tiers": {"count": "spend", "levels": [{"name": "bronze", "from": 0}, {"name": "gold", "from": 500}]}`,
		"spend":  `"terms": {"min_purchase": 10}`,
	} {
		c.add(id, fmt.Appendf(nil, `%s"%s", %s}`, head, id, rest))
	}
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	var rows []CampaignRow
	for _, doc := range c.campaigns(now) {
		rows = append(rows, rowOf(doc, now))
	}
	if len(rows) != 2 || rows[0].ID != "euros" || rows[0].Wallet != "" || rows[1].ID != "points" || rows[1].Wallet != "points" {
		t.Fatalf("%+v", rows)
	}
	if b := budgetOf(rows); b.TotalMinor != 100_00 || b.Campaigns != 1 {
		t.Errorf("budget %+v, want the 100.00 of euros alone", b)
	}
	for _, id := range []string{"levels", "spend"} {
		if c.current(id, now) == nil {
			t.Errorf("%s was not read", id)
		}
	}
}
