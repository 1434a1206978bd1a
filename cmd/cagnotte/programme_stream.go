package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"cagnotte/loadtest"
	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/programmes"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// tradeOf turns a programme's demo stream into what the generator sells.
func tradeOf(p *programmes.Programme) (*loadtest.Trade, error) {
	s := &p.About.Stream
	t := &loadtest.Trade{
		Prefix: s.Prefix, Operators: max(s.Operators, 1), NewcomersBP: int(s.Shares.Newcomers), ReferredBP: int(s.Shares.Referred),
	}
	for _, f := range s.Formats {
		t.Formats = append(t.Formats, loadtest.Format{Banner: f.Banner, Country: f.Country, Share: int(f.Share / 100), Terminals: f.Terminals, Weight: f.Weight, Lines: f.Lines})
	}
	for _, c := range s.Channels {
		ch, ok := retail.ParseChannel(c.Channel)
		if !ok {
			return nil, fmt.Errorf("programme %s: unknown channel %q", p.Name, c.Channel)
		}
		t.Channels = append(t.Channels, loadtest.ChannelShare{Channel: ch, Share: int(c.Share)})
	}
	for i := range s.Shelves {
		shelf, err := shelfOf(&s.Shelves[i])
		if err != nil {
			return nil, fmt.Errorf("programme %s: %w", p.Name, err)
		}
		t.Shelves = append(t.Shelves, shelf)
	}
	for i := range s.Events {
		e, err := eventOf(&s.Events[i])
		if err != nil {
			return nil, fmt.Errorf("programme %s: %w", p.Name, err)
		}
		t.Events = append(t.Events, e)
	}
	return t, nil
}

func shelfOf(s *programmes.Shelf) (loadtest.Shelf, error) {
	out := loadtest.Shelf{
		Category: s.Category, Department: s.Department, Names: s.Names, Brands: s.Brands, Labels: s.Labels, Articles: s.Articles,
		Low: money.Amount(s.Price[0]), High: money.Amount(s.Price[1]), Unit: retail.Each, VATBP: int32(s.VAT), Weight: s.Weight,
		Kind: retail.SaleLine, Excluded: s.Excluded, Pieces: int64(s.Pieces),
	}
	var ok bool
	if s.Unit != "" {
		if out.Unit, ok = retail.ParseUnit(s.Unit); !ok {
			return out, fmt.Errorf("shelf %s: unknown unit %q", s.Category, s.Unit)
		}
	}
	if s.Kind != "" {
		if out.Kind, ok = retail.ParseLineKind(s.Kind); !ok {
			return out, fmt.Errorf("shelf %s: unknown kind %q", s.Category, s.Kind)
		}
	}
	return out, nil
}

func eventOf(e *programmes.Event) (loadtest.EventShare, error) {
	out := loadtest.EventShare{Kind: e.Kind, Per10k: e.Per10k}
	for _, key := range slices.Sorted(maps.Keys(e.Attributes)) {
		out.Attributes = append(out.Attributes, loadtest.EventAttribute{Key: key, Values: e.Attributes[key]})
	}
	if len(e.Amount) > 0 {
		out.AmountLow, out.AmountHigh = money.Amount(e.Amount[0]), money.Amount(e.Amount[1])
	}
	if e.Line != nil {
		kind, ok := retail.ParseLineKind(e.Line.Kind)
		if !ok {
			return out, fmt.Errorf("event %s: unknown kind of line %q", e.Kind, e.Line.Kind)
		}
		out.Line = &loadtest.EventLine{
			Category: e.Line.Category, SKU: e.Line.SKU, Kind: kind, Pieces: int64(e.Line.Pieces),
			Low: money.Amount(e.Line.Price[0]), High: money.Amount(e.Line.Price[1]),
		}
	}
	return out, nil
}

// effectsOf lets every campaign with a holdout add the demo's lift to its treatment.
func effectsOf(campaigns []*rules.Campaign) []loadtest.Effect {
	var out []loadtest.Effect
	for _, c := range campaigns {
		if c.HoldoutBP > 0 {
			out = append(out, loadtest.Effect{Campaign: c.ID, HoldoutBP: int(c.HoldoutBP), ExtraLines: demoLift})
		}
	}
	return out
}

// Of the stream that programme test runs: eight weeks in which each member shops about once a week, as far as that takes.
const (
	testStreamWeeks = 8
	testStreamItems = 30_000
	testStreamStart = 1_793_055_600_000 // 2026-10-27 00:00 in Paris: the shipped campaigns are live
)

