package rules_test

import (
	"fmt"
	"slices"
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// A small world, so that random campaigns and baskets meet often.
var (
	someCategories  = []string{"A", "A/B", "A/B/C", "A/BB", "D", "D/E", ""}
	someBrands      = []string{"X", "Y", "Z", ""}
	someGTINs       = []string{"1", "2", "3", ""}
	someSKUs        = []string{"s1", "s2", ""}
	someDepartments = []string{"P", "Q", ""}
	someLabels      = []string{"organic", "eco", ""}
	someShops       = []retail.Shop{{ID: "S1", Banner: "hyper", Country: "FR"}, {ID: "S2", Banner: "super", Country: "FR"}, {ID: "S3", Banner: "super", Country: "BE"}}
)

func pickOf[T any](t *rapid.T, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

// subset draws a non-empty list without empty texts, or nothing.
func subset(t *rapid.T, from []string, label string) []string {
	if rapid.IntRange(0, 2).Draw(t, label+"?") != 0 {
		return nil
	}
	var out []string
	for _, s := range from {
		if s != "" && rapid.Bool().Draw(t, label) {
			out = append(out, s)
		}
	}
	return out
}

func yamlList(key string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: ['%s']", key, strings.Join(values, "','"))
}

func flow(parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		return ""
	}
	return "{" + strings.Join(some, ", ") + "}"
}

func lineKeysDoc(t *rapid.T, label string) string {
	return strings.Trim(flow(
		yamlList("category", subset(t, someCategories, label+"category")), yamlList("brand", subset(t, someBrands, label+"brand")),
		yamlList("gtin", subset(t, someGTINs, label+"gtin")), yamlList("sku", subset(t, someSKUs, label+"sku")),
		yamlList("department", subset(t, someDepartments, label+"department")), yamlList("label", subset(t, someLabels, label+"label")),
	), "{}")
}

// campaignDoc draws a document. group fixes the stacking modes, so that documents agree.
func campaignDoc(t *rapid.T, id string, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\nversion: %d\nname: N\n", id, version)
	fmt.Fprintf(&b, "window: {from: 2026-12-0%d", rapid.IntRange(1, 3).Draw(t, "from"))
	if rapid.Bool().Draw(t, "ends") {
		fmt.Fprintf(&b, ", to: 2026-12-0%d", rapid.IntRange(4, 6).Draw(t, "to"))
	}
	if rapid.IntRange(0, 3).Draw(t, "hours?") == 0 {
		b.WriteString(`, hours: "06:00-18:00", weekdays: [tue, wed, thu, fri]`)
	}
	b.WriteString("}\n")
	if version > 1 {
		fmt.Fprintf(&b, "effective_from: 2026-12-0%dT08:00:00+01:00\n", rapid.IntRange(1, 3).Draw(t, "effective"))
	}
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, value)
		}
	}
	line("stores", flow(yamlList("ids", subset(t, []string{"S1", "S2"}, "ids")), yamlList("banners", subset(t, []string{"hyper", "super"}, "banners")),
		yamlList("countries", subset(t, []string{"FR", "BE"}, "countries")), yamlList("exclude_ids", subset(t, []string{"S3"}, "declined"))))
	line("channels", strings.Trim(yamlList("", subset(t, []string{"IN_STORE", "DRIVE"}, "channels")), ": "))
	exclude := lineKeysDoc(t, "not ")
	if exclude != "" {
		exclude = "exclude: {" + exclude + "}"
	}
	line("lines", flow(lineKeysDoc(t, ""), exclude))
	line("when", whenDoc(t))
	event := pickOf(t, []string{"", "", "", "", "recycling"}, "event")
	line("event", event)
	reward, plain := rewardDoc(t, id, event != "")
	line("reward", reward)
	if plain {
		line("stacking", pickOf(t, []string{"", "", "{group: best, mode: best_for_member}", "{group: first, mode: first}", "{group: all}"}, "stacking"))
	}
	line("validity", pickOf(t, []string{"", "{pending: 48h, expires: {after: 30d}}", `{expires: {calendar: "03-01"}}`}, "validity"))
	line("priority", fmt.Sprint(rapid.IntRange(-1, 1).Draw(t, "priority")))
	line("holdout", pickOf(t, []string{"", "30"}, "holdout"))
	return b.String()
}

