package rules

import (
	"strconv"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// JSON returns the canonical form of the document: keys in the grammar's order, no defaults, amounts with two decimals, one line. Parse reads
// it back to an equal campaign, and equal campaigns have equal bytes. It is what the campaigns topic carries.
func (c *Campaign) JSON() []byte {
	w := &jsonWriter{}
	w.object(func() {
		w.str("id", c.ID)
		w.raw("version", itoa(int64(c.Version)))
		w.str("effective_from", c.effectiveText)
		w.key("name", func() { w.object(func() { w.str("fr", c.Name.FR); w.str("en", c.Name.EN) }) })
		w.str("event", c.Event)
		w.key("window", func() { w.object(func() { w.window(&c.Window) }) })
		w.group("who", func() { w.who(&c.Who) })
		w.stores(&c.Stores)
		w.list("channels", symbols(c.Channels))
		w.group("lines", func() {
			w.lineKeys(&c.Lines.Include)
			w.group("exclude", func() { w.lineKeys(&c.Lines.Exclude) })
		})
		w.group("when", func() {
			w.amount("min_spend", c.When.MinSpend)
			w.number("min_quantity", c.When.MinQuantity)
			w.amount("min_basket", c.When.MinBasket)
			w.list("coupon", c.When.Coupon)
			w.str("cel", c.When.CEL)
		})
		switch {
		case c.Terms != nil:
			w.terms(c.Terms)
		case c.Tiers.given():
			w.key("tiers", func() { w.object(func() { w.tiers(&c.Tiers) }) })
		default:
			w.key("reward", func() { w.object(func() { w.reward(&c.Reward) }) })
		}
		w.progress(c)
		w.group("validity", func() { w.validity(&c.Validity) })
		w.group("stacking", func() {
			w.str("group", c.Stacking.Group)
			if c.Stacking.Mode != Stack {
				w.str("mode", c.Stacking.Mode.String())
			}
		})
		w.number("priority", int64(c.Priority))
		w.funding(c.Funding)
		w.scaled("holdout", int64(c.HoldoutBP), 2)
		w.budget(c)
		if c.Progress.KeepDone {
			w.key("returns", func() { w.object(func() { w.str("progress", "keep_once_completed") }) })
		}
		if c.Notify {
			w.raw("notify", "true")
		}
		w.tests(c.Tests)
	})
	return w.b.Bytes()
}

func (w *jsonWriter) stores(s *Stores) {
	w.group("stores", func() {
		w.list("ids", s.IDs)
		w.list("banners", s.Banners)
		w.list("countries", s.Countries)
		w.list("exclude_ids", s.ExcludeIDs)
	})
}

func symbols(list []retail.Channel) []string {
	var out []string
	for _, ch := range list {
		out = append(out, ch.String())
	}
	return out
}

func (w *jsonWriter) window(win *Window) {
	w.str("from", win.fromText)
	w.str("to", win.toText)
	w.str("tz", win.TZ)
	if win.Hours != (Hours{}) {
		w.str("hours", win.Hours.String())
	}
	w.list("weekdays", win.Weekdays.names())
}

// String prints the hours as in the grammar: 08:00-21:00.
func (h Hours) String() string { return clockText(h.From) + "-" + clockText(h.To) }

func clockText(minute int16) string {
	return string([]byte{byte('0' + minute/600), byte('0' + minute/60%10), ':', byte('0' + minute%60/10), byte('0' + minute%10)})
}

// names lists the weekdays, Monday first; nil when every day counts.
func (w Weekdays) names() []string {
	var out []string
	for i, d := range [...]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		if w&(1<<i) != 0 {
			out = append(out, d)
		}
	}
	return out
}

func (w *jsonWriter) lineKeys(k *LineKeys) {
	w.list("category", k.Category)
	w.list("brand", k.Brand)
	w.list("gtin", k.GTIN)
	w.list("sku", k.SKU)
	w.list("department", k.Department)
	w.list("label", k.Label)
}

func (w *jsonWriter) reward(r *Reward) {
	w.scaled("percent", int64(r.Percent), 4)
	w.amount("fixed", r.Fixed)
	w.amount("per_unit", r.PerUnit)
	if len(r.Ladder) > 0 {
		w.array("ladder", len(r.Ladder), func(i int) {
			if r.Ladder[i].reach {
				w.amount("reach", r.Ladder[i].Spend)
			} else {
				w.amount("spend", r.Ladder[i].Spend)
			}
			w.amount("get", r.Ladder[i].Get)
		})
	}
	w.gifts(r)
	w.number("every", r.Every)
	if r.Pick != Cheapest {
		w.str("pick", r.Pick.String())
	}
	if r.Rounding != money.HalfUp {
		w.str("rounding", r.Rounding.String())
	}
	w.amount("max_per_receipt", r.MaxPerReceipt)
	w.group("max_per_member", func() {
		w.amount("amount", r.MaxPerMember.Amount)
		if r.MaxPerMember.Amount != 0 {
			w.str("per", r.MaxPerMember.Per.String())
		}
	})
}

func (w *jsonWriter) validity(v *Validity) {
	if v.PendingMs != 0 {
		w.str("pending", itoa(v.PendingMs/hourMs)+"h")
	}
	w.group("expires", func() {
		if v.ExpireDays != 0 {
			w.str("after", itoa(int64(v.ExpireDays))+"d")
		}
		if v.byCalendar() {
			w.str("calendar", twoDigits(v.ExpireMonth)+"-"+twoDigits(v.ExpireDay))
		}
	})
}

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

func twoDigits(v int8) string { return string([]byte{byte('0' + v/10), byte('0' + v%10)}) }

func (w *jsonWriter) funding(shares []ledger.Share) {
	if len(shares) == 1 && shares[0].Party == DefaultFunder {
		return
	}
	w.array("funding", len(shares), func(i int) {
		w.str("by", shares[i].Party)
		w.scaled("share", int64(shares[i].Rate), 4)
	})
}
