package drive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/peers"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// BenchOptions are those of the benchmark.
type BenchOptions struct {
	Stack        StackOptions
	Receipts     int64
	Seed         uint64
	Members      int
	Shops        int
	CampaignsDir string // empty: 20 typical ones
	// LatencyRate is the load under which the latency to the ledger is measured, in receipts per second; 0: half of the product's throughput.
	// PathRate is that of the whole path; 0: half of what the whole path copes with.
	LatencyRate, PathRate float64
	LatencyFor            time.Duration // 0: no latency measurement
	Timeout               time.Duration // of each phase
	// Flat lets every member shop alike often: all accounts come into being and no cache holds them.
	Flat bool
	// Profile is a file that gets ten seconds of the product's processor profile, for go tool pprof; empty: none.
	Profile string
	// ProductOnly leaves the yardsticks out, for work on the product.
	ProductOnly bool
}

// BenchResult is what the benchmark prints.
type BenchResult struct {
	Receipts         int64          `json:"receipts"`
	ReceiptBytes     float64        `json:"receipt_bytes"`
	Members          int            `json:"members"`
	Campaigns        int            `json:"campaigns"`
	Kafka            string         `json:"kafka"`
	Outputs          []peers.Output `json:"outputs"`
	OutputBytes      float64        `json:"output_bytes_per_receipt"`
	PassThrough      Throughput     `json:"pass_through"`
	Thin             Throughput     `json:"thin"`
	Product          Throughput     `json:"product"`
	RatioToThin      float64        `json:"cpu_ratio_to_thin"`
	RatioToPass      float64        `json:"cpu_ratio_to_pass_through"`
	AllocsPerReceipt float64        `json:"allocations_per_receipt"`
	ToLedger         *LatencyResult `json:"to_ledger,omitempty"`
	PathPerSecond    float64        `json:"whole_path_receipts_per_second,omitempty"` // from the till to the decision in ClickHouse, all on this machine
	WholePath        *LatencyResult `json:"whole_path,omitempty"`
}

// bench is a benchmark under way.
type bench struct {
	o       BenchOptions
	s       *stack
	outputs []peers.Output
	result  BenchResult

	mu     sync.Mutex
	crash  error
	cancel context.CancelFunc
}

