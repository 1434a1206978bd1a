package rules

import (
	"fmt"
	"strconv"
	"strings"

	"cagnotte/pipeline/money"
)

// The readers below turn one plain value into its type, or report why it is not one and return the zero value. An absent value is the zero
// value without a report: whether it may be absent is for the caller to say.

func (n node) text(maxBytes int) string {
	if !n.given() {
		return ""
	}
	s, ok := n.scalar("a text")
	if !ok {
		return ""
	}
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxBytes {
		n.fail(CodeRange, fmt.Sprintf("the text has %d bytes", len(s)), fmt.Sprintf("1 to %d bytes", maxBytes), "")
		return ""
	}
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\ufffd' }) {
		n.fail(CodeRange, "the text holds control characters", "printable text in UTF-8", "")
		return ""
	}
	return s
}

func (n node) texts(maxBytes int) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range n.list() {
		s := v.text(maxBytes)
		if !v.given() {
			v.wrongType("a text")
		}
		if s == "" {
			continue
		}
		if seen[s] {
			v.fail(CodeDuplicate, quoteShort(s)+" is given twice", "each value once", "")
			continue
		}
		seen[s] = true
		out = append(out, s)
	}
	return out
}

// amount reads major units, greater than zero.
func (n node) amount() money.Amount {
	if !n.given() {
		return 0
	}
	const want = "an amount above 0 with at most two decimals, such as 5 or 5.00"
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	a, err := money.Parse(s)
	if err != nil {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return 0
	}
	if a <= 0 || a > maxAmount {
		n.fail(CodeRange, "found "+s, fmt.Sprintf("more than 0 and at most %v", maxAmount), "")
		return 0
	}
	return a
}

// maxAmount keeps every sum of a receipt exact: it is retail's bound for one amount.
const maxAmount = money.Max >> 12

// integer reads a whole number between lo and hi.
func (n node) integer(lo, hi int64) int64 {
	if !n.given() {
		return 0
	}
	want := fmt.Sprintf("a whole number from %d to %d", lo, hi)
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return 0
	}
	if v < lo || v > hi {
		n.fail(CodeRange, "found "+s, want, "")
		return 0
	}
	return v
}

// percent reads a share in percent with at most the given decimals, from lo to 100, and returns it scaled by 10^decimals.
func (n node) percent(decimals int, above bool) int64 {
	if !n.given() {
		return 0
	}
	want := fmt.Sprintf("a percentage up to 100 with at most %d decimals", decimals)
	if above {
		want = "above 0: " + want
	}
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	v, ok := fixedPoint(s, decimals)
	if !ok {
		n.fail(CodeType, "found "+quoteShort(s), want, "write 10 for 10 %")
		return 0
	}
	limit := int64(100)
	for range decimals {
		limit *= 10
	}
	if v > limit || above && v == 0 {
		n.fail(CodeRange, "found "+s, want, "")
		return 0
	}
	return v
}

// fixedPoint reads digits with at most n decimals as an integer scaled by 10^n.
func fixedPoint(s string, n int) (int64, bool) {
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || len(frac) > n || dot && frac == "" || len(whole) > 9 {
		return 0, false
	}
	v, err := strconv.ParseUint(whole+frac+strings.Repeat("0", n-len(frac)), 10, 62)
	if err != nil {
		return 0, false
	}
	return int64(v), true
}

// milli reads a quantity with at most three decimals in thousandths, with its sign.
func (n node) milli() int64 {
	if !n.given() {
		return 0
	}
	const want = "a quantity with at most three decimals, such as 2 or 0.350"
	s, ok := n.scalar(want)
	if !ok {
		return 0
	}
	body, neg := strings.CutPrefix(s, "-")
	v, ok := fixedPoint(body, 3)
	if !ok {
		n.fail(CodeType, "found "+quoteShort(s), want, "")
		return 0
	}
	if neg {
		v = -v
	}
	return v
}

// choice reads one of a few words and returns its index; -1 when absent or wrong.
func (n node) choice(words ...string) int {
	if n.r.asked != nil {
		n.r.asked(n.path, nil, words)
	}
	if !n.given() {
		return -1
	}
	want := "one of " + strings.Join(words, ", ")
	s, ok := n.scalar(want)
	if !ok {
		return -1
	}
	for i, w := range words {
		if w == s {
			return i
		}
	}
	n.fail(CodeEnum, "found "+quoteShort(s), want, nearest(s, words))
	return -1
}

// formatScaled prints v / 10^decimals without trailing zeros.
func formatScaled(v int64, decimals int) string {
	s := fmt.Sprintf("%0*d", decimals+1, v)
	whole, frac := s[:len(s)-decimals], strings.TrimRight(s[len(s)-decimals:], "0")
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}
