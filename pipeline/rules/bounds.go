package rules

import (
	"strings"

	"github.com/goccy/go-yaml/token"
)

func (n node) atLine(line int) node {
	n.at = &token.Token{Position: &token.Position{Line: line, Column: 1}}
	return n
}

// The parser's time grows with the square of these.
const (
	maxKeyLines = 4000
	maxLines    = 20_000
)

// tooLong returns the first line that is too many, or 0.
func tooLong(src string) int {
	keys, number := 0, 0
	for line := range strings.Lines(src) {
		number++
		if strings.Contains(line, ":") {
			keys++
		}
		if keys > maxKeyLines || number > maxLines {
			return number
		}
	}
	return 0
}

// tooDeep returns the line in which nesting goes beyond maxDepth, or 0. It is a cheap guard before the recursive parser and errs on the
// safe side: brackets inside texts count.
func tooDeep(src string) int {
	depth, line, marks, leading := 0, 1, 0, true
	indents := make([]int, 0, maxDepth+1)
	column := 0
	for i := range len(src) {
		switch c := src[i]; c {
		case '\n':
			line, marks, leading, column = line+1, 0, true, 0
			continue
		case '[', '{':
			depth++
			leading = false
		case ']', '}':
			depth = max(depth-1, 0)
			leading = false
		case '-', '?', ':':
			if leading {
				marks++
			}
		case ' ':
		default:
			if leading {
				indents = pushIndent(indents, column)
			}
			leading = false
		}
		column++
		if depth > maxDepth || marks > maxDepth || len(indents) > maxDepth {
			return line
		}
	}
	return 0
}

func pushIndent(indents []int, column int) []int {
	for len(indents) > 0 && indents[len(indents)-1] >= column {
		indents = indents[:len(indents)-1]
	}
	return append(indents, column)
}
