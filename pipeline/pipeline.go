// Package pipeline is the stream processor: it consumes receipts, applies the campaigns' rules, books rewards and emits everything that follows
// from them, exactly once. DESIGN.md is the map; commit.go is the one file that knows the order of durability.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options configure a Pipeline. Brokers, Codec and StateDir are required; New fills the others with the defaults named here.
type Options struct {
	Brokers    []string
	ClientOpts []kgo.Opt // TLS, SASL, a dialer: applied to every client the pipeline opens
	Group      string    // consumer group; default "cagnotte"
	Instance   string    // names this process within the group, stable over restarts; default "0"
	StateDir   string    // Pebble, one directory per partition
	FS         vfs.FS    // nil: the disk
	Codec      *schemas.Codec
	Policy     retail.Policy
	Currency   string // of the programme; default EUR
	EventKey   []byte // when set, an EVENT is only taken with a signature by it: see schemas.SignEvent

	CommitInterval time.Duration // default 50 ms: the commit interval is the latency
	MaxRecords     int           // per transaction; default 5,000
	MaxBytes       int           // of input per transaction; default 8 MiB
	FlushInterval  time.Duration // Pebble write-back; default 1 s
	SyncInterval   time.Duration // bounds the replay after a power cut; default 5 s
	CacheAccounts  int           // decoded accounts kept in memory, 1.6 KB each; default 150,000

	SessionTimeout     time.Duration // default 6 s
	TransactionTimeout time.Duration // default 6 s; not above SessionTimeout, so that a dead owner cannot hide outputs longer than its lease
	// RebalanceTimeout bounds a rebalance, and with it how long a restore may go on while the group waits for this member; default 30 s.
	RebalanceTimeout time.Duration
	// Embedded says that the broker may be killed together with this process and may then lose the group's offsets of its last transaction (kfake):
	// the COMMIT record decides where a task goes on. On a real Kafka leave it false: there a difference halts the task.
	Embedded bool

	EngineVersion string // stamped on dead letters; default "dev"
	Logger        *slog.Logger
	Observer      *Observer
	Now           func() time.Time // wall clock for idle timers and lag; default time.Now

	// balancer replaces the cooperative one. The simulation needs an eager one: a cooperative member goes on fetching while it joins, its commit then
	// waits on a lock for the join, and virtual time stands still while a goroutine waits on a lock.
	balancer kgo.GroupBalancer
	// failpoint is asked at each named step of the commit order; the simulation answers errKilled to cut the power there. nil outside of tests.
	failpoint func(step string) error
}

// errKilled ends Run at once, as a power cut would.
var errKilled = errors.New("killed")

func (o *Options) at(step string) error {
	if o.failpoint == nil {
		return nil
	}
	return o.failpoint(step)
}

