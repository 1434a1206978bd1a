package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// session is one membership in the group, from joining to leaving. Whatever goes wrong ends it, and with it all that is in memory: the next
// one starts from what Kafka knows. Only the group's callbacks run on other goroutines; they touch parts, under mu.
type session struct {
	*Sink
	cl       *kgo.Client
	belongs  partitioner         // of receipts
	ids      map[[16]byte]string // topics by id: some answers carry no names
	blocks   map[string]*block   // by topic; all of them, empty or not
	order    []*block
	progress bool       // something was inserted and committed
	me       membership // when the records that we hold were polled; it cannot change while we hold any

	mu    sync.Mutex
	parts map[place]*part
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// part is an assigned partition.
type part struct {
	plan  *plan // found in Kafka when the partition came to us, until it is carried out
	from  int64 // where the plan begins
	carry []*kgo.Record
}

// session joins the group and copies until something ends it. It reports whether it got anything done.
func (s *Sink) session(ctx context.Context) (progress bool, err error) {
	x := &session{Sink: s, ids: map[[16]byte]string{}, blocks: map[string]*block{}, parts: map[place]*part{}}
	if err := x.lookUpTopics(ctx); err != nil {
		return false, err
	}
	for _, src := range sources() {
		b := x.newBlock(src)
		x.blocks[src.topic], x.order = b, append(x.order, b)
	}
	cl, err := kgo.NewClient(append(x.clientOpts(), s.opts.ClientOpts...)...)
	if err != nil {
		return false, fatalError{fmt.Errorf("kafka client: %w", err)}
	}
	x.cl = cl
	defer cl.Close() // leaves the group
	defer cl.AllowRebalance()
	err = x.run(ctx)
	return x.progress, err
}

func (x *session) newBlock(src source) *block {
	return &block{source: src, rows: src.make(&x.opts, x.belongs), spans: map[int32]*span{}}
}

func topicNames() []string {
	var names []string
	for _, src := range sources() {
		names = append(names, src.topic)
	}
	return names
}

func (x *session) clientOpts() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(x.opts.Brokers...), kgo.ClientID("cagnotte-sink"),
		kgo.ConsumerGroup(x.opts.Group), kgo.ConsumeTopics(topicNames()...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // deleted records must be noticed, not stepped over
		// An eager balancer, on purpose: a cooperative member joins the next generation before it gives anything up, so that the generation
		// would change under the records that we hold, and their plan would be refused.
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.Balancers(kgo.StickyBalancer()),
		kgo.SessionTimeout(10 * time.Second), kgo.HeartbeatInterval(2 * time.Second), kgo.RebalanceTimeout(60 * time.Second),
		kgo.FetchMaxBytes(16 << 20), kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.OnPartitionsAssigned(x.assigned), kgo.OnOffsetsFetched(x.offsetsFetched),
		kgo.OnPartitionsRevoked(x.lost), kgo.OnPartitionsLost(x.lost),
	}
}

// lookUpTopics learns how many partitions the receipts topic has, once all topics are there.
func (x *session) lookUpTopics(ctx context.Context) error {
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(x.opts.Brokers...), kgo.ClientID("cagnotte-sink")}, x.opts.ClientOpts...)...)
	if err != nil {
		return fatalError{fmt.Errorf("kafka client: %w", err)}
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, topicNames()...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	for _, name := range topicNames() {
		t := topics[name]
		if t.Err != nil || len(t.Partitions) == 0 {
			return fmt.Errorf("topic %s is not there yet: create the topics first: %w", name, errors.Join(t.Err, kerr.UnknownTopicOrPartition))
		}
		x.ids[t.ID] = name
	}
	partitions := int32(len(topics[schemas.TopicReceipts].Partitions))
	x.belongs = func(key string) int32 { return schemas.PartitionOf(key, partitions) }
	return nil
}

func (x *session) assigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for topic, partitions := range added {
		for _, p := range partitions {
			x.parts[place{topic, p}] = &part{}
		}
	}
}

// offsetsFetched finds the plans of the partitions that have just come to us.
func (x *session) offsetsFetched(_ context.Context, _ *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			topic := t.Topic
			if topic == "" {
				topic = x.ids[t.TopicID]
			}
			if b := x.blocks[topic]; b == nil || !b.pinned {
				continue
			}
			for _, p := range t.Partitions {
				x.found(place{topic, p.Partition}, p.Offset, p.Metadata)
			}
		}
	}
	return nil
}

func (x *session) found(at place, from int64, metadata *string) {
	held := x.parts[at]
	if held == nil || metadata == nil {
		return
	}
	if p, ok := parsePlan(*metadata, from); ok {
		held.plan, held.from = &p, from
	}
}

// lost forgets partitions. It never runs while blocks hold records: rebalances wait for that (BlockRebalanceOnPoll).
func (x *session) lost(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for topic, partitions := range gone {
		for _, p := range partitions {
			delete(x.parts, place{topic, p})
		}
	}
}

