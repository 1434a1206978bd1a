package pipeline

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Goal: a decision that budgets have limited is derived again to the last step, and so is everything that follows from it: returns, caps, other awards of
// the account. Method: the simulation with budgets, its receipts judged once more with what its decisions say of budgets.
func TestReplayOfBudgets(t *testing.T) {
	codec := simCodec(t)
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: 2, rng: rand.New(rand.NewPCG(2, 7)), codec: codec, campaigns: simBudgetCampaigns}
		s.encore = s.sellOut
		s.after = s.replayBudgets
		time.Sleep(time.Hour)
		s.run()
	})
}

type place struct {
	partition int32
	offset    int64
}

func (s *sim) replayBudgets() {
	docs := s.readAll(schemas.TopicCampaigns)
	cuts, said := [simPartitions]map[int64][]BudgetCut{{}, {}}, map[place]string{}
	for _, r := range s.readAll(schemas.TopicDecisions) {
		var d schemas.ReceiptDecision
		if err := s.codec.DecodeDecision(r.Value, &d); err != nil {
			s.t.Fatal(err)
		}
		said[place{d.Partition, d.Offset}] = gist(d.Results)
		for _, res := range d.Results {
			for _, st := range res.Steps {
				if st.Code == rules.StepBudget || st.Code == rules.StepBudgetPacing || st.Code == rules.StepStoreBudget {
					c := BudgetCut{Campaign: fmt.Sprint(res.Campaign), Code: rules.StepCode(fmt.Sprint(st.Code)), Left: money.Amount(st.Expected)}
					cuts[d.Partition][d.Offset] = append(cuts[d.Partition][d.Offset], c)
				}
			}
		}
	}
	input, limited := s.readAll(schemas.TopicReceipts), 0
	for p := range int32(simPartitions) {
		limited += len(cuts[p])
		s.replayPartition(p, docs, input, cuts[p], said)
	}
	if limited < 20 {
		s.t.Errorf("budgets limited %d receipts: the replay proves nothing", limited)
	}
}

func (s *sim) replayPartition(p int32, docs, input []*kgo.Record, cuts map[int64][]BudgetCut, said map[place]string) {
	re, err := NewReplay(ReplayOptions{Codec: s.codec, Policy: retail.DefaultPolicy(), Partition: p, Partitions: simPartitions, Campaigns: docs, Cuts: cuts})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range input {
		if r.Partition != p {
			continue
		}
		got, err := re.Judge(r, docs[len(docs)-1].Offset+1)
		if err != nil {
			s.t.Fatal(err)
		}
		if want := said[place{p, r.Offset}]; gist(got.Results) != want {
			s.t.Fatalf("%s at %d of partition %d:\n got %s\nwant %s", got.Receipt, r.Offset, p, gist(got.Results), want)
		}
	}
	if err := re.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// gist is what a decision says, without what only one side keeps.
func gist(results []rules.Result) string {
	out := ""
	for _, r := range results {
		out += fmt.Sprintf("%s v%d %v %v basis %v desired %v granted %v by %q %+v\n", r.Campaign, r.Version, r.Arm, r.Outcome, r.Basis, r.Desired, r.Granted, r.CappedBy, r.Steps)
	}
	return out
}
