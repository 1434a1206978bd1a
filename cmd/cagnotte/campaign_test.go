package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cagnotte/loadtest/cluster"
	"cagnotte/pipeline/rules"
)

// campaignGlobals is a command's surroundings, with what it printed.
func campaignGlobals(brokers ...string) (g *Globals, out, errOut *bytes.Buffer) {
	out, errOut = &bytes.Buffer{}, &bytes.Buffer{}
	return &Globals{Brokers: brokers, Output: "ndjson", In: strings.NewReader(""), Out: out, Err: errOut, Logger: slog.New(slog.DiscardHandler),
		Security: Security{SASL: "none"}}, out, errOut
}

func writeCampaign(t *testing.T, doc string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "campaign.yaml")
	if err := os.WriteFile(path, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantCode(t *testing.T, err error, code int) {
	t.Helper()
	if got := exitCode(err); got != code {
		t.Fatalf("exit code %d (%v), want %d", got, err, code)
	}
}

// The template of campaign new passes lint and test as it is, for any usable name.
func TestCampaignNew(t *testing.T) {
	for name, id := range map[string]string{"Café du matin": "cafe-du-matin", `Say "hi" \ 2026`: "say-hi-2026", "ÉTÉ": "ete"} {
		g, out, _ := campaignGlobals()
		if err := (&CampaignNewCmd{Name: name}).Run(context.Background(), g); err != nil {
			t.Fatal(err)
		}
		c, findings := rules.Parse("new", out.Bytes())
		if c == nil || len(findings) > 0 {
			t.Fatalf("%q: %v", name, findings)
		}
		if c.ID != id || c.Name.FR != name {
			t.Errorf("%q: id %q, name %q", name, c.ID, c.Name.FR)
		}
		for _, r := range rules.RunTests(c) {
			if !r.Passed {
				t.Errorf("%q: %s: %s", name, r.Name, r.Failure)
			}
		}
	}
	g, _, _ := campaignGlobals()
	wantCode(t, (&CampaignNewCmd{Name: "!!!"}).Run(context.Background(), g), ExitUsage)
}

func TestCampaignLintPointsAtTheError(t *testing.T) {
	bad := writeCampaign(t, strings.Replace(campaignTemplate, "percent: 10 ", "percnt: 10 ", 1))
	g, out, _ := campaignGlobals()
	wantCode(t, (&CampaignLintCmd{Files: []string{bad}, Lang: "en"}).Run(g), ExitInvalid)
	var first findingRow
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var row findingRow
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Code == rules.CodeUnknownKey {
			first = row
		}
	}
	if first.Line != 16 || first.Column != 3 || first.Path != "reward.percnt" || first.Hint != "did you mean percent?" {
		t.Errorf("got %+v", first)
	}
	g, _, _ = campaignGlobals()
	wantCode(t, (&CampaignLintCmd{Files: []string{"missing.yaml"}}).Run(g), ExitNotFound)
}

func TestCampaignTestFails(t *testing.T) {
	doc := strings.NewReplacer("$ID", "c", "$NAME", "c", "amount: 1.20", "amount: 1.30").Replace(campaignTemplate)
	g, out, _ := campaignGlobals()
	wantCode(t, (&CampaignTestCmd{Files: []string{writeCampaign(t, doc)}}).Run(g), ExitInvalid)
	if !strings.Contains(out.String(), "amount 1.20, expected 1.30") {
		t.Errorf("got %s", out)
	}
}

// publish, ls and show against a broker: versions count up, what is published already is left alone, what is wrong is refused as a whole.
func TestCampaignPublish(t *testing.T) {
	broker, err := cluster.StartFake(cluster.FakeOptions{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	doc := strings.NewReplacer("$ID", "coffee", "$NAME", "Coffee").Replace(campaignTemplate)
	first, second := writeCampaign(t, doc), writeCampaign(t, strings.Replace(doc, "max_per_receipt: 5.00", "max_per_receipt: 6.00", 1))
	publish := func(cmd CampaignPublishCmd) (string, error) {
		g, out, errOut := campaignGlobals(broker.Brokers...)
		err := cmd.Run(t.Context(), g)
		return out.String() + errOut.String(), err
	}
	if out, err := publish(CampaignPublishCmd{Files: []string{first}}); err != nil || !strings.Contains(out, "published coffee version 1") {
		t.Fatalf("%s %v", out, err)
	}
	if out, err := publish(CampaignPublishCmd{Files: []string{first}}); err != nil || !strings.Contains(out, "published already") {
		t.Fatalf("%s %v", out, err)
	}
	if out, err := publish(CampaignPublishCmd{Files: []string{second}, DryRun: true}); err != nil || !strings.Contains(out, "nothing was published") {
		t.Fatalf("%s %v", out, err)
	}
	if out, err := publish(CampaignPublishCmd{Files: []string{second}}); err != nil || !strings.Contains(out, "published coffee version 2") {
		t.Fatalf("%s %v", out, err)
	}
	_, err = publish(CampaignPublishCmd{Files: []string{first}, Version: 2})
	wantCode(t, err, ExitInvalid)
	failing := writeCampaign(t, strings.Replace(doc, "outcome: BELOW_THRESHOLD", "outcome: AWARDED", 1))
	_, err = publish(CampaignPublishCmd{Files: []string{first, failing}})
	wantCode(t, err, ExitInvalid)
	checkPublished(t, broker.Brokers)
}

func checkPublished(t *testing.T, brokers []string) {
	t.Helper()
	g, out, _ := campaignGlobals(brokers...)
	if err := (&CampaignLsCmd{All: true}).Run(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), `"id":"coffee"`); n != 2 {
		t.Errorf("ls --all shows %d versions, want 2:\n%s", n, out)
	}
	g, out, _ = campaignGlobals(brokers...)
	if err := (&CampaignShowCmd{ID: "coffee", Lang: "fr"}).Run(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	c, findings := rules.Parse("show", out.Bytes())
	if c == nil || c.Version != 2 || c.Reward.MaxPerReceipt != 600 {
		t.Errorf("show printed %s: %v", out, findings)
	}
	g, _, _ = campaignGlobals(brokers...)
	err := (&CampaignShowCmd{ID: "tea"}).Run(t.Context(), g)
	wantCode(t, err, ExitNotFound)
	var exit *ExitError
	if !errors.As(err, &exit) {
		t.Error("no exit code in the error")
	}
}
