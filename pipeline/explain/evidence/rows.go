package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"github.com/cespare/xxhash/v2"
)

// headRow is a receipt's head; original is the id that a return names, or builds from its parts as retail.Receipt.OriginalID does.
type headRow struct {
	ID        string    `ch:"receipt_id"`
	Type      string    `ch:"type"`
	Event     string    `ch:"event"`
	Training  uint8     `ch:"training"`
	Shop      string    `ch:"store_id"`
	Channel   string    `ch:"channel"`
	Currency  string    `ch:"currency"`
	Account   string    `ch:"account_id"`
	Total     int64     `ch:"total_minor"`
	EndedAt   time.Time `ch:"ended_at"`
	UTCOffset int32     `ch:"utc_offset_min"`
	Received  time.Time `ch:"received_at"`
	Given     uint8     `ch:"original_given"`
	Original  string    `ch:"original"`
	Partition int32     `ch:"_partition"`
	Offset    int64     `ch:"_offset"`
}

// heads reads receipts, in order of arrival. It reads the table, because the view leaves training receipts and parts of the original out.
func (r *Reader) heads(ctx context.Context, where string, p params) ([]explain.Head, error) {
	rows, err := ask[headRow](ctx, r, "receipts", `SELECT receipt_id, toString(type) AS type, if(is_event = 1, attributes['event'], '') AS event, training, toString(store_id) AS store_id, toString(channel) AS channel,
		toString(currency) AS currency, account_id, total_minor, ended_at, utc_offset_min, received_at, original_given, _partition, _offset,
		multiIf(original_given = 0, '', original_receipt_id != '', original_receipt_id,
			concat(original_store_id, ':', original_terminal_id, ':', toString(original_business_date), ':', toString(original_sequence_no))) AS original
		FROM cagnotte_raw.receipts FINAL WHERE `+where+fmt.Sprintf(` ORDER BY received_at, _offset LIMIT %d`, maxReturns), p)
	if err != nil {
		return nil, err
	}
	out := make([]explain.Head, len(rows))
	for i := range rows {
		out[i] = rows[i].head()
	}
	return out, nil
}

func (h *headRow) head() explain.Head {
	kind, _ := retail.ParseReceiptType(h.Type)
	channel, _ := retail.ParseChannel(h.Channel)
	return explain.Head{
		ID: retail.ReceiptID(h.ID), Type: kind, Event: h.Event, Training: h.Training != 0, Shop: retail.ShopID(h.Shop), Channel: channel, Currency: h.Currency,
		Account: retail.AccountID(h.Account), Total: money.Amount(h.Total), EndedAt: instant(h.EndedAt), UTCOffsetMin: h.UTCOffset,
		ReceivedAt: instant(h.Received), OriginalGiven: h.Given != 0, Original: retail.ReceiptID(h.Original), Partition: h.Partition, Offset: h.Offset,
	}
}

func instant(t time.Time) retail.Instant { return retail.Instant(t.UnixMilli()) }

// resultRow is one campaign's part of a decision, from the view.
type resultRow struct {
	Receipt      string    `ch:"receipt_id"`
	Campaign     string    `ch:"campaign"`
	Version      int32     `ch:"campaign_version"`
	Arm          string    `ch:"arm"`
	Outcome      string    `ch:"outcome"`
	Basis        int64     `ch:"basis_minor"`
	Desired      int64     `ch:"desired_minor"`
	Granted      int64     `ch:"granted_minor"`
	CappedBy     string    `ch:"capped_by"`
	ActiveFrom   time.Time `ch:"active_from"`
	ExpiresAt    time.Time `ch:"expires_at"`
	Parties      []string  `ch:"parties"`
	Rates        []int64   `ch:"rates"`
	Node         []string  `ch:"step_node"`
	Code         []string  `ch:"step_code"`
	Passed       []uint8   `ch:"step_passed"`
	Unit         []string  `ch:"step_unit"`
	Observed     []int64   `ch:"step_observed"`
	Expected     []int64   `ch:"step_expected"`
	ObservedText []string  `ch:"step_observed_text"`
	ExpectedText []string  `ch:"step_expected_text"`
	Ruleset      int64     `ch:"ruleset_version"`
	Partition    int32     `ch:"input_partition"`
	Offset       int64     `ch:"input_offset"`
}

