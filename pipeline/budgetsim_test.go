package pipeline

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cagnotte/pipeline/budget"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Campaigns that want several times their budgets: one whose returns are granted again, one gross, two that compete, one of which every shop has a part
// per day, and one whose budget comes with the time.
var simBudgets = map[string]money.Amount{"recycled": 100_00, "gross": 6_00, "rival-a": 40_00, "rival-b": 20_00, "shops": 8_00, "paced": 100_000_00}

// simStoreBudget is what each shop may give of shops a day.
const simStoreBudget = 3_00

var simBudgetCampaigns = []string{`
id: recycled
version: 1
name: {fr: "Recyclé", en: "Recycled"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {percent: 10, max_per_member: {amount: 25.00, per: campaign}}
budget: {total: 100.00}
`, `
id: gross
version: 1
name: {fr: "Brut", en: "Gross"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {fixed: 0.50}
budget: {total: 6.00, recycle: false}
`, `
id: rival-a
version: 1
name: {fr: "Rivale A", en: "Rival A"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
lines: {category: [GROCERY]}
reward: {percent: 20}
stacking: {group: rivals, mode: best_for_member}
budget: {total: 40.00}
`, `
id: rival-b
version: 1
name: {fr: "Rivale B", en: "Rival B"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {ladder: [{spend: 20.00, get: 1.00}, {spend: 50.00, get: 3.00}]}
stacking: {group: rivals, mode: best_for_member}
budget: {total: 20.00, recycle: false}
`, `
id: shops
version: 1
name: {fr: "Magasins", en: "Shops"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {fixed: 0.40}
budget: {total: 8.00, recycle: false, per_store: {amount: 3.00, per: day}}
`, `
id: paced
version: 1
name: {fr: "Progressive", en: "Paced"}
window: {from: 2000-01-01, to: 2001-12-31, tz: UTC}
reward: {fixed: 0.30}
budget: {total: 100000.00, recycle: false, pacing: even}
`}

// Goal: budgets are never overshot (I5), whatever dies, freezes or is refused, and leases say what was granted. Method: the seeded simulation with
// campaigns that want far more than their budgets. Checked: the running sum of every budget at every decision, that every book stays within its total
// at every commit, that what the leases say is what the decisions gave, and that no budget is left unused while members were refused.
//
// What is granted to whom near the end of a budget depends on when grants arrive, so it is not compared with a quiet run: the sum is what is promised.
func TestBudgetSimulation(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 4
	}
	codec := simCodec(t)
	crashes, share, n := 0, 0.0, 0
	for seed := uint64(1); seed <= seeds && !t.Failed(); seed++ {
		res := simulateBudgets(t, codec, seed)
		crashes += res.crashes
		for id, total := range simBudgets {
			if id == "paced" {
				continue
			}
			share, n = share+float64(res.used[id])/float64(total), n+1
			if res.used[id]*1000 < total*995 {
				t.Errorf("seed %d: %s: %v of %v used", seed, id, res.used[id], total)
			}
		}
	}
	t.Logf("%d seeds, %d crashes, %d budgets: 0 overshot, %.2f %% used on average", seeds, crashes, n, 100*share/float64(n))
}

type budgetResult struct {
	used    map[string]money.Amount
	crashes int
}

func simulateBudgets(t *testing.T, codec *schemas.Codec, seed uint64) (res budgetResult) {
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: seed, faults: seed%4 > 0, rng: rand.New(rand.NewPCG(seed, 7)), codec: codec, campaigns: simBudgetCampaigns}
		s.encore = s.sellOut
		s.after = func() { res.used = s.checkBudgets() }
		time.Sleep(time.Hour)
		res.crashes = s.run().crashes
	})
	return res
}

