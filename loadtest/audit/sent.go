package audit

import (
	"sort"
	"sync"
)

// Sent is the driver's own list of what the broker has acknowledged: nothing of it may be missing on the topic. Safe for concurrent use.
type Sent struct {
	mu    sync.Mutex
	parts map[int32][]sentRecord
	count int64
}

type sentRecord struct {
	offset int64
	hash   uint64 // xxhash64 of the value
}

// Add notes one acknowledged record. hash is xxhash64 of its value.
func (s *Sent) Add(partition int32, offset int64, hash uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts == nil {
		s.parts = map[int32][]sentRecord{}
	}
	s.parts[partition] = append(s.parts[partition], sentRecord{offset, hash})
	s.count++
}

// Len returns how many records were acknowledged.
func (s *Sent) Len() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// of returns the records of a partition in the order of their offsets.
func (s *Sent) of(partition int32) []sentRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.parts[partition]
	sort.Slice(list, func(i, j int) bool { return list[i].offset < list[j].offset })
	return list
}
