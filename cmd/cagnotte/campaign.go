package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"cagnotte/pipeline/rules"

	"golang.org/x/text/unicode/norm"
)

// CampaignCmd writes, checks and publishes campaign documents.
type CampaignCmd struct {
	New      CampaignNewCmd      `cmd:"" help:"Print a commented document to begin with."`
	Lint     CampaignLintCmd     `cmd:"" help:"Check documents and say what they mean in one sentence."`
	Test     CampaignTestCmd     `cmd:"" help:"Run the examples that documents carry."`
	Examples CampaignExamplesCmd `cmd:"" help:"List the shipped documents by mechanic, or print one to copy."`
	Simulate CampaignSimulateCmd `cmd:"" help:"Run drafts over past receipts: what they would have cost, for whom and where."`
	Publish  CampaignPublishCmd  `cmd:"" help:"Check, test and publish documents to the campaigns topic."`
	Ls       CampaignLsCmd       `cmd:"" help:"List published campaigns."`
	Show     CampaignShowCmd     `cmd:"" help:"Print a published document."`
	Schema   CampaignSchemaCmd   `cmd:"" help:"Print the JSON Schema of a document, by which editors complete and check."`
}

// Help returns examples.
func (CampaignCmd) Help() string {
	return `Campaigns are YAML or JSON documents that carry their own examples. The grammar and its meaning: pipeline/rules/README.md.

Examples:
  cagnotte campaign new coffee-week > coffee-week.yaml
  cagnotte campaign schema > campaign.schema.json
  cagnotte campaign lint *.yaml
  cagnotte campaign test coffee-week.yaml
  cagnotte campaign test --library
  cagnotte campaign examples                    all shipped documents, by mechanic
  cagnotte campaign examples coffee-9-plus-1 > ours.yaml
  cagnotte campaign simulate coffee-week.yaml --receipts receipts.avro --html report.html
  cagnotte campaign publish coffee-week.yaml
  cagnotte campaign show coffee-week`
}

// loadedCampaign is a document that was read; campaign is nil when it has errors.
type loadedCampaign struct {
	file     string
	campaign *rules.Campaign
	findings []rules.Diagnostic
}

// loadCampaigns reads the files and holds them against the grammar and the law; - is standard input.
func loadCampaigns(g *Globals, files []string) ([]loadedCampaign, error) {
	var out []loadedCampaign
	for _, f := range files {
		doc, err := readDocument(g, f)
		if err != nil {
			return nil, err
		}
		c, findings := rules.Lint(rules.DefaultGuardrails(), f, doc)
		out = append(out, loadedCampaign{f, c, findings})
	}
	return out, nil
}

// readDocument reads at most a little more than a document may hold, so that Parse can say that it is too large.
func readDocument(g *Globals, file string) ([]byte, error) {
	in := g.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, exitf(ExitNotFound, "read campaign: %w", err)
		}
		defer f.Close()
		in = f
	}
	doc, err := io.ReadAll(io.LimitReader(in, rules.MaxDocBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read campaign %s: %w", file, err)
	}
	return doc, nil
}

