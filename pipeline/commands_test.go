package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

var lifeDocs = []string{`
id: all-in-cash
version: 1
name: Everything
window: {from: 2000-01-01, tz: UTC}
reward: {percent: 10}
funding: [{by: store, share: 100}]
validity: {expires: {after: 40d}}
`, `
id: terms
version: 1
name: Terms
window: {from: 2000-01-01, tz: UTC}
terms: {min_purchase: 10.00, max_share: 50, stores: {ids: [s1, s2]}, hold: 30m, negative_limit: 2.00, remind: 7d}
`}

// life is one account whose records are judged one after the other.
type life struct {
	t      *testing.T
	codec  *schemas.Codec
	replay *Replay
	now    time.Time
	offset int64
	rules  int64

	allTold []string // ids of all notifications
	said    *[]schemas.Notification
	told    []schemas.Notification
	sent    []*kgo.Record // to the receipts topic
}

func newLife(t *testing.T, more ...string) *life {
	t.Helper()
	var docs []*kgo.Record
	for i, doc := range append(slices.Clone(lifeDocs), more...) {
		docs = append(docs, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte(doc), Offset: int64(i)})
	}
	l := &life{t: t, rules: int64(len(docs)), codec: simCodec(t), now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)}
	var err error
	if l.replay, err = NewReplay(ReplayOptions{Codec: l.codec, Policy: retail.DefaultPolicy(), Partitions: 1, Campaigns: docs}); err != nil {
		t.Fatal(err)
	}
	l.replay.task.out.produce = func(_ context.Context, r *kgo.Record, _ func(*kgo.Record, error)) {
		var n schemas.Notification
		if r.Topic == schemas.TopicNotifications && json.Unmarshal(r.Value, &n) == nil {
			l.told = append(l.told, n)
			l.allTold = append(l.allTold, n.ID)
			if l.said != nil {
				*l.said = append(*l.said, n)
			}
		}
		if r.Topic == schemas.TopicReceipts {
			l.sent = append(l.sent, &kgo.Record{Topic: r.Topic, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), Headers: slices.Clone(r.Headers)})
		}
	}
	t.Cleanup(l.close)
	return l
}

// close frees the replay; again it does nothing.
func (l *life) close() {
	if l.replay != nil {
		_ = l.replay.Close()
	}
	l.replay = nil
}

func (l *life) judge(r *retail.Receipt) Judged {
	l.t.Helper()
	l.now = l.now.Add(time.Minute)
	r.EndedAt, r.Currency = retail.Instant(l.now.UnixMilli()), "EUR"
	if r.Loyalty.AccountID == "" {
		r.Loyalty.AccountID = "m"
	}
	return l.record(&kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(r.Loyalty.AccountID), Value: l.codec.AppendReceipt(nil, r)})
}

func (l *life) record(r *kgo.Record) Judged {
	l.t.Helper()
	l.told = nil
	r.Offset, r.Timestamp = l.offset, l.now
	got, err := l.replay.Judge(r, l.rules)
	if err != nil {
		l.t.Fatal(err)
	}
	l.offset++
	return got
}

// deliver judges what was sent to other accounts, as the broker would bring it, once more than it must.
func (l *life) deliver() (got []Judged) {
	l.t.Helper()
	for len(l.sent) > 0 {
		r := l.sent[0]
		l.sent = l.sent[1:]
		judged := l.record(r)
		judged.Entries = slices.Clone(judged.Entries)
		got = append(got, judged)
		if again := l.record(&kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Headers: r.Headers}); len(again.Entries) > 0 {
			l.t.Fatalf("a repeat booked %+v", again.Entries)
		}
	}
	return got
}

func (l *life) sale(id string, net int64) Judged {
	return l.judge(saleOf(id, net))
}

// event sends an event of a shop; attributes are key=value.
func (l *life) event(id, shop, kind string, attributes ...string) Judged {
	r := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Shop: retail.Shop{ID: retail.ShopID(shop)}, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: kind}}}
	for _, a := range attributes {
		k, v, _ := strings.Cut(a, "=")
		r.Attributes = append(r.Attributes, retail.Attribute{Key: k, Value: v})
	}
	return l.judge(r)
}

