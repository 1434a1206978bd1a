package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bounds of an input document. They are far above any real question and keep a hostile one from taking the process down.
const (
	MaxInputBytes = 8 << 20
	maxDepth      = 12
	maxItems      = 1_000_000 // of one list
)

// InputError says what is wrong with one field of the input.
type InputError struct {
	Path string // as in control.sum_squares or stores[3].before; "" is the document itself
	Want string // what was expected
	Got  string // what was there, "" where the message of Want says it all
}

// Error names the field first, because that is what a person looks for.
func (e *InputError) Error() string {
	where := e.Path
	if where == "" {
		where = "input"
	}
	if e.Got == "" {
		return where + ": " + e.Want
	}
	return fmt.Sprintf("%s: want %s, got %s", where, e.Want, e.Got)
}

// checkDocument walks the JSON once and reports the first syntax error, duplicate key or excess by the path at which it stands: encoding/json
// knows only offsets and lets the last of two equal keys win.
func checkDocument(doc []byte) error {
	if len(doc) > MaxInputBytes {
		return &InputError{Want: fmt.Sprintf("at most %d bytes", MaxInputBytes), Got: strconv.Itoa(len(doc))}
	}
	if len(bytes.TrimSpace(doc)) == 0 {
		return &InputError{Want: "a JSON object", Got: "nothing"}
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := walkValue(dec, "", 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &InputError{Want: "one JSON object and nothing after it"}
	}
	if !json.Valid(doc) {
		return &InputError{Want: "valid JSON"}
	}
	return nil
}

func walkValue(dec *json.Decoder, path string, depth int) error {
	if depth > maxDepth {
		return &InputError{Path: path, Want: fmt.Sprintf("at most %d levels of nesting", maxDepth)}
	}
	token, err := dec.Token()
	if err != nil {
		return syntaxError(path, err)
	}
	switch token {
	case json.Delim('{'):
		return walkObject(dec, path, depth)
	case json.Delim('['):
		return walkList(dec, path, depth)
	}
	return nil
}

func walkObject(dec *json.Decoder, path string, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return syntaxError(path, err)
		}
		key, ok := token.(string)
		if !ok {
			return &InputError{Path: path, Want: "a key in double quotes"}
		}
		if seen[key] {
			return &InputError{Path: join(path, key), Want: "each field once", Got: "it twice"}
		}
		seen[key] = true
		if err := walkValue(dec, join(path, key), depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return syntaxError(path, err)
	}
	return nil
}

func walkList(dec *json.Decoder, path string, depth int) error {
	for i := 0; dec.More(); i++ {
		if i >= maxItems {
			return &InputError{Path: path, Want: fmt.Sprintf("at most %d items", maxItems), Got: "more"}
		}
		if err := walkItem(dec, path, i, depth); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return syntaxError(path, err)
	}
	return nil
}

// walkItem builds the path of an item only for those that are objects or lists, or wrong: a list of a million numbers needs none.
func walkItem(dec *json.Decoder, path string, i, depth int) error {
	err := walkValue(dec, "", depth+1)
	var in *InputError
	if errors.As(err, &in) {
		at := item(path, i)
		if in.Path != "" && !strings.HasPrefix(in.Path, "[") {
			at += "."
		}
		in.Path = at + in.Path
	}
	return err
}

// syntaxError explains what the decoder stumbled over. NaN and Infinity are the usual case: they are no JSON.
func syntaxError(path string, err error) error {
	e := &InputError{Path: path, Want: "valid JSON", Got: err.Error()}
	text := err.Error()
	if strings.Contains(text, "'N'") || strings.Contains(text, "'I'") || strings.Contains(text, "numeric literal") {
		e.Want, e.Got = "a finite number", "what is no JSON number (NaN and Infinity are not)"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		e.Got = "an end too early"
	}
	return e
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// kindOf names a JSON value for a message.
func kindOf(raw json.RawMessage) string {
	text := string(bytes.TrimSpace(raw))
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	switch {
	case text == "":
		return "nothing"
	case text[0] == '{':
		return "an object"
	case text[0] == '[':
		return "a list"
	case text[0] == '"':
		return "the text " + text
	}
	return text
}

// nearest returns the known name that is one or two slips of the pen away from name, or "".
func nearest(name string, known []string) string {
	best, limit := "", max(1, min(3, len(name)/3))+1
	for _, k := range known {
		if d := slips(strings.ToLower(name), k); d < limit {
			best, limit = k, d
		}
	}
	return best
}

// slips is Levenshtein's distance, bounded in length: names are short.
func slips(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
