package rules

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/google/cel-go/cel"
)

// CodeExpression is an expert condition that cannot be understood.
const CodeExpression = "CMP-0015"

// expression reads an expert condition. What is wrong with it is reported at its place in the document.
func (n node) expression() (string, cel.Program) {
	const want = "an expression that is true or false, such as lines.exists(l, l.brand == 'Arabelle') && hour < 12"
	if !n.given() {
		return "", nil
	}
	raw, ok := n.scalar(want)
	if !ok {
		return "", nil
	}
	text := strings.TrimSpace(raw)
	if text == "" || len(text) > maxExpression || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c == '\ufffd' }) {
		n.fail(CodeRange, fmt.Sprintf("the expression has %d bytes", len(text)), fmt.Sprintf("1 to %d bytes of text", maxExpression), "")
		return "", nil
	}
	p, fault := compileCEL(text)
	if fault != nil {
		lead := raw[:strings.Index(raw, text)]
		n.inside(fault, lead).fail(CodeExpression, fault.message, want, "names: total lines channel store country weekday hour labels; of a line: category brand gtin sku department net quantity_milli labels")
		return "", nil
	}
	return text, p
}

// inside moves the position from the beginning of a text to a place in it. What precedes the place in its line, quotes and indentation, is counted;
// escapes are not.
func (n node) inside(f *celFault, lead string) node {
	if n.at == nil || n.at.Position == nil {
		return n
	}
	at := *n.at.Position
	skipped := strings.Count(lead, "\n")
	switch s := n.syn.(type) {
	case *ast.LiteralNode: // its lines begin below the mark, indented
		first, _, _ := strings.Cut(strings.TrimLeft(s.Value.GetToken().Origin, "\n"), "\n")
		at.Line = s.Start.Position.Line + skipped + f.line
		at.Column = 1 + len(first) - len(strings.TrimLeft(first, " ")) + f.column
	default:
		if f.line > 1 { // a text over several lines: its beginning
			break
		}
		if t := n.syn.GetToken().Type; t == token.DoubleQuoteType || t == token.SingleQuoteType {
			at.Column++
		}
		at.Column += len(lead) + f.column
	}
	n.at = &token.Token{Position: &at}
	return n
}
