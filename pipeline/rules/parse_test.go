package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// good is a document with every key; the cases below break one thing each.
const good = `id: coffee-week
version: 3
effective_from: 2026-12-02T00:00:00+01:00
name: {fr: "Semaine du café", en: "Coffee week"}
window: {from: 2026-12-01, to: 2026-12-07, tz: Europe/Paris, hours: "08:00-21:00", weekdays: [mon, tue]}
stores: {ids: [S001], banners: hyper, countries: [FR]}
channels: [IN_STORE, DRIVE]
lines: {category: [GROCERY/COFFEE], brand: [Arabelle], gtin: ["123"], sku: [a], department: [d], exclude: {brand: [No]}}
when: {min_spend: 10.00, min_quantity: 3, min_basket: 50.00}
reward:
  percent: 12.3456
  rounding: half_even
  max_per_receipt: 5.00
  max_per_member: {amount: 15.00, per: week}
validity: {pending: 48h, expires: {after: 365d}}
stacking: {group: grocery, mode: best_for_member}
priority: -2
funding: [{by: retailer, share: 60}, {by: supplier-arabelle, share: 40}]
holdout: 12.34
budget: {total: 50000.00, recycle: false}
returns: reverse
tests:
  - name: one
    receipt: {lines: [{category: GROCERY/COFFEE, net: 12.00, quantity: 2}], store: S001, at: 2026-12-02T10:00:00+01:00, channel: IN_STORE}
    expect: {outcome: AWARDED, amount: 1.20}
`

func TestParseEveryKey(t *testing.T) {
	c := mustParse(t, good)
	if c.ID != "coffee-week" || c.Version != 3 || c.Name.FR != "Semaine du café" || c.Priority != -2 || c.HoldoutBP != 1234 || c.Budget != 5_000_000 || !c.BudgetOnce {
		t.Errorf("got %+v", c)
	}
	if c.EffectiveFrom != at(t, "2026-12-02T00:00:00+01:00") || c.Window.From != at(t, "2026-12-01T00:00:00+01:00") || c.Window.To != at(t, "2026-12-08T00:00:00+01:00") {
		t.Errorf("times: %+v %v", c.Window, c.EffectiveFrom)
	}
	if c.Reward.Percent != 123_456 || c.Reward.Rounding != money.HalfEven || c.Reward.MaxPerMember != (rules.MemberCap{Amount: 1500, Per: rules.PerWeek}) {
		t.Errorf("reward: %+v", c.Reward)
	}
	if c.Validity.PendingMs != 48*3_600_000 || c.Validity.ExpireDays != 365 || c.Window.Weekdays != 3 || c.Stores.Banners[0] != "hyper" {
		t.Errorf("got %+v %+v", c.Validity, c.Window)
	}
	if len(c.Funding) != 2 || c.Funding[1].Rate != 400_000 || c.Stacking.Mode != rules.BestForMember || len(c.Tests) != 1 {
		t.Errorf("got %+v", c)
	}
}

// breakage replaces a part of the good document, and says what must be answered and where.
type breakage struct{ old, new, code, path, position string }

