package ingest

import (
	"strings"
	"sync"
)

// seen remembers the content of receipts that Kafka acknowledged lately, so that a client that repeats itself is told so, and an id that comes back
// with other content is refused at the door. It is a convenience: it forgets, it starts empty, and each instance has its own. The stream decides.
// Two generations bound it: when the young one is full the old one is dropped, and what is asked for moves back among the young.
type seen struct {
	mu    sync.Mutex
	limit int // of one generation
	young map[string]uint64
	old   map[string]uint64
}

func newSeen(receipts int) *seen {
	return &seen{limit: max(1, receipts/2), young: map[string]uint64{}}
}

// check reports whether the id is known, and whether with this content.
func (s *seen) check(id string, hash uint64) (known, same bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	got, known := s.young[id]
	if !known {
		if got, known = s.old[id]; known {
			s.put(strings.Clone(id), got)
		}
	}
	return known, known && got == hash
}

// add remembers an id, which must not alias a request's buffer. The first content of an id stays.
func (s *seen) add(id string, hash uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.young[id]; ok {
		return
	}
	if first, ok := s.old[id]; ok {
		hash = first
	}
	s.put(id, hash)
}

func (s *seen) put(id string, hash uint64) {
	if len(s.young) >= s.limit {
		s.young, s.old = make(map[string]uint64, s.limit), s.young
	}
	s.young[id] = hash
}
