package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/backtest"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// CampaignSimulateCmd is cagnotte campaign simulate.
type CampaignSimulateCmd struct {
	Files    []string `arg:"" name:"file" help:"Drafts, - for standard input."`
	Receipts string   `xor:"from" required:"" help:"Past receipts: an archive of cagnotte receipt archive, or NDJSON (gzip and zstd too), - for standard input." placeholder:"FILE"`
	Since    string   `xor:"from" required:"" help:"Read the receipts topic from so long ago on, by append time: 8w, 56d, 36h." placeholder:"TIME"`
	Against  string   `help:"Let the drafts join a live set and say who gets more and who less: live for the campaigns topic, or a directory of documents." placeholder:"live|DIR"`
	Shift    string   `default:"auto" help:"Move every campaign by so many whole weeks, such as -5, so that the windows meet the receipts; auto finds them, none leaves the windows." placeholder:"auto|none|WEEKS"`
	HTML     string   `name:"html" type:"path" help:"Write the report as one page too." placeholder:"FILE"`
	Lang     string   `enum:"fr,en" default:"en" help:"Language of the table and the page: fr, en."`
	Currency string   `default:"EUR" help:"Receipts in another currency are refused."`
	Workers  int      `help:"Parts of the accounts that are worked on at a time (default: one per processor). The result does not depend on it." placeholder:"N"`
}

// Help explains what is simulated, and gives examples.
func (CampaignSimulateCmd) Help() string {
	return `Runs drafts over past receipts with the rules that run live, members' caps and returns included, and reports what they would have cost: with a range, by member, shop, day and funder, when the budget would end, and who gets more or less than today. It prices the past: it does not say what members would do because of the campaign.

A draft's window mostly lies in the future. All campaigns are then moved by whole weeks, so that weekdays stay; the report says by how many. What a report means: pipeline/backtest/README.md.

Examples:
  cagnotte receipt archive --out receipts.avro
  cagnotte campaign simulate draft.yaml --receipts receipts.avro
  cagnotte campaign simulate draft.yaml --since 8w --against live --html report.html --lang fr
  cagnotte campaign simulate draft.yaml --receipts receipts.avro --against campaigns/ -o json | jq .cost`
}

// Validate checks the flags that need no file.
func (c *CampaignSimulateCmd) Validate() error {
	if c.Workers < 0 || c.Workers > 1024 {
		return fmt.Errorf("--workers %d: want 1 to 1024", c.Workers)
	}
	if _, _, err := c.shift(); err != nil {
		return err
	}
	if c.Since != "" {
		_, err := parseSpan(c.Since)
		return err
	}
	return nil
}

// Run reads the drafts, simulates and prints.
func (c *CampaignSimulateCmd) Run(ctx context.Context, g *Globals) error {
	if c.Receipts == "-" && strings.Contains(" "+strings.Join(c.Files, " ")+" ", " - ") {
		return exitf(ExitUsage, "standard input holds either the draft or the receipts")
	}
	o, err := c.options(ctx, g)
	if err != nil {
		return err
	}
	p := &progressLine{out: g.Err, terminal: isTerminal(g.Err)}
	past, err := c.open(ctx, g, p)
	if err != nil {
		return err
	}
	defer past.close()
	o.From, o.To, o.Source = past.from, past.to, past.name
	if err := c.fit(o); err != nil {
		return err
	}
	p.start("simulating")
	o.Progress = func(done, total int64) {
		if total > 0 && done > 0 {
			p.at(int(done), int(total))
		}
	}
	begun, used := time.Now(), processorSeconds()
	report, err := backtest.Run(ctx, past.source, *o)
	p.end()
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	sayPace(g, &report.Archive, time.Since(begun), processorSeconds()-used)
	past.warn(g)
	return c.print(g, report)
}

// sayPace says how fast it went: by the clock, and for each second that a core worked.
func sayPace(g *Globals, a *backtest.Archive, took time.Duration, cores float64) {
	n := a.Receipts + a.Repeats + a.Refused + a.Events
	if n == 0 || took <= 0 || cores <= 0 {
		return
	}
	g.say("simulated %s receipts in %.1f s: %s receipts/s, %s per core", grouped(n), took.Seconds(), grouped(int64(float64(n)/took.Seconds())), grouped(int64(float64(n)/cores)))
}

// options reads the drafts and the live set.
func (c *CampaignSimulateCmd) options(ctx context.Context, g *Globals) (*backtest.Options, error) {
	o := &backtest.Options{Currency: c.Currency, Workers: c.Workers}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	var err error
	if o.Drafts, err = c.valid(g, c.Files); err != nil {
		return nil, err
	}
	switch c.Against {
	case "":
	case "live":
		all, err := readPublished(ctx, g)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			o.Against = append(o.Against, p.campaign)
		}
		o.Compare, o.Live = true, "live"
	default:
		files, err := documentsIn(c.Against)
		if err != nil {
			return nil, err
		}
		if o.Against, err = c.valid(g, files); err != nil {
			return nil, err
		}
		o.Compare, o.Live = true, c.Against
	}
	return o, nil
}

