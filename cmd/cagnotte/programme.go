package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"cagnotte/pipeline/programmes"
	"cagnotte/pipeline/rules"
)

// ProgrammeCmd shows, copies and tests whole programmes.
type ProgrammeCmd struct {
	Ls   ProgrammeLsCmd   `cmd:"" help:"List the shipped programmes."`
	Show ProgrammeShowCmd `cmd:"" help:"Say what a programme does, campaign by campaign."`
	Copy ProgrammeCopyCmd `cmd:"" help:"Copy a programme into a directory, to change it."`
	Test ProgrammeTestCmd `cmd:"" help:"Run the examples of every document, and what the programme promises as a whole."`
}

// Help returns examples.
func (ProgrammeCmd) Help() string {
	return `A programme is a folder: programme.yaml (name, currency, demo stream), campaigns/*.yaml with their examples, and gifts.csv where points are spent.

Examples:
  cagnotte programme ls
  cagnotte programme show cafe --lang fr
  cagnotte programme copy cafe ./our-cafe
  cagnotte programme test                       all shipped ones
  cagnotte programme test ./our-cafe
  cagnotte dev --programme cafe`
}

// loadProgramme reads a shipped programme, or a directory of the same form.
func loadProgramme(name string) (*programmes.Programme, error) {
	p, err := programmes.Load(name)
	if errors.Is(err, programmes.ErrUnknown) {
		if _, statErr := os.Stat(filepath.Join(name, "programme.yaml")); statErr != nil {
			return nil, exitf(ExitNotFound, "%w; nor is there a programme.yaml in %s", err, name)
		}
		p, err = programmes.Read(filepath.Base(name), os.DirFS(name))
	}
	if err != nil {
		return nil, exitf(ExitInvalid, "%w", err)
	}
	return p, nil
}

// ProgrammeLsCmd is cagnotte programme ls.
type ProgrammeLsCmd struct {
	Lang string `enum:"fr,en" default:"en" help:"Language: fr, en."`
}

// programmeRow is the JSON form of a programme.
type programmeRow struct {
	Name      string `json:"name"`
	Title     string `json:"title"`
	Currency  string `json:"currency"`
	Campaigns int    `json:"campaigns"`
	Examples  int    `json:"examples"`
	Gifts     int    `json:"gifts,omitempty"`
	Shops     int    `json:"shops"`
	Members   int    `json:"members"`
	PerHour   int    `json:"per_hour"`
	About     string `json:"about"`
}

// Run lists them.
func (c *ProgrammeLsCmd) Run(g *Globals) error {
	w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
	if g.format() == "table" {
		fmt.Fprintln(w, "NAME\tCAMPAIGNS\tEXAMPLES\tGIFTS\tSHOPS\tMEMBERS\tTITLE")
	}
	for _, name := range programmes.Names() {
		p, err := loadProgramme(name)
		if err != nil {
			return err
		}
		r := newProgrammeRow(p, c.Lang)
		if g.format() == "table" {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%s\n", r.Name, r.Campaigns, r.Examples, r.Gifts, r.Shops, r.Members, r.Title)
			continue
		}
		if err := json.NewEncoder(g.Out).Encode(r); err != nil {
			return fmt.Errorf("write programmes: %w", err)
		}
	}
	return w.Flush()
}

func newProgrammeRow(p *programmes.Programme, lang string) programmeRow {
	s := &p.About.Stream
	r := programmeRow{
		Name: p.Name, Title: p.About.Name.In(lang), Currency: p.About.Currency, Campaigns: len(p.Campaigns), Gifts: len(p.Gifts),
		Shops: s.Shops, Members: s.Members, PerHour: s.PerHour, About: p.About.About.In(lang),
	}
	for _, c := range p.Campaigns {
		r.Examples += len(c.Tests)
	}
	return r
}

// ProgrammeShowCmd is cagnotte programme show.
type ProgrammeShowCmd struct {
	Name string `arg:"" name:"name" help:"Shipped programme, or a directory."`
	Lang string `enum:"fr,en" default:"en" help:"Language: fr, en."`
}

// Run prints what the programme is about and a sentence for each of its campaigns.
func (c *ProgrammeShowCmd) Run(g *Globals) error {
	p, err := loadProgramme(c.Name)
	if err != nil {
		return err
	}
	if g.format() != "table" {
		for _, campaign := range p.Campaigns {
			row := map[string]string{"id": campaign.ID, "name": nameIn(campaign, c.Lang), "sentence": rules.Sentence(campaign, c.Lang)}
			if err := json.NewEncoder(g.Out).Encode(row); err != nil {
				return fmt.Errorf("write programme: %w", err)
			}
		}
		return nil
	}
	fmt.Fprintf(g.Out, "%s\n%s\n\n", p.About.Name.In(c.Lang), p.About.About.In(c.Lang))
	for _, campaign := range p.Campaigns {
		fmt.Fprintf(g.Out, "%s: %s\n    %s\n", campaign.ID, nameIn(campaign, c.Lang), rules.Sentence(campaign, c.Lang))
	}
	if len(p.Gifts) > 0 {
		fmt.Fprintf(g.Out, "\n%d gifts, from %v to %v points\n", len(p.Gifts), p.Gifts[0].Points, p.Gifts[len(p.Gifts)-1].Points)
	}
	return nil
}