// Goal: a task that works off a backlog does not cut awards for want of a grant that is on its way. Method: 1 600 sales wait before the instance comes,
// enough for budgets to be used up within one of its transactions, if it took them as fast as it can. Checked: besides what is always checked, all
// money is given, and no award is cut before most of it is.
func TestBudgetCatchUp(t *testing.T) {
	codec := simCodec(t)
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: 1, rng: rand.New(rand.NewPCG(1, 7)), codec: codec, campaigns: simBudgetCampaigns, batch: 5000}
		s.prelude = func() { s.sell(1600, 20, 0) }
		s.after = func() {
			used, early := s.checkBudgets(), s.firstCuts()
			for id, enough := range map[string]int{"recycled": 570, "rival-a": 400} { // so many sales want the whole budget
				if total := simBudgets[id]; used[id]*1000 < total*995 || early[id] < enough/2 {
					t.Errorf("%s: %v of %v used, and the first award that was cut is that of sale %d", id, used[id], total, early[id])
				}
			}
		}
		time.Sleep(time.Hour)
		s.run()
	})
}

// firstCuts returns the number of the first sale of the backlog whose award was cut, by campaign, in the partition where that came last: one whose backlog
// is taken after the others' finds nothing left.
func (s *sim) firstCuts() map[string]int {
	first, late := [simPartitions]map[string]int{{}, {}}, map[string]int{}
	for _, r := range s.readAll(schemas.TopicDecisions) {
		var d schemas.ReceiptDecision
		if err := s.codec.DecodeDecision(r.Value, &d); err != nil {
			s.t.Fatal(err)
		}
		number := 0
		if _, err := fmt.Sscanf(string(d.Receipt), "r%d", &number); err != nil || number < 1000 {
			continue
		}
		for _, res := range d.Results {
			id := strings.Clone(res.Campaign)
			if _, known := first[r.Partition][id]; res.CappedBy == "budget" && !known {
				first[r.Partition][id] = number - 1000
				late[id] = max(late[id], number-1000)
			}
		}
	}
	return late
}

// sellOut streams sales that every budgeted campaign wants to reward, in every partition: demand goes on after the last fault, as it does in shops.
func (s *sim) sellOut() { s.sell(150, 1, 150*time.Millisecond) }

// sell sends n sales, a part of the usual price each.
func (s *sim) sell(n int, part money.Amount, pause time.Duration) {
	cl := s.client(&simNet{stack: &s.stack}, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	for i := range n {
		rec := s.blank(1000+i, retail.Sale)
		rec.EndedAt = retail.Instant(time.Now().UnixMilli())
		rec.Shop.ID = retail.ShopID(fmt.Sprintf("S%d", 1+i%3))
		rec.Loyalty.AccountID = retail.AccountID(fmt.Sprintf("b%02d", i%40+1000*(i/600)))
		category, net := "GROCERY/COFFEE", money.Amount(2000)
		if i%2 == 1 {
			category, net = "FRESH/FRUIT", 5000
		}
		net /= part
		rec.Lines = []retail.Line{{No: 1, Kind: retail.SaleLine, SKU: "s", Category: category, QuantityMilli: 1000, Unit: retail.Each, UnitPrice: net, Gross: net, Net: net}}
		rec.Total = net
		r := &kgo.Record{Topic: schemas.TopicReceipts, Partition: schemas.PartitionOf(rec.Key(), simPartitions), Value: s.codec.AppendReceipt(nil, rec)}
		if err := cl.ProduceSync(s.t.Context(), r).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(pause)
	}
}

// checkBudgets reads what the run left in the topics.
func (s *sim) checkBudgets() map[string]money.Amount {
	stands := s.sumDecisions()
	used := map[string]money.Amount{}
	for _, l := range s.lastLeases() {
		used[l.budget] += l.Used()
	}
	for id := range stands {
		if used[id] != stands[id] {
			s.t.Errorf("seed %d: %s: the leases say %v, the decisions gave %v", s.seed, id, used[id], stands[id])
		}
	}
	if used["paced"] == 0 || len(used) <= len(simBudgets) {
		s.t.Errorf("seed %d: %v: leases of shops or of what is paced were not used: the simulation proves nothing", s.seed, used)
	}
	return used
}

// sumDecisions adds up what every decision gave, in the order of appending, and refuses the first that overshoots.
func (s *sim) sumDecisions() map[string]money.Amount {
	stands, bound := map[string]money.Amount{}, map[rules.StepCode]bool{}
	records := s.readAll(schemas.TopicDecisions)
	sortByTime(records)
	for _, r := range records {
		var d schemas.ReceiptDecision
		if err := s.codec.DecodeDecision(r.Value, &d); err != nil {
			s.t.Fatal(err)
		}
		for _, res := range d.Results {
			id := strings.Clone(res.Campaign)
			if res.Granted > 0 || id == "recycled" || id == "rival-a" {
				stands[id] += res.Granted
			}
			if res.CappedBy == "budget" {
				bound[res.Steps[len(res.Steps)-1].Code] = true
			}
			s.checkPart(stands, &d, &res, r.Timestamp)
			if stands[id] > simBudgets[id] {
				s.t.Fatalf("seed %d: %s stands at %v of a budget of %v after receipt %s", s.seed, id, stands[id], simBudgets[id], d.Receipt)
			}
		}
	}
	if len(bound) != 3 {
		s.t.Errorf("seed %d: of total, pacing and per_store only %v have bound", s.seed, bound)
	}
	return stands
}

// checkPart holds a result against what its shop may give that day, and against what is released by its time.
func (s *sim) checkPart(stands map[string]money.Amount, d *schemas.ReceiptDecision, res *rules.Result, at time.Time) {
	if res.Granted <= 0 {
		return
	}
	switch res.Campaign {
	case "shops":
		name := "shops/d" + time.UnixMilli(int64(d.EndedAt)).UTC().Format("20060102") + "/" + string(d.Shop)
		if stands[name] += res.Granted; stands[name] > simStoreBudget {
			s.t.Fatalf("seed %d: %s stands at %v of %v after receipt %s", s.seed, name, stands[name], simStoreBudget, d.Receipt)
		}
	case "paced":
		from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		whole := time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC).Sub(from)
		released := int64(simBudgets["paced"]) * int64(at.Sub(from)/time.Second+1) / int64(whole/time.Second)
		if int64(stands["paced"]) > released {
			s.t.Fatalf("seed %d: %v are granted when %d cents are released", s.seed, stands["paced"], released)
		}
	}
}