// run is the cycle: gather, flush, let the group rebalance.
func (x *session) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if !x.holding() {
			x.cl.AllowRebalance()
		}
		if err := x.redeem(ctx); err != nil {
			return err
		}
		if err := x.gather(ctx); err != nil {
			return err
		}
		if err := x.flush(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// holding reports whether records are in memory that are not in ClickHouse: until they are, the group may not take their partitions away.
func (x *session) holding() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.parts {
		if len(p.carry) > 0 {
			return true
		}
	}
	return x.records() > 0
}

func (x *session) records() (n int) {
	for _, b := range x.order {
		n += b.records
	}
	return n
}

func (x *session) bytes() (n int) {
	for _, b := range x.order {
		n += b.bytes
	}
	return n
}

// idlePoll bounds a poll when nothing waits for a flush, so that the group can rebalance.
const idlePoll = 500 * time.Millisecond

// gather fills the blocks until they are full, or their first record has waited long enough, or a plan has come with new partitions.
func (x *session) gather(ctx context.Context) error {
	if err := x.takeCarried(); err != nil {
		return err
	}
	deadline := time.Now().Add(idlePoll)
	if x.records() > 0 {
		deadline = time.Now().Add(x.opts.FlushInterval)
	}
	for x.records() < x.opts.MaxRows && x.bytes() < x.opts.MaxBytes {
		before := x.records()
		more, err := x.poll(ctx, deadline, x.opts.MaxRows-before)
		if err != nil {
			return err
		}
		if before == 0 && x.records() > 0 {
			deadline = time.Now().Add(x.opts.FlushInterval)
		}
		if !more || len(x.planned()) > 0 {
			return nil
		}
	}
	return nil
}

// poll takes what Kafka has, until the deadline. more is false when the deadline or ctx has ended.
func (x *session) poll(ctx context.Context, deadline time.Time, limit int) (more bool, err error) {
	pctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	fetches := x.cl.PollRecords(pctx, limit)
	if fetches.IsClientClosed() {
		return false, errors.New("kafka client closed")
	}
	if fetches.NumRecords() > 0 {
		x.me.member, x.me.generation = x.cl.GroupMetadata()
	}
	if err := fetchError(fetches); err != nil {
		return false, err
	}
	for iter := fetches.RecordIter(); !iter.Done(); {
		if err := x.route(iter.Next()); err != nil {
			return false, err
		}
	}
	return pctx.Err() == nil, nil
}

// fetchError sorts the errors of a poll. Those that a retry heals do not get here.
func fetchError(fetches kgo.Fetches) error {
	var failure error
	fetches.EachError(func(topic string, partition int32, err error) {
		var loss *kgo.ErrDataLoss
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		case errors.Is(err, kerr.OffsetOutOfRange), errors.As(err, &loss):
			failure = fatalError{fmt.Errorf("records of %s/%d were deleted before they were copied, or the topic was made anew: "+
				"check its retention, then set the group's offset by hand: %w", topic, partition, err)}
		case failure == nil:
			failure = fmt.Errorf("fetch %s/%d: %w", topic, partition, err)
		}
	})
	return failure
}

// route puts a record into its block, or keeps it for the plan of its partition.
func (x *session) route(r *kgo.Record) error {
	if x.carries(r) {
		return nil
	}
	return x.put(x.blocks[r.Topic], r)
}

func (x *session) carries(r *kgo.Record) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.parts[place{r.Topic, r.Partition}]
	if p == nil || p.plan == nil {
		return false
	}
	p.carry = append(p.carry, r)
	return true
}

// put takes a record into a block. A receipt that cannot be read is the pipeline's to report; anything else that cannot be read is our own.
func (x *session) put(b *block, r *kgo.Record) error {
	err := b.add(r)
	if err == nil {
		return nil
	}
	if s, ok := isSkip(err); ok {
		x.opts.Observer.skipped(r.Topic, s.Code)
		return nil
	}
	var bad *schemas.DecodeError
	switch {
	case errors.As(err, &bad) && bad.Retryable:
		return fmt.Errorf("%s/%d offset %d: the schema registry does not answer: %w", r.Topic, r.Partition, r.Offset, err)
	case errors.As(err, &bad) && r.Topic == schemas.TopicReceipts:
		b.cover(r)
		x.opts.Observer.skipped(r.Topic, string(bad.Code))
		return nil
	}
	return fatalError{fmt.Errorf("%s/%d offset %d cannot be read: %w", r.Topic, r.Partition, r.Offset, err)}
}

// takeCarried puts the records behind carried-out plans into their blocks.
func (x *session) takeCarried() error {
	x.mu.Lock()
	var carried []*kgo.Record
	for _, p := range x.parts {
		if p.plan == nil && len(p.carry) > 0 {
			carried = append(carried, p.carry...)
			p.carry = nil
		}
	}
	x.mu.Unlock()
	for _, r := range carried {
		if err := x.put(x.blocks[r.Topic], r); err != nil {
			return err
		}
	}
	return nil
}
