package rules

import (
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// testWorld is one member's account with what the stream keeps of his receipts, in memory: a document's steps run through the same evaluation, the
// same book-keeping and the same timers as receipts do.
type testWorld struct {
	rs         *Ruleset
	eval       *Evaluator
	id         retail.AccountID
	tier       string // that the member has whatever he bought; empty: by what he bought
	account    ledger.Account
	journal    ledger.Journal
	decision   Decision
	footprints map[retail.ReceiptID]*Footprint
	burns      map[string]*ledger.Burn // what events have spent, by their ids
	refused    ledger.Refusal          // of the last step
	budgets    map[uint64]*Campaign    // newest version of the campaigns that have one
	spent      map[testBudget]money.Amount
	sold       map[retail.ReceiptID]testBudget // shop and close of the sales
}

func newTestWorld(rs *Ruleset, id retail.AccountID) *testWorld {
	w := &testWorld{
		rs: rs, eval: NewEvaluator(), id: id, footprints: map[retail.ReceiptID]*Footprint{}, burns: map[string]*ledger.Burn{}, budgets: map[uint64]*Campaign{},
		spent: map[testBudget]money.Amount{}, sold: map[retail.ReceiptID]testBudget{},
	}
	for _, c := range rs.Campaigns() { // versions come in ascending order
		if key := CampaignKey(c.ID); c.Budget != 0 || c.StoreBudget.Amount != 0 {
			w.budgets[key] = c
		} else {
			delete(w.budgets, key)
		}
	}
	return w
}

// step lets one thing happen; the decision holds what the campaigns made of it.
func (w *testWorld) step(s *TestStep) {
	r := &s.Receipt
	w.journal.Reset()
	w.account.FireDue(&w.journal, w.id, r.EndedAt, w.rs)
	id := r.ID
	if s.Of > 0 {
		id = r.Original.ReceiptID
	}
	fp := w.footprints[id]
	if fp == nil {
		fp = &Footprint{}
		w.footprints[id] = fp
	}
	w.decision.Reset()
	if w.told(r, s.Of > 0) {
		w.judge(s, fp, id)
	}
	if r.Type != retail.Event && s.Of == 0 {
		w.account.Bought(r.EndedAt)
	}
}

// told lets an event say what it says, and ask what it asks of the money. It reports whether campaigns may judge what happened.
func (w *testWorld) told(r *retail.Receipt, back bool) bool {
	w.refused = ""
	if r.Type != retail.Event || back {
		return true
	}
	NoteEvent(&w.account.Profile, r)
	c, ok := ReadCommand(r)
	if !ok {
		return true
	}
	c.Do(w.rs, &w.account, &w.journal, w.id, w.burns[c.Reference])
	if c.Spent.Left() != 0 {
		w.burns[string(r.ID)] = &c.Spent
	}
	w.refused = c.Refused
	return c.Refused == ""
}

// judge lets the campaigns judge a receipt, an event or a return, and books what they say.
func (w *testWorld) judge(s *TestStep, fp *Footprint, id retail.ReceiptID) {
	r, view := &s.Receipt, &testView{MemberView{&w.account}, w.tier}
	if s.Of > 0 {
		w.eval.Return(w.rs, r, view, &w.decision, fp)
	} else {
		w.eval.Evaluate(w.rs, r, w.id, view, &w.decision, fp)
		w.sold[id] = testBudget{shop: r.Shop.ID, at: r.EndedAt}
	}
	w.limit(fp, w.sold[id], r.EndedAt, s.Of == 0)
	w.post(r, fp)
}

// testBudget names a budget: of a campaign, or of a shop in it and a period. Of a sale it holds shop and close alone.
type testBudget struct {
	campaign uint64
	store    bool
	shop     retail.ShopID
	period   int32
	at       retail.Instant
}

// limit takes the awards off the budgets, which this member has for himself. The clock of a test is its receipts'.
func (w *testWorld) limit(fp *Footprint, sold testBudget, now retail.Instant, sale bool) {
	for i := range w.decision.Results {
		r := &w.decision.Results[i]
		c := w.budgets[r.CampaignKey]
		if r.Granted == 0 || c == nil {
			continue
		}
		total := testBudget{campaign: r.CampaignKey}
		shop := testBudget{campaign: r.CampaignKey, store: true, shop: sold.shop, period: c.StoreBudget.Per.Number(sold.at, c.Zone())}
		if r.Granted > 0 && c.Budget != 0 {
			w.decision.LimitToBudget(i, c.BudgetStep(now), c.Released(now)-w.spent[total], fp, sale)
		}
		if r.Granted > 0 && c.StoreBudget.Amount != 0 {
			w.decision.LimitToBudget(i, StepStoreBudget, c.StoreBudget.Amount-w.spent[shop], fp, sale)
		}
		if r.Granted > 0 || !c.BudgetOnce {
			w.spent[total] += r.Granted
			w.spent[shop] += r.Granted
		}
	}
}

func (w *testWorld) post(r *retail.Receipt, fp *Footprint) {
	if w.id == "" {
		return
	}
	for i := range w.decision.Results {
		res := &w.decision.Results[i]
		res.Post(&w.account)
		g := res.Grant(r, fp)
		g.Terms = w.rs.TermsOf(res.Wallet, r.EndedAt).Ledger()
		if res.Granted > 0 {
			w.account.Earn(&w.journal, w.id, &g)
		} else {
			w.account.Reverse(&w.journal, w.id, &g)
		}
	}
}

// testView is what evaluation may read of the account, and a tier that the example gives away.
type testView struct {
	MemberView
	tier string
}

// testAccount finds a member on the side of the experiments that the test needs: the treatment, or the campaign's holdout where a step expects HELD_OUT.
func testAccount(c *Campaign, others []*Campaign, t *Test) retail.AccountID {
	want := Treatment
	for i := range t.Steps {
		switch e := t.Steps[i].Expect; {
		case e == nil:
		case e.Outcome == NoAccount && !e.None:
			return ""
		case e.Outcome == HeldOut || c.HoldoutBP == 10_000:
			want = Holdout
		}
	}
	if a := t.Steps[0].Receipt.Loyalty.AccountID; a != "" {
		return a
	}
	if memberOf(t).Account != "" {
		return memberOf(t).Account
	}
	for i := range 1_000_000 {
		a := retail.AccountID("test-" + strconv.Itoa(i))
		if ArmOf(c.ID, a, c.HoldoutBP) == want && treated(others, a) {
			return a
		}
		if c.HoldoutBP == 0 && len(others) == 0 {
			break
		}
	}
	return "test-0"
}

func treated(others []*Campaign, a retail.AccountID) bool {
	for _, c := range others {
		if c.HoldoutBP < 10_000 && ArmOf(c.ID, a, c.HoldoutBP) == Holdout {
			return false
		}
	}
	return true
}
