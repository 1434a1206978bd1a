package rules

import (
	"fmt"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// TestResult is what became of one example of a document.
type TestResult struct {
	Name    string
	Line    int // of the example in the document
	Passed  bool
	Failure string // what differs; empty when passed
	Steps   []StepResult

	// Of the last step that expects something:
	Outcome Outcome
	Granted money.Amount
	Desired money.Amount
}

// StepResult is what became of one step of an example.
type StepResult struct {
	What    string // receipt, event, return, void
	Line    int
	None    bool // the campaign was not concerned
	Outcome Outcome
	Granted money.Amount
	Desired money.Amount
	Tier    string // the member's level after the step, of a document with tiers
	Sends   string // kind of the event that goes to another account
	Badge   string // that the member holds from this step on
	Steps   []Step // of the evaluation
	Failure string // expected and got; empty when as expected, or when nothing was
}

// RunTests runs the examples of a document, each in a fresh world of one member. The campaign is alone there, but for those of others that the example
// names (with). An example without an account is run for a member of the treatment, or of the holdout when it expects HELD_OUT; NO_ACCOUNT is run without one.
func RunTests(c *Campaign, others ...*Campaign) []TestResult {
	out := make([]TestResult, 0, len(c.Tests))
	for i := range c.Tests {
		out = append(out, runTest(c, others, &c.Tests[i]))
	}
	return out
}

func runTest(c *Campaign, others []*Campaign, t *Test) TestResult {
	res := TestResult{Name: t.Name, Line: t.Line}
	company, err := testCompany(t, others)
	if err != nil {
		res.Failure = err.Error()
		return res
	}
	rs, err := Compile(append([]*Campaign{c}, company...))
	if err != nil {
		res.Failure = err.Error()
		return res
	}
	if len(t.Steps) == 0 {
		res.Failure = "the example has no steps"
		return res
	}
	w := newTestWorld(rs, testAccount(c, company, t))
	w.account.Profile, w.tier = memberOf(t).profile(c.ID), memberOf(t).Tier
	var failures []string
	for i := range t.Steps {
		w.step(&t.Steps[i])
		s := w.result(c, &t.Steps[i])
		res.Steps = append(res.Steps, s)
		if t.Steps[i].Expect != nil {
			res.Outcome, res.Granted, res.Desired = s.Outcome, s.Granted, s.Desired
		}
		if s.Failure != "" {
			failures = append(failures, t.place(i)+s.Failure)
		}
	}
	res.Failure = strings.Join(failures, "; ")
	res.Passed = res.Failure == ""
	return res
}

// testCompany finds the documents that an example wants beside its own: of one id the last that is given.
func testCompany(t *Test, others []*Campaign) ([]*Campaign, error) {
	var out []*Campaign
	for _, id := range t.With {
		i := len(others) - 1
		for i >= 0 && others[i].ID != id {
			i--
		}
		if i < 0 {
			return nil, fmt.Errorf("the example runs with %s, which is not among the documents given: test both files together", id)
		}
		out = append(out, others[i])
	}
	return out, nil
}

// place names a step where there is more than one.
func (t *Test) place(i int) string {
	if !t.stepped {
		return ""
	}
	return fmt.Sprintf("step %d (line %d, %s): ", i+1, t.Steps[i].Line, t.Steps[i].verb())
}

// result holds what the campaign made of the step against what the document expects.
func (w *testWorld) result(c *Campaign, s *TestStep) StepResult {
	out := StepResult{What: s.verb(), Line: s.Line, None: true}
	key := CampaignKey(c.ID)
	for i := range w.decision.Results {
		r := &w.decision.Results[i]
		if r.CampaignKey == key {
			out.None, out.Outcome, out.Granted, out.Desired = false, r.Outcome, r.Granted, r.Desired
			out.Steps = append([]Step(nil), r.Steps...)
			out.Sends = r.Emit.Kind
			if r.Held > 0 {
				out.Badge = r.Badge
			}
		}
	}
	if len(c.Tiers.Levels) > 0 {
		out.Tier = w.rs.TierOf(c.ID, w.account.CountersOf(key), s.Receipt.EndedAt)
	}
	if s.Expect != nil {
		out.Failure = strings.Join(append(differs(s.Expect, &out), w.holds(s.Expect)...), "; ")
	}
	return out
}

// holds compares the member's balances, and whether the step was refused, with what is expected.
func (w *testWorld) holds(want *Expect) []string {
	var pending, available money.Amount
	if p := w.account.Of(want.Wallet); p != nil {
		pending, available = p.Pending, p.Available
	}
	var out []string
	refused := string(w.refused)
	if refused == "" {
		refused = "no"
	}
	if want.Refused != "" && want.Refused != refused {
		out = append(out, fmt.Sprintf("refused %s, expected %s", quoteShort(refused), quoteShort(want.Refused)))
	}
	if held := w.account.Held(want.Wallet); want.Held != nil && *want.Held != held {
		out = append(out, fmt.Sprintf("held %v, expected %v", held, *want.Held))
	}
	if lapsed := w.lapsed(want.Wallet); want.Lapsed != nil && *want.Lapsed != lapsed {
		out = append(out, fmt.Sprintf("lapsed %v, expected %v", lapsed, *want.Lapsed))
	}
	if want.Available != nil && *want.Available != available {
		out = append(out, fmt.Sprintf("available %v, expected %v", available, *want.Available))
	}
	if want.Pending != nil && *want.Pending != pending {
		out = append(out, fmt.Sprintf("pending %v, expected %v", pending, *want.Pending))
	}
	return out
}

// lapsed is what the step has booked as breakage.
func (w *testWorld) lapsed(wallet string) (sum money.Amount) {
	for i := range w.journal.Entries {
		for _, p := range w.journal.Entries[i].Postings {
			if p.Book == ledger.Breakage && w.journal.Entries[i].Wallet == wallet {
				sum += p.Amount
			}
		}
	}
	return sum
}

// differs says what was expected and what was got; nothing when they agree.
func differs(want *Expect, got *StepResult) []string {
	var out []string
	tell := func(bad bool, what string, observed, expected any) {
		if bad {
			out = append(out, fmt.Sprintf("%s %v, expected %v", what, observed, expected))
		}
	}
	tell(want.Tier != "" && got.Tier != want.Tier, "tier", quoteShort(got.Tier), quoteShort(want.Tier))
	tell(want.Sends != "" && got.Sends != want.Sends, "sends", quoteShort(got.Sends), quoteShort(want.Sends))
	tell(want.Badge != "" && got.Badge != want.Badge, "badge", quoteShort(got.Badge), quoteShort(want.Badge))
	judged := want.Outcome != UnknownOutcome || want.Amount != nil || want.Desired != nil
	switch {
	case want.None && !got.None:
		return append(out, fmt.Sprintf("outcome %v, expected that the campaign is not concerned", got.Outcome))
	case want.None || !judged:
		return out
	case got.None:
		return append(out, fmt.Sprintf("the campaign is not concerned: no line matches, or the receipt is outside its versions and window; expected %v", want.Outcome))
	}
	tell(want.Outcome != UnknownOutcome && got.Outcome != want.Outcome, "outcome", got.Outcome, want.Outcome)
	if want.Amount != nil {
		tell(got.Granted != *want.Amount, "amount", got.Granted, *want.Amount)
	}
	if want.Desired != nil {
		tell(got.Desired != *want.Desired, "desired", got.Desired, *want.Desired)
	}
	if len(out) > 0 {
		out[len(out)-1] += why(got.Steps)
	}
	return out
}

// why adds the tests of the evaluation that were not met or that cut the reward.
func why(steps []Step) string {
	var b strings.Builder
	for i := range steps {
		s := &steps[i]
		if s.Passed {
			continue
		}
		b.WriteString(" (" + s.Node + " " + s.observed() + " of " + s.expected() + ")")
	}
	return b.String()
}

func (s *Step) observed() string { return s.number(s.Observed, s.ObservedText) }
func (s *Step) expected() string { return s.number(s.Expected, s.ExpectedText) }

func (s *Step) number(v int64, text string) string {
	switch s.Unit {
	case Minor:
		return money.Amount(v).String()
	case Milli:
		return signedScaled(v, 3)
	case Text:
		return text
	case Time:
		return instantText(retail.Instant(v))
	}
	return itoa(v)
}
