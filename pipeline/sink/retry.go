package sink

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Retries of one insert: the pause doubles from the first to the longest, each drawn between half and the whole of it.
const (
	pauseFirst   = 100 * time.Millisecond
	pauseLongest = 5 * time.Second
	// attemptLimit bounds one attempt: a server that takes longer is taken for gone. The block is sent again under its token.
	attemptLimit = 60 * time.Second
)

// backoff yields the pauses between attempts.
type backoff struct{ next time.Duration }

func (b *backoff) pause() time.Duration {
	b.next = min(max(2*b.next, pauseFirst), pauseLongest)
	return b.next/2 + rand.N(b.next/2) //nolint:gosec // spreads load, decides nothing
}

// wait pauses, or returns the end of ctx.
func (b *backoff) wait(ctx context.Context) error {
	t := time.NewTimer(b.pause())
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errUnreachable ends a session that could not insert for a while. Nothing is lost: the block is pinned in Kafka, and the next session, here
// or elsewhere, fetches and sends exactly it again. It lets the group rebalance, and tools see that this member is not well.
var errUnreachable = errors.New("clickhouse does not take the block")

// persist sends the block until ClickHouse has it, and gives up after opts.RetryFor.
func (s *Sink) persist(ctx context.Context, b *block, token string) error {
	began := time.Now()
	var pauses backoff
	for attempt := 1; ; attempt++ {
		err := s.attempt(ctx, b, token)
		if err == nil {
			s.opts.Observer.inserted(Insert{Table: b.rows.base().name, Topic: b.topic, Rows: b.rows.base().rows(), Records: b.records,
				Bytes: b.bytes, Attempts: attempt, Took: time.Since(began), Age: time.Since(b.oldest)})
			s.opts.Observer.visible(b.traced, time.Now())
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.opts.Observer.retried(b.rows.base().name, attempt, err)
		s.opts.Logger.Warn("insert failed, the same block is sent again", "table", b.rows.base().name, "rows", b.rows.base().rows(), "attempt", attempt, "error", err)
		if time.Since(began) > s.opts.RetryFor {
			return errors.Join(errUnreachable, err)
		}
		if err := pauses.wait(ctx); err != nil {
			return err
		}
	}
}

func (s *Sink) attempt(ctx context.Context, b *block, token string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	return s.store.insert(ctx, b.rows.base(), token)
}
