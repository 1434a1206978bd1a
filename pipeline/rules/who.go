package rules

import (
	"strings"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

// audience is a compiled Who: names as the keys under which a profile remembers them.
type audience struct {
	doc                   *Who
	in, out, agreed       []uint64
	optIn, club           uint64
	segments, notSegments string // the lists as steps show them
	tiers                 string
	enrolledMs            retail.Instant
}

func newAudience(c *Campaign) *audience {
	if c.Who.empty() {
		return nil
	}
	w := &c.Who
	return &audience{
		doc: w, in: factKeys(w.Segments), out: factKeys(w.NotSegments), agreed: factKeys(w.Consent),
		optIn: ledger.FactKey(c.ID), club: ledger.FactKey(w.Club),
		segments: strings.Join(w.Segments, ", "), notSegments: strings.Join(w.NotSegments, ", "), tiers: strings.Join(w.Tiers, ", "),
		enrolledMs: retail.Instant(w.EnrolledWithinDays) * dayMs,
	}
}

func factKeys(names []string) []uint64 {
	var out []uint64
	for _, n := range names {
		out = append(out, ledger.FactKey(n))
	}
	return out
}

// targets reports whether the member is one of those the campaign is for, at the close of the receipt at hand.
func (e *Evaluator) targets(r *rule, a *audience) bool {
	p := e.view.Profile()
	w := a.doc
	return (len(a.in) == 0 || holdsAny(p, ledger.Segment, a.in, e.now) >= 0) && holdsAny(p, ledger.Segment, a.out, e.now) < 0 &&
		lacks(p, a.agreed, e.now) < 0 && (!w.OptIn || p.Holds(ledger.OptIn, a.optIn, e.now)) &&
		(w.Club == "" || p.Holds(ledger.Club, a.club, e.now)) && (a.enrolledMs == 0 || a.fresh(p, e.now)) &&
		(!w.BirthdayWithin || near(p.Birthday, e.now, r.loc, w.BirthdayWithinDays)) && (!w.FirstReceipt || first(p, e.now)) &&
		(!w.Referred || p.Referrer != "") && (len(w.Tiers) == 0 || e.ranks(w.Tiers))
}

// holdsAny is the place of the first key that holds, -1 when none does.
func holdsAny(p *ledger.Profile, kind ledger.FactKind, keys []uint64, at retail.Instant) int {
	for i, k := range keys {
		if p.Holds(kind, k, at) {
			return i
		}
	}
	return -1
}

// lacks is the place of the first purpose that is not agreed to, -1 when all are.
func lacks(p *ledger.Profile, purposes []uint64, at retail.Instant) int {
	for i, k := range purposes {
		if !p.Holds(ledger.Consent, k, at) {
			return i
		}
	}
	return -1
}

// fresh reports whether the member joined within the days before an instant: from the enrolment on, for N times 24 hours.
func (a *audience) fresh(p *ledger.Profile, at retail.Instant) bool {
	return p.EnrolledAt != 0 && p.EnrolledAt <= at && at < p.EnrolledAt+a.enrolledMs
}

// first reports whether no sale of the member is known that closed before.
func first(p *ledger.Profile, at retail.Instant) bool {
	return p.FirstReceiptAt == 0 || p.FirstReceiptAt >= at
}

// near reports whether a local day lies within so many days of the birthday.
func near(birthday int16, at retail.Instant, loc *time.Location, days int32) bool {
	away := birthdayAway(birthday, at, loc)
	return away >= 0 && away <= int64(days)
}

// birthdayAway counts the days from a local day to the nearest birthday; -1 when that is not known. Who was born on 29 February has it on 1 March in
// the other years.
func birthdayAway(birthday int16, at retail.Instant, loc *time.Location) int64 {
	if birthday == 0 {
		return -1
	}
	y, m, d := time.UnixMilli(int64(at)).In(loc).Date()
	today := dayNumber(y, m, d)
	best := int64(366)
	for year := y - 1; year <= y+1; year++ {
		away := today - dayNumber(year, time.Month(birthday/100), int(birthday%100))
		best = min(best, max(away, -away))
	}
	return best
}

// dayNumber counts calendar days.
func dayNumber(y int, m time.Month, d int) int64 {
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400
}

func (e *Evaluator) ranks(levels []string) bool {
	_, ok := e.tierNow(levels)
	return ok
}

// explainWho tells which conditions on the member do not hold.
func (e *Evaluator) explainWho(r *rule, a *audience, d *Decision) {
	p, w := e.view.Profile(), a.doc
	say := func(node, observed, expected string) {
		d.step(Step{Node: node, Code: StepWho, Unit: Text, ObservedText: observed, ExpectedText: expected})
	}
	if len(a.in) > 0 && holdsAny(p, ledger.Segment, a.in, e.now) < 0 {
		say("who.segments", "", a.segments)
	}
	if i := holdsAny(p, ledger.Segment, a.out, e.now); i >= 0 {
		say("who.not_segments", w.NotSegments[i], a.notSegments)
	}
	if i := lacks(p, a.agreed, e.now); i >= 0 {
		say("who.consent", "", w.Consent[i])
	}
	if w.OptIn && !p.Holds(ledger.OptIn, a.optIn, e.now) {
		say("who.opt_in", "", r.id)
	}
	if len(w.Tiers) > 0 {
		if tier, ok := e.tierNow(w.Tiers); !ok {
			say("who.tiers", tier, a.tiers)
		}
	}
	if w.Club != "" && !p.Holds(ledger.Club, a.club, e.now) {
		say("who.club", "", w.Club)
	}
	e.explainDates(r, a, p, d)
}

// explainDates is explainWho for what the profile knows the day of.
func (e *Evaluator) explainDates(r *rule, a *audience, p *ledger.Profile, d *Decision) {
	w := a.doc
	if a.enrolledMs != 0 && !a.fresh(p, e.now) {
		d.step(Step{Node: "who.enrolled_within", Code: StepWho, Unit: Time, Observed: int64(p.EnrolledAt), Expected: int64(e.now - a.enrolledMs)})
	}
	if w.BirthdayWithin {
		if away := birthdayAway(p.Birthday, e.now, r.loc); away < 0 || away > int64(w.BirthdayWithinDays) {
			d.step(Step{Node: "who.birthday_within", Code: StepWho, Unit: Count, Observed: away, Expected: int64(w.BirthdayWithinDays)})
		}
	}
	if w.FirstReceipt && !first(p, e.now) {
		d.step(Step{Node: "who.first_receipt", Code: StepWho, Unit: Time, Observed: int64(p.FirstReceiptAt), Expected: int64(e.now)})
	}
	if w.Referred && p.Referrer == "" {
		d.step(Step{Node: "who.referred", Code: StepWho, Unit: NoUnit})
	}
}

// tierNow is the member's tier at the close of the receipt at hand, before it, and whether it is one of these. The member of an example has the one
// that it says.
func (e *Evaluator) tierNow(levels []string) (tier string, ok bool) {
	if v, isTest := e.view.(*testView); isTest && v.tier != "" {
		return v.tier, known(v.tier, levels)
	}
	return e.inTier(levels, e.view)
}
