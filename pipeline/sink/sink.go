// Package sink copies the product's topics to ClickHouse: receipts, ledger, balances, decisions, metrics, dead letters and campaigns.
//
// Rows are named so that a repeat is harmless whenever and by whomever it is made; blocks are pinned in Kafka before they are sent, so that
// repeats do not even arise as a rule. DESIGN.md tells the journey of a block and what each failure does to it.
package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options configure a sink. Brokers (or seed brokers in ClientOpts), Addr and Codec are required.
type Options struct {
	Brokers       []string
	ClientOpts    []kgo.Opt // TLS, SASL, timeouts; they win over the sink's own
	Group         string    // consumer group; default cagnotte-sink. Instances of one group share the work
	Addr          string    // ClickHouse, see schemas.ClickHouseOptions; migrated beforehand
	Codec         *schemas.Codec
	Policy        retail.Policy // the pipeline's: receipts that it refuses are not copied. The zero value means retail.DefaultPolicy
	FlushInterval time.Duration // longest time that rows wait for company; default 500 ms
	MaxRows       int           // records per flush over all topics; default 50 000
	MaxBytes      int           // bytes of record values per flush; default 64 MiB
	RetryFor      time.Duration // how long one insert is tried before the sink starts over; default 20 s
	Logger        *slog.Logger
	Observer      *Observer

	fault func(stage) error // seam for tests: an error is a crash at that stage
}

// stage is a place on a block's way where a crash tells apart what is safe.
type stage string

const (
	afterPin    stage = "pinned"   // the plan is in Kafka, nothing is in ClickHouse
	afterInsert stage = "inserted" // the rows are in ClickHouse, their offsets are not committed
)

func (o *Options) crash(at stage) error {
	if o.fault == nil {
		return nil
	}
	return o.fault(at)
}

// Sink is made by New and run by Run.
type Sink struct {
	opts  Options
	store *store
}

// New checks the options. It does not connect: ClickHouse and Kafka may come later.
func New(o Options) (*Sink, error) {
	if o.Codec == nil {
		return nil, errors.New("sink: Codec is nil")
	}
	if len(o.Brokers) == 0 && len(o.ClientOpts) == 0 {
		return nil, errors.New("sink: no Kafka brokers: give at least one host:port")
	}
	o = o.withDefaults()
	st, err := newStore(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("sink: %w", err)
	}
	return &Sink{opts: o, store: st}, nil
}

func (o Options) withDefaults() Options {
	if o.Group == "" {
		o.Group = "cagnotte-sink"
	}
	if o.Policy == (retail.Policy{}) {
		o.Policy = retail.DefaultPolicy()
	}
	if o.FlushInterval <= 0 {
		o.FlushInterval = 500 * time.Millisecond
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 50_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 20
	}
	if o.RetryFor <= 0 {
		o.RetryFor = 20 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// fatalError marks what waiting does not heal: Run returns it.
type fatalError struct{ error }

// Unwrap returns the error inside.
func (e fatalError) Unwrap() error { return e.error }

// Run copies until ctx ends, and then returns nil after the last block. Kafka or ClickHouse being away is waited out: the sink starts over,
// with growing pauses, from what Kafka knows. It returns an error only for what needs a person: records of our own topics that cannot be
// read, or records that were deleted before they were copied.
func (s *Sink) Run(ctx context.Context) error {
	defer s.store.close()
	var pauses backoff
	for {
		progress, err := s.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fatal := (fatalError{}); errors.As(err, &fatal) {
			return fmt.Errorf("sink: %w", err)
		}
		s.opts.Observer.sessionEnded(err)
		s.opts.Logger.Warn("sink starts over", "error", err)
		if progress {
			pauses = backoff{}
		}
		if pauses.wait(ctx) != nil {
			return nil
		}
	}
}
