package catalog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/measure/series"
)

// FuzzRun: goal, that no input of any method panics or gets an answer that says nothing or cannot be written. Method: the examples and the
// published vectors as seeds, with numbers replaced by extreme ones; the invariant is an error, or JSON with a figure, values or a reason.
func FuzzRun(f *testing.F) {
	extreme := []string{"0", "1", "-1", "4611686018427387904", "1e308", "1e-308", "0.5", "-1e308", "2e154"}
	number := regexp.MustCompile(`-?\d+(\.\d+)?`)
	for i, m := range Methods() {
		f.Add(uint8(i), m.Example)
		if m.Name == string(series.MethodBayes) {
			f.Add(uint8(i), `{"outcome":[0,4,8,7,0,6,2,6,2,1,5,8,2,4,7,3,5,8,2,5],"controls":[[0,1,7,8,3,2,3,6,2,0,3,6,0,0,7,8,7,1,4,0]],"level":1e-9,"pre_periods":15}`)
		}
		for _, x := range extreme {
			f.Add(uint8(i), number.ReplaceAllString(m.Example, x)) // equal arms, all of the same extreme size
		}
		for k := range strings.Count(m.Example, ":") { // and one number at a time
			at := 0
			f.Add(uint8(i), number.ReplaceAllStringFunc(m.Example, func(s string) string {
				at++
				if at-1 == k {
					return extreme[k%len(extreme)]
				}
				return s
			}))
		}
	}
	data := fstest.MapFS{
		"d.csv": {Data: []byte("household_key,campaign,exposed,pre_spend,post_spend,frequency,recency,T,value,id,nj,d,fte,location,date,Y\n" +
			"1,1,0,1.5,2.5,2,3,9,5,1,0,0,1,a,1,2\n2,1,1,1e308,2,0,0,9,0,1,0,1,2,a,2,3\n3,1,1,2,NA,1,1,9,1,2,1,0,,b,1,4\n")},
	}
	methods := Methods()
	slow := regexp.MustCompile(`"(draws|placebos|steps)":\s*(\d{4}|\d+[.eE])`) // allowed, bounded, and a waste of fuzzing time
	f.Fuzz(func(t *testing.T, method uint8, input string) {
		if len(input) > 4096 || slow.MatchString(input) {
			return // large inputs are the bounds' business, not the parser's
		}
		name := methods[int(method)%len(methods)].Name
		a, err := Run(name, json.RawMessage(input), data)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatalf("%s %s: %v", name, input, err)
		}
		if a.Figure == nil && a.Reason == "" && len(a.Values) == 0 {
			t.Fatalf("%s %s: an answer that says nothing: %s", name, input, raw)
		}
		if a.Figure != nil && a.Reason != "" {
			t.Fatalf("%s %s: a figure and a reason: %s", name, input, raw)
		}
		// A posterior's mean may lie outside a narrow central interval.
		if f := a.Figure; f != nil && a.Method != series.MethodBayes && (f.Low > f.Estimate || f.High < f.Estimate) {
			t.Fatalf("%s %s: the estimate is outside its interval: %s", name, input, raw)
		}
	})
}

// FuzzFrame reads any bytes as a data set. Goal: no panic, rows as wide as the header, and of each column numbers, gaps or an error.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a;b\n1;NA\n", "a b\n1e999 -0\n", "\"a\"\n\"1\n2\"\n", "a,a\n1\n", "", "\n", "\xff,b\n1,2", "a\tb\n\t\n", "\x1f\x8b"} {
		f.Add([]byte(s), false)
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
		f.Add(z.Bytes(), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, packed bool) {
		name := "d.csv"
		if packed {
			name += ".gz"
		}
		d, err := readFrame(name, bytes.NewReader(file))
		if err != nil {
			return
		}
		for _, row := range d.cells {
			if len(row) != len(d.header) {
				t.Fatalf("row %q under %q", row, d.header)
			}
		}
		for _, column := range d.header {
			values, missing, err := d.numbers(column)
			for i := range values {
				if err == nil && (!measure.Finite(values[i]) || missing[i] && values[i] != 0) {
					t.Fatalf("row %d of %q is %v, missing %v", i, column, values[i], missing[i])
				}
			}
		}
	})
}
