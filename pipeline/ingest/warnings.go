package ingest

import (
	"strconv"

	"cagnotte/pipeline/retail"
)

// maxWarnings bounds an answer; a sender that sees twenty will look at its data.
const maxWarnings = 20

// warnings lists what a good receipt could do better. It is never nil, so that an answer has a list.
func warnings(r *retail.Receipt) []finding {
	out := []finding{}
	if r.Type == retail.Return && r.OriginalID() == "" {
		out = append(out, newFinding(&retail.Problem{Code: retail.CodeNoOriginal, Path: "/original", Observed: "none", Expected: "the receipt that the goods were bought with",
			Hint: "without it no reward is taken back"}))
	}
	for i := range r.Lines {
		if pr := lineWarning(&r.Lines[i]); pr != nil && len(out) < maxWarnings {
			pr.Path = "/lines/" + strconv.Itoa(i) + pr.Path
			out = append(out, newFinding(pr))
		}
	}
	return out
}

func lineWarning(l *retail.Line) *retail.Problem {
	switch {
	case l.GTIN != "" && restricted(l.GTIN):
		return &retail.Problem{Code: retail.CodeRCN, Path: "/gtin", Observed: l.GTIN, Expected: "a GTIN that means the same everywhere", Hint: "send numbers with prefix 02, 04 or 20-29 as sku"}
	case l.GTIN != "" && !validGTIN(l.GTIN):
		return &retail.Problem{Code: retail.CodeGTIN, Path: "/gtin", Observed: strconv.Quote(l.GTIN), Expected: "8, 12, 13 or 14 digits, the last a check digit", Hint: "campaigns that name the product will not match"}
	case (l.Kind == retail.SaleLine || l.Kind == retail.Service) && l.Category == "" && l.Brand == "":
		return &retail.Problem{Code: retail.CodeUncategor, Observed: "neither category nor brand", Expected: "one of them", Hint: "campaigns by category or brand will not match"}
	}
	return nil
}

// restricted reports a GTIN-13 of restricted circulation: 02, 04, 20-29.
func restricted(gtin string) bool {
	return len(gtin) == 13 && (gtin[:2] == "02" || gtin[:2] == "04" || gtin[0] == '2')
}

// validGTIN checks length and check digit (GS1 General Specifications 7.9): weights 3 and 1 from the right.
func validGTIN(gtin string) bool {
	if n := len(gtin); n != 8 && n != 12 && n != 13 && n != 14 {
		return false
	}
	sum := 0
	for i := range len(gtin) {
		c := gtin[len(gtin)-1-i]
		if c < '0' || c > '9' {
			return false
		}
		sum += int(c-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}
