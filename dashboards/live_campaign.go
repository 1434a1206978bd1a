package dashboards

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"cagnotte/pipeline/measure"
	"cagnotte/pipeline/rules"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// detail builds one campaign's page: its blocks are read side by side, and one that fails is named instead of being shown as zero.
func (l *live) detail(ctx context.Context, id string) (CampaignDetail, error) {
	began := time.Now()
	c := l.catalog.current(id, began)
	if c == nil {
		return CampaignDetail{}, errUnknownCampaign
	}
	l.mu.Lock()
	rates := l.rates
	l.mu.Unlock()
	d := CampaignDetail{ID: id, NowMs: began.UnixMilli(), Zone: l.opts.Location.String(), Currency: l.opts.Currency, Row: l.row(c, rates, began), Rule: ruleOf(c)}
	d.apply(memberMoments{}, int(c.HoldoutBP))
	d.Traffic.Uplift = measure.StoreUplift(nil, level)
	if l.store == nil {
		for _, block := range []string{"members", "stores", "cost", "outcomes"} {
			d.Unavailable = append(d.Unavailable, Unavailable{block, "unreachable"})
		}
		return d, nil
	}
	l.readBlocks(ctx, c, &d)
	d.TookMs = time.Since(began).Milliseconds()
	return d, nil
}

// readBlocks fills the blocks that come from ClickHouse. A block that fails keeps its last good state.
func (l *live) readBlocks(ctx context.Context, c *rules.Campaign, d *CampaignDetail) {
	var wg sync.WaitGroup
	var members memberMoments
	errs := make([]error, 4)
	wg.Go(func() { members, errs[0] = l.store.memberStats(ctx, c) })
	wg.Go(func() { d.Cost, errs[2] = l.store.cost(ctx, c) })
	wg.Go(func() { d.Outcomes, errs[3] = l.store.outcome(ctx, c.ID) })
	var traffic Traffic
	wg.Go(func() { traffic, errs[1] = l.store.traffic(ctx, c) })
	wg.Wait()
	if members.asOfMs != 0 {
		d.apply(members, int(c.HoldoutBP))
		d.AsOfMs = members.asOfMs
		d.Row.Participation = members.participation()
		l.setRate(c.ID, d.Row.Participation) // the row and the page agree
	}
	if traffic.Uplift.Method != "" {
		d.Traffic = traffic
	}
	for i, block := range []string{"members", "stores", "cost", "outcomes"} {
		if errs[i] != nil {
			l.opts.Logger.Debug("a block of a campaign page failed", "campaign", c.ID, "block", block, "error", errs[i])
			d.Unavailable = append(d.Unavailable, Unavailable{block, causeOf(errs[i])})
		}
	}
}

// tooSlow is ClickHouse's code for a query that ran out of its time.
const tooSlow = 159

// causeOf puts an error into a word that the pages translate.
func causeOf(err error) string {
	var engine *clickhouse.Exception
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &engine) && engine.Code == tooSlow:
		return "timeout"
	case errors.As(err, &network), errors.Is(err, clickhouse.ErrAcquireConnTimeout):
		return "unreachable"
	}
	return "failed"
}
