package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// Ruleset is every version of every campaign, compiled and indexed. It is immutable and safe for concurrent use.
type Ruleset struct {
	number    int64
	campaigns []*Campaign // by (id, version)
	rules     []rule      // in evaluation order: priority descending, id, version
	ids       map[uint64]string
	byVersion map[versionKey]int32 // into rules
	index     index
	rails     railSet
	notifies  bool    // some campaign tells each of its rewards
	multiply  bool    // some campaign multiplies others
	products  bool    // some campaign counts products
	tiers     []int32 // rules that give levels
	terms     []rule  // documents that are terms
	claims    bool    // some of them let members claim receipts
}

type versionKey struct {
	campaign uint64
	version  int32
}

// rule is one version of a campaign in the form evaluation reads.
type rule struct {
	doc        *Campaign
	id         string
	key        uint64
	version    int32
	loc        *time.Location
	chosen     span // event times at which this is the version to use
	window     span
	considered span   // chosen, and at most nearMiss after the window: outside, the campaign is not mentioned
	shops      int32  // into index.shops, -1: every shop
	channels   uint16 // bit per retail.Channel, 0: every channel
	include    lineSet
	exclude    int32          // into index.excludes, -1: none
	everyLine  bool           // no product is named, only excluded ones at most
	clock      bool           // hours or weekdays
	group      int32          // stacking group, 0: none
	attach     Attachment     // of the reward
	byPercent  bool           // a percentage of each line
	byPiece    bool           // an amount for each piece
	byStore    bool           // the shop of the sale pays a part
	byLabel    bool           // products are named by label, maybe among other things
	event      bool           // about events, not receipts
	gift       gift           // what few rewards have
	extra      *extra         // nil: only what a return judges again
	salt       string         // id + "|"
	funding    []ledger.Share // shared with results
	indexed    bool           // lines lead to it
	state      stateful
}

// nearMiss is how long after its window a campaign still says OUT_OF_WINDOW to baskets with its products; later it is silent, so that past
// campaigns cost nothing.
const nearMiss = 7 * dayMs

// Compile builds the ruleset of the given campaign versions. All versions of a campaign are given: which one counts is chosen by event time,
// the greatest version with EffectiveFrom <= the receipt's close. The order of the input does not matter. It refuses the same version twice,
// and campaigns of one stacking group that disagree on the mode while both can count. The shipped guard-rails bound what is given.
func Compile(campaigns []*Campaign) (*Ruleset, error) {
	return CompileWith(DefaultGuardrails(), campaigns)
}

// CompileWith is Compile under other guard-rails; nil: none.
func CompileWith(g *Guardrails, campaigns []*Campaign) (*Ruleset, error) {
	rs := &Ruleset{campaigns: slices.Clone(campaigns), ids: map[uint64]string{}, byVersion: map[versionKey]int32{}}
	rs.rails.build(g)
	slices.SortFunc(rs.campaigns, func(a, b *Campaign) int {
		return cmpOr(strings.Compare(a.ID, b.ID), int(a.Version)-int(b.Version))
	})
	for _, c := range rs.campaigns {
		r, err := newRule(c)
		if err != nil {
			return nil, err
		}
		if known, ok := rs.ids[r.key]; ok && known != c.ID {
			return nil, fmt.Errorf("compile campaigns: %q and %q have one key: rename one", known, c.ID)
		}
		rs.ids[r.key] = c.ID
		rs.rules = append(rs.rules, r)
		rs.notifies = rs.notifies || r.doc.Notify
		rs.multiply = rs.multiply || len(r.gift.times) > 0
	}
	if err := rs.chooseVersions(); err != nil {
		return nil, err
	}
	if err := rs.takeTerms(); err != nil {
		return nil, err
	}
	rs.expand()
	slices.SortStableFunc(rs.rules, func(a, b rule) int {
		return cmpOr(int(b.doc.Priority)-int(a.doc.Priority), strings.Compare(a.id, b.id), int(a.version)-int(b.version))
	})
	for i := range rs.rules {
		rs.byVersion[versionKey{rs.rules[i].key, rs.rules[i].version}] = int32(i)
	}
	rs.parents()
	if err := rs.groups(); err != nil {
		return nil, err
	}
	rs.index.build(rs.rules)
	return rs, nil
}

func cmpOr(vs ...int) int {
	for _, v := range vs {
		if v != 0 {
			return v
		}
	}
	return 0
}

// CampaignKey is the key under which lots and footprints remember a campaign.
func CampaignKey(id string) uint64 { return xxhash.Sum64String(id) }

func newRule(c *Campaign) (rule, error) {
	loc, err := loadZone(c.Window.TZ)
	if err != nil {
		return rule{}, fmt.Errorf("compile campaign %s version %d: %w", c.ID, c.Version, err)
	}
	r := rule{
		doc: c, id: c.ID, key: CampaignKey(c.ID), version: c.Version, loc: loc,
		chosen: span{c.EffectiveFrom, forever}, window: span{c.Window.From, forever},
		shops: -1, exclude: -1,
		everyLine: c.Lines.Include.empty(),
		clock:     c.Window.Hours != Hours{} || c.Window.Weekdays != 0,
		attach:    c.Attachment(),
		byPercent: c.Reward.Percent != 0 && c.Reward.Every == 0,
		byPiece:   c.Reward.PerUnit != 0,
		byStore:   slices.ContainsFunc(c.Funding, func(s ledger.Share) bool { return s.Party == ledger.Store }),
		byLabel:   len(c.Lines.Include.Label) > 0,
		event:     c.Event != "",
		extra:     newExtra(c),
		gift:      newGift(c),
		salt:      c.ID + "|",
		funding:   slices.Clone(c.Funding),
	}
	if c.Window.To != 0 {
		r.window.to = c.Window.To
	}
	for _, ch := range c.Channels {
		r.channels |= 1 << ch
	}
	return r, nil
}

