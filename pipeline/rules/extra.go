package rules

import (
	"slices"

	"cagnotte/pipeline/retail"

	"github.com/google/cel-go/cel"
)

// extra is what few campaigns have. A rule without any of it has none, so that the usual ones cost what they did.
type extra struct {
	who     *audience
	coupons []string
	cel     cel.Program
}

func newExtra(c *Campaign) *extra {
	x := extra{who: newAudience(c), coupons: c.When.Coupon, cel: c.When.program}
	if x.who == nil && len(x.coupons) == 0 && x.cel == nil {
		return nil
	}
	return &x
}

// refusal is a condition that does not hold and that no return changes.
type refusal uint8

const (
	admitted refusal = iota
	notTargeted
	noCoupon
	noExpression
)

// admit tests the conditions of a sale that a return does not change.
func (e *Evaluator) admit(c *candidate, r *retail.Receipt, account retail.AccountID) refusal {
	x := c.rule.extra
	switch {
	case x.who != nil && account != "" && !e.targets(c.rule, x.who):
		return notTargeted
	case len(x.coupons) > 0 && scanned(r, x.coupons) == "":
		return noCoupon
	}
	if x.cel != nil {
		if c.verdict = e.ask(c.rule, r); c.verdict != celTrue {
			return noExpression
		}
	}
	return admitted
}

// scanned is the first of the coupons that the receipt names.
func scanned(r *retail.Receipt, coupons []string) string {
	for _, c := range r.Coupons {
		if slices.Contains(coupons, c) {
			return c
		}
	}
	return ""
}

// explainExtra tells how the conditions of admit came out.
func (e *Evaluator) explainExtra(c *candidate, r *retail.Receipt, d *Decision) {
	x := c.rule.extra
	if c.refused == notTargeted {
		e.explainWho(c.rule, x.who, d)
		return
	}
	if len(x.coupons) > 0 {
		code := scanned(r, x.coupons)
		d.step(Step{Node: "when.coupon", Code: StepCoupon, Passed: code != "", Unit: Text, ObservedText: code, ExpectedText: x.coupons[0]})
	}
	if x.cel != nil && c.verdict != "" {
		d.step(Step{Node: "when.cel", Code: StepCEL, Passed: c.verdict == celTrue, Unit: Text, ObservedText: string(c.verdict), ExpectedText: c.rule.doc.When.CEL})
	}
}
