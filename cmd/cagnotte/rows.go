package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// writeRows prints rows in the form of results: one array, a line each, or a table.
func writeRows[T any](g *Globals, rows []T, table func(*tabwriter.Writer, []T)) error {
	if g.format() != "json" {
		return writeResults(g, rows, table)
	}
	enc := json.NewEncoder(g.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(rows)
}

// writeResults prints what became of each of many things: a line of JSON each, or a table.
func writeResults[T any](g *Globals, rows []T, table func(*tabwriter.Writer, []T)) error {
	if g.format() == "table" {
		w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
		table(w, rows)
		return w.Flush()
	}
	enc := json.NewEncoder(g.Out)
	for i := range rows {
		if err := enc.Encode(rows[i]); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
	}
	return nil
}
