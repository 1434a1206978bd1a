package retail

import (
	"fmt"
	"strconv"
	"unicode"

	"cagnotte/pipeline/money"
)

// Code is a stable, documented validation code, RCP-nnnn. Codes below 0100 refuse the receipt; from 0100 on they warn and the receipt goes on.
type Code string

// Refusals.
const (
	CodeSchema        Code = "RCP-0001" // not readable as a receipt, or a required field is missing
	CodeConflict      Code = "RCP-0002" // the id is known with other content
	CodeCurrency      Code = "RCP-0004" // currency is not the programme's
	CodeTotal         Code = "RCP-0005" // lines and discounts do not add up to the total
	CodeSign          Code = "RCP-0006" // a sign contradicts the kind
	CodeTime          Code = "RCP-0007" // closed in the future, or too long ago
	CodeVoidOriginal  Code = "RCP-0008" // VOID without its original
	CodeTooLarge      Code = "RCP-0009" // too many lines or bytes
	CodeAmountRange   Code = "RCP-0010" // an amount or quantity is out of range
	CodeDuplicateLine Code = "RCP-0011" // two lines with one number
	CodeSignature     Code = "RCP-0012" // an EVENT without the signature that this deployment asks for
	CodeEvent         Code = "RCP-0013" // an EVENT that does not say what its kind needs
)

// Warnings.
const (
	CodeGTIN        Code = "RCP-0101" // check digit of the GTIN
	CodeRCN         Code = "RCP-0102" // restricted circulation number sent as GTIN
	CodeVAT         Code = "RCP-0103" // unknown VAT rate
	CodeNoOriginal  Code = "RCP-0106" // RETURN without its original
	CodeUncategor   Code = "RCP-0107" // neither category nor brand
	CodeUnknownEnum Code = "RCP-0109" // an enum symbol this version does not know
)

// Refuses reports whether the code sends the receipt to the dead letters.
func (c Code) Refuses() bool { return c < "RCP-0100" }

// Problem is one finding: where (JSON Pointer), what was seen, what was expected, and what to do about it.
type Problem struct {
	Code     Code
	Path     string
	Observed string
	Expected string
	Hint     string
}

// Error renders the problem in one line, so that a Problem can travel as an error.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s at %s: observed %s, expected %s", p.Code, p.Path, p.Observed, p.Expected)
}

// Policy holds the limits that a deployment may set. The zero value is not useful: start from DefaultPolicy.
type Policy struct {
	Currency     string  // the programme's; empty accepts any
	MaxAgeMs     Instant // a receipt closed longer before its append time is refused; 0 means no limit (replays of archives)
	MaxAheadMs   Instant // a receipt closed further after its append time is refused
	MaxLines     int
	MaxIDBytes   int
	MaxTextBytes int
}

// DefaultPolicy: 400 days back, five minutes ahead, 2,000 lines (research: D17, RCP-0007, RCP-0009).
func DefaultPolicy() Policy {
	return Policy{
		MaxAgeMs: 400 * 24 * 3600 * 1000, MaxAheadMs: 5 * 60 * 1000,
		MaxLines: 2000, MaxIDBytes: 128, MaxTextBytes: 512,
	}
}

// Validate returns the first reason to refuse the receipt, or nil. now is the broker's append time, so that a replay decides alike.
// It does not allocate when the receipt is good. The order of checks is the precedence of the codes.
func (p *Policy) Validate(r *Receipt, now Instant) *Problem {
	if pr := required(r); pr != nil {
		return pr
	}
	if pr := p.sizes(r); pr != nil {
		return pr
	}
	if p.Currency != "" && r.Currency != p.Currency {
		return &Problem{CodeCurrency, "/currency", quote(r.Currency), p.Currency, "send amounts in the programme's currency"}
	}
	if pr := p.times(r, now); pr != nil {
		return pr
	}
	if r.Type == Void && !r.Original.Given {
		return &Problem{CodeVoidOriginal, "/original", "none", "the receipt that is void", "fill original with the voided receipt's id, or with store, terminal, date and number"}
	}
	return p.lines(r)
}

