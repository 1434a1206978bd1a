package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"cagnotte/schemas"
	"cagnotte/state"

	"github.com/twmb/franz-go/pkg/kgo"
)

// member is one life in the consumer group: a transactional session, its tasks and its state.
//
// Two goroutines meet here. The group's callbacks (onRevoked, adjustOffsets) run on the client's goroutine; everything else runs on the loop's.
// They share only the fields under mu. A callback never waits for a transaction to end - the session holds a lock that the end needs - so a
// revoked task is only marked, and the loop closes it after it has ended its transaction (which a revocation aborts).
type member struct {
	p     *Pipeline
	store *state.Store
	sess  *kgo.GroupTransactSession
	out   *outputs

	mu      sync.Mutex
	tasks   map[int32]*task // running
	gone    []*task         // revoked, to be closed by the loop
	closed  chan struct{}   // replaced and closed each time gone is emptied
	opened  chan struct{}   // closed once the dead life of this instance is fenced: no partition is restored before
	failure error           // of a callback: ends the session

	list  []*task // the loop's snapshot of tasks, by partition
	begun bool    // a transaction is open on this side
	pin   struct {
		member     string
		generation int32
	}
	feed  budgetFeed
	step  int // records of the next portion, see budgetpace.go
	event CommitEvent
}

func newMember(p *Pipeline, store *state.Store) *member {
	return &member{p: p, store: store, tasks: map[int32]*task{}, feed: budgetFeed{opts: &p.opts}, closed: make(chan struct{}), opened: make(chan struct{})}
}

// open joins the group. The dead life of this very instance is fenced before anything is read, so that none of its transactions stays open.
func (m *member) open(ctx context.Context) error {
	o := &m.p.opts
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...), kgo.ClientID(o.transactionalID()), kgo.TransactionalID(o.transactionalID()),
		// A static member: an instance that comes back within its session takes its partitions back at once, however it ended. One that stays away gives
		// them up when its session ends.
		kgo.ConsumerGroup(o.Group), kgo.InstanceID(o.transactionalID()), kgo.ConsumeTopics(schemas.TopicReceipts),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.BlockRebalanceOnPoll(), kgo.Balancers(o.balancer),
		kgo.SessionTimeout(o.SessionTimeout), kgo.HeartbeatInterval(o.SessionTimeout / 6), kgo.RebalanceTimeout(o.RebalanceTimeout),
		// Waiting longer than a rebalance lasts: otherwise two members that join in turn can each give up just before it would complete.
		kgo.RequestTimeoutOverhead(o.RebalanceTimeout + 5*time.Second),
		kgo.TransactionTimeout(o.TransactionTimeout), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(200_000),
		kgo.ProducerBatchMaxBytes(32<<20 - 1024), // a record of any size that was let in can become a dead letter
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.FetchMaxPartitionBytes(4 << 20), kgo.FetchMaxBytes(32 << 20),
		kgo.FetchMaxWait(100 * time.Millisecond), kgo.KeepControlRecords(), // markers move the position, so that a task knows when it has caught up
		kgo.OnPartitionsRevoked(m.onRevoked), kgo.OnPartitionsLost(m.onRevoked), kgo.AdjustFetchOffsetsFn(m.adjustOffsets),
	}
	sess, err := kgo.NewGroupTransactSession(append(opts, o.ClientOpts...)...)
	if err != nil {
		return fmt.Errorf("transactional session: %w", err)
	}
	m.sess, m.out = sess, newOutputs(sess, o)
	fenceCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, _, err := sess.Client().ProducerID(fenceCtx); err != nil {
		return fmt.Errorf("init transactional id %s: %w", o.transactionalID(), err)
	}
	close(m.opened)
	return nil
}

// onRevoked marks tasks as gone. Kafka has either already taken the partitions (lost) or waits for us to let go; in both cases the open
// transaction will abort, and the next owner restores from the log, so there is nothing to wait for here.
func (m *member) onRevoked(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, part := range parts[schemas.TopicReceipts] {
		if t := m.tasks[part]; t != nil {
			delete(m.tasks, part)
			m.gone = append(m.gone, t)
		}
	}
}

// adjustOffsets is where assigned partitions become tasks: it runs after the group's offsets were fetched (stable) and before the first record
// is, restores each partition to the end of its changelog and lets the COMMIT record say where to go on.
func (m *member) adjustOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	select {
	case <-m.opened:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	mine := offsets[schemas.TopicReceipts]
	parts := make([]int32, 0, len(mine))
	for part := range mine {
		parts = append(parts, part)
	}
	slices.Sort(parts)
	tasks, err := m.restoreAll(ctx, parts, mine)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failure = err
		return nil, err
	}
	for _, t := range tasks {
		m.tasks[t.partition] = t
		mine[t.partition] = kgo.NewOffset().At(t.next).WithEpoch(-1)
	}
	return offsets, nil
}

// waitClosed waits until the loop has closed a former task of the partition, whose directory a new one needs.
func (m *member) waitClosed(ctx context.Context, part int32) error {
	for {
		m.mu.Lock()
		busy := slices.ContainsFunc(m.gone, func(t *task) bool { return t.partition == part })
		closed := m.closed
		m.mu.Unlock()
		if !busy {
			return nil
		}
		select {
		case <-closed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reap closes the tasks that are gone and refreshes the loop's snapshot. Called between transactions only.
func (m *member) reap() error {
	m.mu.Lock()
	gone := m.gone
	failure := m.failure
	m.list = m.list[:0]
	for _, t := range m.tasks {
		m.list = append(m.list, t)
	}
	m.mu.Unlock()
	slices.SortFunc(m.list, byPartition)
	var err error
	for _, t := range gone {
		m.p.opts.Observer.revoked(t.partition)
		if cerr := t.close(); cerr != nil && err == nil {
			err = cerr
		}
	}
	if len(gone) > 0 {
		m.mu.Lock()
		m.gone = m.gone[len(gone):]
		close(m.closed)
		m.closed = make(chan struct{})
		m.mu.Unlock()
	}
	if failure != nil {
		return failure
	}
	return err
}

func byPartition(a, b *task) int { return int(a.partition - b.partition) }

// close leaves the group and closes what is still open; committed state is written back first.
func (m *member) close() error {
	m.feed.close()
	if m.sess != nil {
		m.sess.CloseAllowingRebalance()
	}
	m.mu.Lock()
	for part, t := range m.tasks {
		m.gone = append(m.gone, t)
		delete(m.tasks, part)
	}
	m.mu.Unlock()
	return m.reap()
}
