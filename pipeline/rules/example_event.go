package rules

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// testEvent reads an event of the member: {kind, attributes: {key: value}, at, id, store, channel, operator, lines}.
func (n node) testEvent(c *Campaign, r *retail.Receipt, id string, at retail.Instant) {
	k := n.keys("kind", "attributes", "lines", "at", "id", "store", "channel", "operator", "total")
	r.ID, r.Type, r.Currency, r.EndedAt = retail.ReceiptID(id), retail.Event, "EUR", at
	if v := child(k, n, "id"); v.given() {
		r.ID = retail.ReceiptID(v.text(128))
	}
	if v := child(k, n, "at"); v.given() {
		r.EndedAt = v.instant()
	}
	r.OperatorID, r.Shop, r.Channel = child(k, n, "operator").text(128), child(k, n, "store").testShop(c), child(k, n, "channel").testChannel(c)
	kind := child(k, n, "kind").required("what happened, such as recycling").text(64)
	r.Attributes = append([]retail.Attribute{{Key: retail.EventAttribute, Value: kind}}, child(k, n, "attributes").testAttributes()...)
	for i, v := range child(k, n, "lines").list() {
		r.Lines = append(r.Lines, v.testLine(int32(i+1)))
		r.Total += r.Lines[i].Net
	}
	if t := child(k, n, "total"); t.given() {
		r.Total = t.amountOrZero()
	}
	if pr := NoteEvent(nil, r); pr != nil {
		child(k, n, "attributes").fail(CodeRange, pr.Path[len("/attributes/"):]+" is "+pr.Observed, pr.Expected, pr.Hint)
	}
}

// maxTestAttributes bounds the attributes of one event.
const maxTestAttributes = 64

// testAttributes reads free keys with texts.
func (n node) testAttributes() []retail.Attribute {
	if !n.given() {
		return nil
	}
	pairs, _ := n.entries()
	if len(pairs) > maxTestAttributes {
		n.fail(CodeTooLarge, itoa(int64(len(pairs)))+" attributes", "at most "+itoa(maxTestAttributes), "")
		return nil
	}
	var out []retail.Attribute
	seen := map[string]bool{retail.EventAttribute: true}
	for _, p := range pairs {
		key := p.Key.GetToken()
		v := node{r: n.r, path: join(n.path, key.Value), at: key, syn: p.Value}.value()
		if seen[key.Value] {
			v.fail(CodeDuplicate, "the attribute "+quoteShort(key.Value)+" is given twice", "each attribute once", "kind is the attribute event")
			continue
		}
		seen[key.Value] = true
		out = append(out, retail.Attribute{Key: key.Value, Value: v.text(512)})
	}
	return out
}

func (w *jsonWriter) testEvent(r *retail.Receipt, id string) {
	w.str("kind", r.EventKind())
	w.group("attributes", func() {
		for _, a := range r.Attributes {
			if a.Key != retail.EventAttribute {
				w.str(a.Key, a.Value)
			}
		}
	})
	var net money.Amount
	if len(r.Lines) > 0 {
		w.array("lines", len(r.Lines), func(i int) {
			net += r.Lines[i].Net
			w.testLine(&r.Lines[i])
		})
	}
	w.testShop(&r.Shop)
	w.instant("at", r.EndedAt)
	w.str("channel", r.Channel.String())
	if string(r.ID) != id {
		w.str("id", string(r.ID))
	}
	w.str("operator", r.OperatorID)
	if r.Total != net {
		w.raw("total", r.Total.String())
	}
}
