// Package peers holds the yardsticks of the benchmark: what the broker and the libraries allow on this machine, beside which the product's figures
// mean something.
//
// Copy is the pass-through: the product's transactions and the product's output bytes, and no work. Thin adds the two things that nobody can do
// without: decoding the receipt and keeping a value per account in Pebble, written back behind the log. It has no rules, no idempotency, no timers
// and no recovery: it is a yardstick, not a design.
package peers

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options say what a yardstick does. All fields but StateDir are required.
type Options struct {
	Brokers    []string
	Codec      *schemas.Codec
	Group      string // of its own: its committed offsets are its progress
	Partitions int32
	Outputs    []Output // what to write for each receipt
	Thin       bool     // decode, and keep state
	StateDir   string   // of Thin
	Accounts   int      // of Thin: accounts kept as objects; default 400,000

	CommitInterval time.Duration // default 50 ms
	MaxRecords     int           // per transaction; default 5,000
}

// Output is what the product writes to one topic, on average.
type Output struct {
	Topic      string   `json:"topic"`
	PerReceipt float64  `json:"per_receipt"` // records
	Bytes      float64  `json:"bytes"`       // of a record's key and value
	samples    [][]byte // values, in turn
}

// Measure reads the output topics of a product that has processed the given number of receipts: how many records it wrote, how large, and samples of
// them, so that the yardsticks write the same bytes.
func Measure(ctx context.Context, brokers []string, receipts int64) ([]Output, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return nil, fmt.Errorf("measure outputs: %w", err)
	}
	defer cl.Close()
	var out []Output
	for _, topic := range []string{schemas.TopicLedger, schemas.TopicBalances, schemas.TopicDecisions, schemas.TopicMetrics, schemas.TopicDeadLetters, schemas.TopicChangelog} {
		records, err := dataRecords(ctx, kadm.NewClient(cl), topic)
		if err != nil {
			return nil, err
		}
		if records == 0 {
			continue
		}
		o := Output{Topic: topic, PerReceipt: float64(records) / float64(receipts)}
		if err := o.sample(ctx, brokers); err != nil {
			return nil, err
		}
		if len(o.samples) > 0 {
			out = append(out, o)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("measure outputs: the product has written nothing")
	}
	return out, nil
}

// dataRecords counts offsets; markers are among them, one per transaction and partition, which is one in hundreds of records.
func dataRecords(ctx context.Context, adm *kadm.Client, topic string) (int64, error) {
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", topic, err)
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("measure %s: %w", topic, err)
	}
	n := int64(0)
	ends.Each(func(e kadm.ListedOffset) {
		if s, ok := starts.Lookup(topic, e.Partition); ok {
			n += e.Offset - s.Offset
		}
	})
	return n, nil
}

// maxSamples is how many values of a topic are kept.
const maxSamples = 2000

func (o *Output) sample(ctx context.Context, brokers []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(o.Topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxPartitionBytes(256<<10))
	if err != nil {
		return fmt.Errorf("sample %s: %w", o.Topic, err)
	}
	defer cl.Close()
	sum := 0
	for len(o.samples) < maxSamples {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		f := cl.PollFetches(ctx)
		cancel()
		if f.NumRecords() == 0 {
			break
		}
		f.EachRecord(func(r *kgo.Record) {
			if len(o.samples) < maxSamples {
				o.samples = append(o.samples, append([]byte(nil), r.Value...))
				sum += len(r.Value) + len(r.Key)
			}
		})
	}
	if len(o.samples) > 0 {
		o.Bytes = float64(sum) / float64(len(o.samples))
	}
	return nil
}

// peer is a running yardstick.
type peer struct {
	o       Options
	sess    *kgo.GroupTransactSession
	debt    []float64 // records owed, by output
	next    []int     // sample to write next, by output
	slab    []kgo.Record
	state   *writeBack
	receipt retail.Receipt
}

