package dashboards

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("web", "src", "locales", lang+".json"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatal(err)
	}
	return texts
}

var variable = regexp.MustCompile(`\{\w+\}`)

// TestCatalogues: both languages have the same texts with the same variables, none is empty, and plural forms come in pairs.
func TestCatalogues(t *testing.T) {
	en, fr := catalogue(t, "en"), catalogue(t, "fr")
	for key, text := range en {
		other, ok := fr[key]
		if !ok {
			t.Errorf("%s is missing in French", key)
			continue
		}
		a, b := variable.FindAllString(text, -1), variable.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
			t.Errorf("%s: variables %v in English, %v in French", key, a, b)
		}
		if strings.TrimSpace(text) == "" || strings.TrimSpace(other) == "" {
			t.Errorf("%s is empty", key)
		}
		if one, found := strings.CutSuffix(key, ".one"); found && en[one+".other"] == "" {
			t.Errorf("%s has no .other", key)
		}
	}
	for key := range fr {
		if _, ok := en[key]; !ok {
			t.Errorf("%s is missing in English", key)
		}
	}
	for key, text := range fr {
		if regexp.MustCompile(`[^\s\x{a0}\x{202f}][;:?!]( |$)|« | »`).MatchString(strings.ReplaceAll(text, "://", "")) {
			t.Errorf("%s: French puts a narrow space before ; : ? ! and inside guillemets: %q", key, text)
		}
	}
}

// TestTextsExist: every text that the pages ask for is there, also those whose key is built from a word of the server.
func TestTextsExist(t *testing.T) {
	en := catalogue(t, "en")
	has := func(key string) bool {
		_, plain := en[key]
		_, plural := en[key+".other"]
		return plain || plural
	}
	used := regexp.MustCompile(`\bt\((?:[^"()]* \? )?"([a-zA-Z_.]+)"(?: : "([a-zA-Z_.]+)")?`)
	err := filepath.WalkDir(filepath.Join("web", "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !(strings.HasSuffix(path, ".tsx") || strings.HasSuffix(path, ".ts")) {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range used.FindAllStringSubmatch(string(source), -1) {
			for _, key := range m[1:] {
				if key != "" && !has(key) {
					t.Errorf("%s asks for %s", path, key)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range builtKeys() {
		if !has(key) {
			t.Errorf("no text %s", key)
		}
	}
}

// builtKeys lists the keys that are made from the server's words.
func builtKeys() []string {
	var keys []string
	add := func(prefix string, words ...string) {
		for _, w := range words {
			keys = append(keys, prefix+"."+w)
		}
	}
	for _, r := range []measure.Reason{measure.NotFinite, measure.EmptyArm, measure.SRMFailed, measure.TooFewMembers, measure.ZeroVariance, measure.Cancellation, measure.ZeroControl, measure.TooFewStores, measure.NoTreatedStore, measure.NoControlStore} {
		add("reason", string(r))
	}
	for _, s := range []measure.SplitState{measure.SplitNone, measure.SplitTooFew, measure.SplitOK, measure.SplitSuspect, measure.SplitFailed} {
		add("srm", string(s))
	}
	for _, o := range []rules.Outcome{rules.NoAccount, rules.OutOfWindow, rules.ShopExcluded, rules.BelowThreshold, rules.NothingEligible, rules.Outranked, rules.CapReached, rules.NotTargeted, rules.InProgress} {
		add("outcome", o.String())
	}
	for _, c := range []retail.Code{retail.CodeSchema, retail.CodeConflict, retail.CodeCurrency, retail.CodeTotal, retail.CodeSign, retail.CodeTime, retail.CodeVoidOriginal, retail.CodeTooLarge, retail.CodeAmountRange, retail.CodeDuplicateLine} {
		add("code", string(c))
	}
	for c := retail.InStore; c <= retail.Delivery; c++ {
		add("channel", c.String())
	}
	for p := rules.PerCampaign; p <= rules.PerYear; p++ {
		add("rule.per", p.String())
	}
	add("status", statusScheduled, statusRunning, statusEnded)
	add("verdict", "up", "down", "unclear", "none", "broken")
	add("block", "members", "stores", "cost", "outcomes")
	add("cause", "timeout", "unreachable", "failed")
	add("pill", "live", "late", "paused", "offline", "starting")
	return keys
}

// TestQueriesAreDocumented: each query says what it answers and in which units, reads only what is ours, and is used.
func TestQueriesAreDocumented(t *testing.T) {
	named, err := loadQueries()
	if err != nil || len(named) == 0 {
		t.Fatalf("%d queries, %v", len(named), err)
	}
	var sources strings.Builder
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if raw, err := os.ReadFile(f); err == nil && !strings.HasSuffix(f, "_test.go") {
			sources.Write(raw)
		}
	}
	for name, text := range named {
		head, _, _ := strings.Cut(text, "\nSELECT")
		head, _, _ = strings.Cut(head, "\nWITH")
		if !strings.HasPrefix(text, "-- ") || !regexp.MustCompile(`(?i)unit|minor|receipts`).MatchString(head) {
			t.Errorf("%s does not begin with what it answers and its units", name)
		}
		if strings.Contains(text, "{"+"campaign:String}") && !strings.Contains(head, "campaign") {
			t.Errorf("%s does not name its parameters", name)
		}
		if !strings.Contains(sources.String(), `"`+name+`"`) {
			t.Errorf("%s is not used", name)
		}
	}
}

// TestRuleOf: goal, that the parts of the sentence are those of the document; method, one document with everything in it.
func TestRuleOf(t *testing.T) {
	c, problems := rules.Parse("all", []byte(`
id: all
version: 3
name: {fr: "Tout", en: "All"}
window: {from: 2026-12-01, to: 2026-12-07, tz: Europe/Paris, hours: "08:00-21:30", weekdays: [mon, sat]}
stores: {ids: [S001], banners: [hyper], countries: [FR]}
channels: [IN_STORE, DRIVE]
lines: {category: [GROCERY/COFFEE], brand: [Arabelle], exclude: {category: [TOBACCO]}}
when: {min_spend: 10.00, min_quantity: 3, min_basket: 50.00}
reward: {percent: 7.5, max_per_receipt: 5.00, max_per_member: {amount: 15.00, per: week}}
validity: {pending: 48h}
funding: [{by: retailer, share: 60}, {by: supplier, share: 40}]
holdout: 12.5
budget: {total: 50000.00}
`))
	if c == nil {
		t.Fatal(problems)
	}
	r := ruleOf(c)
	checks := map[string]bool{
		"hours": r.Hours == "08:00-21:30", "weekdays": slices.Equal(r.Weekdays, []int{1, 6}), "percent": r.PercentPPM == 75_000, "caps": r.MaxReceipt == 500 && r.MaxMember == 1500 && r.MaxPer == "week",
		"when": r.MinSpend == 1000 && r.MinQuantity == 3 && r.MinBasket == 5000, "where": len(r.Stores) == 1 && r.Banners[0] == "hyper" && r.Channels[1] == "DRIVE", "excluded": slices.Equal(r.Excluded, []string{"TOBACCO"}),
		"pending": r.PendingMs == 48*hourMs, "funders": len(r.Funders) == 2 && r.Funders[0] == Funder{"retailer", 600_000}, "window": r.ToMs-r.FromMs == 7*dayMs && r.TZ == "Europe/Paris",
	}
	for what, ok := range checks {
		if !ok {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if row := rowOf(c, c0(c)); row.HoldoutBP != 1250 || row.BudgetMinor != 50_000_00 || row.Version != 3 || row.Status != statusScheduled {
		t.Errorf("row %+v", row)
	}
}
