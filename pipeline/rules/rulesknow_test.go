package rules_test

import (
	"strconv"
	"strings"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
)

// know notes what events have said about a member: facts hold from 2026-01-01 on, or from and until the instants given.
func (w *world) know(b block) {
	p := &w.use(b.words[1]).Account.Profile
	set := w.settings(b.words[2:])
	from, until := retail.Instant(1_767_225_600_000), retail.Instant(0)
	if s, ok := set["from"]; ok {
		from = at(w.t, s)
	}
	if s, ok := set["until"]; ok {
		until = at(w.t, s)
	}
	kinds := map[string]ledger.FactKind{"segment": ledger.Segment, "consent": ledger.Consent, "opt_in": ledger.OptIn, "club": ledger.Club}
	for key, value := range set {
		switch kind, ok := kinds[key]; {
		case ok:
			p.Begin(kind, ledger.FactKey(value), from, until)
		case key == "enrolled":
			p.EnrolledAt = at(w.t, value)
		case key == "first":
			p.FirstReceiptAt = at(w.t, value)
		case key == "referrer":
			p.Referrer = retail.AccountID(value)
		case key == "birthday":
			day, err := strconv.ParseInt(strings.ReplaceAll(value, "-", ""), 10, 16)
			if err != nil {
				w.t.Fatalf("%s: %v", w.where, err)
			}
			p.Birthday = int16(day)
		case key != "from" && key != "until":
			w.t.Fatalf("%s: unknown fact %q", w.where, key)
		}
	}
}
