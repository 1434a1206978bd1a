package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"cagnotte/pipeline/measure"
)

// fields reads the fields of one JSON object by name and remembers what was asked for, so that done can tell what nobody wanted. Errors are
// collected: a person mends all of them at once. A reader that failed returns zero values, which nobody computes with because done fails.
type fields struct {
	path   string
	raw    map[string]json.RawMessage
	asked  []string
	shared *reading
}

// reading is what all objects of one document share.
type reading struct {
	data   fs.FS // where data sets are, nil where there are none
	errs   []error
	inside []*fields
}

func (r *reading) fail(path, want, got string) {
	r.errs = append(r.errs, &InputError{Path: path, Want: want, Got: got})
}

// read opens a document.
func read(doc json.RawMessage, data fs.FS) (*fields, error) {
	if err := checkDocument(doc); err != nil {
		return nil, err
	}
	r := &reading{data: data}
	f := r.open("", doc)
	if len(r.errs) > 0 {
		return nil, r.errs[0]
	}
	return f, nil
}

// open reads an object. What is none is an error, and an empty reader.
func (r *reading) open(path string, raw json.RawMessage) *fields {
	f := &fields{path: path, shared: r}
	if err := json.Unmarshal(raw, &f.raw); err != nil || f.raw == nil {
		r.fail(path, "an object", kindOf(raw))
		return f
	}
	r.inside = append(r.inside, f)
	return f
}

// done reports unknown fields, then everything else that was wrong.
func (f *fields) done() error {
	var unknown []error
	for _, in := range f.shared.inside {
		names := make([]string, 0, len(in.raw))
		for name := range in.raw {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if !slices.Contains(in.asked, name) {
				unknown = append(unknown, in.unknown(name))
			}
		}
	}
	return errors.Join(append(unknown, f.shared.errs...)...)
}

func (f *fields) unknown(name string) error {
	text := "unknown field"
	if near := nearest(name, f.asked); near != "" {
		text += ", did you mean " + near + "?"
	}
	if len(f.asked) > 0 {
		text += " (known: " + strings.Join(f.asked, ", ") + ")"
	}
	return &InputError{Path: join(f.path, name), Want: text}
}

// has tells whether the field is there, without reading it.
func (f *fields) has(name string) bool {
	f.ask(name)
	_, ok := f.raw[name]
	return ok
}

func (f *fields) ask(name string) {
	if !slices.Contains(f.asked, name) {
		f.asked = append(f.asked, name)
	}
}

// get returns the raw field; a missing one is an error that says what was wanted.
func (f *fields) get(name, want string) (json.RawMessage, bool) {
	f.ask(name)
	raw, ok := f.raw[name]
	if !ok {
		if f.raw != nil {
			f.shared.fail(join(f.path, name), "missing, want "+want, "")
		}
		return nil, false
	}
	return raw, true
}

// number reads a finite number.
func (f *fields) number(name string) float64 {
	raw, ok := f.get(name, "a finite number")
	if !ok {
		return 0
	}
	return f.shared.number(join(f.path, name), raw)
}

// numberOr reads a finite number that may be missing.
func (f *fields) numberOr(name string, fallback float64) float64 {
	if !f.has(name) {
		return fallback
	}
	return f.number(name)
}

// within reads a number and checks its open range.
func (f *fields) within(name string, low, high float64) float64 {
	v := f.number(name)
	f.inside(name, v, low, high)
	return v
}

// inside checks low < v < high of a number that was read.
func (f *fields) inside(name string, v, low, high float64) {
	if f.raw[name] != nil && !(v > low && v < high) {
		f.shared.fail(join(f.path, name), fmt.Sprintf("a number above %g and below %g", low, high), fmt.Sprintf("%g", v))
	}
}

// atLeast reads a number that must not be below low.
func (f *fields) atLeast(name string, low float64) float64 {
	v := f.number(name)
	if f.raw[name] != nil && v < low {
		f.shared.fail(join(f.path, name), fmt.Sprintf("a number of %g or more", low), fmt.Sprintf("%g", v))
	}
	return v
}

// level reads the confidence level: level, or alpha as one minus it; 0.95 without either.
func (f *fields) level() float64 {
	switch {
	case f.has("alpha") && f.has("level"):
		f.shared.fail(join(f.path, "alpha"), "alpha or level", "both")
	case f.has("alpha"):
		return 1 - f.within("alpha", 0, 1)
	case f.has("level"):
		return f.within("level", 0, 1)
	}
	return defaultLevel
}

const defaultLevel = 0.95

// count reads an integer from 0.
func (f *fields) count(name string) int64 {
	raw, ok := f.get(name, wantCount)
	if !ok {
		return 0
	}
	return f.shared.count(join(f.path, name), raw)
}

const wantCount = "a count, an integer from 0"

// countOr reads a count that may be missing.
func (f *fields) countOr(name string, fallback int64) int64 {
	if !f.has(name) {
		return fallback
	}
	return f.count(name)
}

// countIn reads an integer within bounds; missing gives the fallback, or is an error when that is negative.
func (f *fields) countIn(name string, fallback, low, high int64) int {
	if fallback >= 0 && !f.has(name) {
		return int(fallback)
	}
	v := f.count(name)
	if f.raw[name] != nil && (v < low || v > high) {
		f.shared.fail(join(f.path, name), fmt.Sprintf("an integer from %d to %d", low, high), strconv.FormatInt(v, 10))
		return int(low)
	}
	return int(v)
}

