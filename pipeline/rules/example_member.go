package rules

import (
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

func (n node) testMember(c *Campaign) *TestMember {
	if !n.given() {
		return nil
	}
	k := n.keys("account", "enrolled", "first_receipt", "birthday", "referrer", "segments", "consent", "club", "tier", "opt_in")
	at := func(key string) node { return child(k, n, key) }
	m := &TestMember{
		Account: retail.AccountID(at("account").text(128)), Referrer: retail.AccountID(at("referrer").text(128)),
		Segments: at("segments").texts(64), Consent: at("consent").texts(64), Clubs: at("club").texts(64), Tier: at("tier").text(64),
		OptIn: at("opt_in").choice("true", "false") == 0, Birthday: at("birthday").birthday(),
	}
	if loc, err := loadZone(c.Window.TZ); err == nil { // else reported at window.tz
		m.Enrolled, _ = at("enrolled").moment(loc, false)
		m.FirstReceipt, _ = at("first_receipt").moment(loc, false)
	}
	return m
}

// birthday reads "05-17" as 517. 29 February is one.
func (n node) birthday() int16 {
	if !n.given() {
		return 0
	}
	const want = `a month and day such as "05-17"`
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	t, err := time.Parse(time.DateOnly, "2004-"+s)
	if err != nil {
		n.fail(CodeDate, "found "+quoteShort(s), want, "put the day in quotes")
		return 0
	}
	return int16(int(t.Month())*100 + t.Day())
}

// memberOf is who an example is about: as it says, else one of whom nothing is known.
func memberOf(t *Test) *TestMember {
	if t.Member != nil {
		return t.Member
	}
	return &TestMember{}
}

// always is the beginning of a fact that has no date.
const always retail.Instant = 1

// profile is what events would have said.
func (m *TestMember) profile(campaign string) ledger.Profile {
	p := ledger.Profile{EnrolledAt: m.Enrolled, Birthday: m.Birthday, FirstReceiptAt: m.FirstReceipt, Referrer: m.Referrer}
	for _, group := range []struct {
		kind  ledger.FactKind
		names []string
	}{{ledger.Segment, m.Segments}, {ledger.Consent, m.Consent}, {ledger.Club, m.Clubs}} {
		for _, name := range group.names {
			p.Begin(group.kind, ledger.FactKey(name), always, 0)
		}
	}
	if m.OptIn {
		p.Begin(ledger.OptIn, ledger.FactKey(campaign), always, 0)
	}
	return p
}

func (w *jsonWriter) testMember(m *TestMember) {
	w.str("account", string(m.Account))
	w.instant("enrolled", m.Enrolled)
	w.instant("first_receipt", m.FirstReceipt)
	if m.Birthday != 0 {
		w.str("birthday", twoDigits(int8(m.Birthday/100))+"-"+twoDigits(int8(m.Birthday%100)))
	}
	w.str("referrer", string(m.Referrer))
	w.list("segments", m.Segments)
	w.list("consent", m.Consent)
	w.list("club", m.Clubs)
	w.str("tier", m.Tier)
	if m.OptIn {
		w.raw("opt_in", "true")
	}
}
