package rules_test

import (
	"testing"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

func mustParse(tb testing.TB, doc string) *rules.Campaign {
	tb.Helper()
	c, ds := rules.Parse("test.yaml", []byte(doc))
	if c == nil {
		for _, d := range ds {
			tb.Error(d)
		}
		tb.Fatal("the document does not parse")
	}
	return c
}

func mustCompile(tb testing.TB, all []*rules.Campaign) *rules.Ruleset {
	tb.Helper()
	rs, err := rules.Compile(all)
	if err != nil {
		tb.Fatal(err)
	}
	return rs
}

// at reads an instant.
func at(tb testing.TB, s string) retail.Instant {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return retail.Instant(t.UnixMilli())
}

// usage is a View that remembers, by the account itself.
type usage struct{ rules.MemberView }

func newUsage() usage { return usage{rules.MemberView{Account: &ledger.Account{}}} }

// post books the grants of a decision.
func (u usage) post(d *rules.Decision) {
	for i := range d.Results {
		d.Results[i].Post(u.Account)
	}
}
