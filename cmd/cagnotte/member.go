package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"cagnotte/pipeline/money"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// MemberCmd looks at members, and tells what happened to them.
type MemberCmd struct {
	Show    MemberShowCmd    `cmd:"" help:"Balances, the last events and the last entries of an account."`
	Balance MemberBalanceCmd `cmd:"" help:"What an account has, by wallet."`
	Ledger  MemberLedgerCmd  `cmd:"" help:"The ledger of an account, newest first."`
	Event   MemberEventCmd   `cmd:"" help:"Send an event of an account: enrol, segment, hold, redeem and the like."`
	Merge   MemberMergeCmd   `cmd:"" help:"Merge an account into another, which goes on."`
	Claim   MemberClaimCmd   `cmd:"" help:"Claim a receipt of a purchase without a card for an account."`
}

// Help returns examples.
func (MemberCmd) Help() string {
	return `Balances and ledger come from ClickHouse, a moment after the stream. Events go through the HTTP door into the stream.

Examples:
  cagnotte member show acc-024955
  cagnotte member ledger acc-024955 --wallet points -n 50 -o ndjson
  cagnotte member event acc-024955 enrol birthday=03-21
  cagnotte member event acc-024955 hold hold=till-1:77 amount=5.00 purchase=42.00 --store S042
  cagnotte member event acc-024955 adjust amount=5.00 reason=goodwill --id desk:4711
  cagnotte member merge acc-024955 acc-000017 --id desk:4712
  cagnotte member claim acc-024955 S042:3:2026-11-22:1187 --total 42.10`
}

// memberSource is where the balances are.
type memberSource struct {
	Account string `arg:"" help:"Token of the loyalty account."`
	clickHouseSource
}

// walletRow is one wallet of a member.
type walletRow struct {
	Wallet         string    `json:"wallet" ch:"wallet"`
	PendingMinor   int64     `json:"pending_minor" ch:"pending_minor"`
	AvailableMinor int64     `json:"available_minor" ch:"available_minor"`
	HeldMinor      int64     `json:"held_minor" ch:"held_minor"`
	EarnedMinor    int64     `json:"lifetime_earned_minor" ch:"lifetime_earned_minor"`
	Entries        uint64    `json:"entries" ch:"version"`
	UpdatedAt      time.Time `json:"updated_at" ch:"updated_at"`
}

// entryRow is one entry of a member's ledger.
type memberEntry struct {
	Seq            uint64    `json:"seq" ch:"seq"`
	At             time.Time `json:"at" ch:"at"`
	Kind           string    `json:"kind" ch:"kind"`
	Wallet         string    `json:"wallet,omitempty" ch:"wallet"`
	AmountMinor    int64     `json:"amount_minor" ch:"amount_minor"`
	PendingMinor   int64     `json:"pending_after_minor" ch:"pending_after_minor"`
	AvailableMinor int64     `json:"available_after_minor" ch:"available_after_minor"`
	Campaign       string    `json:"campaign,omitempty" ch:"campaign"`
	Receipt        string    `json:"receipt_id,omitempty" ch:"receipt_id"`
	Reference      string    `json:"reference,omitempty" ch:"reference"`
	Reason         string    `json:"reason,omitempty" ch:"reason"`
}

// memberEventRow is one event of a member.
type memberEventRow struct {
	At         time.Time         `json:"at" ch:"at"`
	Event      string            `json:"event" ch:"event"`
	Type       string            `json:"type" ch:"type"`
	Receipt    string            `json:"receipt_id" ch:"receipt_id"`
	Attributes map[string]string `json:"attributes" ch:"attributes"`
}

const (
	walletsQuery = `SELECT wallet, pending_minor, available_minor, held_minor, lifetime_earned_minor, version, updated_at
FROM cagnotte.wallet_balances WHERE account_id = $1 ORDER BY wallet`
	entriesQuery = `SELECT seq, at, kind, wallet, amount_minor, pending_after_minor, available_after_minor, campaign, receipt_id, reference, reason
FROM cagnotte.ledger_entries WHERE account_id = $1 AND ($2 OR wallet = $3) ORDER BY seq DESC LIMIT $4`
	eventsQuery = `SELECT at, event, type, receipt_id, attributes FROM cagnotte.member_events WHERE account_id = $1 ORDER BY at DESC, receipt_id LIMIT $2`
)

// ask runs a query, and tells how to reach ClickHouse when it does not answer.
func (c *memberSource) ask(ctx context.Context, fn func(driver.Conn) error) error {
	addr := c.clickHouse()
	if err := withClickHouse(addr, fn); err != nil {
		return exitf(ExitUnreachable, "clickhouse %s: %w", addr, err)
	}
	return ctx.Err()
}

func (c *memberSource) wallets(ctx context.Context) (rows []walletRow, err error) {
	err = c.ask(ctx, func(conn driver.Conn) error { return conn.Select(ctx, &rows, walletsQuery, c.Account) })
	if err == nil && len(rows) == 0 {
		err = exitf(ExitNotFound, "account %s is not known: nothing of it has come, or not so far", c.Account)
	}
	return rows, err
}

