package catalog

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestMethodsAreWhole: every entry says what it is, in order and once, and its own example gives a figure or values.
func TestMethodsAreWhole(t *testing.T) {
	all := Methods()
	if !slices.IsSortedFunc(all, func(a, b Method) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the methods are not sorted")
	}
	seen := map[string]bool{}
	data := os.DirFS(dataDir(t))
	for _, m := range all {
		if seen[m.Name] || m.Name == "" || m.Summary == "" || m.Source == "" || m.Design == "" {
			t.Errorf("%+v is not whole, or there twice", m)
		}
		seen[m.Name] = true
		a, err := Run(m.Name, json.RawMessage(m.Example), data)
		if err != nil {
			t.Errorf("%s: its example: %v", m.Name, err)
			continue
		}
		if a.Reason != "" || len(a.Values) == 0 || a.Method == "" || a.Design == "" {
			t.Errorf("%s: its example: %+v", m.Name, a.Result)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// TestInputErrors: each kind of wrong input is an error that names the field, what was expected and, for a slip of the pen, what was meant.
func TestInputErrors(t *testing.T) {
	arm := `{"n": 10, "sum": 5, "sum_squares": 9}`
	cases := []struct{ method, input, want string }{
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 10, "sum": 5, "sum_square": 9}}`, "control.sum_square: unknown field, did you mean sum_squares?"},
		{"welch_t_absolute", `{"treatment": ` + arm + `}`, "control: missing, want an object with n, sum and sum_squares"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": -3, "sum": 5, "sum_squares": 9}}`, "control.n: want a count, an integer from 0, got -3"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3.5, "sum": 5, "sum_squares": 9}}`, "control.n: want a count, an integer from 0, got 3.5"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3, "sum": NaN, "sum_squares": 9}}`, "control.sum: want a finite number, got what is no JSON number"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3, "sum": "NaN", "sum_squares": 9}}`, `control.sum: want a finite number, got the text "NaN"`},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3, "sum": 1e999, "sum_squares": 9}}`, "control.sum: want a finite number, got 1e999"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3, "sum": null, "sum_squares": -9}}`, "control.sum: want a finite number, got null"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": {"n": 3, "sum": 1, "sum_squares": -9}}`, "control.sum_squares: want a number of 0 or more, got -9"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": ` + arm + `, "alpha": 1}`, "alpha: want a number above 0 and below 1, got 1"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": ` + arm + `, "alpha": 0.1, "level": 0.9}`, "alpha: want alpha or level, got both"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "control": ` + arm + `, "design": "randomized"}`, "did you mean randomised?"},
		{"welch_t_absolute", `{"treatment": ` + arm + `, "treatment": ` + arm + `}`, "treatment: want each field once, got it twice"},
		{"welch_t_absolute", `[1, 2]`, "input: want an object, got a list"},
		{"welch_t_absolute", ``, "input: want a JSON object, got nothing"},
		{"welch_t_absolute", `{"treatment": {"n": 1`, "treatment: want valid JSON, got an end too early"},
		{"welch_t_absolute", `{} {}`, "nothing after it"},
		{"wilson_interval", strings.Repeat(`{"k":`, 14) + "1" + strings.Repeat("}", 14), "at most 12 levels of nesting"},
		{"welch_t_relative_proportion", `{"treatment": {"n": 3, "sum": 4}, "control": {"n": 3, "sum": 1}}`, "treatment.sum: want at most n"},
		{"covarSampStable", `{"x": [1, 2, 3], "y": [1, 2]}`, "y: want as many items as in x, 3, got 2"},
		{"covarSampStable", `{"x": [1, "2", 3], "y": [1, 2, 3]}`, `x[1]: want a finite number, got the text "2"`},
		{"covarSampStable", `{"x": [1, Infinity], "y": [1, 2]}`, "x[1]: want a finite number"},
		{"covarSampStable", `{"x": [1], "y": [1]}`, "x: want a list of numbers, at least 2 long, got 1"},
		{"store_did", `{"stores": [{"treated": true, "before": 1, "during": 2}, {"treated": true, "before": 1, "durng": 2}]}`, "stores[1].durng: unknown field, did you mean during?"},
		{"group_time_att", `{"units": ["a", "b"], "periods": [1, 2], "treated_from": [0, 2], "outcome": [[1, 2], [1]]}`, "outcome[1]: want as many numbers as in the first row, 2, got 1"},
		{"bg_nbd", `{"data": "../secret"}`, "data: want a path below the data directory"},
		{"bg_nbd", `{"data": "shared/data/none.csv"}`, "data set none.csv"},
		{"bg_nbd", `{"data": "bad.csv"}`, `row 3, column T: want a number, got "x"`},
		{"bg_nbd", `{"data": "bad.csv", "columns": {"recency": "recencies"}}`, `no column "recencies"`},
		{"bg_nbd", `{"data": "broken.csv.gz"}`, "data set broken.csv.gz: gzip: invalid header"},
		{"local_level", `{"data": "bad.csv", "columns": {"outcome": "recency"}, "pre_periods": 9}`, "pre_periods: want at most the 2 periods of the data, got 9"},
		{"local_level", `{"outcome": [1, 2], "controls": [[1]], "pre_periods": 1}`, "controls[0]: want as many items as in outcome, 2, got 1"},
		{"time_based_regression", `{"data": "x", "pre": "2015-01-05..2015-02-15 (41 d)", "test": "2015-02-16..2015-03-15", "control_group": 1, "treatment_group": 2}`, "pre: want a span of 42 days"},
		{"time_based_regression", `{"data": "x", "pre": "2015-01-05..2014-02-15", "test": "2015-02-16..2015-03-15", "control_group": 1, "treatment_group": 2}`, "pre: want a span of days"},
		{"incremental_sum_of_squares", `{"receipts": [1.234]}`, "receipts[0]: want an amount with at most two decimals"},
		{"benjamini_hochberg", `{"p": [0.5, 1.5]}`, "p[1]: want a probability, got 1.5"},
	}
	data := fstest.MapFS{"bad.csv": {Data: []byte("frequency,recency,T\n1,2,3\n1,2,x\n")}, "broken.csv.gz": {Data: []byte("this is text and no gzip at all")}}
	for _, c := range cases {
		_, err := Run(c.method, json.RawMessage(c.input), data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s\n got  %v\n want %s", c.method, c.input, err, c.want)
		}
	}
}

