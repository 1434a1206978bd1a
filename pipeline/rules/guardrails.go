package rules

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Guardrails are the legal limits on what may be given for a product, as dated configuration. They are immutable once parsed.
type Guardrails struct{ rails []Rail }

// Rail is one limit. Its dates and places are those of the receipt.
type Rail struct {
	ID         string
	Class      RailClass
	Countries  []string // empty: every country
	Channels   []retail.Channel
	From, To   retail.Instant // half-open; To is 0 when it has no end
	Kind       RailKind
	Max        money.Rate // of the price, for MaxPercent
	Attachment Attachment
	Source     string
	Note       Name
}

// RailClass says which lines a limit is about: any value of any key, and none of Except.
type RailClass struct {
	ClassKeys
	Except ClassKeys
}

// ClassKeys lists products by what a till knows of them. A category is a path prefix on whole segments.
type ClassKeys struct{ Category, Department, Brand, GTINPrefix []string }

// RailKind says what a limit does.
type RailKind uint8

// Kinds of limits.
const (
	MaxPercent RailKind = iota // what is given for a line stays within a share of its price
	Never                      // the line counts for no campaign and no threshold
)

// Attachment says what a reward hangs on. A campaign that names products is attached to them; one for the whole basket, less exclusions, is not.
// Of a limit it says which rewards count against it: with OnProduct those attached to products, with OnBasket all.
type Attachment uint8

// Attachments.
const (
	OnProduct Attachment = iota
	OnBasket
)

// Bounds of a configuration.
const maxRails = 64

//go:embed guardrails.yaml
var guardrailsDoc []byte

// GuardrailsDoc returns the shipped configuration, to be read and adapted.
func GuardrailsDoc() []byte { return slices.Clone(guardrailsDoc) }

// DefaultGuardrails returns the shipped limits: French and European law, over the categories of the shipped range.
func DefaultGuardrails() *Guardrails { return shippedGuardrails() }

var shippedGuardrails = sync.OnceValue(func() *Guardrails {
	g, findings := ParseGuardrails("guardrails.yaml", guardrailsDoc)
	if g == nil {
		panic(fmt.Sprintf("rules: embedded guard-rails: %v", findings)) // cannot happen: the file is part of the program
	}
	return g
})

// Rails lists the limits in the order of the document. The slice is shared: do not change it.
func (g *Guardrails) Rails() []Rail { return g.rails }

// ParseGuardrails reads a configuration, YAML or JSON; nil when a finding is an error. It is bounded and never panics, as Parse.
func ParseGuardrails(name string, doc []byte) (*Guardrails, []Diagnostic) {
	r := &reader{file: name}
	root, ok := r.parseTree(doc)
	if !ok {
		return nil, r.diags
	}
	g := &Guardrails{}
	list := child(root.keys("rails"), root, "rails").required("a list of limits").list()
	if len(list) > maxRails {
		root.fail(CodeTooLarge, fmt.Sprintf("%d limits", len(list)), fmt.Sprintf("at most %d", maxRails), "")
		return nil, r.sorted()
	}
	seen := map[string]bool{}
	for _, v := range list {
		rail := v.rail()
		if seen[rail.ID] && rail.ID != "" {
			v.fail(CodeDuplicate, "the limit "+quoteShort(rail.ID)+" is given twice", "each id once", "")
		}
		seen[rail.ID] = true
		g.rails = append(g.rails, rail)
	}
	if HasErrors(r.diags) {
		return nil, r.sorted()
	}
	return g, r.sorted()
}

