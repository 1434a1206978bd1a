package rules

import (
	"fmt"
	"regexp"
)

// Who says which members a campaign is for: every condition given must hold at the receipt's close, by what the account's profile knows of that
// moment. The zero value is every member.
type Who struct {
	Segments           []string // in any of these
	NotSegments        []string // in none of these
	Consent            []string // all of these purposes are agreed to
	OptIn              bool     // the member has activated this campaign
	Tiers              []string // the tier before this receipt is one of these
	Club               string   // a paid membership that is in force
	EnrolledWithinDays int32    // the member joined at most so many days before
	BirthdayWithin     bool     // BirthdayWithinDays is given; 0 days: the day itself
	BirthdayWithinDays int32    // local days before or after the birthday
	FirstReceipt       bool     // no sale closed earlier is known
	Referred           bool     // somebody brought the member
}

func (w *Who) empty() bool {
	return len(w.Segments)+len(w.NotSegments)+len(w.Consent)+len(w.Tiers) == 0 && w.Club == "" && w.EnrolledWithinDays == 0 &&
		!w.OptIn && !w.BirthdayWithin && !w.FirstReceipt && !w.Referred
}

// Bounds of who.
const (
	maxFactNames      = 64 // of one list
	maxEnrolledDays   = 3660
	maxBirthdayWithin = 182
)

func (n node) who() Who {
	k := n.keys("segments", "not_segments", "consent", "opt_in", "tiers", "club", "enrolled_within", "birthday_within", "first_receipt", "referred")
	at := func(key string) node { return child(k, n, key) }
	if n.given() && len(k) == 0 {
		n.fail(CodeMissing, "no member is described", "segments, consent, tiers or another condition", "leave who out to mean every member")
	}
	w := Who{
		Segments: at("segments").names(), NotSegments: at("not_segments").names(), Consent: at("consent").purposes(), Tiers: at("tiers").names(),
		Club: at("club").text(64), EnrolledWithinDays: int32(at("enrolled_within").wholeDays(1, maxEnrolledDays)),
		OptIn: at("opt_in").always(), FirstReceipt: at("first_receipt").always(), Referred: at("referred").always(),
	}
	birthday := at("birthday_within")
	w.BirthdayWithin, w.BirthdayWithinDays = birthday.given(), int32(birthday.wholeDays(0, maxBirthdayWithin))
	for _, s := range w.NotSegments {
		if known(s, w.Segments) {
			at("not_segments").fail(CodeConflict, quoteShort(s)+" is also in segments", "members who can be in the one and not in the other", "")
		}
	}
	return w
}

// names reads a short list of texts.
func (n node) names() []string {
	out := n.texts(64)
	if len(out) > maxFactNames {
		n.fail(CodeTooLarge, fmt.Sprintf("%d names", len(out)), fmt.Sprintf("at most %d", maxFactNames), "make one segment of them")
		return nil
	}
	return out
}

var purposePattern = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (n node) purposes() []string {
	out := n.names()
	for _, p := range out {
		if !purposePattern.MatchString(p) {
			n.fail(CodeRange, "found "+quoteShort(p), "1 to 64 of a-z, 0-9 and -", "")
		}
	}
	return out
}

// always reads a condition that is either asked for or left out.
func (n node) always() bool {
	i := n.choice("true", "false")
	if i == 1 {
		n.fail(CodeRange, "found false", "true", "leave the key out to ask for nothing")
	}
	return i == 0
}

// wholeDays reads days such as 30d.
func (n node) wholeDays(lo, hi int64) int64 {
	ms := n.duration(hi)
	if !n.given() {
		return 0
	}
	if ms%dayMs != 0 || ms < lo*dayMs {
		n.fail(CodeRange, "whole days are counted", fmt.Sprintf("days from %dd to %dd", lo, hi), "")
		return 0
	}
	return ms / dayMs
}

func (w *jsonWriter) who(p *Who) {
	w.list("segments", p.Segments)
	w.list("not_segments", p.NotSegments)
	w.list("consent", p.Consent)
	w.yes("opt_in", p.OptIn)
	w.list("tiers", p.Tiers)
	w.str("club", p.Club)
	if p.EnrolledWithinDays != 0 {
		w.str("enrolled_within", itoa(int64(p.EnrolledWithinDays))+"d")
	}
	if p.BirthdayWithin {
		w.str("birthday_within", itoa(int64(p.BirthdayWithinDays))+"d")
	}
	w.yes("first_receipt", p.FirstReceipt)
	w.yes("referred", p.Referred)
}

func (w *jsonWriter) yes(name string, on bool) {
	if on {
		w.raw(name, "true")
	}
}
