package pipeline

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// eventCampaigns: who brought a friend gets 10 EUR when the friend buys for the first time; who sold it gets 2 % of coffee.
var eventCampaigns = []string{
	`{id: friend, version: 1, name: F, window: {from: 2026-01-01}, who: {referred: true, first_receipt: true}, when: {min_spend: 20.00}, reward: {event: {kind: referral, to: referrer}}}`,
	`{id: thanks, version: 1, name: T, window: {from: 2026-01-01}, event: referral, reward: {fixed: 10.00}}`,
	`{id: seller, version: 1, name: S, window: {from: 2026-01-01}, lines: {category: COFFEE}, reward: {event: {kind: sold, to: operator}}}`,
	`{id: sales-bonus, version: 1, name: B, window: {from: 2026-01-01}, event: sold, reward: {percent: 2}}`,
	`{id: bottles, version: 1, name: R, window: {from: 2026-01-01}, event: recycling, reward: {per_unit: 0.05}}`,
}

// eventWorld judges records of one partition and feeds back what campaigns send to other accounts, as the topic would.
type eventWorld struct {
	t      *testing.T
	codec  *schemas.Codec
	replay *Replay
	sent   []*kgo.Record
	offset int64
}

func newEventWorld(t *testing.T) *eventWorld {
	t.Helper()
	w := &eventWorld{t: t, codec: simCodec(t)}
	var docs []*kgo.Record
	for i, doc := range eventCampaigns {
		docs = append(docs, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte(doc), Offset: int64(i)})
	}
	r, err := NewReplay(ReplayOptions{Codec: w.codec, Policy: retail.DefaultPolicy(), Partitions: 1, Campaigns: docs})
	if err != nil {
		t.Fatal(err)
	}
	w.replay = r
	r.task.out.produce = func(_ context.Context, rec *kgo.Record, _ func(*kgo.Record, error)) {
		if rec.Topic == schemas.TopicReceipts {
			w.sent = append(w.sent, &kgo.Record{Topic: rec.Topic, Key: append([]byte(nil), rec.Key...), Value: append([]byte(nil), rec.Value...), Headers: rec.Headers})
		}
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// take judges a receipt, then everything that follows from it.
func (w *eventWorld) take(r *retail.Receipt) Judged {
	w.t.Helper()
	first := w.judge(&kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(r.Key()), Value: w.codec.AppendReceipt(nil, r)})
	for len(w.sent) > 0 {
		next := w.sent[0]
		w.sent = w.sent[1:]
		if got := w.judge(next); got.Refused != "" {
			w.t.Fatalf("what a campaign sent is refused: %s", got.Refused)
		}
	}
	return first
}

func (w *eventWorld) judge(rec *kgo.Record) Judged {
	w.t.Helper()
	rec.Offset, rec.Timestamp = w.offset, time.Date(2026, 11, 2, 10, 0, int(w.offset), 0, time.UTC)
	w.offset++
	got, err := w.replay.Judge(rec, int64(len(eventCampaigns)))
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *eventWorld) balance(id retail.AccountID) string {
	w.t.Helper()
	a, err := w.replay.Account(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return (a.Pending + a.Available).String()
}

func eventOf(id, account, kind string, attributes ...string) *retail.Receipt {
	r := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Currency: "EUR", EndedAt: retail.Instant(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixMilli()),
		Loyalty: retail.Loyalty{AccountID: retail.AccountID(account)}, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: kind}}}
	for i := 0; i+1 < len(attributes); i += 2 {
		r.Attributes = append(r.Attributes, retail.Attribute{Key: attributes[i], Value: attributes[i+1]})
	}
	return r
}

func tillOf(id, account string, kind retail.ReceiptType, lines ...retail.Line) *retail.Receipt {
	r := eventOf(id, account, "")
	r.Type, r.Attributes, r.Shop, r.TerminalID, r.OperatorID, r.Channel = kind, nil, retail.Shop{ID: "S1", Country: "FR"}, "1", "lea", retail.InStore
	for i, l := range lines {
		l.No, l.Unit, l.Category, l.SKU = int32(i+1), retail.Each, "COFFEE", "c"
		l.Gross, l.UnitPrice = l.Net, l.Net.Abs()
		r.Lines, r.Total = append(r.Lines, l), r.Total+l.Net
	}
	return r
}

