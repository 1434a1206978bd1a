package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/sr"
)

// SchemaCmd shows, registers and compares the schemas of the wire.
type SchemaCmd struct {
	Print    SchemaPrintCmd    `cmd:"" help:"Print a schema, or list them all."`
	Register SchemaRegisterCmd `cmd:"" help:"Register all versions of all schemas, oldest first."`
	Check    SchemaCheckCmd    `cmd:"" help:"Check that schemas can read each other's data, both ways."`
}

// Help returns examples.
func (SchemaCmd) Help() string {
	return `Examples:
  cagnotte schema print
  cagnotte schema print receipt > receipt.avsc
  cagnotte schema print receipt --json-schema
  cagnotte schema register --schema-registry http://registry:8081
  cagnotte schema check receipt my-receipt.avsc`
}

// SchemaPrintCmd prints schemas.
type SchemaPrintCmd struct {
	Name       string `arg:"" optional:"" help:"receipt, ledger_record, balance_update, receipt_decision or metric_batch; none lists them."`
	Version    int    `help:"Version; 0 is the current one." default:"0"`
	JSONSchema bool   `name:"json-schema" help:"Print the JSON Schema of the plain JSON form (receipt only)."`
}

// schemaRow is one line of a list of schemas.
type schemaRow struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Subject string `json:"subject"`
	ID      int    `json:"id,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Run prints the schema's text as it is registered.
func (c *SchemaPrintCmd) Run(_ context.Context, g *Globals) error {
	if c.Name == "" {
		var rows []schemaRow
		for _, s := range schemas.AvroSchemas() {
			rows = append(rows, schemaRow{Name: s.Name, Version: s.Version, Subject: s.Subject()})
		}
		return g.writeSchemas(rows)
	}
	if c.JSONSchema {
		if c.Name != "receipt" {
			return exitf(ExitUsage, "only receipt has a JSON form, %s has not", c.Name)
		}
		_, err := fmt.Fprintf(g.Out, "%s\n", schemas.ReceiptJSONSchema())
		return err
	}
	s, err := findSchema(c.Name, c.Version)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(g.Out, s.Text)
	return err
}

func findSchema(name string, version int) (schemas.AvroSchema, error) {
	current, ok := schemas.CurrentSchema(name)
	if !ok {
		return current, exitf(ExitNotFound, "no schema %q; cagnotte schema print lists them", name)
	}
	for _, s := range schemas.AvroSchemas() {
		if s.Name == name && (s.Version == version || version == 0 && s.Version == current.Version) {
			return s, nil
		}
	}
	return current, exitf(ExitNotFound, "%s has no version %d, the current one is %d", name, version, current.Version)
}

func (g *Globals) writeSchemas(rows []schemaRow) error {
	enc := json.NewEncoder(g.Out)
	switch g.format() {
	case "json":
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	case "ndjson":
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tSUBJECT\tID\tPROBLEM")
	for _, r := range rows {
		id := ""
		if r.ID > 0 {
			id = fmt.Sprint(r.ID)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", r.Name, r.Version, r.Subject, id, r.Problem)
	}
	return w.Flush()
}

// SchemaRegisterCmd registers schemas.
type SchemaRegisterCmd struct {
	Compatibility bool `default:"true" negatable:"" help:"Set the subjects to FULL_TRANSITIVE first."`
}

// Run registers every version under its subject; what is there already keeps its id.
func (c *SchemaRegisterCmd) Run(ctx context.Context, g *Globals) error {
	cl, err := g.NewRegistry()
	if err != nil {
		return err
	}
	var rows []schemaRow
	for _, s := range schemas.AvroSchemas() {
		if s.Version == 1 && c.Compatibility {
			setCompatibility(ctx, g, cl, s.Subject())
		}
		id, err := cl.RegisterSchema(ctx, s.Subject(), sr.Schema{Schema: s.Text, Type: sr.TypeAvro}, -1, -1)
		if err != nil {
			return registryFailure(g, fmt.Errorf("register %s version %d: %w", s.Subject(), s.Version, err))
		}
		rows = append(rows, schemaRow{Name: s.Name, Version: s.Version, Subject: s.Subject(), ID: id})
	}
	return g.writeSchemas(rows)
}

// setCompatibility asks for FULL_TRANSITIVE. A registry that does not let itself be configured may still hold the schemas: that is said, not failed.
func setCompatibility(ctx context.Context, g *Globals, cl *sr.Client, subject string) {
	for _, r := range cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFullTransitive}, subject) {
		if r.Err != nil {
			g.say("%s: compatibility was not set: %v", subject, r.Err)
		}
	}
}

// registryFailure tells a registry that refuses from one that does not answer.
func registryFailure(g *Globals, err error) error {
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		return exitf(ExitFailed, "schema registry %s: %w", g.RegistryURL, err)
	}
	return exitf(ExitUnreachable, "schema registry %s: %w", g.RegistryURL, err)
}

// SchemaCheckCmd compares schemas.
type SchemaCheckCmd struct {
	Name    string `arg:"" optional:"" help:"Schema to check a file against; none checks all of this binary against the registry."`
	File    string `arg:"" optional:"" help:"Avro schema to check against all versions of that name."`
	Offline bool   `help:"Do not ask the registry."`
}

// Run exits with 3 when some pair of schemas cannot read each other's data.
func (c *SchemaCheckCmd) Run(ctx context.Context, g *Globals) error {
	rows, err := c.compare(ctx, g)
	if err != nil {
		return err
	}
	if err := g.writeSchemas(rows); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Problem != "" {
			return exitf(ExitInvalid, "schemas are not compatible both ways")
		}
	}
	return nil
}

func (c *SchemaCheckCmd) compare(ctx context.Context, g *Globals) ([]schemaRow, error) {
	if c.Name != "" {
		return c.compareFile()
	}
	var rows []schemaRow
	for _, s := range schemas.AvroSchemas() {
		others := versionsOf(s.Name)
		if !c.Offline {
			more, err := registered(ctx, g, s.Subject())
			if err != nil {
				return nil, err
			}
			others = append(others, more...)
		}
		problem, err := comparison(s.Text, others)
		if err != nil {
			return nil, exitf(ExitInvalid, "%s: %w", s.Subject(), err)
		}
		rows = append(rows, schemaRow{Name: s.Name, Version: s.Version, Subject: s.Subject(), Problem: problem})
	}
	return rows, nil
}

func (c *SchemaCheckCmd) compareFile() ([]schemaRow, error) {
	current, err := findSchema(c.Name, 0)
	if err != nil {
		return nil, err
	}
	if c.File == "" {
		return nil, exitf(ExitUsage, "name a file with the schema to check against %s", c.Name)
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return nil, exitf(ExitNotFound, "read schema: %w", err)
	}
	problem, err := comparison(string(text), versionsOf(c.Name))
	if err != nil {
		return nil, exitf(ExitInvalid, "%s: %w", c.File, err)
	}
	return []schemaRow{{Name: c.File, Version: current.Version + 1, Subject: current.Subject(), Problem: problem}}, nil
}

func comparison(text string, others []schemas.AvroSchema) (string, error) {
	reasons, err := schemas.CheckCompatible(text, others)
	return strings.Join(reasons, "; "), err
}

func versionsOf(name string) []schemas.AvroSchema {
	var out []schemas.AvroSchema
	for _, s := range schemas.AvroSchemas() {
		if s.Name == name {
			out = append(out, s)
		}
	}
	return out
}

// registered returns the versions that the registry holds of a subject; none when it does not know it.
func registered(ctx context.Context, g *Globals, subject string) ([]schemas.AvroSchema, error) {
	cl, err := g.NewRegistry()
	if err != nil {
		return nil, err
	}
	list, err := cl.Schemas(ctx, subject)
	var answer *sr.ResponseError
	if errors.As(err, &answer) && answer.StatusCode == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, registryFailure(g, fmt.Errorf("read %s: %w", subject, err))
	}
	var out []schemas.AvroSchema
	for _, s := range list {
		out = append(out, schemas.AvroSchema{Name: subject, Version: s.Version, Text: s.Schema.Schema})
	}
	return out, nil
}
