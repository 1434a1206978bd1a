package schemas

import (
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

const (
	minCampaignCell = 19
	minShopCell     = 4
)

func appendMetrics(dst []byte, m *MetricBatch) []byte {
	for _, v := range [...]int64{
		int64(m.Partition), m.Counter, int64(m.AsOf), int64(m.CommittedAt), int64(m.EventAt), m.InputOffset, m.LagRecords, m.Receipts,
		m.Members, m.Duplicates, m.Rejected, m.Forwarded, int64(m.Net), int64(m.GrantedMinor), int64(m.ReversedMinor),
	} {
		dst = appendLong(dst, v)
	}
	dst = appendBlock(dst, len(m.Campaigns))
	for i := range m.Campaigns {
		dst = appendCampaignCell(dst, &m.Campaigns[i])
	}
	dst = appendBlock(appendEnd(dst), len(m.Shops))
	for i := range m.Shops {
		dst = appendStr(dst, m.Shops[i].Shop)
		dst = appendLong(dst, m.Shops[i].Receipts)
		dst = appendLong(dst, m.Shops[i].Members)
		dst = appendLong(dst, int64(m.Shops[i].Net))
	}
	return appendEnd(dst)
}

func appendCampaignCell(dst []byte, c *CampaignCell) []byte {
	dst = appendStr(dst, c.Campaign)
	dst = appendLong(dst, int64(c.Version))
	dst = appendEnum(dst, c.Arm, armSymbols)
	dst = appendLong(dst, int64(c.Minute))
	dst = appendLong(dst, c.Considered)
	dst = appendLong(dst, c.Qualified)
	dst = appendLong(dst, c.Rewarded)
	dst = appendLong(dst, int64(c.BasketSum))
	dst = appendDouble(dst, c.BasketSumSq)
	dst = appendLong(dst, int64(c.Granted))
	dst = appendLong(dst, int64(c.Reversed))
	return appendLong(dst, int64(c.Ghost))
}

func readMetrics(d *reader, m *MetricBatch) {
	m.Partition = d.int32("partition")
	m.Counter = d.long("counter")
	m.AsOf = d.instant("as_of")
	m.CommittedAt = d.instant("committed_at")
	m.EventAt = d.instant("event_at")
	m.InputOffset = d.long("input_offset")
	m.LagRecords = d.long("lag_records")
	m.Receipts = d.long("receipts")
	m.Members = d.long("members")
	m.Duplicates = d.long("duplicates")
	m.Rejected = d.long("rejected")
	m.Forwarded = d.long("forwarded")
	m.Net = d.amount("net_minor")
	m.GrantedMinor = d.amount("granted_minor")
	m.ReversedMinor = d.amount("reversed_minor")
	readCampaignCells(d, m)
	readShopCells(d, m)
}

func readCampaignCells(d *reader, m *MetricBatch) {
	m.Campaigns = m.Campaigns[:0]
	for n := d.block("campaigns", minCampaignCell); n > 0; n = d.block("campaigns", minCampaignCell) {
		at := len(m.Campaigns)
		m.Campaigns = extend(m.Campaigns, n)
		for i := at; i < at+n; i++ {
			readCampaignCell(d, &m.Campaigns[i])
			if d.within("campaigns", i) {
				return
			}
		}
	}
}

func readCampaignCell(d *reader, c *CampaignCell) {
	c.Campaign = d.str("campaign")
	c.Version = d.int32("campaign_version")
	c.Arm = rules.Arm(d.enum("arm", armSymbols))
	c.Minute = d.instant("minute")
	c.Considered = d.long("considered")
	c.Qualified = d.long("qualified")
	c.Rewarded = d.long("rewarded")
	c.BasketSum = d.amount("basket_sum_minor")
	c.BasketSumSq = d.double("basket_sum_sq")
	c.Granted = d.amount("granted_minor")
	c.Reversed = d.amount("reversed_minor")
	c.Ghost = d.amount("ghost_minor")
}

func readShopCells(d *reader, m *MetricBatch) {
	m.Shops = m.Shops[:0]
	for n := d.block("shops", minShopCell); n > 0; n = d.block("shops", minShopCell) {
		at := len(m.Shops)
		m.Shops = extend(m.Shops, n)
		for i := at; i < at+n; i++ {
			c := &m.Shops[i]
			c.Shop = retail.ShopID(d.str("store_id"))
			c.Receipts = d.long("receipts")
			c.Members = d.long("members")
			c.Net = d.amount("net_minor")
			if d.within("shops", i) {
				return
			}
		}
	}
}
