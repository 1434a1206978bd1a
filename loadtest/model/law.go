package model

import (
	_ "embed"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// law is one limit on what may be given for a product.
type law struct {
	class     docClass
	countries []string
	channels  []string
	from, to  int64 // half-open; to 0: no end
	never     bool
	ppm       int64 // of the price
	basket    bool  // every reward counts against it, not only those of campaigns that name products
}

type docLaws struct {
	Rails []docLaw `yaml:"rails"`
}

type docLaw struct {
	ID         text     `yaml:"id"`
	Class      docClass `yaml:"class"`
	Countries  texts    `yaml:"countries"`
	Channels   texts    `yaml:"channels"`
	From       text     `yaml:"from"`
	To         text     `yaml:"to"`
	Kind       text     `yaml:"kind"`
	Percent    text     `yaml:"percent"`
	Attachment text     `yaml:"attachment"`
	Source     any      `yaml:"source"`
	Note       any      `yaml:"note"`
}

type docClass struct {
	Category   texts    `yaml:"category"`
	Department texts    `yaml:"department"`
	Brand      texts    `yaml:"brand"`
	GTINPrefix texts    `yaml:"gtin_prefix"`
	Except     docOther `yaml:"except"`
}

type docOther struct {
	Category   texts `yaml:"category"`
	Department texts `yaml:"department"`
	Brand      texts `yaml:"brand"`
	GTINPrefix texts `yaml:"gtin_prefix"`
}

// The auditor's own copy of the shipped limits: a test of the command compares the two.
//
//go:embed guardrails.yaml
var shippedLaws []byte

// ShippedGuardrails returns the limits that Parse sets.
func ShippedGuardrails() []byte { return append([]byte(nil), shippedLaws...) }

// Guard replaces the limits of the law by those of a configuration document; an empty one means none.
func (cs *Campaigns) Guard(doc []byte) error {
	var d docLaws
	if err := yaml.UnmarshalWithOptions(doc, &d, yaml.Strict()); err != nil && len(doc) > 0 {
		return fmt.Errorf("read guard-rails: %w", err)
	}
	cs.laws = nil
	for i := range d.Rails {
		l, err := readLaw(&d.Rails[i])
		if err != nil {
			return fmt.Errorf("guard-rail %s: %w", d.Rails[i].ID, err)
		}
		cs.laws = append(cs.laws, l)
	}
	return nil
}

func readLaw(d *docLaw) (law, error) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return law{}, err
	}
	l := law{class: d.Class, countries: d.Countries, channels: d.Channels, never: d.Kind == "never", basket: d.Attachment == "basket"}
	if l.from, err = moment(d.From, zone, false); err != nil {
		return law{}, err
	}
	if l.to, err = moment(d.To, zone, true); err != nil {
		return law{}, err
	}
	l.ppm, err = scaled(d.Percent, 4)
	return l, err
}

func (l *law) holds(b *basket) bool {
	return b.endedAt >= l.from && (l.to == 0 || b.endedAt < l.to) && oneOf(l.channels, b.channel) && (b.country == "" || oneOf(l.countries, b.country))
}

func (l *law) about(x *line) bool {
	c, e := &l.class, &l.class.Except
	return named(c.Category, c.Department, c.Brand, c.GTINPrefix, x) && !named(e.Category, e.Department, e.Brand, e.GTINPrefix, x)
}

func named(categories, departments, brands, prefixes []string, x *line) bool {
	number := x.gtin
	if len(number) == 14 {
		number = strings.TrimPrefix(number, "0")
	}
	for _, p := range prefixes {
		if strings.HasPrefix(number, p) {
			return true
		}
	}
	in := func(list []string, s string) bool { return len(list) > 0 && s != "" && oneOf(list, s) }
	return underAny(categories, x.category) || in(departments, x.department) || in(brands, x.brand)
}

// subject notes on each line of a sale what the law says of it. What may never be rewarded counts for nothing, the basket's total included.
func (cs *Campaigns) subject(b *basket) {
	for k := range cs.laws {
		w := &cs.laws[k]
		if !w.holds(b) {
			continue
		}
		for i := range b.lines {
			l := &b.lines[i]
			switch {
			case !w.about(l):
			case w.never && !l.never:
				l.never, l.eligible = true, false
				b.total -= l.paid
			case w.basket:
				l.allPPM = tighter(l.allPPM, w.ppm)
			default:
				l.productPPM = tighter(l.productPPM, w.ppm)
			}
		}
	}
}

func tighter(a, b int64) int64 {
	if a == 0 || b < a {
		return b
	}
	return a
}

// purse is what the law still leaves to be given for one line, in millionths of a cent; -1: no limit.
type purse struct{ product, all int64 }

