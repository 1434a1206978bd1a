package rules_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// decisions and invariants of the programme's meaning: D1 to D31, I1 to I10.
const (
	decisions  = 31
	invariants = 10
)

// Goal: the table of decisions in README.md is true. Method: every decision and invariant has a row; what the row names exists, in whichever package; and at
// least one of it says the decision's name: a test of a .rules file in its title, a Go test in the comment above it, a golden file anywhere.
func TestDecisionsTable(t *testing.T) {
	holders := readHolders(t)
	rows := decisionRows(t)
	if err := checkDecisions(rows, holders); err != "" {
		t.Error(err)
	}
	// The check can fail.
	for name, change := range map[string]func(map[string][]string){
		"a decision without a row": func(r map[string][]string) { delete(r, "D7") },
		"a file that is not there": func(r map[string][]string) { r["D7"] = []string{"none.rules"} },
		"a test that is not there": func(r map[string][]string) { r["D7"] = append(r["D7"], "TestNone") },
		"a test of something else": func(r map[string][]string) { r["D7"] = []string{"money.rules"} },
		"a row without any test":   func(r map[string][]string) { r["I3"] = nil },
		"an unknown decision":      func(r map[string][]string) { r["D32"] = []string{"money.rules"} },
	} {
		broken := map[string][]string{}
		for k, v := range rows {
			broken[k] = slices.Clone(v)
		}
		if change(broken); checkDecisions(broken, holders) == "" {
			t.Errorf("%s passes", name)
		}
	}
}

// checkDecisions says what is wrong with the rows, nothing when they are good.
func checkDecisions(rows map[string][]string, holders map[string]string) string {
	var wrong []string
	known := map[string]bool{}
	for i := 1; i <= decisions; i++ {
		known[fmt.Sprint("D", i)] = true
	}
	for i := 1; i <= invariants; i++ {
		known[fmt.Sprint("I", i)] = true
	}
	for id := range known {
		named := false
		for _, holder := range rows[id] {
			text, exists := holders[holder]
			if !exists {
				wrong = append(wrong, fmt.Sprintf("%s: there is no %s", id, holder))
			}
			named = named || regexp.MustCompile(`\b`+id+`\b`).MatchString(text)
		}
		if !named {
			wrong = append(wrong, fmt.Sprintf("%s: none of %v names it", id, rows[id]))
		}
	}
	for id := range rows {
		if !known[id] {
			wrong = append(wrong, "there is no "+id)
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "\n")
}

var (
	decisionRow  = regexp.MustCompile(`(?m)^\| ((?:D|I)\d+) [^|]*\|([^|]*)\|`)
	decisionTest = regexp.MustCompile("`(\\w+\\.rules|[\\w/]+\\.txt|Test\\w+|Fuzz\\w+)`")
)

// decisionRows reads the tables of README.md: a decision, and what holds it.
func decisionRows(t *testing.T) map[string][]string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, row := range decisionRow.FindAllStringSubmatch(string(readme), -1) {
		for _, m := range decisionTest.FindAllStringSubmatch(row[2], -1) {
			rows[row[1]] = append(rows[row[1]], m[1])
		}
	}
	return rows
}

var goTest = regexp.MustCompile(`(?m)((?:^//.*\n)*)^func ((?:Test|Fuzz)\w+)\(`)

// readHolders maps the name of every test of the module, .rules file and golden file of the ledger to the text that tells what it is about.
func readHolders(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") && name != "."):
			return fs.SkipDir
		case strings.HasSuffix(name, "_test.go"):
			return eachTest(root, name, out)
		case strings.HasSuffix(name, ".rules") && !e.IsDir(), strings.HasPrefix(name, "pipeline/ledger/testdata/") && path.Ext(name) == ".txt":
			return readHolder(root, name, out)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("%d tests found", len(out))
	}
	return out
}

func eachTest(root fs.FS, name string, out map[string]string) error {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	for _, m := range goTest.FindAllStringSubmatch(string(src), -1) {
		out[m[2]] += m[1] // tests of one name in several packages
	}
	return nil
}

// readHolder keeps the titles of a .rules file, and all of a golden file, under the names that the table uses.
func readHolder(root fs.FS, name string, out map[string]string) error {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".txt") {
		out["ledger/testdata/"+filepath.Base(name)] = string(src)
		return nil
	}
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "test ") {
			out[path.Base(name)] += line
		}
	}
	return nil
}
