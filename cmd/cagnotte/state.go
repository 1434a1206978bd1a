package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/state"
)

// StateCmd looks into the local state.
type StateCmd struct {
	Dump StateDumpCmd `cmd:"" help:"Print every account of a state directory as NDJSON."`
}

// StateDumpCmd is cagnotte state dump.
type StateDumpCmd struct {
	StateDir string `default:".cagnotte/state" type:"path" help:"State directory of a cagnotte run or dev that has ended."`
	Account  string `help:"Only this account."`
}

// Help returns examples.
func (StateDumpCmd) Help() string {
	return `Accounts come by partition and id, as of the changelog offset that the state covers. The process that owns the directory must have ended: Pebble
lets one process in.

Examples:
  cagnotte state dump --state-dir .cagnotte/state | jq -s 'map(.available_minor) | add'
  cagnotte state dump --account 17850`
}

// accountRow is the NDJSON form of an account.
type accountRow struct {
	Account         retail.AccountID `json:"account_id"`
	Partition       int32            `json:"partition"`
	Seq             uint64           `json:"seq"`
	Pending         money.Amount     `json:"pending_minor"`
	Available       money.Amount     `json:"available_minor"`
	LifetimeEarned  money.Amount     `json:"lifetime_earned_minor"`
	Lots            []lotRow         `json:"lots,omitempty"`
	Progress        []progressRow    `json:"progress,omitempty"`
	RecentReceipts  int              `json:"recent_receipts"`
	LastReceiptAt   string           `json:"last_receipt_at,omitempty"`
	ChangelogOffset int64            `json:"changelog_offset"`
}

type lotRow struct {
	CampaignKey string       `json:"campaign_key"` // xxhash64 of the campaign's id
	Version     int32        `json:"version"`
	Active      bool         `json:"active"`
	ActiveFrom  string       `json:"active_from,omitempty"`
	ExpiresAt   string       `json:"expires_at,omitempty"`
	Remaining   money.Amount `json:"remaining_minor"`
}

type progressRow struct {
	CampaignKey string       `json:"campaign_key"`
	Period      int32        `json:"period"`
	Used        money.Amount `json:"used_minor"`
}

// Run prints the accounts.
func (c *StateDumpCmd) Run(ctx context.Context, g *Globals) error {
	numbers, err := statePartitions(c.StateDir)
	if err != nil {
		return err
	}
	store, err := state.Open(state.Options{Dir: c.StateDir, CacheAccounts: 1000, Logger: g.Logger})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(g.Out, 1<<16)
	err = c.dump(ctx, store, numbers, json.NewEncoder(out))
	return errors.Join(err, out.Flush(), store.Close())
}

func (c *StateDumpCmd) dump(ctx context.Context, store *state.Store, numbers []int32, enc *json.Encoder) error {
	found := false
	for _, number := range numbers {
		p, err := store.Partition(number)
		if err != nil {
			return fmt.Errorf("%w: does its owner still run?", err)
		}
		offset := p.Meta().ChangelogOffset
		err = p.Range(func(id retail.AccountID, a *ledger.Account) error {
			if c.Account != "" && string(id) != c.Account {
				return ctx.Err()
			}
			found = true
			return errors.Join(ctx.Err(), enc.Encode(newAccountRow(id, number, offset, a)))
		})
		if err := errors.Join(err, p.Close()); err != nil {
			return err
		}
	}
	if c.Account != "" && !found {
		return exitf(ExitNotFound, "account %q is not in %s", c.Account, c.StateDir)
	}
	return nil
}

// statePartitions lists the partitions that a directory holds. Opening one that is missing would make it.
func statePartitions(dir string) ([]int32, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, exitf(ExitNotFound, "state directory: %w", err)
	}
	var numbers []int32
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "partition-")
		if n, err := strconv.ParseInt(digits, 10, 32); ok && err == nil && e.IsDir() {
			numbers = append(numbers, int32(n))
		}
	}
	if len(numbers) == 0 {
		return nil, exitf(ExitNotFound, "%s holds no partition-NNNN: is it the state directory of a cagnotte run, or %s below the data directory of a dev?", dir, filepath.Join(dir, "state"))
	}
	slices.Sort(numbers)
	return numbers, nil
}

func newAccountRow(id retail.AccountID, partition int32, offset int64, a *ledger.Account) accountRow {
	row := accountRow{
		Account: id, Partition: partition, Seq: a.Seq, Pending: a.Pending, Available: a.Available, LifetimeEarned: a.LifetimeEarned,
		RecentReceipts: len(a.Recent), LastReceiptAt: instantOrEmpty(a.LastReceiptAt), ChangelogOffset: offset,
	}
	for _, l := range a.Lots {
		row.Lots = append(row.Lots, lotRow{
			CampaignKey: strconv.FormatUint(l.Campaign, 16), Version: l.Version, Active: l.Active, ActiveFrom: instantOrEmpty(l.ActiveFrom),
			ExpiresAt: instantOrEmpty(l.ExpiresAt), Remaining: l.Remaining,
		})
	}
	for _, p := range a.Progress {
		row.Progress = append(row.Progress, progressRow{CampaignKey: strconv.FormatUint(p.Campaign, 16), Period: p.Period, Used: p.Used})
	}
	return row
}

func instantOrEmpty(t retail.Instant) string {
	if t == 0 {
		return ""
	}
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.000Z")
}