// valid reads documents and refuses the lot when one has an error.
func (c *CampaignSimulateCmd) valid(g *Globals, files []string) ([]*rules.Campaign, error) {
	loaded, err := loadCampaigns(g, files)
	if err != nil {
		return nil, err
	}
	var out []*rules.Campaign
	for _, l := range loaded {
		if l.campaign == nil {
			var text strings.Builder
			for _, d := range l.findings {
				fmt.Fprintf(&text, "\n%v", d)
			}
			return nil, exitf(ExitInvalid, "%s is not a valid campaign:%s", l.file, text.String())
		}
		out = append(out, l.campaign)
	}
	return out, nil
}

// documentsIn lists the campaign documents of a directory by name.
func documentsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, exitf(ExitNotFound, "read live set: %w", err)
	}
	var out []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, exitf(ExitNotFound, "%s holds no .yaml, .yml or .json document", dir)
	}
	return out, nil
}

// shift reads --shift.
func (c *CampaignSimulateCmd) shift() (weeks int, auto bool, err error) {
	switch c.Shift {
	case "auto", "":
		return 0, true, nil
	case "none":
		return 0, false, nil
	}
	weeks, err = strconv.Atoi(strings.TrimPrefix(c.Shift, "+"))
	if err != nil || weeks < -2000 || weeks > 2000 {
		return 0, false, fmt.Errorf("--shift %q: want auto, none, or whole weeks such as -5", c.Shift)
	}
	return weeks, false, nil
}

// fit decides by how many weeks campaigns are moved.
func (c *CampaignSimulateCmd) fit(o *backtest.Options) error {
	weeks, auto, err := c.shift()
	if err != nil {
		return exitf(ExitUsage, "%w", err)
	}
	if auto {
		weeks = backtest.FitWeeks(o.Drafts, o.From, o.To)
	}
	o.ShiftWeeks, o.AutoShift = weeks, auto
	return nil
}

var spanPattern = regexp.MustCompile(`^([1-9][0-9]{0,4})([wdh])$`)

// parseSpan reads 8w, 56d or 36h.
func parseSpan(s string) (time.Duration, error) {
	m := spanPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("--since %q: want weeks, days or hours such as 8w, 56d or 36h", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, fmt.Errorf("--since: %w", err)
	}
	hours := map[string]int{"w": 7 * 24, "d": 24, "h": 1}[m[2]] * n
	if hours > 20*366*24 {
		return 0, fmt.Errorf("--since %q: want at most 20 years", s)
	}
	return time.Duration(hours) * time.Hour, nil
}

// print writes the table or JSON, and the page.
func (c *CampaignSimulateCmd) print(g *Globals, r *backtest.Report) error {
	if c.HTML != "" {
		var page bytes.Buffer
		if err := r.WriteHTML(&page, c.Lang); err != nil {
			return err
		}
		if err := writeFileAtomic(c.HTML, page.Bytes()); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
		g.say("wrote %s", c.HTML)
	}
	if g.format() == "table" {
		return r.WriteTable(g.Out, c.Lang)
	}
	enc := json.NewEncoder(g.Out)
	enc.SetEscapeHTML(false)
	if g.format() == "json" {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// pastReceipts is an opened source with what is known of it before it is read.
type pastReceipts struct {
	name     string
	source   backtest.Source
	from, to retail.Instant // span of the receipts, outliers left out
	bad      func() error   // names what could not be read
	closers  []func() error
}

func (p *pastReceipts) close() {
	for _, f := range p.closers {
		_ = f() // read only
	}
}

func (p *pastReceipts) warn(g *Globals) {
	if p.bad == nil {
		return
	}
	if err := p.bad(); err != nil {
		g.say("first receipt that could not be read: %v", err)
	}
}

// open opens the archive, the lines or the topic.
func (c *CampaignSimulateCmd) open(ctx context.Context, g *Globals, p *progressLine) (*pastReceipts, error) {
	if c.Since != "" {
		back, err := parseSpan(c.Since)
		if err != nil {
			return nil, exitf(ExitUsage, "%w", err)
		}
		return openTopic(ctx, g, time.Now().Add(-back), c.Since)
	}
	path, name, done := c.Receipts, filepath.Base(c.Receipts), func() error { return nil }
	if path == "-" {
		spooled, err := spool(g)
		if err != nil {
			return nil, err
		}
		path, name, done = spooled, "standard input", func() error { return os.Remove(spooled) }
	}
	past, err := openPast(ctx, g, path, p)
	if err != nil {
		return nil, errors.Join(err, done())
	}
	past.name, past.closers = name, append(past.closers, done)
	return past, nil
}
