package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// CampaignPublishCmd is cagnotte campaign publish.
type CampaignPublishCmd struct {
	Files   []string `arg:"" name:"file" help:"Documents, - for standard input."`
	Version int32    `help:"Version to publish as (default: the document's when it is new, else the last published + 1)."`
	DryRun  bool     `help:"Check and test against what is published, and publish nothing."`
}

// Help returns examples.
func (CampaignPublishCmd) Help() string {
	return `A document that does not lint, whose examples fail, or that does not compile with the published ones is refused, and with it all others of the
command. A document that is published already is left alone. A published version never changes: a change is a new version, which counts for
purchases from its effective_from on.

Examples:
  cagnotte campaign publish coffee-week.yaml
  cagnotte campaign publish --dry-run campaigns/*.yaml`
}

// Run publishes all documents or none of them.
func (c *CampaignPublishCmd) Run(ctx context.Context, g *Globals) error {
	loaded, err := loadCampaigns(g, c.Files)
	if err != nil {
		return err
	}
	if err := valid(g, loaded); err != nil {
		return err
	}
	all, err := readPublished(ctx, g)
	if err != nil {
		return err
	}
	drafts, err := tested(loaded, campaignsOf(all))
	if err != nil {
		return err
	}
	fresh, err := c.number(g, drafts, all)
	if err != nil {
		return err
	}
	if _, err := rules.Compile(append(campaignsOf(all), fresh...)); err != nil {
		return exitf(ExitInvalid, "with the published campaigns: %w", err)
	}
	if c.DryRun {
		g.say("%d to publish; nothing was published (--dry-run)", len(fresh))
		return nil
	}
	return publishCampaigns(ctx, g, fresh)
}

// valid refuses documents that do not lint.
func valid(g *Globals, loaded []loadedCampaign) error {
	var refused []error
	for _, l := range loaded {
		if l.campaign != nil {
			continue
		}
		refused = append(refused, fmt.Errorf("%s is not valid", l.file))
		if err := printFindings(g, l.findings); err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return exitf(ExitInvalid, "nothing is published: %w", errors.Join(refused...))
	}
	return nil
}

// tested refuses documents whose examples fail. Other documents may take part: those of the same command, else the published ones.
func tested(loaded []loadedCampaign, live []*rules.Campaign) ([]*rules.Campaign, error) {
	var drafts []*rules.Campaign
	for _, l := range loaded {
		drafts = append(drafts, l.campaign)
	}
	var refused []error
	for _, l := range loaded {
		for _, r := range rules.RunTests(l.campaign, append(live[:len(live):len(live)], drafts...)...) {
			if !r.Passed {
				refused = append(refused, fmt.Errorf("%s:%d: test %q: %s", l.file, r.Line, r.Name, r.Failure))
			}
		}
	}
	if len(refused) > 0 {
		return nil, exitf(ExitInvalid, "nothing is published: %w", errors.Join(refused...))
	}
	return drafts, nil
}

// number gives each draft its version and leaves out what is published already.
func (c *CampaignPublishCmd) number(g *Globals, drafts []*rules.Campaign, all []published) ([]*rules.Campaign, error) {
	last := lastVersions(all)
	var fresh []*rules.Campaign
	for _, d := range drafts {
		prev := last[d.ID]
		if prev.campaign != nil && sameBut(d, prev.campaign) && c.Version == 0 {
			g.say("%s version %d is published already", d.ID, prev.version())
			continue
		}
		switch {
		case c.Version != 0 && c.Version <= prev.version():
			return nil, exitf(ExitInvalid, "%s version %d: version %d is published, and a published version never changes", d.ID, c.Version, prev.version())
		case c.Version != 0:
			d = withVersion(d, c.Version)
		case d.Version <= prev.version():
			d = withVersion(d, prev.version()+1)
		}
		last[d.ID] = published{campaign: d}
		fresh = append(fresh, d)
	}
	return fresh, nil
}

// sameBut reports whether two documents differ in nothing but their version.
func sameBut(a, b *rules.Campaign) bool {
	return bytes.Equal(withVersion(a, 1).JSON(), withVersion(b, 1).JSON())
}

func withVersion(c *rules.Campaign, v int32) *rules.Campaign {
	d := *c
	d.Version = v
	return &d
}

func campaignsOf(all []published) []*rules.Campaign {
	out := make([]*rules.Campaign, 0, len(all))
	for _, p := range all {
		out = append(out, p.campaign)
	}
	return out
}

// publishCampaigns appends the documents to the campaigns topic in their canonical form and waits until every in-sync replica has them.
func publishCampaigns(ctx context.Context, g *Globals, list []*rules.Campaign) error {
	if len(list) == 0 {
		return nil
	}
	cl, err := g.NewClient(kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(1<<20))
	if err != nil {
		return err
	}
	defer cl.Close()
	for _, c := range list {
		if err := cl.ProduceSync(ctx, campaignRecord(c)).FirstErr(); err != nil {
			return exitf(ExitUnreachable, "publish %s version %d: %w", c.ID, c.Version, err)
		}
		g.say("published %s version %d: %s", c.ID, c.Version, rules.Sentence(c, "en"))
	}
	return nil
}

// campaignRecord is the record of a document. The headers let a reader choose without parsing.
func campaignRecord(c *rules.Campaign) *kgo.Record {
	return &kgo.Record{
		Topic: schemas.TopicCampaigns, Partition: 0, Key: []byte(campaignRecordKey(c)), Value: c.JSON(),
		Headers: []kgo.RecordHeader{
			{Key: "content-type", Value: []byte("application/json")},
			{Key: "campaign-id", Value: []byte(c.ID)},
			{Key: "campaign-version", Value: []byte(strconv.Itoa(int(c.Version)))},
		},
	}
}
