package drive

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// KillPlan says how often what is killed with SIGKILL and started again; 0: never.
type KillPlan struct {
	Pipeline time.Duration // one instance after the other
	Sink     time.Duration
	Engine   time.Duration
	Broker   time.Duration
	// Rebalance has one instance of the pipeline more than were asked for join the group, and leave it again the next time.
	Rebalance time.Duration
}

// Kills counts what was killed.
type Kills struct {
	Pipeline int `json:"pipeline"`
	Sink     int `json:"sink"`
	Engine   int `json:"engine"`
	Broker   int `json:"broker"`
	// Rebalances counts the joins and leaves of the further instance.
	Rebalances int `json:"rebalances"`
}

// killer carries out a plan until it is stopped. Every part that was planned is killed at least once.
type killer struct {
	s    *stack
	plan KillPlan
	// failed is called when a restart fails: the run cannot go on.
	failed func(error)

	mu    sync.Mutex // one kill at a time, and it guards what follows
	kills Kills
	err   error
}

// run kills on schedule until ctx ends. It returns when nothing is being restarted any more.
func (k *killer) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, victim := range k.victims() {
		if victim.every > 0 {
			wg.Go(func() { k.loop(ctx, victim) })
		}
	}
	wg.Wait()
}

// victim is one kind of part.
type victim struct {
	every time.Duration
	count *int
	again func(context.Context) error // kills it and starts it again
}

func (k *killer) victims() []victim {
	return []victim{
		{k.plan.Pipeline, &k.kills.Pipeline, k.pipeline},
		{k.plan.Sink, &k.kills.Sink, k.sink},
		{k.plan.Engine, &k.kills.Engine, k.engine},
		{k.plan.Broker, &k.kills.Broker, k.broker},
		{k.plan.Rebalance, &k.kills.Rebalances, k.rebalance},
	}
}

func (k *killer) loop(ctx context.Context, v victim) {
	for sleep(ctx, v.every) == nil {
		if !k.strike(v) {
			return
		}
	}
}

// strike kills once. A restart is not cut short by the end of the schedule: it has a time of its own.
func (k *killer) strike(v victim) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := v.again(ctx); err != nil {
		k.err = fmt.Errorf("kill and restart: %w", err)
		k.failed(k.err)
		return false
	}
	*v.count++
	return true
}

// missed kills what was planned and whose turn has not come.
func (k *killer) missed() {
	for _, v := range k.victims() {
		k.mu.Lock()
		never := v.every > 0 && *v.count == 0
		k.mu.Unlock()
		if never {
			k.strike(v)
		}
	}
}

// soFar returns what was killed.
func (k *killer) soFar() Kills {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kills
}

func (k *killer) pipeline(context.Context) error {
	p := k.s.pipelines[k.kills.Pipeline%len(k.s.pipelines)]
	p.Kill()
	return p.Start()
}

func (k *killer) sink(context.Context) error {
	k.s.sink.Kill()
	return k.s.sink.Start()
}

func (k *killer) engine(ctx context.Context) error {
	k.s.killEngine()
	return k.s.startEngine(ctx)
}

func (k *killer) broker(ctx context.Context) error {
	if k.s.broker == nil {
		return fmt.Errorf("the brokers %v are not ours to kill", k.s.brokers)
	}
	k.s.broker.Kill()
	return k.s.broker.Restart(ctx)
}

// rebalance lets the further instance join the group, or leave it in good order.
func (k *killer) rebalance(ctx context.Context) error {
	if k.s.guest == nil {
		return k.s.startGuest()
	}
	if k.s.guest.Running() {
		return k.s.guest.Stop(ctx)
	}
	return k.s.guest.Start()
}

// dismiss makes the further instance leave, so that what it holds goes to those that stay.
func (k *killer) dismiss() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.guest == nil || !k.s.guest.Running() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	k.kills.Rebalances++
	return k.s.guest.Stop(ctx)
}