func nameIn(c *rules.Campaign, lang string) string {
	if lang == "fr" {
		return c.Name.FR
	}
	return c.Name.EN
}

// ProgrammeCopyCmd is cagnotte programme copy.
type ProgrammeCopyCmd struct {
	Name string `arg:"" name:"name" help:"Shipped programme."`
	Dir  string `arg:"" name:"dir" help:"Directory to write; it must be new or empty."`
}

// Run writes the files.
func (c *ProgrammeCopyCmd) Run(g *Globals) error {
	p, err := loadProgramme(c.Name)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exitf(ExitUsage, "copy to %s: %w", c.Dir, err)
	}
	if len(entries) > 0 {
		return exitf(ExitUsage, "copy to %s: the directory is not empty: give a new one", c.Dir)
	}
	for _, f := range p.Files {
		path := filepath.Join(c.Dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("copy programme: %w", err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return fmt.Errorf("copy programme: %w", err)
		}
	}
	g.say("%d files in %s; next: cagnotte programme test %s, cagnotte dev --programme %s", len(p.Files), c.Dir, c.Dir, c.Dir)
	return nil
}

// ProgrammeTestCmd is cagnotte programme test.
type ProgrammeTestCmd struct {
	Names []string `arg:"" optional:"" name:"name" help:"Shipped programmes or directories (default: every shipped one)."`
}

// programmeTestRow is the JSON form of a document's or a check's result.
type programmeTestRow struct {
	Programme string   `json:"programme"`
	What      string   `json:"what"` // document or check
	Passed    int      `json:"passed"`
	Failed    int      `json:"failed"`
	Detail    string   `json:"detail,omitempty"`
	Failures  []string `json:"failures,omitempty"`
}

// Run tests them and ends with ExitInvalid when anything failed.
func (c *ProgrammeTestCmd) Run(ctx context.Context, g *Globals) error {
	names := c.Names
	if len(names) == 0 {
		names = programmes.Names()
	}
	var rows []programmeTestRow
	for _, name := range names {
		p, err := loadProgramme(name)
		if err != nil {
			return err
		}
		report := p.Test()
		if err := checkStream(ctx, p, &report); err != nil {
			return err
		}
		rows = append(rows, programmeTestRows(&report)...)
	}
	if err := writeResults(g, rows, programmeTestTable); err != nil {
		return err
	}
	passed, failed := 0, 0
	for i := range rows {
		passed, failed = passed+rows[i].Passed, failed+rows[i].Failed
	}
	g.say("%d programmes: %d passed, %d failed", len(names), passed, failed)
	if failed > 0 {
		return exitf(ExitInvalid, "%d of %d examples and checks failed", failed, passed+failed)
	}
	return nil
}

func programmeTestRows(r *programmes.Report) []programmeTestRow {
	var rows []programmeTestRow
	for i := range r.Documents {
		d := &r.Documents[i]
		row := programmeTestRow{Programme: r.Programme, What: d.Document, Passed: d.Passed, Failed: len(d.Failed)}
		for _, t := range d.Failed {
			row.Failures = append(row.Failures, fmt.Sprintf("line %d, %s: %s", t.Line, t.Name, t.Failure))
		}
		rows = append(rows, row)
	}
	for _, ch := range r.Checks {
		row := programmeTestRow{Programme: r.Programme, What: ch.Name, Detail: ch.Detail}
		if ch.Passed {
			row.Passed = 1
		} else {
			row.Failed, row.Failures = 1, []string{ch.Detail}
		}
		rows = append(rows, row)
	}
	return rows
}

func programmeTestTable(w *tabwriter.Writer, rows []programmeTestRow) {
	fmt.Fprintln(w, "PROGRAMME\tDOCUMENT OR CHECK\tPASSED\tFAILED\t")
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", r.Programme, r.What, r.Passed, r.Failed, strings.Join(append(r.Failures, r.detail()...), "; "))
	}
}

// detail is what a check that passed has to say.
func (r *programmeTestRow) detail() []string {
	if r.Failed > 0 || r.Detail == "" {
		return nil
	}
	return []string{r.Detail}
}
