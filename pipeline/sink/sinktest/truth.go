package sinktest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"
)

// truth is what the views must say, kept by simple means.
type truth struct {
	receipts    map[retail.ReceiptID]retail.Receipt
	voided      map[retail.ReceiptID]bool
	events      map[retail.ReceiptID]retail.Receipt // of accounts
	balances    map[string]money.Amount
	entries     int
	earned      money.Amount
	granted     money.Amount
	ghost       money.Amount
	decisions   int
	considered  int64
	basketSum   money.Amount
	deadLetters int
	deadBytes   int64
	unsigned    int // of the dead letters
}

func newTruth() *truth {
	return &truth{events: map[retail.ReceiptID]retail.Receipt{}, receipts: map[retail.ReceiptID]retail.Receipt{}, voided: map[retail.ReceiptID]bool{}, balances: map[string]money.Amount{}}
}

func (t *truth) receipt(r *retail.Receipt) {
	t.receipts[r.ID] = *r
	if r.Type == retail.Void {
		t.voided[r.Original.ReceiptID] = true
	}
}

func (t *truth) earn(account string, amount, balance money.Amount) {
	t.entries++
	t.earned += amount
	t.balances[account] = balance
}

func (t *truth) decision(d *schemas.ReceiptDecision) {
	t.decisions += len(d.Results)
	for _, r := range d.Results {
		t.granted += r.Granted
		if r.Outcome == rules.HeldOut {
			t.ghost += r.Desired
		}
	}
}

func (t *truth) metrics(m *schemas.MetricBatch) {
	for _, c := range m.Campaigns {
		t.considered += c.Considered
		t.basketSum += c.BasketSum
	}
}

// armOf is the arm as the design has it: hash of salt and account.
func armOf(account string) rules.Arm {
	if xxhash.Sum64String(Campaign+"|"+account)%10000 < 2000 {
		return rules.Holdout
	}
	return rules.Treatment
}

// answers are the sums that the views must give, by query.
func (t *truth) answers() map[string]string {
	a := map[string]string{
		"SELECT concat(toString(count()), ' ', toString(sum(amount_minor))) FROM cagnotte.ledger_entries":                                                                                   fmt.Sprint(t.entries, " ", int64(t.earned)),
		"SELECT toString(sum(arraySum(p -> p.amount_minor, postings))) FROM cagnotte.ledger_entries":                                                                                        "0",
		"SELECT concat(toString(count()), ' ', toString(sum(amount_minor)), ' ', toString(uniq(id)), ' ', any(type), ' ', any(campaign)) FROM cagnotte.notifications":                       fmt.Sprint(t.entries, " ", int64(t.earned), " ", t.entries, " EARNED ", Campaign),
		"SELECT toString(sum(granted_minor)) FROM cagnotte.decisions":                                                                                                                       fmt.Sprint(int64(t.granted)),
		"SELECT concat(toString(count()), ' ', toString(sumIf(desired_minor, outcome = 'HELD_OUT'))) FROM cagnotte.decisions":                                                               fmt.Sprint(t.decisions, " ", int64(t.ghost)),
		"SELECT concat(toString(count()), ' ', toString(sum(length(value))), ' ', toString(countIf(code = 'RCP-0012')), ' ', toString(uniq(partition, offset))) FROM cagnotte.dead_letters": fmt.Sprint(t.deadLetters, " ", t.deadBytes, " ", t.unsigned, " ", t.deadLetters),
		"SELECT concat(toString(sum(considered)), ' ', toString(sum(basket_sum_minor))) FROM cagnotte.campaign_minutes":                                                                     fmt.Sprint(t.considered, " ", int64(t.basketSum)),
		"SELECT concat(toString(count()), ' ', any(campaign), ' ', toString(any(holdout_bp)), ' ', any(design)) FROM cagnotte.campaigns":                                                    "1 " + Campaign + " 2000 randomised",
	}
	t.receiptAnswers(a)
	t.eventAnswers(a)
	t.storeAnswers(a)
	t.memberAnswers(a)
	var sum money.Amount
	for _, b := range t.balances {
		sum += b
	}
	a["SELECT concat(toString(count()), ' ', toString(sum(available_minor)), ' ', toString(sum(available))) FROM cagnotte.balances"] =
		fmt.Sprint(len(t.balances), " ", int64(sum), " ", decimal(sum))
	return a
}