func required(r *Receipt) *Problem {
	switch {
	case r.ID == "":
		return missing("/receipt_id")
	case r.EndedAt == 0:
		return missing("/ended_at")
	case r.Type == UnknownType:
		return &Problem{CodeSchema, "/type", "UNKNOWN", "SALE, RETURN, EXCHANGE, VOID or EVENT", "upgrade the reader or send a known type"}
	}
	if r.Type == Event {
		return eventRequired(r)
	}
	return tillRequired(r)
}

// tillRequired is what a transaction of a till cannot do without.
func tillRequired(r *Receipt) *Problem {
	switch {
	case r.Shop.ID == "":
		return missing("/store/store_id")
	case r.TerminalID == "":
		return missing("/terminal_id")
	case len(r.Lines) == 0 && r.Type != Void:
		return missing("/lines")
	}
	return nil
}

// eventRequired: an Event belongs to an account and says what happened; where, and with what lines, is up to its kind.
func eventRequired(r *Receipt) *Problem {
	kind := r.EventKind()
	switch {
	case r.Loyalty.AccountID == "":
		return missing("/loyalty/account_id")
	case kind == "":
		return missing("/attributes/event")
	case !validKind(kind):
		return &Problem{CodeSchema, "/attributes/event", quote(kind), "1 to 64 of a-z, 0-9, _ and -", "name the kind of the event, such as enrolment or club-fee"}
	}
	return nil
}

const maxKindBytes = 64

