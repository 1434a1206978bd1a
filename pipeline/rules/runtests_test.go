package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// stepped is a document whose example has every kind of step.
const stepped = `id: coffee
version: 1
name: Coffee
window: {from: 2026-12-01}
lines: {category: GROCERY/COFFEE}
when: {min_spend: 10.00}
reward: {percent: 10, max_per_member: {amount: 3.00, per: month}}
validity: {pending: 48h}
tests:
  - name: a month
    member: {account: alice, enrolled: 2026-11-03, birthday: "02-28", referrer: bob, segments: [young-parents], consent: profiling, club: [vip], tier: gold, opt_in: true}
    steps:
      - receipt: {at: 2026-12-02T10:00:00+01:00, lines: [{category: GROCERY/COFFEE, net: 20.00, quantity: 4}, {category: PET, labels: [organic], net: 5.00}]}
        expect: {outcome: AWARDED, amount: 2.00, desired: 2.00, pending: 2.00}
      - receipt: {id: r-2, operator: op-3, coupons: [TEN], lines: [{category: GROCERY/COFFEE, net: 30.00}]}
        expect: {outcome: CAPPED, amount: 1.00, desired: 3.00}
      - return: {of: 1, lines: [{line: 1, quantity: 2}]}
        expect: {outcome: REVERSED, amount: -1.00}
      - return: {of: 1, lines: [{line: 1, quantity: 1, net: 4.99}]}
        expect: {outcome: REVERSED, amount: -1.00}
      - receipt: {lines: [{category: PET, net: 8.00}]}
        expect: none
      - void: {of: 2, at: 2026-12-05T10:00:00+01:00}
        expect: {outcome: REVERSED, amount: -1.00, available: 0.00, pending: 0.00}
      - return: {of: 1}
      - event: {kind: club, attributes: {club: vip, until: 2027-01-31}, lines: [{kind: FEE, net: 9.90}]}
        expect: none
      - receipt: {lines: [{category: GROCERY/COFFEE, net: 30.00}]}
        expect: {outcome: AWARDED, amount: 3.00}
`

// An example's steps run one after the other in one account: caps fill, returns take back, timers fire.
func TestStepsRunInOneAccount(t *testing.T) {
	c := mustParse(t, stepped)
	res := rules.RunTests(c)
	if len(res) != 1 || !res[0].Passed || len(res[0].Steps) != 9 {
		t.Fatalf("got %+v", res)
	}
	if s := res[0].Steps[2]; s.What != "return" || s.Line != 17 || s.Granted != -100 {
		t.Errorf("got %+v", s)
	}
	again, ds := rules.Parse("canonical.json", c.JSON())
	if again == nil || string(again.JSON()) != string(c.JSON()) {
		t.Fatalf("the canonical form does not come back: %v\n%s", ds, c.JSON())
	}
	if res := rules.RunTests(again); !res[0].Passed {
		t.Errorf("the canonical form fails: %s", res[0].Failure)
	}
}

// What differs is told with the step, its line, what was expected and what was got.
func TestStepsFailReadably(t *testing.T) {
	for old, c := range map[string]struct{ new, failure string }{
		"outcome: AWARDED, amount: 2.00":   {"outcome: AWARDED, amount: 2.50", "step 1 (line 13, receipt): amount 2.00, expected 2.50"},
		"outcome: CAPPED":                  {"outcome: AWARDED", "step 2 (line 15, receipt): outcome CAPPED, expected AWARDED (reward.max_per_member 3.00 of 1.00)"},
		"pending: 2.00":                    {"pending: 1.00", "step 1 (line 13, receipt): pending 2.00, expected 1.00"},
		"pending: 2.00}":                   {"pending: 2.00, lapsed: 0.01}", "step 1 (line 13, receipt): lapsed 0.00, expected 0.01"},
		"expect: none":                     {"expect: {outcome: AWARDED}", "step 5 (line 21, receipt): the campaign is not concerned"},
		"{outcome: AWARDED, amount: 3.00}": {"none", "step 9 (line 28, receipt): outcome AWARDED, expected that the campaign is not concerned"},
	} {
		res := rules.RunTests(mustParse(t, strings.Replace(stepped, old, c.new, 1)))
		if res[0].Passed || !strings.Contains(res[0].Failure, c.failure) {
			t.Errorf("%s: got %q", c.new, res[0].Failure)
		}
	}
}

