package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Goal: the direction of imports and the sizes that keep the house readable. Method: read the sources, not the build, so that the test cache cannot
// hide a change of another package.

const root = "../.."

// domain packages do no I/O and read no clock, and know no chance.
var domain = []string{"pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules", "pipeline/budget", "pipeline/measure", "pipeline/explain", "pipeline/programmes"}

// resampling packages are domain packages that draw, from a seed that they are handed.
var resampling = []string{"pipeline/measure/panel", "pipeline/measure/series", "pipeline/measure/members", "pipeline/measure/catalog", "pipeline/measure/simulate"}

var pure = append(slices.Clone(domain), resampling...)

// allowed lists, for each package of ours, the packages of ours that its sources (not its tests) may import. A package that is missing here fails
// the test: a new one is placed on purpose.
var allowed = map[string][]string{
	"pipeline/money":            {},
	"pipeline/retail":           {"pipeline/money"},
	"pipeline/ledger":           {"pipeline/money", "pipeline/retail"},
	"pipeline/rules":            {"pipeline/money", "pipeline/retail", "pipeline/ledger"},
	"pipeline/budget":           {"pipeline/money"},
	"pipeline/measure":          {},
	"pipeline/measure/panel":    {"pipeline/measure"},
	"pipeline/measure/series":   {"pipeline/measure"},
	"pipeline/measure/members":  {"pipeline/measure"},
	"pipeline/measure/catalog":  {"pipeline/measure", "pipeline/measure/panel", "pipeline/measure/series", "pipeline/measure/members"},
	"pipeline/measure/simulate": {"pipeline/measure", "pipeline/measure/panel"},
	"pipeline/backtest":         {"pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"pipeline/programmes":       {"pipeline/money", "pipeline/rules"},
	"pipeline/explain":          {"pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"pipeline/explain/evidence": {"schemas", "pipeline/explain", "pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"schemas":                   {"pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"schemas/engine":            {},
	"schemas/engine/enginetest": {"schemas", "schemas/engine"},
	"state":                     {"pipeline/money", "pipeline/retail", "pipeline/ledger"},
	"state/statetest":           {"state", "pipeline/money", "pipeline/retail", "pipeline/ledger"},
	"pipeline/sink":             {"schemas", "pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"pipeline/sink/sinktest":    {"pipeline/sink", "schemas", "schemas/engine", "pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules"},
	"pipeline/ingest":           {"schemas", "pipeline/money", "pipeline/retail"},
	"pipeline":                  {"schemas", "state", "pipeline/money", "pipeline/retail", "pipeline/ledger", "pipeline/rules", "pipeline/budget"},
	"dashboards":                {"schemas", "pipeline/money", "pipeline/retail", "pipeline/rules", "pipeline/measure", "pipeline/explain", "pipeline/explain/evidence"},
	"loadtest":                  {"schemas", "pipeline/money", "pipeline/retail", "loadtest/*"},
	"loadtest/*":                {"schemas", "pipeline/money", "pipeline/retail", "loadtest", "loadtest/*"},
	"cmd/cagnotte":              {"*"},
}

// forbidden lists what a package must not import although it is not ours.
var forbidden = map[string][]string{
	"math/rand":                     domain,
	"os":                            pure,
	"net/http":                      append([]string{"state", "pipeline", "pipeline/sink"}, pure...),
	"go.opentelemetry.io/otel/sdk":  {"*"},
	"github.com/alecthomas/kong":    {"*"},
	"github.com/cockroachdb/pebble": append([]string{"schemas", "pipeline/sink", "pipeline/ingest", "dashboards"}, pure...),
	"github.com/twmb/franz-go":      append([]string{"state"}, pure...),
}

// clocks are the functions that the domain must not call: its time arrives as an argument.
var clocks = []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker"}

// Sizes: a function of more lines is two, a file of more lines is two.
const (
	linesPerFunc = 70
	linesPerTest = 90  // a test may tell one story from start to end
	linesPerFile = 450 // 300 is the aim
)

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, src := range sources(t) {
		seen[src.pkg] = true
		checkImports(t, src)
		checkClock(t, src)
		checkSize(t, src)
	}
	for _, pkg := range []string{"pipeline", "pipeline/money", "state", "schemas", "loadtest/cluster", "cmd/cagnotte"} {
		if !seen[pkg] {
			t.Errorf("no source of %s was read: the test looks at the wrong place", pkg)
		}
	}
}

type source struct {
	path, pkg string
	test      bool
	fset      *token.FileSet
	file      *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || (strings.HasPrefix(d.Name(), ".") && name != root)) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), fset: fset, file: file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkImports(t *testing.T, src source) {
	t.Helper()
	if src.test {
		return
	}
	may, ok := allowed[src.pkg]
	if !ok {
		may, ok = allowed[path.Dir(src.pkg)+"/*"]
	}
	if !ok {
		t.Errorf("%s: package %s has no row in the table of allowed imports", src.path, src.pkg)
		return
	}
	for _, spec := range src.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		ours, isOurs := strings.CutPrefix(name, "cagnotte/")
		switch {
		case isOurs && !matches(may, ours):
			t.Errorf("%s: %s may not import %s", src.path, src.pkg, ours)
		case isOurs && strings.HasPrefix(ours, "cmd/"):
			t.Errorf("%s: nothing imports %s", src.path, ours)
		case !isOurs && isForbidden(src.pkg, name):
			t.Errorf("%s: %s may not import %s", src.path, src.pkg, name)
		}
	}
}

func matches(patterns []string, pkg string) bool {
	return slices.Contains(patterns, "*") || slices.Contains(patterns, pkg) || slices.Contains(patterns, path.Dir(pkg)+"/*")
}

func isForbidden(pkg, name string) bool {
	if strings.HasPrefix(pkg, "cmd/") {
		return false
	}
	for prefix, packages := range forbidden {
		if (name == prefix || strings.HasPrefix(name, prefix+"/")) && matches(packages, pkg) {
			return true
		}
	}
	return false
}

func checkClock(t *testing.T, src source) {
	t.Helper()
	if src.test || !slices.Contains(pure, src.pkg) {
		return
	}
	ast.Inspect(src.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(clocks, x.Name+"."+sel.Sel.Name) {
			t.Errorf("%s: %s reads a clock (%s.%s)", src.fset.Position(n.Pos()), src.pkg, x.Name, sel.Sel.Name)
		}
		return true
	})
}

func checkSize(t *testing.T, src source) {
	t.Helper()
	if ast.IsGenerated(src.file) {
		return
	}
	if n := src.fset.Position(src.file.FileEnd).Line; n > linesPerFile {
		t.Errorf("%s has %d lines, at most %d", src.path, n, linesPerFile)
	}
	limit := linesPerFunc
	if src.test {
		limit = linesPerTest
	}
	for _, decl := range src.file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		first, last := src.fset.Position(fn.Pos()).Line, src.fset.Position(fn.End()).Line
		if n := last - first + 1; n > limit {
			t.Errorf("%s: %s has %d lines, at most %d", src.fset.Position(fn.Pos()), fn.Name.Name, n, limit)
		}
	}
}
