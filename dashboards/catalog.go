package dashboards

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// catalog holds the published campaign documents, every version of each. Safe for concurrent use.
type catalog struct {
	log *slog.Logger

	mu       sync.RWMutex
	versions map[string][]*rules.Campaign // ascending version
}

func newCatalog(log *slog.Logger) *catalog {
	return &catalog{log: log, versions: map[string][]*rules.Campaign{}}
}

// add takes one record of the campaigns topic. A document that cannot be read is logged and left out, as the engine does.
func (c *catalog) add(key string, doc []byte) {
	parsed, problems := rules.Parse(key, doc)
	if parsed == nil {
		c.log.Warn("campaign document left out of the pages", "campaign", key, "problems", len(problems))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.versions[parsed.ID]
	i, found := slices.BinarySearchFunc(list, parsed.Version, func(a *rules.Campaign, v int32) int { return cmp.Compare(a.Version, v) })
	if found {
		list[i] = parsed
	} else {
		list = slices.Insert(list, i, parsed)
	}
	c.versions[parsed.ID] = list
}

// current returns the version of a campaign that holds at an instant: the newest one in effect, else the first to come; nil when unknown.
func (c *catalog) current(id string, now time.Time) *rules.Campaign {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return pickVersion(c.versions[id], retail.Instant(now.UnixMilli()))
}

func pickVersion(list []*rules.Campaign, at retail.Instant) *rules.Campaign {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].EffectiveFrom <= at {
			return list[i]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// campaigns returns the current version of every campaign, by id. Documents of levels and of terms give nothing: they are no campaigns to watch.
func (c *catalog) campaigns(now time.Time) []*rules.Campaign {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*rules.Campaign, 0, len(c.versions))
	for _, list := range c.versions {
		if v := pickVersion(list, retail.Instant(now.UnixMilli())); v.Terms == nil && len(v.Tiers.Levels) == 0 {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *rules.Campaign) int { return cmp.Compare(a.ID, b.ID) })
	return out
}