// chooseVersions gives each version the span of event times in which it is the one to use. rules are sorted by (id, version).
func (rs *Ruleset) chooseVersions() error {
	until := forever
	for i := len(rs.rules) - 1; i >= 0; i-- {
		r := &rs.rules[i]
		if i+1 == len(rs.rules) || rs.rules[i+1].id != r.id {
			until = forever
		} else if rs.rules[i+1].version == r.version {
			return fmt.Errorf("compile campaigns: %s version %d is given twice", r.id, r.version)
		}
		r.chosen.to = until
		until = min(until, r.chosen.from)
		r.considered = r.chosen
		if r.window.to != forever {
			r.considered.to = min(r.considered.to, r.window.to+nearMiss)
		}
	}
	return nil
}

// groups numbers the stacking groups and checks that their campaigns agree.
func (rs *Ruleset) groups() error {
	numbers := map[string]int32{}
	members := map[int32][]*rule{}
	for i := range rs.rules {
		r := &rs.rules[i]
		g := r.doc.Stacking.Group
		if g == "" || r.chosen.from >= r.chosen.to {
			continue
		}
		if numbers[g] == 0 {
			numbers[g] = int32(len(numbers) + 1)
		}
		r.group = numbers[g]
		members[r.group] = append(members[r.group], r)
	}
	for _, m := range members {
		if err := agree(m); err != nil {
			return err
		}
		if err := comparable(m); err != nil {
			return err
		}
	}
	return nil
}

// agree compares each campaign with the spans of the modes before it; few groups have more than one mode, so the pairs are few.
func agree(members []*rule) error {
	var byMode [3][]*rule
	for _, r := range members {
		byMode[r.doc.Stacking.Mode] = append(byMode[r.doc.Stacking.Mode], r)
	}
	for a := range byMode {
		for b := a + 1; b < len(byMode); b++ {
			if x, y := overlapping(byMode[a], byMode[b]); x != nil {
				return fmt.Errorf("compile campaigns: %s and %s are both in stacking group %q with modes %v and %v: all campaigns of a group must agree",
					x.id, y.id, x.doc.Stacking.Group, x.doc.Stacking.Mode, y.doc.Stacking.Mode)
			}
		}
	}
	return nil
}

func overlapping(as, bs []*rule) (*rule, *rule) {
	for _, a := range as {
		for _, b := range bs {
			from := max(a.chosen.from, b.chosen.from, a.window.from, b.window.from)
			to := min(a.chosen.to, b.chosen.to, a.window.to, b.window.to)
			if from < to {
				return a, b
			}
		}
	}
	return nil, nil
}

// Version is the number given by WithVersion; decisions carry it.
func (rs *Ruleset) Version() int64 { return rs.number }

// WithVersion returns the ruleset under a number, such as the offset of the last campaign document in it. The compiled rules are shared.
func (rs *Ruleset) WithVersion(v int64) *Ruleset {
	c := *rs
	c.number = v
	return &c
}

// CampaignID implements ledger.Names.
func (rs *Ruleset) CampaignID(key uint64) string { return rs.ids[key] }

// Campaigns returns all versions, sorted by (id, version). The slice is the ruleset's: do not change it.
func (rs *Ruleset) Campaigns() []*Campaign { return rs.campaigns }

// At returns the version of a campaign that counts at an event time, or nil.
func (rs *Ruleset) At(id string, t retail.Instant) *Campaign {
	key := CampaignKey(id)
	for i := range rs.rules {
		if rs.rules[i].key == key && rs.rules[i].chosen.holds(t) {
			return rs.rules[i].doc
		}
	}
	return nil
}

var _ ledger.Names = (*Ruleset)(nil)

// reward returns what the matching lines earn before any limit. Conditions that do not hold give zero. The basket is only read by a threshold on
// it: the total of an exchange may be negative, and a footprint without such a threshold keeps too few lines to know it.
func (r *rule) reward(b *basis, basket money.Amount) money.Amount {
	rw := &r.doc.Reward
	if !r.passes(b, basket) {
		return 0
	}
	switch {
	case rw.Every != 0: // some groups: how much, see nth
		return money.Amount(min(b.groups(rw.Every), 1))
	case rw.Percent != 0:
		return rw.Percent.Of(b.net, rw.Rounding)
	case rw.Fixed != 0:
		return rw.Fixed
	case rw.PerUnit != 0:
		return perUnit(rw.PerUnit, b.pieces)
	case rw.Points.Get != 0:
		return rw.Points.of(b.net)
	case rw.Draw.Prize != 0: // when it is won, see play
		return rw.Draw.Prize
	default: // a multiplier and a marker have no steps: see multiply
		return rw.step(b.net)
	}
}

// perUnit saturates: a quantity is bounded, a product of bounds is not.
func perUnit(each money.Amount, pieces int64) money.Amount {
	if pieces <= 0 || each <= 0 {
		return 0
	}
	if pieces > int64(money.Max/each) {
		return money.Max
	}
	return each * money.Amount(pieces)
}

func (rw *Reward) step(spend money.Amount) (get money.Amount) {
	for _, s := range rw.Ladder {
		if spend < s.Spend {
			break
		}
		get = s.Get
	}
	return get
}
