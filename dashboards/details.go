package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	refreshEvery  = 2 * time.Second  // of a watched campaign's page
	refreshFactor = 4                // and never more than a fifth of the time is spent asking
	detailTimeout = 15 * time.Second // for all queries of one page
)

// details keeps the pages of the campaigns that somebody watches, each refreshed once for all its viewers. Safe for concurrent use.
type details struct {
	feed   feed
	flight singleflight.Group

	mu     sync.Mutex
	pages  map[string]*page // watched
	recent map[string]recentPage
}

// recentPage serves those who ask without watching.
type recentPage struct {
	data []byte
	at   time.Time
}

// page is one campaign's newest page.
type page struct {
	viewers int
	cancel  context.CancelFunc
	data    []byte
	version uint64
	wake    chan struct{}
}

func newDetails(f feed) *details {
	return &details{feed: f, pages: map[string]*page{}, recent: map[string]recentPage{}}
}

// watch is one viewer's hold on a page. A nil watch has nothing to show and never changes.
type watch struct {
	d    *details
	page *page
	id   string
}

// watch starts refreshing the campaign's page unless somebody watches it already. Release it after use.
func (d *details) watch(id string) *watch {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.pages[id]
	if p == nil {
		p = &page{wake: make(chan struct{})}
		d.pages[id] = p
		var ctx context.Context
		ctx, p.cancel = context.WithCancel(context.Background())
		go d.refresh(ctx, id, p)
	}
	p.viewers++
	return &watch{d: d, page: p, id: id}
}

// release ends the hold; the last one ends the refreshing.
func (w *watch) release() {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	if w.page.viewers--; w.page.viewers == 0 {
		w.page.cancel()
		delete(w.d.pages, w.id)
	}
}

// changes returns a channel that is closed when there is a newer page.
func (w *watch) changes() <-chan struct{} {
	if w == nil {
		return nil
	}
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	return w.page.wake
}

// newest returns the page as JSON and its number; nil before the first.
func (w *watch) newest() ([]byte, uint64) {
	if w == nil {
		return nil, 0
	}
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	return w.page.data, w.page.version
}

// refresh keeps one page current until ctx ends.
func (d *details) refresh(ctx context.Context, id string, p *page) {
	for {
		began := time.Now()
		data, err := d.load(ctx, id)
		if err == nil {
			d.store(p, data)
		}
		if errors.Is(err, errUnknownCampaign) {
			d.store(p, unknownPage(id))
		}
		wait := max(refreshEvery, refreshFactor*time.Since(began))
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (d *details) store(p *page, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p.data = data
	p.version++
	close(p.wake)
	p.wake = make(chan struct{})
}

// get returns the page: a recent one, else a new one, built once for all who ask at the same time.
func (d *details) get(ctx context.Context, id string) ([]byte, error) {
	d.mu.Lock()
	r, ok := d.recent[id]
	d.mu.Unlock()
	if ok && time.Since(r.at) < 2*refreshEvery {
		return r.data, nil
	}
	return d.load(ctx, id)
}

// load builds the page; several callers at once share one build, which outlives a caller that leaves.
func (d *details) load(ctx context.Context, id string) ([]byte, error) {
	result := d.flight.DoChan(id, func() (any, error) { return d.build(id) })
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.([]byte), nil
	}
}

func (d *details) build(id string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), detailTimeout)
	defer cancel()
	page, err := d.feed.detail(ctx, id)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(&page)
	if err != nil {
		return nil, fmt.Errorf("campaign page %s: %w", id, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for old, r := range d.recent {
		if time.Since(r.at) > 5*refreshEvery {
			delete(d.recent, old)
		}
	}
	d.recent[id] = recentPage{data, time.Now()}
	return data, nil
}

func unknownPage(id string) []byte {
	data, err := json.Marshal(map[string]any{"id": id, "unknown": true})
	if err != nil {
		return []byte(`{"unknown":true}`)
	}
	return data
}
