package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// DemoOptions configure the demo shops. Client, Codec and Partitions are required.
type DemoOptions struct {
	Client     *kgo.Client // of the caller, who closes it; Demo sets the partition of misplaced records itself, see DemoPartitioner
	Codec      *schemas.Codec
	Partitions int32
	Rate       float64               // receipts per second on average; default 20
	Shops      int                   // default 60
	Members    int                   // default 20,000
	Seed       uint64                // the same seed makes the same shops, members and baskets
	StartAt    func() retail.Instant // clock of the event times; default the wall clock
	ResumeFile string                // remembers the next receipt number, so that a restart repeats none; empty: always from 0
	Effects    []Effect              // treatment effects, so that a live lift has something to show
	Trade      *Trade                // another trade than the supermarket's

	AnonymousBP, ReturnBP int // as in Options
	Logger                *slog.Logger
}

// DemoPartitioner is the partitioner that the client of Demo must have: it keeps a partition that is set, and places other records as stock clients
// do. Give it only to a client that sends nothing else: the zero Partition of a record means partition 0 here. A client with another partitioner
// works too; then no record is misplaced.
func DemoPartitioner() kgo.Partitioner {
	hash := kgo.StickyKeyPartitioner(nil)
	return kgo.BasicConsistentPartitioner(func(topic string) func(*kgo.Record, int) int {
		place := hash.ForTopic(topic)
		return func(r *kgo.Record, n int) int {
			if r.Partition >= 0 && int(r.Partition) < n {
				return int(r.Partition)
			}
			return place.Partition(r, n)
		}
	})
}

// Demo streams receipts whose event time is now until ctx ends, in the rhythm of real shops: they come at random, in slow waves around the rate.
// It returns nil when ctx has ended.
func Demo(ctx context.Context, o DemoOptions) error {
	d, err := newDemo(o)
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := d.sendDue(ctx, now); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
}

// demo is a running stream.
type demo struct {
	o        DemoOptions
	g        *Generator
	item     Item
	rng      *rand.Rand
	began    time.Time
	due      time.Time // of the next receipt
	reserved uint64    // receipt numbers below this may be used
}

// reserve is how many receipt numbers are reserved at a time: a process that is killed skips the rest of them.
const reserve = 4096

func newDemo(o DemoOptions) (*demo, error) {
	if o.Client == nil || o.Codec == nil || o.Partitions < 1 {
		return nil, errors.New("demo: Client, Codec and Partitions are required")
	}
	def(&o.Rate, 20)
	def(&o.Members, 20_000)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.StartAt == nil {
		o.StartAt = func() retail.Instant { return retail.Instant(time.Now().UnixMilli()) }
	}
	if o.Rate < 0 || o.Rate > 100_000 {
		return nil, fmt.Errorf("demo: a rate of %g receipts per second; want more than 0 and at most 100000", o.Rate)
	}
	first, err := readProgress(o.ResumeFile)
	if err != nil {
		return nil, err
	}
	g, err := New(Options{Seed: o.Seed, First: first, Partitions: o.Partitions, Members: o.Members, Shops: o.Shops, Effects: o.Effects, Encode: o.Codec.AppendReceipt,
		Trade: o.Trade, AnonymousBP: o.AnonymousBP, ReturnBP: o.ReturnBP})
	if err != nil {
		return nil, err
	}
	g.now = o.StartAt
	now := time.Now()
	return &demo{o: o, g: g, rng: rand.New(rand.NewPCG(o.Seed, first)), began: now, due: now, reserved: first}, nil
}

// sendDue produces what is due by now. After a pause of the process it does not try to catch up on more than a second.
func (d *demo) sendDue(ctx context.Context, now time.Time) error {
	if now.Sub(d.due) > time.Second {
		d.due = now.Add(-time.Second)
	}
	for !d.due.After(now) {
		if err := d.sendOne(ctx); err != nil {
			return err
		}
		d.due = d.due.Add(time.Duration(d.rng.ExpFloat64() / d.rate(now) * float64(time.Second)))
	}
	return nil
}

// rate swings by a fifth around the mean every few minutes.
func (d *demo) rate(now time.Time) float64 {
	phase := now.Sub(d.began).Seconds() / 240 * 2 * math.Pi
	return d.o.Rate * (1 + 0.2*math.Sin(phase))
}

func (d *demo) sendOne(ctx context.Context) error {
	if d.g.next+2 >= d.reserved {
		d.reserved = d.g.next + reserve
		if err := writeProgress(d.o.ResumeFile, d.reserved); err != nil {
			return err
		}
	}
	it := &d.item // reused: what is sent is a copy
	d.g.Next(it)
	r := &kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(it.Key), Value: it.Raw, Partition: it.Partition}
	if r.Value == nil {
		r.Value = d.o.Codec.AppendReceipt(nil, &it.Receipt)
	}
	d.o.Client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err != nil && ctx.Err() == nil {
			d.o.Logger.Warn("demo receipt was not accepted by the broker", "error", err)
		}
	})
	return nil
}

// progress is the content of the resume file.
type progress struct {
	Next uint64 `json:"next_receipt_number"`
}

func readProgress(path string) (uint64, error) {
	if path == "" {
		return 0, nil
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("demo progress: %w", err)
	}
	var p progress
	if err := json.Unmarshal(raw, &p); err != nil {
		return 0, fmt.Errorf("demo progress %s: %w (remove the file only together with the whole data directory: receipt numbers would repeat)", path, err)
	}
	return p.Next, nil
}

// writeProgress replaces the file as a whole.
func writeProgress(path string, next uint64) error {
	if path == "" {
		return nil
	}
	raw, err := json.Marshal(progress{next})
	if err != nil {
		return fmt.Errorf("demo progress: %w", err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("demo progress: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("demo progress: %w", err)
	}
	return nil
}
