package series

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
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

// table reads a data file into columns by header name; comma separates unless the header shows a blank or tab.
func table(t testing.TB, name ...string) map[string][]string {
	t.Helper()
	path := filepath.Join(append([]string{dataDir(t)}, name...)...)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(raw)))
	if head, _, _ := strings.Cut(string(raw), "\n"); !strings.Contains(head, ",") {
		r.Comma = ' '
	}
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	cols := map[string][]string{}
	for j, head := range rows[0] {
		for _, row := range rows[1:] {
			cols[head] = append(cols[head], row[j])
		}
	}
	return cols
}

func floats(t testing.TB, in []string) []float64 {
	t.Helper()
	out := make([]float64, len(in))
	for i, s := range in {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = v
	}
	return out
}

// long turns unit, time, value columns into a panel; periods in the order they are first seen.
func long(t testing.TB, units, times []string, values []float64) Panel {
	t.Helper()
	p := Panel{}
	row, col := map[string]int{}, map[string]int{}
	for _, when := range times {
		if _, ok := col[when]; !ok {
			col[when] = len(col)
		}
	}
	for i, u := range units {
		if _, ok := row[u]; !ok {
			row[u] = len(row)
			p.Units, p.Y = append(p.Units, u), append(p.Y, make([]float64, len(col)))
		}
		p.Y[row[u]][col[times[i]]] = values[i]
	}
	return p
}

func geolift(t testing.TB) Panel {
	c := table(t, "geolift", "GeoLift_Test.csv.gz")
	p := long(t, c["location"], c["date"], floats(t, c["Y"]))
	p.Treated, p.Pre = []string{"chicago", "portland"}, 90
	return p
}

func kansas(t testing.TB) Panel {
	c := table(t, "kansas_synth", "kansas.csv.gz")
	p := long(t, c["state"], c["year_qtr"], floats(t, c["lngdpcapita"]))
	p.Treated, p.Pre = []string{"Kansas"}, 89
	return p
}

// fixture reads an oracle's output.
func fixture(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "oracles", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// near fails when got is further from want than tol, absolutely or relatively.
func near(t testing.TB, what string, got, want, tol float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= tol*math.Max(1, math.Abs(want))) {
		t.Errorf("%s: got %.10g, want %.10g", what, got, want)
	}
}