// text reads a string.
func (f *fields) text(name, want string) string {
	raw, ok := f.get(name, want)
	if !ok {
		return ""
	}
	return f.shared.text(join(f.path, name), want, raw)
}

func (f *fields) textOr(name, fallback string) string {
	if !f.has(name) {
		return fallback
	}
	return f.text(name, "a text")
}

// oneOf reads a string out of a few; the first one is the default.
func (f *fields) oneOf(name string, values ...string) string {
	v := f.textOr(name, values[0])
	if !slices.Contains(values, v) {
		got := strconv.Quote(v)
		if near := nearest(v, values); near != "" {
			got += ", did you mean " + near + "?"
		}
		f.shared.fail(join(f.path, name), "one of "+strings.Join(values, ", "), got)
		return values[0]
	}
	return v
}

// flag reads a boolean that may be missing, which is false.
func (f *fields) flag(name string) bool {
	if !f.has(name) {
		return false
	}
	var v bool
	if err := json.Unmarshal(f.raw[name], &v); err != nil {
		f.shared.fail(join(f.path, name), "true or false", kindOf(f.raw[name]))
	}
	return v
}

// object reads an object.
func (f *fields) object(name, want string) *fields {
	raw, ok := f.get(name, want)
	if !ok {
		return &fields{path: join(f.path, name), shared: f.shared}
	}
	return f.shared.open(join(f.path, name), raw)
}

// numbers reads a list of at least least finite numbers.
func (f *fields) numbers(name string, least int) []float64 {
	items := f.list(name, "a list of numbers", least)
	out := make([]float64, len(items))
	for i, raw := range items {
		out[i] = f.shared.number(item(join(f.path, name), i), raw)
	}
	return out
}

// counts reads a list of counts.
func (f *fields) counts(name string, least int) []int64 {
	items := f.list(name, "a list of counts", least)
	out := make([]int64, len(items))
	for i, raw := range items {
		out[i] = f.shared.count(item(join(f.path, name), i), raw)
	}
	return out
}

// flags reads a list of booleans.
func (f *fields) flags(name string, least int) []bool {
	items := f.list(name, "a list of true and false", least)
	out := make([]bool, len(items))
	for i, raw := range items {
		if err := json.Unmarshal(raw, &out[i]); err != nil || string(raw) == "null" {
			f.shared.fail(item(join(f.path, name), i), "true or false", kindOf(raw))
		}
	}
	return out
}

// texts reads a list of strings.
func (f *fields) texts(name string, least int) []string {
	items := f.list(name, "a list of texts", least)
	out := make([]string, len(items))
	for i, raw := range items {
		out[i] = f.shared.text(item(join(f.path, name), i), "a text", raw)
	}
	return out
}

// objects reads a list of objects.
func (f *fields) objects(name string, least int) []*fields {
	items := f.list(name, "a list of objects", least)
	out := make([]*fields, len(items))
	for i, raw := range items {
		out[i] = f.shared.open(item(join(f.path, name), i), raw)
	}
	return out
}

// rows reads a list of lists of numbers, all of one length.
func (f *fields) rows(name string, least int) [][]float64 {
	items := f.list(name, "a list of lists of numbers", least)
	out := make([][]float64, len(items))
	for i, raw := range items {
		at := item(join(f.path, name), i)
		out[i] = f.shared.amounts(at, raw)
		if len(out[i]) != len(out[0]) {
			f.shared.fail(at, fmt.Sprintf("as many numbers as in the first row, %d", len(out[0])), strconv.Itoa(len(out[i])))
		}
	}
	return out
}

func (f *fields) list(name, want string, least int) []json.RawMessage {
	raw, ok := f.get(name, want)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		f.shared.fail(join(f.path, name), want, kindOf(raw))
		return nil
	}
	if len(items) < least {
		f.shared.fail(join(f.path, name), fmt.Sprintf("%s, at least %d long", want, least), strconv.Itoa(len(items)))
	}
	return items
}

// sameLength checks two lists that were read.
func (f *fields) sameLength(a string, lenA int, b string, lenB int) {
	if lenA != lenB {
		f.shared.fail(join(f.path, b), fmt.Sprintf("as many items as in %s, %d", join(f.path, a), lenA), strconv.Itoa(lenB))
	}
}

func (r *reading) number(path string, raw json.RawMessage) float64 {
	text := string(raw)
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		r.fail(path, "a finite number", kindOf(raw))
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !measure.Finite(v) {
		r.fail(path, "a finite number", kindOf(raw))
		return 0
	}
	return v
}

func (r *reading) count(path string, raw json.RawMessage) int64 {
	text := string(raw)
	if text == "" || text[0] < '0' || text[0] > '9' {
		r.fail(path, wantCount, kindOf(raw))
		return 0
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	// 1e3 and 30.0 are integers too, as far as floats hold them exactly.
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || v != math.Trunc(v) || v > 1<<53 {
		r.fail(path, wantCount, kindOf(raw))
		return 0
	}
	return int64(v)
}

func (r *reading) text(path, want string, raw json.RawMessage) string {
	var v string
	if err := json.Unmarshal(raw, &v); err != nil || string(raw) == "null" {
		r.fail(path, want, kindOf(raw))
	}
	return v
}

// amounts reads a list of finite numbers that is an item of another list.
func (r *reading) amounts(path string, raw json.RawMessage) []float64 {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		r.fail(path, "a list of numbers", kindOf(raw))
		return nil
	}
	out := make([]float64, len(items))
	for i, one := range items {
		out[i] = r.number(item(path, i), one)
	}
	return out
}
