// Package evidence gathers from ClickHouse what an explanation needs. Everything is read through indexes (receipt, account), bounded in rows and time,
// and nothing is written.
package evidence

import (
	"context"
	"fmt"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Bounds of one answer.
const (
	maxEntries = 2000
	maxReturns = 100
	maxLetters = 20
	maxConns   = 3
)

// Options of a reader.
type Options struct {
	Addr    string        // see schemas.ClickHouseOptions
	Timeout time.Duration // of each query; default 20 s
}

// Reader asks ClickHouse. Safe for concurrent use; Close it after use.
type Reader struct {
	conn    driver.Conn
	timeout time.Duration
}

// Open prepares connections; nothing is dialled before the first question.
func Open(o Options) (*Reader, error) {
	opts, err := schemas.ClickHouseOptions(o.Addr)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = 20 * time.Second
	}
	opts.DialTimeout, opts.ReadTimeout = 3*time.Second, o.Timeout+2*time.Second
	opts.MaxOpenConns, opts.MaxIdleConns = maxConns, maxConns
	opts.Settings = clickhouse.Settings{"readonly": 2, "max_execution_time": max(1, int(o.Timeout/time.Second)), "max_threads": 2, "max_result_rows": 100_000}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return nil, fmt.Errorf("clickhouse: %w", err)
	}
	return &Reader{conn: conn, timeout: o.Timeout}, nil
}

// Close closes the connections.
func (r *Reader) Close() error { return r.conn.Close() }

// params are a query's parameters, sent beside its text.
type params = clickhouse.Parameters

func ask[T any](ctx context.Context, r *Reader, what, query string, p params) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var rows []T
	if err := r.conn.Select(clickhouse.Context(ctx, clickhouse.WithParameters(p)), &rows, query); err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return rows, nil
}

