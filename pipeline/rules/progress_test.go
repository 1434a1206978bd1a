package rules_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// progressDoc draws a stateful campaign. Its rewards have no cap: what is granted must then depend on what was bought alone.
func progressDoc(t *rapid.T, id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\nversion: 1\nname: N\nwindow: {from: 2026-12-01, to: 2026-12-31}\n", id)
	lines := lineKeysDoc(t, "")
	if when := whenDoc(t); when != "" {
		fmt.Fprintf(&b, "when: %s\n", when)
	}
	per := pickOf(t, []string{"", ", per: day", ", per: week", ", per: month", ", per: year", ", per: {rolling: 2d}"}, "per")
	count := pickOf(t, []string{"pieces, target: 3", "spend, target: 12.00", "receipts, target: 2", "products, target: 2", "days, target: 2"}, "count")
	if strings.HasPrefix(count, "products") && strings.Contains(per, "rolling") {
		per = ""
	}
	goal := "count: " + count + per
	reward := pickOf(t, []string{"fixed: 1.00", "fixed: 0.35", "percent: 100", "percent: 33.3333, rounding: floor"}, "reward")
	switch pickOf(t, []string{"once", "repeat", "max", "streak", "objectives", "ladder"}, "shape") {
	case "repeat":
		goal += ", repeat: true"
	case "max":
		goal += ", repeat: true, max: 2"
	case "streak":
		if strings.Contains(per, "day") || strings.Contains(per, "week") {
			goal += ", streak: 2, repeat: true"
		}
		if strings.Contains(per, "rolling") {
			goal = "count: " + count + per
		}
	case "objectives":
		goal = "objectives: [{name: a, lines: {category: A}, count: pieces, target: 2}, {name: d, lines: {category: D}, count: spend, target: 5.00}, " +
			"{name: x, lines: {brand: X}, count: products, target: 2}], need: 2"
		if !strings.Contains(per, "rolling") {
			goal += per
		}
		reward, lines = "fixed: 1.00", ""
	case "ladder":
		if !strings.Contains(per, "rolling") {
			goal, reward = "count: spend"+per, "ladder: [{reach: 8.00, get: 0.50}, {reach: 25.00, get: 2.00}]"
		}
	}
	if strings.Contains(goal, "spend") && strings.Contains(goal, "repeat") && strings.HasPrefix(reward, "percent") {
		reward = "fixed: 1.00"
	}
	if lines != "" {
		fmt.Fprintf(&b, "lines: {%s}\n", lines)
	}
	fmt.Fprintf(&b, "progress: {%s}\nreward: {%s}\n", goal, reward)
	fmt.Fprintf(&b, "funding: [{by: brand, share: 33.3333}, {by: retailer, share: 66.6667}]\n")
	if v := pickOf(t, []string{"", "{pending: 48h, expires: {after: 30d}}"}, "validity"); v != "" {
		fmt.Fprintf(&b, "validity: %s\n", v)
	}
	return b.String()
}

// purse is one member's account, booked by the ledger itself.
type purse struct {
	rs       *rules.Ruleset
	eval     *rules.Evaluator
	account  ledger.Account
	journal  ledger.Journal
	prints   map[retail.ReceiptID][]byte
	granted  map[string]money.Amount
	desired  map[string]money.Amount
	postings map[string]money.Amount
}

func newPurse(rs *rules.Ruleset) *purse {
	return &purse{rs: rs, eval: rules.NewEvaluator(), prints: map[retail.ReceiptID][]byte{}, granted: map[string]money.Amount{}, desired: map[string]money.Amount{}, postings: map[string]money.Amount{}}
}

// take processes a sale, or a return of the receipt of.
func (p *purse) take(t *rapid.T, r *retail.Receipt, of retail.ReceiptID) {
	var d rules.Decision
	var fp rules.Footprint
	if enc, ok := p.prints[of]; ok {
		if err := fp.Decode(enc); err != nil {
			t.Fatal(err)
		}
	}
	view := rules.MemberView{Account: &p.account}
	if r.Type == retail.Sale {
		p.eval.Evaluate(p.rs, r, member, view, &d, &fp)
	} else {
		p.eval.Return(p.rs, r, view, &d, &fp)
	}
	p.journal.Reset()
	for i := range d.Results {
		res := &d.Results[i]
		res.Post(&p.account)
		g := res.Grant(r, &fp)
		if res.Granted > 0 {
			p.account.Earn(&p.journal, member, &g)
		} else {
			p.account.Reverse(&p.journal, member, &g)
		}
		p.granted[res.Campaign] += res.Granted
		p.desired[res.Campaign] += res.Desired
	}
	for i := range p.journal.Entries {
		for _, post := range p.journal.Entries[i].Postings {
			if post.Book == ledger.Funding {
				p.postings[post.Party] += post.Amount
			}
		}
	}
	p.prints[of] = fp.AppendBinary(nil)
}

// stands is all that must not depend on the path.
func (p *purse) stands() string {
	for _, m := range []map[string]money.Amount{p.granted, p.desired, p.postings} {
		for k, v := range m {
			if v == 0 {
				delete(m, k)
			}
		}
	}
	return fmt.Sprint("granted ", p.granted, " desired ", p.desired, " paid ", p.postings, " owed ", p.account.Pending+p.account.Available, " counters ", p.account.Counters)
}

// happening is one record of the member's: a sale, or some lines of it that come back.
type happening struct {
	receipt *retail.Receipt
	of      retail.ReceiptID
}

