package rules

import (
	"fmt"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
)

func (n node) when() When {
	k := n.keys("min_spend", "min_quantity", "min_basket", "coupon", "cel")
	if n.given() && len(k) == 0 {
		n.fail(CodeMissing, "no threshold is given", "min_spend, min_quantity, min_basket, coupon or cel", "leave when out to mean no threshold")
	}
	w := When{
		MinSpend:    child(k, n, "min_spend").amount(),
		MinQuantity: child(k, n, "min_quantity").integer(1, 1_000_000),
		MinBasket:   child(k, n, "min_basket").amount(),
		Coupon:      child(k, n, "coupon").texts(128),
	}
	w.CEL, w.program = child(k, n, "cel").expression()
	return w
}

// reward reads what is given: one of reward and tiers, and what the reward is for when it is stateful.
func (c *Campaign) reward(n, tiers, progress node) {
	switch {
	case n.given() && tiers.given():
		tiers.fail(CodeConflict, "reward and tiers are both given", "one of them", "write one document for each")
	case !n.given() && !tiers.given():
		n.required("a reward: one of " + strings.Join(rewardKinds(), ", "))
	case tiers.given() && progress.given():
		progress.fail(CodeConflict, "tiers count by themselves", "no progress", "")
	}
	c.Reward = n.reward()
	c.Progress = progress.progress(c, n)
	n.reach(c, progress)
	n.giftsFit(c)
}

// reach holds the steps of a ladder against what they count.
func (n node) reach(c *Campaign, progress node) {
	reaches := 0
	for _, s := range c.Reward.Ladder {
		if s.reach {
			reaches++
		}
		if s.reach && !c.Progress.Count.money() && s.Spend%100 != 0 {
			n.fail(CodeRange, "a step is reached at "+s.Spend.String(), "a whole number", "")
		}
	}
	switch {
	case reaches > 0 && !progress.given():
		n.fail(CodeConflict, "a ladder by reach counts over receipts", "progress, or steps by spend", "")
	case progress.given() && reaches != len(c.Reward.Ladder):
		n.fail(CodeConflict, "a ladder over receipts has steps by reach", "steps such as {reach: 3, get: 1.00}", "")
	}
}

func (n node) reward() Reward {
	k := n.keys("percent", "fixed", "per_unit", "ladder", "every", "pick", "rounding", "max_per_receipt", "max_per_member",
		"points", "times", "draw", "event", "wallet", "donate", "badge")
	r := Reward{
		Percent:       money.Rate(child(k, n, "percent").percent(4, true)),
		Fixed:         child(k, n, "fixed").amount(),
		PerUnit:       child(k, n, "per_unit").amount(),
		Ladder:        child(k, n, "ladder").ladder(),
		Rounding:      money.HalfUp,
		MaxPerReceipt: child(k, n, "max_per_receipt").amount(),
		MaxPerMember:  child(k, n, "max_per_member").memberCap(),
	}
	if i := child(k, n, "rounding").choice("floor", "half_up", "half_even", "ceil"); i >= 0 {
		r.Rounding = money.Rounding(i)
	}
	n.gifts(k, &r)
	n.oneReward(k)
	n.every(k, &r)
	return r
}

func (n node) oneReward(k map[string]node) {
	count, last := 0, n
	for _, key := range rewardKinds() {
		if v := child(k, n, key); v.given() {
			count, last = count+1, v
		}
	}
	switch {
	case !n.given():
	case count == 0 && !child(k, n, "badge").given():
		n.fail(CodeMissing, "the reward gives nothing", "one of "+strings.Join(rewardKinds(), ", ")+", or a badge", "")
	case count > 1:
		last.fail(CodeConflict, fmt.Sprintf("%d kinds of reward are given", count), "exactly one of "+strings.Join(rewardKinds(), ", "), "write one campaign for each")
	}
}

