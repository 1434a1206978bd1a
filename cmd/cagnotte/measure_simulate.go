package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"cagnotte/pipeline/measure/panel"
	"cagnotte/pipeline/measure/simulate"
)

// MeasureSimulateCmd runs the simulations.
type MeasureSimulateCmd struct {
	Campaigns int     `default:"2000" help:"Campaigns for each source of baskets."`
	Members   int     `default:"20000" help:"Members of a campaign."`
	Holdout   float64 `default:"10" help:"Percent of the members held out."`
	Plan      int64   `help:"Members that the always-valid interval is planned for (default: 20000, as the dashboards; the members with --quick)." placeholder:"N"`
	Windows   int     `default:"2000" help:"Windows without a campaign for each number of treated stores; 0 leaves the stores out."`
	Seed      uint64  `default:"1" help:"The same seed gives the same figures, however many workers."`
	Workers   int     `help:"Simulations at a time (default: one per processor)." placeholder:"N"`
	Quick     bool    `help:"60 campaigns of 8000 members and 400 windows: a few seconds, for a first look and for CI."`
	Data      string  `type:"path" help:"Directory of the data sets." placeholder:"DIR"`
	Format    string  `enum:"auto,json,table" default:"auto" help:"Form of the result: table, json; auto goes by --output."`
	JSON      string  `type:"path" name:"json" help:"Write the result as JSON to this file too." placeholder:"FILE"`
}

// Help explains what is simulated.
func (MeasureSimulateCmd) Help() string {
	return `Campaigns: members are drawn from real customers (UCI Online Retail, X5 groceries) with their whole history of baskets, arms by the product's hash. Every hour of 28 days the relative lift of spend per member is taken with the always-valid interval and with the fixed 95 % one. Without an effect, "ever" is how often one would have cried wolf in a campaign; with an injected lift of 3, 5 and 10 %, "seen" is power and "truth in" is coverage. Rows differ in what counts: base is every member from the first hour; exposed counts a member from the first receipt in the window; clock takes means over the base and lets the boundary go by how many members have come.

Stores: windows of 14 days on real store traffic in which no campaign ran (Favorita), with 1 to 15 stores drawn as treated: how often pooled t, Welch's t, the permutation test and before/after call an effect.

Progress goes to standard error. What the figures mean: pipeline/measure/simulate/README.md.

Examples:
  cagnotte measure simulate --quick
  cagnotte measure simulate --json simulation.json
  cagnotte measure simulate --campaigns 200 --holdout 50 --windows 0`
}

// Validate checks the bounds of the flags.
func (c *MeasureSimulateCmd) Validate() error {
	switch {
	case c.Holdout < 0.01 || c.Holdout > 99.99:
		return fmt.Errorf("--holdout %g: want 0.01 to 99.99 percent", c.Holdout)
	case c.Windows < 0 || c.Plan < 0 || c.Workers < 0:
		return errors.New("--windows, --plan, --workers: want 0 or more")
	}
	return nil
}

// Run reads the data, simulates and prints.
func (c *MeasureSimulateCmd) Run(ctx context.Context, g *Globals) error {
	if c.Data == "" {
		return exitf(ExitUsage, "the simulations need real baskets: --data or CAGNOTTE_DATA names the directory of the data sets")
	}
	o, windows := c.options()
	p := &progressLine{out: g.Err, terminal: isTerminal(g.Err)}
	p.start("reading receipts")
	sources, err := c.baskets()
	if err != nil {
		return err
	}
	p.start("campaigns")
	o.Progress = p.at
	watching, err := simulate.Campaigns(ctx, sources, o)
	p.end()
	if err != nil {
		return err
	}
	var placebos []simulate.FalsePositives
	if windows > 0 {
		days, err := readData(c.Data, simulate.Traffic, "favorita_traffic", "store_day_transactions.csv.gz")
		if err != nil {
			return err
		}
		if placebos, err = c.placebos(ctx, p, days, windows, o); err != nil {
			return err
		}
	}
	return c.report(g, simulate.NewResult(o, sources, watching, placebos))
}

// options are those of the flags; --quick is smaller.
func (c *MeasureSimulateCmd) options() (o simulate.Options, windows int) {
	o = simulate.DefaultOptions()
	o.Campaigns, o.Members, o.HoldoutBP, o.Seed, o.Workers = c.Campaigns, c.Members, int(c.Holdout*100+0.5), c.Seed, c.Workers
	windows = c.Windows
	if c.Quick {
		o.Campaigns, o.Members, windows = 60, 8000, min(windows, 400)
		o.Plan = int64(o.Members)
	}
	if c.Plan > 0 {
		o.Plan = c.Plan
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o, windows
}

func (c *MeasureSimulateCmd) baskets() ([]*simulate.Baskets, error) {
	online, err := readData(c.Data, simulate.OnlineRetail, "online_retail_uci", "lines.csv.gz")
	if err != nil {
		return nil, err
	}
	x5, err := readData(c.Data, simulate.X5, "x5_retailhero", "receipts.csv.gz")
	if err != nil {
		return nil, err
	}
	return []*simulate.Baskets{online, x5}, nil
}

func (c *MeasureSimulateCmd) placebos(ctx context.Context, p *progressLine, days panel.Days, windows int, o simulate.Options) ([]simulate.FalsePositives, error) {
	p.start("store windows")
	defer p.end()
	return simulate.Placebos(ctx, days, windows, o.Seed, o.Workers, p.at)
}

// readData opens a file of the data directory and reads it.
func readData[T any](dir string, read func(io.Reader) (T, error), name ...string) (T, error) {
	var none T
	path := filepath.Join(append([]string{dir}, name...)...)
	f, err := os.Open(path)
	if err != nil {
		code := ExitFailed
		if errors.Is(err, fs.ErrNotExist) {
			code = ExitNotFound
		}
		return none, exitf(code, "read data: %w\n(--data or CAGNOTTE_DATA names the directory of the data sets)", err)
	}
	defer f.Close()
	out, err := read(f)
	if err != nil {
		return none, exitf(ExitInvalid, "%s: %w", path, err)
	}
	return out, nil
}

func (c *MeasureSimulateCmd) report(g *Globals, r simulate.Result) error {
	if c.JSON != "" {
		if err := writeJSON(c.JSON, r); err != nil {
			return err
		}
	}
	if c.Format == "table" || c.Format == "auto" && g.format() == "table" {
		return r.Write(g.Out)
	}
	if err := json.NewEncoder(g.Out).Encode(r); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// progressLine tells on standard error how far a long job is and when it will end: a line that is written over on a terminal, else one every
// ten seconds. Its methods are called one at a time.
type progressLine struct {
	out      io.Writer
	terminal bool
	what     string
	begun    time.Time
	said     time.Time
}

func (p *progressLine) start(what string) {
	p.what, p.begun, p.said = what, time.Now(), time.Time{}
	if !p.terminal {
		fmt.Fprintf(p.out, "%s ...\n", what)
	}
}

func (p *progressLine) at(done, total int) {
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	now := time.Now()
	if now.Sub(p.said) < every || now.Sub(p.begun) < every/10 {
		return
	}
	p.said = now
	left := time.Duration(float64(now.Sub(p.begun)) / float64(done) * float64(total-done)).Round(time.Second)
	line := fmt.Sprintf("%s: %d of %d, %.0f %%, %v left", p.what, done, total, 100*float64(done)/float64(total), left)
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

func (p *progressLine) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintf(p.out, "%s: done in %v\n", p.what, time.Since(p.begun).Round(100*time.Millisecond))
}
