package schemas

import (
	"fmt"
	"strconv"
	"strings"

	"cagnotte/pipeline/retail"
)

// jsonReader reads JSON straight into a message: strictly (no unknown, repeated or missing field, integers exact) and without a tree in
// between. It remembers where it is, so that the first problem is reported with its JSON Pointer. Strings without escapes alias the text.
type jsonReader struct {
	b       []byte
	pos     int
	problem *retail.Problem
	path    [8]jsonStep
	depth   int
}

// jsonStep is one segment of a JSON Pointer: a name, or an index when that is not negative.
type jsonStep struct {
	name  string
	index int
}

// fieldSet lists an object's fields, the required ones first.
type fieldSet struct {
	names    []string
	required int
}

// refuse keeps the first problem and moves to the end, so that everything after it stops.
func (d *jsonReader) refuse(observed, expected, hint string) {
	if d.problem == nil {
		d.problem = &retail.Problem{Code: retail.CodeSchema, Path: d.pointer(), Observed: observed, Expected: expected, Hint: hint}
	}
	d.pos = len(d.b)
}

func (d *jsonReader) pointer() string {
	var b strings.Builder
	for _, s := range d.path[:d.depth] {
		b.WriteByte('/')
		if s.index >= 0 {
			b.WriteString(strconv.Itoa(s.index))
			continue
		}
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(s.name))
	}
	return b.String()
}

func (d *jsonReader) enter(name string) {
	d.path[d.depth] = jsonStep{name, -1}
	d.depth++
}

func (d *jsonReader) leave() { d.depth-- }

// peek skips white space and returns the next byte, 0 at the end of the text. A text may hold a zero byte too: who wants to know whether it ended
// asks for the position.
func (d *jsonReader) peek() byte {
	for d.pos < len(d.b) {
		switch c := d.b[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// observed describes the value at the current position in at most 40 bytes.
func (d *jsonReader) observed() string {
	if d.peek(); d.pos == len(d.b) {
		return "the end of the text"
	}
	rest := d.b[d.pos:]
	n := min(len(rest), 40)
	if rest[0] != '"' && rest[0] != '{' && rest[0] != '[' {
		if i := strings.IndexAny(string(rest[:n]), ",}] \t\r\n"); i > 0 {
			n = i
		}
	}
	return fmt.Sprintf("%s at byte %d", strings.ToValidUTF8(string(rest[:n]), "?"), d.pos)
}

// want refuses the value at the current position.
func (d *jsonReader) want(expected, hint string) { d.refuse(d.observed(), expected, hint) }

// open consumes the first byte of an object or array.
func (d *jsonReader) open(c byte, expected string) bool {
	if d.peek() != c {
		d.want(expected, "")
		return false
	}
	d.pos++
	return true
}

// more steps to the next member of an object or array, past the comma, and reports false at its end.
func (d *jsonReader) more(end byte, first bool) bool {
	c := d.peek()
	if c == end {
		d.pos++
		return false
	}
	if d.pos == len(d.b) {
		return d.cut(end)
	}
	if first {
		return true
	}
	if c != ',' {
		d.want(fmt.Sprintf("a comma or %q", end), "")
		return false
	}
	d.pos++
	if d.peek() == end {
		d.want("a value after the comma", "remove the last comma")
		return false
	}
	return d.pos < len(d.b) || d.cut(end)
}

// cut refuses a text that ends inside an object or array.
func (d *jsonReader) cut(end byte) bool {
	d.refuse("the end of the text", fmt.Sprintf("%q", end), "the text was cut off")
	return false
}

// null consumes a null, when there is one.
func (d *jsonReader) null() bool {
	if d.peek() != 'n' || !strings.HasPrefix(string(d.b[d.pos:min(len(d.b), d.pos+4)]), "null") {
		return false
	}
	d.pos += 4
	return true
}

// fields reads an object and calls set for each field that has a value, with the reader standing before it.
func (d *jsonReader) fields(f *fieldSet, set func(name string)) {
	d.complete(f, d.members(f, set))
}

// members reads an object as fields does and returns which were there, one bit each; whether none is missing is the caller's to ask.
func (d *jsonReader) members(f *fieldSet, set func(name string)) (seen uint64) {
	if !d.open('{', "an object") {
		return 0
	}
	last := -1
	for first := true; d.more('}', first) && d.problem == nil; first = false {
		if last = d.field(f, last, &seen); last < 0 {
			return seen
		}
		d.enter(f.names[last])
		if last < f.required || !d.null() {
			set(f.names[last])
		}
		d.leave()
	}
	return seen
}

// field reads a name and its colon and returns its position in the set; -1 when it was refused.
func (d *jsonReader) field(f *fieldSet, last int, seen *uint64) int {
	name := d.str("a field name in quotes")
	if d.problem != nil {
		return -1
	}
	i := f.find(name, last)
	if i < 0 {
		d.enter(name)
		d.refuse("a field that the receipt does not have", oneOf(f.names), didYouMean(name, f.names))
		return -1
	}
	if *seen&(1<<i) != 0 {
		d.enter(name)
		d.refuse("a second value", "one value", "each field may come once")
		return -1
	}
	*seen |= 1 << i
	if d.peek() != ':' {
		d.want("a colon", "")
		return -1
	}
	d.pos++
	return i
}

// find looks for a name, first where it would be if fields came in the order of the set.
func (f *fieldSet) find(name string, last int) int {
	if next := last + 1; next < len(f.names) && f.names[next] == name {
		return next
	}
	for i, n := range f.names {
		if n == name {
			return i
		}
	}
	return -1
}

// complete refuses an object that lacks a required field.
func (d *jsonReader) complete(f *fieldSet, seen uint64) {
	for i, name := range f.names[:f.required] {
		if d.problem == nil && seen&(1<<i) == 0 {
			d.enter(name)
			d.refuse("nothing", "a value", "the field is required")
			d.leave()
		}
	}
}

// list reads an array and calls item before each element.
func (d *jsonReader) list(item func(i int)) {
	if !d.open('[', "an array") {
		return
	}
	for i := 0; d.more(']', i == 0) && d.problem == nil; i++ {
		d.enter("")
		d.path[d.depth-1].index = i
		item(i)
		d.leave()
	}
}