// Run processes receipts until ctx ends. Its transactions are as long as the product's.
func Run(ctx context.Context, o Options) error {
	if o.CommitInterval == 0 {
		o.CommitInterval = 50 * time.Millisecond
	}
	if o.MaxRecords == 0 {
		o.MaxRecords = 5000
	}
	if o.Accounts == 0 {
		o.Accounts = 400_000
	}
	p := &peer{o: o, debt: make([]float64, len(o.Outputs)), next: make([]int, len(o.Outputs))}
	if err := p.open(ctx); err != nil {
		return err
	}
	defer p.sess.Close()
	err := p.loop(ctx)
	if p.state != nil {
		err = errors.Join(err, p.state.close())
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// open makes the topics and joins the group with the same settings as the product.
func (p *peer) open(ctx context.Context) error {
	adm, err := kgo.NewClient(kgo.SeedBrokers(p.o.Brokers...))
	if err != nil {
		return fmt.Errorf("yardstick: %w", err)
	}
	defer adm.Close()
	for i := range p.o.Outputs {
		if err := createTopic(ctx, kadm.NewClient(adm), p.topic(i), p.o.Partitions); err != nil {
			return err
		}
	}
	if p.o.Thin {
		if p.state, err = openWriteBack(p.o.StateDir, p.o.Accounts); err != nil {
			return err
		}
	}
	p.sess, err = kgo.NewGroupTransactSession(
		kgo.SeedBrokers(p.o.Brokers...), kgo.TransactionalID(p.o.Group), kgo.ConsumerGroup(p.o.Group), kgo.ConsumeTopics(schemas.TopicReceipts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(200_000), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(4<<20), kgo.FetchMaxBytes(32<<20), kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return fmt.Errorf("yardstick: %w", err)
	}
	return nil
}

// topic is where an output goes: a topic of the yardstick's own.
func (p *peer) topic(i int) string { return p.o.Group + "." + p.o.Outputs[i].Topic }

func createTopic(ctx context.Context, adm *kadm.Client, name string, partitions int32) error {
	limit := "33554432"
	r, err := adm.CreateTopic(ctx, partitions, 1, map[string]*string{"max.message.bytes": &limit}, name)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return nil
}

func (p *peer) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.transaction(ctx); err != nil {
			return err
		}
		if p.state != nil {
			if err := p.state.tick(); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (p *peer) transaction(ctx context.Context) error {
	if err := p.sess.Begin(); err != nil {
		return fmt.Errorf("yardstick: begin: %w", err)
	}
	p.slab = p.slab[:0]
	n, end := 0, time.Now().Add(p.o.CommitInterval)
	for n < p.o.MaxRecords {
		wait, cancel := context.WithDeadline(ctx, end)
		f := p.sess.PollRecords(wait, p.o.MaxRecords-n)
		cancel()
		if f.NumRecords() == 0 {
			break
		}
		var failed error
		f.EachRecord(func(r *kgo.Record) {
			n++
			failed = errors.Join(failed, p.process(ctx, r))
		})
		if failed != nil {
			return failed
		}
	}
	ok, err := p.sess.End(context.WithoutCancel(ctx), kgo.TryCommit)
	if err != nil || !ok && n > 0 {
		return fmt.Errorf("yardstick: commit: committed %t: %w", ok, err)
	}
	return nil
}

// process does the work for one receipt and writes what the product would have written.
func (p *peer) process(ctx context.Context, r *kgo.Record) error {
	if p.state != nil {
		if err := p.o.Codec.DecodeReceipt(r.Value, &p.receipt); err == nil && p.receipt.Loyalty.AccountID != "" {
			if err := p.state.use(&p.receipt); err != nil {
				return err
			}
		}
	}
	for i := range p.o.Outputs {
		out := &p.o.Outputs[i]
		for p.debt[i] += out.PerReceipt; p.debt[i] >= 1; p.debt[i]-- {
			p.next[i] = (p.next[i] + 1) % len(out.samples)
			p.sess.Produce(ctx, p.record(p.topic(i), r, out.samples[p.next[i]]), nil)
		}
	}
	return nil
}

// record takes one from the slab: what was produced is flushed at the end of each transaction, so slabs are reused. A slab that is full is left to the
// client and replaced.
func (p *peer) record(topic string, from *kgo.Record, value []byte) *kgo.Record {
	if len(p.slab) == cap(p.slab) {
		p.slab = make([]kgo.Record, 0, max(2*cap(p.slab), 4096))
	}
	p.slab = append(p.slab, kgo.Record{Topic: topic, Partition: from.Partition, Key: from.Key, Value: value})
	return &p.slab[len(p.slab)-1]
}

// BytesPerReceipt sums the outputs.
func BytesPerReceipt(outputs []Output) float64 {
	sum := 0.0
	for _, o := range outputs {
		sum += o.PerReceipt * o.Bytes
	}
	return sum
}

// Sorted returns the outputs by topic.
func Sorted(outputs []Output) []Output {
	out := append([]Output(nil), outputs...)
	sort.Slice(out, func(i, j int) bool { return out[i].Topic < out[j].Topic })
	return out
}
