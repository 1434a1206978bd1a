package main

import (
	"context"
	"maps"
	"sync"

	"cagnotte/pipeline"
)

// drain knows how far the pipeline has come, by what it tells its observer. Safe for concurrent use.
type drain struct {
	mu   sync.Mutex
	next map[int32]int64 // next receipt to process, by partition
}

func newDrain() *drain { return &drain{next: map[int32]int64{}} }

// watchPipeline adds itself to an observer.
func (d *drain) watchPipeline(o *pipeline.Observer) *pipeline.Observer {
	commit, restore := o.OnCommit, o.OnRestore
	o.OnCommit = func(e pipeline.CommitEvent) {
		for _, t := range e.Tasks {
			d.set(t.Partition, t.NextOffset)
		}
		commit(e)
	}
	o.OnRestore = func(e pipeline.RestoreEvent) {
		d.set(e.Partition, e.NextOffset)
		restore(e)
	}
	return o
}

func (d *drain) set(partition int32, next int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next[partition] = next
}

// processed tells whether every receipt up to the given offsets is committed.
func (d *drain) processed(last map[int32]int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for partition, offset := range last {
		if d.next[partition] <= offset {
			return false
		}
	}
	return true
}

// positions returns a copy of the next offsets.
func (d *drain) positions() map[int32]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.next)
}

// waitProcessed returns when the pipeline is past the offsets.
func (d *drain) waitProcessed(ctx context.Context, last map[int32]int64) error {
	for !d.processed(last) {
		if err := sleep(ctx, drainPoll); err != nil {
			return err
		}
	}
	return nil
}
