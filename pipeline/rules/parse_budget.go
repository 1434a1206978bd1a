package rules

import "fmt"

func (n node) budget(c *Campaign) {
	k := n.keys("total", "recycle", "per_store", "pacing")
	if !n.given() {
		return
	}
	total, store := child(k, n, "total"), child(k, n, "per_store")
	c.Budget, c.StoreBudget = total.amount(), store.memberCap()
	c.BudgetOnce = child(k, n, "recycle").choice("true", "false") == 1
	if !total.given() && !store.given() {
		n.fail(CodeMissing, "no budget is given", "total, per_store or both", "")
	}
	pacing := child(k, n, "pacing")
	c.BudgetEven = pacing.choice("even") == 0
	switch {
	case !c.BudgetEven:
	case !total.given():
		pacing.fail(CodeConflict, "there is no total to release", "a total", "pacing does not concern per_store: its periods are its pace")
	case c.Window.To == 0:
		pacing.fail(CodeMissing, "the window has no end to release the budget by", "window.to", "")
	}
	if c.Budget != 0 && c.StoreBudget.Amount > c.Budget {
		store.warn(CodeUnreachable, fmt.Sprintf("one shop may grant %v, all together %v", c.StoreBudget.Amount, c.Budget), "lower per_store")
	}
}

func (w *jsonWriter) budget(c *Campaign) {
	w.group("budget", func() {
		w.amount("total", c.Budget)
		if c.BudgetOnce {
			w.raw("recycle", "false")
		}
		w.group("per_store", func() {
			w.amount("amount", c.StoreBudget.Amount)
			if c.StoreBudget.Amount != 0 {
				w.str("per", c.StoreBudget.Per.String())
			}
		})
		if c.BudgetEven {
			w.str("pacing", "even")
		}
	})
}

func (w *words) budget(c *Campaign) []string {
	var out []string
	switch {
	case c.BudgetEven:
		out = append(out, fmt.Sprintf(w.more.budgetEven, w.amount(c.Budget)))
	case c.Budget != 0:
		out = append(out, fmt.Sprintf(w.more.budget, w.amount(c.Budget)))
	}
	if b := c.StoreBudget; b.Amount != 0 {
		out = append(out, fmt.Sprintf(w.more.storeBudget, w.amount(b.Amount), w.periods[b.Per]))
	}
	return out
}
