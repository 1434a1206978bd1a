package rules

import (
	"fmt"
	"strconv"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// TestResult is what became of one example of a document.
type TestResult struct {
	Name    string
	Line    int // of the example in the document
	Passed  bool
	Outcome Outcome
	Granted money.Amount
	Desired money.Amount
	Failure string // what differs; empty when passed
	Steps   []Step
}

// RunTests evaluates the examples of a document, each for a fresh member alone with this campaign. An example without an account is run for a
// member of the treatment, or of the holdout when it expects HELD_OUT; NO_ACCOUNT is run without one.
func RunTests(c *Campaign) []TestResult {
	rs, err := Compile([]*Campaign{c})
	out := make([]TestResult, 0, len(c.Tests))
	for i := range c.Tests {
		t := &c.Tests[i]
		if err != nil {
			out = append(out, TestResult{Name: t.Name, Line: t.Line, Failure: err.Error()})
			continue
		}
		out = append(out, runTest(rs, c, t))
	}
	return out
}

func runTest(rs *Ruleset, c *Campaign, t *Test) TestResult {
	var d Decision
	var fp Footprint
	NewEvaluator().Evaluate(rs, &t.Receipt, testAccount(c, t), Nobody{}, &d, &fp)
	res := TestResult{Name: t.Name, Line: t.Line}
	if len(d.Results) > 0 {
		r := &d.Results[0]
		res.Outcome, res.Granted, res.Desired, res.Steps = r.Outcome, r.Granted, r.Desired, r.Steps
	}
	res.Failure = differs(&t.Expect, &res, len(d.Results))
	res.Passed = res.Failure == ""
	return res
}

func testAccount(c *Campaign, t *Test) retail.AccountID {
	switch {
	case t.Expect.Outcome == NoAccount:
		return ""
	case t.Receipt.Loyalty.AccountID != "":
		return t.Receipt.Loyalty.AccountID
	}
	want := Treatment
	if t.Expect.Outcome == HeldOut || c.HoldoutBP == 10_000 {
		want = Holdout
	}
	for i := range 1_000_000 {
		a := retail.AccountID("test-" + strconv.Itoa(i))
		if ArmOf(c.ID, a, c.HoldoutBP) == want {
			return a
		}
		if c.HoldoutBP == 0 {
			break
		}
	}
	return "test-0"
}

func differs(want *Expect, got *TestResult, considered int) string {
	switch {
	case considered == 0:
		return fmt.Sprintf("the campaign is not concerned: no line matches, or the receipt is outside its versions and window; expected %v", want.Outcome)
	case got.Outcome != want.Outcome:
		return fmt.Sprintf("outcome %v, expected %v", got.Outcome, want.Outcome)
	case want.Amount != nil && got.Granted != *want.Amount:
		return fmt.Sprintf("amount %v, expected %v", got.Granted, *want.Amount)
	case want.Desired != nil && got.Desired != *want.Desired:
		return fmt.Sprintf("desired %v, expected %v", got.Desired, *want.Desired)
	}
	return ""
}