// Goal: what a campaign owes to another account gets there once, and comes back with the goods.
func TestCampaignsSendEventsToOthers(t *testing.T) {
	w := newEventWorld(t)
	w.take(eventOf("e1", "friend", "enrol", "referrer", "host"))
	sale := tillOf("r1", "friend", retail.Sale, retail.Line{Kind: retail.SaleLine, QuantityMilli: 2000, Net: 3000})
	w.take(sale)
	if got := [2]string{w.balance("host"), w.balance("op:lea")}; got != [2]string{"10.00", "0.60"} {
		t.Errorf("host and seller have %v, want 10.00 and 0.60", got)
	}
	w.take(sale) // again: nothing new
	second := tillOf("r2", "friend", retail.Sale, retail.Line{Kind: retail.SaleLine, QuantityMilli: 1000, Net: 5000})
	second.EndedAt += 60_000
	w.take(second)
	if got := [2]string{w.balance("host"), w.balance("op:lea")}; got != [2]string{"10.00", "1.60"} {
		t.Errorf("after a second purchase host and seller have %v, want 10.00 and 1.60", got)
	}
	back := tillOf("r3", "friend", retail.Return, retail.Line{Kind: retail.ReturnLine, ReturnOfLine: 1, QuantityMilli: -1000, Net: -1500})
	back.Original, back.OperatorID = retail.Original{Given: true, ReceiptID: "r1"}, "tom"
	w.take(back)
	if got := [3]string{w.balance("host"), w.balance("op:lea"), w.balance("op:tom")}; got != [3]string{"0.00", "1.30", "0.00"} {
		t.Errorf("after a return host, seller and who took it back have %v, want 0.00, 1.30 and 0.00", got)
	}
}

// An event earns by its own lines, once; one that does not say what its kind needs goes to the dead letters.
func TestEventsEarnAndAreChecked(t *testing.T) {
	w := newEventWorld(t)
	bottles := eventOf("e1", "ann", "recycling")
	bottles.Lines = []retail.Line{{No: 1, Kind: retail.Service, SKU: "bottle", Unit: retail.Each, QuantityMilli: 12_000}}
	w.take(bottles)
	w.take(bottles)
	if got := w.balance("ann"); got != "0.60" {
		t.Errorf("twelve bottles make %s, want 0.60", got)
	}
	for id, r := range map[string]*retail.Receipt{
		"segment": eventOf("e2", "ann", "segment"), "until": eventOf("e3", "ann", "club", "club", "vip", "until", "soon"),
		"birthday": eventOf("e4", "ann", "birthday", "birthday", "31-02"), "given": eventOf("e5", "ann", "consent", "purpose", "p", "given", "maybe"),
	} {
		if got := w.take(r); got.Refused != retail.CodeEvent {
			t.Errorf("%s: refused with %q, want %s", id, got.Refused, retail.CodeEvent)
		}
	}
}

// Where the deployment has a key, only signed events are taken; what campaigns send is signed by the pipeline itself.
func TestSignedEvents(t *testing.T) {
	w := newEventWorld(t)
	secret := []byte(strings.Repeat("k", 32))
	w.replay.task.p.opts.EventKey = secret
	e := eventOf("e1", "friend", "enrol", "referrer", "host")
	if got := w.take(e); got.Refused != retail.CodeSignature {
		t.Fatalf("an event without a signature: %q", got.Refused)
	}
	value := w.codec.AppendReceipt(nil, e)
	sign := func(key []byte) *kgo.Record {
		return &kgo.Record{Topic: schemas.TopicReceipts, Key: []byte("friend"), Value: value,
			Headers: []kgo.RecordHeader{{Key: schemas.HeaderSignature, Value: schemas.SignEvent(key, []byte("friend"), value)}}}
	}
	if got := w.judge(sign([]byte("another key"))); got.Refused != retail.CodeSignature {
		t.Fatalf("an event signed by somebody else: %q", got.Refused)
	}
	if got := w.judge(sign(secret)); got.Refused != "" {
		t.Fatalf("a signed event: %q", got.Refused)
	}
	w.take(tillOf("r1", "friend", retail.Sale, retail.Line{Kind: retail.SaleLine, QuantityMilli: 1000, Net: 2500}))
	if got := w.balance("host"); got != "10.00" {
		t.Errorf("host has %s, want 10.00", got)
	}
}
