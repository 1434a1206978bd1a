package dashboards

import (
	"sync"
	"time"
)

// cache remembers answers for a while, the last good one also when a newer try failed. Safe for concurrent use; two callers that miss at
// once may both ask, and the reader below makes one query of them.
type cache[T any] struct {
	ttl  time.Duration
	most int

	mu   sync.Mutex
	kept map[string]cached[T]
}

type cached[T any] struct {
	value T
	at    time.Time
}

func newCache[T any](ttl time.Duration, most int) *cache[T] {
	return &cache[T]{ttl: ttl, most: most, kept: map[string]cached[T]{}}
}

// get returns the value of a key, asking when it is older than the time to live. When asking fails it returns the last good value with the
// error; the value is zero when there never was one.
func (c *cache[T]) get(key string, ask func() (T, error)) (T, error) {
	c.mu.Lock()
	old, ok := c.kept[key]
	c.mu.Unlock()
	if ok && time.Since(old.at) < c.ttl {
		return old.value, nil
	}
	value, err := ask()
	if err != nil {
		return old.value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= c.most {
		clear(c.kept) // as many campaigns as this are not watched at once; the next look fills it again
	}
	c.kept[key] = cached[T]{value, time.Now()}
	return value, nil
}
