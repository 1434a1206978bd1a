package drive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/audit"
	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options are those of a load run.
type Options struct {
	Stack        StackOptions
	Receipts     int64
	Seed         uint64
	Rate         float64 // receipts per second, 0: as fast as it goes
	Days         int     // of event time that the stream spans; default 20
	Members      int
	Shops        int
	CampaignsDir string // documents to publish; empty: the 20 of the load test
	Budgets      int    // so many campaigns more, with budgets that are used up
	Mechanics    bool   // EVENTs, labels and coupons in the stream, and documents for every mechanic beside the others
	Kill         KillPlan
	Audit        bool
	DrainTimeout time.Duration // after the last receipt, for the pipeline and then for the sink
	Terminal     bool          // progress is read by a person
}

// Result is what a run came to.
type Result struct {
	Sent        int64            `json:"sent"`
	Kinds       map[string]int64 `json:"kinds"`
	SendSeconds float64          `json:"send_seconds"`
	// LedgerSeconds and ClickHouseSeconds run from the first receipt to the moment at which everything was in the ledger, and in ClickHouse.
	LedgerSeconds     float64       `json:"ledger_seconds"`
	ClickHouseSeconds float64       `json:"clickhouse_seconds"`
	Kills             Kills         `json:"kills"`
	Append            Summary       `json:"due_to_append"`
	Ledger            *Summary      `json:"append_to_ledger,omitempty"`
	ClickHouse        *Summary      `json:"due_to_clickhouse,omitempty"`
	Problems          []string      `json:"problems,omitempty"`
	Audit             *audit.Report `json:"audit,omitempty"`
	AuditSeconds      float64       `json:"audit_seconds,omitempty"`
}

// OK reports whether the run had no problem and its audit, if there was one, no difference.
func (r *Result) OK() bool { return len(r.Problems) == 0 && (r.Audit == nil || r.Audit.OK()) }

// loadRun is a run under way.
type loadRun struct {
	o        Options
	s        *stack
	sent     audit.Sent
	producer *Producer
	killer   *killer
	docs     [][]byte
	result   Result
	began    time.Time
	ledger   Histogram
	visible  visibility

	mu       sync.Mutex
	problems []string
	cancel   context.CancelFunc
}

// Run drives one load run from an empty directory to the audit. The error says that the run could not be done; what went wrong inside it is in the
// result.
func Run(ctx context.Context, o Options) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &loadRun{o: o, cancel: cancel}
	r.visible.h = &Histogram{}
	o.Stack.Crashed = r.crashed
	s, err := newStack(ctx, o.Stack)
	r.s = s
	defer s.close()
	if err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.drive(ctx); err != nil {
		return &r.result, r.explain(err)
	}
	if o.Audit {
		if err := r.audit(ctx); err != nil {
			return &r.result, err
		}
	}
	r.result.Problems = r.problems
	return &r.result, nil
}

// crashed notes a part that ended by itself and ends the run.
func (r *loadRun) crashed(name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Sprintf("%s ended by itself: %v; see %s", name, err, filepath.Join(r.o.Stack.Dir, "logs", name+".log")))
	r.cancel()
}

// giveUp ends the run for a reason.
func (r *loadRun) giveUp(err error) {
	r.problem(err)
	r.cancel()
}

// problem notes what went wrong without ending the run.
func (r *loadRun) problem(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err.Error())
}

// explain puts what ended the run in front of the error that it made.
func (r *loadRun) explain(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.problems) > 0 {
		return errors.New(strings.Join(r.problems, "; "))
	}
	return err
}

// spare is which part of its span a stream leaves free at the end, for chance.
const spare = 11