func sortByTime(records []*kgo.Record) {
	for i := 1; i < len(records); i++ { // nearly sorted, and stable
		for j := i; j > 0 && records[j].Timestamp.Before(records[j-1].Timestamp); j-- {
			records[j], records[j-1] = records[j-1], records[j]
		}
	}
}

// lastLeases returns the last lease of each campaign and partition on the changelog, and checks every book on it.
func (s *sim) lastLeases() map[string]leaseNote {
	last := map[string]leaseNote{}
	for _, r := range s.readAll(schemas.TopicChangelog) {
		if id, ok := strings.CutPrefix(string(r.Key), noteBook); ok {
			b, err := budget.DecodeBook(r.Value[1:])
			most := simBudgets[id]
			if strings.Contains(id, "/") {
				most = simStoreBudget
			}
			if err != nil || b.Out() > most {
				s.t.Errorf("seed %d: the book of %s has %v out of %v, %v", s.seed, id, b.Out(), most, err)
			}
		}
		if id, ok := strings.CutPrefix(string(r.Key), noteLease); ok {
			l, err := budget.DecodeLease(r.Value[1:])
			if err != nil {
				s.t.Fatal(err)
			}
			last[fmt.Sprint(id, r.Partition)] = leaseNote{Lease: l, budget: id}
		}
	}
	return last
}

// Goal: the terms are those of the newest version, and every partition's opening that of the first with a budget.
func TestBudgetTerms(t *testing.T) {
	var list []*rules.Campaign
	for v, b := range map[int]string{1: "", 2: "\nbudget: {total: 10.00}", 3: "\nbudget: {total: 30.00, recycle: false}"} {
		doc := strings.Replace(simCampaigns[1], "version: 1", fmt.Sprint("version: ", v), 1)
		c, ds := rules.Parse("c", []byte(strings.TrimSpace(doc)+b))
		if c == nil {
			t.Fatal(ds)
		}
		list = append(list, c)
	}
	rs, err := rules.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	got := termsOf(rs).byKey[rules.CampaignKey("basket")].of("basket", 0)
	if want := (budget.Terms{First: 1000, Total: 3000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
