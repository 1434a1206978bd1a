package main

import (
	"context"

	"cagnotte/pipeline/rules"
)

// CampaignSchemaCmd is cagnotte campaign schema.
type CampaignSchemaCmd struct{}

// Help returns examples.
func (CampaignSchemaCmd) Help() string {
	return `Editors with YAML support read it by the first line of a document, as campaign new writes it. The gateway serves it at /v1/schemas/campaign.json.

Examples:
  cagnotte campaign schema > campaign.schema.json
  cagnotte campaign schema | jq '."$defs" | keys'`
}

// Run prints the schema.
func (c *CampaignSchemaCmd) Run(_ context.Context, g *Globals) error {
	_, err := g.Out.Write(rules.DocumentSchema())
	return err
}