// TestAllErrorsAtOnce: a person mends everything in one go.
func TestAllErrorsAtOnce(t *testing.T) {
	_, err := Run("welch_t_absolute", json.RawMessage(`{"treatment": {"n": -1, "sum": "x", "sum_squares": 1}, "contol": {}}`), nil)
	for _, want := range []string{"contol: unknown field, did you mean control?", "treatment.n:", "treatment.sum:", "control: missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

// TestUnknownMethod: the nearest name is suggested.
func TestUnknownMethod(t *testing.T) {
	for name, near := range map[string]string{"welch_t_relativ": "welch_t_relative", "wilson": "wilson_interval", "zzzzzzzz": ""} {
		_, err := Run(name, nil, nil)
		var unknown *UnknownMethodError
		if !errors.As(err, &unknown) || unknown.Near != near {
			t.Errorf("%s: %v, want %q", name, err, near)
		}
	}
}

// TestNoData: a method that needs a data set says so.
func TestNoData(t *testing.T) {
	if _, err := Run("bg_nbd", json.RawMessage(`{"data": "shared/data/cdnow/x.csv"}`), nil); err == nil || !strings.Contains(err.Error(), "no data directory") {
		t.Error(err)
	}
	if _, err := Run("bg_nbd", json.RawMessage(`{"data": "cdnow/x.csv"}`), fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
