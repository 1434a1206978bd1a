package sink

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// lastFlush bounds how long a flush may go on once the sink is asked to stop.
const lastFlush = 5 * time.Second

// flush carries what is gathered to ClickHouse: pin, insert, commit. An error leaves the blocks as they are; the session ends with it.
func (x *session) flush(ctx context.Context) error {
	if x.records() == 0 {
		return nil
	}
	ctx, cancel := outlive(ctx, lastFlush)
	defer cancel()
	if err := x.pin(ctx); err != nil {
		return err
	}
	if err := x.opts.crash(afterPin); err != nil {
		return err
	}
	jobs := make([]job, 0, len(x.order))
	for _, b := range x.order {
		if b.records > 0 {
			jobs = append(jobs, job{b, token(b.rows.base().name, b.topic, b.sorted())})
		}
	}
	if err := x.insertAll(ctx, jobs); err != nil {
		return err
	}
	if err := x.opts.crash(afterInsert); err != nil {
		return err
	}
	if err := x.finish(ctx, jobs); err != nil {
		return err
	}
	for _, b := range x.order {
		b.reset()
	}
	return nil
}

// outlive returns a context that ends only some time after ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}

// job is a block and its name.
type job struct {
	*block
	token string
}

// pin writes the bounds of the pinned blocks into Kafka. From here on, these offsets go to ClickHouse in these blocks or not at all.
func (x *session) pin(ctx context.Context) error {
	marks, n := map[string]map[int32]mark{}, 0
	for _, b := range x.order {
		if !b.pinned || b.records == 0 {
			continue
		}
		spans := b.sorted()
		set := setOf(token(b.rows.base().name, b.topic, spans))
		marks[b.topic] = map[int32]mark{}
		for _, s := range spans {
			marks[b.topic][s.partition] = mark{s.from, plan{s.to, len(spans), set}.String()}
			n++
		}
	}
	if err := commit(ctx, x.cl, x.me, marks); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	x.opts.Observer.planned(n)
	return nil
}

// insertAll sends the blocks, several at once.
func (x *session) insertAll(ctx context.Context, jobs []job) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxConns)
	for _, j := range jobs {
		g.Go(func() error { return x.persist(ctx, j.block, j.token) })
	}
	return g.Wait()
}

// finish commits the offsets behind the blocks, which ends their plans.
func (x *session) finish(ctx context.Context, jobs []job) error {
	marks, n := map[string]map[int32]mark{}, 0
	for _, j := range jobs {
		if marks[j.topic] == nil {
			marks[j.topic] = map[int32]mark{}
		}
		for _, s := range j.spans {
			marks[j.topic][s.partition] = mark{offset: s.to}
			n++
		}
	}
	if err := commit(ctx, x.cl, x.me, marks); err != nil {
		return fmt.Errorf("after insert: %w", err)
	}
	x.progress = true
	x.opts.Observer.committed(n)
	return nil
}
