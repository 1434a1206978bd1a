// Package catalog gives every estimator a name and one form of input: what a person, a script or a published test vector says in JSON becomes
// a typed call of pipeline/measure and the packages below it, and their result an answer with named outputs. The command line and the test of
// the published vectors go through the same Run.
//
// It reads data sets, and nothing else, through the fs.FS that the caller hands in.
package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cagnotte/pipeline/measure"
)

// Method is an entry of the catalog.
type Method struct {
	Name    string
	Summary string         // one line: what it answers
	Source  string         // paper, package or identity that it follows
	Design  measure.Design // the strongest claim that its figure can carry
	Example string         // inputs that it takes, as JSON

	run func(in *fields) (Answer, error)
}

// Methods returns the catalog, sorted by name.
func Methods() []Method {
	all := slices.Concat(twoArmMethods(), adjustedMethods(), planningMethods(), enginePeers(), seriesMethods(), storeMethods(), memberMethods(), valueMethods())
	slices.SortFunc(all, func(a, b Method) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// UnknownMethodError says that there is no such method.
type UnknownMethodError struct {
	Name string
	Near string // a method with nearly this name, or ""
}

// Error suggests the nearest name.
func (e *UnknownMethodError) Error() string {
	if e.Near != "" {
		return fmt.Sprintf("no method %q, did you mean %s?", e.Name, e.Near)
	}
	return fmt.Sprintf("no method %q", e.Name)
}

// Lookup finds a method by its name. Errors: UnknownMethodError.
func Lookup(name string) (Method, error) {
	all := Methods()
	names := make([]string, len(all))
	for i, m := range all {
		if m.Name == name {
			return m, nil
		}
		names[i] = m.Name
	}
	near := nearest(name, names)
	if near == "" {
		near = containing(name, names)
	}
	return Method{}, &UnknownMethodError{Name: name, Near: near}
}

// containing returns the first name of which what was typed is a part.
func containing(part string, names []string) string {
	for _, n := range names {
		if len(part) > 2 && strings.Contains(n, strings.ToLower(part)) {
			return n
		}
	}
	return ""
}

// Run reads the inputs of a method strictly and answers. Data sets named in the inputs are read from data, whose root is the data directory;
// nil means that there is none. Errors: UnknownMethodError, InputError (joined, one per field), or that of reading a data set.
func Run(name string, inputs json.RawMessage, data fs.FS) (Answer, error) {
	m, err := Lookup(name)
	if err != nil {
		return Answer{}, err
	}
	in, err := read(inputs, data)
	if err != nil {
		return Answer{}, err
	}
	a, err := m.run(in)
	if err != nil {
		return Answer{}, err
	}
	return a.sealed(), nil
}
