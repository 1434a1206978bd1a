package pipeline

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// BudgetCut is what a decision says about an award that a budget has limited: what the lease had left. It cannot be derived from one member's receipts,
// nor from one partition; so a replay takes it from the recorded decision, and derives everything else.
type BudgetCut struct {
	Campaign string
	Code     rules.StepCode // what of the budget bound
	Left     money.Amount
}

// limit lets the budgets cut what the decision grants: by the leases, or in a replay by what was recorded.
func (t *task) limit(sale bool) error {
	terms := t.p.budgetTerms(t.ruleset)
	if len(terms.byKey) == 0 {
		return nil
	}
	if sale {
		terms.keepShop(&t.decision, &t.footprint, t.receipt.Shop.ID)
	}
	if t.desk != nil {
		return t.desk.limit(&t.decision, &t.footprint, sale)
	}
	for i := range t.decision.Results {
		for _, c := range t.cuts {
			if r := &t.decision.Results[i]; c.Campaign == r.Campaign && r.Granted > 0 {
				t.decision.LimitToBudget(i, c.Code, c.Left, &t.footprint, sale)
			}
		}
	}
	return nil
}
