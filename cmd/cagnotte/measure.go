package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"cagnotte/pipeline/measure/catalog"
)

// MeasureCmd is the statistics by themselves: no Kafka, no ClickHouse, a question in JSON and an answer.
type MeasureCmd struct {
	Run      MeasureRunCmd      `cmd:"" default:"withargs" help:"Compute one figure: estimate, interval, p, or the reason why the data forbid one."`
	Ls       MeasureLsCmd       `cmd:"" help:"List the methods, each with what it answers and where it comes from."`
	Example  MeasureExampleCmd  `cmd:"" help:"Print an input that a method takes, to begin with."`
	Simulate MeasureSimulateCmd `cmd:"" help:"Try the intervals on thousands of simulated campaigns over real baskets, and the store methods on windows without a campaign."`
}

// Help returns examples.
func (MeasureCmd) Help() string {
	return `The answer says how it was reached: method, design (randomised, quasi-experimental, observational, descriptive), level, members or stores per arm, and either a figure with its interval or the reason why there is none: too few members, no variance, broken split. "values" holds the method's outputs by name. Fractions are fractions: 0.05 is 5 %.

An interval of a method whose name begins with asymptotic_confidence_sequence may be watched live and acted on at any time; one of welch_ is good for a single look that was planned before the data.

Inputs are read strictly: an unknown field, a text where a number belongs, a negative count or lists of different length end with exit code 3 and the path of the field.

Examples:
  cagnotte measure ls
  cagnotte measure example welch_t_relative > in.json
  cagnotte measure --method welch_t_relative --input in.json
  echo '{"k": 214, "n": 1133}' | cagnotte measure --method wilson_interval --input - --format table
  cagnotte measure --method bg_nbd --input bgnbd.json --data ../shared/data`
}

// MeasureRunCmd computes one answer.
type MeasureRunCmd struct {
	Method string `required:"" help:"What to compute; cagnotte measure ls lists the methods." placeholder:"M"`
	Input  string `required:"" help:"File with the inputs as JSON; - is standard input." placeholder:"FILE|-"`
	Data   string `type:"path" help:"Directory of the data sets that inputs may name (\"data\": \"cdnow/...\")." placeholder:"DIR"`
	Format string `enum:"auto,json,table" default:"auto" help:"json, or table for people; auto is json, unless --output says table."`
}

// Run reads, computes and prints.
func (c *MeasureRunCmd) Run(g *Globals) error {
	inputs, err := readInputs(g, c.Input)
	if err != nil {
		return err
	}
	var data fs.FS
	if c.Data != "" {
		data = os.DirFS(c.Data)
	}
	answer, err := catalog.Run(c.Method, inputs, data)
	if err != nil {
		return measureError(c.Method, err)
	}
	if c.Format == "table" || c.Format == "auto" && g.Output == "table" {
		return writeAnswer(g.Out, answer)
	}
	return writeAnswerJSON(g, answer)
}

// readInputs reads at most a little more than a document may hold, so that the catalog can say that it is too large.
func readInputs(g *Globals, file string) ([]byte, error) {
	in := g.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, exitf(ExitNotFound, "read inputs: %w", err)
		}
		defer f.Close()
		in = f
	}
	doc, err := io.ReadAll(io.LimitReader(in, catalog.MaxInputBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read inputs %s: %w", file, err)
	}
	return doc, nil
}

// measureError gives what went wrong its exit code.
func measureError(method string, err error) error {
	var unknown *catalog.UnknownMethodError
	switch {
	case errors.As(err, &unknown):
		return exitf(ExitUsage, "%w\n(cagnotte measure ls lists the methods)", err)
	case errors.Is(err, fs.ErrNotExist):
		return exitf(ExitNotFound, "%s: %w\n(--data or CAGNOTTE_DATA names the directory of the data sets)", method, err)
	}
	return exitf(ExitInvalid, "%s: %w\n(cagnotte measure example %s prints an input that works)", method, err, method)
}

