package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// life starts the parts of a process one after the other and stops them in the opposite order. A part that ends by itself ends the whole.
// Used by one goroutine.
type life struct {
	g      *Globals
	stops  []lifeStop
	failed chan error // holds the first part that ended by itself
}

type lifeStop struct {
	name string
	stop func(context.Context) error
}

// partStopWait bounds how long one part may take to end.
const partStopWait = 20 * time.Second

func newLife(g *Globals) *life { return &life{g: g, failed: make(chan error, 1)} }

// started tells the person at the terminal about a part that runs.
func (l *life) started(name, detail string, begun time.Time) {
	l.g.say("  %-10s %-44s %6.2f s", name, detail, time.Since(begun).Seconds())
}

// onStop registers how a part that has been started is stopped.
func (l *life) onStop(name string, stop func(context.Context) error) {
	l.stops = append(l.stops, lifeStop{name, stop})
}

// spawn runs a part until it is stopped. Its context outlives ctx: a signal must not end the parts in no order.
func (l *life) spawn(ctx context.Context, name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := run(ctx)
		if ctx.Err() == nil {
			l.fail(name, err)
		}
		done <- err
	}()
	l.onStop(name, func(stopCtx context.Context) error {
		cancel()
		select {
		case err := <-done:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		case <-stopCtx.Done():
			return fmt.Errorf("did not end within %v", partStopWait)
		}
	})
}

// watch ends the whole when a part's process is gone.
func (l *life) watch(name string, gone <-chan struct{}) {
	stopped := make(chan struct{})
	go func() {
		select {
		case <-gone:
			l.fail(name, errors.New("its process is gone"))
		case <-stopped:
		}
	}()
	l.onStop(name+" watch", func(context.Context) error {
		close(stopped)
		return nil
	})
}

func (l *life) fail(name string, err error) {
	if err == nil {
		err = errors.New("it has nothing left to do")
	}
	select {
	case l.failed <- fmt.Errorf("%s ended: %w", name, err):
	default: // the first one is the reason
	}
}

// shutdown stops what was started, the last first, and goes on when one part makes trouble.
func (l *life) shutdown(ctx context.Context) error {
	var errs []error
	for i := len(l.stops) - 1; i >= 0; i-- {
		s, begun := l.stops[i], time.Now()
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partStopWait)
		if err := s.stop(stopCtx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
		cancel()
		l.g.Logger.Debug("stopped", "part", s.name, "seconds", time.Since(begun).Seconds())
	}
	l.stops = nil
	return errors.Join(errs...)
}
