package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// rulesFeed follows the campaigns topic and publishes compiled rulesets. The version of a ruleset is the topic's next offset: all tasks of all
// instances that have read as far hold the same rules. A document that does not compile is logged and left out; it never stops the stream
// (the publisher refuses it before it gets here).
type rulesFeed struct {
	cl      *kgo.Client
	log     *slog.Logger
	docs    map[string]*rules.Campaign // by id and version
	order   []string                   // keys of docs in arrival order, so that compilation does not depend on map order
	next    int64
	current atomic.Pointer[rules.Ruleset]
}

// openRules reads the topic to its end and compiles. Close the feed after use.
func openRules(ctx context.Context, o *Options) (*rulesFeed, error) {
	cl, err := o.client(kgo.ConsumeTopics(schemas.TopicCampaigns), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	f := &rulesFeed{cl: cl, log: o.Logger, docs: map[string]*rules.Campaign{}}
	if err := f.catchUp(ctx); err != nil {
		cl.Close()
		return nil, err
	}
	return f, nil
}

func (f *rulesFeed) close() { f.cl.Close() }

// ruleset returns the newest compiled rules. Safe for concurrent use.
func (f *rulesFeed) ruleset() *rules.Ruleset { return f.current.Load() }

func (f *rulesFeed) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(f.cl).ListCommittedOffsets(ctx, schemas.TopicCampaigns)
	if err != nil {
		return fmt.Errorf("campaigns topic: %w", err)
	}
	end, _ := ends.Lookup(schemas.TopicCampaigns, 0)
	// A trailing control record or compaction can leave the last offsets unreadable: an empty poll after the records were seen is the end too.
	for empty := 0; f.next < end.Offset && empty < 3; {
		if n := f.poll(ctx, 500*time.Millisecond); n == 0 {
			empty++
		}
		if ctx.Err() != nil {
			return fmt.Errorf("campaigns topic: %w", ctx.Err())
		}
	}
	return f.compile()
}

// follow applies later publications until ctx ends.
func (f *rulesFeed) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if f.poll(ctx, 5*time.Second) == 0 {
			continue
		}
		if err := f.compile(); err != nil {
			f.log.Error("campaigns do not compile, the last good rules stay", "error", err)
		}
	}
}

// poll takes what is there and returns how many records came.
func (f *rulesFeed) poll(ctx context.Context, wait time.Duration) int {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	n := 0
	f.cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
		n++
		f.next = r.Offset + 1
		f.add(r)
	})
	return n
}

func (f *rulesFeed) add(r *kgo.Record) {
	c, diags := rules.Parse(string(r.Key), r.Value)
	if c == nil {
		f.log.Error("campaign document left out", "campaign", string(r.Key), "offset", r.Offset, "problems", diags)
		return
	}
	key := fmt.Sprintf("%s@%d", c.ID, c.Version)
	first, seen := f.docs[key]
	if !seen {
		f.order = append(f.order, key)
	} else if first.Budget != c.Budget {
		f.log.Error("a published version never changes, its budget least of all: the first document stays", "campaign", key, "offset", r.Offset)
		return
	}
	f.docs[key] = c
}

func (f *rulesFeed) compile() error {
	list := make([]*rules.Campaign, 0, len(f.order))
	for _, key := range f.order {
		list = append(list, f.docs[key])
	}
	rs, err := rules.Compile(list)
	if err != nil {
		return fmt.Errorf("compile campaigns: %w", err)
	}
	f.current.Store(rs.WithVersion(f.next))
	f.log.Info("campaigns live", "count", len(list), "ruleset_version", f.next)
	return nil
}