func whenDoc(t *rapid.T) string {
	at := func(key, unit string, hi int) string {
		if rapid.IntRange(0, 3).Draw(t, key+"?") != 0 {
			return ""
		}
		return fmt.Sprintf("%s: %d%s", key, rapid.IntRange(1, hi).Draw(t, key), unit)
	}
	return flow(at("min_spend", ".50", 20), at("min_quantity", "", 4), at("min_basket", ".00", 40), pickOf(t, []string{"", "", "", "", "coupon: [K1, K2]"}, "coupon"))
}

// rewardDoc draws a reward; plain ones may compete in a stacking group.
func rewardDoc(t *rapid.T, id string, event bool) (doc string, plain bool) {
	kinds := []string{
		"percent: 7.5", "percent: 33.3333, rounding: floor", "percent: 100", "fixed: 1.00", "per_unit: 0.35",
		"percent: 100, every: 3", "percent: 50, every: 2, pick: dearest", "fixed: 0.80, every: 4",
		"ladder: [{spend: 5.00, get: 0.50}, {spend: 15.00, get: 2.00}]", "points: {get: 3, for: 2.50}", "draw: {chance: 50, prize: 1.50, seed: s}",
	}
	special := pickOf(t, []string{"", "", "", "", "times", "marker", "wallet"}, "special")
	if special == "marker" {
		markers := []string{"badge: explorer", "event: {kind: referral, to: referrer}, badge: b", "event: {kind: sold, to: operator}"}
		if event {
			markers = markers[:1]
		}
		return flow(pickOf(t, markers, "marker")), false
	}
	limit := pickOf(t, []string{"", "max_per_receipt: 2.00"}, "receipt cap")
	member := pickOf(t, []string{"", "", "max_per_member: {amount: 3.00, per: campaign}", "max_per_member: {amount: 1.50, per: day}"}, "member cap")
	more := pickOf(t, []string{"", "", "badge: b", "donate: {to: red-cross, share: 20}"}, "more")
	switch special {
	case "times":
		others := slices.DeleteFunc([]string{"c0", "c1", "c2", "c9"}, func(s string) bool { return s == id })
		factor := pickOf(t, []string{"factor: 2, of: [%s]}", "factor: 1.35, of: [%s]}, rounding: floor"}, "times")
		return flow("times: {"+fmt.Sprintf(factor, strings.Join(others, ", ")), limit, member, more), false
	case "wallet":
		return flow(pickOf(t, kinds, "reward"), "wallet: points", limit, member, more), false
	}
	return flow(pickOf(t, kinds, "reward"), limit, member, more), true
}

// campaigns draws a set with up to two versions of each.
func campaigns(t *rapid.T, most int) []*rules.Campaign {
	var out []*rules.Campaign
	for i := range rapid.IntRange(1, most).Draw(t, "campaigns") {
		for v := range rapid.IntRange(1, 3).Draw(t, "versions") {
			doc := campaignDoc(t, fmt.Sprintf("c%d", i), v+1)
			c, ds := rules.Parse("gen.yaml", []byte(doc))
			if c == nil {
				t.Fatalf("%s\n%v", doc, ds)
			}
			out = append(out, c)
		}
	}
	return out
}

// compiled draws rulesets until one compiles: versions of one campaign may disagree on a group's mode.
func compiled(t *rapid.T, all []*rules.Campaign) *rules.Ruleset {
	return compiledUnder(t, someRails(t), all)
}

func someRails(t *rapid.T) *rules.Guardrails {
	if rapid.Bool().Draw(t, "guard-rails") {
		return smallRails(t)
	}
	return nil
}

