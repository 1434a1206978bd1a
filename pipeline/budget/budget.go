// Package budget shares one campaign budget among the partitions of the stream so that together they can never grant more than its total.
//
// It is an escrow of two state machines. The Book is the owner's: one per campaign, in the partition that the campaign's id hashes to. A Lease is
// what one partition may still grant of a campaign. They tell each other running totals (Request, Grant), never differences: a message that is
// repeated, late, lost or overtaken changes nothing that a later one does not say again.
//
// Why there is no overshoot. Every total below only grows, and each side knows the other's at most as it was: received <= granted, returned <= given
// back. A lease keeps used <= received - given back; the book keeps the sum of granted - returned <= total. So the sum of used is at most the total,
// at every instant, whatever the messages do. README.md has the proof in words, and what else holds.
//
// The package is pure: no I/O, no clock, no randomness; the same calls give the same state. Not safe for concurrent use.
package budget

import (
	"errors"
	"fmt"

	"cagnotte/pipeline/money"
)

// Terms are what the document of a campaign says about its budget.
type Terms struct {
	First   money.Amount // the total of the first version that has a budget: it fixes what every partition starts with
	Total   money.Amount // of the newest version
	Recycle bool         // what returns take back may be granted again (D22)
}

// Opening is the lease that each partition starts with, without a message: half of the budget in equal parts. Both sides compute it from the first
// version, which never changes once it is published.
func (t Terms) Opening(partitions int32) money.Amount {
	if t.First <= 0 || partitions <= 0 {
		return 0
	}
	return t.First / money.Amount(2*partitions)
}

// Request is what the holder of a lease tells the owner.
type Request struct {
	Partition int32
	Number    int64        // of this report, from 1, per (campaign, partition)
	Returned  money.Amount // given back in all
	Used      money.Amount // granted to members and not recycled
	Need      money.Amount // what awards wanted since the last wish; 0: only a report, an earlier wish stands
}

// Grant is what the owner tells the holder of a lease.
type Grant struct {
	Partition int32
	Number    int64        // from 1, per (campaign, partition)
	Granted   money.Amount // in all, the opening included
	Answers   int64        // number of the last report whose wish is answered
	Recall    bool         // somebody else waits: give half back
	Dry       bool         // there is nothing to be had now, here or from others; the wish stands
}

// ErrBroken says that a message or a state cannot be: continuing could overspend. It names a defect, never a fault of the network.
var ErrBroken = errors.New("broken budget")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrBroken}, args...)...)
}