// Wrong steps are answered at their line and column.
func TestParsePointsAtWrongSteps(t *testing.T) {
	for _, c := range []breakage{
		{"{account: alice", "{acount: alice", rules.CodeUnknownKey, "tests[0].member.acount", "11:14"},
		{`birthday: "02-28"`, `birthday: "02-30"`, rules.CodeDate, "tests[0].member.birthday", "11:62"},
		{"enrolled: 2026-11-03", "enrolled: 2026-13-03", rules.CodeDate, "tests[0].member.enrolled", "11:40"},
		{"opt_in: true", "opt_in: yes", rules.CodeEnum, "tests[0].member.opt_in", "11:166"},
		{"- void: {of: 2,", "- void: {of: 9,", rules.CodeRange, "tests[0].steps[5].void.of", "23:20"},
		{"- void: {of: 2,", "- void: {of: 3,", rules.CodeRange, "tests[0].steps[5].void.of", "23:20"},
		{"- void: {of: 2,", "- void: {", rules.CodeMissing, "tests[0].steps[5].void.of", "23:15"},
		{"- return: {of: 1}", "- retrun: {of: 1}", rules.CodeUnknownKey, "tests[0].steps[6].retrun", "25:9"},
		{"- return: {of: 1}", "- expect: none", rules.CodeMissing, "tests[0].steps[6]", "25:9"},
		{"- return: {of: 1}", "- return: {of: 1}\n        void: {of: 2}", rules.CodeConflict, "tests[0].steps[6].void", "26:15"},
		{"kind: club, ", "", rules.CodeMissing, "tests[0].steps[7].event.kind", "26:16"},
		{"{club: vip, ", "{", rules.CodeRange, "tests[0].steps[7].event.attributes", "26:41"},
		{"until: 2027-01-31", "until: soon", rules.CodeRange, "tests[0].steps[7].event.attributes", "26:41"},
		{"until: 2027-01-31", "event: staff", rules.CodeDuplicate, "tests[0].steps[7].event.attributes.event", "26:60"},
		{"quantity: 2}]", "quantity: 5}]", rules.CodeRange, "tests[0].steps[2].return.lines[0].quantity", "17:53"},
		{"{line: 1, quantity: 2}", "{line: 3}", rules.CodeRange, "tests[0].steps[2].return.lines[0].line", "17:40"},
		{"id: r-2", "id: step-1", rules.CodeDuplicate, "tests[0].steps[1].receipt", "15:18"},
		{"id: r-2", "account: bob", rules.CodeConflict, "tests[0].steps[1].receipt", "15:18"},
		{"expect: none", "expect: nothing", rules.CodeEnum, "tests[0].steps[4].expect", "22:17"},
		{"name: a month", "receipt: {lines: [{net: 1.00}]}", rules.CodeConflict, "tests[0].receipt", "10:14"},
		{"  - name: a month\n", "  - with: [coffee]\n", rules.CodeConflict, "tests[0].with[0]", "10:12"},
	} {
		t.Run(c.path+" "+c.new, func(t *testing.T) {
			doc := strings.Replace(stepped, c.old, c.new, 1)
			campaign, ds := rules.Parse("c.yaml", []byte(doc))
			if campaign != nil || doc == stepped {
				t.Fatal("accepted, or not changed")
			}
			for _, d := range ds {
				if d.Code == c.code && d.Path == c.path && fmt.Sprintf("%d:%d", d.Line, d.Column) == c.position {
					return
				}
			}
			t.Errorf("no %s at %s %s in:\n%v", c.code, c.position, c.path, ds)
		})
	}
}

// An example may name other documents: they take part, and must have been given.
func TestStepsWithOtherDocuments(t *testing.T) {
	loser := mustParse(t, `id: five
version: 1
name: Five
window: {from: 2026-12-01}
reward: {percent: 5}
stacking: {group: g, mode: best_for_member}
tests:
  - {with: [seven], receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: OUTRANKED, amount: 0.00}}
  - {receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: AWARDED, amount: 0.50}}
`)
	winner := mustParse(t, "id: seven\nversion: 1\nname: Seven\nwindow: {from: 2026-12-01}\nreward: {percent: 7}\nstacking: {group: g, mode: best_for_member}\n")
	for _, r := range rules.RunTests(loser, winner) {
		if !r.Passed {
			t.Errorf("%s: %s", r.Name, r.Failure)
		}
	}
	if r := rules.RunTests(loser)[0]; r.Passed || !strings.Contains(r.Failure, "seven") {
		t.Errorf("without the other document: %+v", r)
	}
}

// A budget binds in the steps as it does in the stream.
func TestStepsSpendTheBudget(t *testing.T) {
	c := mustParse(t, `id: a
version: 1
name: A
window: {from: 2026-12-01}
reward: {percent: 10}
budget: {total: 1.50}
tests:
  - steps:
      - {receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: AWARDED, amount: 1.00}}
      - {receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: CAPPED, amount: 0.50}}
      - {receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: CAP_REACHED, amount: 0.00}}
      - {void: {of: 1}, expect: {outcome: REVERSED, amount: -1.00}}
      - {receipt: {lines: [{category: A, net: 10.00}]}, expect: {outcome: AWARDED, amount: 1.00}}
`)
	if r := rules.RunTests(c)[0]; !r.Passed {
		t.Error(r.Failure)
	}
}