// decisions reads what the campaigns made of receipts, in the order of their evaluation.
func (r *Reader) decisions(ctx context.Context, ids []string) (map[retail.ReceiptID]*explain.Decision, error) {
	rows, err := ask[resultRow](ctx, r, "decisions", `SELECT receipt_id, campaign, campaign_version, arm, outcome, basis_minor, desired_minor, granted_minor, capped_by,
		active_from, expires_at, arrayMap(f -> f.1, funding) AS parties, arrayMap(f -> f.2, funding) AS rates,
		arrayMap(s -> s.1, steps) AS step_node, arrayMap(s -> s.2, steps) AS step_code, arrayMap(s -> s.3, steps) AS step_passed,
		arrayMap(s -> s.4, steps) AS step_unit, arrayMap(s -> s.5, steps) AS step_observed, arrayMap(s -> s.6, steps) AS step_expected,
		arrayMap(s -> s.7, steps) AS step_observed_text, arrayMap(s -> s.8, steps) AS step_expected_text,
		ruleset_version, input_partition, input_offset
		FROM cagnotte.decisions WHERE receipt_id IN {ids:Array(String)}`, params{"ids": arrayLiteral(ids)})
	if err != nil {
		return nil, err
	}
	out := map[retail.ReceiptID]*explain.Decision{}
	for i := range rows {
		row := &rows[i]
		d := out[retail.ReceiptID(row.Receipt)]
		if d == nil {
			d = &explain.Decision{RulesetVersion: row.Ruleset, Partition: row.Partition, Offset: row.Offset}
			out[retail.ReceiptID(row.Receipt)] = d
		}
		d.Results = append(d.Results, row.result())
	}
	return out, nil
}

func (r *resultRow) result() rules.Result {
	outcome, _ := rules.ParseOutcome(r.Outcome)
	res := rules.Result{
		Campaign: r.Campaign, CampaignKey: xxhash.Sum64String(r.Campaign), Version: r.Version, Arm: symbolOf[rules.Arm](r.Arm, 2), Outcome: outcome, Basis: money.Amount(r.Basis),
		Desired: money.Amount(r.Desired), Granted: money.Amount(r.Granted), CappedBy: r.CappedBy, ActiveFrom: instant(r.ActiveFrom), ExpiresAt: instant(r.ExpiresAt),
	}
	for i := range min(len(r.Parties), len(r.Rates)) {
		res.Funding = append(res.Funding, ledger.Share{Party: r.Parties[i], Rate: money.Rate(r.Rates[i])})
	}
	for i := range r.Code {
		res.Steps = append(res.Steps, rules.Step{
			Node: r.Node[i], Code: rules.StepCode(r.Code[i]), Passed: r.Passed[i] != 0, Unit: unitOf(r.Unit[i]), Observed: r.Observed[i], Expected: r.Expected[i],
			ObservedText: r.ObservedText[i], ExpectedText: r.ExpectedText[i],
		})
	}
	return res
}

// symbolOf finds the value of an enum of at most last whose symbol is s.
func symbolOf[T interface {
	~uint8
	String() string
}](s string, last T) T {
	for v := T(0); v <= last; v++ {
		if v.String() == s {
			return v
		}
	}
	return 0
}

// unitOf reads the symbols that the sink writes.
func unitOf(s string) rules.StepUnit {
	return rules.StepUnit(max(0, slices.Index([]string{"NONE", "MINOR", "MILLI", "COUNT", "TIME", "TEXT"}, s)))
}

// entryRow is a ledger entry, from the view.
type entryRow struct {
	Seq        uint64    `ch:"seq"`
	Kind       string    `ch:"kind"`
	Amount     int64     `ch:"amount_minor"`
	Pending    int64     `ch:"pending_after_minor"`
	Available  int64     `ch:"available_after_minor"`
	Campaign   string    `ch:"campaign"`
	Version    int32     `ch:"campaign_version"`
	Receipt    string    `ch:"receipt_id"`
	Shop       string    `ch:"store_id"`
	At         time.Time `ch:"at"`
	ActiveFrom time.Time `ch:"active_from"`
	ExpiresAt  time.Time `ch:"expires_at"`
	Reason     string    `ch:"reason"`
	Wallet     string    `ch:"wallet"`
	Reference  string    `ch:"reference"`
	Books      []string  `ch:"books"`
	Parties    []string  `ch:"parties"`
	Amounts    []int64   `ch:"amounts"`
}

// addEntries reads what the receipt caused in the account, and when the lots that its rewards went into became active or lapsed.
func (r *Reader) addEntries(ctx context.Context, f *explain.Facts) error {
	if f.Receipt.Account == "" {
		return nil
	}
	rows, err := ask[entryRow](ctx, r, "ledger entries", `SELECT seq, kind, amount_minor, pending_after_minor, available_after_minor, campaign, campaign_version, receipt_id,
		store_id, at, active_from, expires_at, reason, wallet, reference,
		arrayMap(p -> p.1, postings) AS books, arrayMap(p -> p.2, postings) AS parties, arrayMap(p -> p.3, postings) AS amounts
		FROM cagnotte.ledger_entries WHERE account_id = {account:String} AND (receipt_id = {id:String} OR kind IN ('ACTIVATE', 'EXPIRE'))
		ORDER BY seq`+fmt.Sprintf(` LIMIT %d`, maxEntries), params{"account": text(string(f.Receipt.Account)), "id": text(string(f.ReceiptID))})
	if err != nil {
		return err
	}
	for i := range rows {
		if e := rows[i].entry(f.Receipt.Account); e.Receipt == f.ReceiptID || followed(&e, f) {
			f.Entries = append(f.Entries, e)
		}
	}
	return nil
}

