package rules_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// TestRulesFiles runs testdata/*.rules. The language is described in README.md: blocks of a command line and indented lines.
//
//	test NAME                     a fresh world
//	load                          + an indented campaign document
//	know MEMBER KEY VALUE...      what events have said: segment|consent|opt_in|club NAME, until T; enrolled|first T; birthday MM-DD; referrer ID
//	receipt ID WORD...            + indented lines: NET CATEGORY WORD...
//	return ID WORD...             of a receipt, + indented lines: NET WORD...
//	void ID
//	expect CAMPAIGN OUTCOME AMOUNT WORD...   + indented steps: CODE ok|no OBSERVED [EXPECTED]
//	expect nothing
//	granted ID CAMPAIGN AMOUNT    what the receipt's returns have left
func TestRulesFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.rules")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range readBlocks(t, f, string(raw)) {
			t.Run(filepath.Base(f)+"/"+test.name, func(t *testing.T) { newWorld(t).run(test.blocks) })
		}
	}
}

type rulesTest struct {
	name   string
	blocks []block
}

// block is a command and the indented lines below it.
type block struct {
	where string
	words []string
	body  []string
}

func readBlocks(t *testing.T, file, raw string) []rulesTest {
	t.Helper()
	var out []rulesTest
	for i, line := range strings.Split(raw, "\n") {
		where := fmt.Sprintf("%s:%d", file, i+1)
		indented := strings.HasPrefix(line, "  ")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case words[0] == "test" && !indented:
			out = append(out, rulesTest{name: strings.Join(words[1:], " ")})
		case len(out) == 0:
			t.Fatalf("%s: %q before the first test", where, line)
		case indented:
			test := &out[len(out)-1]
			if len(test.blocks) == 0 {
				t.Fatalf("%s: an indented line without a command", where)
			}
			b := &test.blocks[len(test.blocks)-1]
			b.body = append(b.body, line)
		default:
			test := &out[len(out)-1]
			test.blocks = append(test.blocks, block{where: where, words: words})
		}
	}
	return out
}

// world is a pipeline in small: it keeps footprints in their encoded form and the use of caps.
type world struct {
	t          *testing.T
	where      string
	campaigns  []*rules.Campaign
	rs         *rules.Ruleset
	eval       *rules.Evaluator
	footprints map[string][]byte
	members    map[string]string
	used       map[string]usage
	decision   rules.Decision
	unexpected []rules.Result // of the last receipt, not yet expected
}

func newWorld(t *testing.T) *world {
	return &world{t: t, eval: rules.NewEvaluator(), footprints: map[string][]byte{}, members: map[string]string{}, used: map[string]usage{}}
}

func (w *world) run(blocks []block) {
	for _, b := range blocks {
		w.where = b.where
		switch b.words[0] {
		case "load":
			w.campaigns = append(w.campaigns, mustParse(w.t, strings.Join(b.body, "\n")))
			w.rs = nil
		case "receipt":
			w.done()
			w.receipt(b)
		case "return", "void":
			w.done()
			w.giveBack(b)
		case "expect":
			w.expect(b)
		case "know":
			w.know(b)
		case "granted":
			w.granted(b.words[1], b.words[2], b.words[3])
		default:
			w.t.Fatalf("%s: unknown command %q", b.where, b.words[0])
		}
	}
	w.done()
}

// done fails when the last receipt had results that nobody expected.
func (w *world) done() {
	w.t.Helper()
	for _, r := range w.unexpected {
		w.t.Errorf("%s: before this line, %s %v %v was not expected", w.where, r.Campaign, r.Outcome, r.Granted)
	}
	w.unexpected = nil
}

func (w *world) ruleset() *rules.Ruleset {
	if w.rs == nil {
		w.rs = mustCompile(w.t, w.campaigns)
	}
	return w.rs
}

// settings reads NAME VALUE pairs.
func (w *world) settings(words []string) map[string]string {
	if len(words)%2 != 0 {
		w.t.Fatalf("%s: %v is not a list of pairs", w.where, words)
	}
	out := map[string]string{}
	for i := 0; i < len(words); i += 2 {
		out[words[i]] = words[i+1]
	}
	return out
}

func (w *world) amount(s string) money.Amount {
	a, err := money.Parse(s)
	if err != nil {
		w.t.Fatalf("%s: %v", w.where, err)
	}
	return a
}

func (w *world) receipt(b block) {
	set := w.settings(b.words[2:])
	r := &retail.Receipt{ID: retail.ReceiptID(b.words[1]), Type: retail.Sale, Channel: retail.InStore, Currency: "EUR",
		Shop: retail.Shop{ID: "S001", Banner: "super", Country: "FR"}}
	r.EndedAt = at(w.t, cmp.Or(set["at"], "2026-12-02T10:00:00+01:00"))
	if s, ok := set["type"]; ok {
		r.Type, _ = retail.ParseReceiptType(s)
	}
	if s, ok := set["event"]; ok {
		r.Type, r.Attributes = retail.Event, []retail.Attribute{{Key: "event", Value: s}}
	}
	r.OperatorID = set["operator"]
	if s, ok := set["coupons"]; ok {
		r.Coupons = strings.Split(s, ",")
	}
	if s, ok := set["channel"]; ok {
		r.Channel, _ = retail.ParseChannel(s)
	}
	r.Training = set["training"] == "yes"
	r.Shop.ID = retail.ShopID(cmp.Or(set["store"], "S001"))
	r.Shop.Banner, r.Shop.Country = cmp.Or(set["banner"], "super"), cmp.Or(set["country"], "FR")
	for i, line := range b.body {
		l := w.line(strings.Fields(line), int32(i+1))
		r.Lines = append(r.Lines, l)
		r.Total += l.Net
	}
	if s, ok := set["discount"]; ok {
		r.Discounts = []retail.Discount{{Amount: -w.amount(s)}}
		r.Total -= w.amount(s)
	}
	member := cmp.Or(set["member"], "alice")
	w.evaluate(r, member)
}