// purses computes them for what is left of a basket. The share of the price, less the till's discounts, goes down with what is left of the line.
func (b *basket) purses() []purse {
	out := make([]purse, len(b.lines))
	for i := range b.lines {
		l := &b.lines[i]
		out[i] = purse{l.leaves(l.productPPM, 0), l.leaves(l.allPPM, max(l.net-l.bought, 0))}
	}
	return out
}

func (l *line) leaves(ppm, share int64) int64 {
	if ppm == 0 || l.paid <= 0 {
		return -1
	}
	price := max(l.gross, l.net)
	whole := max(price*ppm-(price-l.net+share)*1_000_000, 0)
	part := new(big.Int).Mul(big.NewInt(whole), big.NewInt(l.paid))
	return part.Quo(part, big.NewInt(l.bought)).Int64()
}

// namesProducts says that the campaign's reward is attached to products.
func (c *campaign) namesProducts() bool {
	in := &c.include
	return len(in.Category)+len(in.Brand)+len(in.GTIN)+len(in.SKU)+len(in.Department)+len(in.Label) > 0
}

// scope is which lines a reward is attached to, and how the law looks at it.
type scope struct {
	campaign *campaign
	lines    []int // positions
	product  bool  // attached to products
	byLine   bool  // each line has its own part
}

// scope is that of a campaign's own reward.
func (c *campaign) scope(b *basket) scope {
	return scope{c, c.lines(b), c.namesProducts(), c.every == 0 && (c.percentPPM > 0 || c.perUnit > 0)}
}

func (c *campaign) lines(b *basket) (out []int) {
	for i := range b.lines {
		if l := &b.lines[i]; l.rewardable(b.kind) && c.matches(l) {
			out = append(out, i)
		}
	}
	return out
}

// legal reduces a reward to what the purses of its lines allow. It returns what may be given, and what of it falls on which line.
func (s *scope) legal(reward int64, b *basket, purses []purse) (int64, []int64) {
	use, limited, free := make([]int64, len(purses)), false, false
	for _, i := range s.lines {
		limited = limited || s.purse(purses[i]) >= 0
		free = free || s.purse(purses[i]) < 0 && b.lines[i].paid > 0
	}
	switch {
	case reward == 0 || !limited:
		return reward, use
	case s.byLine:
		return s.legalByLine(reward, b, purses, free, use)
	case free:
		return reward, use
	}
	room := int64(0)
	for _, i := range s.lines {
		room += max(s.purse(purses[i]), 0)
	}
	reward = min(reward, room/1_000_000)
	s.fill(reward*1_000_000, purses, use)
	return reward, use
}

// purse is the one that the reward meets.
func (s *scope) purse(p purse) int64 {
	if s.product && p.product >= 0 && (p.all < 0 || p.product < p.all) {
		return p.product
	}
	return p.all
}

// fill spreads an amount over the purses in the order of the lines, on top of what is used already.
func (s *scope) fill(amount int64, purses []purse, use []int64) (rest int64) {
	for _, i := range s.lines {
		part := min(amount, max(s.purse(purses[i])-use[i], 0))
		use[i], amount = use[i]+part, amount-part
	}
	return amount
}

// legalByLine cuts each line's own part. When a line is cut, the sum is rounded down; so it is when what rounding adds finds no purse.
func (s *scope) legalByLine(reward int64, b *basket, purses []purse, free bool, use []int64) (int64, []int64) {
	sum, cut := int64(0), false
	for _, i := range s.lines {
		part := b.lines[i].paid * s.campaign.percentPPM
		if s.campaign.perUnit > 0 {
			part = s.campaign.perUnit * b.lines[i].pieces() * 1_000_000
		}
		if room := s.purse(purses[i]); room >= 0 && part > room {
			part, cut = room, true
		}
		sum += part
		use[i] = max(part, 0)
	}
	down := max(product(sum, 1, 1_000_000, "floor"), 0)
	if over := reward*1_000_000 - sum; cut || over > 0 && !free && s.room(purses, use) < over {
		return min(down, reward), use
	} else if over > 0 && !free {
		s.fill(over, purses, use)
	}
	return reward, use
}

func (s *scope) room(purses []purse, use []int64) (sum int64) {
	for _, i := range s.lines {
		sum += max(s.purse(purses[i])-use[i], 0)
	}
	return sum
}

// spend takes what is given from the purses.
func (s *scope) spend(purses []purse, use []int64) {
	for i := range purses {
		if s.product && purses[i].product >= 0 {
			purses[i].product = max(purses[i].product-use[i], 0)
		}
		if purses[i].all >= 0 {
			purses[i].all = max(purses[i].all-use[i], 0)
		}
	}
}
