package rules

import (
	"strconv"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

// Kinds of events that change what is known of a member. Every other kind is only seen by the campaigns that name it.
const (
	EventEnrol    = "enrol"
	EventBirthday = "birthday"
	EventConsent  = "consent"
	EventSegment  = "segment"
	EventOptIn    = "opt_in"
	EventOptOut   = "opt_out"
	EventClub     = "club"
)

// NoteEvent writes what an event says about its member into the profile, before any campaign judges it. With a nil profile it only checks. It returns
// what is wrong with the event's attributes, nil when they are good; then nothing is written.
//
// Facts hold from the event's own instant on, not from its arrival. A VOID of an event takes back what campaigns granted for it; a fact is undone by the
// opposite statement.
func NoteEvent(p *ledger.Profile, r *retail.Receipt) *retail.Problem {
	n := eventNote{p: p, r: r}
	switch r.EventKind() {
	case EventEnrol:
		n.enrol()
	case EventBirthday:
		n.birthday(true)
	case EventConsent:
		n.fact(ledger.Consent, "purpose", n.flag("given", true), false)
	case EventSegment:
		n.fact(ledger.Segment, "segment", n.flag("in", true), true)
	case EventOptIn:
		n.fact(ledger.OptIn, "campaign", true, false)
	case EventOptOut:
		n.fact(ledger.OptIn, "campaign", false, false)
	case EventClub:
		n.fact(ledger.Club, "club", n.flag("member", false), true)
	}
	return n.wrong
}

// eventNote reads one event.
type eventNote struct {
	p     *ledger.Profile
	r     *retail.Receipt
	wrong *retail.Problem
}

func (n *eventNote) refuse(key, observed, expected, hint string) {
	if n.wrong == nil {
		n.wrong = &retail.Problem{Code: retail.CodeEvent, Path: "/attributes/" + key, Observed: strconv.Quote(observed), Expected: expected, Hint: hint}
	}
}

// enrol: the first enrolment counts; a later event may add what was not known yet.
func (n *eventNote) enrol() {
	n.birthday(false)
	if n.wrong != nil || n.p == nil {
		return
	}
	if n.p.EnrolledAt == 0 || n.r.EndedAt < n.p.EnrolledAt {
		n.p.EnrolledAt = n.r.EndedAt
	}
	if referrer := n.r.Attribute("referrer"); n.p.Referrer == "" && referrer != "" && referrer != string(n.r.Loyalty.AccountID) {
		n.p.Referrer = retail.AccountID([]byte(referrer)) // the receipt's text is not ours to keep
	}
}

func (n *eventNote) birthday(required bool) {
	text := n.r.Attribute("birthday")
	if text == "" && !required {
		return
	}
	day, err := time.Parse("2006-01-02", "2000-"+text) // a leap year: 29 February is a birthday
	if err != nil {
		n.refuse("birthday", text, "month and day, such as 03-21", "the year is not asked for")
		return
	}
	if n.p != nil {
		n.p.Birthday = int16(int(day.Month())*100 + day.Day())
	}
}

// flag reads a yes or no. What a member agrees to is never guessed: only what has one meaning without it may be left out, and is yes then.
func (n *eventNote) flag(key string, required bool) bool {
	switch text := n.r.Attribute(key); {
	case text == "" && !required:
		return true
	case text == "true":
		return true
	case text == "false":
		return false
	default:
		n.refuse(key, text, "true or false", "")
		return false
	}
}

// fact begins or ends a fact that an attribute names.
func (n *eventNote) fact(kind ledger.FactKind, key string, on, timed bool) {
	name := n.r.Attribute(key)
	if name == "" {
		n.refuse(key, name, "the name of the "+key, "an event of kind "+n.r.EventKind()+" needs it")
		return
	}
	until := retail.Instant(0)
	if timed {
		until = n.until()
	}
	if n.wrong != nil || n.p == nil {
		return
	}
	if on {
		n.p.Begin(kind, ledger.FactKey(name), n.r.EndedAt, until)
	} else {
		n.p.End(kind, ledger.FactKey(name), n.r.EndedAt)
	}
}

// until reads the end of a fact: an instant, or a day that counts to its end, in UTC.
func (n *eventNote) until() retail.Instant {
	text := n.r.Attribute("until")
	if text == "" {
		return 0
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.UnixMilli() > 0 {
		return retail.Instant(at.UnixMilli())
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.UnixMilli() < 0 {
		n.refuse("until", text, "a day such as 2027-12-31, or an instant such as 2027-12-31T23:00:00Z", "leave it out to mean until further notice")
		return 0
	}
	return retail.Instant(day.AddDate(0, 0, 1).UnixMilli())
}
