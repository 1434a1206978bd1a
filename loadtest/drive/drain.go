package drive

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ends is the offset after the last committed data record of each partition of the topics. What lies beyond it is markers of transactions, which no
// consumer commits.
type ends map[string]map[int32]int64

// ender finds ends. It remembers those of partitions that have not grown.
type ender struct {
	brokers []string
	adm     *kadm.Client
	known   map[place]known
}

type place struct {
	topic     string
	partition int32
}

type known struct{ stable, data int64 }

// read finds the ends that the topics have now.
func (e *ender) read(ctx context.Context, topics ...string) (ends, error) {
	adm := e.adm
	starts, err := adm.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("ends of topics: %w", err)
	}
	stable, err := adm.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("ends of topics: %w", err)
	}
	out := ends{}
	var failed error
	stable.Each(func(o kadm.ListedOffset) {
		start, _ := starts.Lookup(o.Topic, o.Partition)
		end, err := e.end(ctx, place{o.Topic, o.Partition}, start.Offset, o.Offset)
		if err != nil || o.Err != nil {
			failed = fmt.Errorf("end of %s-%d: %w", o.Topic, o.Partition, firstOf(err, o.Err))
			return
		}
		if out[o.Topic] == nil {
			out[o.Topic] = map[int32]int64{}
		}
		out[o.Topic][o.Partition] = end
	})
	return out, failed
}

func (e *ender) end(ctx context.Context, at place, start, stable int64) (int64, error) {
	if k, ok := e.known[at]; ok && k.stable == stable {
		return k.data, nil
	}
	data, err := lastData(ctx, e.brokers, at.topic, at.partition, start, stable)
	if err == nil {
		e.known[at] = known{stable, data}
	}
	return data, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// lastData looks back from the end until it finds a data record, and returns the offset after it; start when there is none.
func lastData(ctx context.Context, brokers []string, topic string, partition int32, start, end int64) (int64, error) {
	for window := int64(64); end > start; window *= 8 {
		from := max(start, end-window)
		last, err := lastIn(ctx, brokers, topic, partition, from, end)
		if err != nil || last > 0 || from == start {
			return max(last, start), err
		}
	}
	return start, nil
}

func lastIn(ctx context.Context, brokers []string, topic string, partition int32, from, end int64) (int64, error) {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
	)
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	last := int64(0)
	for next := from; next < end; {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			return 0, err
		}
		f.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() && r.Offset < end {
				last = next
			}
		})
	}
	return last, nil
}

// behind counts how many records a group has still to read up to the ends.
func behind(ctx context.Context, adm *kadm.Client, group string, e ends) (int64, error) {
	committed, err := adm.FetchOffsets(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("offsets of group %s: %w", group, err)
	}
	left := int64(0)
	for topic, parts := range e {
		for p, end := range parts {
			at := int64(0)
			if o, ok := committed.Lookup(topic, p); ok && o.Err == nil {
				at = max(o.At, 0)
			}
			left += max(end-at, 0)
		}
	}
	return left, nil
}

// drain waits until a group has read its topics to their ends, and these and the watched topics have stopped growing for a while. It polls through
// restarts of brokers.
func drain(ctx context.Context, brokers []string, group string, still time.Duration, topics, watched []string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RetryTimeout(20*time.Second))
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	e := &ender{brokers: brokers, adm: adm, known: map[place]known{}}
	var before ends
	since, last := time.Now(), int64(-1)
	for {
		read, err := e.read(ctx, topics...)
		var grown ends
		if err == nil {
			last, err = behind(ctx, adm, group, read)
		}
		if err == nil && last == 0 {
			grown, err = e.read(ctx, append(append([]string{}, topics...), watched...)...)
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("drain: group %s is %d records behind: %w", group, last, firstOf(err, ctx.Err()))
		case err != nil || last > 0 || !grown.equal(before):
			before, since = grown, time.Now()
		case time.Since(since) >= still:
			return nil
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("drain: group %s is %d records behind: %w", group, last, err)
		}
	}
}

// handedOver waits until a member that has ended is out of the group and the others have its partitions: until then nobody would fire the timers of
// its accounts. Members are static: the group waits for one until its session ends.
func handedOver(ctx context.Context, brokers []string, group, instance string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return fmt.Errorf("hand-over: %w", err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	for {
		groups, err := adm.DescribeGroups(ctx, group)
		g := groups[group]
		if err == nil && g.Err == nil && g.State == "Stable" && !slices.ContainsFunc(g.Members, func(m kadm.DescribedGroupMember) bool { return m.InstanceID != nil && *m.InstanceID == instance }) {
			return nil
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("group %s still has %s: %w", group, instance, err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e ends) equal(o ends) bool {
	if len(e) != len(o) {
		return false
	}
	for topic, parts := range e {
		for p, end := range parts {
			if o[topic][p] != end {
				return false
			}
		}
	}
	return true
}
