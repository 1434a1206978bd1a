package rules

import (
	"regexp"
	"slices"

	"cagnotte/pipeline/retail"
)

// Parse reads a campaign document, YAML or JSON. It returns the campaign, or nil and what is wrong, each finding at its line and column.
// Warnings come with a campaign. name is only used in the findings. Parse is bounded in time and memory and never panics.
func Parse(name string, doc []byte) (*Campaign, []Diagnostic) {
	r := &reader{file: name}
	root, ok := r.parseTree(doc)
	if !ok {
		return nil, r.diags
	}
	c := root.campaign()
	if HasErrors(r.diags) {
		return nil, r.sorted()
	}
	root.advise(c)
	return c, r.sorted()
}

// sorted returns the findings in the order of the document.
func (r *reader) sorted() []Diagnostic {
	slices.SortStableFunc(r.diags, func(a, b Diagnostic) int { return cmpOr(a.Line-b.Line, a.Column-b.Column) })
	return r.diags
}

var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (n node) campaign() *Campaign {
	k := n.keys("id", "version", "effective_from", "name", "event", "window", "who", "stores", "channels", "lines", "when", "reward", "terms", "validity",
		"progress", "tiers", "stacking", "priority", "funding", "holdout", "budget", "returns", "notify", "tests")
	at := func(key string) node { return child(k, n, key) }
	c := &Campaign{
		ID:       at("id").id(),
		Version:  int32(at("version").required("a version number").integer(1, 1<<31-1)),
		Name:     at("name").name(),
		Event:    at("event").eventKind(),
		Window:   at("window").required("the window's from and to").window(),
		Who:      at("who").who(),
		Stores:   at("stores").stores(),
		Channels: at("channels").channels(),
		Lines:    at("lines").selector(),
		When:     at("when").when(),
		Tiers:    at("tiers").tiers(),
		Terms:    at("terms").terms(),
		Validity: at("validity").validity(),
		Stacking: at("stacking").stacking(),
		Priority: int32(at("priority").integer(-1_000_000, 1_000_000)),
		Funding:  at("funding").funding(),
		Notify:   at("notify").choice("true", "false") == 0,
	}
	if c.Terms != nil {
		n.onlyTerms(c, k)
	} else {
		c.reward(at("reward"), at("tiers"), at("progress"))
	}
	at("budget").budget(c)
	c.HoldoutBP = int32(at("holdout").percent(2, false))
	at("returns").returns(c)
	c.effective(at("effective_from"))
	c.Tests = at("tests").tests(c)
	return c
}

// required reports an absent value.
func (n node) required(what string) node {
	if !n.given() {
		n.fail(CodeMissing, "the key "+lastKey(n.path)+" is missing", what, "")
	}
	return n
}

func lastKey(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[i+1:]
		}
	}
	return path
}

func (n node) id() string {
	const want = "1 to 64 of a-z, 0-9 and -"
	s := n.required(want).text(256)
	if s != "" && !idPattern.MatchString(s) {
		n.fail(CodeRange, "found "+quoteShort(s), want, "")
		return ""
	}
	return s
}

// effective sets from when the version counts; by default from the start of its window.
func (c *Campaign) effective(n node) {
	loc, err := loadZone(c.Window.TZ)
	if err != nil {
		return // reported at window.tz
	}
	c.EffectiveFrom = c.Window.From
	if n.given() {
		c.EffectiveFrom, c.effectiveText = n.moment(loc, false)
		if c.Window.To != 0 && c.EffectiveFrom >= c.Window.To {
			n.fail(CodeConflict, "the version takes effect after the window has ended", "an instant before window.to", "")
		}
	}
}

func (n node) name() Name {
	n.required("a text, or one per language: {fr: ..., en: ...}")
	if !n.given() {
		return Name{}
	}
	if !n.isGroup() {
		s := n.text(200)
		return Name{s, s}
	}
	k := n.keys("fr", "en")
	name := Name{FR: child(k, n, "fr").text(200), EN: child(k, n, "en").text(200)}
	switch {
	case len(k) == 0:
		n.fail(CodeMissing, "no name is given", "fr, en or both", "")
	case name.FR == "":
		name.FR = name.EN
	case name.EN == "":
		name.EN = name.FR
	}
	return name
}

