package rules

import (
	"strconv"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

func (w *jsonWriter) tests(tests []Test) {
	if len(tests) == 0 {
		return
	}
	w.array("tests", len(tests), func(i int) { w.test(&tests[i]) })
}

// test writes an example; one of a single receipt has a short form.
func (w *jsonWriter) test(t *Test) {
	w.str("name", t.Name)
	w.list("with", t.With)
	if t.Member != nil {
		w.key("member", func() { w.object(func() { w.testMember(t.Member) }) })
	}
	if t.short() {
		w.happens(&t.Steps[0], testID)
		w.expect(t.Steps[0].Expect)
		return
	}
	w.array("steps", len(t.Steps), func(i int) { w.testStep(t, i) })
}

// short reports whether the example has the form {receipt, expect}.
func (t *Test) short() bool { return len(t.Steps) == 1 && t.Steps[0].Expect != nil && !t.stepped }

func (w *jsonWriter) testStep(t *Test, i int) {
	w.happens(&t.Steps[i], stepID(i))
	w.expect(t.Steps[i].Expect)
}

// happens writes what happens in a step. Its id is left out when it is the one that the place in the document gives.
func (w *jsonWriter) happens(s *TestStep, id string) {
	w.key(s.verb(), func() {
		w.object(func() {
			switch s.Receipt.Type {
			case retail.Return, retail.Void:
				w.testReturn(s)
			case retail.Event:
				w.testEvent(&s.Receipt, id)
			default:
				w.receipt(&s.Receipt, id)
			}
		})
	})
}

// verb is the key of what happens in the step.
func (s *TestStep) verb() string {
	switch s.Receipt.Type {
	case retail.Return:
		return "return"
	case retail.Void:
		return "void"
	case retail.Event:
		return "event"
	}
	return "receipt"
}

func stepID(i int) string { return "step-" + strconv.Itoa(i+1) }

func (w *jsonWriter) testReturn(s *TestStep) {
	w.number("of", int64(s.Of))
	w.str("at", instantText(s.Receipt.EndedAt))
	if len(s.Receipt.Lines) == 0 {
		return
	}
	w.array("lines", len(s.Receipt.Lines), func(i int) {
		l := &s.Receipt.Lines[i]
		w.number("line", int64(l.ReturnOfLine))
		w.raw("quantity", signedScaled(-l.QuantityMilli, 3))
		w.raw("net", l.Net.Neg().String())
	})
}

func (w *jsonWriter) expect(e *Expect) {
	switch {
	case e == nil:
	case e.None:
		w.str("expect", "none")
	default:
		w.key("expect", func() {
			w.object(func() {
				if e.Outcome != UnknownOutcome {
					w.str("outcome", e.Outcome.String())
				}
				w.optional("amount", e.Amount)
				w.optional("desired", e.Desired)
				w.str("tier", e.Tier)
				w.str("sends", e.Sends)
				w.str("badge", e.Badge)
				w.str("refused", e.Refused)
				w.str("wallet", e.Wallet)
				w.optional("available", e.Available)
				w.optional("pending", e.Pending)
				w.optional("held", e.Held)
				w.optional("lapsed", e.Lapsed)
			})
		})
	}
}

func (w *jsonWriter) instant(name string, at retail.Instant) {
	if at != 0 {
		w.str(name, instantText(at))
	}
}

func instantText(at retail.Instant) string {
	return time.UnixMilli(int64(at)).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

func (w *jsonWriter) receipt(r *retail.Receipt, id string) {
	var net, discount money.Amount
	w.array("lines", len(r.Lines), func(i int) {
		net += r.Lines[i].Net
		w.testLine(&r.Lines[i])
	})
	w.testShop(&r.Shop)
	w.str("at", instantText(r.EndedAt))
	w.str("channel", r.Channel.String())
	w.str("account", string(r.Loyalty.AccountID))
	if string(r.ID) != id {
		w.str("id", string(r.ID))
	}
	w.str("operator", r.OperatorID)
	w.list("coupons", r.Coupons)
	for i := range r.Discounts {
		discount -= r.Discounts[i].Amount
	}
	w.amount("discount", discount)
	if r.Total != net-discount {
		w.raw("total", r.Total.String())
	}
}

func (w *jsonWriter) testShop(s *retail.Shop) {
	w.key("store", func() {
		w.object(func() {
			w.str("id", string(s.ID))
			w.str("banner", s.Banner)
			w.str("country", s.Country)
		})
	})
}

func (w *jsonWriter) testLine(l *retail.Line) {
	w.str("category", l.Category)
	w.str("brand", l.Brand)
	w.str("gtin", l.GTIN)
	w.str("sku", l.SKU)
	w.str("department", l.Department)
	w.list("labels", l.Labels)
	w.raw("net", l.Net.String())
	if l.QuantityMilli != 1000 {
		w.raw("quantity", signedScaled(l.QuantityMilli, 3))
	}
	if l.Unit != retail.Each {
		w.str("unit", l.Unit.String())
	}
	if l.Kind != retail.SaleLine {
		w.str("kind", l.Kind.String())
	}
	if l.Ineligible {
		w.raw("eligible", "false")
	}
}

func signedScaled(v int64, decimals int) string {
	if v < 0 {
		return "-" + formatScaled(-v, decimals)
	}
	return formatScaled(v, decimals)
}
