package dashboards

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cagnotte/pipeline/rules"
)

const (
	ratesEvery = 10 * time.Second // a round of participation over the campaigns, at best
	maxRates   = 30               // campaigns whose participation is listed
	baseEvery  = 5 * time.Second  // until the day's beginning is complete
)

// live is the feed from Kafka and ClickHouse.
type live struct {
	opts    *Options
	board   *board
	catalog *catalog
	tail    *tail
	store   *store // nil: no ClickHouse
	viewers atomic.Int64

	mu      sync.Mutex
	rates   map[string]*Participant
	letters DeadLetters
}

func newLive(o *Options) (*live, error) {
	l := &live{opts: o, board: newBoard(o.Location), catalog: newCatalog(o.Logger)}
	var err error
	if l.tail, err = newTail(o, l.board, l.catalog); err != nil {
		return nil, err
	}
	if o.ClickHouseAddr != "" {
		if l.store, err = openStore(o); err != nil {
			l.tail.cl.Close()
			return nil, err
		}
	}
	return l, nil
}

// run follows the topics and keeps what ClickHouse knows current, until ctx ends.
func (l *live) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	if l.store != nil {
		defer l.store.close()
		wg.Go(func() { l.keepBase(ctx) })
		wg.Go(func() { l.keepRates(ctx) })
		wg.Go(func() { l.keepLetters(ctx) })
	}
	err := l.tail.run(ctx)
	cancel()
	wg.Wait()
	return err
}

func (l *live) now() time.Time { return time.Now() }

func (l *live) watched(viewers int) { l.viewers.Store(int64(viewers)) }

func (l *live) ready() bool { return l.tail.caughtUp.Load() }

// keepBase loads what happened before this process began to count, again until nothing is missing.
func (l *live) keepBase(ctx context.Context) {
	for !l.ready() {
		if !sleep(ctx, 100*time.Millisecond) {
			return
		}
	}
	for {
		base, steps, err := l.store.base(ctx, l.board.firsts(), l.board.midnight(time.Now().UnixMilli()))
		if err == nil {
			l.board.setBase(base, steps)
			if base.complete {
				return
			}
		} else if ctx.Err() == nil {
			l.opts.Logger.Debug("the day's beginning cannot be read yet", "error", err)
		}
		if !sleep(ctx, baseEvery) {
			return
		}
	}
}

// keepLetters reads the dead letters every two seconds while somebody watches.
func (l *live) keepLetters(ctx context.Context) {
	for sleep(ctx, refreshEvery) {
		if l.viewers.Load() == 0 {
			continue
		}
		letters, err := l.store.letters(ctx)
		if err != nil {
			l.opts.Logger.Debug("dead letters cannot be read now", "error", err)
			continue
		}
		l.mu.Lock()
		l.letters = letters
		l.mu.Unlock()
	}
}

// keepRates reads the participation of the listed campaigns, one after the other, while somebody watches; asking takes at most a fifth of
// the time.
func (l *live) keepRates(ctx context.Context) {
	for next := 0; ; {
		wait := time.Second
		began := time.Now()
		if list := l.listed(began); l.viewers.Load() > 0 && len(list) > 0 {
			next %= len(list)
			l.readRate(ctx, list[next])
			next++
			wait = max(ratesEvery/time.Duration(len(list)), refreshFactor*time.Since(began))
			if l.missing(list[next%len(list)].ID) {
				wait = time.Since(began) // the first round is worth half of the time
			}
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// listed returns the campaigns that have begun, those of most interest first.
func (l *live) listed(now time.Time) []*rules.Campaign {
	var begun []*rules.Campaign
	for _, c := range l.catalog.campaigns(now) {
		if int64(c.Window.From) <= now.UnixMilli() {
			begun = append(begun, c)
		}
	}
	slices.SortStableFunc(begun, func(a, b *rules.Campaign) int { return byInterest(rowOf(a, now), rowOf(b, now)) })
	return begun[:min(len(begun), maxRates)]
}

// missing reports whether a campaign's participation has not been read yet.
func (l *live) missing(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rates[id] == nil
}

func (l *live) readRate(ctx context.Context, c *rules.Campaign) {
	rate, err := l.store.rate(ctx, c)
	if err != nil {
		if ctx.Err() == nil {
			l.opts.Logger.Debug("participation cannot be read now", "campaign", c.ID, "error", err)
		}
		return
	}
	l.setRate(c.ID, rate)
}

func (l *live) setRate(id string, rate *Participant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rates := maps.Clone(l.rates) // snapshots hold the old map
	if rates == nil {
		rates = map[string]*Participant{}
	}
	rates[id] = rate
	l.rates = rates
}

// snapshot puts the board, the catalog and what was read of ClickHouse together.
func (l *live) snapshot(now time.Time) Snapshot {
	s := Snapshot{NowMs: now.UnixMilli(), Starting: !l.ready(), Zone: l.opts.Location.String(), Currency: l.opts.Currency}
	l.board.fill(&s, now)
	if lag := l.tail.lag.Load(); lag != nil {
		s.Lag = *lag
	}
	l.mu.Lock()
	rates := l.rates
	s.DeadLetters = l.letters
	l.mu.Unlock()
	campaigns := l.catalog.campaigns(now)
	rows := make([]CampaignRow, 0, len(campaigns))
	for _, c := range campaigns {
		rows = append(rows, l.row(c, rates, now))
	}
	s.Budget = budgetOf(rows)
	slices.SortStableFunc(rows, byInterest)
	s.Campaigns = rows[:min(len(rows), maxRows)]
	return s
}

func (l *live) row(c *rules.Campaign, rates map[string]*Participant, now time.Time) CampaignRow {
	r := rowOf(c, now)
	t := l.board.tallyOf(c.ID)
	r.Considered, r.Rewarded, r.GrantedMinor, r.ReversedMinor = t.considered, t.rewarded, t.granted, t.reversed
	r.Participation = rates[c.ID]
	return r
}

// byInterest puts what runs and costs first; rows come sorted by id.
func byInterest(a, b CampaignRow) int {
	rank := func(r *CampaignRow) int {
		return slices.Index([]string{statusRunning, statusScheduled, statusEnded}, r.Status)
	}
	if c := cmp.Compare(rank(&a), rank(&b)); c != 0 {
		return c
	}
	// By size of budget rather than by what was granted, so that rows do not change places while one reads them.
	return cmp.Compare(b.BudgetMinor, a.BudgetMinor)
}