// writeAnswerJSON prints one line where lines are read (ndjson), else an indented document.
func writeAnswerJSON(g *Globals, a catalog.Answer) error {
	enc := json.NewEncoder(g.Out)
	if g.Output != "ndjson" {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// writeAnswer prints the answer for people.
func writeAnswer(out io.Writer, a catalog.Answer) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(w, "method\t%s\ndesign\t%s\nlevel\t%g\n", a.Method, a.Design, a.Level)
	switch {
	case a.NControl > 0:
		fmt.Fprintf(w, "n\t%d treatment, %d control\n", a.NTreatment, a.NControl)
	case a.NTreatment > 0:
		fmt.Fprintf(w, "n\t%d\n", a.NTreatment)
	}
	if f := a.Figure; f != nil {
		interval := fmt.Sprintf("[%.6g, %.6g]", f.Low, f.High)
		if f.Tail != "" {
			interval += fmt.Sprintf(" (one-sided, %s)", f.Tail)
		}
		fmt.Fprintf(w, "estimate\t%.6g\ninterval\t%s\nstandard error\t%.6g\np\t%.4g\n", f.Estimate, interval, f.StdErr, f.P)
		if f.DF > 0 {
			fmt.Fprintf(w, "degrees of freedom\t%.6g\n", f.DF)
		}
		if f.MinDetectable > 0 {
			fmt.Fprintf(w, "minimum detectable\t%.6g\n", f.MinDetectable)
		}
	}
	if a.Reason != "" {
		fmt.Fprintf(w, "no figure\t%s\n", a.Reason)
	}
	for _, warning := range a.Warnings {
		fmt.Fprintf(w, "warning\t%s\n", warning)
	}
	writeValues(w, "", a.Values)
	return w.Flush()
}

func writeValues(w io.Writer, indent string, values catalog.Values) {
	for _, v := range values {
		if inner, ok := v.Value.(catalog.Values); ok {
			fmt.Fprintf(w, "%s%s\t\n", indent, v.Name)
			writeValues(w, indent+"  ", inner)
			continue
		}
		fmt.Fprintf(w, "%s%s\t%s\n", indent, v.Name, v.Text())
	}
}

// MeasureLsCmd lists the methods.
type MeasureLsCmd struct {
	Filter string `arg:"" optional:"" help:"Only methods with this text in their name or summary."`
}

// methodRow is the JSON form of a method.
type methodRow struct {
	Name    string `json:"name"`
	Design  string `json:"design"`
	Summary string `json:"summary"`
	Source  string `json:"source"`
}

// Run prints the catalog.
func (c *MeasureLsCmd) Run(g *Globals) error {
	var rows []methodRow
	for _, m := range catalog.Methods() {
		if strings.Contains(m.Name, c.Filter) || strings.Contains(strings.ToLower(m.Summary), strings.ToLower(c.Filter)) {
			rows = append(rows, methodRow{m.Name, string(m.Design), m.Summary, m.Source})
		}
	}
	switch g.format() {
	case "json":
		return json.NewEncoder(g.Out).Encode(rows)
	case "ndjson":
		for _, r := range rows {
			if err := json.NewEncoder(g.Out).Encode(r); err != nil {
				return fmt.Errorf("write methods: %w", err)
			}
		}
		return nil
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r.Name))
	}
	for _, r := range rows {
		pad := strings.Repeat(" ", width)
		fmt.Fprintf(g.Out, "%-"+strconv.Itoa(width)+"s  %s\n%s  %s; %s\n", r.Name, r.Summary, pad, r.Design, r.Source)
	}
	return nil
}

// MeasureExampleCmd prints an example.
type MeasureExampleCmd struct {
	Method string `arg:"" help:"Method."`
}

// Run prints an input of the method.
func (c *MeasureExampleCmd) Run(g *Globals) error {
	m, err := catalog.Lookup(c.Method)
	if err != nil {
		return measureError(c.Method, err)
	}
	_, err = fmt.Fprintln(g.Out, m.Example)
	return err
}
