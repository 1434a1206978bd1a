package dashboards

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"cagnotte/schemas"
)

const (
	maxRows    = 100     // campaigns that a page lists
	maxShops   = 100_000 // shops remembered for "sending now"
	keepRepeat = 64      // batches per partition that can still be replaced
	secondsLen = 60
)

// board adds up metric batches in memory. A batch is named by (partition, counter); one that comes again replaces its earlier self, because a
// torn commit is produced again under the same name (see pipeline/DESIGN.md). Safe for concurrent use.
type board struct {
	loc *time.Location

	mu        sync.Mutex
	parts     map[int32]*partition
	day       int64 // midnight of the day that today counts, ms
	whole     bool  // the day began while this process was counting
	today     Totals
	base      base
	replayed  bool // the steps of the base's history are in
	asOf      int64
	behind    int64
	behindAt  int64
	steps     ring // ten-second steps, an hour
	seconds   ring // for the last minute
	shops     map[string]int64
	campaigns map[string]*tally
}

// partition is what is known of one task.
type partition struct {
	first       int64 // counter of the first batch seen, 0: none
	newest      int64
	inputOffset int64
	waiting     int64
	asOf        int64
	recent      []*contribution // ascending counter, at most keepRepeat
}

// contribution is what one batch added, kept so that it can be taken back.
type contribution struct {
	counter   int64
	asOf      int64
	totals    Totals
	delayMs   int64
	campaigns map[string]tally
}

// tally counts one campaign.
type tally struct{ considered, rewarded, granted, reversed int64 }

func (t *tally) add(o tally, sign int64) {
	t.considered += sign * o.considered
	t.rewarded += sign * o.rewarded
	t.granted += sign * o.granted
	t.reversed += sign * o.reversed
}

// base is what happened before the first batch seen, from ClickHouse.
type base struct {
	loaded    bool
	complete  bool
	day       int64
	totals    Totals
	campaigns map[string]tally
}

func newBoard(loc *time.Location) *board {
	return &board{
		loc: loc, parts: map[int32]*partition{}, shops: map[string]int64{}, campaigns: map[string]*tally{},
		steps: newRing(seriesStepMs, seriesSteps+1), seconds: newRing(1000, secondsLen+1),
	}
}

// add counts a batch. live says that it was produced after this process had caught up, so that its delay means something.
func (b *board) add(m *schemas.MetricBatch, now int64, live bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parts[m.Partition]
	if p == nil {
		p = &partition{first: m.Counter}
		b.parts[m.Partition] = p
	}
	i, again := slices.BinarySearchFunc(p.recent, m.Counter, func(c *contribution, counter int64) int { return cmp.Compare(c.counter, counter) })
	if !again && m.Counter <= p.newest && i == 0 {
		return // a repeat too old to be replaced: what was counted stays
	}
	c := contributionOf(m, now)
	if again {
		b.apply(p.recent[i], -1)
		p.recent[i] = c
	} else {
		p.recent = slices.Insert(p.recent, i, c)
		if len(p.recent) > keepRepeat {
			p.recent = slices.Delete(p.recent, 0, len(p.recent)-keepRepeat)
		}
	}
	b.rollDay(c.asOf)
	b.apply(c, 1)
	b.note(p, m, now, live)
}

// note keeps what is not a sum: positions, delays, who is sending.
func (b *board) note(p *partition, m *schemas.MetricBatch, now int64, live bool) {
	if m.Counter >= p.newest {
		p.newest, p.waiting = m.Counter, m.LagRecords
	}
	p.inputOffset = max(p.inputOffset, m.InputOffset)
	p.asOf = max(p.asOf, int64(m.AsOf))
	b.asOf = max(b.asOf, int64(m.CommittedAt))
	if live && m.AsOf > 0 {
		delay := max(0, now-int64(m.AsOf))
		if delay >= b.behind || now-b.behindAt > 2000 {
			b.behind, b.behindAt = delay, now
		}
	}
	for i := range m.Shops {
		id := string(m.Shops[i].Shop)
		if _, known := b.shops[id]; known || len(b.shops) < maxShops {
			b.shops[strings.Clone(id)] = max(b.shops[id], int64(m.AsOf))
		}
	}
}

