package pipeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reading is how far a task has read the messages about budgets. It is a note: it commits with what reading them did.
type reading struct{ requests, grants int64 }

func (r *reading) of(topic string) int64 {
	if topic == schemas.TopicBudgetGrants {
		return r.grants
	}
	return r.requests
}

func (r *reading) move(topic string, next int64) {
	if topic == schemas.TopicBudgetGrants {
		r.grants = next
		return
	}
	r.requests = next
}

const readingVersion = 1

func (r *reading) append(dst []byte) []byte {
	return binary.AppendVarint(binary.AppendVarint(append(dst, readingVersion), r.requests), r.grants)
}

func (r *reading) decode(b []byte) error {
	if len(b) == 0 || b[0] != readingVersion {
		return fmt.Errorf("reading position of version %v is not known to this program; hint: upgrade it", b[:min(len(b), 1)])
	}
	requests, n := binary.Varint(b[1:])
	if n <= 0 {
		return errShort
	}
	grants, m := binary.Varint(b[1+n:])
	if m <= 0 || requests < 0 || grants < 0 {
		return errShort
	}
	r.requests, r.grants = requests, grants
	return nil
}

// budgetFeed reads the messages about budgets for the tasks of a member, outside of the group: from where each task's notes say, read committed. A
// change of tasks, or an abort, opens a new client: both are rare, and nothing that was fetched before can come afterwards.
type budgetFeed struct {
	opts  *Options
	cl    *kgo.Client
	tasks []*task
	fresh map[*task][]*kgo.Record
}

// budgetBatch bounds what one transaction takes in.
const budgetBatch = 5000

// close forgets everything; follow starts again. Safe on a feed that is not open.
func (f *budgetFeed) close() {
	if f.cl != nil {
		f.cl.Close()
	}
	f.cl, f.tasks = nil, nil
}

// follow makes sure that the messages for exactly these tasks are read.
func (f *budgetFeed) follow(tasks []*task) error {
	if f.cl != nil && slices.Equal(f.tasks, tasks) {
		return nil
	}
	f.close()
	if len(tasks) == 0 {
		return nil
	}
	requests, grants := map[int32]kgo.Offset{}, map[int32]kgo.Offset{}
	for _, t := range tasks {
		if err := t.desk.resume(); err != nil {
			return err
		}
		requests[t.partition] = kgo.NewOffset().At(t.desk.at.requests)
		grants[t.partition] = kgo.NewOffset().At(t.desk.at.grants)
	}
	cl, err := f.opts.client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicBudgetRequests: requests, schemas.TopicBudgetGrants: grants}))
	if err != nil {
		return err
	}
	f.cl, f.tasks = cl, slices.Clone(tasks)
	return nil
}

// poll returns what has been fetched, by task, without waiting.
func (f *budgetFeed) poll(ctx context.Context) (map[*task][]*kgo.Record, error) {
	if f.fresh == nil {
		f.fresh = map[*task][]*kgo.Record{}
	}
	clear(f.fresh)
	if f.cl == nil {
		return f.fresh, nil
	}
	var atOnce context.Context // nil: only what is buffered
	fetches := f.cl.PollRecords(atOnce, budgetBatch)
	if err := fetchError(ctx, fetches); err != nil {
		return nil, err
	}
	fetches.EachRecord(func(r *kgo.Record) {
		i := slices.IndexFunc(f.tasks, func(t *task) bool { return t.partition == r.Partition })
		f.fresh[f.tasks[i]] = append(f.fresh[f.tasks[i]], r)
	})
	return f.fresh, nil
}

// resume reads how far the notes say that messages have been taken.
func (d *desk) resume() error {
	v, found := d.t.part.Note(noteReading)
	if !found {
		d.at = reading{}
		return nil
	}
	if err := d.at.decode(v); err != nil {
		return d.damaged(noteReading, err)
	}
	return nil
}