// followed reports whether a timer's entry moved a lot that a reward of the receipt went into.
func followed(e *ledger.Entry, f *explain.Facts) bool {
	if f.Decision == nil || e.Receipt != "" {
		return false
	}
	for i := range f.Decision.Results {
		res := &f.Decision.Results[i]
		if res.Granted <= 0 || res.Campaign != e.Campaign || res.Version != e.CampaignVersion {
			continue
		}
		lapses := res.ExpiresAt
		if lapses != 0 {
			lapses = max(lapses, res.ActiveFrom)
		}
		if e.Kind == ledger.Activate && e.At == res.ActiveFrom && e.ExpiresAt == lapses || e.Kind == ledger.Expire && e.At == lapses {
			return true
		}
	}
	return false
}

func (r *entryRow) entry(account retail.AccountID) ledger.Entry {
	e := ledger.Entry{
		Account: account, Seq: r.Seq, Kind: kindOf(r.Kind), Amount: money.Amount(r.Amount), PendingAfter: money.Amount(r.Pending), AvailableAfter: money.Amount(r.Available),
		Campaign: r.Campaign, CampaignVersion: r.Version, Receipt: retail.ReceiptID(r.Receipt), Shop: retail.ShopID(r.Shop), At: instant(r.At),
		ActiveFrom: instant(r.ActiveFrom), ExpiresAt: instant(r.ExpiresAt), Reason: r.Reason, Wallet: r.Wallet, Reference: r.Reference,
	}
	for i := range r.Books {
		e.Postings = append(e.Postings, ledger.Posting{Book: bookOf(r.Books[i]), Party: r.Parties[i], Amount: money.Amount(r.Amounts[i])})
	}
	return e
}

func kindOf(s string) ledger.Kind {
	for k := ledger.UnknownKind; k <= ledger.Merge; k++ {
		if strings.EqualFold(k.String(), s) {
			return k
		}
	}
	return ledger.UnknownKind
}

// bookOf reads the wire's symbols, MEMBER_PENDING for the book that prints as "member pending".
func bookOf(s string) ledger.Book {
	plain := strings.NewReplacer("_", "", " ", "", "-", "")
	for b := ledger.UnknownBook; b <= ledger.Transfer; b++ {
		if strings.EqualFold(plain.Replace(b.String()), plain.Replace(s)) {
			return b
		}
	}
	return ledger.UnknownBook
}

// letterRow is a dead letter, from the view.
type letterRow struct {
	Topic     string    `ch:"topic"`
	Partition int32     `ch:"partition"`
	Offset    int64     `ch:"offset"`
	Received  time.Time `ch:"received_at"`
	Stage     string    `ch:"stage"`
	Code      string    `ch:"code"`
	Path      string    `ch:"path"`
	Detail    string    `ch:"detail"`
	Hint      string    `ch:"hint"`
	Shop      string    `ch:"store_id"`
}

func (r *Reader) letters(ctx context.Context, id retail.ReceiptID) ([]explain.Letter, error) {
	rows, err := ask[letterRow](ctx, r, "dead letters", `SELECT topic, partition, offset, received_at, stage, code, path, detail, hint, store_id
		FROM cagnotte.dead_letters WHERE receipt_id = {id:String} ORDER BY received_at, offset`+fmt.Sprintf(` LIMIT %d`, maxLetters), params{"id": text(string(id))})
	if err != nil {
		return nil, err
	}
	var out []explain.Letter
	for _, l := range rows {
		out = append(out, explain.Letter{
			Stage: l.Stage, Code: retail.Code(l.Code), Path: l.Path, Detail: l.Detail, Hint: l.Hint, Shop: retail.ShopID(l.Shop),
			Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, ReceivedAt: instant(l.Received),
		})
	}
	return out, nil
}

// text writes a parameter as ClickHouse reads one: a till may put anything into an id.
func text(v string) string {
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(v)
}

// arrayLiteral writes texts as ClickHouse reads an array parameter.
func arrayLiteral(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
	}
	return "[" + strings.Join(escaped, ",") + "]"
}
