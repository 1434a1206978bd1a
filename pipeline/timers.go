package pipeline

import (
	"fmt"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/state"
)

// Timers turn pending lots into spendable ones and let lots lapse. An entry's instant is the scheduled one, never the moment of firing, and an
// account's timers due by a record's append time fire before the record: so it does not matter who fires them, the record or the clock.
//
// The wall clock is kept behind: a record that was appended before the due instant must have been seen before the timer fires, or a replay from the
// log would order the two differently. A member that is cut off for longer than its session cannot commit; one that is cut off for less has fetched
// what it missed a moment after. So the margin is the session's timeout and that moment.
const (
	firesPerCommit = 2000 // bounds a midnight's herd
	fetchMoment    = time.Second
)

// fire posts the timers of one account that are due by now into the journal.
func (t *task) fire(slot *state.Slot, now retail.Instant) {
	due := slot.Account.NextDue()
	if due == 0 || due > now {
		return
	}
	before := len(t.journal.Entries) + len(t.journal.Notices)
	slot.Account.FireDue(&t.journal, slot.ID, now, t.ruleset)
	t.commit.fired += int64(len(t.journal.Entries) + len(t.journal.Notices) - before)
}

// fireDue fires what is due by the task clock, and by the wall clock when the task has caught up with its input.
func (t *task) fireDue() error {
	now := t.clock
	if t.caughtUp() {
		now = max(now, retail.Instant(t.p.opts.Now().Add(-t.p.opts.SessionTimeout-fetchMoment).UnixMilli()))
	}
	due, err := t.part.DueAccounts(now, firesPerCommit, t.due[:0])
	if err != nil {
		return fmt.Errorf("partition %d: due timers: %w", t.partition, err)
	}
	t.due = due
	for _, id := range due {
		slot, err := t.part.Account(id)
		if err != nil {
			return fmt.Errorf("partition %d: timers of account %s: %w", t.partition, id, err)
		}
		t.part.Touch(slot)
		t.journal.Reset()
		t.fire(slot, now)
		if at := t.lastFired(); at != 0 {
			t.emitEntries(slot, at, nil)
		}
	}
	return nil
}

// lastFired is the instant of the last timer in the journal, 0 when none has fired.
func (t *task) lastFired() (at retail.Instant) {
	if n := len(t.journal.Entries); n > 0 {
		at = t.journal.Entries[n-1].At
	}
	if n := len(t.journal.Notices); n > 0 {
		at = max(at, t.journal.Notices[n-1].At)
	}
	return at
}

// caughtUp reports whether everything the broker had at the last fetch, or at the hand-over, is processed, transaction markers included.
func (t *task) caughtUp() bool { return t.next >= t.highMark }
