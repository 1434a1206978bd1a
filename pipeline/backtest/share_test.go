package backtest

import (
	"encoding/json"
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// shareDrafts touch some receipts, stand in the live set's groups and have caps of their own; the last is a punch card.
const shareDrafts = `
id: draft-coffee
version: 1
name: Draft
window: {from: 2026-01-01, tz: Europe/Paris}
lines: {category: GROCERY/COFFEE}
reward: {percent: 12, max_per_member: {amount: 6.00, per: week}}
stacking: {group: grocery, mode: best_for_member}
holdout: 10
---
id: draft-card
version: 1
name: Card
window: {from: 2026-01-01, tz: Europe/Paris}
lines: {category: HOUSEHOLD}
progress: {count: pieces, target: 5, repeat: true}
reward: {percent: 100}
`

// Goal: what is judged once for both worlds is what both would have decided. Method: the campaigns of the load test, which use every construct, against drafts; every receipt judged in both worlds must give the same report to the byte.
func TestSharingDoesNotShow(t *testing.T) {
	receipts := stream(t, 6000)
	_, all := generous(t, receipts)
	var drafts []*rules.Campaign
	for _, doc := range strings.Split(shareDrafts, "---\n") {
		drafts = append(drafts, parse(t, doc))
	}
	o := Options{Drafts: drafts, Against: all, Compare: true, Workers: 2}
	var reports [2]string
	for i, apart := range []bool{false, true} {
		o.apart = apart
		r := run(t, receipts, o)
		if c := r.Comparison; c.WithMinor <= c.WithoutMinor || c.Members.Less == 0 && c.Members.More == 0 || c.WithoutMinor == 0 {
			t.Fatalf("nothing to compare: %+v", c)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		reports[i] = string(b)
	}
	if reports[0] != reports[1] {
		t.Errorf("shared:\n%s\napart:\n%s", reports[0], reports[1])
	}
}

// Goal: a receipt that no campaign concerns has no result, and one that has results concerns one.
func TestConcernsIsExact(t *testing.T) {
	receipts := stream(t, 4000)
	_, all := generous(t, receipts)
	skipped := 0
	for _, c := range all {
		rs, err := rules.Compile([]*rules.Campaign{c})
		if err != nil {
			continue // a version that needs another campaign beside it
		}
		e, d, fp := rules.NewEvaluator(), rules.Decision{}, rules.Footprint{}
		for i := range receipts {
			r := &receipts[i]
			if e.Concerns(rs, r) {
				continue
			}
			skipped++
			fp.Reset()
			if e.Evaluate(rs, r, "someone", rules.Nobody{}, &d, &fp); len(d.Results) > 0 || len(fp.Awards) > 0 {
				t.Fatalf("%s on %s: %+v", c.ID, r.ID, d.Results)
			}
		}
	}
	if skipped < len(receipts) {
		t.Errorf("only %d were passed over", skipped)
	}
}