var breakages = []breakage{
	{"id: coffee-week", "id: Coffee", rules.CodeRange, "id", "1:5"},
	{"id: coffee-week", "id:", rules.CodeMissing, "id", "1:1"},
	{"version: 3", "version: 0", rules.CodeRange, "version", "2:10"},
	{"version: 3", "version: 1.5", rules.CodeType, "version", "2:10"},
	{"version: 3", "verson: 3", rules.CodeUnknownKey, "verson", "2:1"},
	{"2026-12-02T00:00:00+01:00", "2027-12-02", rules.CodeConflict, "effective_from", "3:17"},
	{`en: "Coffee week"`, `de: "Kaffee"`, rules.CodeUnknownKey, "name.de", "4:31"},
	{"from: 2026-12-01", "from: 2026-02-30", rules.CodeDate, "window.from", "5:16"},
	{"from: 2026-12-01", "from: 1926-12-01", rules.CodeRange, "window.from", "5:16"},
	{"to: 2026-12-07", "to: 2026-11-30", rules.CodeConflict, "window.to", "5:32"},
	{"tz: Europe/Paris", "tz: Europe/Pari", rules.CodeZone, "window.tz", "5:48"},
	{"tz: Europe/Paris", "tz: Local", rules.CodeZone, "window.tz", "5:48"},
	{`"08:00-21:00"`, `"21:00-08:00"`, rules.CodeConflict, "window.hours", "5:69"},
	{`"08:00-21:00"`, `"08:00-25:00"`, rules.CodeDate, "window.hours", "5:69"},
	{"weekdays: [mon, tue]", "weekdays: [mon, monday]", rules.CodeEnum, "window.weekdays[1]", "5:100"},
	{"ids: [S001]", "ids: [S001, S001]", rules.CodeDuplicate, "stores.ids[1]", "6:22"},
	{"ids: [S001]", "ids: []", rules.CodeRange, "stores.ids", "6:15"},
	{"countries: [FR]", "countries: [FRA]", rules.CodeRange, "stores.countries[0]", "6:51"},
	{"[IN_STORE, DRIVE]", "[IN_STORE, DRIVE_IN]", rules.CodeEnum, "channels[1]", "7:22"},
	{"[GROCERY/COFFEE]", "[/GROCERY]", rules.CodeRange, "lines.category", "8:19"},
	{"exclude: {brand: [No]}", "exclude: 3", rules.CodeType, "lines.exclude", "8:107"},
	{"min_spend: 10.00", "min_spend: 10.001", rules.CodeType, "when.min_spend", "9:19"},
	{"min_spend: 10.00", "min_spend: -10", rules.CodeRange, "when.min_spend", "9:19"},
	{"min_spend: 10.00", "min_spend: 1e3", rules.CodeType, "when.min_spend", "9:19"},
	{"min_spend: 10.00", "min_spend: ten", rules.CodeType, "when.min_spend", "9:19"},
	{"min_quantity: 3", "min_quantity: 0", rules.CodeRange, "when.min_quantity", "9:40"},
	{"percent: 12.3456", "percent: 12.34567", rules.CodeType, "reward.percent", "11:12"},
	{"percent: 12.3456", "percent: 100.1", rules.CodeRange, "reward.percent", "11:12"},
	{"percent: 12.3456", "percent: 0", rules.CodeRange, "reward.percent", "11:12"},
	{"percent: 12.3456", "per_cent: 12", rules.CodeUnknownKey, "reward.per_cent", "11:3"},
	{"percent: 12.3456", "fixed: 1.00\n  per_unit: 1.00", rules.CodeConflict, "reward.per_unit", "12:13"},
	{"percent: 12.3456", "ladder: [{spend: 50, get: 2}, {spend: 40, get: 3}]", rules.CodeConflict, "reward.ladder[1]", "11:34"},
	{"percent: 12.3456", "ladder: [{spend: 50}]", rules.CodeMissing, "reward.ladder[0].get", "11:13"},
	{"rounding: half_even", "rounding: half_odd", rules.CodeEnum, "reward.rounding", "12:13"},
	{"{amount: 15.00, per: week}", "{amount: 15.00}", rules.CodeMissing, "reward.max_per_member.per", "14:19"},
	{"pending: 48h", "pending: 2w", rules.CodeType, "validity.pending", "15:21"},
	{"pending: 48h", "pending: 9999d", rules.CodeRange, "validity.pending", "15:21"},
	{"after: 365d", "after: 12h", rules.CodeRange, "validity.expires.after", "15:43"},
	{"{after: 365d}", `{calendar: "02-29"}`, rules.CodeDate, "validity.expires.calendar", "15:46"},
	{"{after: 365d}", `{after: 3d, calendar: "03-01"}`, rules.CodeConflict, "validity.expires.calendar", "15:57"},
	{"{group: grocery, mode: best_for_member}", "{mode: first}", rules.CodeConflict, "stacking.mode", "16:18"},
	{"priority: -2", "priority: high", rules.CodeType, "priority", "17:11"},
	{"share: 60", "share: 50", rules.CodeSum, "funding", "18:10"},
	{"by: supplier-arabelle", "by: retailer", rules.CodeDuplicate, "funding[1]", "18:39"},
	{"holdout: 12.34", "holdout: 12.345", rules.CodeType, "holdout", "19:10"},
	{"holdout: 12.34", "holdout: 101", rules.CodeRange, "holdout", "19:10"},
	{"{total: 50000.00, recycle: false}", "50000.00", rules.CodeType, "budget", "20:9"},
	{"recycle: false", "recycle: maybe", rules.CodeEnum, "budget.recycle", "20:36"},
	{"returns: reverse", "returns: keep", rules.CodeEnum, "returns", "21:10"},
	{"net: 12.00", "net: twelve", rules.CodeType, "tests[0].receipt.lines[0].net", "24:55"},
	{"outcome: AWARDED", "outcome: WON", rules.CodeEnum, "tests[0].expect.outcome", "25:23"},
	{"holdout: 12.34", "holdout: 1\nholdout: 2", rules.CodeSyntax, "", "20:1"},
	{"holdout: 12.34", "holdout: [1", rules.CodeSyntax, "", "20:1"},
	{"holdout: 12.34", "holdout: &a 12", rules.CodeUnsupported, "holdout", "19:1"},
	{"holdout: 12.34", "---\nholdout: 12", rules.CodeUnsupported, "", "20:8"},
}