// want compares what was booked with lines such as "hold -3.00 available 7.00", and the notifications' types.
func (l *life) want(got Judged, entries string, told ...string) {
	l.t.Helper()
	var text, types []string
	for _, e := range got.Entries {
		text = append(text, fmt.Sprintf("%v %v available %v", e.Kind, e.Amount, e.AvailableAfter))
	}
	for _, n := range l.told {
		types = append(types, strings.TrimSpace(n.Type+" "+n.Value))
	}
	if is := strings.Join(text, ", "); is != entries {
		l.t.Fatalf("%s: booked %q, want %q (refused %q)", got.Receipt, is, entries, got.Refused)
	}
	if !slices.Equal(types, told) {
		l.t.Fatalf("%s: told %q, want %q (refused %q)", got.Receipt, types, told, got.Refused)
	}
}

// A member's money from the till's reservation to the refund, as events ask for it; repeats change nothing, and what must not be done is refused.
func TestCommandsOfAnAccount(t *testing.T) {
	l := newLife(t)
	l.want(l.sale("r1", 10000), "earn 10.00 available 10.00")
	l.want(l.event("e1", "s1", "hold", "hold=h1", "amount=6.00", "purchase=20.00"), "hold -6.00 available 4.00", "BURN_HELD")
	l.want(l.event("e1", "s1", "hold", "hold=h1", "amount=6.00", "purchase=20.00"), "") // a repeat
	l.want(l.event("e2", "s1", "hold", "hold=h1", "amount=1.00", "purchase=20.00"), "", "BURN_REFUSED hold_exists")
	l.want(l.event("e3", "s9", "redeem", "amount=1.00", "purchase=20.00"), "", "BURN_REFUSED store_excluded")
	l.want(l.event("e4", "s1", "redeem", "amount=1.00", "purchase=9.00"), "", "BURN_REFUSED below_min_purchase")
	l.want(l.event("e5", "s1", "redeem", "amount=3.00", "purchase=5.00"), "", "BURN_REFUSED below_min_purchase")
	l.want(l.event("e6", "s1", "redeem", "amount=4.50", "purchase=20.00"), "", "BURN_REFUSED insufficient")
	l.want(l.event("e7", "s1", "commit", "hold=h1", "amount=5.00"), "commit 5.00 available 4.00, cancel 1.00 available 5.00", "BURN_COMMITTED", "BURN_CANCELLED rest")
	l.want(l.event("e8", "s1", "commit", "hold=h1"), "", "BURN_REFUSED hold_unknown")
	l.want(l.event("e9", "s1", "refund", "redeem=e7", "amount=2.00"), "refund 2.00 available 7.00")
	l.want(l.event("e10", "s1", "refund", "redeem=e7", "amount=4.00"), "", "BURN_REFUSED above_burn")
	l.want(l.event("e11", "s1", "refund", "redeem=r1", "amount=4.00"), "", "BURN_REFUSED burn_unknown")
	l.want(l.event("e12", "s1", "commit", "amount=9.00"), "redeem -9.00 available -2.00", "BURN_COMMITTED offline")
	l.want(l.event("e13", "s1", "commit", "amount=0.01"), "", "BURN_REFUSED over_limit")
	l.want(l.event("e14", "s1", "adjust", "amount=5.00", "reason=goodwill"), "adjust 5.00 available 3.00")
	l.want(l.event("e15", "s1", "adjust", "amount=70.00", "reason=gift", "wallet=points"), "adjust 70.00 available 70.00")
	l.want(l.event("e16", "s1", "redeem", "amount=30.00", "gift=mug", "wallet=points"), "redeem -30.00 available 40.00", "BURN_COMMITTED")
	a, err := l.replay.Account("m")
	if err != nil || a.Available != 300 || a.Of("points").Available != 4000 || a.Check() != nil {
		t.Fatalf("%+v, %v", a, err)
	}
}

