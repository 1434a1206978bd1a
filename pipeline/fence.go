package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fenceOwners ends the open transactions of owners that are no longer in the group, by taking over their transactional ids. A live owner is left
// alone: it may hold other partitions, and it ends its transaction before, or aborts it after, the partition is taken from it.
// It reports whether any was fenced: then the changelog may hold more than was seen. A dead owner whose transaction held no input offsets (timers
// only) is not stopped by the group's generation, so this is needed for safety, not only for speed.
func (r *restoration) fenceOwners(ctx context.Context) (bool, error) {
	owners := r.strangers()
	if len(owners) == 0 {
		return false, nil
	}
	live, err := r.m.liveOwners(ctx)
	if err != nil {
		return false, err
	}
	fenced := false
	for _, owner := range owners {
		if live[owner] {
			continue
		}
		if err := r.m.p.opts.fence(ctx, owner); err != nil {
			return false, err
		}
		fenced = true
		for _, rt := range r.tasks {
			if rt.haveLast && rt.last.Owner == owner {
				rt.fenced = owner
			}
		}
	}
	return fenced, nil
}

// strangers lists the last owners that are not this instance and not fenced yet, sorted.
func (r *restoration) strangers() []string {
	var owners []string
	for _, rt := range r.tasks {
		if rt.haveLast && rt.fenced != rt.last.Owner && rt.last.Owner != r.m.p.opts.transactionalID() {
			owners = append(owners, rt.last.Owner)
		}
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

// liveOwners lists the transactional ids of the group's members: each member's instance id is its transactional id. The client id would not do: the
// caller's options may set it.
func (m *member) liveOwners(ctx context.Context) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	groups, err := kadm.NewClient(m.sess.Client()).DescribeGroups(ctx, m.p.opts.Group)
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", m.p.opts.Group, err)
	}
	group := groups[m.p.opts.Group]
	if group.Err != nil {
		return nil, fmt.Errorf("describe group %s: %w", m.p.opts.Group, group.Err)
	}
	live := map[string]bool{}
	for _, mem := range group.Members {
		if mem.InstanceID != nil {
			live[*mem.InstanceID] = true
		}
	}
	return live, nil
}

// fence takes over a dead owner's transactional id, which aborts its open transaction now instead of at its timeout.
func (o *Options) fence(ctx context.Context, owner string) error {
	cl, err := o.client(kgo.TransactionalID(owner), kgo.TransactionTimeout(o.TransactionTimeout))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, _, err := cl.ProducerID(ctx); err != nil {
		return fmt.Errorf("fence %s: %w", owner, err)
	}
	o.Logger.Info("fenced a dead owner", "transactional_id", owner)
	return nil
}