// Each broken line is answered at its line and column, with the path and what was expected.
func TestParsePointsAtWhatIsWrong(t *testing.T) {
	for _, c := range breakages {
		t.Run(c.path+" "+c.new, func(t *testing.T) {
			doc := strings.Replace(good, c.old, c.new, 1)
			if doc == good {
				t.Fatalf("%q is not in the document", c.old)
			}
			campaign, ds := rules.Parse("c.yaml", []byte(doc))
			if campaign != nil {
				t.Fatal("accepted")
			}
			for _, d := range ds {
				if d.Code == c.code && d.Path == c.path && fmt.Sprintf("%d:%d", d.Line, d.Column) == c.position {
					if d.File != "c.yaml" || d.Message == "" || d.Severity != rules.Error || d.Expected == "" {
						t.Errorf("incomplete: %+v", d)
					}
					return
				}
			}
			t.Errorf("no %s at %s %s in:\n%v", c.code, c.position, c.path, ds)
		})
	}
}

func TestParseWarns(t *testing.T) {
	for doc, code := range map[string]string{
		"reward: {fixed: 1.00}": rules.CodeUnbounded, "reward: {per_unit: 1.00}": rules.CodeUnbounded,
		"reward: {percent: 1}": rules.CodeNoTests,
		"reward: {percent: 2}": rules.CodeNoExperiment,
		"reward: {percent: 1, max_per_receipt: 9, max_per_member: {amount: 5, per: campaign}}": rules.CodeUnreachable,
		"reward: {ladder: [{spend: 5, get: 1}]}\nwhen: {min_spend: 6}":                         rules.CodeUnreachable,
	} {
		c, ds := rules.Parse("c.yaml", []byte("id: a\nversion: 1\nname: A\nwindow: {from: 2026-12-01}\n"+doc))
		found := false
		for _, d := range ds {
			found = found || d.Code == code && d.Severity == rules.Warning && d.Line > 0
		}
		if c == nil || !found {
			t.Errorf("%s: no warning %s in %v", doc, code, ds)
		}
	}
}