// What an event does not say is a dead letter that names the attribute.
func TestCommandsThatCannotBeRead(t *testing.T) {
	l := newLife(t)
	for i, c := range []string{
		"hold amount=1.00", "hold hold=h amount=0", "hold hold=h amount=1.001", "hold hold=" + strings.Repeat("h", ledger.MaxHoldID+1) + " amount=1.00", "commit",
		"commit hold=h amount=-1", "cancel", "redeem", "redeem amount=1e3", "redeem amount=1.00 purchase=x", "redeem amount=1.00 wallet=Points", "refund amount=1.00",
		"refund redeem=r", "adjust amount=1.00", "adjust amount=0 reason=x", "adjust amount=1.00 reason=x expires=soon",
	} {
		words := strings.Fields(c)
		if got := l.event(fmt.Sprint("e", i), "s1", words[0], words[1:]...); got.Refused != retail.CodeEvent || len(got.Entries) > 0 {
			t.Errorf("%s: %+v", c, got)
		}
	}
}

// A reservation that nobody settles comes back by its timer; a member is reminded before money lapses; what was earned in one shop is paid back by it.
func TestTimersOfCommands(t *testing.T) {
	l := newLife(t)
	l.sale("r1", 10000)
	l.event("e1", "s1", "hold", "hold=h1", "amount=6.00", "purchase=20.00")
	l.now = l.now.Add(30 * time.Minute)
	l.want(l.sale("r2", 100), "cancel 6.00 available 10.00, earn 0.10 available 10.10", "BURN_CANCELLED lapsed")
	l.now = time.Date(2026, 4, 25, 0, 0, 0, 0, time.UTC)
	l.want(l.event("r3", "s1", "visit"), "", "EXPIRING")
	if n := l.told[0]; n.Amount != 1010 || n.ExpiresAt != retail.Instant(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC).UnixMilli()) || n.ExpiresAt-n.At != 7*24*3600_000 {
		t.Fatalf("%+v", n)
	}
	back := saleOf("r4", -10000)
	back.Type, back.Shop.ID, back.Original = retail.Return, "s2", retail.Original{Given: true, ReceiptID: "r1"}
	back.Lines[0].Kind, back.Lines[0].QuantityMilli, back.Lines[0].ReturnOfLine = retail.ReturnLine, -1000, 1
	got := l.judge(back)
	l.want(got, "reverse -10.00 available 0.10")
	if want := (ledger.Posting{Book: ledger.Funding, Party: "store:s1", Amount: 1000}); !slices.Contains(got.Entries[0].Postings, want) {
		t.Fatalf("%+v", got.Entries[0].Postings)
	}
	l.now = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	l.want(l.event("r5", "s1", "visit"), "expire -0.10 available 0.00", "EXPIRED")
}

// Points without an end of their own lapse a month after the last purchase; the member is told before, and coming without buying puts nothing off.
func TestLapseForWantOfPurchases(t *testing.T) {
	l := newLife(t, "id: points\nversion: 1\nname: P\nwindow: {from: 2000-01-01, tz: UTC}\nreward: {points: {get: 1, for: 1.00}, wallet: points}\nwhen: {min_spend: 5.00}\n",
		"id: terms-points\nversion: 1\nname: T\nwindow: {from: 2000-01-01, tz: UTC}\nterms: {wallet: points, remind: 5d, inactivity: 30d}\n")
	day := func(n int) { l.now = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC).AddDate(0, 0, n) }
	l.sale("r1", 2000)
	day(20)
	l.sale("r2", 100) // no points, and yet a purchase
	day(32)
	l.want(l.event("e1", "s1", "visit"), "")
	day(46)
	l.want(l.event("e2", "s1", "visit"), "", "EXPIRING")
	day(51)
	l.want(l.event("e3", "s1", "visit"), "expire -20.00 available 0.00", "EXPIRED idle")
}

func saleOf(id string, net int64) *retail.Receipt {
	a := money.Amount(net)
	return &retail.Receipt{
		ID: retail.ReceiptID(id), Type: retail.Sale, Shop: retail.Shop{ID: "s1", Country: "FR"}, TerminalID: "1", BusinessDate: 20500, SequenceNo: 1, Channel: retail.InStore, Total: a,
		Lines: []retail.Line{{No: 1, Kind: retail.SaleLine, SKU: "x", Unit: retail.Each, QuantityMilli: 1000, UnitPrice: a.Abs(), Gross: a, Net: a}},
	}
}