// life draws some sales over days, and returns of parts of them, one line each.
func life(t *rapid.T) (sales []*retail.Receipt, all []happening) {
	for i := range rapid.IntRange(1, 4).Draw(t, "sales") {
		r := basket(t, fmt.Sprintf("r%d", i))
		r.EndedAt += retail.Instant(rapid.IntRange(0, 9).Draw(t, "day")) * 24 * 3_600_000
		sales = append(sales, r)
		all = append(all, happening{r, r.ID})
		for _, l := range returnsOf(t, r) {
			ret := &retail.Receipt{ID: r.ID + "-back", Type: retail.Return, EndedAt: r.EndedAt + 3_600_000, Shop: r.Shop, Lines: []retail.Line{l}}
			all = append(all, happening{ret, r.ID})
		}
	}
	return sales, all
}

// D12, D18, D19, I3, I9: whatever is bought and brought back, in whatever order it arrives - returns before their sale, receipts days late - the same
// ledger stands in the end, over campaigns with and without state; and when everything has come back, nothing does.
func TestSameLedgerByAnyPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*rules.Campaign
		for i := range rapid.IntRange(1, 4).Draw(t, "stateful") {
			doc := progressDoc(t, fmt.Sprintf("p%d", i))
			c, ds := rules.Parse("gen.yaml", []byte(doc))
			if c == nil {
				t.Fatalf("%s\n%v", doc, ds)
			}
			all = append(all, c)
		}
		for _, c := range campaigns(t, 2) {
			if c.Reward.MaxPerMember.Amount == 0 { // a cap goes by arrival (D18)
				all = append(all, c)
			}
		}
		rs := compiled(t, all)
		sales, events := life(t)
		straight, shuffled := newPurse(rs), newPurse(rs)
		for _, h := range events {
			straight.take(t, h.receipt, h.of)
		}
		for _, n := range rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(len(events)) {
			shuffled.take(t, events[n].receipt, events[n].of)
		}
		if a, b := straight.stands(), shuffled.stands(); a != b {
			t.Fatalf("in order: %s\nshuffled: %s", a, b)
		}
		for _, r := range sales {
			shuffled.take(t, &retail.Receipt{ID: r.ID + "-void", Type: retail.Void, EndedAt: r.EndedAt + 7_200_000, Shop: r.Shop}, r.ID)
		}
		if got, want := shuffled.stands(), newPurse(rs).stands(); got != want {
			t.Fatalf("after a full return: %s\nwant: %s", got, want)
		}
	})
}

// What a stateful document says survives its canonical form.
func TestProgressDocumentsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := progressDoc(t, "p")
		c, ds := rules.Parse("gen.yaml", []byte(doc))
		if c == nil {
			t.Fatalf("%s\n%v", doc, ds)
		}
		again, ds := rules.Parse("canonical.json", c.JSON())
		if again == nil {
			t.Fatalf("%s\n%v", c.JSON(), ds)
		}
		if string(again.JSON()) != string(c.JSON()) || !reflect.DeepEqual(again.Progress, c.Progress) {
			t.Fatalf("%s\nbecame\n%s", c.JSON(), again.JSON())
		}
	})
}

// BenchmarkGoals judges a receipt of 12 lines against ten stateful campaigns of every kind, for a member who is on the way in all of them. accountB
// is what the account's counters take, encoded.
func BenchmarkGoals(b *testing.B) {
	var all []*rules.Campaign
	for i, body := range []string{
		"progress: {count: pieces, target: 30, per: week}\nreward: {fixed: 5.00}", "progress: {count: spend, target: 500.00, per: month}\nreward: {percent: 5}",
		"progress: {count: pieces, target: 10, repeat: true}\nreward: {percent: 100}", "progress: {count: receipts, target: 1, per: week, streak: 4}\nreward: {fixed: 3.00}",
		"progress: {count: days, target: 5, per: month}\nreward: {fixed: 2.00}", "progress: {count: products, target: 90}\nreward: {fixed: 2.00}",
		"progress: {count: spend, per: year}\nreward: {ladder: [{reach: 1000.00, get: 10.00}, {reach: 5000.00, get: 80.00}]}",
		"progress: {count: spend, target: 900.00, per: {rolling: 7d}}\nreward: {fixed: 9.00}",
		"progress: {objectives: [{name: a, lines: {category: FRESH}, count: pieces, target: 90}, {name: b, lines: {category: GROCERY}, count: spend, target: 900.00}]}\nreward: {fixed: 4.00}",
		"tiers: {count: spend, levels: [{name: bronze, from: 0}, {name: silver, from: 300.00}, {name: gold, from: 1000.00}]}",
	} {
		doc := fmt.Sprintf("id: g-%d\nversion: 1\nname: G\nwindow: {from: 2026-11-30, to: 2027-01-15}\n%s\n", i, body)
		c, ds := rules.Parse("bench.yaml", []byte(doc))
		if c == nil {
			b.Fatal(doc, ds)
		}
		all = append(all, c)
	}
	rs := mustCompile(b, all)
	receipts := benchReceipts(1000)
	e, account := rules.NewEvaluator(), &ledger.Account{}
	var d rules.Decision
	var fp rules.Footprint
	view := rules.View(rules.MemberView{Account: account})
	for i := range receipts[:40] {
		fp.Reset()
		e.Evaluate(rs, &receipts[i], member, view, &d, &fp)
		for n := range d.Results {
			d.Results[n].Post(account)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		fp.Reset()
		e.Evaluate(rs, &receipts[i%len(receipts)], member, view, &d, &fp)
	}
	b.ReportMetric(float64(len(account.AppendBinary(nil))), "accountB")
}
