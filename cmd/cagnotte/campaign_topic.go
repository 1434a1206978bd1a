package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// published is a document of the campaigns topic.
type published struct {
	campaign *rules.Campaign
	at       time.Time
	offset   int64
}

// readPublished reads the campaigns topic to its end. Of one version the last publication counts; order is that of first publication.
func readPublished(ctx context.Context, g *Globals) ([]published, error) {
	cl, err := g.NewClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{schemas.TopicCampaigns: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	end, err := campaignsEnd(ctx, cl)
	if err != nil {
		return nil, err
	}
	var all []published
	seen := map[string]int{}
	for next, empty := int64(0), 0; next < end && empty < 3; {
		n := 0
		pollCampaigns(ctx, cl).EachRecord(func(r *kgo.Record) {
			n, next = n+1, r.Offset+1
			keepPublished(&all, seen, r)
		})
		if n == 0 {
			empty++ // compaction and transaction markers can hide the last offsets
		}
		if ctx.Err() != nil {
			return nil, exitf(ExitUnreachable, "read %s: %w", schemas.TopicCampaigns, ctx.Err())
		}
	}
	return all, nil
}

func pollCampaigns(ctx context.Context, cl *kgo.Client) kgo.Fetches {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return cl.PollFetches(ctx)
}

func campaignsEnd(ctx context.Context, cl *kgo.Client) (int64, error) {
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(ctx, schemas.TopicCampaigns)
	if err != nil {
		return 0, exitf(ExitUnreachable, "brokers %v: %w", cl.OptValue(kgo.SeedBrokers), err)
	}
	end, ok := ends.Lookup(schemas.TopicCampaigns, 0)
	if !ok || end.Err == kerr.UnknownTopicOrPartition {
		return 0, exitf(ExitNotFound, "topic %s does not exist; create the topics first (cagnotte topic create, or start cagnotte dev)", schemas.TopicCampaigns)
	}
	if end.Err != nil {
		return 0, exitf(ExitUnreachable, "offsets of %s: %w", schemas.TopicCampaigns, end.Err)
	}
	return end.Offset, nil
}

func keepPublished(all *[]published, seen map[string]int, r *kgo.Record) {
	c, _ := rules.Parse(string(r.Key), r.Value)
	if c == nil {
		return // the pipeline leaves it out as well
	}
	p := published{c, r.Timestamp, r.Offset}
	if i, again := seen[campaignRecordKey(c)]; again {
		(*all)[i] = p
		return
	}
	seen[campaignRecordKey(c)] = len(*all)
	*all = append(*all, p)
}

// campaignRecordKey is a key of its own for every version: compaction must keep them all, as returns are judged by the version of their sale.
func campaignRecordKey(c *rules.Campaign) string { return c.ID + "@" + strconv.Itoa(int(c.Version)) }

// lastVersions returns the greatest published version of each campaign.
func lastVersions(all []published) map[string]published {
	out := map[string]published{}
	for _, p := range all {
		if p.campaign.Version >= out[p.campaign.ID].version() {
			out[p.campaign.ID] = p
		}
	}
	return out
}

func (p published) version() int32 {
	if p.campaign == nil {
		return 0
	}
	return p.campaign.Version
}

// CampaignLsCmd is cagnotte campaign ls.
type CampaignLsCmd struct {
	All bool `help:"Every version, not only the last."`
}

// campaignRow is the JSON form of a published campaign.
type campaignRow struct {
	ID            string    `json:"id"`
	Version       int32     `json:"version"`
	Name          string    `json:"name"`
	EffectiveFrom string    `json:"effective_from"`
	WindowFrom    string    `json:"window_from"`
	WindowTo      string    `json:"window_to,omitempty"`
	State         string    `json:"state"`
	PublishedAt   time.Time `json:"published_at"`
	Offset        int64     `json:"offset"`
	Sentence      string    `json:"sentence"`
}

// Run lists the campaigns in order of first publication.
func (c *CampaignLsCmd) Run(ctx context.Context, g *Globals) error {
	all, err := readPublished(ctx, g)
	if err != nil {
		return err
	}
	last := lastVersions(all)
	var rows []campaignRow
	for _, p := range all {
		if c.All || last[p.campaign.ID].campaign == p.campaign {
			rows = append(rows, newCampaignRow(p, time.Now()))
		}
	}
	return writeRows(g, rows, campaignTable)
}

func newCampaignRow(p published, now time.Time) campaignRow {
	c := p.campaign
	row := campaignRow{
		ID: c.ID, Version: c.Version, Name: c.Name.EN, EffectiveFrom: instantText(c.EffectiveFrom), WindowFrom: instantText(c.Window.From),
		State: "live", PublishedAt: p.at.UTC(), Offset: p.offset, Sentence: rules.Sentence(c, "en"),
	}
	if c.Window.To != 0 {
		row.WindowTo = instantText(c.Window.To)
	}
	switch t := retail.Instant(now.UnixMilli()); {
	case t < c.Window.From || t < c.EffectiveFrom:
		row.State = "to come"
	case c.Window.To != 0 && t >= c.Window.To:
		row.State = "over"
	}
	return row
}

func instantText(t retail.Instant) string { return time.UnixMilli(int64(t)).UTC().Format(time.RFC3339) }

func campaignTable(w *tabwriter.Writer, rows []campaignRow) {
	fmt.Fprintln(w, "ID\tVERSION\tSTATE\tFROM\tTO\tNAME")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%.10s\t%.10s\t%s\n", r.ID, r.Version, r.State, r.WindowFrom, r.WindowTo, r.Name)
	}
}

// CampaignShowCmd is cagnotte campaign show.
type CampaignShowCmd struct {
	ID      string `arg:"" help:"Campaign id."`
	Version int32  `help:"Version (default: the last)."`
	Lang    string `enum:"fr,en" default:"en" help:"Language of the sentence: fr, en."`
}

// Run prints the document and, on standard error, what it means.
func (c *CampaignShowCmd) Run(ctx context.Context, g *Globals) error {
	all, err := readPublished(ctx, g)
	if err != nil {
		return err
	}
	want := c.Version
	if want == 0 {
		want = lastVersions(all)[c.ID].version()
	}
	for _, p := range all {
		if p.campaign.ID == c.ID && p.campaign.Version == want {
			g.say("%s", rules.Sentence(p.campaign, c.Lang))
			_, err := fmt.Fprintf(g.Out, "%s\n", p.campaign.JSON())
			return err
		}
	}
	return exitf(ExitNotFound, "campaign %s version %d is not published", c.ID, want)
}
