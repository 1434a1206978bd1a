package sink

import (
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// decisions builds cagnotte_raw.decisions: one row per receipt, the campaigns as its nested parts.
type decisions struct {
	*table
	codec  *schemas.Codec
	record schemas.ReceiptDecision // reused

	receipt, account                 *proto.ColStr
	shop, channel, kind, currency    *words
	ended, processed                 *instants
	total                            *amounts
	inputPartition                   *proto.ColInt32
	inputOffset, ruleset             *proto.ColInt64
	results, funders, steps          group // funders and steps: the lists within the lists
	campaign, arm, outcome, cappedBy *words
	wallet, badge                    *words
	held                             *proto.ColInt32
	version, period                  *proto.ColInt32
	basis, desired, granted          *amounts
	activeFrom, expiresAt            *instants
	funder                           *words
	share                            *proto.ColInt64
	step                             stepColumns
	from                             lineage
}

// stepColumns is the steps of the results.
type stepColumns struct {
	node, code, unit           *words
	passed                     *bools
	observed, expected         *proto.ColInt64
	observedText, expectedText *proto.ColStr
}

func newDecisions(o *Options, _ partitioner) builder {
	b := &decisions{table: newTable("decisions"), codec: o.Codec}
	c := b.columns()
	b.receipt, b.account, b.shop = c.text("receipt_id"), c.text("account_id"), c.word("store_id")
	b.channel, b.kind, b.ended = c.word("channel"), c.word("type"), c.instant("ended_at")
	b.total, b.currency = c.amount("total_minor"), c.word("currency")
	b.inputPartition, b.inputOffset = c.int32("input_partition"), c.int64("input_offset")
	b.processed, b.ruleset = c.instant("processed_at"), c.int64("ruleset_version")
	c = b.columns(&b.results)
	b.campaign, b.version, b.arm = c.word("results.campaign"), c.int32("results.campaign_version"), c.word("results.arm")
	b.outcome, b.basis, b.desired = c.word("results.outcome"), c.amount("results.basis_minor"), c.amount("results.desired_minor")
	b.granted, b.cappedBy, b.period = c.amount("results.granted_minor"), c.word("results.capped_by"), c.int32("results.period")
	b.activeFrom, b.expiresAt = c.instant("results.active_from"), c.instant("results.expires_at")
	b.wallet, b.badge, b.held = c.word("results.wallet"), c.word("results.badge"), c.int32("results.held")
	c = b.columns(&b.results, &b.funders)
	b.funder, b.share = c.word("results.funding_party"), c.int64("results.funding_rate_ppm")
	b.step = declareSteps(b.columns(&b.results, &b.steps))
	b.from = b.lineage()
	b.seal()
	return b
}

func declareSteps(c columns) stepColumns {
	return stepColumns{
		node: c.word("results.step_node"), code: c.word("results.step_code"), passed: c.bool("results.step_passed"),
		unit: c.word("results.step_unit"), observed: c.int64("results.step_observed"), expected: c.int64("results.step_expected"),
		observedText: c.text("results.step_observed_text"), expectedText: c.text("results.step_expected_text"),
	}
}

func (b *decisions) base() *table { return b.table }

func (b *decisions) add(r *kgo.Record) error {
	d := &b.record
	if err := b.codec.DecodeDecision(r.Value, d); err != nil {
		return err
	}
	b.receipt.Append(string(d.Receipt))
	b.account.Append(string(d.Account))
	b.shop.Append(string(d.Shop))
	b.channel.Append(d.Channel.String())
	b.kind.Append(d.Type.String())
	b.ended.Append(d.EndedAt)
	b.total.Append(d.Total)
	b.currency.Append(d.Currency)
	b.inputPartition.Append(d.Partition)
	b.inputOffset.Append(d.Offset)
	b.processed.Append(d.ProcessedAt)
	b.ruleset.Append(d.RulesetVersion)
	for i := range d.Results {
		b.addResult(&d.Results[i])
	}
	b.results.end()
	b.from.add(r)
	return nil
}

func (b *decisions) addResult(res *rules.Result) {
	b.campaign.Append(res.Campaign)
	b.version.Append(res.Version)
	b.arm.Append(res.Arm.String())
	b.outcome.Append(res.Outcome.String())
	b.basis.Append(res.Basis)
	b.desired.Append(res.Desired)
	b.granted.Append(res.Granted)
	b.cappedBy.Append(res.CappedBy)
	b.period.Append(res.Period)
	b.activeFrom.Append(res.ActiveFrom)
	b.expiresAt.Append(res.ExpiresAt)
	b.wallet.Append(res.Wallet)
	b.badge.Append(res.Badge)
	b.held.Append(int32(res.Held))
	for _, f := range res.Funding {
		b.funder.Append(f.Party)
		b.share.Append(int64(f.Rate))
	}
	b.funders.end()
	for i := range res.Steps {
		b.step.add(&res.Steps[i])
	}
	b.steps.end()
}

func (c *stepColumns) add(s *rules.Step) {
	c.node.Append(s.Node)
	c.code.Append(string(s.Code))
	c.passed.Append(s.Passed)
	c.unit.Append(name(s.Unit, "NONE", "MINOR", "MILLI", "COUNT", "TIME", "TEXT"))
	c.observed.Append(s.Observed)
	c.expected.Append(s.Expected)
	c.observedText.Append(s.ObservedText)
	c.expectedText.Append(s.ExpectedText)
}
