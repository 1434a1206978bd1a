package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reader walks the syntax tree of one document and collects what is wrong with it.
type reader struct {
	file  string
	diags []Diagnostic
	asked func(path string, keys, words []string) // told what the grammar has at a place; nil but in tests
}

// node is a place in the document: its path and its syntax. A missing node has no syntax and stands where its parent does.
type node struct {
	r    *reader
	path string
	at   *token.Token
	syn  ast.Node // nil: the key is absent
}

// maxDiagnostics keeps the answer to a hostile document readable and small.
const maxDiagnostics = 100

func (n node) given() bool { return n.syn != nil }

func (n node) report(sev Severity, code, message, expected, hint string) {
	if len(n.r.diags) >= maxDiagnostics {
		return
	}
	d := Diagnostic{File: n.r.file, Path: n.path, Code: code, Message: message, Expected: expected, Hint: hint, Severity: sev}
	if n.at != nil && n.at.Position != nil {
		d.Line, d.Column = n.at.Position.Line, n.at.Position.Column
	}
	n.r.diags = append(n.r.diags, d)
}

func (n node) fail(code, message, expected, hint string) {
	n.report(Error, code, message, expected, hint)
}

func (n node) warn(code, message, hint string) { n.report(Warning, code, message, "", hint) }

// wrongType reports that the node is not the wanted kind of value.
func (n node) wrongType(want string) { n.fail(CodeType, "found "+n.describe(), want, "") }

func (n node) describe() string {
	switch s := n.syn.(type) {
	case nil:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a group of keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	default:
		return quoteShort(s.GetToken().Value)
	}
}

func quoteShort(s string) string {
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
}

// parseTree reads one document into a tree, or reports why it cannot.
func (r *reader) parseTree(doc []byte) (root node, ok bool) {
	root = node{r: r}
	if len(doc) > MaxDocBytes {
		root.fail(CodeTooLarge, fmt.Sprintf("the document has %d bytes", len(doc)), fmt.Sprintf("at most %d bytes", MaxDocBytes), "list products by category or brand instead of one by one")
		return root, false
	}
	src := string(doc)
	if strings.HasPrefix(strings.TrimLeft(src, " \t\r\n\ufeff"), "{") {
		src = strings.ReplaceAll(src, "\t", " ") // JSON may indent with tabs, YAML may not; inside JSON texts a raw tab is not allowed
	}
	if line := tooDeep(src); line > 0 {
		root.atLine(line).fail(CodeTooLarge, "the document is nested too deeply", fmt.Sprintf("at most %d levels", maxDepth), "")
		return root, false
	}
	if line := tooLong(src); line > 0 {
		root.atLine(line).fail(CodeTooLarge, "the document is too long", fmt.Sprintf("at most %d lines, %d of them with keys", maxLines, maxKeyLines), "write lists in one line")
		return root, false
	}
	file, err := parseYAML(src)
	if err != nil {
		root.syntaxError(err)
		return root, false
	}
	return root.single(file)
}

// parseYAML turns a panic of the parser into an error: documents come from anybody.
func parseYAML(src string) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("not readable as YAML: %v", p)
		}
	}()
	return parser.Parse(lexer.Tokenize(src), 0)
}

func (n node) syntaxError(err error) {
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		n.at = positioned.GetToken()
		n.fail(CodeSyntax, positioned.GetMessage(), "a YAML or JSON document", "")
		return
	}
	n.fail(CodeSyntax, err.Error(), "a YAML or JSON document", "")
}

// single returns the body of the only document of the file.
func (n node) single(file *ast.File) (node, bool) {
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			n.at = d.Body.GetToken()
			n.fail(CodeUnsupported, "a second document begins here", "one campaign per file", "move it to a file of its own")
			return n, false
		}
		body = d.Body
	}
	if body == nil {
		n.fail(CodeMissing, "the document is empty", "a campaign", "")
		return n, false
	}
	n.syn, n.at = body, body.GetToken()
	if pairs, ok := n.entries(); ok && len(pairs) > 0 {
		n.at = pairs[0].Key.GetToken()
	}
	return n, true
}

// entries returns the key-value pairs of a group of keys.
func (n node) entries() ([]*ast.MappingValueNode, bool) {
	switch m := n.syn.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	n.wrongType("a group of keys")
	return nil, false
}

// keys splits a group into its values by key. Keys that are not allowed are reported with the nearest one that is.
func (n node) keys(allowed ...string) map[string]node {
	out := make(map[string]node, len(allowed))
	if n.r.asked != nil {
		n.r.asked(n.path, allowed, nil)
	}
	if !n.given() {
		return out
	}
	pairs, _ := n.entries()
	for _, p := range pairs {
		key := p.Key.GetToken()
		child := node{r: n.r, path: join(n.path, key.Value), at: key, syn: p.Value}
		if !known(key.Value, allowed) {
			child.fail(CodeUnknownKey, "unknown key "+quoteShort(key.Value), "one of "+strings.Join(allowed, ", "), nearest(key.Value, allowed))
			continue
		}
		if _, twice := out[key.Value]; twice {
			child.fail(CodeDuplicate, "the key "+quoteShort(key.Value)+" is given twice", "each key once", "")
			continue
		}
		out[key.Value] = child.value()
	}
	return out
}

func (n node) isGroup() bool {
	switch n.syn.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// value moves the position from the key to its value, and drops what is null.
func (n node) value() node {
	if n.syn == nil {
		return n
	}
	switch n.syn.(type) {
	case *ast.NullNode:
		n.syn = nil
		return n
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		n.fail(CodeUnsupported, "anchors, aliases and tags are not supported", "a plain value", "write the value out")
		n.syn = nil
		return n
	}
	if tk := n.syn.GetToken(); tk != nil && tk.Position != nil && tk.Type != token.MappingValueType {
		n.at = tk
	}
	return n
}

// child returns the value of a key, or a missing node with the right path.
func child(m map[string]node, parent node, key string) node {
	if c, ok := m[key]; ok {
		return c
	}
	return node{r: parent.r, path: join(parent.path, key), at: parent.at}
}

// list returns the elements of a list; a single value stands for a list of one.
func (n node) list() []node {
	if !n.given() {
		return nil
	}
	s, ok := n.syn.(*ast.SequenceNode)
	if !ok {
		return []node{n}
	}
	if len(s.Values) > MaxList {
		n.fail(CodeTooLarge, fmt.Sprintf("the list has %d values", len(s.Values)), fmt.Sprintf("at most %d", MaxList), "use a category, a brand or a department")
		return nil
	}
	if len(s.Values) == 0 {
		n.fail(CodeRange, "the list is empty", "at least one value", "leave the key out to mean no restriction")
	}
	out := make([]node, len(s.Values))
	for i, v := range s.Values {
		out[i] = node{r: n.r, path: n.path + "[" + strconv.Itoa(i) + "]", at: n.at, syn: v}.value()
		if m, ok := v.(*ast.MappingNode); ok && len(m.Values) > 0 {
			out[i].at = m.Values[0].Key.GetToken()
		}
	}
	return out
}

// scalar returns the raw text of a plain value, exactly as written (10.00 stays "10.00").
func (n node) scalar(want string) (string, bool) {
	switch s := n.syn.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return s.GetToken().Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	}
	n.wrongType(want)
	return "", false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
