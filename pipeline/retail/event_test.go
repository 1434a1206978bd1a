package retail_test

import (
	"strings"
	"testing"

	"cagnotte/pipeline/retail"
)

func enrolment() retail.Receipt {
	return retail.Receipt{
		ID: "crm:1", Type: retail.Event, Currency: "EUR", EndedAt: 1, Loyalty: retail.Loyalty{AccountID: "a-1"},
		Attributes: []retail.Attribute{{Key: "channel", Value: "app"}, {Key: "event", Value: "enrolment"}},
	}
}

func policy() *retail.Policy {
	p := retail.DefaultPolicy()
	p.MaxAgeMs = 0
	return &p
}

// An event needs an account and its kind, and neither shop nor till nor lines. What it sells, when it has lines, must add up as on a sale.
func TestEventIsValidated(t *testing.T) {
	line := retail.Line{No: 1, Kind: retail.SaleLine, QuantityMilli: 1000, Net: 100}
	for name, c := range map[string]struct {
		spoil func(*retail.Receipt)
		code  retail.Code
		path  string
	}{
		"good":          {func(*retail.Receipt) {}, "", ""},
		"amount alone":  {func(r *retail.Receipt) { r.Total = 1200 }, "", ""},
		"lines":         {func(r *retail.Receipt) { r.Lines, r.Total = []retail.Line{line}, 100 }, "", ""},
		"sum":           {func(r *retail.Receipt) { r.Lines, r.Total = []retail.Line{line}, 300 }, retail.CodeTotal, "/total_minor"},
		"huge":          {func(r *retail.Receipt) { r.Total = 1 << 62 }, retail.CodeAmountRange, "/total_minor"},
		"sign":          {func(r *retail.Receipt) { l := line; l.Net = -1; r.Lines, r.Total = []retail.Line{l}, -1 }, retail.CodeSign, "/lines/0/net_minor"},
		"id":            {func(r *retail.Receipt) { r.ID = "" }, retail.CodeSchema, "/receipt_id"},
		"instant":       {func(r *retail.Receipt) { r.EndedAt = 0 }, retail.CodeSchema, "/ended_at"},
		"account":       {func(r *retail.Receipt) { r.Loyalty.AccountID = "" }, retail.CodeSchema, "/loyalty/account_id"},
		"kind":          {func(r *retail.Receipt) { r.Attributes = r.Attributes[:1] }, retail.CodeSchema, "/attributes/event"},
		"capitals":      {func(r *retail.Receipt) { r.Attributes[1].Value = "Enrolment" }, retail.CodeSchema, "/attributes/event"},
		"long kind":     {func(r *retail.Receipt) { r.Attributes[1].Value = strings.Repeat("e", 65) }, retail.CodeSchema, "/attributes/event"},
		"sale, no shop": {func(r *retail.Receipt) { r.Type = retail.Sale }, retail.CodeSchema, "/store/store_id"},
	} {
		r := enrolment()
		c.spoil(&r)
		p := policy().Validate(&r, 1)
		if c.code == "" && p != nil || c.code != "" && (p == nil || p.Code != c.code || p.Path != c.path) {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestLabelsAreValidated(t *testing.T) {
	for name, c := range map[string]struct {
		labels []string
		code   retail.Code
	}{
		"good":      {[]string{"organic", "eco-a", "pêche durable", strings.Repeat("x", 64)}, ""},
		"many":      {make([]string, 17), retail.CodeTooLarge},
		"long":      {[]string{strings.Repeat("x", 65)}, retail.CodeTooLarge},
		"capital":   {[]string{"organic", "Eco-a"}, retail.CodeSchema},
		"capital É": {[]string{"Équitable"}, retail.CodeSchema},
		"control":   {[]string{"a\nb"}, retail.CodeSchema},
		"empty":     {[]string{""}, retail.CodeSchema},
	} {
		r := enrolment()
		r.Lines = []retail.Line{{No: 1, Kind: retail.SaleLine, QuantityMilli: 1000, Labels: c.labels}}
		p := policy().Validate(&r, 1)
		if c.code == "" && p != nil || c.code != "" && (p == nil || p.Code != c.code) {
			t.Errorf("%s: %+v", name, p)
		}
		if n := testing.AllocsPerRun(20, func() { p = policy().Validate(&r, 1) }); p == nil && n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestEventKind(t *testing.T) {
	r := enrolment()
	if r.EventKind() != "enrolment" || r.Attribute("channel") != "app" || r.Attribute("weather") != "" {
		t.Errorf("%q %q", r.EventKind(), r.Attribute("channel"))
	}
	r.Type = retail.Sale
	if r.EventKind() != "" || r.Attribute("event") != "enrolment" {
		t.Errorf("a sale is of event kind %q", r.EventKind())
	}
}

// Two events of one id are the same when their attributes are, in whatever order the wire brought them. Other receipts are told apart without.
func TestContentHashOfEvents(t *testing.T) {
	hash := func(r retail.Receipt) uint64 {
		h, _ := r.ContentHash(nil)
		return h
	}
	a, b := enrolment(), enrolment()
	b.Attributes[0], b.Attributes[1] = b.Attributes[1], b.Attributes[0]
	if hash(a) != hash(b) {
		t.Error("the order of attributes counts")
	}
	b.Attributes[0].Value = "consent"
	if hash(a) == hash(b) {
		t.Error("two kinds of event are the same content")
	}
	c := enrolment()
	c.Attributes[0] = retail.Attribute{Key: "channela", Value: "pp"}
	if hash(a) == hash(c) {
		t.Error("where a key ends does not count")
	}
	a.Type, b.Type = retail.Sale, retail.Sale
	if hash(a) != hash(b) {
		t.Error("attributes of a sale count")
	}
}

// Reset keeps the memory of labels and shows none of what was in it.
func TestResetKeepsLabels(t *testing.T) {
	r := retail.Receipt{Lines: []retail.Line{{Labels: []string{"organic"}}}}
	r.Reset()
	if line := r.Lines[:1][0]; len(line.Labels) != 0 || cap(line.Labels) != 1 {
		t.Errorf("%d of %d labels", len(line.Labels), cap(line.Labels))
	}
}
