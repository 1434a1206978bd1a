package model

import (
	"cagnotte/loadtest/wire"
	"strings"
	"unicode"
)

// Limits are the programme's bounds on a receipt, as it is configured: they are part of the question, not of the answer.
type Limits struct {
	Currency   string
	MaxAgeMs   int64
	MaxAheadMs int64
	MaxLines   int
	MaxIDBytes int
}

// DefaultLimits: euros, 400 days back, five minutes ahead, 2,000 lines, ids of 128 bytes.
func DefaultLimits() Limits {
	return Limits{Currency: "EUR", MaxAgeMs: 400 * 86_400_000, MaxAheadMs: 300_000, MaxLines: 2000, MaxIDBytes: 128}
}

// Codes of refused receipts.
const (
	codeSchema   = "RCP-0001"
	codeConflict = "RCP-0002"
	codeCurrency = "RCP-0004"
	codeTotal    = "RCP-0005"
	codeSign     = "RCP-0006"
	codeTime     = "RCP-0007"
	codeVoid     = "RCP-0008"
	codeTooLarge = "RCP-0009"
	codeRange    = "RCP-0010"
	codeLineNo   = "RCP-0011"
	codeEvent    = "RCP-0013"
)

// refuse returns the code under which a readable receipt must be refused, or "". The first code that applies counts, in this order: what is missing,
// size, currency, time, void, lines one by one, discounts, total.
func (l *Limits) refuse(r *wire.Receipt, appended int64) string {
	switch {
	case r.ID == "" || r.EndedAt == 0 || r.Type == "UNKNOWN":
		return codeSchema
	case r.Type == "EVENT" && (r.Account() == "" || !eventKind(r.Event())):
		return codeSchema
	case r.Type != "EVENT" && (r.Store.ID == "" || r.TerminalID == ""):
		return codeSchema
	case len(r.Lines) == 0 && r.Type != "VOID" && r.Type != "EVENT":
		return codeSchema
	case len(r.Lines) > l.MaxLines:
		return codeTooLarge
	case len(r.ID) > l.MaxIDBytes || len(r.Account()) > l.MaxIDBytes || len(r.Store.ID) > l.MaxIDBytes:
		return codeTooLarge
	case strings.ContainsFunc(r.ID+r.Account()+r.Store.ID, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return codeSchema
	case l.Currency != "" && r.Currency != l.Currency:
		return codeCurrency
	case r.EndedAt < 0 || r.EndedAt > appended+l.MaxAheadMs:
		return codeTime
	case l.MaxAgeMs > 0 && r.EndedAt < appended-l.MaxAgeMs:
		return codeTime
	case r.Type == "VOID" && r.Original == nil:
		return codeVoid
	}
	if code := sums(r); code != "" {
		return code
	}
	return refuseEvent(r)
}

// aboutEvent says that a record is no receipt of a till: an EVENT, or what takes one back, which names its kind too.
func aboutEvent(r *wire.Receipt) bool {
	return r.Type == "EVENT" || (r.Type == "RETURN" || r.Type == "VOID") && r.Attributes["event"] != ""
}

// eventKind says whether a text can be the kind of an EVENT.
func eventKind(s string) bool {
	strange := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' }
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, strange)
}

// sums checks the lines in their order, then the basket discounts, then the total: one cent for each line may be missing.
func sums(r *wire.Receipt) string {
	sum, numbers := int64(0), map[int32]bool{}
	for i := range r.Lines {
		if code := refuseLine(r, &r.Lines[i], i, numbers); code != "" {
			return code
		}
		sum += r.Lines[i].Net
	}
	for _, d := range r.Discounts {
		if huge(d.Amount) {
			return codeRange
		}
		sum += d.Amount
	}
	if huge(r.Total) {
		return codeRange
	}
	if len(r.Lines)+len(r.Discounts) == 0 && r.Type == "EVENT" {
		return "" // its amount stands alone
	}
	if diff := sum - r.Total; max(diff, -diff) > int64(len(r.Lines)) {
		return codeTotal
	}
	return ""
}

func refuseLine(r *wire.Receipt, l *wire.Line, i int, numbers map[int32]bool) string {
	const most = 1_000_000_000_000
	switch {
	case huge(l.Net) || huge(l.Gross) || huge(l.UnitPrice) || l.Quantity > most || l.Quantity < -most:
		return codeRange
	case l.Kind == "SALE" && (r.Type == "SALE" || r.Type == "EVENT") && l.Net < 0 && l.Quantity > 0:
		return codeSign
	case l.Kind == "RETURN" && (l.Net > 0 || l.Quantity > 0):
		return codeSign
	case numbers[l.No] && i < 64: // beyond the 64th line repeated numbers are tolerated
		return codeLineNo
	}
	numbers[l.No] = true
	return refuseLabels(l.Labels)
}

// huge amounts are those beyond 2^41 minor units.
func huge(a int64) bool { return a > 1<<41 || a < -(1<<41) }

// refuseLabels wants at most 16 labels of at most 64 bytes, lower case, without control characters.
func refuseLabels(labels []string) string {
	if len(labels) > 16 {
		return codeTooLarge
	}
	for _, s := range labels {
		switch {
		case len(s) > 64:
			return codeTooLarge
		case s == "" || strings.ContainsFunc(s, func(c rune) bool { return unicode.IsUpper(c) || unicode.IsControl(c) }):
			return codeSchema
		}
	}
	return ""
}