// findingRow is the JSON form of a diagnostic.
type findingRow struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Path     string `json:"path,omitempty"`
	Message  string `json:"message"`
	Expected string `json:"expected,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// printFindings writes diagnostics: for people as compilers do, else one JSON object per line.
func printFindings(g *Globals, findings []rules.Diagnostic) error {
	for _, d := range findings {
		if g.format() == "table" {
			fmt.Fprintln(g.Out, d)
			continue
		}
		row := findingRow{d.File, d.Line, d.Column, d.Severity.String(), d.Code, d.Path, d.Message, d.Expected, d.Hint}
		if err := json.NewEncoder(g.Out).Encode(row); err != nil {
			return fmt.Errorf("write findings: %w", err)
		}
	}
	return nil
}

// CampaignLintCmd is cagnotte campaign lint.
type CampaignLintCmd struct {
	Files  []string `arg:"" name:"file" help:"Documents, - for standard input."`
	Strict bool     `help:"Warnings count as errors."`
	Lang   string   `enum:"fr,en" default:"en" help:"Language of the sentence: fr, en."`
}

// Run checks the documents, each by itself and all together.
func (c *CampaignLintCmd) Run(g *Globals) error {
	loaded, err := loadCampaigns(g, c.Files)
	if err != nil {
		return err
	}
	bad, good := 0, []*rules.Campaign(nil)
	for _, l := range loaded {
		if err := printFindings(g, l.findings); err != nil {
			return err
		}
		if l.campaign == nil || c.Strict && len(l.findings) > 0 {
			bad++
		}
		if l.campaign != nil {
			good = append(good, l.campaign)
			g.say("%s: %s", l.file, rules.Sentence(l.campaign, c.Lang))
		}
	}
	if _, err := rules.Compile(good); err != nil {
		return exitf(ExitInvalid, "%w", err)
	}
	if bad > 0 {
		return exitf(ExitInvalid, "%d of %d documents are not valid", bad, len(loaded))
	}
	return nil
}

// CampaignTestCmd is cagnotte campaign test.
type CampaignTestCmd struct {
	Files   []string `arg:"" optional:"" name:"file" help:"Documents, - for standard input."`
	Library bool     `help:"All shipped documents: one line for each, and the sum."`
}

// testRow is the JSON form of one example's result.
type testRow struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Test    string `json:"test"`
	Passed  bool   `json:"passed"`
	Outcome string `json:"outcome"`
	Amount  string `json:"amount"`
	Failure string `json:"failure,omitempty"`
}

// Run evaluates the examples. Documents that are given together may take part in each other's.
func (c *CampaignTestCmd) Run(g *Globals) error {
	switch {
	case c.Library && len(c.Files) > 0:
		return exitf(ExitUsage, "--library runs the shipped documents: give it, or files")
	case c.Library:
		return testLibrary(g)
	case len(c.Files) == 0:
		return exitf(ExitUsage, "no documents: give files, or --library")
	}
	loaded, err := loadCampaigns(g, c.Files)
	if err != nil {
		return err
	}
	failed, total, all := 0, 0, []*rules.Campaign(nil)
	for _, l := range loaded {
		if l.campaign == nil {
			if err := printFindings(g, l.findings); err != nil {
				return err
			}
			return exitf(ExitInvalid, "%s is not a valid campaign", l.file)
		}
		all = append(all, l.campaign)
	}
	for _, l := range loaded {
		for _, r := range rules.RunTests(l.campaign, all...) {
			total++
			if !r.Passed {
				failed++
			}
			if err := printTest(g, l.file, r); err != nil {
				return err
			}
		}
	}
	g.say("%d tests, %d failed", total, failed)
	if failed > 0 {
		return exitf(ExitInvalid, "%d of %d tests failed", failed, total)
	}
	return nil
}

func printTest(g *Globals, file string, r rules.TestResult) error {
	if g.format() != "table" {
		row := testRow{file, r.Line, r.Name, r.Passed, r.Outcome.String(), r.Granted.String(), r.Failure}
		if err := json.NewEncoder(g.Out).Encode(row); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		return nil
	}
	verdict := "ok  "
	if !r.Passed {
		verdict = "FAIL"
	}
	line := fmt.Sprintf("%s  %s:%d  %s: %v %v", verdict, file, r.Line, r.Name, r.Outcome, r.Granted)
	if len(r.Steps) > 1 {
		line += fmt.Sprintf(" after %d steps", len(r.Steps))
	}
	if !r.Passed {
		line += "\n        " + strings.ReplaceAll(r.Failure, "; ", "\n        ")
	}
	fmt.Fprintln(g.Out, line)
	return nil
}

// CampaignNewCmd is cagnotte campaign new.
type CampaignNewCmd struct {
	Name string `arg:"" help:"Name of the campaign; its id is made of it."`
}

// Run prints the template. It passes lint and test as it is.
func (c *CampaignNewCmd) Run(_ context.Context, g *Globals) error {
	id := campaignID(c.Name)
	if id == "" {
		return exitf(ExitUsage, "campaign name %q: want at least one letter or digit", c.Name)
	}
	name, err := json.Marshal(c.Name)
	if err != nil {
		return fmt.Errorf("campaign name: %w", err)
	}
	doc := strings.NewReplacer("$ID", id, "$NAME", string(name)).Replace(campaignTemplate)
	if parsed, findings := rules.Parse("template", []byte(doc)); parsed == nil {
		return exitf(ExitUsage, "campaign name %q cannot be used: %v", c.Name, findings[0])
	}
	_, err = io.WriteString(g.Out, doc)
	return err
}

// campaignID makes an id of a name: lower case, without accents, dashes for the rest.
func campaignID(name string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	id := strings.Trim(b.String(), "-")
	return strings.TrimRight(id[:min(len(id), 64)], "-")
}

const campaignTemplate = `# yaml-language-server: $schema=campaign.schema.json
# For completion while you write: cagnotte campaign schema > campaign.schema.json
# A campaign. Check it with: cagnotte campaign lint FILE, and its examples with: cagnotte campaign test FILE
id: $ID
version: 1                       # publish raises it
name: {fr: $NAME, en: $NAME}
window: {from: 2026-01-01, to: 2026-12-31, tz: Europe/Paris}   # the last day is included
# effective_from: 2026-06-01T00:00:00+02:00   # from which purchase on this version replaces the one before; default: the whole window
# stores: {banners: [hyper], countries: [FR]}
# channels: [IN_STORE, DRIVE]
lines:
  category: GROCERY/COFFEE       # and everything below it
  # exclude: {brand: [Maison-Roche]}
when: {min_spend: 10.00}
reward:
  percent: 10                    # or fixed, per_unit, ladder
  max_per_receipt: 5.00
  max_per_member: {amount: 15.00, per: month}
validity: {pending: 48h, expires: {after: 365d}}
funding: [{by: retailer, share: 100}]
holdout: 10                      # percent of the members, to measure the effect
tests:
  - name: ten percent
    receipt: {at: 2026-06-02T10:00:00+02:00, lines: [{category: GROCERY/COFFEE/BEANS, net: 12.00, quantity: 2}]}
    expect: {outcome: AWARDED, amount: 1.20}
  - name: below the threshold
    receipt: {at: 2026-06-02T10:00:00+02:00, lines: [{category: GROCERY/COFFEE/BEANS, net: 9.99}]}
    expect: {outcome: BELOW_THRESHOLD}
`
