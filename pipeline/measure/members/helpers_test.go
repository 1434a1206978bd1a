package members

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// dataDir finds the folder of real data, or skips; where the data are mandatory, absence is a failure.
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
	Inputs    json.RawMessage `json:"inputs"`
	Expected  json.RawMessage `json:"expected"`
	Tolerance float64         `json:"tolerance"`
}

// loadVector decodes one published result.
func loadVector(t *testing.T, id string, in, want any) (tolerance float64) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dataDir(t), "..", "vectors", "kpi_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.ID != id {
			continue
		}
		if err := json.Unmarshal(v.Inputs, in); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.Expected, want); err != nil {
			t.Fatal(err)
		}
		return v.Tolerance
	}
	t.Fatalf("the vector %s is not in the file", id)
	return 0
}

// cdnow reads CDNOW's members: time in weeks, value in dollars.
func cdnow(t testing.TB) []Customer {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir(t), "cdnow", "cdnow_customers_summary_with_transactions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []Customer
	for _, row := range rows[1:] {
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i+1], 64); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, Customer{Frequency: int64(v[0]), Recency: v[1], T: v[2], Value: v[3]})
	}
	return out
}

// fixture decodes an oracle's output.
func fixture(t *testing.T, name string, to any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "oracles", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatal(err)
	}
}

// reporter is testing.TB as far as rapid's T has it too.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// near compares with a relative tolerance, absolute below 1.
func near(t reporter, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.12g, want %.12g (tolerance %g)", what, got, want, tolerance)
	}
}

// within compares with an absolute tolerance.
func within(t reporter, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.12g, want %.12g (tolerance %g)", what, got, want, tolerance)
	}
}
