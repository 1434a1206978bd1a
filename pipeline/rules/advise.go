package rules

// advise warns about what is allowed and probably not meant.
func (n node) advise(c *Campaign) {
	if c.Terms != nil {
		return
	}
	k := n.keysSeen()
	at := func(key string) node { return child(k, n, key) }
	w, r := &c.When, &c.Reward
	if c.Event == "" && !c.Progress.given() && r.Fixed != 0 && r.Every == 0 && w.empty() {
		at("reward").warn(CodeUnbounded, "a fixed reward without a threshold is given for any purchase, however small", "add when.min_spend or when.min_basket")
	}
	if r.PerUnit != 0 && r.MaxPerReceipt == 0 && r.MaxPerMember.Amount == 0 {
		at("reward").warn(CodeUnbounded, "a reward per piece without a cap grows with the quantity", "add max_per_receipt or max_per_member")
	}
	if m := r.MaxPerMember.Amount; m != 0 && r.MaxPerReceipt > m {
		at("reward").warn(CodeUnreachable, "max_per_receipt is above max_per_member and never binds alone", "lower max_per_receipt")
	}
	if len(r.Ladder) > 0 && w.MinSpend > r.Ladder[0].Spend {
		at("when").warn(CodeUnreachable, "min_spend is above the first step of the ladder", "drop the step or min_spend")
	}
	if c.HoldoutBP == 0 && r.Valued() { // levels, badges and events for others are worth nothing by themselves
		n.warn(CodeNoExperiment, "without a holdout the effect of the campaign cannot be measured causally", "add holdout: 10")
	}
	if len(c.Tests) == 0 {
		n.warn(CodeNoTests, "the document carries no example", "add tests: with one receipt and what it should give")
	}
}

// keysSeen returns the keys of a group that was already checked.
func (n node) keysSeen() map[string]node {
	out := map[string]node{}
	pairs, _ := n.entries()
	for _, p := range pairs {
		key := p.Key.GetToken()
		out[key.Value] = node{r: n.r, path: join(n.path, key.Value), at: key, syn: p.Value}.value()
	}
	return out
}