// checkStream holds what a programme promises as a whole against a run of its campaigns over its own demo stream.
func checkStream(ctx context.Context, p *programmes.Programme, report *programmes.Report) error {
	if report.Failed() > 0 {
		return nil // campaigns that do not do what they say need no further look
	}
	src, err := newProgrammeSource(p)
	if err != nil {
		return exitf(ExitInvalid, "%w", err)
	}
	r, err := backtest.Run(ctx, src, backtest.Options{Drafts: p.Campaigns, Mixed: true, Currency: p.About.Currency, Source: "demo stream of " + p.Name})
	if err != nil {
		return fmt.Errorf("programme %s: %w", p.Name, err)
	}
	p.CheckCost(report, programmes.Cost{Spend: src.spend, Granted: inCurrency(p, r)})
	var idle []string
	for i := range r.Campaigns {
		if c := &r.Campaigns[i]; !awards(c) && !p.Silent(c.ID) {
			idle = append(idle, c.ID)
		}
	}
	p.CheckStream(report, programmes.Run{Receipts: r.Archive.Receipts, Members: r.Archive.Members, Refused: r.Archive.Refused, Idle: idle})
	return nil
}

// inCurrency is what campaigns gave in money; points are none. The report has them in the order of the drafts.
func inCurrency(p *programmes.Programme, r *backtest.Report) (minor int64) {
	for i, doc := range p.Campaigns {
		if doc.Reward.Wallet == "" {
			minor += r.Campaigns[i].Cost.NetMinor
		}
	}
	return minor
}

func awards(c *backtest.Campaign) bool {
	return slices.ContainsFunc(c.Outcomes, func(o backtest.Outcome) bool {
		return o.Results > 0 && (o.Outcome == rules.Awarded.String() || o.Outcome == rules.Capped.String())
	})
}

// programmeSource is the demo stream of a programme as a backtest reads it.
type programmeSource struct {
	g     *loadtest.Generator
	item  loadtest.Item
	left  int
	spend int64 // of members
}

func newProgrammeSource(p *programmes.Programme) (*programmeSource, error) {
	t, err := tradeOf(p)
	if err != nil {
		return nil, err
	}
	s := &p.About.Stream
	o := loadtest.Options{
		Seed: s.Seed, Start: testStreamStart, Members: min(s.Members, testStreamItems/testStreamWeeks), Shops: s.Shops, Trade: t,
		PerDay: testStreamItems / (7.0 * testStreamWeeks), AnonymousBP: share(s.Shares.Anonymous), ReturnBP: share(s.Shares.Returns),
		MalformedBP: -1, ConflictBP: -1, MisplacedBP: -1,
	}
	g, err := loadtest.New(o)
	if err != nil {
		return nil, err
	}
	return &programmeSource{g: g, left: testStreamItems}, nil
}

// share turns a percentage into the generator's form, in which -1 is none.
func share(p programmes.Percent) int {
	if p == 0 {
		return -1
	}
	return int(p)
}

// Chunk implements backtest.Source.
func (s *programmeSource) Chunk() backtest.Chunk { return &programmeChunk{source: s} }

// Progress implements backtest.Source.
func (s *programmeSource) Progress() (done, total int64) {
	return int64(testStreamItems - s.left), testStreamItems
}

// programmeChunk holds some receipts of the stream: copies, since the generator uses its own again.
type programmeChunk struct {
	source   *programmeSource
	receipts []retail.Receipt
	next     int
}

const programmeChunkItems = 1000

// Read implements backtest.Chunk.
func (c *programmeChunk) Read(context.Context) error {
	s := c.source
	if s.left == 0 {
		return io.EOF
	}
	n := min(programmeChunkItems, s.left)
	s.left -= n
	c.receipts, c.next = make([]retail.Receipt, 0, n), 0
	for range n {
		s.item = loadtest.Item{} // a fresh one for each receipt, so that nothing is shared between them
		s.g.Next(&s.item)
		r := s.item.Receipt
		if r.Loyalty.AccountID != "" && r.Type != retail.Event && s.item.Kind != loadtest.KindDuplicate {
			s.spend += int64(r.Total)
		}
		c.receipts = append(c.receipts, r)
	}
	return nil
}

// Decode implements backtest.Chunk.
func (c *programmeChunk) Decode(into []retail.Receipt, most int) ([]retail.Receipt, int64, error) {
	n := min(most, len(c.receipts)-c.next)
	into = append(into, c.receipts[c.next:c.next+n]...)
	c.next += n
	return into, 0, nil
}