// prepare makes the stream and publishes the campaigns. The stream spans some days of event time that end before now, however many receipts there
// are.
func (r *loadRun) prepare(ctx context.Context) error {
	days := retail.Instant(max(r.o.Days, 1))
	to := retail.Instant(time.Now().Add(-time.Hour).UnixMilli())
	from := to - days*86_400_000
	perDay, err := loadtest.PerDay(r.o.Receipts, from, to-(to-from)/spare)
	if err != nil {
		return err
	}
	o := loadtest.Options{
		Seed: r.o.Seed, Start: from, PerDay: perDay, Partitions: r.o.Stack.Partitions, Members: r.o.Members, Shops: r.o.Shops,
		Mechanics: r.o.Mechanics, Encode: r.s.codec.AppendReceipt,
	}
	g, err := loadtest.New(o)
	if err != nil {
		return err
	}
	docs, err := campaigns(r.o.CampaignsDir, from, to)
	if err != nil {
		return err
	}
	budgeted, err := loadtest.BudgetCampaigns(r.o.Budgets, r.o.Receipts, o, to)
	if err != nil {
		return err
	}
	docs = append(docs, budgeted...)
	if r.o.Mechanics {
		more, err := loadtest.MechanicsCampaigns(from, to)
		if err != nil {
			return err
		}
		docs = append(docs, more...)
	}
	for _, d := range docs {
		r.docs = append(r.docs, d.JSON)
	}
	r.producer = &Producer{Generator: g, Codec: r.s.codec, Count: r.o.Receipts, Rate: r.o.Rate, Sent: &r.sent, Latency: &Histogram{}}
	if r.o.Rate > 0 {
		r.producer.Visible = &r.visible
	}
	return publish(ctx, r.s.brokers, docs)
}

// campaigns reads the documents of a directory, or makes those of the load test.
func campaigns(dir string, from, to retail.Instant) ([]loadtest.Document, error) {
	if dir == "" {
		return loadtest.Campaigns(from, to)
	}
	var out []loadtest.Document
	for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("campaigns: %w", err)
		}
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("campaigns: %w", err)
			}
			d, err := loadtest.ParseDocument(raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("campaigns: no documents in %s", dir)
	}
	return out, nil
}

// publish puts the documents on the campaigns topic.
func publish(ctx context.Context, brokers []string, docs []loadtest.Document) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return fmt.Errorf("publish campaigns: %w", err)
	}
	defer cl.Close()
	for _, d := range docs {
		rec := &kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte(d.ID), Value: d.JSON}
		if err := cl.ProduceSync(ctx, rec).FirstErr(); err != nil {
			return fmt.Errorf("publish campaign %s: %w", d.ID, err)
		}
	}
	return nil
}

// drive starts the product, sends, kills, and waits until everything has come to rest and the pipelines have written their state.
func (r *loadRun) drive(ctx context.Context) error {
	if err := r.s.startClickHouse(ctx); err != nil {
		return err
	}
	if err := r.s.startPipelines(); err != nil {
		return err
	}
	r.killer = &killer{s: r.s, plan: r.o.Kill}
	r.began = time.Now()
	side, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	w := &watcher{s: r.s, producer: r.producer, killer: r.killer, total: r.o.Receipts, out: r.o.Stack.Progress, terminal: r.o.Terminal}
	wg.Go(func() { w.run(side) })
	if r.o.Rate > 0 {
		wg.Go(func() { r.problem(ledgerLatency(side, r.s.brokers, wire.NewReader(r.s.client), &r.ledger, r.began)) })
		wg.Go(func() { r.problem(r.visible.look(side, r.s.engine.Addr)) })
	}
	err := r.send(ctx)
	if err == nil {
		err = r.settle(ctx)
	}
	stop()
	wg.Wait()
	r.summarise()
	return err
}

// send streams while parts are killed, and lets the pipeline catch up under the same blows. When it has not after half of the drain's time, the killing
// stops: a broker that needs longer to start than it is left alone would never let anything drain.
func (r *loadRun) send(ctx context.Context) error {
	killing, stop := context.WithCancel(ctx)
	defer stop()
	r.killer.failed = r.giveUp
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		r.killer.run(killing)
	}()
	err := r.producer.Run(ctx, r.s.brokers)
	r.result.SendSeconds = time.Since(r.began).Seconds()
	if err == nil {
		r.killer.missed()
		_ = r.drained(ctx, r.o.DrainTimeout/2, pipelineGroup, 0, []string{schemas.TopicReceipts}, nil) // judged in settle
	}
	stop()
	<-killed
	return firstOf(err, ctx.Err(), r.killer.dismiss())
}