// line reads NET CATEGORY WORD..., where a word is x2, x0.350kg, or key=value.
func (w *world) line(words []string, no int32) retail.Line {
	l := retail.Line{No: no, Kind: retail.SaleLine, Net: w.amount(words[0]), QuantityMilli: 1000, Unit: retail.Each}
	if l.Net < 0 {
		l.Kind, l.QuantityMilli = retail.ReturnLine, -1000
	}
	for _, word := range words[1:] {
		key, value, pair := strings.Cut(word, "=")
		switch {
		case !pair && strings.HasPrefix(word, "x"):
			w.quantity(&l, word[1:])
		case !pair && word == "ineligible":
			l.Ineligible = true
		case !pair:
			l.Category = word
		default:
			w.lineKey(&l, key, value)
		}
	}
	if l.Gross == 0 {
		l.Gross = l.Net
	}
	return l
}

func (w *world) quantity(l *retail.Line, s string) {
	if kg, ok := strings.CutSuffix(s, "kg"); ok {
		s, l.Unit = kg, retail.Kilogram
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		w.t.Fatalf("%s: quantity %q", w.where, s)
	}
	l.QuantityMilli = int64(f * 1000)
}

func (w *world) lineKey(l *retail.Line, key, value string) {
	switch key {
	case "brand":
		l.Brand = value
	case "gtin":
		l.GTIN = value
	case "sku":
		l.SKU = value
	case "department":
		l.Department = value
	case "label":
		l.Labels = strings.Split(value, ",")
	case "gross":
		l.Gross = w.amount(value)
	case "kind":
		l.Kind, _ = retail.ParseLineKind(value)
	case "line":
		n, err := strconv.Atoi(value)
		if err != nil {
			w.t.Fatalf("%s: line %q", w.where, value)
		}
		l.ReturnOfLine = int32(n)
	default:
		w.t.Fatalf("%s: unknown word %s=%s", w.where, key, value)
	}
}

func (w *world) evaluate(r *retail.Receipt, member string) {
	account := w.account(member)
	var fp rules.Footprint
	if b, ok := w.footprints[string(r.ID)]; ok {
		if err := fp.Decode(b); err != nil {
			w.t.Fatal(err)
		}
	}
	w.eval.Evaluate(w.ruleset(), r, account, w.use(member), &w.decision, &fp)
	w.members[string(r.ID)] = member
	w.finish(string(r.ID), member, &fp)
}

func (w *world) use(member string) usage {
	if w.used[member].Account == nil {
		w.used[member] = newUsage()
	}
	return w.used[member]
}

func (w *world) finish(id, member string, fp *rules.Footprint) {
	w.use(member).post(&w.decision)
	w.footprints[id] = fp.AppendBinary(nil)
	w.unexpected = slices.Clone(w.decision.Results)
}

// account finds one on the wanted side of an experiment: holdout:coffee, treatment:coffee; other names are used as they are.
func (w *world) account(member string) retail.AccountID {
	side, id, ok := strings.Cut(member, ":")
	if member == "none" {
		return ""
	}
	if !ok {
		return retail.AccountID(member)
	}
	want := map[string]rules.Arm{"holdout": rules.Holdout, "treatment": rules.Treatment}[side]
	for i := range 10_000 {
		for _, c := range w.campaigns {
			if a := retail.AccountID(fmt.Sprintf("member-%d", i)); c.ID == id && rules.ArmOf(id, a, c.HoldoutBP) == want {
				return a
			}
		}
	}
	w.t.Fatalf("%s: no account for %s", w.where, member)
	return ""
}

func (w *world) giveBack(b block) {
	id := b.words[1]
	set := w.settings(b.words[2:])
	r := &retail.Receipt{ID: retail.ReceiptID(id + "-return"), Type: retail.Return, EndedAt: at(w.t, cmp.Or(set["at"], "2026-12-03T10:00:00+01:00"))}
	if b.words[0] == "void" {
		r.Type = retail.Void
	}
	for i, line := range b.body {
		l := w.line(strings.Fields(line), int32(i+1))
		l.Kind, l.Net, l.QuantityMilli = retail.ReturnLine, -l.Net, -l.QuantityMilli
		r.Lines = append(r.Lines, l)
	}
	var fp rules.Footprint
	if enc, ok := w.footprints[id]; ok {
		if err := fp.Decode(enc); err != nil {
			w.t.Fatal(err)
		}
	}
	member := cmp.Or(w.members[id], "alice")
	w.eval.Return(w.ruleset(), r, w.use(member), &w.decision, &fp)
	w.finish(id, member, &fp)
}