func (n node) ladder() []LadderStep {
	var out []LadderStep
	for i, v := range n.list() {
		k := v.keys("spend", "reach", "get")
		at, reach := child(k, v, "spend"), child(k, v, "reach")
		if reach.given() {
			at = reach
		}
		s := LadderStep{at.required("an amount").amount(), child(k, v, "get").required("an amount").amount(), reach.given()}
		if i > 0 && len(out) > 0 && s.Spend != 0 && s.Get != 0 {
			prev := out[len(out)-1]
			if s.Spend <= prev.Spend || s.Get <= prev.Get {
				v.fail(CodeConflict, fmt.Sprintf("the step %v for %v does not rise above %v for %v", s.Get, s.Spend, prev.Get, prev.Spend), "steps that rise in spend and in get", "")
			}
		}
		out = append(out, s)
	}
	return out
}

func (n node) memberCap() MemberCap {
	if !n.given() {
		return MemberCap{}
	}
	k := n.keys("amount", "per")
	m := MemberCap{Amount: child(k, n, "amount").required("an amount").amount()}
	if i := child(k, n, "per").required("campaign, day, week, month or year").choice("campaign", "day", "week", "month", "year"); i > 0 {
		m.Per = CapPeriod(i)
	}
	return m
}

func (n node) validity() Validity {
	k := n.keys("pending", "expires")
	v := Validity{PendingMs: child(k, n, "pending").duration(400)}
	ex := child(k, n, "expires")
	e := ex.keys("after", "calendar")
	after, calendar := child(e, ex, "after"), child(e, ex, "calendar")
	switch {
	case after.given() && calendar.given():
		calendar.fail(CodeConflict, "after and calendar are both given", "one of them", "")
	case ex.given() && !after.given() && !calendar.given():
		ex.fail(CodeMissing, "no expiry is given", "after or calendar", "leave expires out to mean never")
	}
	v.ExpireDays = after.expireDays()
	v.ExpireMonth, v.ExpireDay = calendar.monthDay()
	return v
}

func (n node) expireDays() int32 {
	ms := n.duration(3660)
	if n.given() && (ms%dayMs != 0 || ms == 0) {
		n.fail(CodeRange, "an expiry counts whole days, from 1", "days such as 365d", "")
		return 0
	}
	return int32(ms / dayMs)
}

func (n node) stacking() Stacking {
	k := n.keys("group", "mode")
	s := Stacking{Group: child(k, n, "group").text(64)}
	if i := child(k, n, "mode").choice("stack", "best_for_member", "first"); i > 0 {
		s.Mode = StackMode(i)
		if s.Group == "" {
			child(k, n, "mode").fail(CodeConflict, "the mode "+s.Mode.String()+" needs campaigns to choose among", "a stacking group", "add group")
		}
	}
	return s
}

func (n node) funding() []ledger.Share {
	if !n.given() {
		return []ledger.Share{{Party: DefaultFunder, Rate: money.One}}
	}
	var out []ledger.Share
	var sum money.Rate
	seen := map[string]bool{}
	for _, v := range n.list() {
		k := v.keys("by", "share")
		s := ledger.Share{Party: child(k, v, "by").required("who pays").text(128)}
		s.Rate = money.Rate(child(k, v, "share").required("a percentage").percent(4, true))
		if seen[s.Party] {
			v.fail(CodeDuplicate, "the funder "+quoteShort(s.Party)+" is given twice", "each funder once", "")
		}
		seen[s.Party] = true
		sum += s.Rate
		out = append(out, s)
	}
	if sum != money.One && !HasErrors(n.r.diags) {
		n.fail(CodeSum, fmt.Sprintf("the shares sum to %s", formatScaled(int64(sum), 4)), "shares that sum to 100", "")
	}
	if len(out) > maxFunders {
		n.fail(CodeTooLarge, fmt.Sprintf("%d funders", len(out)), fmt.Sprintf("at most %d", maxFunders), "")
	}
	return out
}

// maxFunders bounds the postings of one ledger entry.
const maxFunders = 16
