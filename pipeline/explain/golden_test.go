package explain_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference before committing it")

const (
	arabelle = `{id: arabelle-week, version: 2, name: {fr: "Semaine Arabelle", en: "Arabelle week"}, window: {from: 2026-11-30, to: 2026-12-06}, lines: {brand: Arabelle},
  reward: {percent: 15, max_per_receipt: 3.00, max_per_member: {amount: 5.00, per: month}}, validity: {pending: 48h, expires: {calendar: "03-01"}},
  stacking: {group: coffee, mode: best_for_member}, priority: 10, funding: [{by: retailer, share: 40}, {by: Arabelle SA, share: 60}]}`
	coffee = `{id: coffee-ladder, version: 1, name: {fr: "Paliers café", en: "Coffee ladder"}, window: {from: 2026-01-01}, lines: {category: GROCERY/COFFEE},
  reward: {ladder: [{spend: 15, get: 1}, {spend: 30, get: 4}]}, stacking: {group: coffee, mode: best_for_member}}`
	base = `{id: programme, version: 1, name: {fr: "Un pour cent sur tout", en: "One percent on everything"}, window: {from: 2026-01-01}, lines: {exclude: {category: FUEL}},
  when: {min_basket: 20.00}, reward: {percent: 1}, validity: {pending: 24h}}`
	organic = `{id: organic-test, version: 1, name: {fr: "Bio en test", en: "Organic on trial"}, window: {from: 2026-01-01}, lines: {category: GROCERY/ORGANIC},
  when: {min_quantity: 2}, reward: {per_unit: 0.50}, holdout: 20}`
	drive = `{id: drive-mornings, version: 1, name: {fr: "Matins du drive", en: "Drive mornings"}, window: {from: 2026-01-01, hours: "08:00-12:00", weekdays: [mon, tue, wed]},
  lines: {category: GROCERY/COFFEE}, channels: [DRIVE], stores: {ids: [S001, S002]}, reward: {fixed: 2.00}}`
)

// cases are the receipts that are explained; each name is a golden file in both languages.
func cases(t *testing.T) map[string]*explain.Facts {
	return map[string]*explain.Facts{
		"capped": capped(t), "outranked": outranked(t), "holdout": holdout(t), "below": below(t), "returned": returned(t, "r-5"), "return": returned(t, "r-5-back"),
		"anonymous": anonymous(t), "refused": refused(), "unknown": {ReceiptID: "nobody-knows", Processed: -1}, "waiting": waiting(), "training": training(t),
		"return-alone": returnAlone(t), "conflict": conflict(t), "no-campaign": noCampaign(t), "pending": pending(t), "window": window(t), "event": event(t),
		"points": points(t, "r-12"), "points-return": points(t, "r-12-back"),
	}
}

// points earns euros, points and another wallet's miles by one receipt that also counts for a goal which was reached before and for a level.
func points(t *testing.T, which retail.ReceiptID) *explain.Facts {
	const (
		perTen = `{id: per-ten, version: 1, name: {fr: "Un point par tranche de 10 €", en: "A point for every €10"}, window: {from: 2026-01-01},
  reward: {points: {get: 1, for: 10}, wallet: points, max_per_member: {amount: 300, per: month}}}`
		miles  = `{id: miles, version: 1, name: {fr: "Miles du café", en: "Coffee miles"}, window: {from: 2026-01-01}, lines: {category: GROCERY/COFFEE}, reward: {percent: 50, wallet: miles}}`
		target = `{id: target, version: 1, name: {fr: "Objectif du mois", en: "Target of the month"}, window: {from: 2026-01-01}, progress: {count: spend, per: month},
  reward: {ladder: [{reach: 500, get: 25}, {reach: 1000, get: 100}], wallet: points}}`
		levels = `{id: levels, version: 1, name: {fr: "Niveaux", en: "Levels"}, window: {from: 2026-01-01}, tiers: {count: spend, levels: [{name: silver, from: 0}, {name: gold, from: 5000}]}}`
	)
	w := newWorld(t, "acct-7f3a9c41", perTen, miles, target, levels, base)
	w.sell(w.receipt("r-11", retail.Sale, "2026-12-01T10:30:00+01:00", line("GROCERY/PASTA", "", 120_000, 300)))
	w.sell(w.receipt("r-12", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 2_501, 2), line("GROCERY/PASTA", "", 200_000, 500)))
	back := w.receipt("r-12-back", retail.Return, "2026-12-04T16:05:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 1_251, 1))
	back.Lines[0].ReturnOfLine = 1
	w.giveBack(back, "r-12")
	return w.facts(which, "2026-12-05T12:00:00+01:00")
}

