package state

import "cagnotte/pipeline/retail"

// cache holds slots by account and finds victims by second chance: a hand goes round the ring, spares once what was used since it last
// passed, and never takes a slot that is touched or dirty.
type cache struct {
	slots map[retail.AccountID]*Slot
	ring  []*Slot // every slot, in order of creation; those without an ID are vacant
	hand  int

	knownIDs int // over all slots
}

func newCache() *cache { return &cache{slots: make(map[retail.AccountID]*Slot)} }

func (c *cache) get(id retail.AccountID) *Slot {
	s := c.slots[id]
	if s != nil {
		s.hot = true
	}
	return s
}

// grow adds a vacant slot to the ring.
func (c *cache) grow() *Slot {
	s := &Slot{firstPrint: -1, lastPrint: -1}
	c.ring = append(c.ring, s)
	return s
}

// put makes a filled slot findable.
func (c *cache) put(s *Slot) {
	s.hot = true
	c.slots[s.ID] = s
}

// evict empties the next victim and returns it, nil when every slot is in use. It looks at each slot twice at most.
func (c *cache) evict() *Slot {
	for range 2 * len(c.ring) {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		s := c.ring[c.hand]
		c.hand++
		if s.touched || s.dirty {
			continue
		}
		if s.hot {
			s.hot = false
			continue
		}
		c.release(s)
		return s
	}
	return nil
}

// release empties a clean slot; it stays in the ring, vacant.
func (c *cache) release(s *Slot) {
	if s.ID != "" {
		delete(c.slots, s.ID)
	}
	c.unlearn(s)
	s.clear()
}

// shrink takes the slot that the hand has just passed, which evict has emptied, out of the ring.
func (c *cache) shrink() {
	if c.evict() == nil {
		return
	}
	i, last := c.hand-1, len(c.ring)-1
	c.ring[i] = c.ring[last]
	c.ring[last] = nil
	c.ring = c.ring[:last]
}
