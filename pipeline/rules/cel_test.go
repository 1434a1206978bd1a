package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const expertHead = "id: expert\nversion: 1\nname: N\nwindow: {from: 2026-12-01}\nreward: {fixed: 1.00}\n"

func TestExpressionsAreRefusedAtTheirPlace(t *testing.T) {
	for _, c := range []struct{ when, where, message string }{
		{"when: {cel: total > }", "6:20:", "Syntax error"},
		{"when:\n  cel: lines.exists(l, l.brnad == 'X')", "7:25:", "undefined field 'brnad'"},
		{"when:\n  cel: \"lines.exists(l, l.brnad == 'X')\"", "7:26:", "undefined field 'brnad'"},
		{"when:\n  cel: |\n    total > 5 &&\n    chanel == 'DRIVE'", "9:5:", "undeclared reference to 'chanel'"},
		{"when: {cel: total}", "6:13:", "gives int"},
		{"when: {cel: total > 10.5}", "6:19:", "no matching overload"},
		{"when: {cel: double(total) * 0.1 > double(hour)}", "6:19:", "fractions"},
		{"when: {cel: \"{'a': 1, 'b': 2}.map(k, k)[0] == 'a'\"}", "6:14:", "maps"},
		{"when: {cel: \"size(rules.celLine{net: 1}.brand) == 0\"}", "6:32:", "maps and structures"},
		{"when: {cel: now() > 3}", "6:16:", "undeclared reference to 'now'"},
		{"when: {cel: [a]}", "6:13:", "found a list"},
		{"when: {cel: '" + strings.Repeat("(", 200) + "total > 1" + strings.Repeat(")", 200) + "'}", "6:", "recursion"},
		{"when: {cel: 'total > " + strings.Repeat("1", 5000) + "'}", "6:", "bytes"},
	} {
		got, ds := rules.Parse("f.yaml", []byte(expertHead+c.when))
		found := false
		for _, d := range ds {
			found = found || d.Severity == rules.Error && strings.HasPrefix(strings.TrimPrefix(d.String(), "f.yaml:"), c.where) && strings.Contains(d.Message, c.message)
		}
		if got != nil || !found {
			t.Errorf("%.80s: want %s %s, got %v", c.when, c.where, c.message, ds)
		}
	}
}

// An expression comes back from the canonical form, over several lines too.
func TestExpressionsAreCanonical(t *testing.T) {
	c := mustParse(t, expertHead+"when:\n  cel: |\n    total > 500 &&\n    \"organic\" in labels\n")
	if c.When.CEL != "total > 500 &&\n\"organic\" in labels" {
		t.Errorf("%q", c.When.CEL)
	}
	again := mustParse(t, string(c.JSON()))
	if again.When.CEL != c.When.CEL || string(again.JSON()) != string(c.JSON()) {
		t.Errorf("%s\n%s", c.JSON(), again.JSON())
	}
}

func expertReceipt(lines int) *retail.Receipt {
	r := &retail.Receipt{ID: "r", Type: retail.Sale, Currency: "EUR", Shop: retail.Shop{ID: "S1", Country: "FR"}, Channel: retail.InStore, EndedAt: 1_796_202_000_000}
	for i := range lines {
		r.Lines = append(r.Lines, retail.Line{No: int32(i + 1), Kind: retail.SaleLine, Category: "A/B", Brand: fmt.Sprint("B", i%7), GTIN: fmt.Sprint(i), Unit: retail.Each,
			QuantityMilli: 1000, Net: money.Amount(100 + i), Labels: []string{"organic"}})
		r.Total += money.Amount(100 + i)
	}
	return r
}

// What one receipt may cost is bounded, however large it is: three nested loops over a thousand lines would be a thousand million steps.
func TestExpressionsAreBounded(t *testing.T) {
	rs := mustCompile(t, []*rules.Campaign{mustParse(t, expertHead+"when: {cel: \"lines.all(a, lines.all(b, lines.all(c, a.net + b.net + c.net > 0)))\"}")})
	for lines, want := range map[int]rules.Outcome{5: rules.Awarded, 1000: rules.BelowThreshold} {
		var d rules.Decision
		rules.NewEvaluator().Evaluate(rs, expertReceipt(lines), "a", rules.Nobody{}, &d, &rules.Footprint{})
		if len(d.Results) != 1 || d.Results[0].Outcome != want {
			t.Fatalf("%d lines: %+v", lines, d.Results)
		}
		if s := d.Results[0].Steps[0]; want != rules.Awarded && (s.Code != rules.StepCEL || s.ObservedText != "too costly") {
			t.Errorf("%d lines: %+v", lines, s)
		}
	}
}

// A task decodes every receipt into the same memory, and rules are swapped meanwhile: expressions see the receipt at hand.
func TestExpressionsSeeTheReceiptAtHand(t *testing.T) {
	var sets []*rules.Ruleset
	for range 2 {
		sets = append(sets, mustCompile(t, []*rules.Campaign{mustParse(t, expertHead+"when: {cel: \"lines.exists(l, l.brand == 'B1') && 'organic' in labels\"}")}))
	}
	e, r := rules.NewEvaluator(), expertReceipt(3)
	for i := range 8 {
		r.Lines[1].Brand = fmt.Sprint("B", 1+i%4/3)
		var d rules.Decision
		e.Evaluate(sets[i%2], r, "a", rules.Nobody{}, &d, &rules.Footprint{})
		if want := i%4 != 3; (d.Results[0].Outcome == rules.Awarded) != want {
			t.Errorf("receipt %d: %v", i, d.Results[0].Outcome)
		}
	}
}

// FuzzExpression: whatever somebody writes is refused or judged, within its bound, and twice alike.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		"total > 1000", "lines.exists(l, l.brand == 'B1' && 'organic' in l.labels)", "lines.map(l, l.net)[0] / 0 > 1", "labels.filter(x, x.matches('^(a+)+$')).size() > 0",
		"timestamp('2026-12-01T00:00:00Z').getHours('Europe/Paris') == hour", "'a' + channel == string(weekday)", "[1,2,3].all(x, [x].exists_one(y, y == x))", "has(lines[0].net) ? hour > 1 : false",
		"{1: 2}[1] == 2", "b'abc' == bytes(store)", "type(total) == int", "lines == lines", "dyn(lines)[0].net > 0", "-9223372036854775808 - total < 0",
	} {
		f.Add(s)
	}
	r := expertReceipt(12)
	f.Fuzz(func(t *testing.T, text string) {
		c := &strings.Builder{}
		fmt.Fprintf(c, "{\"id\": \"expert\", \"version\": 1, \"name\": \"N\", \"window\": {\"from\": \"2026-12-01\"}, \"reward\": {\"fixed\": 1}, \"when\": {\"cel\": %q}}", text)
		doc, _ := rules.Parse("fuzz", []byte(c.String()))
		if doc == nil {
			return
		}
		rs, err := rules.Compile([]*rules.Campaign{doc})
		if err != nil {
			t.Fatal(err)
		}
		var verdicts [2]string
		for i := range verdicts {
			var d rules.Decision
			rules.NewEvaluator().Evaluate(rs, r, "a", rules.Nobody{}, &d, &rules.Footprint{})
			verdicts[i] = d.Results[0].Steps[0].ObservedText
		}
		if verdicts[0] != verdicts[1] {
			t.Fatalf("%q is %s, and then %s", text, verdicts[0], verdicts[1])
		}
	})
}