func (o *Options) fill() error {
	if len(o.Brokers) == 0 || o.Codec == nil || o.StateDir == "" {
		return errors.New("pipeline: Brokers, Codec and StateDir are required")
	}
	setDefault(&o.Group, "cagnotte")
	setDefault(&o.Instance, "0")
	setDefault(&o.Currency, "EUR")
	setDefault(&o.EngineVersion, "dev")
	setDefault(&o.CommitInterval, 50*time.Millisecond)
	setDefault(&o.MaxRecords, 5000)
	setDefault(&o.MaxBytes, 8<<20)
	setDefault(&o.FlushInterval, time.Second)
	setDefault(&o.SyncInterval, 5*time.Second)
	setDefault(&o.CacheAccounts, 150_000)
	setDefault(&o.SessionTimeout, 6*time.Second)
	setDefault(&o.TransactionTimeout, 6*time.Second)
	setDefault(&o.RebalanceTimeout, 30*time.Second)
	if o.Policy == (retail.Policy{}) {
		o.Policy = retail.DefaultPolicy()
	}
	if o.balancer == nil {
		o.balancer = kgo.CooperativeStickyBalancer()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = &Observer{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Pipeline runs one member of the group. Run may be called once.
type Pipeline struct {
	opts       Options
	log        *slog.Logger
	partitions int32
	receiptsID [16]byte
	rules      *rulesFeed
	terms      *budgetTerms // of the last ruleset used; the loop's

	mu      sync.Mutex // guards ready, for the probes
	ready   bool
	started bool
}

// New checks the options. It opens nothing.
func New(opts Options) (*Pipeline, error) {
	if err := opts.fill(); err != nil {
		return nil, err
	}
	return &Pipeline{opts: opts, log: opts.Logger}, nil
}

// Ready reports whether a session is running with its assigned state restored, and whether that has been so at least once.
// Safe for concurrent use.
func (p *Pipeline) Ready() (ready, started bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready, p.started
}

func (p *Pipeline) setReady(v bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = v
	p.started = p.started || v
}

// ErrInvariant marks a broken invariant: continuing could write a wrong balance, so the pipeline stops. The wrapping error has the hint.
var ErrInvariant = errors.New("broken invariant")

// Run processes until ctx ends, then commits what is in flight, writes the state back and leaves the group. Transient errors (a broker gone, an
// unknown outcome of a commit) restart the session from the log with a jittered pause; a broken invariant ends Run with ErrInvariant.
func (p *Pipeline) Run(ctx context.Context) error {
	if err := p.prepare(ctx); err != nil {
		return stopped(ctx, err)
	}
	feedDone := make(chan struct{})
	feedCtx, stopFeed := context.WithCancel(ctx)
	go func() { defer close(feedDone); p.rules.follow(feedCtx) }()
	defer func() { stopFeed(); <-feedDone; p.rules.close() }()

	for attempt := 0; ; attempt++ {
		began := p.opts.Now()
		err := p.session(ctx)
		p.setReady(false)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrInvariant) || errors.Is(err, errKilled) {
			return err
		}
		if p.opts.Now().Sub(began) > time.Minute {
			attempt = 0
		}
		p.opts.Observer.sessionLost(err)
		p.log.Warn("session ended, restoring from the log", "error", err, "attempt", attempt+1)
		if !p.pause(ctx, attempt) {
			return nil
		}
	}
}

// stopped forgets an error that comes from being asked to stop.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// prepare waits for the broker, checks the topics and reads the campaigns to their end.
func (p *Pipeline) prepare(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		n, err := p.partitionCount(ctx)
		if err == nil {
			p.partitions = n
			p.rules, err = openRules(ctx, &p.opts)
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, errSetup) {
			return err
		}
		p.log.Warn("not ready to start, trying again", "error", err)
		if !p.pause(ctx, attempt) {
			return ctx.Err()
		}
	}
}

// memTableBytes: a larger memtable lets a busy account's values meet before they are compacted; 64 MB took the state's CPU from 17 to 12 us in one
// run, and eight partitions of 24 MB keep the process below a gigabyte.
const memTableBytes = 24 << 20

// session is one life of the group member: from joining to leaving, or to the first error that leaves memory in doubt.
func (p *Pipeline) session(ctx context.Context) error {
	store, err := state.Open(state.Options{Dir: p.opts.StateDir, FS: p.opts.FS, CacheAccounts: p.opts.CacheAccounts, MemTableBytes: memTableBytes, Logger: p.log})
	if err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	m := newMember(p, store)
	runErr := m.run(ctx)
	if err := m.close(); err != nil && runErr == nil {
		runErr = err
	}
	if err := store.Close(); err != nil && runErr == nil {
		runErr = fmt.Errorf("close state: %w", err)
	}
	return runErr
}

// pause sleeps longer at each attempt, at most five seconds; false means ctx ended. The jitter comes from the instance's name, so that members
// do not return together and a simulation repeats.
func (p *Pipeline) pause(ctx context.Context, attempt int) bool {
	limit := min(100*time.Millisecond<<min(attempt, 6), 5*time.Second)
	h := xxhash.Sum64String(p.opts.Instance) + uint64(attempt)*0x9E3779B97F4A7C15
	t := time.NewTimer(50*time.Millisecond + time.Duration(h%uint64(limit)))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
