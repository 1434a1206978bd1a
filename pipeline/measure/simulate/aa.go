package simulate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"cagnotte/pipeline/measure"
)

// Options of the simulation of campaigns.
type Options struct {
	Campaigns int    // of each source of baskets
	Members   int    // of each campaign
	HoldoutBP int    // basis points of the members held out: 1 000 is 10 %
	Plan      int64  // total n at which the always-valid interval is tightest, measure.Options.PlanMembers
	Seed      uint64 // the same seed gives the same figures, whatever Workers is
	Workers   int    // how many campaigns are simulated at a time
	Progress  func(done, total int)
}

// DefaultOptions are those of the product: a tenth held out, planned for 20 000 members.
func DefaultOptions() Options {
	return Options{Campaigns: 2000, Members: 20_000, HoldoutBP: 1000, Plan: measure.DefaultOptions(measure.Relative).PlanMembers, Seed: 1, Workers: 1}
}

func (o Options) check(sources []*Baskets) error {
	switch {
	case len(sources) == 0:
		return errors.New("simulate: no baskets were given")
	case o.Campaigns < 1 || o.Campaigns > 1_000_000:
		return fmt.Errorf("simulate: %d campaigns, want 1 to 1000000", o.Campaigns)
	case o.Members < 10 || o.Members > 5_000_000:
		return fmt.Errorf("simulate: %d members, want 10 to 5000000", o.Members)
	case o.HoldoutBP < 1 || o.HoldoutBP > 9_999:
		return fmt.Errorf("simulate: %d basis points held out, want 1 to 9999", o.HoldoutBP)
	case o.Plan < 1:
		return fmt.Errorf("simulate: planned for %d members, want 1 or more", o.Plan)
	}
	return nil
}

// Lifts that are injected, multiplicatively, on what treated members spend. Zero is an A/A campaign.
func Lifts() []float64 { return []float64{0, 0.03, 0.05, 0.10} }

// Watching is what watching campaigns of one kind every hour led to. All shares are of Campaigns.
type Watching struct {
	Source    string  `json:"source"`   // of the baskets
	Counted   string  `json:"counted"`  // how members count: base, exposed, clock
	Adjusted  bool    `json:"adjusted"` // by the spend before (CUPED)
	Lift      float64 `json:"lift"`     // the truth
	Campaigns int     `json:"campaigns"`

	NoFigure int `json:"no_figure"` // campaigns that had no figure at the end

	FixedEver   float64 `json:"fixed_ever"`   // the fixed 95 % interval excluded zero at one look or more
	FixedEnd    float64 `json:"fixed_end"`    // it did so at the planned end: power, or the false-positive rate where the lift is zero
	FixedCover  float64 `json:"fixed_cover"`  // it held the truth at the end
	AlwaysEver  float64 `json:"always_ever"`  // the always-valid interval excluded zero at one look or more: power, or the false-positive rate
	AlwaysEnd   float64 `json:"always_end"`   // it did so at the end
	AlwaysCover float64 `json:"always_cover"` // it held the truth at every look
	WrongSign   float64 `json:"wrong_sign"`   // the always-valid interval was once on the wrong side of zero, where there is a lift

	FixedHalf   float64 `json:"fixed_half"`   // mean half width at the end
	AlwaysHalf  float64 `json:"always_half"`  // mean half width at the end
	MedianFirst int     `json:"median_first"` // hour of the first crossing, median of the campaigns that had one; 0 without
}

// Campaigns simulates campaigns over real baskets and watches each every hour for 28 days. It returns one row for each source, way of
// counting, adjustment and lift. Errors: options out of bounds, or that of the context.
func Campaigns(ctx context.Context, sources []*Baskets, o Options) ([]Watching, error) {
	if err := o.check(sources); err != nil {
		return nil, err
	}
	outcomes := make([]outcome, len(sources)*o.Campaigns)
	err := inParallel(ctx, o.Workers, len(outcomes), o.Progress, func() func(int) {
		c := &campaign{}
		return func(i int) {
			c.fill(i, sources[i/o.Campaigns], o, newRand(o.Seed, i))
			outcomes[i].observe(c, o)
		}
	})
	if err != nil {
		return nil, err
	}
	var rows []Watching
	for s, b := range sources {
		mine := outcomes[s*o.Campaigns : (s+1)*o.Campaigns]
		for v := range variants {
			rows = append(rows, summarise(b.Name, v, mine))
		}
	}
	return rows, nil
}

// newRand is the randomness of one campaign: its own, so that the others' order does not matter.
func newRand(seed uint64, i int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(i))) }

// inParallel runs n jobs on workers, each with what begin returns for itself. Jobs are taken in order; none starts after the context's end.
func inParallel(ctx context.Context, workers, n int, progress func(done, total int), begin func() func(int)) error {
	var next, done atomic.Int64
	var report sync.Mutex
	var group sync.WaitGroup
	for range max(1, min(workers, n)) {
		group.Go(func() {
			work := begin()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
				if finished := int(done.Add(1)); progress != nil {
					report.Lock()
					progress(finished, n)
					report.Unlock()
				}
			}
		})
	}
	group.Wait()
	return ctx.Err()
}