func (n node) rail() Rail {
	k := n.keys("id", "class", "countries", "channels", "from", "to", "kind", "percent", "attachment", "source", "note")
	at := func(key string) node { return child(k, n, key) }
	zone, err := loadZone(DefaultZone)
	if err != nil {
		zone = time.UTC
	}
	r := Rail{
		ID: at("id").id(), Class: at("class").required("products").railClass(), Countries: at("countries").texts(2), Channels: at("channels").channels(),
		Max: money.Rate(at("percent").percent(4, true)), Source: at("source").required("where the limit is written").text(1000), Note: at("note").name(),
	}
	r.From, _ = at("from").moment(zone, false)
	r.To, _ = at("to").moment(zone, true)
	if r.To != 0 && r.To <= r.From {
		at("to").fail(CodeConflict, "the limit ends before it begins", "a day after from", "")
	}
	if at("kind").required("max_percent or never").choice("max_percent", "never") == 1 {
		r.Kind, r.Attachment = Never, OnBasket
	}
	if at("attachment").choice("product", "basket") == 1 {
		r.Attachment = OnBasket
	}
	switch percent := at("percent"); {
	case r.Kind == MaxPercent && !percent.given():
		n.fail(CodeMissing, "the key percent is missing", "the largest share of the price", "")
	case r.Kind == Never && percent.given():
		percent.fail(CodeConflict, "never leaves no share", "no percent", "")
	}
	return r
}

func (n node) railClass() RailClass {
	k := n.keys("category", "department", "brand", "gtin_prefix", "except")
	ex := child(k, n, "except")
	c := RailClass{ClassKeys: n.classKeys(k), Except: ex.classKeys(ex.keys("category", "department", "brand", "gtin_prefix"))}
	if n.given() && len(c.Category)+len(c.Department)+len(c.Brand)+len(c.GTINPrefix) == 0 {
		n.fail(CodeMissing, "no product is named", "category, department, brand or gtin_prefix", "")
	}
	return c
}

var prefixPattern = regexp.MustCompile(`^[0-9]{1,13}$`)

func (n node) classKeys(k map[string]node) ClassKeys {
	c := ClassKeys{Category: child(k, n, "category").texts(512), Department: child(k, n, "department").texts(256),
		Brand: child(k, n, "brand").texts(256), GTINPrefix: child(k, n, "gtin_prefix").texts(13)}
	for _, p := range c.GTINPrefix {
		if !prefixPattern.MatchString(p) {
			child(k, n, "gtin_prefix").fail(CodeRange, "found "+quoteShort(p), "1 to 13 digits", "put them in quotes")
		}
	}
	return c
}

// shelf reports whether a line's category, department or brand is named.
func (k *ClassKeys) shelf(category, department, brand string) bool {
	return slices.ContainsFunc(k.Category, func(p string) bool { return under(category, p) }) ||
		department != "" && slices.Contains(k.Department, department) || brand != "" && slices.Contains(k.Brand, brand)
}

// product reports whether a line's number begins as one of the class.
func (k *ClassKeys) product(gtin string) bool {
	if len(k.GTINPrefix) == 0 || gtin == "" {
		return false
	}
	gtin = gtin13(gtin)
	for _, p := range k.GTINPrefix {
		if strings.HasPrefix(gtin, p) {
			return true
		}
	}
	return false
}

// gtin13 drops the indicator of a number of 14 digits that stands for the single piece.
func gtin13(gtin string) string {
	if len(gtin) == 14 && gtin[0] == '0' {
		return gtin[1:]
	}
	return gtin
}

// binds reports whether the limit holds for receipts of this instant and channel.
func (r *Rail) binds(t retail.Instant, ch retail.Channel) bool {
	return r.From <= t && (r.To == 0 || t < r.To) && (len(r.Channels) == 0 || slices.Contains(r.Channels, ch))
}

// String returns the word of the grammar.
func (k RailKind) String() string { return pick(k, "max_percent", "never") }

// String returns the word of the grammar.
func (a Attachment) String() string { return pick(a, "product", "basket") }

// Attachment says what the campaign's reward hangs on.
func (c *Campaign) Attachment() Attachment {
	if c.Lines.Include.empty() {
		return OnBasket
	}
	return OnProduct
}
