package programmes

import (
	"fmt"
	"strings"

	"cagnotte/pipeline/rules"
)

// Report is what the examples and checks of a programme came to.
type Report struct {
	Programme string
	Documents []DocumentReport
	Checks    []CheckReport
}

// DocumentReport is what became of one document's examples.
type DocumentReport struct {
	Document string // campaigns/punch-card.yaml
	Passed   int
	Failed   []rules.TestResult
}

// CheckReport is one promise of the programme as a whole.
type CheckReport struct {
	Name   string
	Passed bool
	Detail string
}

// Failed counts examples and checks that failed.
func (r *Report) Failed() int {
	n := 0
	for i := range r.Documents {
		n += len(r.Documents[i].Failed)
	}
	for i := range r.Checks {
		if !r.Checks[i].Passed {
			n++
		}
	}
	return n
}

// Passed counts examples and checks that passed.
func (r *Report) Passed() int {
	n := 0
	for i := range r.Documents {
		n += r.Documents[i].Passed
	}
	for i := range r.Checks {
		if r.Checks[i].Passed {
			n++
		}
	}
	return n
}

// Test runs every document's examples, the others of the programme beside it, compiles all documents together, and looks up the gifts that are taken.
func (p *Programme) Test() Report {
	r := Report{Programme: p.Name}
	for i, c := range p.Campaigns {
		d := DocumentReport{Document: p.Documents[i].Name}
		for _, t := range rules.RunTests(c, p.Campaigns...) {
			if t.Passed {
				d.Passed++
			} else {
				d.Failed = append(d.Failed, t)
			}
		}
		r.Documents = append(r.Documents, d)
		if len(c.Tests) == 0 {
			r.check(c.ID+" carries an example", false, "it has none")
		}
	}
	_, err := rules.Compile(p.Campaigns)
	detail := fmt.Sprintf("%d documents", len(p.Campaigns))
	if err != nil {
		detail = err.Error()
	}
	r.check("compile together", err == nil, detail)
	p.checkGifts(&r)
	return r
}

func (r *Report) check(name string, passed bool, detail string) {
	r.Checks = append(r.Checks, CheckReport{name, passed, detail})
}

// Cost is what a run over the demo stream came to, in minor units.
type Cost struct {
	Spend   int64 // of members, returns deducted
	Granted int64 // at face value, returns deducted
}

// CheckCost holds the programme's promise about what rewards cost, if it makes one, against a run over its demo stream.
func (p *Programme) CheckCost(r *Report, c Cost) {
	rc := p.About.Checks.RewardCost
	if rc == nil {
		return
	}
	if c.Spend <= 0 {
		r.check("reward cost", false, "members spent nothing")
		return
	}
	bp := c.Granted * int64(rc.CostOfGoods) / c.Spend // hundredths of a percent: CostOfGoods is that of 100 %
	detail := fmt.Sprintf("%s %% of members' spend (%s %% at face value); wanted %s to %s %%",
		hundredths(bp), hundredths(c.Granted*10_000/c.Spend), hundredths(int64(rc.Least)), hundredths(int64(rc.Most)))
	r.check("reward cost", bp >= int64(rc.Least) && bp <= int64(rc.Most), detail)
}

// Run is what a run over the demo stream showed.
type Run struct {
	Receipts, Members, Refused int64
	Idle                       []string // campaigns that awarded nothing
}

// Silent reports whether a document awards nothing in a run over the demo stream: levels and terms, which are no award, and what is about an event
// that another document sends to somebody else's account, which the run does not deliver.
func (p *Programme) Silent(id string) bool {
	sent := map[string]bool{}
	for _, c := range p.Campaigns {
		sent[c.Reward.Notice.Kind] = true
	}
	for _, c := range p.Campaigns {
		if c.ID == id {
			return c.Terms != nil || len(c.Tiers.Levels) > 0 || c.Event != "" && sent[c.Event]
		}
	}
	return false
}

// CheckStream wants a stream of good receipts, in which every campaign awards something to somebody: what nobody ever sees in the demo is not shown.
func (p *Programme) CheckStream(r *Report, run Run) {
	detail := fmt.Sprintf("%d receipts of %d members", run.Receipts, run.Members)
	if run.Refused > 0 {
		detail += fmt.Sprintf(", %d refused", run.Refused)
	}
	if len(run.Idle) > 0 {
		detail += "; nothing awarded by " + strings.Join(run.Idle, ", ")
	}
	r.check("demo stream", run.Refused == 0 && run.Receipts > 0 && len(run.Idle) == 0, detail)
}

func hundredths(v int64) string { return fmt.Sprintf("%d.%02d", v/100, v%100) }
