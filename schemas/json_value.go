package schemas

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

func (d *jsonReader) bool() bool {
	d.peek()
	rest := string(d.b[d.pos:min(len(d.b), d.pos+5)])
	switch {
	case strings.HasPrefix(rest, "true"):
		d.pos += 4
		return true
	case rest == "false":
		d.pos += 5
	default:
		d.want("true or false", "")
	}
	return false
}

// str reads a string. expected is what to say when there is none.
func (d *jsonReader) str(expected string) string {
	if d.peek() != '"' {
		d.want(expected, "")
		return ""
	}
	from := d.pos + 1
	for i := from; i < len(d.b); i++ {
		switch c := d.b[i]; {
		case c == '"':
			return d.plain(from, i)
		case c == '\\':
			return d.escaped(from, i)
		case c < 0x20:
			d.pos = i
			d.refuse(fmt.Sprintf("control character 0x%02x at byte %d", c, i), "text", "write it as an escape")
			return ""
		}
	}
	d.refuse("the end of the text", "the end of a string", "a closing quote is missing")
	return ""
}

// plain takes the text between two positions as it is.
func (d *jsonReader) plain(from, to int) string {
	b := d.b[from:to]
	if !ascii(b) && !utf8.Valid(b) {
		d.refuse(fmt.Sprintf("bytes that are not UTF-8 at byte %d", from), "text in UTF-8", "set the sender's encoding to UTF-8")
		return ""
	}
	d.pos = to + 1
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// escaped reads a string that has a backslash at position at, into memory of its own.
func (d *jsonReader) escaped(from, at int) string {
	out := append(make([]byte, 0, at-from+32), d.b[from:at]...)
	for i := at; i < len(d.b); {
		switch c := d.b[i]; {
		case c == '"':
			if !utf8.Valid(out) {
				d.refuse(fmt.Sprintf("bytes that are not UTF-8 at byte %d", from), "text in UTF-8", "set the sender's encoding to UTF-8")
				return ""
			}
			d.pos = i + 1
			return string(out)
		case c < 0x20:
			d.refuse(fmt.Sprintf("control character 0x%02x at byte %d", c, i), "text", "write it as an escape")
			return ""
		case c == '\\':
			var used int
			if out, used = appendUnescaped(out, d.b[i:]); used == 0 {
				d.refuse(fmt.Sprintf("an escape that JSON does not have at byte %d", i), `one of \" \\ \/ \b \f \n \r \t \uXXXX`, "surrogates come in pairs")
				return ""
			}
			i += used
		default:
			out = append(out, c)
			i++
		}
	}
	d.refuse("the end of the text", "the end of a string", "a closing quote is missing")
	return ""
}

// appendUnescaped appends what the escape at the start of b stands for and returns the bytes it used, 0 when it is none.
func appendUnescaped(out, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return out, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, b[1]); i >= 0 {
		return append(out, "\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := hex4(b)
	if !ok {
		return out, 0
	}
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r), 6
	}
	low, ok := hex4(b[6:])
	if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
		return utf8.AppendRune(out, pair), 12
	}
	return out, 0
}

// hex4 reads \uXXXX at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil && b[2] != '+' && b[2] != '-'
}

// long reads an integer, exactly. hint is added when the value is a number of another form.
func (d *jsonReader) long(hint string) int64 {
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		if c == '"' {
			hint = "write the number without quotes"
		}
		d.want("an integer", hint)
		return 0
	}
	end := d.pos + 1
	for end < len(d.b) && strings.IndexByte("0123456789.eE+-", d.b[end]) >= 0 {
		end++
	}
	digits := d.b[d.pos:end]
	v, err := strconv.ParseInt(unsafe.String(unsafe.SliceData(digits), len(digits)), 10, 64)
	if err != nil || leadingZero(digits) {
		d.want("an integer of at most 64 bits", hint)
		return 0
	}
	d.pos = end
	return v
}

// leadingZero reports digits that JSON does not write: 007, -01.
func leadingZero(digits []byte) bool {
	if digits[0] == '-' {
		digits = digits[1:]
	}
	return len(digits) > 1 && digits[0] == '0'
}

// int32 reads an integer of at most 32 bits.
func (d *jsonReader) int32() int32 {
	at := d.pos
	v := d.long("")
	if v != int64(int32(v)) {
		d.pos = at
		d.want("an integer of at most 32 bits", "")
		return 0
	}
	return int32(v)
}

// end refuses what follows the value.
func (d *jsonReader) end() {
	if d.peek(); d.problem == nil && d.pos < len(d.b) {
		d.want("the end of the text", "send one receipt per request, or use the batch call")
	}
}

func oneOf(names []string) string { return "one of " + strings.Join(names, ", ") }

// didYouMean names the field that was probably meant: at most two letters away.
func didYouMean(name string, names []string) string {
	best, bestName := 3, ""
	for _, n := range names {
		if d := distance(name, n); d < best {
			best, bestName = d, n
		}
	}
	if bestName == "" {
		return "what the schema does not know goes into attributes"
	}
	return "did you mean " + bestName + "?"
}

// distance is Levenshtein's, given up beyond 40 letters.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 99
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
