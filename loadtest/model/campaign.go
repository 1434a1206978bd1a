package model

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
)

// campaign is one version of a campaign, read from its document.
type campaign struct {
	id        string
	version   int32
	effective int64

	from, to  int64 // half-open; to 0: no end
	zone      *time.Location
	openMin   int // local minutes of the day, half-open; -1: all day
	closeMin  int
	weekdays  map[time.Weekday]bool
	shops     []string
	banners   []string
	countries []string
	channels  []string
	include   docLines

	minSpend, minQuantity, minBasket int64

	percentPPM, fixed, perUnit int64
	ladder                     [][2]int64
	every                      int64 // pieces of a group; 0: not by groups
	dearest                    bool
	rounding                   string
	maxReceipt                 int64
	capAmount                  int64
	capPer                     string

	pendingMs        int64
	expireDays       int
	calMonth, calDay int
	group, mode      string
	priority         int64
	holdoutBP        int64
	budget           int64 // 0: none
	recycle          bool
	shopBudget       int64 // per shop and shopPer; 0: none
	shopPer          string
	paced            bool
	funders          []string
	shares           []int64 // ppm

	event    string   // the kind of EVENT it is about; empty: receipts
	notShops []string // that declined
	coupons  []string
	who      who
	extras   extras
	progress *progress // nil: judged receipt by receipt
	tiers    *tiers    // nil unless the document is about tiers
	terms    *terms    // nil unless the document is about spending
	cel      cel.Program
}

// Campaigns is everything that was published: campaigns, tiers and terms.
type Campaigns struct {
	all  []*campaign
	live []epoch // by what was in effect, earliest first
	laws []law
}

// epoch is a span of time in which the same versions are in effect, up to the next.
type epoch struct {
	from      int64
	campaigns []*campaign
}

// Parse reads campaign documents, YAML or JSON. Several may be versions of one campaign. The shipped limits of the law hold.
func Parse(docs ...[]byte) (*Campaigns, error) {
	c := &Campaigns{}
	if err := c.Guard(shippedLaws); err != nil {
		return nil, err
	}
	for _, b := range docs {
		one, err := parseOne(b)
		if err != nil {
			return nil, err
		}
		c.all = append(c.all, one)
	}
	for _, x := range c.all {
		c.live = append(c.live, epoch{x.effective, c.inEffect(x.effective)})
	}
	slices.SortFunc(c.live, func(a, b epoch) int { return cmp.Compare(a.from, b.from) })
	return c, nil
}

// IDs lists the campaigns, each once, in alphabetical order.
func (c *Campaigns) IDs() []string {
	seen := map[string]bool{}
	for _, x := range c.all {
		seen[x.id] = true
	}
	out := make([]string, 0, len(seen))
	for id := range seen {
		out = append(out, id)
	}
	sort.Strings(out)
	return out
}

// Funders says who pays for a version of a campaign, and which share in parts per million.
func (c *Campaigns) Funders(id string, version int32) map[string]int64 {
	out := map[string]int64{}
	for _, x := range c.all {
		if x.id == id && x.version == version {
			for i, f := range x.funders {
				out[f] = x.shares[i]
			}
		}
	}
	return out
}

func parseOne(b []byte) (*campaign, error) {
	d, err := readDocument(b)
	if err != nil {
		return nil, err
	}
	c := &campaign{id: string(d.ID), shops: d.Stores.IDs, banners: d.Stores.Banners, countries: d.Stores.Countries, channels: d.Channels, include: d.Lines}
	p := parser{c: c}
	c.version = int32(p.whole(d.Version, 1))
	p.window(d)
	p.reward(d)
	p.mechanics(d)
	p.validity(&d.Validity)
	c.group, c.mode = string(d.Stacking.Group), orText(d.Stacking.Mode, "stack")
	c.priority = p.whole(d.Priority, 0)
	c.holdoutBP = p.scaled(d.Holdout, 2)
	p.funding(d.Funding)
	c.budget, c.recycle = p.money(d.Budget.Total), d.Budget.Recycle != "false"
	c.shopBudget, c.shopPer, c.paced = p.money(d.Budget.PerStore.Amount), string(d.Budget.PerStore.Per), d.Budget.Pacing == "even"
	if p.err != nil {
		return nil, fmt.Errorf("campaign %s: %w", c.id, p.err)
	}
	return c, nil
}

// parser collects the first error, so that the fields read in a straight line.
type parser struct {
	c   *campaign
	err error
}

func (p *parser) note(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) scaled(s text, n int) int64 {
	v, err := scaled(s, n)
	p.note(err)
	return v
}

