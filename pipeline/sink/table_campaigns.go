package sink

import (
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
)

// campaigns builds cagnotte_raw.campaigns from the documents as published. One that cannot be read is kept too, and says so.
type campaigns struct {
	*table

	id, problem, nameFR, nameEN, document *proto.ColStr
	version, holdoutBP, priority          *proto.ColInt32
	valid                                 *bools
	effective, from0, to, published       *instants
	tz, group, mode                       *words
	budget                                *amounts
	from                                  lineage
}

func newCampaigns(*Options, partitioner) builder {
	b := &campaigns{table: newTable("campaigns")}
	c := b.columns()
	b.id, b.version, b.valid, b.problem = c.text("campaign"), c.int32("version"), c.bool("valid"), c.text("problem")
	b.effective, b.nameFR, b.nameEN = c.instant("effective_from"), c.text("name_fr"), c.text("name_en")
	b.from0, b.to, b.tz = c.instant("window_from"), c.instant("window_to"), c.word("tz")
	b.holdoutBP, b.budget, b.priority = c.int32("holdout_bp"), c.amount("budget_minor"), c.int32("priority")
	b.group, b.mode = c.word("stacking_group"), c.word("stacking_mode")
	b.document, b.published = c.text("document"), c.instant("published_at")
	b.from = b.lineage()
	b.seal()
	return b
}

func (b *campaigns) base() *table { return b.table }

func (b *campaigns) add(r *kgo.Record) error {
	if len(r.Value) == 0 {
		return &skip{skipTombstone}
	}
	c, problems := rules.Parse(string(r.Key), r.Value)
	problem := ""
	if c == nil {
		c = &rules.Campaign{ID: string(r.Key)}
		problem = "unreadable"
		if len(problems) > 0 {
			problem = problems[0].String()
		}
	}
	b.addCampaign(c)
	b.valid.Append(problem == "")
	b.problem.Append(problem)
	b.document.AppendBytes(r.Value)
	b.published.Append(retail.Instant(r.Timestamp.UnixMilli()))
	b.from.add(r)
	return nil
}

func (b *campaigns) addCampaign(c *rules.Campaign) {
	b.id.Append(c.ID)
	b.version.Append(c.Version)
	b.effective.Append(c.EffectiveFrom)
	b.nameFR.Append(c.Name.FR)
	b.nameEN.Append(c.Name.EN)
	b.from0.Append(c.Window.From)
	b.to.Append(c.Window.To)
	b.tz.Append(c.Window.TZ)
	b.holdoutBP.Append(c.HoldoutBP)
	b.budget.Append(c.Budget)
	b.priority.Append(c.Priority)
	b.group.Append(c.Stacking.Group)
	b.mode.Append(c.Stacking.Mode.String())
}