// MemberBalanceCmd prints balances.
type MemberBalanceCmd struct{ memberSource }

// Run prints one row for each wallet.
func (c *MemberBalanceCmd) Run(ctx context.Context, g *Globals) error {
	rows, err := c.wallets(ctx)
	if err != nil {
		return err
	}
	return writeRows(g, rows, walletTable)
}

// MemberLedgerCmd prints entries.
type MemberLedgerCmd struct {
	memberSource
	Wallet *string `help:"Of this wallet alone; '' is the programme's currency." placeholder:"NAME"`
	Limit  int     `short:"n" default:"20" help:"Entries at most, 1 to 10000."`
}

// Validate checks the bounds of the flags.
func (c *MemberLedgerCmd) Validate() error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return fmt.Errorf("-n %d: want 1 to 10000", c.Limit)
	}
	return nil
}

// Run prints the entries, newest first.
func (c *MemberLedgerCmd) Run(ctx context.Context, g *Globals) error {
	if _, err := c.wallets(ctx); err != nil {
		return err
	}
	rows, err := c.entries(ctx, c.Wallet, c.Limit)
	if err != nil {
		return err
	}
	return writeRows(g, rows, entryTable)
}

func (c *memberSource) entries(ctx context.Context, wallet *string, limit int) (rows []memberEntry, err error) {
	name := ""
	if wallet != nil {
		name = *wallet
	}
	err = c.ask(ctx, func(conn driver.Conn) error {
		return conn.Select(ctx, &rows, entriesQuery, c.Account, wallet == nil, name, limit)
	})
	return rows, err
}

// MemberShowCmd prints what there is about a member.
type MemberShowCmd struct {
	memberSource
	Limit int `short:"n" default:"5" help:"Events and entries at most, 1 to 10000."`
}

// Run prints wallets, events and entries.
func (c *MemberShowCmd) Run(ctx context.Context, g *Globals) error {
	if c.Limit < 1 || c.Limit > 10_000 {
		return exitf(ExitUsage, "-n %d: want 1 to 10000", c.Limit)
	}
	var out struct {
		Account string           `json:"account_id"`
		Wallets []walletRow      `json:"wallets"`
		Events  []memberEventRow `json:"events"`
		Entries []memberEntry    `json:"entries"`
	}
	var err error
	out.Account = c.Account
	if out.Wallets, err = c.wallets(ctx); err != nil {
		return err
	}
	if out.Entries, err = c.entries(ctx, nil, c.Limit); err != nil {
		return err
	}
	if err := c.ask(ctx, func(conn driver.Conn) error { return conn.Select(ctx, &out.Events, eventsQuery, c.Account, c.Limit) }); err != nil {
		return err
	}
	if g.format() != "table" {
		return json.NewEncoder(g.Out).Encode(out)
	}
	w := tabwriter.NewWriter(g.Out, 0, 4, 2, ' ', 0)
	walletTable(w, out.Wallets)
	fmt.Fprintln(w)
	fmt.Fprintln(w, "AT\tEVENT\tTYPE\tID\tATTRIBUTES")
	for _, e := range out.Events {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339), e.Event, e.Type, shorten(e.Receipt), pairsText(e.Attributes))
	}
	fmt.Fprintln(w)
	entryTable(w, out.Entries)
	return w.Flush()
}

func walletTable(w *tabwriter.Writer, rows []walletRow) {
	fmt.Fprintln(w, "WALLET\tAVAILABLE\tPENDING\tHELD\tEARNED\tENTRIES\tAS OF")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%v\t%v\t%v\t%v\t%d\t%s\n", walletName(r.Wallet), money.Amount(r.AvailableMinor), money.Amount(r.PendingMinor),
			money.Amount(r.HeldMinor), money.Amount(r.EarnedMinor), r.Entries, r.UpdatedAt.UTC().Format(time.RFC3339))
	}
}

func entryTable(w *tabwriter.Writer, rows []memberEntry) {
	fmt.Fprintln(w, "SEQ\tAT\tKIND\tWALLET\tAMOUNT\tAVAILABLE\tPENDING\tCAMPAIGN\tRECEIPT\tREFERENCE\tREASON")
	for _, r := range rows {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%v\t%v\t%v\t%s\t%s\t%s\t%s\n", r.Seq, r.At.UTC().Format(time.RFC3339), r.Kind, walletName(r.Wallet), money.Amount(r.AmountMinor), money.Amount(r.AvailableMinor),
			money.Amount(r.PendingMinor), shorten(r.Campaign), shorten(r.Receipt), shorten(r.Reference), r.Reason)
	}
}

// walletName names the programme's currency, which has no name.
func walletName(wallet string) string {
	if wallet == "" {
		return "-"
	}
	return wallet
}

// pairsText prints attributes in the order of their keys.
func pairsText(pairs map[string]string) string {
	text := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(pairs), "map["), "]")
	return shorten(text)
}
