package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options say what to audit. Brokers, Reader, Campaigns and Partitions are required; what is nil is not compared.
type Options struct {
	Brokers    []string
	ClientOpts []kgo.Opt
	Reader     *wire.Reader
	Partitions int32
	Campaigns  *model.Campaigns
	Limits     model.Limits
	Sent       *Sent       // what the driver knows to have sent
	ClickHouse driver.Conn // tables and views
	// Dump writes what the state stores hold, one JSON object per account and line: account_id, seq, pending_minor, available_minor.
	Dump io.Reader
	// Repeats allows ledger records, balances and dead letters to stand in Kafka more than once with identical content: what a broker that was killed
	// inside a transaction may leave behind, and every reader removes by name.
	Repeats bool
	// At is when the product came to rest: what falls due later has not fired. The zero value means now.
	At       time.Time
	Parallel int // partitions at a time; default 2
	Logger   *slog.Logger
}

// auditor is one audit under way.
type auditor struct {
	o      Options
	report *Report

	parts []*part // by number, complete once all partitions are read

	mu     sync.Mutex
	moved  []moved // over all partitions
	extras map[int32]map[uint64]int64
	totals totals
	spends map[string][]spend // by campaign with a budget
	last   map[string]balance // what Kafka's ledger says of every account, for the dump and the views
}

// totals are sums over all partitions, for the views.
type totals struct {
	receipts, receiptNet int64 // without training receipts
	entries, entrySum    int64
	decided              map[string]int64 // granted, by campaign
	ghosts               map[string]int64
	movements            int64
	dead, duplicates     int64
}

type moved struct {
	from int32
	model.Moved
}

// balance is where the ledger leaves an account.
type balance struct {
	seq                          int64
	pending, available, lifetime int64
}

// Run audits everything that is there now. The stream must have come to rest. An error means that the audit could not be done, not that something
// differs: that is in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	if len(o.Brokers) == 0 || o.Reader == nil || o.Campaigns == nil || o.Partitions < 1 {
		return nil, errors.New("audit: Brokers, Reader, Campaigns and Partitions are required")
	}
	if o.Parallel == 0 {
		o.Parallel = 2
	}
	if o.At.IsZero() {
		o.At = time.Now()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &auditor{o: o, report: NewReport(), extras: map[int32]map[uint64]int64{}, last: map[string]balance{}, spends: map[string][]spend{}}
	a.totals.decided, a.totals.ghosts = map[string]int64{}, map[string]int64{}
	if err := a.partitions(ctx); err != nil {
		return nil, err
	}
	a.emitted()
	a.forwards()
	a.budgets()
	if err := a.dump(); err != nil {
		return nil, err
	}
	if o.ClickHouse != nil {
		if err := a.tables(ctx); err != nil {
			return nil, err
		}
		if err := a.views(ctx); err != nil {
			return nil, err
		}
	}
	a.report.saw("values read by two Avro libraries", o.Reader.Checked())
	return a.report, nil
}

// partitions audits each partition on its own: accounts never span two.
func (a *auditor) partitions(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.parts = make([]*part, a.o.Partitions)
	work := make(chan int32)
	errs := make([]error, a.o.Parallel)
	var wg sync.WaitGroup
	for i := range a.o.Parallel {
		wg.Go(func() {
			for p := range work {
				if err := a.partition(ctx, p); err != nil && errs[i] == nil {
					errs[i] = fmt.Errorf("audit partition %d: %w", p, err)
					cancel()
				}
			}
		})
	}
	for p := range a.o.Partitions {
		work <- p
	}
	close(work)
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}

func (a *auditor) partition(ctx context.Context, number int32) error {
	began := time.Now()
	p := &part{a: a, number: number, deadValues: map[int64]uint64{}, books: map[string]*book{}}
	for _, step := range []func(context.Context) error{p.receipts, p.ledger, p.balances, p.deadLetters} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	p.hand()
	a.o.Logger.Info("partition audited", "partition", number, "receipts", p.expected.Records, "accounts", len(p.books), "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// part is one partition under audit.
type part struct {
	a          *auditor
	number     int32
	expected   *model.Expected
	deadValues map[int64]uint64 // hash of the value at each offset that must be refused
	books      map[string]*book
	dead       map[int64]deadLetter
}

// hand adds the partition's sums to the whole, and lets go of what only the replay needed.
func (p *part) hand() {
	a := p.a
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts[p.number] = p
	for _, acct := range p.expected.Accounts {
		acct.Forget()
	}
	t := &a.totals
	for _, m := range p.expected.Moved {
		a.moved = append(a.moved, moved{p.number, m})
	}
	for _, s := range p.expected.Receipts {
		if !s.Training && !s.Event {
			t.receipts++
			t.receiptNet += s.Net
		}
	}
	for id, b := range p.books {
		a.last[id] = b.balance
		t.entries += int64(len(b.digests))
		t.entrySum += b.pending + b.available
	}
	for _, acct := range p.expected.Accounts {
		t.movements += int64(len(acct.Movements))
	}
	for c, v := range p.expected.Granted {
		t.decided[c] += v
	}
	for c, v := range p.expected.Ghosts {
		t.ghosts[c] += v
	}
	t.dead += int64(len(p.expected.Dead))
	t.duplicates += p.expected.Duplicates
}
