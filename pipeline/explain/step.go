package explain

import (
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// steps puts the tests of one result into words.
func (s *speaker) steps(r *rules.Result, doc *rules.Campaign) []Step {
	out := make([]Step, 0, len(r.Steps))
	for i := range r.Steps {
		st := &r.Steps[i]
		observed, expected := s.values(r, st, doc)
		out = append(out, Step{
			Node: st.Node, Code: string(st.Code), Passed: st.Passed, Observed: observed, Expected: expected,
			Text: s.step(r, st, doc, observed, expected),
		})
	}
	return out
}

// values formats what was observed and expected, by the step's unit.
func (s *speaker) values(r *rules.Result, st *rules.Step, doc *rules.Campaign) (observed, expected string) {
	one := func(v int64) string {
		switch st.Unit {
		case rules.Minor:
			return s.value(money.Amount(v), s.unitOf(r, st))
		case rules.Milli:
			return s.w.milli(v)
		case rules.Count:
			return s.w.number(v)
		case rules.Time:
			if v == 0 {
				return ""
			}
			return s.w.moment(retail.Instant(v), s.zone(doc))
		}
		return ""
	}
	if st.Unit == rules.Text {
		return st.ObservedText, st.ExpectedText
	}
	return one(st.Observed), one(st.Expected)
}

// unitOf is the wallet that a step's amounts are in: what is given and its limits are in the campaign's, what is bought is in the currency.
func (s *speaker) unitOf(r *rules.Result, st *rules.Step) string {
	switch st.Code {
	case rules.StepReward, rules.StepReceiptCap, rules.StepMemberCap, rules.StepOutranked, rules.StepTimes, rules.StepBudget, rules.StepBudgetPacing, rules.StepStoreBudget:
		return s.wallet(r)
	}
	return ""
}

// step says one test in a sentence. Which text it is depends on the code, on whether it held, and on what the document tells beside the step.
func (s *speaker) step(r *rules.Result, st *rules.Step, doc *rules.Campaign, observed, expected string) string {
	pairs := []string{"observed", observed, "expected", expected, "code", string(st.Code), "missing", s.missing(r, st), "winner", s.nameOf(st.ExpectedText), "rail", st.ExpectedText}
	key, more := s.variant(r, st, doc)
	held := ".no"
	if st.Passed {
		held = ".ok"
	}
	base := "step." + string(st.Code)
	// Variables of a variant come first: where a name stands twice, the first counts.
	return s.w.say(s.w.first(key, base+held, base, "step.unknown"), append(more, pairs...)...)
}

// missing is what lacks of a threshold.
func (s *speaker) missing(r *rules.Result, st *rules.Step) string {
	lacks := *st
	lacks.Observed = max(st.Expected-st.Observed, 0)
	text, _ := s.values(r, &lacks, nil)
	return text
}

// variant chooses a text that says more than the step's own, where there is more to say, with the variables it needs.
func (s *speaker) variant(r *rules.Result, st *rules.Step, doc *rules.Campaign) (key string, pairs []string) {
	switch st.Code {
	case rules.StepWindow:
		return "step." + st.Node, nil
	case rules.StepHours:
		if days := s.openingHours(doc); days != "" {
			return "step.hours.known", []string{"expected", days}
		}
	case rules.StepChannel:
		return s.channelStep(st, doc)
	case rules.StepReward:
		return s.rewardStep(r, st, doc)
	case rules.StepHoldout:
		if st.Unit == rules.NoUnit {
			return "step.holdout.drawn", nil
		}
		return "", []string{"share", s.w.share(st.Expected * 100)}
	case rules.StepWho:
		return whoStep(st), nil
	case rules.StepTier:
		if st.Expected == 0 {
			return "step.tier.top", nil
		}
	case rules.StepProgress:
		if !st.Passed && st.Expected > 0 && st.Observed >= st.Expected {
			return "step.progress.before", nil
		}
	case rules.StepMemberCap:
		return "", []string{"limit", s.limit(doc)}
	}
	return "", nil
}

// whoStep chooses the text of a condition on the member, by where it stands and by whether anything is known of it.
func whoStep(st *rules.Step) string {
	key := "step." + st.Node
	switch {
	case st.Node == "who.tiers" && st.ObservedText == "":
		return key + ".none"
	case st.Node == "who.enrolled_within" && st.Observed == 0, st.Node == "who.birthday_within" && st.Observed < 0:
		return key + ".unknown"
	}
	return key
}

// openingHours says on which days and at which times a campaign counts, "" when that is not known.
func (s *speaker) openingHours(doc *rules.Campaign) string {
	if doc == nil {
		return ""
	}
	var parts []string
	if w := doc.Window.Weekdays; w != 0 {
		var days []string
		for i, name := range s.w.weekdays {
			if w&(1<<i) != 0 {
				days = append(days, name)
			}
		}
		parts = append(parts, s.w.say("hours.days", "days", s.w.list(days)))
	}
	if h := doc.Window.Hours; h != (rules.Hours{}) {
		parts = append(parts, s.w.say("hours.times", "from", s.w.minuteOfDay(h.From), "to", s.w.minuteOfDay(h.To)))
	}
	return strings.Join(parts, ", ")
}

func (s *speaker) channelStep(st *rules.Step, doc *rules.Campaign) (string, []string) {
	observed := st.ObservedText
	if ch, ok := retail.ParseChannel(st.ObservedText); ok {
		observed = s.w.say("channel." + ch.String())
	}
	pairs := []string{"observed", observed}
	if doc == nil || len(doc.Channels) == 0 {
		return "", pairs
	}
	var known []string
	for _, ch := range doc.Channels {
		known = append(known, s.w.say("channel."+ch.String()))
	}
	return "step.channel.known", append(pairs, "expected", s.w.list(known))
}

// rewardStep says how the reward came about, where the document tells and the result holds the basis; the results of a return hold changes.
func (s *speaker) rewardStep(r *rules.Result, st *rules.Step, doc *rules.Campaign) (string, []string) {
	basis := []string{"basis", s.amount(r.Basis)}
	if !st.Passed {
		return s.noReward(r, st, doc, basis)
	}
	if doc == nil || s.f.givesBack() || returned(r) {
		return "", nil
	}
	switch rw := &doc.Reward; {
	case rw.Percent != 0:
		return "step.reward.percent", append(basis, "rate", s.w.share(int64(rw.Percent)))
	case rw.Fixed != 0:
		return "step.reward.fixed", nil
	case rw.PerUnit != 0:
		return "step.reward.per_unit", []string{"each", s.value(rw.PerUnit, rw.Wallet)}
	case len(rw.Ladder) > 0:
		return "step.reward.ladder", basis
	case rw.Points.Get != 0:
		return "step.reward.points", append(basis, "get", s.value(rw.Points.Get, rw.Wallet), "for", s.amount(rw.Points.For))
	case rw.Draw.Prize != 0:
		return "step.reward.draw", nil
	}
	return "", nil
}

// noReward says why there is none: a step of the ladder, a threshold that the steps before name, or less than a cent.
func (s *speaker) noReward(r *rules.Result, st *rules.Step, doc *rules.Campaign, basis []string) (string, []string) {
	if doc != nil && len(doc.Reward.Ladder) > 0 && st.Expected > 0 {
		return "step.reward.first", append(basis, "spend", s.amount(doc.Reward.Ladder[0].Spend))
	}
	for i := range r.Steps {
		if other := &r.Steps[i]; !other.Passed && other.Code != rules.StepReward {
			return "", nil
		}
	}
	return "step.reward.cent", nil
}

// returned reports whether a sale was judged after returns of it had come.
func returned(r *rules.Result) bool {
	for i := range r.Steps {
		if r.Steps[i].Code == rules.StepReturned {
			return true
		}
	}
	return false
}

// limit names the member's cap, "" when the document is not known.
func (s *speaker) limit(doc *rules.Campaign) string {
	if doc == nil || doc.Reward.MaxPerMember.Amount == 0 {
		return ""
	}
	m := &doc.Reward.MaxPerMember
	return s.w.say("limit", "cap", s.value(m.Amount, doc.Reward.Wallet), "period", s.w.say("period."+m.Per.String()))
}