func (n node) window() Window {
	k := n.keys("from", "to", "tz", "hours", "weekdays")
	tz := child(k, n, "tz")
	loc := tz.zone()
	w := Window{TZ: loc.String(), Hours: child(k, n, "hours").hours(), Weekdays: child(k, n, "weekdays").weekdays()}
	if n.given() {
		w.From, w.fromText = child(k, n, "from").required(wantMoment).moment(loc, false)
	}
	w.To, w.toText = child(k, n, "to").moment(loc, true)
	if w.From != 0 && w.To != 0 && w.To <= w.From {
		child(k, n, "to").fail(CodeConflict, "the window ends before it begins: "+w.toText, "a moment after "+w.fromText, "")
	}
	return w
}

var hoursPattern = regexp.MustCompile(`^(\d\d:\d\d)-(\d\d:\d\d)$`)

func (n node) hours() Hours {
	if !n.given() {
		return Hours{}
	}
	const want = `hours such as "08:00-21:00"`
	s, ok := n.scalar(want)
	if !ok {
		return Hours{}
	}
	m := hoursPattern.FindStringSubmatch(s)
	if m == nil {
		n.fail(CodeDate, "found "+quoteShort(s), want, "put the hours in quotes")
		return Hours{}
	}
	from, okFrom := clock(m[1])
	to, okTo := clock(m[2])
	if !okFrom || !okTo {
		n.fail(CodeDate, "found "+quoteShort(s), want, "the day ends at 24:00")
		return Hours{}
	}
	if to <= from {
		n.fail(CodeConflict, "the hours end before they begin: "+s, "hours within one day", "write two campaigns of one stacking group for a night")
		return Hours{}
	}
	if from == 0 && to == 24*60 {
		return Hours{}
	}
	return Hours{from, to}
}

func (n node) weekdays() Weekdays {
	var set Weekdays
	for _, v := range n.list() {
		if i := v.choice("mon", "tue", "wed", "thu", "fri", "sat", "sun"); i >= 0 {
			if set&(1<<i) != 0 {
				v.fail(CodeDuplicate, "the weekday is given twice", "each weekday once", "")
			}
			set |= 1 << i
		}
	}
	if set == 1<<7-1 {
		return 0
	}
	return set
}

func (n node) stores() Stores {
	k := n.keys("ids", "banners", "countries", "exclude_ids")
	s := Stores{
		IDs:        child(k, n, "ids").texts(128),
		Banners:    child(k, n, "banners").texts(64),
		Countries:  child(k, n, "countries").texts(2),
		ExcludeIDs: child(k, n, "exclude_ids").texts(128),
	}
	if n.given() && len(s.IDs)+len(s.Banners)+len(s.Countries)+len(s.ExcludeIDs) == 0 {
		n.fail(CodeMissing, "no store is named", "ids, banners, countries or exclude_ids", "leave stores out to mean every store")
	}
	for _, id := range s.ExcludeIDs {
		if known(id, s.IDs) {
			child(k, n, "exclude_ids").fail(CodeConflict, quoteShort(id)+" is also in ids", "shops that take part, or that do not", "")
		}
	}
	return s
}

func (n node) channels() []retail.Channel {
	var out []retail.Channel
	var seen uint32
	for _, v := range n.list() {
		i := v.choice("IN_STORE", "SELF_CHECKOUT", "SCAN_AND_GO", "DRIVE", "ONLINE", "CLICK_COLLECT", "DELIVERY")
		if i < 0 {
			continue
		}
		if seen&(1<<i) != 0 {
			v.fail(CodeDuplicate, "the channel is given twice", "each channel once", "")
		}
		seen |= 1 << i
		out = append(out, retail.Channel(i+1))
	}
	return out
}

func (n node) selector() Selector {
	k := n.keys("category", "brand", "gtin", "sku", "department", "label", "exclude")
	ex := child(k, n, "exclude")
	s := Selector{Include: n.lineKeys(k), Exclude: ex.lineKeys(ex.keys("category", "brand", "gtin", "sku", "department", "label"))}
	if n.given() && s.Include.empty() && s.Exclude.empty() {
		n.fail(CodeMissing, "no product is named", "category, brand, gtin, sku, department, label or exclude", "leave lines out to mean every line")
	}
	return s
}

func (n node) lineKeys(k map[string]node) LineKeys {
	keys := LineKeys{
		Category: child(k, n, "category").texts(512), Brand: child(k, n, "brand").texts(256), GTIN: child(k, n, "gtin").texts(64),
		SKU: child(k, n, "sku").texts(128), Department: child(k, n, "department").texts(256), Label: child(k, n, "label").labels(),
	}
	for _, c := range keys.Category {
		if c[0] == '/' || c[len(c)-1] == '/' {
			child(k, n, "category").fail(CodeRange, "found "+quoteShort(c), "a path such as GROCERY/COFFEE, without a slash at its ends", "")
		}
	}
	return keys
}
