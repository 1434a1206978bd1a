package backtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// Options say what is simulated. Drafts is required.
type Options struct {
	Drafts  []*rules.Campaign
	Against []*rules.Campaign // every version of the live set; only read when Compare
	Compare bool              // the drafts join the live set, and members and shops are compared with the live set alone

	ShiftWeeks int            // all campaigns are moved by so many weeks
	AutoShift  bool           // ShiftWeeks was computed, see FitWeeks; only told
	From, To   retail.Instant // the archive's span when it is known; else that of the receipts

	Currency string // receipts in another are refused; empty accepts any
	Workers  int    // default 1
	Source   string // what the receipts are called in the report
	Live     string // what the live set is called in the report
	Progress func(done, total int64)

	Mixed bool // drafts may give into several wallets: only the sums of each campaign mean something then

	apart bool // judge every receipt in both worlds, for tests
}

// maxDrafts bounds what each member's state holds.
const maxDrafts = 64

// Run simulates the drafts over the receipts of the source.
func Run(ctx context.Context, src Source, o Options) (*Report, error) {
	o.Workers = max(o.Workers, 1)
	j, err := newJob(&o)
	if err != nil {
		return nil, err
	}
	workers := make([]*worker, o.Workers)
	for i := range workers {
		workers[i] = newWorker(j)
	}
	if err := j.pump(ctx, newFlow(src, o.Workers), workers); err != nil {
		return nil, err
	}
	if err := j.deliver(workers); err != nil {
		return nil, err
	}
	sum := newTally(j)
	for _, w := range workers {
		w.finish()
		sum.add(&w.tally)
	}
	return j.report(&sum, workers), nil
}

// pump runs reader, decoders and workers to the end of the source or the first failure.
func (j *job) pump(ctx context.Context, f *flow, workers []*worker) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(f.decode)
		wg.Go(func() {
			for p := range f.inbox[i] {
				for x := range p.pieces[i] {
					if err := w.piece(x, i); err != nil {
						cancel(err)
					}
					p.done(x)
				}
				f.done(p)
			}
		})
	}
	err := f.read(ctx, j.o.Progress)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// job is what all workers share, unchanged during the run.
type job struct {
	o        *Options
	drafts   []*rules.Campaign // as simulated: moved, and with the version they join the live set with
	original []*rules.Campaign // as given
	live     []*rules.Campaign // moved
	with     *rules.Ruleset
	without  *rules.Ruleset // nil unless compared
	subjects []subject      // drafts first, then the live campaigns by id
	draftAt  map[uint64]int // campaign key to subject
	liveAt   map[uint64]int
	policy   retail.Policy
	wallet   string // that the drafts give into
	perShop  bool   // some draft has a budget per shop
	shared   bool   // the worlds agree on a receipt that no draft concerns, see share.go
}

// subject is a campaign that the report has a row for.
type subject struct {
	id      string
	draft   bool
	version int32 // of a draft
	capped  bool  // of a live campaign: it has a member cap
}

func newJob(o *Options) (*job, error) {
	if len(o.Drafts) == 0 || len(o.Drafts) > maxDrafts {
		return nil, fmt.Errorf("simulate: %d campaigns; want 1 to %d", len(o.Drafts), maxDrafts)
	}
	j := &job{o: o, original: o.Drafts, draftAt: map[uint64]int{}, liveAt: map[uint64]int{}, policy: retail.DefaultPolicy()}
	j.policy.Currency, j.policy.MaxAgeMs = o.Currency, 0
	var err error
	if j.wallet, err = walletOf(o.Drafts); err != nil && !o.Mixed {
		return nil, err
	}
	if err := j.move(); err != nil {
		return nil, err
	}
	if err := j.compile(); err != nil {
		return nil, err
	}
	j.shared = j.mayShare()
	for _, c := range j.drafts {
		j.draftAt[rules.CampaignKey(c.ID)] = len(j.subjects)
		j.perShop = j.perShop || c.StoreBudget.Amount != 0
		j.subjects = append(j.subjects, subject{id: c.ID, draft: true, version: c.Version})
	}
	for _, id := range liveIDs(j.live) {
		j.liveAt[rules.CampaignKey(id)] = len(j.subjects)
		j.subjects = append(j.subjects, subject{id: id, capped: j.capped(id)})
	}
	return j, nil
}

// walletOf is what the drafts give into: their amounts are added up, and points and euros have no sum. Documents of levels or terms, and campaigns
// that give no amount, go with any.
func walletOf(drafts []*rules.Campaign) (string, error) {
	var first *rules.Campaign
	for _, c := range drafts {
		switch {
		case !c.Reward.Valued():
		case first == nil:
			first = c
		case first.Reward.Wallet != c.Reward.Wallet:
			return "", fmt.Errorf("simulate: %s gives into the wallet %q and %s into %q, and such amounts have no sum: simulate them one by one", first.ID, first.Reward.Wallet, c.ID, c.Reward.Wallet)
		}
	}
	if first == nil {
		return "", nil
	}
	return first.Reward.Wallet, nil
}

// move moves every campaign, live ones too, so that they stand to each other as they will.
func (j *job) move() error {
	top := map[string]int32{}
	if j.o.Compare {
		for _, c := range j.o.Against {
			top[c.ID] = max(top[c.ID], c.Version)
			m, err := j.moved(c)
			if err != nil {
				return err
			}
			j.live = append(j.live, m)
		}
	}
	for _, c := range j.o.Drafts {
		m, err := j.moved(c)
		if err != nil {
			return err
		}
		if last, known := top[c.ID]; known && m.Version <= last {
			next := *m
			next.Version, m = last+1, &next
		}
		j.drafts = append(j.drafts, m)
	}
	return nil
}

func (j *job) moved(c *rules.Campaign) (*rules.Campaign, error) {
	if j.o.ShiftWeeks == 0 {
		return c, nil
	}
	return c.Moved(j.o.ShiftWeeks)
}

func (j *job) compile() (err error) {
	for i, c := range j.drafts {
		for _, d := range j.drafts[:i] {
			if c.ID == d.ID {
				return fmt.Errorf("simulate: campaign %s is given twice", c.ID)
			}
		}
	}
	if j.with, err = rules.Compile(append(slices.Clone(j.live), j.drafts...)); err != nil {
		return err
	}
	if j.o.Compare {
		if j.without, err = rules.Compile(j.live); err != nil {
			return errors.Join(errors.New("the live set by itself"), err)
		}
	}
	return nil
}

// apart counts the live campaigns whose amounts are in another wallet than the drafts'.
func (j *job) apart() (n int) {
	newest := map[string]*rules.Campaign{}
	for _, c := range j.live {
		if old := newest[c.ID]; old == nil || old.Version < c.Version {
			newest[c.ID] = c
		}
	}
	for _, c := range newest {
		if c.Reward.Valued() && c.Reward.Wallet != j.wallet {
			n++
		}
	}
	return n
}

func liveIDs(live []*rules.Campaign) []string {
	var out []string
	for _, c := range live {
		out = append(out, c.ID)
	}
	slices.SortFunc(out, strings.Compare)
	return slices.Compact(out)
}

// subjectOf finds the row of a result; -1 for none.
func (j *job) subjectOf(r *rules.Result) int {
	if i, ok := j.draftAt[r.CampaignKey]; ok && j.subjects[i].version == r.Version {
		return i
	}
	if i, ok := j.liveAt[r.CampaignKey]; ok {
		return i
	}
	return -1
}