func compiledUnder(t *rapid.T, g *rules.Guardrails, all []*rules.Campaign) *rules.Ruleset {
	rs, err := rules.CompileWith(g, all)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// smallRails limit what may be given in the small world.
func smallRails(t *rapid.T) *rules.Guardrails {
	g, ds := rules.ParseGuardrails("rails.yaml", []byte(`
rails:
  - {id: food, class: {category: A/B}, kind: max_percent, percent: 34, attachment: product, source: s, note: n}
  - {id: late, class: {category: [A, D/E], brand: X}, to: 2026-12-03, kind: max_percent, percent: 7, attachment: product, source: s, note: n}
  - {id: books, class: {department: Q, gtin_prefix: "2", except: {category: A/BB}}, countries: [FR], kind: max_percent, percent: 5, attachment: basket, source: s, note: n}
  - {id: hard, class: {category: A/B/C, gtin_prefix: "3", except: {brand: Y}}, channels: [DRIVE, IN_STORE], kind: never, source: s, note: n}
`))
	if g == nil {
		t.Fatal(ds)
	}
	return g
}

// basket draws a sale or an exchange.
func basket(t *rapid.T, id string) *retail.Receipt {
	r := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Sale, Currency: "EUR", Shop: pickOf(t, someShops, "shop"),
		Channel: pickOf(t, []retail.Channel{retail.InStore, retail.Drive, retail.Online}, "channel"),
		// Between 30 November and 8 December 2026.
		EndedAt: retail.Instant(rapid.Int64Range(1_796_000_000_000, 1_796_700_000_000).Draw(t, "ended"))}
	if rapid.IntRange(0, 4).Draw(t, "exchange") == 0 {
		r.Type = retail.Exchange
	}
	if rapid.IntRange(0, 4).Draw(t, "event") == 0 {
		r.Type, r.Attributes = retail.Event, []retail.Attribute{{Key: "event", Value: pickOf(t, []string{"recycling", "recycling", "game"}, "kind")}}
	}
	r.Coupons = pickOf(t, [][]string{nil, {"K2"}, {"K9", "K1"}}, "coupons")
	for i := range rapid.IntRange(1, 8).Draw(t, "lines") {
		l := basketLine(t, r.Type)
		l.No = int32(i + 1)
		r.Lines = append(r.Lines, l)
		r.Total += l.Net
	}
	if rapid.IntRange(0, 2).Draw(t, "discount?") == 0 {
		off := money.Amount(rapid.Int64Range(1, 600).Draw(t, "discount"))
		r.Discounts = []retail.Discount{{Amount: -off}}
		r.Total -= off
	}
	return r
}

func basketLine(t *rapid.T, kind retail.ReceiptType) retail.Line {
	l := retail.Line{
		Kind: retail.SaleLine, Category: pickOf(t, someCategories, "category"), Brand: pickOf(t, someBrands, "brand"), GTIN: pickOf(t, someGTINs, "gtin"),
		SKU: pickOf(t, someSKUs, "sku"), Department: pickOf(t, someDepartments, "department"),
		Labels: pickOf(t, [][]string{nil, nil, {"organic"}, {"other", "eco", "organic"}}, "labels"),
		Net:    money.Amount(rapid.Int64Range(0, 2000).Draw(t, "net")), Unit: retail.Each, QuantityMilli: 1000 * rapid.Int64Range(1, 4).Draw(t, "pieces"),
	}
	if rapid.IntRange(0, 3).Draw(t, "off?") == 0 {
		l.Gross = l.Net + money.Amount(rapid.Int64Range(0, 300).Draw(t, "off"))
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		l.Ineligible = true
	case 1:
		l.Kind = retail.Deposit
	case 2:
		l.Unit, l.QuantityMilli = retail.Kilogram, rapid.Int64Range(1, 3000).Draw(t, "grams")
	case 3:
		l.Kind = retail.Service
	case 4:
		if kind == retail.Exchange {
			l.Kind, l.Net, l.QuantityMilli = retail.ReturnLine, -l.Net, -l.QuantityMilli
		}
	}
	return l
}

// returnsOf draws return lines of a basket: by line number, by product, of lines that do not exist, and more than was bought.
func returnsOf(t *rapid.T, r *retail.Receipt) []retail.Line {
	var out []retail.Line
	for range rapid.IntRange(0, 6).Draw(t, "returns") {
		of := r.Lines[rapid.IntRange(0, len(r.Lines)-1).Draw(t, "of")]
		l := retail.Line{No: int32(len(out) + 1), Kind: retail.ReturnLine, ReturnOfLine: of.No,
			Net: -money.Amount(rapid.Int64Range(0, int64(of.Net.Abs())+5).Draw(t, "back")), QuantityMilli: -1000 * rapid.Int64Range(0, 3).Draw(t, "pieces back")}
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0, 2:
			l.ReturnOfLine, l.GTIN, l.SKU = 0, of.GTIN, of.SKU
		case 1:
			l.ReturnOfLine = 99
		}
		out = append(out, l)
	}
	return out
}
