package main

import (
	"strings"
	"testing"

	"cagnotte/pipeline/rules"
)

// The library is listed by mechanic, each document can be printed and read again, and all of its examples pass.
func TestCampaignExamples(t *testing.T) {
	g, out, errOut := campaignGlobals()
	if err := (&CampaignTestCmd{Library: true}).Run(g); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(out.String(), `"document"`); n < 60 || !strings.Contains(errOut.String(), " 0 failed") {
		t.Errorf("%d documents: %s", n, errOut)
	}
	for _, form := range []string{"table", "ndjson"} {
		g, out, _ := campaignGlobals()
		g.Output = form
		if err := (&CampaignExamplesCmd{Lang: "fr"}).Run(g); err != nil || !strings.Contains(out.String(), "9 cafés achetés") || !strings.Contains(out.String(), "M22") {
			t.Errorf("%s: %v %s", form, err, out)
		}
	}
	g, out, _ = campaignGlobals()
	if err := (&CampaignExamplesCmd{ID: "coffee-9-plus-1"}).Run(g); err != nil {
		t.Fatal(err)
	}
	if c, findings := rules.Parse("printed", out.Bytes()); c == nil {
		t.Errorf("what is printed cannot be read: %v", findings)
	}
	wantCode(t, (&CampaignExamplesCmd{ID: "nothing"}).Run(g), ExitNotFound)
	wantCode(t, (&CampaignTestCmd{}).Run(g), ExitUsage)
	wantCode(t, (&CampaignTestCmd{Library: true, Files: []string{"a"}}).Run(g), ExitUsage)
}
