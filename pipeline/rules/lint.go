package rules

import (
	"fmt"
	"slices"

	"cagnotte/pipeline/money"
)

// Lint is Parse for a document that somebody is about to save or publish: it also holds it against the guard-rails. A reward that the law forbids
// for products that the document names is an error, one that the law will cut for some of them a warning. What is already published is read by
// Parse, so that a change of the law cannot make a running campaign unreadable; Evaluate cuts what it gives.
func Lint(g *Guardrails, name string, doc []byte) (*Campaign, []Diagnostic) {
	r := &reader{file: name}
	root, ok := r.parseTree(doc)
	if !ok {
		return nil, r.diags
	}
	c := root.campaign()
	if HasErrors(r.diags) {
		return nil, r.sorted()
	}
	root.advise(c)
	if g != nil {
		for i := range g.rails {
			root.obey(c, &g.rails[i])
		}
	}
	if HasErrors(r.diags) {
		return nil, r.sorted()
	}
	return c, r.sorted()
}

// reach says how much of what a value of the document names a limit is about.
type reach uint8

const (
	apart reach = iota
	partly
	wholly
)

// obey reports where a campaign meets a limit.
func (n node) obey(c *Campaign, rail *Rail) {
	if c.Terms != nil || !rail.meets(c) {
		return
	}
	top := n.keysSeen()
	lines := child(top, n, "lines")
	if c.Attachment() == OnBasket {
		if c.Event != "" || len(c.Progress.Objectives) > 0 {
			return // an event's lines are not goods of a till; goals name their products themselves
		}
		if rail.Kind == MaxPercent && rail.Attachment == OnBasket && !excludes(c, rail) {
			n.exceeds(c, rail, partly)
		}
		return
	}
	keys := lines.keysSeen()
	most := apart
	in := &c.Lines.Include
	for _, k := range []struct {
		key    string
		values []string
		reach  func(string) reach
	}{
		{"category", in.Category, rail.category(c)}, {"department", in.Department, inList(rail.Class.Department)},
		{"brand", in.Brand, inList(rail.Class.Brand)}, {"gtin", in.GTIN, rail.number},
	} {
		for i, v := range child(keys, lines, k.key).list() {
			reached := k.reach(k.values[i])
			most = max(most, reached)
			if rail.Kind == Never {
				v.forbidden(rail, k.values[i], reached)
			}
		}
	}
	if rail.Kind == MaxPercent {
		n.exceeds(c, rail, most)
	}
}

// meets reports whether some receipt can be concerned by both.
func (r *Rail) meets(c *Campaign) bool {
	if r.To != 0 && max(c.Window.From, c.EffectiveFrom) >= r.To || c.Window.To != 0 && c.Window.To <= r.From {
		return false
	}
	share := func(a, b []string) bool {
		return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
	}
	return share(c.Stores.Countries, r.Countries) && share(symbols(c.Channels), symbols(r.Channels))
}

// excludes reports whether the campaign leaves out every category of the class.
func excludes(c *Campaign, rail *Rail) bool {
	for _, p := range rail.Class.Category {
		if !slices.ContainsFunc(c.Lines.Exclude.Category, func(ex string) bool { return under(p, ex) }) {
			return false
		}
	}
	return len(rail.Class.Category) > 0
}

// category compares a category of the campaign with those of the class.
func (r *Rail) category(c *Campaign) func(string) reach {
	return func(v string) reach {
		out := apart
		for _, p := range r.Class.Category {
			switch left := func(s string) bool {
				return slices.ContainsFunc(c.Lines.Exclude.Category, func(ex string) bool { return under(s, ex) })
			}; {
			case under(v, p) && !left(v):
				return wholly
			case under(p, v) && !left(p):
				out = partly
			}
		}
		return out
	}
}

func (r *Rail) number(gtin string) reach {
	if r.Class.product(gtin) && !r.Class.Except.product(gtin) {
		return wholly
	}
	return apart
}

func inList(list []string) func(string) reach {
	return func(v string) reach {
		if slices.Contains(list, v) {
			return wholly
		}
		return apart
	}
}

func (n node) forbidden(rail *Rail, value string, reached reach) {
	switch reached {
	case wholly:
		n.fail(CodeForbidden, fmt.Sprintf("%s may not be rewarded (%s): %s", quoteShort(value), rail.ID, rail.Note.EN), "products that may be rewarded", rail.Source)
	case partly:
		n.warn(CodeLegalLimit, fmt.Sprintf("part of %s will not count (%s): %s", quoteShort(value), rail.ID, rail.Note.EN), rail.Source)
	}
}

// exceeds reports a reward above the largest share of the price.
func (n node) exceeds(c *Campaign, rail *Rail, reached reach) {
	key, over := c.Reward.above(c, rail.Max)
	if !over || reached == apart {
		return
	}
	top := n.keysSeen()
	reward := child(top, n, "reward")
	at := child(reward.keysSeen(), reward, key)
	what := fmt.Sprintf("the law allows %s %% (%s): %s", formatScaled(int64(rail.Max), 4), rail.ID, rail.Note.EN)
	if reached == wholly && key == "percent" {
		at.fail(CodeForbidden, what, "at most "+formatScaled(int64(rail.Max), 4), rail.Source)
		return
	}
	at.warn(CodeLegalLimit, "the reward is cut where "+what, rail.Source)
}

// above names the reward that can exceed a share of the price: for certain as a percentage, at its threshold as an amount.
func (rw *Reward) above(c *Campaign, most money.Rate) (key string, over bool) {
	switch {
	case rw.Every != 0: // of a group of like pieces
		return "every", rw.Percent/money.Rate(rw.Every) > most
	case rw.Percent != 0 && c.Progress.Count == CountPieces && c.Progress.Target > 0: // one piece of those that were counted
		return "percent", rw.Percent/money.Rate(c.Progress.Target) > most
	case rw.Percent != 0:
		return "percent", rw.Percent > most
	case rw.Fixed != 0:
		return "fixed", rw.capped(rw.Fixed) > most.Of(max(c.When.MinSpend, 0), money.Floor)
	case rw.PerUnit != 0:
		return "per_unit", false
	}
	for _, s := range rw.Ladder {
		if rw.capped(s.Get) > most.Of(max(s.Spend, c.When.MinSpend), money.Floor) {
			return "ladder", true
		}
	}
	return "ladder", false
}
