package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// ReceiptCmd sends, checks, makes, shows, keeps and explains receipts.
type ReceiptCmd struct {
	Send     ReceiptSendCmd     `cmd:"" help:"Send receipts from a file to the HTTP door, until each is stored or refused."`
	Validate ReceiptValidateCmd `cmd:"" help:"Check receipts of a file without sending them."`
	Sample   ReceiptSampleCmd   `cmd:"" help:"Print example receipts to begin with."`
	Tail     ReceiptTailCmd     `cmd:"" help:"Print receipts from Kafka as NDJSON, as they arrive."`
	Archive  ReceiptArchiveCmd  `cmd:"" help:"Write the receipts of Kafka to an Avro file, or read such a file back."`
	Explain  ReceiptExplainCmd  `cmd:"" help:"Tell what became of a receipt and why, campaign by campaign, in French or English."`
}

// Help returns examples.
func (ReceiptCmd) Help() string {
	return `Receipts are JSON: a file holds one receipt per line, an array, or receipts one after the other. Their schema: cagnotte schema print receipt.

Examples:
  cagnotte receipt sample | cagnotte receipt send -
  cagnotte receipt sample --event enrol | cagnotte receipt send -
  cagnotte receipt validate yesterday.ndjson.gz
  cagnotte receipt send yesterday.ndjson.gz --to http://localhost:8080
  cagnotte receipt tail --from start -n 10
  cagnotte receipt explain S042-T1-2026-12-02-17 --verify
  cagnotte receipt archive --out receipts.avro
  cagnotte receipt archive --from receipts.avro | cagnotte receipt send -`
}

// refusal is one receipt that was refused, and why.
type refusal struct {
	Line      int         `json:"line"`
	ReceiptID string      `json:"receipt_id,omitempty"`
	Code      retail.Code `json:"code"`
	Path      string      `json:"path"`
	Observed  string      `json:"observed"`
	Expected  string      `json:"expected"`
	Hint      string      `json:"hint,omitempty"`
}

// maxRefusals bounds the list that is kept for the report; all are counted.
const maxRefusals = 1000

// writeRefusals prints refusals in the form of results.
func (g *Globals) writeRefusals(rows []refusal) error {
	switch g.format() {
	case "json":
		enc := json.NewEncoder(g.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	case "ndjson":
		enc := json.NewEncoder(g.Out)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tRECEIPT\tCODE\tPATH\tOBSERVED\tEXPECTED\tHINT")
	for _, r := range rows {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Line, shorten(r.ReceiptID), r.Code, r.Path, shorten(r.Observed), shorten(r.Expected), r.Hint)
	}
	return w.Flush()
}

// shorten keeps a table narrow.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}

// grouped prints a count with thin groups of three, for people: 1 234 567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// ReceiptValidateCmd checks receipts as the pipeline will.
type ReceiptValidateCmd struct {
	File      string        `arg:"" help:"File of receipts, may be compressed; - is standard input."`
	Currency  string        `default:"EUR" help:"Currency of the programme; empty accepts any."`
	MaxAge    time.Duration `default:"9600h" help:"Receipts that closed longer ago are refused; 0 means no limit."`
	AsOf      time.Time     `help:"Check as if they arrived at this instant (default: now)." placeholder:"2026-12-01T18:00:00Z"`
	StopAfter int           `default:"1000" help:"Stop after so many refusals; 0 means never."`
}

// Run prints the receipts that would be refused and exits with 3 when there are any.
func (c *ReceiptValidateCmd) Run(ctx context.Context, g *Globals) error {
	in, err := openReceipts(g, c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	policy := retail.DefaultPolicy()
	policy.Currency, policy.MaxAgeMs = c.Currency, retail.Instant(c.MaxAge.Milliseconds())
	asOf := c.AsOf
	if asOf.IsZero() {
		asOf = time.Now()
	}
	good, bad, rows, err := c.check(ctx, in, &policy, retail.Instant(asOf.UnixMilli()))
	if err != nil {
		return err
	}
	if err := g.writeRefusals(rows); err != nil {
		return err
	}
	g.say("%s good, %s refused", grouped(good), grouped(bad))
	if bad > 0 {
		return exitf(ExitInvalid, "%s of %s receipts would be refused", grouped(bad), grouped(good+bad))
	}
	if good == 0 {
		return exitf(ExitInvalid, "%s holds no receipt", c.File)
	}
	return nil
}

func (c *ReceiptValidateCmd) check(ctx context.Context, in *receiptSource, policy *retail.Policy, now retail.Instant) (good, bad int64, rows []refusal, err error) {
	var r retail.Receipt
	for in.next() && ctx.Err() == nil {
		pr := schemas.DecodeReceiptJSON(in.text, &r)
		if pr == nil {
			pr = policy.Validate(&r, now)
		}
		if pr == nil {
			good++
			continue
		}
		if bad++; len(rows) < maxRefusals {
			rows = append(rows, refusal{in.line, receiptIDOf(in.text), pr.Code, pr.Path, pr.Observed, pr.Expected, pr.Hint})
		}
		if c.StopAfter > 0 && bad >= int64(c.StopAfter) {
			break
		}
	}
	return good, bad, rows, in.err
}

// receiptIDOf finds the id in a text that may be anything.
func receiptIDOf(text []byte) string {
	var r struct {
		ID string `json:"receipt_id"`
	}
	if json.Unmarshal(text, &r) != nil {
		return ""
	}
	return r.ID
}