func (p *parser) money(s text) int64 { return p.scaled(s, 2) }

func (p *parser) whole(s text, def int64) int64 {
	if s == "" {
		return def
	}
	v, err := strconv.ParseInt(string(s), 10, 64)
	p.note(err)
	return v
}

func orText(s text, def string) string {
	if s == "" {
		return def
	}
	return string(s)
}

func (p *parser) window(d *document) {
	c, w := p.c, d.Window
	zone, err := time.LoadLocation(orText(w.TZ, "Europe/Paris"))
	p.note(err)
	if err != nil {
		return
	}
	c.zone = zone
	c.from = p.moment(w.From, false)
	c.to = p.moment(w.To, true)
	c.effective = c.from
	if d.EffectiveFrom != "" {
		c.effective = p.moment(d.EffectiveFrom, false)
	}
	c.openMin, c.closeMin = -1, -1
	if w.Hours != "" {
		open, shut, _ := strings.Cut(string(w.Hours), "-")
		c.openMin, c.closeMin = p.clock(open), p.clock(shut)
	}
	names := map[string]time.Weekday{"mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6, "sun": 0}
	for _, n := range w.Weekdays {
		day, ok := names[n]
		if !ok {
			p.note(fmt.Errorf("weekday %q", n))
		}
		if c.weekdays == nil {
			c.weekdays = map[time.Weekday]bool{}
		}
		c.weekdays[day] = true
	}
}

func (p *parser) moment(s text, last bool) int64 {
	v, err := moment(s, p.c.zone, last)
	p.note(err)
	return v
}

func (p *parser) clock(s string) int {
	h, m, ok := strings.Cut(strings.TrimSpace(s), ":")
	hour, err1 := strconv.Atoi(h)
	minute, err2 := strconv.Atoi(m)
	if !ok || err1 != nil || err2 != nil {
		p.note(fmt.Errorf("clock %q", s))
	}
	return hour*60 + minute
}

func (p *parser) reward(d *document) {
	c, r := p.c, d.Reward
	c.minSpend, c.minBasket, c.minQuantity = p.money(d.When.MinSpend), p.money(d.When.MinBasket), p.whole(d.When.MinQuantity, 0)
	c.percentPPM, c.fixed, c.perUnit = p.scaled(r.Percent, 4), p.money(r.Fixed), p.money(r.PerUnit)
	for _, s := range r.Ladder {
		c.ladder = append(c.ladder, [2]int64{p.money(s.Spend), p.money(s.Get)}) // what progress reaches is read there
	}
	c.every, c.dearest = p.whole(r.Every, 0), r.Pick == "dearest"
	c.rounding = orText(r.Rounding, "half_up")
	c.maxReceipt, c.capAmount, c.capPer = p.money(r.MaxPerReceipt), p.money(r.MaxPerMember.Amount), orText(r.MaxPerMember.Per, "campaign")
}

func (p *parser) validity(v *docValidity) {
	c := p.c
	ms, err := hours(v.Pending)
	p.note(err)
	c.pendingMs = ms
	if v.Expires.After != "" {
		ms, err := hours(v.Expires.After)
		p.note(err)
		c.expireDays = int(ms / 86_400_000)
	}
	if v.Expires.Calendar != "" {
		t, err := time.Parse("01-02", string(v.Expires.Calendar))
		p.note(err)
		c.calMonth, c.calDay = int(t.Month()), t.Day()
	}
}

func (p *parser) funding(list []docFunding) {
	for _, f := range list {
		p.c.funders = append(p.c.funders, string(f.By))
		p.c.shares = append(p.c.shares, p.scaled(f.Share, 4))
	}
	if len(list) == 0 {
		p.c.funders, p.c.shares = []string{"retailer"}, []int64{1_000_000}
	}
}

// at returns the campaigns in effect at an instant, in the order in which they are judged.
func (c *Campaigns) at(t int64) []*campaign {
	for i := len(c.live) - 1; i >= 0; i-- {
		if c.live[i].from <= t {
			return c.live[i].campaigns
		}
	}
	return nil
}

// inEffect returns the version of each campaign that holds at an instant, in the order of evaluation: priority descending, then id ascending.
func (c *Campaigns) inEffect(t int64) []*campaign {
	best := map[string]*campaign{}
	for _, x := range c.all {
		if b := best[x.id]; x.effective <= t && (b == nil || x.version > b.version) {
			best[x.id] = x
		}
	}
	out := make([]*campaign, 0, len(best))
	for _, x := range best {
		out = append(out, x)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].priority != out[j].priority {
			return out[i].priority > out[j].priority
		}
		return out[i].id < out[j].id
	})
	return out
}
