package explain

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

func both(t *testing.T) map[string]*words {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e.languages
}

var variable = regexp.MustCompile(`\{\w+\}`)

// Both languages have the same texts with the same variables, none empty, counted ones in pairs, French with the spaces it puts before signs.
func TestTextsMatch(t *testing.T) {
	en, fr := both(t)[English].texts, both(t)[French].texts
	for key, text := range en {
		other, ok := fr[key]
		if !ok {
			t.Errorf("%s is missing in French", key)
			continue
		}
		if a, b := variables(text), variables(other); !slices.Equal(a, b) {
			t.Errorf("%s: variables %v in English, %v in French", key, a, b)
		}
		if strings.TrimSpace(text) == "" || strings.TrimSpace(other) == "" {
			t.Errorf("%s is empty", key)
		}
		if one, found := strings.CutSuffix(key, ".one"); found && en[one+".other"] == "" {
			t.Errorf("%s has no .other", key)
		}
	}
	for key, text := range fr {
		if _, ok := en[key]; !ok {
			t.Errorf("%s is missing in English", key)
		}
		if regexp.MustCompile(`[^\x{a0}\x{202f}][;:?!»]( |$)|«[^\x{a0}]`).MatchString(text) {
			t.Errorf("%s: French puts a space that does not break before ; : ? ! and inside guillemets: %q", key, text)
		}
	}
}

// variables of a text; a count may be said in words instead.
func variables(text string) []string {
	v := variable.FindAllString(text, -1)
	slices.Sort(v)
	return slices.Compact(v)
}

// constants reads the names and values of the typed constants of a package from its sources, so that one that somebody adds is seen here.
func constants(t *testing.T, dir, typeName string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources of %s: %v", dir, err)
	}
	out := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST && !strings.HasSuffix(name, "_test.go") {
				constantsOf(t, g, typeName, out)
			}
		}
	}
	if len(out) < 4 {
		t.Fatalf("only %d constants of %s.%s were found: the test looks at the wrong place", len(out), dir, typeName)
	}
	return out
}

// constantsOf adds the constants of a block: texts by their value, those that count up by their place.
func constantsOf(t *testing.T, g *ast.GenDecl, typeName string, out map[string]string) {
	t.Helper()
	current := ""
	for place, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		if id, ok := v.Type.(*ast.Ident); ok {
			current = id.Name
		} else if v.Type != nil || len(v.Values) > 0 {
			current = ""
		}
		if current != typeName {
			continue
		}
		value := strconv.Itoa(place)
		if len(v.Values) == 1 {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				value, _ = strconv.Unquote(lit.Value)
			}
		}
		out[v.Names[0].Name] = value
	}
}

// Guard: whoever adds an outcome gives it a label and a sentence in both languages.
func TestEveryOutcomeHasASentence(t *testing.T) {
	for name, place := range constants(t, "rules", "Outcome") {
		n, err := strconv.Atoi(place)
		if err != nil {
			t.Fatal(err)
		}
		symbol := rules.Outcome(n).String()
		if symbol == "UNKNOWN" && n != 0 {
			t.Errorf("rules.%s has no symbol of its own", name)
		}
		for lang, w := range both(t) {
			if !w.has("outcome."+symbol) || !w.has("why."+symbol) {
				t.Errorf("rules.%s: texts/%s.json lacks outcome.%s or why.%s", name, lang, symbol, symbol)
			}
		}
	}
}

// Guard: whoever adds a step gives it a sentence for when it held and when it did not.
func TestEveryStepHasASentence(t *testing.T) {
	for name, code := range constants(t, "rules", "StepCode") {
		for lang, w := range both(t) {
			s := newSpeaker(w, &Facts{})
			for _, passed := range []bool{true, false} {
				st := rules.Step{Code: rules.StepCode(code), Node: "window.from", Passed: passed, Unit: rules.Minor}
				if got := s.step(&rules.Result{}, &st, nil, "1", "2"); strings.HasPrefix(got, code+" ") || strings.HasPrefix(got, code+":") || strings.HasPrefix(got, code+unbroken) {
					t.Errorf("rules.%s, passed %v: texts/%s.json has no step.%s", name, passed, lang, code)
				}
			}
		}
	}
}

// Guard: whoever adds a code of validation gives it a label and a remedy; a kind or reason of the ledger a sentence; a cap its period.
func TestEveryCodeHasARemedy(t *testing.T) {
	for lang, w := range both(t) {
		for name, code := range constants(t, "retail", "Code") {
			if !w.has("code."+code) || !w.has("remedy."+code) {
				t.Errorf("retail.%s: texts/%s.json lacks code.%s or remedy.%s", name, lang, code, code)
			}
		}
		for name, place := range constants(t, "ledger", "Kind") {
			n, err := strconv.Atoi(place)
			if err != nil {
				t.Fatal(err)
			}
			if key := "entry." + strings.ToUpper(ledger.Kind(n).String()); !w.has(key) {
				t.Errorf("ledger.%s: texts/%s.json lacks %s", name, lang, key)
			}
		}
		for name, place := range constants(t, "rules", "CapPeriod") {
			n, err := strconv.Atoi(place)
			if err != nil {
				t.Fatal(err)
			}
			if key := "period." + rules.CapPeriod(n).String(); !w.has(key) {
				t.Errorf("rules.%s: texts/%s.json lacks %s", name, lang, key)
			}
		}
		for _, reason := range []string{ledger.ReasonDeficit, ledger.ReasonDeficitAbsorbed} {
			if !w.has("reason." + reason) {
				t.Errorf("texts/%s.json lacks reason.%s", lang, reason)
			}
		}
		for _, name := range constants(t, "retail", "Channel") {
			n, err := strconv.Atoi(name)
			if err != nil {
				t.Fatal(err)
			}
			if key := "channel." + retail.Channel(n).String(); !w.has(key) {
				t.Errorf("texts/%s.json lacks %s", lang, key)
			}
		}
	}
}

// The pages and the explanations call a thing by one name.
func TestSameWordsAsThePages(t *testing.T) {
	shared := 0
	for lang, w := range both(t) {
		raw, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "web", "src", "locales", lang+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var pages map[string]string
		if err := json.Unmarshal(raw, &pages); err != nil {
			t.Fatal(err)
		}
		for key, text := range pages {
			kind, _, _ := strings.Cut(key, ".")
			if kind != "outcome" && kind != "code" && kind != "channel" && kind != "funder" {
				continue
			}
			shared++
			if w.texts[key] != text {
				t.Errorf("%s in %s: the pages say %q, the explanation %q", key, lang, text, w.texts[key])
			}
		}
	}
	if shared < 40 {
		t.Errorf("only %d texts are shared: the test looks at the wrong place", shared)
	}
}
