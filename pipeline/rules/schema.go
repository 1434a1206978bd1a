package rules

import (
	_ "embed"
	"slices"
)

//go:embed campaign.schema.json
var documentSchema []byte

// DocumentSchema returns the JSON Schema (draft 2020-12) of a campaign document, by which editors complete and check while somebody writes. It says the
// shape; what a document means, and whether its parts fit each other, is for Lint to say.
func DocumentSchema() []byte { return slices.Clone(documentSchema) }
