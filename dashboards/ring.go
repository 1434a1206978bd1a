package dashboards

// ring counts in fixed steps of time and forgets what is older than its length. Not safe for concurrent use.
type ring struct {
	stepMs int64
	steps  []step
}

// step is one slot; number says which step of time it holds.
type step struct {
	number                               int64
	receipts, members, rejected, granted int64
	delayMs                              int64
}

// historyStep is one step that ClickHouse remembers.
type historyStep struct {
	AtMs         int64 `ch:"at_ms"`
	Receipts     int64 `ch:"receipts_sum"`
	Members      int64 `ch:"members_sum"`
	Rejected     int64 `ch:"rejected_sum"`
	GrantedMinor int64 `ch:"granted_sum"`
}

func newRing(stepMs int64, length int) ring { return ring{stepMs: stepMs, steps: make([]step, length)} }

// at returns the step that holds an instant, emptied if it was an older one. An instant older than the ring gets a step that nobody reads.
func (r *ring) at(ms int64) *step {
	number := ms / r.stepMs
	s := &r.steps[number%int64(len(r.steps))]
	switch {
	case s.number < number:
		*s = step{number: number}
	case s.number > number:
		return &step{number: number}
	}
	return s
}

// old returns the step of an instant for adding to it, nil when a newer one has its slot.
func (r *ring) old(ms int64) *step {
	if s := r.at(ms); s == &r.steps[ms/r.stepMs%int64(len(r.steps))] {
		return s
	}
	return nil
}

// peek returns the step of an instant without changing anything.
func (r *ring) peek(ms int64) step {
	number := ms / r.stepMs
	if s := r.steps[number%int64(len(r.steps))]; s.number == number {
		return s
	}
	return step{number: number}
}

func (s *step) add(c *contribution, sign int64) {
	s.receipts += sign * c.totals.Receipts
	s.members += sign * c.totals.Members
	s.rejected += sign * c.totals.Rejected
	s.granted += sign * c.totals.GrantedMinor
	if sign > 0 && c.totals.Receipts > 0 {
		s.delayMs = max(s.delayMs, c.delayMs)
	}
}

func (s *step) addHistory(h *historyStep) {
	s.receipts += h.Receipts
	s.members += h.Members
	s.rejected += h.Rejected
	s.granted += h.GrantedMinor
}

// series returns the whole steps of the ring's span, without the one that is still being filled.
func (r *ring) series(now int64) Series {
	n := len(r.steps) - 1
	end := now / r.stepMs * r.stepMs
	s := Series{
		StepMs: r.stepMs, FromMs: end - int64(n)*r.stepMs, Receipts: make([]int64, n), Members: make([]int64, n),
		Rejected: make([]int64, n), GrantedMinor: make([]int64, n), LagMs: make([]int64, n),
	}
	for i := range n {
		p := r.peek(s.FromMs + int64(i)*r.stepMs)
		s.Receipts[i], s.Members[i], s.Rejected[i], s.GrantedMinor[i], s.LagMs[i] = p.receipts, p.members, p.rejected, p.granted, p.delayMs
	}
	return s
}
