package loadtest

import (
	"testing"

	"cagnotte/loadtest/model"
)

// TestCampaigns checks that every document is one for the model, as YAML and as JSON, and that the articles that are named exist.
func TestCampaigns(t *testing.T) {
	docs, err := Campaigns(1_790_000_000_000, 1_792_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	usual, err := TypicalCampaigns(1_790_000_000_000, 1_792_000_000_000)
	if err != nil || len(usual) != 20 {
		t.Fatalf("%d typical campaigns: %v", len(usual), err)
	}
	for _, d := range usual {
		if _, err := model.Parse(d.JSON); err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
	}
	ids := map[string]bool{}
	for _, d := range docs {
		ids[d.ID] = true
		for _, b := range [][]byte{d.YAML, d.JSON} {
			if _, err := model.Parse(b); err != nil {
				t.Errorf("%s: %v", d.ID, err)
			}
		}
	}
	if len(ids) != 20 || len(docs) != 21 {
		t.Fatalf("%d campaigns in %d documents, want 20 in 21", len(ids), len(docs))
	}
	named := map[string]int{"3170000000007": 0, "3170000000014": 0, "3170000000021": 0}
	for _, p := range newCatalog().products {
		if _, ok := named[p.gtin]; ok {
			named[p.gtin]++
		}
	}
	for gtin, n := range named {
		if n != 1 {
			t.Errorf("GTIN %s stands for %d articles", gtin, n)
		}
	}
}
