package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/pipeline/measure/catalog"
	"cagnotte/pipeline/measure/simulate"
)

// measureData finds the folder of real data, or skips; where services are mandatory, absence is a failure.
func measureData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("the real data are mandatory here: %v", err)
		}
		t.Skipf("no real data (set CAGNOTTE_DATA): %v", err)
	}
	return dir
}

// run executes a command line as the binary does.
func runMeasure(in string, args ...string) (out, errOut string, code int) {
	var o, e bytes.Buffer
	code = execute(append([]string{"measure"}, args...), strings.NewReader(in), &o, &e)
	return o.String(), e.String(), code
}

// TestMeasureVectors: the single numbers of all published results through the command line; the catalog's own test has their lists and objects too.
func TestMeasureVectors(t *testing.T) {
	data := measureData(t)
	raw, err := os.ReadFile(filepath.Join(data, "..", "vectors", "kpi_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID, Method string
		Inputs     json.RawMessage
		Expected   map[string]any
		Tolerance  float64
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, v := range vectors {
		file := filepath.Join(t.TempDir(), "in.json")
		if err := os.WriteFile(file, v.Inputs, 0o600); err != nil {
			t.Fatal(err)
		}
		out, errOut, code := runMeasure("", "--method", v.Method, "--input", file, "--data", data)
		var answer struct {
			Method string         `json:"method"`
			Values map[string]any `json:"values"`
		}
		if err := json.Unmarshal([]byte(out), &answer); code != ExitOK || err != nil || answer.Method == "" {
			t.Errorf("%s: exit %d, %v: %s%s", v.ID, code, err, out, errOut)
			continue
		}
		for key, want := range v.Expected {
			w, ok := want.(float64)
			if !ok {
				continue
			}
			ran++
			if got, ok := answer.Values[key].(float64); !ok || math.Abs(got-w) > v.Tolerance*math.Max(1, math.Abs(w)) {
				t.Errorf("%s: %s = %v, want %v", v.ID, key, answer.Values[key], w)
			}
		}
	}
	if ran < 50 {
		t.Errorf("only %d values were compared", ran)
	}
}

// TestMeasureForms: default command, explicit command, table, ndjson, list and example.
func TestMeasureForms(t *testing.T) {
	in := `{"k": 214, "n": 1133}`
	plain, _, code := runMeasure(in, "--method", "wilson_interval", "--input", "-")
	if code != ExitOK || !strings.Contains(plain, `"rate": 0.188879`) {
		t.Fatalf("exit %d: %s", code, plain)
	}
	if named, _, code := runMeasure(in, "run", "--method", "wilson_interval", "--input", "-"); code != ExitOK || named != plain {
		t.Errorf("exit %d: %s", code, named)
	}
	if line, _, code := runMeasure(in, "--method", "wilson_interval", "--input", "-", "-o", "ndjson"); code != ExitOK || strings.Count(line, "\n") != 1 {
		t.Errorf("exit %d: %s", code, line)
	}
	for _, form := range [][]string{{"--format", "table"}, {"--output", "table"}} {
		table, _, code := runMeasure(in, append([]string{"--method", "wilson_interval", "--input", "-"}, form...)...)
		if code != ExitOK || !strings.Contains(table, "[0.167153, 0.212707]") || strings.Contains(table, "{") {
			t.Errorf("%v: exit %d: %s", form, code, table)
		}
	}
	list, _, code := runMeasure("", "ls", "-o", "ndjson")
	if code != ExitOK || strings.Count(list, "\n") != len(catalog.Methods()) || !strings.Contains(list, `"source":"Wilson 1927`) {
		t.Errorf("exit %d: %s", code, list)
	}
	if few, _, code := runMeasure("", "ls", "cuped", "-o", "table"); code != ExitOK || !strings.Contains(few, "ratio_relative_cuped") || strings.Contains(few, "wilson") {
		t.Errorf("exit %d: %s", code, few)
	}
	example, _, code := runMeasure("", "example", "welch_t_relative")
	if out, errOut, again := runMeasure(example, "--method", "welch_t_relative", "--input", "-"); code != ExitOK || again != ExitOK || !strings.Contains(out, `"lift"`) {
		t.Errorf("exit %d and %d: %s%s", code, again, out, errOut)
	}
	for _, command := range [][]string{{"--help"}, {"simulate", "--help"}} {
		if help, _, code := runMeasure("", command...); code != ExitOK || !strings.Contains(help, "Examples:") {
			t.Errorf("%v: exit %d: %s", command, code, help)
		}
	}
}

// TestMeasureErrors: each kind of failure has its exit code and names what is wrong.
func TestMeasureErrors(t *testing.T) {
	t.Setenv("CAGNOTTE_DATA", "") // puts the old value back afterwards
	if err := os.Unsetenv("CAGNOTTE_DATA"); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		args []string
		in   string
		code int
		want string
	}{
		{[]string{"--method", "wilson", "--input", "-"}, `{}`, ExitUsage, "did you mean wilson_interval?"},
		{[]string{"--method", "wilson_interval"}, ``, ExitUsage, "--input"},
		{[]string{"--method", "wilson_interval", "--input", "/no/such"}, ``, ExitNotFound, "/no/such"},
		{[]string{"--method", "wilson_interval", "--input", "-"}, `{"k": -1, "n": 3}`, ExitInvalid, "k: want a count"},
		{[]string{"--method", "wilson_interval", "--input", "-"}, `{"k": NaN, "n": 3}`, ExitInvalid, "k: want a finite number"},
		{[]string{"--method", "wilson_interval", "--input", "-"}, `{"k": 1, "m": 3}`, ExitInvalid, "m: unknown field"},
		{[]string{"--method", "covarSampStable", "--input", "-"}, `{"x": [1, 2], "y": [1, 2, 3]}`, ExitInvalid, "as many items as in x, 2, got 3"},
		{[]string{"--method", "bg_nbd", "--input", "-", "--data", t.TempDir()}, `{"data": "x.csv"}`, ExitNotFound, "x.csv"},
		{[]string{"--method", "bg_nbd", "--input", "-"}, `{"data": "x.csv"}`, ExitInvalid, "no data directory"},
		{[]string{"example", "nothing_like_it"}, ``, ExitUsage, "no method"},
		{[]string{"simulate"}, ``, ExitUsage, "--data"},
		{[]string{"simulate", "--data", t.TempDir()}, ``, ExitNotFound, "lines.csv.gz"},
		{[]string{"simulate", "--holdout", "0"}, ``, ExitUsage, "--holdout 0"},
	}
	for _, c := range cases {
		out, errOut, code := runMeasure(c.in, c.args...)
		if code != c.code || !strings.Contains(errOut, c.want) || out != "" {
			t.Errorf("%v: exit %d, want %d and %q:\n%s%s", c.args, code, c.code, c.want, out, errOut)
		}
	}
}

// TestMeasureSimulateQuick: the quick form through the command line, with the bounds that matter.
func TestMeasureSimulateQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates a hundred campaigns: not in short mode")
	}
	file := filepath.Join(t.TempDir(), "simulation.json")
	out, errOut, code := runMeasure("", "simulate", "--quick", "--data", measureData(t), "--format", "table", "--json", file)
	if code != ExitOK || !strings.Contains(out, "always valid ever") || !strings.Contains(errOut, "campaigns: done in") {
		t.Fatalf("exit %d: %s%s", code, out, errOut)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r simulate.Result
	if err := json.Unmarshal(raw, &r); err != nil || len(r.Watching) != 48 || len(r.Placebos) != 6 {
		t.Fatalf("%v: %d rows and %d", err, len(r.Watching), len(r.Placebos))
	}
	for _, x := range r.Watching {
		if x.Lift == 0 && x.Counted == "clock" && (x.AlwaysEver > 0.05 || x.FixedEver < 0.1) {
			t.Errorf("%+v", x)
		}
	}
}