// Facts gathers what is known about a receipt. A receipt that nobody knows has empty facts; that is no error.
func (r *Reader) Facts(ctx context.Context, id retail.ReceiptID, now time.Time) (*explain.Facts, error) {
	f := &explain.Facts{ReceiptID: id, Now: retail.Instant(now.UnixMilli()), Processed: -1}
	var err error
	if f.Letters, err = r.letters(ctx, id); err != nil {
		return nil, err
	}
	heads, err := r.heads(ctx, "receipt_id = {id:String}", params{"id": text(string(id))})
	if err != nil || len(heads) == 0 {
		return f, err
	}
	f.Receipt = &heads[0]
	steps := []func(context.Context, *explain.Facts) error{r.addPlace, r.addDecision, r.addReturns, r.addOriginal, r.addEntries, r.addCampaigns}
	for _, step := range steps {
		if err := step(ctx, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// addPlace says how far the pipeline has come on the receipt's partition, and whether copies of the receipt have arrived.
func (r *Reader) addPlace(ctx context.Context, f *explain.Facts) error {
	type row struct {
		Next   int64  `ch:"next_offset"`
		Copies uint64 `ch:"copies"`
	}
	rows, err := ask[row](ctx, r, "the pipeline's progress", `SELECT
		(SELECT max(input_offset) FROM cagnotte_raw.metric_batches WHERE task_partition = {partition:Int32}) AS next_offset,
		(SELECT uniqExact(_offset) FROM cagnotte_raw.receipts WHERE receipt_id = {id:String} AND _partition = {partition:Int32}) AS copies`,
		params{"id": text(string(f.ReceiptID)), "partition": fmt.Sprint(f.Receipt.Partition)})
	if err != nil || len(rows) == 0 {
		return err
	}
	f.Processed = rows[0].Next
	f.Copies = max(0, int(rows[0].Copies)-1)
	return nil
}

func (r *Reader) addDecision(ctx context.Context, f *explain.Facts) error {
	found, err := r.decisions(ctx, []string{string(f.ReceiptID)})
	if err != nil {
		return err
	}
	f.Decision = found[f.ReceiptID]
	return nil
}

// addReturns finds later returns by the account, which the table is indexed by, and what they changed.
func (r *Reader) addReturns(ctx context.Context, f *explain.Facts) error {
	if f.Receipt.Account == "" {
		return nil
	}
	heads, err := r.heads(ctx, `account_id = {account:String} AND type IN ('RETURN', 'VOID') AND receipt_id != {id:String} AND training = 0 AND original = {id:String}`,
		params{"account": text(string(f.Receipt.Account)), "id": text(string(f.ReceiptID))})
	if err != nil || len(heads) == 0 {
		return err
	}
	ids := make([]string, len(heads))
	for i := range heads {
		ids[i] = string(heads[i].ID)
	}
	found, err := r.decisions(ctx, ids)
	if err != nil {
		return err
	}
	for i := range heads {
		back := explain.Return{Head: heads[i]}
		if d := found[heads[i].ID]; d != nil {
			back.Results = d.Results
		}
		f.Returns = append(f.Returns, back)
	}
	return nil
}

func (r *Reader) addOriginal(ctx context.Context, f *explain.Facts) error {
	if f.Receipt.Original == "" || f.Receipt.Original == f.ReceiptID {
		return nil
	}
	heads, err := r.heads(ctx, "receipt_id = {id:String} AND account_id = {account:String}", params{"id": text(string(f.Receipt.Original)), "account": text(string(f.Receipt.Account))})
	if err != nil || len(heads) == 0 {
		return err
	}
	f.Original = &heads[0]
	return nil
}

// addCampaigns reads the documents of the versions that the decision names.
func (r *Reader) addCampaigns(ctx context.Context, f *explain.Facts) error {
	wanted := map[string]bool{}
	var names []string
	want := func(campaign string, version int32) {
		key := fmt.Sprintf("%s@%d", campaign, version)
		if campaign != "" && !wanted[key] {
			wanted[key] = true
			names = append(names, key)
		}
	}
	if f.Decision != nil {
		for i := range f.Decision.Results {
			want(f.Decision.Results[i].Campaign, f.Decision.Results[i].Version)
		}
	}
	if len(names) == 0 {
		return nil
	}
	type row struct {
		Campaign string `ch:"campaign"`
		Document string `ch:"document"`
	}
	rows, err := ask[row](ctx, r, "campaigns", `SELECT campaign, document FROM cagnotte.campaigns
		WHERE concat(campaign, '@', toString(version)) IN {names:Array(String)} ORDER BY campaign, version`, params{"names": arrayLiteral(names)})
	if err != nil {
		return err
	}
	for i := range rows {
		if c, _ := rules.Parse(rows[i].Campaign, []byte(rows[i].Document)); c != nil {
			f.Campaigns = append(f.Campaigns, c)
		}
	}
	return nil
}

// RulesetAt is from which offset of a partition on, and for which version, decisions were made.
type RulesetAt struct {
	Offset  int64 `ch:"input_offset"`
	Version int64 `ch:"ruleset_version"`
}

// Rulesets returns the ruleset versions of a partition's decisions up to an offset: those of one account exactly, of the others the first offset of each
// version. Sorted by offset.
func (r *Reader) Rulesets(ctx context.Context, partition int32, account retail.AccountID, last int64) ([]RulesetAt, error) {
	return ask[RulesetAt](ctx, r, "ruleset versions", `SELECT input_offset, ruleset_version FROM
	(
		SELECT min(d.input_offset) AS input_offset, d.ruleset_version AS ruleset_version FROM cagnotte_raw.decisions AS d
		WHERE d.input_partition = {partition:Int32} AND d.input_offset <= {last:Int64} GROUP BY d.ruleset_version
		UNION DISTINCT
		SELECT input_offset, ruleset_version FROM cagnotte_raw.decisions FINAL
		WHERE account_id = {account:String} AND account_id != '' AND input_partition = {partition:Int32} AND input_offset <= {last:Int64}
	)
	ORDER BY input_offset`, params{"partition": fmt.Sprint(partition), "account": text(string(account)), "last": fmt.Sprint(last)})
}

// BudgetCut is a step of a decision in which a budget was short: which, and what it had left.
type BudgetCut struct {
	Offset   int64  `ch:"input_offset"`
	Campaign string `ch:"campaign"`
	Code     string `ch:"code"`
	Left     int64  `ch:"left"`
}

// BudgetCuts returns what budgets have limited of an account's receipts up to an offset of its partition, in their order.
func (r *Reader) BudgetCuts(ctx context.Context, partition int32, account retail.AccountID, last int64) ([]BudgetCut, error) {
	return ask[BudgetCut](ctx, r, "limits of budgets", `SELECT input_offset, campaign, s.2 AS code, s.6 AS left FROM
	(
		SELECT input_offset, campaign, steps FROM cagnotte.decisions
		WHERE account_id = {account:String} AND account_id != '' AND input_partition = {partition:Int32} AND input_offset <= {last:Int64} AND capped_by = 'budget'
	)
	ARRAY JOIN steps AS s, arrayEnumerate(steps) AS place WHERE s.2 IN ('budget', 'budget_pacing', 'store_budget')
	ORDER BY input_offset, campaign, place`, params{"partition": fmt.Sprint(partition), "account": text(string(account)), "last": fmt.Sprint(last)})
}
