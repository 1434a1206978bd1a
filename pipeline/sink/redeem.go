package sink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errUnredeemed says that the records of a plan did not come. It ends the session; the plan stays.
var errUnredeemed = errors.New("the records of a planned block did not come")

// redeemLimit bounds how long the records of a plan are waited for.
const redeemLimit = 60 * time.Second

// redeem carries out the plans of earlier owners: it fetches exactly their records and sends exactly their blocks under the same names, before
// anything else of these partitions. If a block had landed, ClickHouse knows its token and takes nothing.
func (x *session) redeem(ctx context.Context) error {
	due := x.planned()
	if len(due) == 0 {
		return nil
	}
	if err := x.fetchPlanned(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	due = x.planned() // the group may have moved on while we waited
	for _, spans := range x.blocksOf(due) {
		if err := x.redeemBlock(ctx, spans); err != nil {
			return err
		}
	}
	return nil
}

// due is a partition with a plan.
type due struct {
	place
	*part
}

// planned returns the partitions whose plans are not carried out, in a fixed order.
func (x *session) planned() []due {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []due
	for at, p := range x.parts {
		if p.plan != nil {
			out = append(out, due{at, p})
		}
	}
	slices.SortFunc(out, func(a, b due) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	return out
}

// complete reports whether all records of the plan are here: pinned topics are not compacted, so its last record is there to be seen.
func (d due) complete() bool {
	return len(d.carry) > 0 && d.carry[len(d.carry)-1].Offset >= d.plan.to-1
}

// fetchPlanned polls until the plans' records are here. The other partitions pause meanwhile, so that nothing piles up.
func (x *session) fetchPlanned(ctx context.Context) error {
	paused := x.pauseOthers()
	defer x.cl.ResumeFetchPartitions(paused)
	for giveUp := time.Now().Add(redeemLimit); ctx.Err() == nil; {
		waiting := slices.DeleteFunc(x.planned(), due.complete)
		if len(waiting) == 0 {
			return nil
		}
		if time.Now().After(giveUp) {
			return fmt.Errorf("%w: %s/%d from %d to %d", errUnredeemed, waiting[0].topic, waiting[0].partition, waiting[0].from, waiting[0].plan.to)
		}
		if _, err := x.poll(ctx, time.Now().Add(idlePoll), x.opts.MaxRows); err != nil {
			return err
		}
	}
	return nil
}

func (x *session) pauseOthers() map[string][]int32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	others := map[string][]int32{}
	for at, p := range x.parts {
		if p.plan == nil {
			others[at.topic] = append(others[at.topic], at.partition)
		}
	}
	x.cl.PauseFetchPartitions(others)
	return others
}

// blocksOf puts the partitions back into the blocks that they were sent in. Where not all parts of a block came to us, each is sent by itself:
// should the whole have landed, the rows are there twice until a merge, and every reader removes them by name and version.
func (x *session) blocksOf(all []due) [][]due {
	sets := map[string][]due{}
	var order []string
	for _, d := range all {
		key := d.topic + " " + d.plan.set
		if sets[key] == nil {
			order = append(order, key)
		}
		sets[key] = append(sets[key], d)
	}
	var out [][]due
	for _, key := range order {
		parts := sets[key]
		if x.whole(parts) {
			out = append(out, parts)
			continue
		}
		for _, d := range parts {
			out = append(out, []due{d})
		}
	}
	return out
}

func (x *session) whole(parts []due) bool {
	b := x.blocks[parts[0].topic]
	return len(parts) == parts[0].plan.size && setOf(token(b.rows.base().name, b.topic, spansOf(parts))) == parts[0].plan.set
}

func spansOf(parts []due) []span {
	out := make([]span, len(parts))
	for i, d := range parts {
		out[i] = span{d.partition, d.from, d.plan.to}
	}
	return out
}

// redeemBlock sends one planned block and ends its plans. It is a block of its own: the others may be half full.
func (x *session) redeemBlock(ctx context.Context, parts []due) error {
	b := x.newBlock(x.blocks[parts[0].topic].source)
	for _, d := range parts {
		for len(d.carry) > 0 && d.carry[0].Offset < d.plan.to {
			if err := x.put(b, d.carry[0]); err != nil {
				return err
			}
			d.carry = d.carry[1:]
		}
	}
	spans := spansOf(parts)
	for _, s := range spans { // as planned: the last records may be ones that give no row
		b.spans[s.partition] = &s
	}
	ctx, cancel := outlive(ctx, lastFlush)
	defer cancel()
	j := job{b, token(b.rows.base().name, b.topic, spans)}
	if err := x.persist(ctx, j.block, j.token); err != nil {
		return err
	}
	if err := x.opts.crash(afterInsert); err != nil {
		return err
	}
	if err := x.finish(ctx, []job{j}); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, d := range parts {
		d.plan = nil
	}
	x.opts.Observer.redeemed(b.topic, len(parts))
	return nil
}
