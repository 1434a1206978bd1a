package rules

import (
	"fmt"
	"strings"
)

// Severity says whether a finding stops a document from being used.
type Severity uint8

// Severities.
const (
	Error   Severity = iota // the document cannot be used
	Warning                 // the document is used; its author should read this
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Codes of diagnostics. They are stable: pages and scripts may rely on them. From CMP-0100 on they warn.
const (
	CodeSyntax       = "CMP-0001" // neither YAML nor JSON
	CodeUnknownKey   = "CMP-0002" // a key that the grammar does not have
	CodeType         = "CMP-0003" // a text where a list belongs, and the like
	CodeMissing      = "CMP-0004" // a required key is absent
	CodeRange        = "CMP-0005" // a number or a text outside its bounds
	CodeDate         = "CMP-0006" // not a date, instant or hour
	CodeZone         = "CMP-0007" // not an IANA time zone
	CodeSum          = "CMP-0008" // shares that do not sum to 100
	CodeConflict     = "CMP-0009" // two keys that contradict each other
	CodeTooLarge     = "CMP-0010" // a document, list or nesting above its bound
	CodeEnum         = "CMP-0011" // a word outside the given choice
	CodeDuplicate    = "CMP-0012" // a value given twice
	CodeUnsupported  = "CMP-0013" // YAML that campaigns do not use: anchors, tags, several documents
	CodeForbidden    = "CMP-0014" // a reward that the law forbids for the products named
	CodeNotEnforced  = "CMP-0101" // accepted and reported, but not enforced
	CodeUnbounded    = "CMP-0102" // a reward without any bound on what it costs per receipt
	CodeUnreachable  = "CMP-0103" // a part that can never take effect
	CodeNoTests      = "CMP-0104" // the document carries no example
	CodeNoExperiment = "CMP-0105" // no holdout: the effect of the campaign cannot be measured
	CodeLegalLimit   = "CMP-0106" // the law keeps part of the products from counting, or cuts the reward for them
)

// Diagnostic is one finding about a document. Line and Column start at 1; they are 0 when the finding is about the document as a whole.
type Diagnostic struct {
	File     string
	Line     int
	Column   int
	Path     string // window.from, funding[1].share
	Code     string // CMP-nnnn
	Message  string // what is wrong, with what was seen
	Expected string // what would be right
	Hint     string // what to do; may be empty
	Severity Severity
}

// String renders the finding in one line, file:line:column first, as compilers do.
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s %s", d.File, d.Line, d.Column, d.Severity, d.Code)
	if d.Path != "" {
		b.WriteString(" " + d.Path)
	}
	b.WriteString(": " + d.Message)
	if d.Expected != "" {
		b.WriteString("; expected " + d.Expected)
	}
	if d.Hint != "" {
		b.WriteString(" (" + d.Hint + ")")
	}
	return b.String()
}

// HasErrors reports whether any finding is an error.
func HasErrors(ds []Diagnostic) bool {
	for i := range ds {
		if ds[i].Severity == Error {
			return true
		}
	}
	return false
}
