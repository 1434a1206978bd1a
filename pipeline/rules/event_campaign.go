package rules

import (
	"regexp"
	"slices"
	"strings"

	"cagnotte/pipeline/retail"
)

// A campaign about events of a kind sees no receipt, and a receipt sees no such campaign: they stand in an index of their own. Of an event's lines
// what has no price counts by its pieces; an event without lines is one piece without a price.

var kindPattern = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// commands are events that ask something of the ledger. Nothing is earned by them.
func commands() []string {
	return []string{"hold", "commit", "cancel", "redeem", "refund", "adjust", "merge", "merged"}
}

func (n node) eventKind() string {
	const want = "an event's kind, 1 to 64 of a-z, 0-9, - and _"
	s := n.text(64)
	switch {
	case s == "":
		return ""
	case !kindPattern.MatchString(s):
		n.fail(CodeRange, "found "+quoteShort(s), want, "")
	case slices.Contains(commands(), s):
		n.fail(CodeConflict, quoteShort(s)+" is a command to the ledger: it earns nothing", "another kind of event", "")
	}
	return s
}

// labels reads what products are known for, as the wire has it: in small letters.
func (n node) labels() []string {
	out := n.texts(64)
	for _, l := range out {
		if l != strings.ToLower(l) {
			n.fail(CodeRange, "found "+quoteShort(l), "labels in small letters", "write "+quoteShort(strings.ToLower(l)))
		}
	}
	return out
}

// nothing reports whether the matching lines hold nothing that may be rewarded.
func (r *rule) nothing(b *basis) bool {
	return b.net <= 0 && (!r.event || b.net < 0 || b.pieces <= 0)
}

// freePieces counts the pieces of an event's line without a price.
func freePieces(each bool, quantityMilli int64) int64 {
	switch {
	case quantityMilli <= 0:
		return 0
	case each:
		return quantityMilli / 1000
	}
	return 1
}

// withPiece gives an event without lines its piece.
func (e *Evaluator) withPiece(r *retail.Receipt) *retail.Receipt {
	e.event = *r
	e.piece = [1]retail.Line{{No: 1, Kind: retail.Service, QuantityMilli: 1000, Unit: retail.Each}}
	e.event.Lines = e.piece[:]
	return &e.event
}

// matchEvent finds the candidates among the rules about events of this kind; they are few.
func (e *Evaluator) matchEvent(r *retail.Receipt) {
	for _, i := range e.rs.index.events[r.EventKind()] {
		rule := &e.rs.rules[i]
		if rule.everyLine {
			e.hitBasket(i, r)
			continue
		}
		for n := range r.Lines {
			if e.selects(rule, &r.Lines[n]) {
				e.hit(i, n)
			}
		}
	}
}

// hitLabels counts a line for the rules that name its labels and nothing else; once, however many of its labels they name.
func (e *Evaluator) hitLabels(line int, l *retail.Line) {
	for n, label := range l.Labels {
		for _, i := range e.rs.index.label[label] {
			if r := &e.rs.rules[i]; r.include.labelOf(l) == n && e.selects(r, l) {
				e.hit(i, line)
			}
		}
	}
}