func validKind(kind string) bool {
	for i := range len(kind) {
		c := kind[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return len(kind) <= maxKindBytes
}

// sizes bounds the lists and ids, and keeps control characters out of ids.
func (p *Policy) sizes(r *Receipt) *Problem {
	switch {
	case len(r.Lines) > p.MaxLines:
		return &Problem{CodeTooLarge, "/lines", strconv.Itoa(len(r.Lines)), "at most " + strconv.Itoa(p.MaxLines), "split the transaction"}
	case len(r.ID) > p.MaxIDBytes:
		return tooLong("/receipt_id", len(r.ID), p.MaxIDBytes)
	case len(r.Loyalty.AccountID) > p.MaxIDBytes:
		return tooLong("/loyalty/account_id", len(r.Loyalty.AccountID), p.MaxIDBytes)
	case len(r.Shop.ID) > p.MaxIDBytes:
		return tooLong("/store/store_id", len(r.Shop.ID), p.MaxIDBytes)
	case !Printable(string(r.ID)):
		return unprintable("/receipt_id", string(r.ID))
	case !Printable(string(r.Loyalty.AccountID)):
		return unprintable("/loyalty/account_id", string(r.Loyalty.AccountID))
	case !Printable(string(r.Shop.ID)):
		return unprintable("/store/store_id", string(r.Shop.ID))
	}
	return nil
}

// Printable reports that an id holds no control characters. Ids become keys, and keys that begin with a zero byte are the product's own: an account of
// the name of a COMMIT record would be taken for one at a restore.
func Printable(id string) bool {
	for i := range len(id) {
		if id[i] < 0x20 || id[i] == 0x7f {
			return false
		}
	}
	return true
}

func unprintable(path, id string) *Problem {
	return &Problem{CodeSchema, path, strconv.Quote(id), "text without control characters", "clean the id where it is made"}
}

func (p *Policy) times(r *Receipt, now Instant) *Problem {
	if r.EndedAt < 0 || r.EndedAt > now+p.MaxAheadMs {
		return &Problem{CodeTime, "/ended_at", strconv.FormatInt(int64(r.EndedAt), 10), "at most " + strconv.FormatInt(int64(now+p.MaxAheadMs), 10), "set the till's clock; ended_at is in milliseconds UTC"}
	}
	if p.MaxAgeMs > 0 && r.EndedAt < now-p.MaxAgeMs {
		return &Problem{CodeTime, "/ended_at", strconv.FormatInt(int64(r.EndedAt), 10), "at least " + strconv.FormatInt(int64(now-p.MaxAgeMs), 10), "archives are loaded with a longer maximum age"}
	}
	return nil
}

// lines checks numbers, signs, ranges and the sum. One cent per line is tolerated, for tills that round the basket discount per line.
func (p *Policy) lines(r *Receipt) *Problem {
	var sum money.Amount
	for i := range r.Lines {
		l := &r.Lines[i]
		if pr := checkLine(r, i, l); pr != nil {
			return pr
		}
		if pr := checkLabels(i, l); pr != nil {
			return pr
		}
		sum += l.Net
	}
	for i := range r.Discounts {
		if !inRange(r.Discounts[i].Amount) {
			return &Problem{CodeAmountRange, "/discounts/" + strconv.Itoa(i) + "/amount_minor", r.Discounts[i].Amount.String(), "a smaller amount", "amounts are in minor units"}
		}
		sum += r.Discounts[i].Amount
	}
	if !inRange(r.Total) {
		return &Problem{CodeAmountRange, "/total_minor", r.Total.String(), "a smaller amount", "amounts are in minor units"}
	}
	if r.Type == Event && len(r.Lines)+len(r.Discounts) == 0 {
		return nil // its total is whatever the event is about: a fee, an amount to burn
	}
	if d := (sum - r.Total).Abs(); d > money.Amount(len(r.Lines)) {
		return &Problem{CodeTotal, "/total_minor", r.Total.String(), sum.String(), "total_minor is the sum of the lines' net_minor and the basket discounts"}
	}
	return nil
}

func checkLine(r *Receipt, i int, l *Line) *Problem {
	at := func(field string) string { return "/lines/" + strconv.Itoa(i) + "/" + field }
	switch {
	case !inRange(l.Net) || !inRange(l.Gross) || !inRange(l.UnitPrice):
		return &Problem{CodeAmountRange, at("net_minor"), l.Net.String(), "a smaller amount", "amounts are in minor units"}
	case l.QuantityMilli > maxQuantityMilli || l.QuantityMilli < -maxQuantityMilli:
		return &Problem{CodeAmountRange, at("quantity_milli"), strconv.FormatInt(l.QuantityMilli, 10), "at most 10^12", "quantities are in thousandths"}
	case l.Kind == SaleLine && l.Net < 0 && l.QuantityMilli > 0 && (r.Type == Sale || r.Type == Event):
		return &Problem{CodeSign, at("net_minor"), l.Net.String(), "zero or more on a SALE line", "send a RETURN line, or the discount with its own amount"}
	case l.Kind == ReturnLine && (l.Net > 0 || l.QuantityMilli > 0):
		return &Problem{CodeSign, at("net_minor"), l.Net.String(), "zero or less on a RETURN line, quantity too", "return lines are negative"}
	}
	for j := range i {
		if i < 64 && r.Lines[j].No == l.No {
			return &Problem{CodeDuplicateLine, at("line_no"), strconv.Itoa(int(l.No)), "a number of its own", "number the lines of a receipt from 1"}
		}
	}
	return nil
}

// checkLabels bounds the labels of one line. Campaigns match them byte for byte, so that a capital would silently match nothing.
func checkLabels(i int, l *Line) *Problem {
	at := func() string { return "/lines/" + strconv.Itoa(i) + "/labels" }
	if len(l.Labels) > maxLabels {
		return &Problem{CodeTooLarge, at(), strconv.Itoa(len(l.Labels)), "at most " + strconv.Itoa(maxLabels), "keep the labels that campaigns ask for"}
	}
	for j, label := range l.Labels {
		if len(label) > maxLabelBytes {
			return tooLong(at()+"/"+strconv.Itoa(j), len(label), maxLabelBytes)
		}
		if !validLabel(label) {
			return &Problem{CodeSchema, at() + "/" + strconv.Itoa(j), quote(label), "lower-case text", "write labels such as organic, eco-a or msc"}
		}
	}
	return nil
}

const (
	maxLabels     = 16
	maxLabelBytes = 64
)

func validLabel(label string) bool {
	for _, c := range label {
		if c < 0x20 || c == 0x7f || unicode.IsUpper(c) {
			return false
		}
	}
	return label != ""
}

const maxQuantityMilli = 1_000_000_000_000

// inRange keeps one amount so small that the sum over all lines of a receipt stays exact.
func inRange(a money.Amount) bool { return a <= money.Max>>12 && a >= money.Min>>12 }

func missing(path string) *Problem {
	return &Problem{CodeSchema, path, "nothing", "a value", "the field is required"}
}

func tooLong(path string, got, limit int) *Problem {
	return &Problem{CodeTooLarge, path, strconv.Itoa(got) + " bytes", "at most " + strconv.Itoa(limit) + " bytes", "shorten the identifier"}
}

func quote(s string) string {
	if len(s) > 40 {
		s = s[:40]
	}
	return strconv.Quote(s)
}
