package model

import (
	"fmt"
	"strings"
)

// who is what a campaign asks of the member.
type who struct {
	segments, notSegments, consent, tiers []string
	optIn, first, referred                bool
	club                                  string
	enrolledMs                            int64 // -1: not asked
	birthdayDays                          int   // -1: not asked
}

// anybody says that nothing is asked.
func (w *who) anybody() bool {
	return len(w.segments)+len(w.notSegments)+len(w.consent)+len(w.tiers) == 0 && !w.optIn && !w.first && !w.referred && w.club == "" && w.enrolledMs < 0 && w.birthdayDays < 0
}

// extras are the kinds of reward beside those of a plain percentage, sum, ladder or group.
type extras struct {
	pointsGet, pointsFor int64
	timesPPM             int64 // of what the others desire: factor 2 is 1,000,000; 0: no multiplier
	timesOf              []string
	drawPPM, prize       int64
	seed                 string
	emitKind, emitTo     string
	wallet               string
	charity              string
	charityPPM           int64
	badge                string
}

// progress is what must add up before the reward is given.
type progress struct {
	objectives  []objective
	need        int
	per         string // day, week, month, year, campaign or rolling
	rollingDays int
	repeat      bool
	max         int64
	streak      int64
	keep        bool // what was completed stays once it can be spent
}

// objective is one thing to be counted. A progress without objectives has one.
type objective struct {
	lines  docLines
	count  string
	target int64
}

// ladder of tiers.
type tiers struct {
	count   string
	per     string
	names   []string
	from    []int64
	oneDown bool
	grace   int
}

// terms say how a wallet is spent.
type terms struct {
	minPurchase, minAmount, sharePPM, negativeLimit int64
	holdMs, onlineMs                                int64
	wallet                                          string
}

func (p *parser) mechanics(d *document) {
	c := p.c
	c.event = string(d.Event)
	c.notShops = d.Stores.ExcludeIDs
	c.coupons = d.When.Coupon
	c.who = p.who(&d.Who)
	p.extras(&d.Reward)
	p.progress(d)
	p.tiers(d.Tiers)
	p.terms(d.Terms)
	if d.When.CEL != "" {
		p.note(p.c.compile(string(d.When.CEL)))
	}
}

func (p *parser) who(d *docWho) who {
	w := who{segments: d.Segments, notSegments: d.NotSegments, consent: d.Consent, tiers: d.Tiers, club: string(d.Club), enrolledMs: -1, birthdayDays: -1,
		optIn: d.OptIn == "true", first: d.FirstReceipt == "true", referred: d.Referred == "true"}
	if d.EnrolledWithin != "" {
		w.enrolledMs = p.span(d.EnrolledWithin)
	}
	if d.BirthdayWithin != "" {
		w.birthdayDays = int(p.span(d.BirthdayWithin) / dayMs)
	}
	return w
}

const dayMs = 86_400_000

// span reads Nm, Nh or Nd in ms.
func (p *parser) span(s text) int64 {
	if minutes, ok := strings.CutSuffix(string(s), "m"); ok {
		return 60_000 * p.whole(text(minutes), 0)
	}
	ms, err := hours(s)
	p.note(err)
	return ms
}

func (p *parser) extras(r *docReward) {
	x := &p.c.extras
	if r.Points != nil {
		x.pointsGet, x.pointsFor = p.money(r.Points.Get), p.money(r.Points.For)
	}
	if r.Times != nil {
		x.timesPPM, x.timesOf = p.scaled(r.Times.Factor, 6)-1_000_000, r.Times.Of
	}
	if r.Draw != nil {
		x.drawPPM, x.prize, x.seed = p.scaled(r.Draw.Chance, 4), p.money(r.Draw.Prize), string(r.Draw.Seed)
	}
	if r.Event != nil {
		x.emitKind, x.emitTo = string(r.Event.Kind), string(r.Event.To)
	}
	x.wallet, x.charity, x.charityPPM, x.badge = string(r.Wallet), string(r.Donate.To), p.scaled(r.Donate.Share, 4), string(r.Badge)
}

func (p *parser) progress(d *document) {
	in := d.Progress
	if in == nil {
		return
	}
	out := &progress{per: orText(in.Per.calendar, "campaign"), repeat: in.Repeat == "true", max: p.whole(in.Max, 0), streak: p.whole(in.Streak, 0), keep: d.Returns.progress == "keep_once_completed"}
	if in.Per.rolling != "" {
		out.per, out.rollingDays = "rolling", int(p.span(in.Per.rolling)/dayMs)
	}
	for _, o := range in.Objectives {
		out.objectives = append(out.objectives, objective{o.Lines, orText(o.Count, "pieces"), p.target(o.Count, o.Target)})
	}
	if len(in.Objectives) == 0 {
		out.objectives = []objective{{d.Lines, orText(in.Count, "pieces"), p.target(in.Count, in.Target)}}
	}
	out.need = int(p.whole(in.Need, int64(len(out.objectives))))
	p.c.ladder = nil
	for _, s := range d.Reward.Ladder {
		p.c.ladder = append(p.c.ladder, [2]int64{p.target(in.Count, s.Reach), p.money(s.Get)})
	}
	p.c.progress = out
}

// target is an amount where money is counted, else a number.
func (p *parser) target(count, s text) int64 {
	if count == "spend" || count == "amount" {
		return p.money(s)
	}
	return p.whole(s, 0)
}

func (p *parser) tiers(d *docTiers) {
	if d == nil {
		return
	}
	t := &tiers{count: orText(d.Count, "spend"), per: orText(d.Per, "year"), oneDown: d.Downgrade == "one_down", grace: int(p.span(d.Grace) / dayMs)}
	for _, l := range d.Levels {
		t.names, t.from = append(t.names, string(l.Name)), append(t.from, p.target(text(t.count), l.From))
	}
	if len(t.names) == 0 {
		p.note(fmt.Errorf("tiers without levels"))
	}
	p.c.tiers = t
}

func (p *parser) terms(d *docTerms) {
	if d == nil {
		return
	}
	p.c.terms = &terms{minPurchase: p.money(d.MinPurchase), minAmount: p.money(d.MinAmount), sharePPM: p.scaled(d.MaxShare, 4), negativeLimit: p.money(d.NegativeLimit),
		holdMs: p.span(d.Hold), onlineMs: p.span(d.HoldOnline), wallet: string(d.Wallet)}
	p.c.terms.fill(d)
	p.c.shops, p.c.notShops, p.c.banners, p.c.countries = d.Stores.IDs, d.Stores.ExcludeIDs, d.Stores.Banners, d.Stores.Countries
}

// fill sets what the document leaves out.
func (t *terms) fill(d *docTerms) {
	if d.MaxShare == "" {
		t.sharePPM = 1_000_000
	}
	if d.Hold == "" {
		t.holdMs = 15 * 60_000
	}
	if d.HoldOnline == "" {
		t.onlineMs = 2 * 3_600_000
	}
	if d.NegativeLimit == "" {
		t.negativeLimit = noLimit
	}
}
