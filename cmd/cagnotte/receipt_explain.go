package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/explain/evidence"
	"cagnotte/pipeline/retail"
)

// ReceiptExplainCmd tells what became of a receipt, and why.
type ReceiptExplainCmd struct {
	ID     string `arg:"" help:"Id of the receipt, as the till sent it."`
	Lang   string `enum:"fr,en" default:"en" help:"Language: fr, en."`
	Verify bool   `help:"Derive the decision again from the log, and say whether it is the recorded one; ends with 1 when it is not."`
	clickHouseSource
	Group         string        `default:"cagnotte" help:"Consumer group of the pipeline, to find a receipt that is not processed yet."`
	MaxReceiptAge time.Duration `default:"9600h" help:"As of cagnotte run, for --verify; 0 accepts any age."`
}

// Validate refuses an empty id, as an unset variable of a script gives.
func (c *ReceiptExplainCmd) Validate() error {
	if strings.TrimSpace(c.ID) == "" {
		return errors.New("the receipt's id is empty; it stands on the ticket and in the receipts topic: cagnotte receipt tail | jq .receipt_id")
	}
	return nil
}

// Help returns examples.
func (ReceiptExplainCmd) Help() string {
	return `For each campaign considered: outcome, each test with what was observed and expected, who outranked it, what capped it, from when and until when the
reward can be spent, who pays. Before that the receipt and its totals; after it the entries in the member's account and the returns that came later. A
receipt that was refused, is not processed yet, or is not known gets the answer that helps. The member's token is masked.

--verify reads the receipts topic, the member's partition from its beginning to the receipt, judges the member's receipts again with the campaigns as they
were known, and compares outcome, amounts, steps and ledger entries. It needs Kafka, and the log from its beginning.

Examples:
  cagnotte receipt explain S042-T1-2026-12-02-17
  cagnotte receipt explain S042-T1-2026-12-02-17 --lang fr --verify
  cagnotte receipt explain S042-T1-2026-12-02-17 -o json | jq .campaigns[].outcome
  curl 'http://localhost:8080/v1/receipts/S042-T1-2026-12-02-17/explanation?lang=fr'`
}

// Run prints the explanation.
func (c *ReceiptExplainCmd) Run(ctx context.Context, g *Globals) error {
	words, err := explain.New()
	if err != nil {
		return err
	}
	reader, err := evidence.Open(evidence.Options{Addr: c.clickHouse()})
	if err != nil {
		return exitf(ExitUsage, "--clickhouse-addr: %w", err)
	}
	defer reader.Close()
	facts, err := c.facts(ctx, g, reader)
	if err != nil {
		return err
	}
	x, err := words.Explain(facts, c.Lang)
	if err != nil {
		return exitf(ExitUsage, "--lang: %w", err)
	}
	var failed error
	if c.Verify {
		failed = c.verify(ctx, g, reader, words, facts, x)
	}
	if err := printExplanation(g, x); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if x.Status == explain.Unknown {
		return exitf(ExitNotFound, "receipt %s is not known", c.ID)
	}
	return nil
}

// clickHouseSource is where commands that only read find ClickHouse.
type clickHouseSource struct {
	ClickHouseAddr string `name:"clickhouse-addr" placeholder:"HOST:PORT" help:"ClickHouse, native protocol (default: that of a dev in this directory, else localhost:9000)."`
}

func (c *clickHouseSource) clickHouse() string {
	if c.ClickHouseAddr != "" {
		return c.ClickHouseAddr
	}
	if dev := devEndpoints(); dev.ClickHouse != "" {
		return dev.ClickHouse
	}
	return "localhost:9000"
}

// facts asks ClickHouse, and Kafka for a receipt that ClickHouse does not know: it may not have come so far.
func (c *ReceiptExplainCmd) facts(ctx context.Context, g *Globals, reader *evidence.Reader) (*explain.Facts, error) {
	facts, err := reader.Facts(ctx, retail.ReceiptID(c.ID), time.Now())
	if err != nil {
		return nil, exitf(ExitUnreachable, "clickhouse %s: %w", c.clickHouse(), err)
	}
	if facts.Receipt == nil && len(facts.Letters) == 0 {
		if facts.Waiting, err = c.findWaiting(ctx, g); err != nil {
			g.say("what waits in Kafka could not be searched: %v", err)
		}
	}
	return facts, nil
}

// verify adds the verification to the explanation. The error is for the exit code; what differs is in the explanation.
func (c *ReceiptExplainCmd) verify(ctx context.Context, g *Globals, reader *evidence.Reader, words *explain.Explainer, facts *explain.Facts, x *explain.Explanation) error {
	if x.Status != explain.Decided && x.Status != explain.NoCampaign && x.Status != explain.Training {
		return exitf(ExitNotFound, "--verify: there is no decision yet to verify (%s)", x.Status)
	}
	derived, err := c.derive(ctx, g, reader, facts)
	if err != nil {
		return fmt.Errorf("--verify: %w", err)
	}
	words.Verify(x, facts, derived)
	if !x.Verification.Identical {
		return exitf(ExitFailed, "the recorded decision is not what the log gives: %d differences", len(x.Verification.Differences))
	}
	return nil
}

func printExplanation(g *Globals, x *explain.Explanation) error {
	if g.format() == "table" {
		_, err := fmt.Fprint(g.Out, x.Text())
		return err
	}
	enc := json.NewEncoder(g.Out)
	enc.SetEscapeHTML(false)
	if g.format() == "json" {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(x)
}

// errFound ends a search.
var errFound = errors.New("found")
