package catalog

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dataDir finds the folder of real data, or skips; where services are mandatory, absence is a failure.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("the real data are mandatory here: %v", err)
		}
		t.Skipf("no real data (set CAGNOTTE_DATA): %v", err)
	}
	return dir
}

// vector is one published result of the shared file.
type vector struct {
	ID        string          `json:"id"`
	Method    string          `json:"method"`
	Inputs    json.RawMessage `json:"inputs"`
	Expected  map[string]any  `json:"expected"`
	Tolerance float64         `json:"tolerance"`
	Source    string          `json:"source"`
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dataDir(t), "..", "vectors", "kpi_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// TestVectors: goal, every published result through the entry point that the command line uses; method, each expected key is looked up in
// the answer's JSON, lists and objects item by item. The test knows no method: |got - want| <= tolerance * max(1, |want|).
func TestVectors(t *testing.T) {
	vectors := loadVectors(t)
	if len(vectors) < 24 {
		t.Errorf("%d vectors, want 24 or more", len(vectors))
	}
	data := os.DirFS(dataDir(t))
	var table strings.Builder
	fmt.Fprintf(&table, "%-42s %-44s %18s %18s %8s  %s\n", "method", "expected key", "expected", "got", "tol", "source")
	for _, v := range vectors {
		t.Run(v.ID, func(t *testing.T) {
			row := func(key string, want, got any) {
				fmt.Fprintf(&table, "%-42s %-44s %18v %18v %8.0e  %s\n", v.Method, v.ID+"."+key, want, got, v.Tolerance, v.Source)
			}
			for _, problem := range v.check(data, row) {
				t.Error(problem)
			}
		})
	}
	t.Logf("published results\n%s", table.String())
}

func (v vector) check(data fs.FS, row func(key string, want, got any)) (problems []string) {
	a, err := Run(v.Method, v.Inputs, data)
	if err != nil {
		return []string{err.Error()}
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return []string{err.Error()}
	}
	var got struct {
		Values map[string]any `json:"values"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return []string{err.Error()}
	}
	return compare("", v.Expected, got.Values, v.Tolerance, row)
}

// compare walks the expected value. What the answer has beyond it is not looked at.
func compare(path string, want, got any, tolerance float64, row func(key string, want, got any)) (problems []string) {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		keys := make([]string, 0, len(w))
		for key := range w {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			problems = append(problems, compare(join(path, key), w[key], g[key], tolerance, row)...)
		}
		return problems
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			return []string{fmt.Sprintf("%s: got %v, want %v", path, got, want)}
		}
		for i := range w {
			problems = append(problems, compare(item(path, i), w[i], g[i], tolerance, row)...)
		}
		return problems
	}
	row(path, want, got)
	w, wantsNumber := want.(float64)
	g, isNumber := got.(float64)
	switch {
	case !wantsNumber && want == got:
		return nil
	case wantsNumber && isNumber && math.Abs(g-w) <= tolerance*math.Max(1, math.Abs(w)):
		return nil
	}
	return []string{fmt.Sprintf("%s: got %v, want %v (tolerance %g)", path, got, want, tolerance)}
}

// TestCompareSeesDifferences: the comparison itself must be able to fail, on a number, a missing key, a length and a kind.
func TestCompareSeesDifferences(t *testing.T) {
	none := func(string, any, any) {}
	want := map[string]any{"a": 1.0, "b": []any{1.0, 2.0}, "c": map[string]any{"d": 100.0}}
	same := map[string]any{"a": 1.009, "b": []any{1.0, 2.0}, "c": map[string]any{"d": 100.9}, "more": 1.0}
	if p := compare("", want, same, 0.01, none); len(p) != 0 {
		t.Errorf("within tolerance, but: %v", p)
	}
	for _, got := range []map[string]any{
		{"a": 1.02, "b": same["b"], "c": same["c"]}, {"b": same["b"], "c": same["c"]}, {"a": 1.0, "b": []any{1.0}, "c": same["c"]},
		{"a": "1", "b": same["b"], "c": same["c"]}, {"a": 1.0, "b": []any{1.0, 2.1}, "c": same["c"]}, {"a": 1.0, "b": same["b"], "c": map[string]any{"d": 101.1}},
	} {
		if p := compare("", want, got, 0.01, none); len(p) != 1 {
			t.Errorf("%v: %v, want one problem", got, p)
		}
	}
}
