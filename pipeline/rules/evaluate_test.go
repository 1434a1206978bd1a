package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// D31: the arm is a pure function of campaign and account, has the declared share, and is independent between campaigns.
func TestArmDistribution(t *testing.T) {
	const n, bp = 200_000, 1000
	held, both := 0, 0
	for i := range n {
		a := retail.AccountID(fmt.Sprintf("account-%d", i))
		one, two := rules.ArmOf("coffee", a, bp), rules.ArmOf("pasta", a, bp)
		if one == rules.Holdout {
			held++
			if two == rules.Holdout {
				both++
			}
		}
		if one != rules.ArmOf("coffee", a, bp) {
			t.Fatal("the arm of an account changed")
		}
		if one == rules.Holdout && rules.ArmOf("coffee", a, bp+500) != rules.Holdout {
			t.Fatal("a larger holdout lost a member")
		}
	}
	within := func(what string, got int, share float64) {
		want, sd := n*share, math.Sqrt(n*share*(1-share))
		if math.Abs(float64(got)-want) > 5*sd {
			t.Errorf("%s: %d, want %.0f within %.0f", what, got, want, 5*sd)
		}
	}
	within("holdout", held, 0.10)
	within("held out of both", both, 0.01)
}

// The hash is part of the contract: ClickHouse computes xxHash64(concat(salt, '|', account)) % 10000.
func TestArmIsStable(t *testing.T) {
	if rules.CampaignKey("") != 0xef46db3751d8e999 || rules.CampaignKey("a") != 0xd24ec4f1a98c6e5b {
		t.Error("the hash is not xxHash64 with seed 0")
	}
	for bp, want := range map[int32]rules.Arm{0: rules.Treatment, 10_000: rules.Holdout} {
		if got := rules.ArmOf("c", "a", bp); got != want {
			t.Errorf("holdout of %d basis points: %v", bp, got)
		}
	}
	if rules.ArmOf("c", "", 10_000) != rules.NoArm {
		t.Error("an anonymous receipt has an arm")
	}
}

// Evaluation and returns allocate nothing once the caches are warm.
func TestNothingIsAllocated(t *testing.T) {
	rs, receipts, e := libraryRules(t), benchReceipts(64), rules.NewEvaluator()
	var d rules.Decision
	var fp rules.Footprint
	var buf []byte
	ret := retail.Receipt{Type: retail.Return, Lines: []retail.Line{{Kind: retail.ReturnLine, ReturnOfLine: 3, Net: -100, QuantityMilli: -1000}}}
	round := func() {
		for i := range receipts {
			fp.Reset()
			e.Evaluate(rs, &receipts[i], receipts[i].Loyalty.AccountID, rules.Nobody{}, &d, &fp)
			buf = fp.AppendBinary(buf[:0])
			if err := fp.Decode(buf); err != nil {
				t.Fatal(err)
			}
			e.Return(rs, &ret, rules.Nobody{}, &d, &fp)
			buf = fp.AppendBinary(buf[:0])
			e.Evaluate(rs, &receipts[i], "", nil, &d, nil)
		}
	}
	round()
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Shelves that the small table in front of the map cannot tell apart are told apart by their names.
func TestShelvesThatShareAPlace(t *testing.T) {
	rs := mustCompile(t, []*rules.Campaign{
		mustParse(t, "id: c\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\nlines: {brand: abXc, category: G/AXBC, department: d}\nreward: {percent: 100}"),
	})
	r := retail.Receipt{Type: retail.Sale, EndedAt: at(t, "2026-12-02T10:00:00Z")}
	for i, l := range [][3]string{{"G/AXBC", "abXc", "d"}, {"G/AXBC", "abYc", "d"}, {"H/AXBC", "abXc", "d"}, {"G/AXBC", "abXc", "e"}, {"G/AXBC", "abXc", "d"}} {
		r.Lines = append(r.Lines, retail.Line{No: int32(i), Kind: retail.SaleLine, Category: l[0], Brand: l[1], Department: l[2], Net: 1 << i})
	}
	var d rules.Decision
	rules.NewEvaluator().Evaluate(rs, &r, "a", rules.Nobody{}, &d, &rules.Footprint{})
	if len(d.Results) != 1 || d.Results[0].Granted != 1+16 {
		t.Errorf("got %+v", d.Results)
	}
}

func TestCompileRefuses(t *testing.T) {
	doc := func(id, version, rest string) *rules.Campaign {
		return mustParse(t, "id: "+id+"\nversion: "+version+"\nname: N\nwindow: {from: 2026-12-01, to: 2026-12-31}\nreward: {percent: 1}\n"+rest)
	}
	best, first := "stacking: {group: g, mode: best_for_member}", "stacking: {group: g, mode: first}"
	for _, c := range []struct {
		list []*rules.Campaign
		want string
	}{
		{[]*rules.Campaign{doc("a", "1", ""), doc("a", "1", "")}, "a version 1 is given twice"},
		{[]*rules.Campaign{doc("a", "1", best), doc("b", "1", first)}, `stacking group "g"`},
		{[]*rules.Campaign{doc("a", "1", best), doc("b", "1", "stacking: {group: g}")}, "must agree"},
	} {
		if _, err := rules.Compile(c.list); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	// A group may change its mode from one version to the next, and when its campaigns do not meet.
	next := mustParse(t, "id: a\nversion: 2\nname: N\nwindow: {from: 2027-01-01}\nreward: {percent: 1}\n"+first)
	if _, err := rules.Compile([]*rules.Campaign{doc("a", "1", best), next}); err != nil {
		t.Error(err)
	}
}

func TestRulesetKnowsItsCampaigns(t *testing.T) {
	rs := libraryRules(t).WithVersion(42)
	if rs.Version() != 42 || rs.CampaignID(rules.CampaignKey("coffee-week")) != "coffee-week" || rs.CampaignID(1) != "" {
		t.Error("version or names")
	}
	if len(rs.Campaigns()) != 20 || rs.At("coffee-week", at(t, "2026-12-02T10:00:00Z")) == nil || rs.At("coffee-week", at(t, "2025-12-02T10:00:00Z")) != nil {
		t.Error("campaigns")
	}
	var d rules.Decision
	r := benchReceipts(1)[0]
	rules.NewEvaluator().Evaluate(rs, &r, "a", rules.Nobody{}, &d, &rules.Footprint{})
	if d.RulesetVersion != 42 {
		t.Errorf("decision of version %d", d.RulesetVersion)
	}
}

// The ledger's cap progress is asked once per capped campaign that wants something, never for an anonymous receipt.
func TestAnonymousReceiptsReadNothing(t *testing.T) {
	r := benchReceipts(1)[0]
	var d rules.Decision
	rules.NewEvaluator().Evaluate(libraryRules(t), &r, "", nil, &d, nil)
	if len(d.Results) == 0 {
		t.Fatal("nothing considered")
	}
	for _, res := range d.Results {
		if res.Granted != 0 || res.Arm != rules.NoArm || res.Outcome == rules.Awarded {
			t.Errorf("%+v", res)
		}
	}
}