func capped(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", arabelle, base)
	w.sell(w.receipt("r-0", retail.Sale, "2026-12-01T09:10:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 2000, 2)))
	w.sell(w.receipt("r-1", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 2400, 2), line("GROCERY/PASTA", "", 310, 1)))
	return w.facts("r-1", "2026-12-03T12:00:00+01:00")
}

func outranked(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", arabelle, coffee)
	w.sell(w.receipt("r-2", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 3200, 4)))
	return w.facts("r-2", "2026-12-03T12:00:00+01:00")
}

// heldOutMember finds an account that the draw keeps out of a campaign.
func heldOutMember(t *testing.T, campaign string, bp int32) retail.AccountID {
	for _, suffix := range strings.Split("abcdefghijklmnopqrstuvwxyz0123456789", "") {
		if id := retail.AccountID("acct-10b2d5" + suffix); rules.ArmOf(campaign, id, bp) == rules.Holdout {
			return id
		}
	}
	t.Fatal("nobody is held out")
	return ""
}

func holdout(t *testing.T) *explain.Facts {
	w := newWorld(t, heldOutMember(t, "organic-test", 2000), organic, base)
	w.sell(w.receipt("r-3", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/ORGANIC/MILK", "", 540, 3), line("GROCERY/PASTA", "", 1900, 10)))
	return w.facts("r-3", "2026-12-03T12:00:00+01:00")
}

func below(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", organic, base, coffee)
	w.sell(w.receipt("r-4", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/ORGANIC/MILK", "", 180, 1), line("GROCERY/COFFEE", "", 860, 1)))
	return w.facts("r-4", "2026-12-03T12:00:00+01:00")
}

func returned(t *testing.T, which retail.ReceiptID) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", arabelle, base)
	w.sell(w.receipt("r-5", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 1600, 2), line("GROCERY/PASTA", "", 900, 3)))
	back := w.receipt("r-5-back", retail.Return, "2026-12-04T16:05:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 800, 1))
	back.Lines[0].ReturnOfLine = 1
	w.giveBack(back, "r-5")
	return w.facts(which, "2026-12-05T12:00:00+01:00")
}

func anonymous(t *testing.T) *explain.Facts {
	w := newWorld(t, "", arabelle, base)
	r := w.receipt("r-6", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 2400, 2))
	w.sell(r)
	return w.facts("r-6", "2026-12-03T12:00:00+01:00")
}

func refused() *explain.Facts {
	at := retail.Instant(1_796_200_000_000)
	return &explain.Facts{ReceiptID: "r-7", Processed: -1, Letters: []explain.Letter{{
		Stage: "VALIDATE", Code: retail.CodeTotal, Path: "/total_minor", Detail: "observed 25.00, expected 24.00", Shop: "S042", Topic: "cagnotte.receipts", Partition: 2, Offset: 17, ReceivedAt: at,
	}}}
}

func waiting() *explain.Facts {
	return &explain.Facts{ReceiptID: "r-8", Processed: -1, Waiting: &explain.Waiting{Partition: 5, Offset: 120_345, Since: 1_796_200_000_000, Ahead: 12_345}}
}

func training(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", base)
	r := w.receipt("r-9", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/PASTA", "", 3000, 10))
	r.Training = true
	w.sell(r)
	return w.facts("r-9", "2026-12-03T12:00:00+01:00")
}

func returnAlone(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", base)
	r := w.receipt("r-10", retail.Return, "2026-12-02T10:30:00+01:00", line("GROCERY/PASTA", "", 300, 1))
	w.giveBack(r, "never-seen")
	return w.facts("r-10", "2026-12-03T12:00:00+01:00")
}

func conflict(t *testing.T) *explain.Facts {
	f := capped(t)
	f.Copies = 1
	f.Letters = []explain.Letter{{Stage: "STATE", Code: retail.CodeConflict, Path: "/receipt_id", Detail: "observed other content under a known id, expected the same content, or an id of its own", Partition: 3, Offset: 140, ReceivedAt: f.Now}}
	return f
}

func noCampaign(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", arabelle)
	w.sell(w.receipt("r-11", retail.Sale, "2026-12-02T10:30:00+01:00", line("GROCERY/PASTA", "", 300, 1)))
	return w.facts("r-11", "2026-12-03T12:00:00+01:00")
}

func event(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", base)
	r := w.receipt("crm:17", retail.Event, "2026-12-02T10:30:00+01:00")
	r.Shop, r.TerminalID, r.Attributes = retail.Shop{}, "", []retail.Attribute{{Key: retail.EventAttribute, Value: "recycling"}}
	w.sell(r)
	return w.facts("crm:17", "2026-12-03T12:00:00+01:00")
}

func pending(t *testing.T) *explain.Facts {
	f := noCampaign(t)
	f.Processed = f.Receipt.Offset
	return f
}

func window(t *testing.T) *explain.Facts {
	w := newWorld(t, "acct-7f3a9c41", drive, arabelle)
	r := w.receipt("r-12", retail.Sale, "2026-12-10T18:45:00+01:00", line("GROCERY/COFFEE/BEANS", "Arabelle", 123456, 100))
	r.Channel = retail.SelfCheckout
	w.sell(r)
	return w.facts("r-12", "2026-12-11T12:00:00+01:00")
}

// Goal: what a marketer reads, word by word, in both languages. Method: golden files over receipts that the real rules and ledger have judged.
func TestGolden(t *testing.T) {
	e, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range cases(t) {
		for _, lang := range []string{explain.French, explain.English} {
			x, err := e.Explain(f, lang)
			if err != nil {
				t.Fatal(err)
			}
			got := x.Text()
			checkText(t, name, lang, f, got)
			file := filepath.Join("testdata", name+"."+lang+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s in %s:\n--- got\n%s--- want\n%s", name, lang, got, want)
			}
		}
	}
}

var leftOver = regexp.MustCompile(`\{\w+\}|\b(step|why|status|outcome|entry|code)\.\w`)

// checkText holds for every explanation: no variable is left, no key shows, the member's token does not, and French has its spaces.
func checkText(t *testing.T, name, lang string, f *explain.Facts, text string) {
	t.Helper()
	if m := leftOver.FindString(text); m != "" {
		t.Errorf("%s in %s: %q is left over:\n%s", name, lang, m, text)
	}
	if f.Receipt != nil && f.Receipt.Account != "" && strings.Contains(text, string(f.Receipt.Account)) {
		t.Errorf("%s in %s shows the member's token", name, lang)
	}
}

// The JSON form has the numbers beside the sentences, and no token.
func TestJSON(t *testing.T) {
	e, err := explain.New()
	if err != nil {
		t.Fatal(err)
	}
	f := returned(t, "r-5")
	x, err := e.Explain(f, explain.English)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	var back explain.Explanation
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if back.Status != explain.Decided || back.Totals.Granted != 265 || back.Totals.TakenBack != 145 || back.Totals.Standing != 120 || back.Totals.Unbooked {
		t.Errorf("%+v in %s", back.Totals, raw)
	}
	if strings.Contains(string(raw), "acct-7f3a9c41") || back.Receipt.Member != "••••9c41" {
		t.Errorf("the token shows, or is masked as %q: %s", back.Receipt.Member, raw)
	}
	if _, err := e.Explain(f, "de"); err == nil {
		t.Error("explained in a language that there is not")
	}
}

// The README shows explanations as they are printed.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"capped.en", "outranked.fr", "holdout.en", "below.fr", "return.en", "anonymous.fr"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "```text\n"+string(text)+"```") {
			t.Errorf("README.md does not show testdata/%s.txt as it is", name)
		}
	}
}
