package state

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"cagnotte/pipeline/retail"

	"github.com/cockroachdb/pebble/v2"
)

// timers knows every committed timer up to a horizon: those that Pebble had, and those that commits made since. A timer is never taken
// out when its account changes: it is stale then, and dropped when it comes up. What lies beyond the horizon is in Pebble, or in a dirty slot.
type timers struct {
	heap    []timer // a binary heap, least first
	horizon timer   // everything up to and including it is in the heap
}

type timer struct {
	due retail.Instant
	id  retail.AccountID
}

func (t timer) compare(u timer) int {
	if c := cmp.Compare(t.due, u.due); c != 0 {
		return c
	}
	return cmp.Compare(t.id, u.id)
}

// add notes a timer if the horizon covers it. Zero means none.
func (t *timers) add(due retail.Instant, id retail.AccountID) {
	if n := (timer{due, id}); due != 0 && n.compare(t.horizon) <= 0 {
		t.push(n)
	}
}

func (t *timers) push(n timer) {
	t.heap = append(t.heap, n)
	for i := len(t.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if t.heap[up].compare(t.heap[i]) <= 0 {
			return
		}
		t.heap[up], t.heap[i] = t.heap[i], t.heap[up]
		i = up
	}
}

// pop takes the least; the heap must not be empty.
func (t *timers) pop() timer {
	top, last := t.heap[0], len(t.heap)-1
	t.heap[0] = t.heap[last]
	t.heap[last] = timer{}
	t.heap = t.heap[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			return top
		}
		if down+1 < last && t.heap[down+1].compare(t.heap[down]) < 0 {
			down++
		}
		if t.heap[i].compare(t.heap[down]) <= 0 {
			return top
		}
		t.heap[i], t.heap[down] = t.heap[down], t.heap[i]
		i = down
	}
}

// Timers are read from Pebble in chunks, up to a minute ahead.
const (
	timerChunk                   = 1024
	timerWindowMs                = 60_000
	maxDueMs      retail.Instant = 1 << 62
)

// DueAccounts appends up to most ids of accounts whose next activation or expiry is due by now, in the order of (due instant, account).
// It goes by the last commit; an account whose due instant the open commit has already moved is left out. Nothing is taken away: until
// their changes are committed, or else after an abort, the same accounts are due again. The ids are the caller's to keep.
func (p *Partition) DueAccounts(now retail.Instant, most int, dst []retail.AccountID) ([]retail.AccountID, error) {
	var valid []timer
	defer func() {
		for _, t := range valid {
			p.timers.push(t)
		}
	}()
	for len(valid) < most {
		t, ok, err := p.nextDue(now)
		if err != nil || !ok {
			return dst, err
		}
		if len(valid) > 0 && valid[len(valid)-1] == t {
			continue
		}
		current, err := p.current(t)
		if err != nil {
			p.timers.push(t)
			return dst, err
		}
		if current {
			valid = append(valid, t)
			dst = append(dst, t.id)
		}
	}
	return dst, nil
}

// nextDue takes the first timer that is due by now off the heap, reading further ones from Pebble when the horizon is short of now.
func (p *Partition) nextDue(now retail.Instant) (t timer, ok bool, err error) {
	now = min(now, maxDueMs)
	for {
		if len(p.timers.heap) > 0 && p.timers.heap[0].due <= now {
			return p.timers.pop(), true, nil
		}
		if p.timers.horizon.due > now {
			return timer{}, false, nil
		}
		if err := p.extend(now); err != nil {
			return timer{}, false, fmt.Errorf("timers: %w", err)
		}
	}
}

// current reports whether the timer is what its account says.
func (p *Partition) current(t timer) (bool, error) {
	s, err := p.Account(t.id)
	if err != nil {
		return false, err
	}
	if s.Account.NextDue() == t.due {
		return true, nil
	}
	s.missed = s.missed || (s.touched && s.due == t.due)
	return false, nil
}

// extend moves the horizon on: to the end of a chunk, or to a window beyond now.
func (p *Partition) extend(now retail.Instant) error {
	from := p.timers.horizon
	end := timer{due: now + timerWindowMs + 1}
	lower := append(appendTimerKey(nil, from.due, from.id), 0)
	it, err := p.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: appendTimerKey(nil, end.due, "")})
	if err != nil {
		return err
	}
	read, err := p.readTimers(it)
	if err = errors.Join(err, it.Close()); err != nil {
		return err
	}
	if len(read) == timerChunk {
		end = read[timerChunk-1]
	}
	p.timers.horizon = end
	for _, t := range read {
		p.timers.push(t)
	}
	for _, s := range p.dirty {
		if t := (timer{s.due, s.ID}); s.due != s.stored && s.due != 0 && from.compare(t) < 0 {
			p.timers.add(t.due, t.id)
		}
	}
	return nil
}

func (p *Partition) readTimers(it *pebble.Iterator) ([]timer, error) {
	var read []timer
	for ok := it.First(); ok && len(read) < timerChunk; ok = it.Next() {
		due, id, err := decodeTimerKey(it.Key())
		if err != nil {
			return nil, err
		}
		read = append(read, timer{due, retail.AccountID(strings.Clone(string(id)))})
	}
	return read, it.Error()
}
