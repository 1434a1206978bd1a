package ledger

import (
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

type names map[uint64]string

func (n names) CampaignID(key uint64) string { return n[key] }

var known = names{1: "coffee", 2: "nappies", 3: "school"}

// sum of an entry's postings is zero, or the test fails.
func checkSums(t interface{ Fatalf(string, ...any) }, entries []Entry) {
	for i := range entries {
		var sum money.Amount
		for _, p := range entries[i].Postings {
			sum += p.Amount
		}
		if sum != 0 {
			t.Fatalf("entry %d (%v) sums to %v: %+v", entries[i].Seq, entries[i].Kind, sum, entries[i].Postings)
		}
	}
}

func TestDeferredReward(t *testing.T) {
	var a Account
	var j Journal
	g := Grant{Campaign: "coffee", CampaignKey: 1, Version: 1, Amount: 500, At: 10, ActiveFrom: 100, ExpiresAt: 200}
	a.Earn(&j, "m", &g)
	if a.Pending != 500 || a.Available != 0 || a.NextDue() != 100 {
		t.Fatalf("after earn: %+v", a)
	}
	a.FireDue(&j, "m", 100, known)
	if a.Pending != 0 || a.Available != 500 || a.NextDue() != 200 {
		t.Fatalf("after activation: %+v", a)
	}
	a.FireDue(&j, "m", retail.Instant(300), known)
	if a.Pending != 0 || a.Available != 0 || a.NextDue() != 0 || len(a.Lots) != 0 || a.Seq != 3 {
		t.Fatalf("after expiry: %+v", a)
	}
	checkSums(t, j.Entries)
}
