package model

import (
	"strings"
	"time"

	"cagnotte/loadtest/wire"
)

// member is what is known of who holds an account: everything that was said of it, in the order in which it was said.
type member struct {
	enrolledAt int64
	referrer   string
	birthday   string // MM-DD
	said       []fact
}

// fact is one statement about a member: from an instant on, something holds (until another, 0: for good) or holds no more.
type fact struct {
	kind, name string
	at, until  int64
	holds      bool
}

// holds says whether something is true of the member at an instant: the last statement up to then decides; of two of one instant the later said.
func (m *member) holds(kind, name string, t int64) bool {
	best := fact{at: -1}
	for _, f := range m.said {
		if f.kind == kind && f.name == name && f.at <= t && f.at >= best.at {
			best = f
		}
	}
	return best.holds && (best.until == 0 || t < best.until)
}

// learn takes what an EVENT says of the member. Kinds that say nothing change nothing.
func (m *member) learn(r *wire.Receipt) {
	at := r.Attributes
	say := func(kind, name string, holds bool, until string) {
		end, _ := moment(text(until), time.UTC, true) // checked when it was accepted
		m.said = append(m.said, fact{kind, strings.Clone(name), r.EndedAt, end, holds})
	}
	switch r.Event() {
	case "enrol":
		if m.enrolledAt == 0 || r.EndedAt < m.enrolledAt {
			m.enrolledAt = r.EndedAt
		}
		if m.referrer == "" && at["referrer"] != r.Account() {
			m.referrer = strings.Clone(at["referrer"])
		}
		if at["birthday"] != "" {
			m.birthday = strings.Clone(at["birthday"])
		}
	case "birthday":
		m.birthday = strings.Clone(at["birthday"])
	case "consent":
		say("consent", at["purpose"], at["given"] == "true", "")
	case "segment":
		say("segment", at["segment"], at["in"] == "true", at["until"])
	case "opt_in", "opt_out":
		say("opt_in", at["campaign"], r.Event() == "opt_in", "")
	case "club":
		say("club", at["club"], at["member"] != "false", at["until"])
	}
}

// paris is the programme's zone.
var paris = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return zone
}()

// admits asks what a return cannot change: the member, the coupon, the expert's condition.
func (c *campaign) admits(a *Account, b *basket, cs *Campaigns) bool {
	return c.targeted(a, b, cs) && c.presented(b) && c.expected(b)
}

// targeted says whether the campaign is for this member, by what was known when the receipt closed.
func (c *campaign) targeted(a *Account, b *basket, cs *Campaigns) bool {
	w, m := &c.who, &a.member
	if w.anybody() {
		return true
	}
	if b.account == "" {
		return false
	}
	in := func(kind string) func(string) bool {
		return func(name string) bool { return m.holds(kind, name, b.endedAt) }
	}
	switch {
	case len(w.segments) > 0 && !some(w.segments, in("segment")):
		return false
	case some(w.notSegments, in("segment")):
		return false
	case !every(w.consent, in("consent")):
		return false
	case w.optIn && !in("opt_in")(c.id):
		return false
	case w.club != "" && !in("club")(w.club):
		return false
	case w.referred && m.referrer == "":
		return false
	case w.first && !a.first(b.endedAt):
		return false
	case len(w.tiers) > 0 && !some(w.tiers, func(name string) bool { return a.hasTier(cs, name, b.endedAt) }):
		return false
	}
	return w.enrolledLately(m, b.endedAt) && w.nearBirthday(m, b.endedAt, c.zone)
}

func some(list []string, ok func(string) bool) bool {
	for _, s := range list {
		if ok(s) {
			return true
		}
	}
	return false
}

func every(list []string, ok func(string) bool) bool {
	return !some(list, func(s string) bool { return !ok(s) })
}

func (w *who) enrolledLately(m *member, t int64) bool {
	return w.enrolledMs < 0 || m.enrolledAt != 0 && t >= m.enrolledAt && t < m.enrolledAt+w.enrolledMs
}

// nearBirthday asks the local day; a birthday on a day that the year does not have is on the next one.
func (w *who) nearBirthday(m *member, t int64, zone *time.Location) bool {
	if w.birthdayDays < 0 {
		return true
	}
	day, err := time.Parse("2006-01-02", "2000-"+m.birthday)
	if err != nil {
		return false
	}
	y, mon, d := time.UnixMilli(t).In(zone).Date()
	today := time.Date(y, mon, d, 0, 0, 0, 0, time.UTC)
	for year := y - 1; year <= y+1; year++ {
		away := today.Sub(time.Date(year, day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)) / (24 * time.Hour)
		if int(max(away, -away)) <= w.birthdayDays {
			return true
		}
	}
	return false
}

// first says that no sale is known which closed earlier.
func (a *Account) first(t int64) bool {
	for _, k := range a.receipts {
		if k.basket != nil && k.basket.kind != "EVENT" && k.basket.endedAt < t {
			return false
		}
	}
	return true
}

// refuseEvent checks what an EVENT of a known kind must say.
func refuseEvent(r *wire.Receipt) string {
	bad := func(keys ...string) bool {
		for _, k := range keys {
			if r.Attributes[k] == "" {
				return true
			}
		}
		return false
	}
	truth := func(s string) bool { return s == "true" || s == "false" }
	_, untilErr := moment(text(r.Attributes["until"]), time.UTC, true)
	_, birthErr := time.Parse("2006-01-02", "2000-"+r.Attributes["birthday"])
	wrong := false
	switch r.Event() {
	case "enrol":
		wrong = r.Attributes["birthday"] != "" && birthErr != nil
	case "birthday":
		wrong = birthErr != nil
	case "consent":
		wrong = bad("purpose") || !truth(r.Attributes["given"])
	case "segment":
		wrong = bad("segment") || !truth(r.Attributes["in"]) || untilErr != nil
	case "opt_in", "opt_out":
		wrong = bad("campaign")
	case "club":
		wrong = bad("club") || untilErr != nil || r.Attributes["member"] != "" && !truth(r.Attributes["member"])
	}
	if wrong {
		return codeEvent
	}
	return refuseCommand(r)
}
