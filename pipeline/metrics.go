package pipeline

import (
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
)

// metricsBuilder adds up what one task's open transaction did. Cells appear in the order of their first touch, so that the batch is deterministic.
type metricsBuilder struct {
	batch schemas.MetricBatch
	cells map[cellKey]int
	shops map[retail.ShopID]int
}

type cellKey struct {
	campaign uint64
	version  int32
	arm      rules.Arm
	minute   retail.Instant
}

const minuteMs = 60_000

func (m *metricsBuilder) reset(partition int32) {
	if m.cells == nil {
		m.cells, m.shops = map[cellKey]int{}, map[retail.ShopID]int{}
	}
	clear(m.cells)
	clear(m.shops)
	m.batch = schemas.MetricBatch{Partition: partition, Campaigns: m.batch.Campaigns[:0], Shops: m.batch.Shops[:0]}
}

// accept counts an accepted receipt. Training receipts count nowhere, and an event is not a receipt, nor is what takes it back.
func (m *metricsBuilder) accept(r *retail.Receipt) {
	if r.Training || r.AboutEvent() {
		return
	}
	i, ok := m.shops[r.Shop.ID]
	if !ok {
		i = len(m.batch.Shops)
		m.shops[r.Shop.ID] = i
		m.batch.Shops = append(m.batch.Shops, schemas.ShopCell{Shop: r.Shop.ID})
	}
	shop := &m.batch.Shops[i]
	if claimOf(r) == "" { // else it was counted when it came without an account
		shop.Receipts++
		shop.Net += r.Total
		m.batch.Receipts++
		m.batch.Net += r.Total
	}
	if r.Loyalty.AccountID != "" {
		shop.Members++
		m.batch.Members++
	}
}

// decide counts the results of one receipt by campaign, arm and event minute.
func (m *metricsBuilder) decide(r *retail.Receipt, results []rules.Result) {
	minute := r.EndedAt - r.EndedAt%minuteMs
	for i := range results {
		res := &results[i]
		c := m.cell(res, minute)
		c.Considered++
		c.BasketSum += r.Total
		c.BasketSumSq += float64(r.Total) * float64(r.Total)
		if res.Desired > 0 && res.Outcome != rules.Reversed {
			c.Qualified++
		}
		switch {
		case res.Outcome == rules.HeldOut:
			c.Ghost += res.Desired
		case res.Granted > 0:
			c.Rewarded++
			c.Granted += res.Granted
		case res.Granted < 0:
			c.Reversed -= res.Granted
		}
	}
}

func (m *metricsBuilder) cell(res *rules.Result, minute retail.Instant) *schemas.CampaignCell {
	k := cellKey{res.CampaignKey, res.Version, res.Arm, minute}
	i, ok := m.cells[k]
	if !ok {
		i = len(m.batch.Campaigns)
		m.cells[k] = i
		m.batch.Campaigns = append(m.batch.Campaigns, schemas.CampaignCell{Campaign: res.Campaign, Version: res.Version, Arm: res.Arm, Minute: minute})
	}
	return &m.batch.Campaigns[i]
}

// book counts money by what was posted.
func (m *metricsBuilder) book(entries []ledger.Entry) {
	for i := range entries {
		e := &entries[i]
		if e.Wallet != "" { // points are not money
			continue
		}
		switch e.Kind {
		case ledger.Earn:
			m.batch.GrantedMinor += e.Amount
		case ledger.Reverse:
			m.batch.ReversedMinor += money.Amount(e.Amount).Neg()
		}
	}
}