// decimal prints an amount as ClickHouse prints a Decimal: without trailing zeros.
func decimal(a money.Amount) string {
	s := a.String()
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func (t *truth) receiptAnswers(a map[string]string) {
	var total, lines, discounts money.Amount
	count, hours, labels := 0, 0, 0
	for _, r := range t.receipts {
		total += r.Total
		hours += int((r.EndedAt/3_600_000 + 1) % 24)
		for _, l := range r.Lines {
			count++
			lines += l.Net
			labels += len(l.Labels)
			discounts -= 10
		}
	}
	a["SELECT concat(toString(count()), ' ', toString(sum(amount_minor)), ' ', toString(sum(amount)), ' ', toString(sum(local_hour))) FROM cagnotte.receipts"] =
		fmt.Sprint(len(t.receipts), " ", int64(total), " ", decimal(total), " ", hours)
	a["SELECT concat(toString(count()), ' ', toString(sum(amount_minor)), ' ', toString(sum(discount_minor)), ' ', toString(sum(length(labels))), ' ', arrayStringConcat(arraySort(groupUniqArrayArray(labels)), ',')) FROM cagnotte.receipt_lines"] =
		fmt.Sprint(count, " ", int64(lines), " ", int64(discounts), " ", labels, " eco-a,organic")
}

// eventAnswers are of the view of events, and of its order within an account.
func (t *truth) eventAnswers(a map[string]string) {
	var total money.Amount
	back, lines := 0, 0
	for _, r := range t.events {
		total += r.Total
		lines += len(r.Lines)
		if r.Type == retail.Return {
			back++
		}
	}
	a["SELECT concat(toString(count()), ' ', toString(sum(amount_minor)), ' ', toString(sum(line_count)), ' ', toString(countIf(type = 'RETURN')), ' ', toString(countIf(event = 'recycling')), ' ', toString(countIf(attributes['by'] = 'app')), ' ', toString(countIf(account_id = ''))) FROM cagnotte.member_events"] =
		fmt.Sprint(len(t.events), " ", int64(total), " ", lines, " ", back, " ", len(t.events), " ", len(t.events)-back, " 0")
}

// counts reports whether a receipt counts in KPIs.
func (t *truth) counts(r *retail.Receipt) bool { return r.Type != retail.Void && !t.voided[r.ID] }

func (t *truth) storeAnswers(a map[string]string) {
	type cell struct {
		shop retail.ShopID
		day  retail.Date
	}
	receipts, net, days, members := 0, money.Amount(0), map[cell]bool{}, 0
	for _, r := range t.receipts {
		if !t.counts(&r) {
			continue
		}
		receipts++
		net += r.Total
		days[cell{r.Shop.ID, r.BusinessDate}] = true
		if r.Loyalty.AccountID != "" {
			members++
		}
	}
	a["SELECT concat(toString(count()), ' ', toString(sum(receipts)), ' ', toString(sum(member_receipts)), ' ', toString(sum(net_minor))) FROM cagnotte.store_days"] =
		fmt.Sprint(len(days), " ", receipts, " ", members, " ", int64(net))
}

// memberAnswers are of the members with a receipt before the end of the window: all receipts are within 56 days of its start.
func (t *truth) memberAnswers(a map[string]string) {
	began := time.Now().Add(-20 * 24 * time.Hour).UTC().Truncate(24 * time.Hour)
	t0, t1 := instant(began.AddDate(0, 0, 7)), instant(began.AddDate(0, 0, 14))
	var spend, pre money.Amount
	visits, members, held := 0, map[retail.AccountID]bool{}, 0
	for _, r := range t.receipts {
		if r.Loyalty.AccountID == "" || !t.counts(&r) || r.EndedAt >= t1 {
			continue
		}
		members[r.Loyalty.AccountID] = true
		if r.EndedAt >= t0 {
			visits++
			spend += r.Total
		} else {
			pre += r.Total
		}
	}
	for m := range members {
		if armOf(string(m)) == rules.Holdout {
			held++
		}
	}
	a["SELECT concat(toString(count()), ' ', toString(countIf(arm = 'HOLDOUT')), ' ', toString(sum(visits)), ' ', toString(sum(spend_minor)), ' ', toString(sum(pre_spend_minor)), ' ', any(design)) FROM cagnotte.campaign_members"] =
		fmt.Sprint(len(members), " ", held, " ", visits, " ", int64(spend), " ", int64(pre), " randomised")
}

// Await waits until the views say the truth, and fails the test with each difference when they do not within the time.
func (w *World) Await(within time.Duration) {
	w.tb.Helper()
	conn := w.Conn()
	defer conn.Close()
	var wrong []string
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		late := time.Now().After(deadline)
		if wrong = w.truth.differences(conn, late); len(wrong) == 0 {
			return
		}
		if late {
			break
		}
	}
	for _, d := range wrong {
		w.tb.Error(d)
	}
}

// differences asks the views; unless all are wanted, the first difference will do.
func (t *truth) differences(conn driver.Conn, all bool) (wrong []string) {
	answers := t.answers()
	for _, q := range slices.Sorted(maps.Keys(answers)) {
		if len(wrong) > 0 && !all {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		var got string
		err := conn.QueryRow(ctx, q).Scan(&got)
		cancel()
		if err != nil || got != answers[q] {
			wrong = append(wrong, fmt.Sprintf("%s\n  got  %s (%v)\n  want %s", q, got, err, answers[q]))
		}
	}
	return wrong
}

// CheckClean fails the test when the row of a record was inserted more than once. Merges are off, so no repeat can hide.
func (w *World) CheckClean() {
	w.tb.Helper()
	conn := w.Conn()
	defer conn.Close()
	for table, key := range map[string]string{"receipts": "receipt_id", "ledger_entries": "account_id, seq", "decisions": "receipt_id",
		"metric_batches": "task_partition, counter", "notifications": "id", "dead_letters": "topic, partition, offset"} {
		var rows, distinct uint64
		query := fmt.Sprintf("SELECT count(), uniqExact(%s, _partition, _offset) FROM cagnotte_raw.%s", key, table)
		if err := conn.QueryRow(context.Background(), query).Scan(&rows, &distinct); err != nil {
			w.tb.Fatal(err)
		}
		if rows != distinct || rows == 0 {
			w.tb.Errorf("cagnotte_raw.%s: %d rows of %d records: some were inserted twice", table, rows, distinct)
		}
	}
}

// stopMerges keeps repeats from being merged away before they are seen.
func (w *World) stopMerges() {
	w.tb.Helper()
	conn := w.Conn()
	defer conn.Close()
	for _, table := range []string{"receipts", "ledger_entries", "decisions", "metric_batches", "dead_letters", "notifications"} {
		if err := conn.Exec(context.Background(), "ALTER TABLE cagnotte_raw."+table+" MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1"); err != nil {
			w.tb.Fatal(err)
		}
	}
}
