package pipeline

import (
	"context"
	"errors"
	"fmt"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A transaction of timers alone has no input offsets to commit. The session's own End does not fence such a one by the group's generation, and
// holds its lock for half a second after it (it takes the missing answer for an old broker's). So the offsets as they stand are committed here: a member
// that has lost its partitions is refused, and the next owner's offset fetch waits until this transaction has ended.
//
// The member id and generation are those from before the tasks were looked at. Taken at the commit they could be those of a membership that this process
// has won anew after it lost the partitions, and the broker would accept old work under the new generation: two seeds in two thousand did just that.
func (m *member) endIdle(ctx context.Context) (bool, error) {
	cl := m.sess.Client()
	err := error(kerr.UnknownMemberID)
	if m.pin.generation >= 0 { // without a generation a broker takes the commit from anybody: the tasks came after the pin
		err = m.commitStanding(ctx, cl)
	}
	if err != nil && !lostMembership(err) {
		return false, errors.Join(fmt.Errorf("commit standing offsets: %w", err), cl.EndTransaction(ctx, kgo.TryAbort))
	}
	if err != nil {
		m.p.log.Debug("idle transaction refused, aborting", "error", err)
		if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
			return false, fmt.Errorf("abort idle transaction: %w", err)
		}
		return false, nil
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return false, fmt.Errorf("end idle transaction: %w", err)
	}
	return true, nil
}

// commitStanding adds the tasks' input offsets, unchanged, to the open transaction under the member's generation.
func (m *member) commitStanding(ctx context.Context, cl *kgo.Client) error {
	id, epoch, err := cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	o := &m.p.opts
	add := kmsg.NewAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = o.transactionalID(), id, epoch, o.Group
	added, err := add.RequestWith(ctx, cl)
	if err = errors.Join(err, codeOf(added)); err != nil {
		return err
	}
	req := kmsg.NewTxnOffsetCommitRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = o.transactionalID(), o.Group, id, epoch
	req.MemberID, req.Generation = m.pin.member, m.pin.generation
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = schemas.TopicReceipts, m.p.receiptsID // newer brokers go by the id
	for _, t := range m.list {
		if t.commit.staged {
			part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			part.Partition, part.Offset = t.partition, t.next
			topic.Partitions = append(topic.Partitions, part)
		}
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	return offsetErrors(resp)
}

func codeOf(r *kmsg.AddOffsetsToTxnResponse) error {
	if r == nil {
		return nil
	}
	return kerr.ErrorForCode(r.ErrorCode)
}

func offsetErrors(r *kmsg.TxnOffsetCommitResponse) error {
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// lostMembership: the group has moved on without this member; aborting is all there is to do.
func lostMembership(err error) bool {
	for _, e := range []error{kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.RebalanceInProgress, kerr.FencedInstanceID, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.ConcurrentTransactions} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