// Bench measures product and yardsticks on one broker and one preloaded topic, one after the other, and then the latency on a fresh stack.
func Bench(ctx context.Context, o BenchOptions) (*BenchResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bench{o: o, cancel: cancel, result: BenchResult{Receipts: o.Receipts, Members: o.Members, Kafka: o.Stack.Kafka}}
	b.o.Stack.Crashed = b.crashed
	err := b.throughput(ctx)
	if err == nil && o.LatencyFor > 0 {
		err = errors.Join(b.ledgerLatency(ctx), ctx.Err())
	}
	if err == nil && o.LatencyFor > 0 {
		err = b.wholePath(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.crash != nil {
		return nil, b.crash
	}
	return &b.result, err
}

func (b *bench) crashed(name string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.crash = fmt.Errorf("%s ended by itself: %w; see its log under %s", name, err, b.o.Stack.Dir)
	b.cancel()
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.o.Stack.Progress, format+"\n", args...)
}

// throughput preloads the topic and lets the product and then each yardstick eat it.
func (b *bench) throughput(ctx context.Context) error {
	so := b.o.Stack
	so.Dir = filepath.Join(so.Dir, "throughput")
	s, err := newStack(ctx, so)
	b.s = s
	defer s.close()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.preload(ctx); err != nil {
		return err
	}
	b.say("preloaded %d receipts of %.0f bytes in %.1f s", b.o.Receipts, b.result.ReceiptBytes, time.Since(began).Seconds())
	if err := b.product(ctx); err != nil {
		return err
	}
	kinds := []string{"pass", "thin"}
	if b.o.ProductOnly {
		kinds = nil
	}
	for _, kind := range kinds {
		if err := b.peer(ctx, kind); err != nil {
			return err
		}
	}
	r := &b.result
	if r.Thin.CPUMicros > 0 && r.PassThrough.CPUMicros > 0 {
		r.RatioToThin, r.RatioToPass = r.Product.CPUMicros/r.Thin.CPUMicros, r.Product.CPUMicros/r.PassThrough.CPUMicros
	}
	return nil
}

// preload publishes the campaigns and sends all receipts. Event time spans one day, as live traffic does not span weeks.
func (b *bench) preload(ctx context.Context) error {
	p, docs, err := benchStream(b.s, b.o, b.o.Receipts, 0)
	if err != nil {
		return err
	}
	b.result.Campaigns = len(docs)
	if err := publish(ctx, b.s.brokers, docs); err != nil {
		return err
	}
	if err := p.Run(ctx, b.s.brokers); err != nil {
		return err
	}
	b.result.ReceiptBytes = float64(p.Bytes()) / float64(max(p.Acknowledged(), 1))
	return nil
}

func benchStream(s *stack, o BenchOptions, count int64, rate float64) (*Producer, []loadtest.Document, error) {
	const span = 86_400_000
	to := retail.Instant(time.Now().Add(-time.Minute).UnixMilli())
	perDay, err := loadtest.PerDay(count, to-span, to-span/spare)
	if err != nil {
		return nil, nil, err
	}
	g, err := loadtest.New(loadtest.Options{ZipfV: flatness(o.Flat), Seed: o.Seed, Start: to - span, PerDay: perDay, Partitions: s.o.Partitions, Members: o.Members, Shops: o.Shops,
		Encode: s.codec.AppendReceipt})
	if err != nil {
		return nil, nil, err
	}
	docs, err := loadtest.TypicalCampaigns(to-20*span, to+20*span)
	if o.CampaignsDir != "" {
		docs, err = campaigns(o.CampaignsDir, to-20*span, to+20*span)
	}
	return &Producer{Generator: g, Codec: s.codec, Count: count, Rate: rate, Latency: &Histogram{}}, docs, err
}

// flatness is the generator's ZipfV; 0 is its default.
func flatness(flat bool) float64 {
	if flat {
		return 1e9
	}
	return 0
}

func (b *bench) product(ctx context.Context) error {
	if err := b.s.startPipelines(); err != nil {
		return err
	}
	m := meter{brokers: b.s.brokers, group: pipelineGroup, process: b.s.pipelines[0], total: b.o.Receipts, metrics: b.s.metrics[0]}
	profiled := b.profile(ctx, m.metrics)
	t, err := m.measure(ctx, b.o.Timeout)
	if err := errors.Join(err, <-profiled); err != nil {
		return fmt.Errorf("product: %w", err)
	}
	b.result.Product, b.result.AllocsPerReceipt = t, t.Allocations
	b.say("product: %s", t)
	if err := drain(ctx, b.s.brokers, pipelineGroup, time.Second, []string{schemas.TopicReceipts}, nil); err != nil {
		return err
	}
	stop, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := b.s.stopPipelines(stop); err != nil {
		return err
	}
	if b.outputs, err = peers.Measure(ctx, b.s.brokers, b.o.Receipts); err != nil {
		return err
	}
	b.result.Outputs, b.result.OutputBytes = b.outputs, peers.BytesPerReceipt(b.outputs)
	return refused(b.outputs)
}

// mostRefused is how many dead letters per receipt a benchmark's stream may have; the generator breaks 0.2 %.
const mostRefused = 0.01

// refused fails a benchmark whose stream the product did not accept: refusing is cheap, and the figure would flatter.
func refused(outputs []peers.Output) error {
	for _, o := range outputs {
		if o.Topic == schemas.TopicDeadLetters && o.PerReceipt > mostRefused {
			return fmt.Errorf("the product refused %.1f %% of the stream, at most %.1f %% is meant to be broken: no figure of this run counts; read the codes in the topic %s", o.PerReceipt*100, mostRefused*100, o.Topic)
		}
	}
	return nil
}

// peer runs one yardstick as a child of this executable, so that its processor time is its own.
func (b *bench) peer(ctx context.Context, kind string) error {
	logs, err := b.s.log(kind)
	if err != nil {
		return err
	}
	group := "bench-" + kind
	args := append([]string{"load", "peer"}, b.s.connection()...)
	args = append(args, "--kind", kind, "--group", group, "--partitions", strconv.Itoa(int(b.o.Stack.Partitions)), "--receipts", strconv.FormatInt(b.o.Receipts, 10),
		"--state-dir", filepath.Join(b.s.o.Dir, "state-"+kind))
	p := NewProcess(kind, b.s.o.Exe, logs, args...)
	p.Crashed = b.crashed
	if err := p.Start(); err != nil {
		return err
	}
	m := meter{brokers: b.s.brokers, group: group, process: p, total: b.o.Receipts}
	t, err := m.measure(ctx, b.o.Timeout)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if stopErr := p.Stop(stop); err == nil && stopErr != nil {
		err = stopErr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	b.say("%s: %s", kind, t)
	if kind == "thin" {
		b.result.Thin = t
	} else {
		b.result.PassThrough = t
	}
	return nil
}

// Write prints the result as a table.
func (r *BenchResult) Write(w io.Writer) error {
	p := &printer{w: w}
	p.printf("%d receipts of %.0f bytes, %d accounts, %d campaigns, broker %s; the product writes %.0f bytes per receipt:\n", r.Receipts, r.ReceiptBytes, r.Members, r.Campaigns, r.Kafka, r.OutputBytes)
	for _, o := range peers.Sorted(r.Outputs) {
		p.printf("    %-24s %6.2f records of %5.0f bytes per receipt\n", o.Topic, o.PerReceipt, o.Bytes)
	}
	p.printf("\n%-14s %12s %14s %14s %14s %10s %10s\n", "", "receipts/s", "CPU us/receipt", "second half", "receipts/s/core", "RSS MB", "peak MB")
	for _, row := range []struct {
		name string
		t    Throughput
	}{{"pass-through", r.PassThrough}, {"thin", r.Thin}, {"product", r.Product}} {
		t := row.t
		p.printf("%-14s %12.0f %14.2f %14.2f %14.0f %10.0f %10.0f\n", row.name, t.PerSecond, t.CPUMicros, t.CPUMicrosSecondHalf, t.PerCore, t.MemoryMB, t.PeakMB)
	}
	p.printf("\nproduct / thin %.2f, product / pass-through %.2f in CPU per receipt; %.1f allocations per receipt\n", r.RatioToThin, r.RatioToPass, r.AllocsPerReceipt)
	if r.ToLedger != nil {
		r.ToLedger.write(p, "broker and pipeline alone")
	}
	if r.WholePath != nil {
		p.printf("\nthe whole path, ClickHouse and its sink on the same machine, copes with %.0f receipts/s\n", r.PathPerSecond)
		r.WholePath.write(p, "the whole path")
	}
	return p.err
}

// RunPeer is the child's side of a yardstick: it measures the product's outputs on the broker and then works until ctx ends.
func RunPeer(ctx context.Context, kind string, o peers.Options, receipts int64) error {
	outputs, err := peers.Measure(ctx, o.Brokers, receipts)
	if err != nil {
		return err
	}
	o.Outputs, o.Thin = outputs, kind == "thin"
	return peers.Run(ctx, o)
}
