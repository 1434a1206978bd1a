package loadtest

import (
	_ "embed" // the campaign documents
	"fmt"
	"strings"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/goccy/go-yaml"
)

// Document is one campaign document of the load test.
type Document struct {
	ID   string
	YAML []byte
	JSON []byte // the same, as the campaigns topic carries it
}

var (
	//go:embed campaigns.yaml
	everyConstruct string
	//go:embed campaigns_typical.yaml
	typical string
	//go:embed campaigns_mechanics.yaml
	mechanics string
)

// Campaigns returns the 20 campaigns of the load test, one of them in two versions, for a stream between two instants: together they use every
// construct of the campaign grammar. The windows are set so that some campaigns hold for the whole stream, some begin or end inside it.
// They are generous: a member's receipt earns about four rewards.
func Campaigns(from, to retail.Instant) ([]Document, error) {
	return documents(everyConstruct, from, to)
}

// TypicalCampaigns returns 20 live campaigns as a network would run them, most for one brand or shelf from some amount on: three members'
// receipts in four earn something, two rewards on average. The benchmark uses them.
func TypicalCampaigns(from, to retail.Instant) ([]Document, error) {
	return documents(typical, from, to)
}

// MechanicsCampaigns returns documents that together use the larger half of the language, for a stream with Options.Mechanics: members, events,
// progress, tiers, wallets, terms. They run beside Campaigns.
func MechanicsCampaigns(from, to retail.Instant) ([]Document, error) {
	return documents(mechanics, from, to)
}

func documents(text string, from, to retail.Instant) ([]Document, error) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, fmt.Errorf("campaigns: %w", err)
	}
	day := func(share float64) string {
		at := int64(from) + int64(share*float64(to-from))
		return time.UnixMilli(at).In(zone).Format(time.DateOnly)
	}
	text = strings.NewReplacer("$START", day(0), "$THIRD", day(1./3), "$HALF", day(0.5), "$TWOTHIRDS", day(2./3), "$END", day(1)).Replace(text)
	var out []Document
	for _, part := range strings.Split(text, "\n---\n") {
		doc := []byte(strings.TrimSpace(part) + "\n")
		d, err := ParseDocument(doc)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// ParseDocument reads the id out of a campaign document and turns it into JSON.
func ParseDocument(doc []byte) (Document, error) {
	var head struct {
		ID string `yaml:"id"`
	}
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return Document{}, fmt.Errorf("campaign document: %w", err)
	}
	if head.ID == "" {
		return Document{}, fmt.Errorf("campaign document: no id in %.60q", doc)
	}
	j, err := yaml.YAMLToJSON(doc)
	if err != nil {
		return Document{}, fmt.Errorf("campaign %s: %w", head.ID, err)
	}
	return Document{ID: head.ID, YAML: doc, JSON: j}, nil
}
