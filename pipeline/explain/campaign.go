package explain

import (
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// campaign tells what one campaign made of the receipt.
func (s *speaker) campaign(r *rules.Result) Campaign {
	doc := s.docs[docKey{r.Campaign, r.Version}]
	loc := s.zone(doc)
	c := Campaign{
		Campaign: r.Campaign, Version: r.Version, Name: s.name(doc, r.Campaign), Arm: r.Arm.String(), Outcome: r.Outcome.String(),
		Label: s.label(r), Reason: s.reason(r, doc), Wallet: s.wallet(r), Basis: r.Basis, Desired: r.Desired, Granted: r.Granted,
		CappedBy: r.CappedBy, OutrankBy: winner(r), Steps: s.steps(r, doc),
	}
	if doc != nil {
		c.Rule = rules.Sentence(doc, s.w.lang)
	}
	if r.Granted > 0 {
		c.ActiveFrom, c.ExpiresAt = stamp(r.ActiveFrom, loc), stamp(r.ExpiresAt, loc)
		c.Validity = s.validity(r, doc)
	}
	if r.Granted != 0 {
		c.Funding = s.funders(r)
		c.Funded = s.funded(c.Funding, c.Wallet)
	}
	return c
}

// label is the outcome in a few words, as on the pages; where not the member's limit bound, it says what did.
func (s *speaker) label(r *rules.Result) string {
	key := "outcome." + r.Outcome.String()
	return s.w.say(s.w.first(key+"."+limitOf(r), key, "outcome.UNKNOWN"))
}

// name is what a campaign is called; its id when the document is not known.
func (s *speaker) name(c *rules.Campaign, id string) string {
	if c == nil {
		return id
	}
	names := []string{c.Name.EN, c.Name.FR, id}
	if s.w.lang == French {
		names[0], names[1] = names[1], names[0]
	}
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return id
}

// winner is the campaign that outranked this one, "" when none did.
func winner(r *rules.Result) string {
	for i := range r.Steps {
		if r.Steps[i].Code == rules.StepOutranked {
			return r.Steps[i].ExpectedText
		}
	}
	return ""
}

// nameOf finds the name of a campaign of the decision by its id.
func (s *speaker) nameOf(id string) string {
	if s.f.Decision != nil {
		for i := range s.f.Decision.Results {
			if r := &s.f.Decision.Results[i]; r.Campaign == id {
				return s.name(s.docs[docKey{id, r.Version}], id)
			}
		}
	}
	return id
}

// reason says in one sentence why the campaign gave what it gave.
func (s *speaker) reason(r *rules.Result, doc *rules.Campaign) string {
	pairs := []string{
		"granted", s.value(r.Granted, s.wallet(r)), "taken", s.value(r.Granted.Abs(), s.wallet(r)), "desired", s.value(r.Desired, s.wallet(r)),
		"winner", s.nameOf(winner(r)), "best", s.best(r), "group", group(doc),
	}
	base := "why." + r.Outcome.String()
	keys := []string{base, "why.UNKNOWN"}
	switch {
	case s.f.givesBack():
		keys = append([]string{strings.Replace(base, "why.", "why.return.", 1)}, keys...)
		if r.Outcome == rules.Reversed && r.Granted == 0 {
			keys = append([]string{"why.return.REVERSED.nothing"}, keys...)
		}
	case r.Outcome == rules.InProgress && doc != nil && len(doc.Tiers.Levels) > 0:
		keys = append([]string{base + ".levels"}, keys...)
	case r.Outcome == rules.InProgress && reached(r):
		keys = append([]string{base + ".reached"}, keys...)
	case r.Outcome == rules.Awarded && r.Granted == 0:
		keys = append([]string{base + ".marker"}, keys...)
	case r.CappedBy != "" && s.w.has(base+"."+limitOf(r)):
		keys = append([]string{base + "." + limitOf(r)}, keys...)
	case r.Outcome == rules.Outranked && doc != nil && doc.Stacking.Mode == rules.BestForMember:
		keys = append([]string{base + ".best"}, keys...)
	case r.Outcome == rules.Outranked && doc != nil && doc.Stacking.Mode == rules.First:
		keys = append([]string{base + ".first"}, keys...)
	}
	return s.w.say(s.w.first(keys...), pairs...)
}

// reached reports whether a goal had been reached before: this receipt counts on top.
func reached(r *rules.Result) bool {
	for i := range r.Steps {
		if st := &r.Steps[i]; st.Code == rules.StepProgress && st.Expected > 0 && st.Observed >= st.Expected {
			return true
		}
	}
	return false
}

func group(doc *rules.Campaign) string {
	if doc == nil {
		return ""
	}
	return doc.Stacking.Group
}

// best is what the campaign that won had to offer.
func (s *speaker) best(r *rules.Result) string {
	for i := range r.Steps {
		if r.Steps[i].Code == rules.StepOutranked {
			return s.value(money.Amount(r.Steps[i].Expected), s.wallet(r))
		}
	}
	return ""
}

// validity says when a reward can be spent and when it is lost.
func (s *speaker) validity(r *rules.Result, doc *rules.Campaign) string {
	loc, now := s.zone(doc), s.f.Now
	active := s.w.say("active.now")
	switch {
	case r.ActiveFrom == 0:
	case now != 0 && r.ActiveFrom <= now:
		active = s.w.say("active.since", "time", s.w.moment(r.ActiveFrom, loc))
	default:
		active = s.w.say("active.from", "time", s.w.moment(r.ActiveFrom, loc))
	}
	lapse := s.w.say("lapse.never")
	switch {
	case r.ExpiresAt == 0:
	case now != 0 && r.ExpiresAt <= now:
		lapse = s.w.say("lapse.since", "time", s.w.moment(r.ExpiresAt, loc))
	default:
		lapse = s.w.say("lapse.on", "time", s.w.moment(r.ExpiresAt, loc))
	}
	return s.w.say("validity", "active", active, "lapse", lapse)
}

// funders says who pays how much: as booked where the ledger has the entry, else by the shares.
func (s *speaker) funders(r *rules.Result) []Funder {
	booked := s.booked(r)
	amounts := make([]money.Amount, len(r.Funding))
	weights := make([]money.Amount, len(r.Funding))
	for i, f := range r.Funding {
		weights[i] = money.Amount(f.Rate)
	}
	if len(weights) > 0 {
		money.Allocate(r.Granted, weights, amounts)
	}
	out := make([]Funder, 0, len(r.Funding))
	for i, f := range r.Funding {
		paid := amounts[i]
		if a, ok := booked[f.Party]; ok {
			paid = a
		}
		out = append(out, Funder{Party: f.Party, RatePPM: int64(f.Rate), Amount: paid})
	}
	return out
}

// booked sums what the ledger entries of this receipt and campaign took from each funder.
func (s *speaker) booked(r *rules.Result) map[string]money.Amount {
	out := map[string]money.Amount{}
	for i := range s.f.Entries {
		e := &s.f.Entries[i]
		if e.Receipt != s.f.ReceiptID || e.Campaign != r.Campaign {
			continue
		}
		for _, p := range e.Postings {
			if p.Book == ledger.Funding {
				out[p.Party] -= p.Amount
			}
		}
	}
	return out
}

func (s *speaker) funded(list []Funder, wallet string) string {
	if len(list) == 0 {
		return ""
	}
	key, each, parts := "funded", "funder", make([]string, 0, len(list))
	if len(list) == 1 {
		each = "funder.sole"
	}
	for _, f := range list {
		if f.Amount < 0 {
			key = "funded.back"
		}
		party := f.Party
		if text := s.w.first("funder." + f.Party); text != "" && f.Party == ledger.Retailer {
			party = s.w.say(text)
		}
		parts = append(parts, s.w.say(each, "party", party, "amount", s.value(f.Amount.Abs(), wallet), "share", s.w.share(f.RatePPM)))
	}
	return s.w.say(key, "funders", s.w.list(parts))
}

// limitOf names what capped a result; of a budget, which part of it was the last to do so.
func limitOf(r *rules.Result) string {
	if n := len(r.Steps); r.CappedBy == "budget" && n > 0 {
		switch code := r.Steps[n-1].Code; code {
		case rules.StepBudgetPacing, rules.StepStoreBudget:
			return string(code)
		}
	}
	return r.CappedBy
}
