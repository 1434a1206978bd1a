package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"cagnotte/pipeline/measure"
)

// Answer is what a method says: the estimator's result (method, design, level, n per arm, a figure or a reason, warnings), and beside it the
// named outputs, in the order in which the method gives them. An answer has a figure, values or a reason, and no number that is not finite.
type Answer struct {
	measure.Result
	Values Values `json:"values,omitempty"`
}

// Value is one named output: a number, a bool, a text, a list of numbers, Values, or a struct of an estimator as it is.
type Value struct {
	Name  string
	Value any
}

// Values are named outputs in order. Their JSON form is an object.
type Values []Value

// MarshalJSON writes the values as an object, in their order.
func (v Values) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, x := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(x.Name)
		if err != nil {
			return nil, fmt.Errorf("write the name %q: %w", x.Name, err)
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", x.Name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Get returns the value of a name.
func (v Values) Get(name string) (any, bool) {
	for _, x := range v {
		if x.Name == name {
			return x.Value, true
		}
	}
	return nil, false
}

// Text is the value for people: six significant digits, lists in brackets.
func (x Value) Text() string {
	switch v := x.Value.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', 7, 64)
	case []float64:
		var b bytes.Buffer
		b.WriteByte('[')
		for i, f := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(Value{Value: f}.Text())
		}
		b.WriteByte(']')
		return b.String()
	}
	raw, err := json.Marshal(x.Value)
	if err != nil {
		return fmt.Sprint(x.Value)
	}
	if text := string(raw); len(text) <= 200 {
		return strings.Trim(text, `"`)
	}
	return "(long: see --format json)"
}

// num, nums, whole, word and group build values, detail one from an estimator's own struct. They keep the methods short.
func num(name string, v float64) Value           { return Value{name, v} }
func nums(name string, v ...float64) Value       { return Value{name, v} }
func whole(name string, v int64) Value           { return Value{name, v} }
func word(name, v string) Value                  { return Value{name, v} }
func detail(name string, v any) Value            { return Value{name, v} }
func group(name string, v Values) Value          { return Value{name, v} }
func (v *Values) add(more ...Value)              { *v = append(*v, more...) }
func answer(r measure.Result, v ...Value) Answer { return Answer{Result: r, Values: v} }

// sealed makes the promise of Answer true: an answer whose numbers are not all finite, and one that says nothing at all, is refused. It is the
// last line of defence; estimators are meant to refuse by themselves.
func (a Answer) sealed() Answer {
	if !measure.Finite(a.Level) {
		a.Level = 0
	}
	if a.Reason == "" && a.Figure == nil && len(a.Values) == 0 {
		a.Result = a.Refuse(measure.NotFinite)
	}
	// Only a number that is not finite keeps an answer from being written.
	if _, err := json.Marshal(a); err != nil {
		a.Result, a.Values = a.Refuse(measure.NotFinite), nil
	}
	return a
}
