package schemas

import "cagnotte/pipeline/rules"

// CampaignJSONSchema returns the JSON Schema (draft 2020-12) of a campaign document.
func CampaignJSONSchema() []byte { return rules.DocumentSchema() }