// JSON is read as well, with tabs, at positions of its own.
func TestParseJSON(t *testing.T) {
	doc := "{\n\t\"id\": \"a\",\n\t\"version\": 1,\n\t\"name\": {\"fr\": \"\u00e9t\u00e9 \\u00e9 \\/ \\\"x\\\"\"},\n\t\"window\": {\"from\": \"2026-12-01\"},\n\t\"reward\": {\"percent\": 10}\n}"
	c := mustParse(t, doc)
	if c.Name.EN != `été é / "x"` {
		t.Errorf("name %q", c.Name.EN)
	}
	_, ds := rules.Parse("c.json", []byte(strings.Replace(doc, `"percent": 10`, `"percent": "ten"`, 1)))
	if len(ds) != 1 || ds[0].Line != 6 || ds[0].Path != "reward.percent" {
		t.Errorf("got %v", ds)
	}
}

// Bounds: hostile documents are refused quickly.
func TestParseIsBounded(t *testing.T) {
	head := "id: a\nversion: 1\nname: A\nwindow: {from: 2026-12-01}\nreward: {percent: 1}\n"
	var many strings.Builder
	for i := range rules.MaxList + 1 {
		fmt.Fprintf(&many, "%d,", i)
	}
	var keys strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for name, doc := range map[string]string{
		"keys": head + keys.String(), "flow": head + "lines: " + strings.Repeat("{a,", 9), "dashes": strings.Repeat("-\n", 100_000),
		"bytes":              head + strings.Repeat("#", rules.MaxDocBytes),
		"list":               head + "lines: {gtin: [" + many.String() + "]}",
		"depth":              head + "lines: " + strings.Repeat("[", 60) + strings.Repeat("]", 60),
		"sequences":          strings.Repeat("- ", 60) + "a",
		"indentation":        strings.Join(nested(60), "\n"),
		"empty":              "",
		"comment only":       "# nothing",
		"a text":             "hello",
		"a list":             "[1, 2]",
		"null":               "null",
		"bytes no one reads": "\x00\xff\xfe",
	} {
		start := time.Now()
		c, ds := rules.Parse(name, []byte(doc))
		if c != nil || !rules.HasErrors(ds) || len(ds) > 100 {
			t.Errorf("%s: accepted, or %d findings", name, len(ds))
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func nested(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.Repeat(" ", i) + "a:"
	}
	return out
}

// The canonical form is a fixed point and keeps everything that was said.
func TestCanonicalForm(t *testing.T) {
	c := mustParse(t, good)
	again := mustParse(t, string(c.JSON()))
	if string(again.JSON()) != string(c.JSON()) {
		t.Errorf("%s\n%s", c.JSON(), again.JSON())
	}
	for _, part := range []string{`"percent":12.3456`, `"effective_from":"2026-12-02T00:00:00+01:00"`, `"hours":"08:00-21:00"`, `"holdout":12.34`, `"calendar"`, `"priority":-2`} {
		if has := strings.Contains(string(c.JSON()), part); has == (part == `"calendar"`) {
			t.Errorf("%s: %v in %s", part, has, c.JSON())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	for _, l := range rules.Library() {
		f.Add(l.Doc)
		if c, _ := rules.Parse(l.Name, l.Doc); c != nil {
			f.Add(c.JSON())
		}
	}
	f.Add([]byte("{a: &x [*x], <<: {b: !!str c}}"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, ds := rules.Parse("fuzz", doc)
		if (c == nil) != rules.HasErrors(ds) {
			t.Fatalf("campaign %v with findings %v", c, ds)
		}
		if c == nil {
			return
		}
		again, ds := rules.Parse("canonical", c.JSON())
		if again == nil || string(again.JSON()) != string(c.JSON()) {
			t.Fatalf("canonical form does not come back: %v\n%s", ds, c.JSON())
		}
		if _, err := rules.Compile([]*rules.Campaign{c}); err != nil {
			t.Fatal(err)
		}
		rules.RunTests(c)
		if rules.Sentence(c, "fr") == "" {
			t.Fatal("no sentence")
		}
	})
}
