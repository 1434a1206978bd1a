package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"path"
	"time"

	"cagnotte/pipeline/rules"
)

//go:embed campaigns/*/*.yaml
var replayCampaigns embed.FS

// startCampaigns publishes the campaigns of the demo, or of the replayed data, that are not there yet.
func (d *dev) startCampaigns(ctx context.Context) error {
	begun := time.Now()
	docs, err := d.campaignDocs()
	if err != nil {
		return err
	}
	known, err := readPublished(ctx, d.g)
	if err != nil {
		return err
	}
	fresh, err := unpublished(docs, known)
	if err != nil {
		return err
	}
	quiet := *d.g
	quiet.Err = io.Discard // a line for each of them is more than a start has to say
	if err := publishCampaigns(ctx, &quiet, fresh); err != nil {
		return err
	}
	d.life.started("campaigns", fmt.Sprintf("%d live, %d of them new", len(known)+len(fresh), len(fresh)), begun)
	return nil
}

// unpublished returns the documents whose id and version the topic does not hold.
func unpublished(docs []rules.LibraryFile, known []published) ([]*rules.Campaign, error) {
	have := map[string]bool{}
	for _, p := range known {
		have[campaignRecordKey(p.campaign)] = true
	}
	var fresh []*rules.Campaign
	for _, doc := range docs {
		c, diags := rules.Parse(doc.Name, doc.Doc)
		if c == nil {
			return nil, fmt.Errorf("campaign %s: %d problems, the first: %v", doc.Name, len(diags), diags[0])
		}
		if !have[campaignRecordKey(c)] {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

func (d *dev) campaignDocs() ([]rules.LibraryFile, error) {
	if d.programme != nil {
		return d.programme.Documents, nil
	}
	if d.source == nil {
		return rules.Library(), nil
	}
	dir := path.Join("campaigns", d.source.about().campaigns)
	entries, err := replayCampaigns.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("campaigns of the replay: %w", err)
	}
	var docs []rules.LibraryFile
	for _, e := range entries {
		doc, err := replayCampaigns.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("campaigns of the replay: %w", err)
		}
		docs = append(docs, rules.LibraryFile{Name: e.Name(), Doc: doc})
	}
	return docs, nil
}
