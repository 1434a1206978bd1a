package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"cagnotte/pipeline/rules"
)

// shippedDocument is one document of the library or the examples.
type shippedDocument struct {
	rules.LibraryFile
	folder   string
	campaign *rules.Campaign
}

// shippedDocuments reads all of them.
func shippedDocuments() ([]shippedDocument, error) {
	var out []shippedDocument
	for _, dir := range []struct {
		name  string
		files []rules.LibraryFile
	}{{"library", rules.Library()}, {"examples", rules.Examples()}} {
		for _, f := range dir.files {
			c, findings := rules.Lint(rules.DefaultGuardrails(), f.Name, f.Doc)
			if c == nil {
				return nil, exitf(ExitInvalid, "%s: %v", f.Name, findings[0])
			}
			out = append(out, shippedDocument{f, dir.name, c})
		}
	}
	return out, nil
}

// CampaignExamplesCmd is cagnotte campaign examples.
type CampaignExamplesCmd struct {
	ID   string `arg:"" optional:"" name:"id" help:"Print this document."`
	Lang string `enum:"fr,en" default:"en" help:"Language: fr, en."`
}

// exampleRow is the JSON form of a shipped document.
type exampleRow struct {
	ID        string   `json:"id"`
	Folder    string   `json:"folder"`
	Mechanics []string `json:"mechanics"`
	Name      string   `json:"name"`
	Sentence  string   `json:"sentence"`
	Examples  int      `json:"examples"`
}

// Run lists the documents, or prints one.
func (c *CampaignExamplesCmd) Run(g *Globals) error {
	all, err := shippedDocuments()
	if err != nil {
		return err
	}
	if c.ID != "" {
		return printShipped(g, all, c.ID)
	}
	w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
	if g.format() == "table" {
		for _, m := range rules.Mechanics() {
			text := m.EN
			if c.Lang == "fr" {
				text = m.FR
			}
			fmt.Fprintf(w, "%s\t%s\t\n", m.Code, text)
			for i := range all {
				if d := &all[i]; slices.Contains(m.Examples, d.campaign.ID) {
					fmt.Fprintf(w, "\t  %s\t%s\n", d.campaign.ID, nameIn(d.campaign, c.Lang))
				}
			}
		}
		return w.Flush()
	}
	for i := range all {
		d := &all[i]
		row := exampleRow{d.campaign.ID, d.folder, d.Mechanics, nameIn(d.campaign, c.Lang), rules.Sentence(d.campaign, c.Lang), len(d.campaign.Tests)}
		if err := json.NewEncoder(g.Out).Encode(row); err != nil {
			return fmt.Errorf("write examples: %w", err)
		}
	}
	return nil
}

func printShipped(g *Globals, all []shippedDocument, id string) error {
	for i := range all {
		if all[i].campaign.ID == id {
			_, err := g.Out.Write(all[i].Doc)
			return err
		}
	}
	return exitf(ExitNotFound, "no shipped document has the id %q: cagnotte campaign examples lists them", id)
}

// libraryRow is what became of one shipped document's examples.
type libraryRow struct {
	Document  string   `json:"document"`
	Mechanics []string `json:"mechanics"`
	Passed    int      `json:"passed"`
	Failed    int      `json:"failed"`
	Failures  []string `json:"failures,omitempty"`
}

// testLibrary runs the examples of every shipped document.
func testLibrary(g *Globals) error {
	all, err := shippedDocuments()
	if err != nil {
		return err
	}
	var campaigns []*rules.Campaign
	for i := range all {
		campaigns = append(campaigns, all[i].campaign)
	}
	var rows []libraryRow
	passed, failed := 0, 0
	for i := range all {
		row := libraryRow{Document: all[i].folder + "/" + all[i].Name, Mechanics: all[i].Mechanics}
		for _, r := range rules.RunTests(all[i].campaign, campaigns...) {
			if row.Passed++; !r.Passed {
				row.Passed, row.Failed = row.Passed-1, row.Failed+1
				row.Failures = append(row.Failures, fmt.Sprintf("line %d, %s: %s", r.Line, r.Name, r.Failure))
			}
		}
		passed, failed = passed+row.Passed, failed+row.Failed
		rows = append(rows, row)
	}
	if err := writeResults(g, rows, libraryTable); err != nil {
		return err
	}
	g.say("%d documents: %d passed, %d failed", len(rows), passed, failed)
	if failed > 0 {
		return exitf(ExitInvalid, "%d of %d examples failed", failed, passed+failed)
	}
	return nil
}

func libraryTable(w *tabwriter.Writer, rows []libraryRow) {
	fmt.Fprintln(w, "DOCUMENT\tMECHANICS\tPASSED\tFAILED\t")
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", r.Document, strings.Join(r.Mechanics, " "), r.Passed, r.Failed, strings.Join(r.Failures, "; "))
	}
}
