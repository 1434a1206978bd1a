package model

import (
	"fmt"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// What is known of a member at any instant does not depend on how the product keeps it: statements come late, twice, and contradict each other.
func TestModelAgreesOnMembers(t *testing.T) {
	kinds := map[string]ledger.FactKind{"consent": ledger.Consent, "segment": ledger.Segment, "opt_in": ledger.OptIn, "club": ledger.Club}
	names := map[string][]string{"consent": {"p", "q"}, "segment": {"x", "y"}, "opt_in": {"c0", "c1"}, "club": {"vip"}}
	rapid.Check(t, func(t *rapid.T) {
		profile, m, story := ledger.Profile{}, member{}, ""
		for i := range rapid.IntRange(1, 8).Draw(t, "events") {
			r := randomEvent(t, i)
			if problem := rules.NoteEvent(&profile, r); problem != nil {
				t.Fatal(problem)
			}
			m.learn(wired(r))
			story += fmt.Sprintln(r.EndedAt, r.Attributes)
		}
		if int64(profile.EnrolledAt) != m.enrolledAt || string(profile.Referrer) != "B" && profile.Referrer != "" || string(profile.Referrer) != m.referrer {
			t.Fatalf("%senrolled at %d by %q, model %d by %q", story, profile.EnrolledAt, profile.Referrer, m.enrolledAt, m.referrer)
		}
		first := ms("2026-11-24T09:30:00+01:00")
		for at := first - 1000; at < first+70*43_200_000; at += 21_600_000 + 500 {
			for kind, list := range names {
				for _, name := range list {
					if got, want := profile.Holds(kinds[kind], ledger.FactKey(name), retail.Instant(at)), m.holds(kind, name, at); got != want {
						t.Fatalf("%s%s %s at %d: %v, model %v; %+v", story, kind, name, at, got, want, profile.Facts)
					}
				}
			}
		}
	})
}