// contributionOf copies what is needed; the batch aliases its record. A clock ahead of this machine's counts as now.
func contributionOf(m *schemas.MetricBatch, now int64) *contribution {
	c := &contribution{
		counter: m.Counter, asOf: min(int64(m.AsOf), now), delayMs: max(0, int64(m.CommittedAt-m.AsOf)),
		totals: Totals{
			Receipts: m.Receipts, Members: m.Members, Duplicates: m.Duplicates, Rejected: m.Rejected, Forwarded: m.Forwarded,
			NetMinor: int64(m.Net), GrantedMinor: int64(m.GrantedMinor), ReversedMinor: int64(m.ReversedMinor),
		},
	}
	if len(m.Campaigns) > 0 {
		c.campaigns = map[string]tally{}
	}
	for i := range m.Campaigns {
		cell := &m.Campaigns[i]
		t := c.campaigns[cell.Campaign]
		t.add(tally{cell.Considered, cell.Rewarded, int64(cell.Granted), int64(cell.Reversed)}, 1)
		c.campaigns[strings.Clone(cell.Campaign)] = t
	}
	return c
}

// apply adds a contribution, or takes it back with sign -1.
func (b *board) apply(c *contribution, sign int64) {
	if c.asOf >= b.day {
		b.today.add(&c.totals, sign)
	}
	b.steps.at(c.asOf).add(c, sign)
	b.seconds.at(c.asOf).add(c, sign)
	for id, t := range c.campaigns {
		own := b.campaigns[id]
		if own == nil {
			own = &tally{}
			b.campaigns[id] = own
		}
		own.add(t, sign)
	}
}

// rollDay starts a new day's count when an instant belongs to one.
func (b *board) rollDay(at int64) {
	if start := b.midnight(at); start > b.day {
		b.whole = b.day != 0 && len(b.parts) > 0
		b.day, b.today = start, Totals{}
	}
}

func (b *board) midnight(at int64) int64 {
	y, m, d := time.UnixMilli(at).In(b.loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, b.loc).UnixMilli()
}

func (t *Totals) add(o *Totals, sign int64) {
	t.Receipts += sign * o.Receipts
	t.Members += sign * o.Members
	t.Duplicates += sign * o.Duplicates
	t.Rejected += sign * o.Rejected
	t.Forwarded += sign * o.Forwarded
	t.NetMinor += sign * o.NetMinor
	t.GrantedMinor += sign * o.GrantedMinor
	t.ReversedMinor += sign * o.ReversedMinor
}

// fill writes everything the board knows into s.
func (b *board) fill(s *Snapshot, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := now.UnixMilli()
	b.rollDay(at)
	s.AsOfMs, s.BehindMs = b.asOf, b.behind
	s.Today = b.today
	s.Today.SinceMs, s.Today.Complete = b.day, b.wholeDay()
	if b.base.loaded && b.base.day == b.day {
		s.Today.add(&b.base.totals, 1)
	}
	s.Series = b.steps.series(at)
	s.Minute = b.lastMinute(at)
}

// wholeDay reports whether nothing of the day is missing: the base was complete, or the day began while this process was counting, or
// every task was seen from its first commit.
func (b *board) wholeDay() bool {
	if b.whole || (b.base.complete && b.base.day <= b.day) {
		return true
	}
	for _, p := range b.parts {
		if p.first > 1 {
			return false
		}
	}
	return len(b.parts) > 0
}

func (b *board) lastMinute(at int64) Minute {
	var m Minute
	for i := range secondsLen {
		step := b.seconds.peek(at - int64(i)*1000)
		m.Receipts += step.receipts
		m.Members += step.members
		m.Rejected += step.rejected
		m.GrantedMinor += step.granted
	}
	for id, last := range b.shops {
		switch age := at - last; {
		case age <= 60_000:
			m.Shops++
		case age > dayMs:
			delete(b.shops, id)
		}
	}
	return m
}

// tallyOf returns a campaign's counts since it exists, as far as they are known.
func (b *board) tallyOf(id string) tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.base.campaigns[id]
	if own := b.campaigns[id]; own != nil {
		t.add(*own, 1)
	}
	return t
}

// firsts returns, for each task seen, the counter of its first batch: what the base must not count.
func (b *board) firsts() map[int32]int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[int32]int64, len(b.parts))
	for n, p := range b.parts {
		out[n] = p.first
	}
	return out
}

// setBase puts what happened before the first batches under what was counted since. It may come again while it is not complete; the steps of
// its history are taken from the first complete one.
func (b *board) setBase(next base, history []historyStep) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if next.complete && !b.replayed {
		b.replayed = true
		for i := range history {
			if s := b.steps.old(history[i].AtMs); s != nil {
				s.addHistory(&history[i])
			}
		}
	}
	b.base = next
}

// inputs returns, for each task seen, its next input offset and clock.
func (b *board) inputs() map[int32]position {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make(map[int32]position, len(b.parts))
	for n, p := range b.parts {
		out[n] = position{p.inputOffset, p.asOf, p.waiting}
	}
	return out
}

// position is how far a task is, and how many records it said were waiting at its last commit.
type position struct{ offset, asOf, waiting int64 }