// settle waits until every pipeline has restored its state, as the last one killed may not have yet, and until timers are quiet too; it ends the
// pipelines so that their state is on disk, and lets the sink finish.
func (r *loadRun) settle(ctx context.Context) error {
	if r.s.guest != nil {
		gone, cancel := context.WithTimeout(ctx, time.Minute)
		err := handedOver(gone, r.s.brokers, pipelineGroup, pipelineGroup+"-"+strconv.Itoa(r.o.Stack.Instances))
		cancel()
		if err != nil {
			return err
		}
	}
	if err := r.s.pipelinesReady(ctx, r.o.DrainTimeout); err != nil {
		return err
	}
	out := []string{schemas.TopicLedger, schemas.TopicBalances}
	if err := r.drained(ctx, r.o.DrainTimeout, pipelineGroup, 3*time.Second, []string{schemas.TopicReceipts}, out); err != nil {
		return err
	}
	r.result.LedgerSeconds = time.Since(r.began).Seconds()
	stopCtx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r.problem(r.s.stopPipelines(stopCtx))
	all := append(out, schemas.TopicReceipts, schemas.TopicDecisions, schemas.TopicDeadLetters, schemas.TopicMetrics, schemas.TopicCampaigns)
	r.problem(r.drained(ctx, r.o.DrainTimeout, sinkGroup, time.Second, all, nil))
	r.result.ClickHouseSeconds = time.Since(r.began).Seconds()
	return nil
}

func (r *loadRun) drained(ctx context.Context, limit time.Duration, group string, still time.Duration, topics, watched []string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return drain(ctx, r.s.brokers, group, still, topics, watched)
}

func (r *loadRun) summarise() {
	r.result.Sent, r.result.Kinds = r.producer.Acknowledged(), r.producer.Generator.Counts()
	r.result.Kills = r.killer.soFar()
	r.result.Append = r.producer.Latency.Summary()
	if r.o.Rate > 0 {
		ledger, ch := r.ledger.Summary(), r.visible.h.Summary()
		r.result.Ledger, r.result.ClickHouse = &ledger, &ch
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Problems = r.problems
}

// audit judges what is there now.
func (r *loadRun) audit(ctx context.Context) error {
	began := time.Now()
	fmt.Fprintln(r.o.Stack.Progress, "everything has drained; auditing")
	c, err := model.Parse(r.docs...)
	if err != nil {
		return err
	}
	dump, err := r.dumpStates(ctx)
	if err != nil {
		return err
	}
	conn, err := openClickHouse(r.s.engine.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r.result.Audit, err = audit.Run(ctx, audit.Options{
		Brokers: r.s.brokers, Reader: wire.NewReader(r.s.client), Partitions: r.o.Stack.Partitions, Campaigns: c, Limits: model.DefaultLimits(), Sent: &r.sent,
		ClickHouse: conn, Dump: dump, At: r.began.Add(time.Duration(r.result.LedgerSeconds * float64(time.Second))),
		Repeats: r.o.Stack.Kafka == "fake" && r.o.Kill.Broker > 0, Logger: r.o.Stack.Logger,
	})
	r.result.AuditSeconds = time.Since(began).Seconds()
	if err == nil {
		r.problem(r.result.Audit.Bound(r.o.Budgets))
	}
	return err
}

// dumpStates asks the product for what its state stores hold.
func (r *loadRun) dumpStates(ctx context.Context) (io.Reader, error) {
	var all bytes.Buffer
	stores := r.s.o.Instances
	if r.s.guest != nil {
		stores++
	}
	for i := range stores {
		var complaint bytes.Buffer
		cmd := exec.CommandContext(ctx, r.s.o.Exe, "state", "dump", "--state-dir", r.s.stateDir(i))
		cmd.Stdout, cmd.Stderr = &all, &complaint
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("dump the state of instance %d: %w: %s", i, err, strings.TrimSpace(complaint.String()))
		}
	}
	return &all, nil
}
