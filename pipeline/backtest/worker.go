package backtest

import (
	"errors"
	"fmt"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

var errFull = errors.New("simulate: more than 32 GiB of rewarded sales for one worker; take a shorter time or more workers")

// worker runs the campaigns over the receipts of its accounts, one after the other, as a task of the pipeline does.
type worker struct {
	job     *job
	worlds  []*world
	members map[string]*member
	places  map[uint64]place
	tally   tally
	scratch []byte
	waiting int64 // sales of which only returns have come

	funder  ledger.Account // scratch: splits a grant over its funders as the ledger does
	journal ledger.Journal
	reward  receiptReward // of the receipt at hand

	movements [][]movement // of the drafts that have a budget
	outbox    []sending    // events for other accounts
	heard     map[uint64]uint8
	texts     map[string]string
}

func newWorker(j *job) *worker {
	w := &worker{job: j, members: map[string]*member{}, places: map[uint64]place{}, heard: map[uint64]uint8{}, texts: map[string]string{}, tally: newTally(j)}
	for _, rs := range []*rules.Ruleset{j.with, j.without} {
		if rs != nil {
			w.worlds = append(w.worlds, &world{rules: rs, evaluator: rules.NewEvaluator()})
		}
	}
	return w
}

// piece processes the worker's receipts of a piece.
func (w *worker) piece(p *piece, number int) error {
	if number == 0 {
		w.tally.unreadable += p.unreadable
	}
	if p.err != nil {
		return p.err
	}
	for _, i := range p.share[number] {
		if err := w.receipt(&p.receipts[i]); err != nil {
			return fmt.Errorf("receipt %s: %w", p.receipts[i].ID, err)
		}
	}
	return nil
}

// finish counts what only the end can tell.
func (w *worker) finish() {
	w.tally.orphans = w.waiting
	w.tally.members = int64(len(w.members))
}

func (w *worker) receipt(r *retail.Receipt) error {
	if pr := w.job.policy.Validate(r, r.EndedAt); pr != nil {
		w.tally.refuse(pr.Code)
		return nil
	}
	if pr := rules.NoteEvent(nil, r); pr != nil {
		w.tally.refuse(pr.Code)
		return nil
	}
	if r.Loyalty.AccountID == "" {
		w.tally.count(r)
		w.anonymous(r)
		return nil
	}
	key, scratch := placeKey(w.scratch, r.Loyalty.AccountID, r.ID)
	w.scratch = scratch
	p, known := w.places[key]
	if p.seen {
		w.tally.repeats++
		return nil
	}
	if known {
		w.waiting--
	}
	if r.Type == retail.Event {
		w.tally.events++
	} else {
		w.tally.count(r)
	}
	p.seen = true
	if err := w.apply(r, w.member(r.Loyalty.AccountID), &p); err != nil {
		return err
	}
	w.places[key] = p
	return nil
}

func (w *worker) member(id retail.AccountID) *member {
	m := w.members[string(id)]
	if m == nil {
		m = &member{}
		w.members[strings.Clone(string(id))] = m
	}
	return m
}

// judge runs every world over what may earn something.
func (w *worker) judge(r *retail.Receipt, m *member, p *place) error {
	early := *p != place{seen: true} // returns have come before
	for i, x := range w.worlds {
		if i == without && !early && w.alike(m) {
			return w.sameAgain(r, m, p)
		}
		if !early && !x.evaluator.Concerns(x.rules, r) {
			x.decision.Reset()
			continue
		}
		if err := w.judgeIn(i, r, m, p); err != nil {
			return err
		}
	}
	w.compare(m)
	return nil
}

// judgeIn runs one world over what may earn something.
func (w *worker) judgeIn(i int, r *retail.Receipt, m *member, p *place) error {
	x := w.worlds[i]
	if err := x.load(p.at[i]); err != nil {
		return err
	}
	x.evaluator.Evaluate(x.rules, r, r.Loyalty.AccountID, view{m, i}, &x.decision, &x.footprint)
	w.job.keepShop(r, &x.footprint)
	w.post(r, m, i)
	at, err := x.keep()
	p.at[i] = at
	return err
}

// anonymous receipts are credited to nobody: the drafts only say that they would have matched.
func (w *worker) anonymous(r *retail.Receipt) {
	if !earns(r) {
		return
	}
	x := w.worlds[with]
	if !x.evaluator.Concerns(x.rules, r) {
		return
	}
	x.evaluator.Evaluate(x.rules, r, "", rules.Nobody{}, &x.decision, nil)
	considered := false
	for i := range x.decision.Results {
		res := &x.decision.Results[i]
		if s := w.job.subjectOf(res); s >= 0 && w.job.subjects[s].draft {
			considered = true
			w.tally.campaigns[s].judge(res)
		}
	}
	if considered {
		w.tally.considered++
	}
}

// apply runs every world over the receipt of a member.
func (w *worker) apply(r *retail.Receipt, m *member, p *place) error {
	switch {
	case givesBack(r):
		return w.giveBack(r, m)
	case earns(r):
		w.reward.begin()
		rules.NoteEvent(&m.profile, r)
		if err := w.judge(r, m, p); err != nil {
			return err
		}
		if r.Type != retail.Event {
			m.profile.Bought(r.EndedAt)
		}
		w.rewarded(r)
		return nil
	}
	p.at = [worldCount]uint32{}
	return nil
}

// giveBack takes a RETURN or VOID off its sale. One that comes before its sale waits under the sale's id.
func (w *worker) giveBack(r *retail.Receipt, m *member) error {
	original := r.OriginalID()
	if original == "" || original == r.ID {
		w.tally.withoutOriginal++
		return nil
	}
	key, scratch := placeKey(w.scratch, r.Loyalty.AccountID, original)
	w.scratch = scratch
	p, known := w.places[key]
	if !known {
		w.waiting++
	}
	w.reward.begin()
	for i, x := range w.worlds {
		if p.seen && p.at[i] == 0 {
			x.decision.Reset()
			continue // nothing was granted, or it was no sale
		}
		if err := w.returnIn(i, r, m, &p); err != nil {
			return err
		}
	}
	w.compare(m)
	w.places[key] = p
	if w.reward.amount != 0 {
		w.tally.top.change(r.Loyalty.AccountID, original, w.reward.amount)
	}
	return nil
}

// returnIn takes a return off its sale in one world.
func (w *worker) returnIn(i int, r *retail.Receipt, m *member, p *place) error {
	x := w.worlds[i]
	if err := x.load(p.at[i]); err != nil {
		return err
	}
	x.evaluator.Return(x.rules, r, view{m, i}, &x.decision, &x.footprint)
	w.post(r, m, i)
	at, err := x.keep()
	p.at[i] = at
	return err
}

// post books what a world decided: caps follow, and the tally.
func (w *worker) post(r *retail.Receipt, m *member, number int) {
	w.postAs(r, m, number, w.worlds[number])
}

// postAs books for a world what it, or one that it agrees with, has decided.
func (w *worker) postAs(r *retail.Receipt, m *member, number int, by *world) {
	back := givesBack(r)
	for i := range by.decision.Results {
		res := &by.decision.Results[i]
		w.send(r, m, number, res, &by.footprint)
		if res.Granted != 0 || len(res.Advances) > 0 {
			res.Post(m.account(number))
		}
		if res.Wallet != w.job.wallet && !w.job.o.Mixed {
			continue // a live campaign's points are no euros
		}
		m.total[number] += int64(res.Granted)
		if res.Granted != 0 {
			w.tally.shopOf(&r.Shop).total[number] += int64(res.Granted)
		}
		s := w.job.subjectOf(res)
		if s < 0 {
			continue
		}
		w.tally.campaigns[s].total[number] += int64(res.Granted)
		if number == with && w.job.subjects[s].draft {
			w.draft(r, m, s, res, back)
		}
	}
}

// draft adds a result of a draft to the tally.
func (w *worker) draft(r *retail.Receipt, m *member, s int, res *rules.Result, back bool) {
	c := &w.tally.campaigns[s]
	m.considered = true
	if res.Arm == rules.Holdout && res.Desired != 0 {
		m.heldOut = true
		c.ghost += int64(res.Desired)
	}
	if back {
		c.giveBack(res)
	} else {
		c.judge(res)
		w.reward.considered = true
	}
	if res.Granted == 0 {
		return
	}
	if m.granted == nil {
		m.granted = make([]int64, len(w.job.drafts))
	}
	m.granted[s] += int64(res.Granted)
	c.book(r.EndedAt, int64(res.Granted), back)
	w.moves(r, s, res, &w.worlds[with].footprint, back)
	w.fund(c, res, &w.worlds[with].footprint)
	w.tally.shopOf(&r.Shop).book(int64(res.Granted), back)
	w.reward.add(s, int64(res.Granted))
}

// fund splits a grant over its funders to the cent, by the ledger's own postings.
func (w *worker) fund(c *campaignTally, res *rules.Result, fp *rules.Footprint) {
	if len(res.Funding) < 2 {
		party := ledger.Retailer
		if len(res.Funding) == 1 {
			party = res.Funding[0].Party
		}
		c.funders[party] += int64(res.Granted)
		return
	}
	w.funder = ledger.Account{Purse: ledger.Purse{Lots: w.funder.Lots[:0]}}
	w.journal.Reset()
	g := ledger.Grant{CampaignKey: res.CampaignKey, Version: res.Version, Amount: res.Granted.Abs(), Funding: res.Funding, GrantedBefore: fp.GrantedBefore(res), Standing: res.Standing, Wallet: res.Wallet, Donate: res.Donate}
	if res.Granted > 0 {
		w.funder.Earn(&w.journal, "", &g)
	} else {
		w.funder.Reverse(&w.journal, "", &g)
	}
	for _, e := range w.journal.Entries {
		for _, p := range e.Postings {
			if p.Book == ledger.Funding {
				c.funders[p.Party] -= int64(p.Amount)
			}
		}
	}
}

// rewarded counts the receipt when a draft gave something for it.
func (w *worker) rewarded(r *retail.Receipt) {
	if w.reward.considered {
		w.tally.considered++
	}
	if w.reward.amount == 0 {
		return
	}
	w.tally.rewarded++
	w.tally.shopOf(&r.Shop).rewarded++
	w.tally.top.offer(r, &w.reward)
}

// earns and givesBack are the pipeline's: training never does, a VOID or RETURN gives back instead.
func earns(r *retail.Receipt) bool {
	return !r.Training && (r.Type == retail.Sale || r.Type == retail.Exchange || r.Type == retail.Event)
}

func givesBack(r *retail.Receipt) bool {
	return !r.Training && (r.Type == retail.Return || r.Type == retail.Void)
}
