package sink

import (
	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// metrics builds cagnotte_raw.metric_batches: one row per batch, its cells as nested parts.
type metrics struct {
	*table
	codec *schemas.Codec
	batch schemas.MetricBatch // reused

	task                                               *proto.ColInt32
	counter, inputOffset, lag                          *proto.ColInt64
	asOf, committed, event                             *instants
	receipts, members, duplicates, rejected, forwarded *proto.ColInt64
	net, granted, reversed                             *amounts
	cells, shops                                       group
	cell                                               cellColumns
	shop                                               *words
	shopReceipts, shopMembers                          *proto.ColInt64
	shopNet                                            *amounts
	from                                               lineage
}

// cellColumns is the nested part cells.
type cellColumns struct {
	campaign, arm                       *words
	version                             *proto.ColInt32
	minute                              *instants
	considered, qualified, rewarded     *proto.ColInt64
	basketSum, granted, reversed, ghost *amounts
	basketSumSq                         *proto.ColFloat64
}

func newMetrics(o *Options, _ partitioner) builder {
	b := &metrics{table: newTable("metric_batches"), codec: o.Codec}
	c := b.columns()
	b.task, b.counter = c.int32("task_partition"), c.int64("counter")
	b.asOf, b.committed, b.event = c.instant("as_of"), c.instant("committed_at"), c.instant("event_at")
	b.inputOffset, b.lag = c.int64("input_offset"), c.int64("lag_records")
	b.receipts, b.members, b.duplicates = c.int64("receipts"), c.int64("members"), c.int64("duplicates")
	b.rejected, b.forwarded = c.int64("rejected"), c.int64("forwarded")
	b.net, b.granted, b.reversed = c.amount("net_minor"), c.amount("granted_minor"), c.amount("reversed_minor")
	b.cell = declareCells(b.columns(&b.cells))
	c = b.columns(&b.shops)
	b.shop, b.shopReceipts, b.shopMembers = c.word("shops.store_id"), c.int64("shops.receipts"), c.int64("shops.members")
	b.shopNet = c.amount("shops.net_minor")
	b.from = b.lineage()
	b.seal()
	return b
}

func declareCells(c columns) cellColumns {
	return cellColumns{
		campaign: c.word("cells.campaign"), version: c.int32("cells.campaign_version"), arm: c.word("cells.arm"), minute: c.instant("cells.minute"),
		considered: c.int64("cells.considered"), qualified: c.int64("cells.qualified"), rewarded: c.int64("cells.rewarded"),
		basketSum: c.amount("cells.basket_sum_minor"), basketSumSq: c.float("cells.basket_sum_sq"), granted: c.amount("cells.granted_minor"),
		reversed: c.amount("cells.reversed_minor"), ghost: c.amount("cells.ghost_minor"),
	}
}

func (b *metrics) base() *table { return b.table }

func (b *metrics) add(r *kgo.Record) error {
	m := &b.batch
	if err := b.codec.DecodeMetrics(r.Value, m); err != nil {
		return err
	}
	b.addCounters(m)
	for i := range m.Campaigns {
		b.cell.add(&m.Campaigns[i])
	}
	b.cells.end()
	for i := range m.Shops {
		s := &m.Shops[i]
		b.shop.Append(string(s.Shop))
		b.shopReceipts.Append(s.Receipts)
		b.shopMembers.Append(s.Members)
		b.shopNet.Append(s.Net)
	}
	b.shops.end()
	b.from.add(r)
	return nil
}

func (b *metrics) addCounters(m *schemas.MetricBatch) {
	b.task.Append(m.Partition)
	b.counter.Append(m.Counter)
	b.asOf.Append(m.AsOf)
	b.committed.Append(m.CommittedAt)
	b.event.Append(m.EventAt)
	b.inputOffset.Append(m.InputOffset)
	b.lag.Append(m.LagRecords)
	b.receipts.Append(m.Receipts)
	b.members.Append(m.Members)
	b.duplicates.Append(m.Duplicates)
	b.rejected.Append(m.Rejected)
	b.forwarded.Append(m.Forwarded)
	b.net.Append(m.Net)
	b.granted.Append(m.GrantedMinor)
	b.reversed.Append(m.ReversedMinor)
}

func (c *cellColumns) add(m *schemas.CampaignCell) {
	c.campaign.Append(m.Campaign)
	c.version.Append(m.Version)
	c.arm.Append(m.Arm.String())
	c.minute.Append(m.Minute)
	c.considered.Append(m.Considered)
	c.qualified.Append(m.Qualified)
	c.rewarded.Append(m.Rewarded)
	c.basketSum.Append(m.BasketSum)
	c.basketSumSq.Append(m.BasketSumSq)
	c.granted.Append(m.Granted)
	c.reversed.Append(m.Reversed)
	c.ghost.Append(m.Ghost)
}
