package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

const claimDoc = `
id: programme
version: 1
name: Programme
window: {from: 2000-01-01, tz: UTC}
terms: {claim: 30d}
`

// newClaims is a life in which receipts may be claimed for 30 days.
func newClaims(t *testing.T) *life {
	t.Helper()
	was := lifeDocs
	lifeDocs = lifeDocs[:1]
	defer func() { lifeDocs = was }()
	return newLife(t, claimDoc)
}

// anonymous judges a receipt without an account.
func (l *life) anonymous(r *retail.Receipt) Judged {
	l.t.Helper()
	l.now = l.now.Add(time.Minute)
	r.EndedAt, r.Currency = retail.Instant(l.now.UnixMilli()), "EUR"
	return l.record(&kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(r.ID), Value: l.codec.AppendReceipt(nil, r)})
}

// claim sends a claim, delivers what follows, and compares what arrives and what is told with the wants.
func (l *life) claim(id, account, receipt string, more []string, arrives, told string) {
	l.t.Helper()
	r := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: eventClaim}, {Key: "receipt", Value: receipt}}}
	for _, a := range more {
		k, v, _ := strings.Cut(a, "=")
		r.Attributes = append(r.Attributes, retail.Attribute{Key: k, Value: v})
	}
	l.as(account, r)
	said := l.told
	l.arrivesTelling(arrives, &said)
	var types []string
	for _, n := range said {
		if n.Account != retail.AccountID(account) {
			l.t.Fatalf("%+v was told", n)
		}
		types = append(types, strings.TrimSpace(n.Type+" "+n.Value))
	}
	if is := strings.Join(types, ", "); is != told {
		l.t.Fatalf("claim %s: told %q, want %q", id, is, told)
	}
}

// D29: a member claims the receipt of a purchase without a card. It is judged as if it had carried the account: by its own instant, once, and its returns
// take back, with or without the card.
func TestClaim(t *testing.T) {
	l := newClaims(t)
	l.anonymous(saleOf("r1", 10000))
	l.anonymous(saleOf("r1", 90000)) // other content under a known id
	closed := l.now.Add(-time.Minute)
	l.now = l.now.Add(48 * time.Hour)
	l.claim("e0", "m", "r1", []string{"total=99.00"}, "", "CLAIM_REFUSED other_total")
	l.claim("e1", "m", "r1", []string{"total=100.00"}, "m earn 10.00 available 10.00", "CLAIMED e1")
	a, err := l.replay.Account("m")
	if err != nil || a.LastReceiptAt != retail.Instant(closed.UnixMilli()) {
		t.Fatalf("%+v, %v: want the purchase's own instant", a, err)
	}
	l.claim("e1", "m", "r1", []string{"total=100.00"}, "", "")
	l.claim("e2", "m", "r1", nil, "", "CLAIM_REFUSED known")
	l.claim("e3", "n", "r1", nil, "", "CLAIM_REFUSED claimed")
	back := returnOf("r2", "r1", 10000)
	l.anonymous(back)
	l.arrives("m reverse -10.00 available 0.00")
}

// What cannot be claimed says why, to who claimed alone.
func TestClaimsThatAreRefused(t *testing.T) {
	l := newClaims(t)
	l.claim("e1", "m", "never", nil, "", "CLAIM_REFUSED unknown")
	l.as("n", saleOf("r1", 1000))
	l.claim("e2", "m", "r1", nil, "", "CLAIM_REFUSED unknown")
	l.claim("e3", "n", "r1", nil, "", "CLAIM_REFUSED known")
	l.anonymous(saleOf("r2", 1000))
	l.anonymous(returnOf("r3", "r2", 400))
	l.arrives("")
	l.claim("e4", "m", "r2", nil, "", "CLAIM_REFUSED returned")
	l.anonymous(returnOf("r5", "r4", 400)) // before its sale
	l.arrives("")
	l.anonymous(saleOf("r4", 1000))
	l.claim("e5", "m", "r4", nil, "", "CLAIM_REFUSED returned")
	training := saleOf("r6", 1000)
	training.Training = true
	l.anonymous(training)
	l.claim("e6", "m", "r6", nil, "", "CLAIM_REFUSED unknown")
	l.anonymous(saleOf("r7", 1000))
	l.now = l.now.Add(30 * 24 * time.Hour)
	l.claim("e7", "m", "r7", nil, "", "CLAIM_REFUSED too_old")
	for _, attributes := range []string{"", "receipt=" + strings.Repeat("r", 129), "receipt=r total=x"} {
		if got := l.event("e8", "s1", eventClaim, strings.Fields(attributes)...); got.Refused != retail.CodeEvent {
			t.Errorf("%q: %+v", attributes, got)
		}
	}
	for _, kind := range []string{eventClaimAsked, eventClaimReturned, eventClaimRefused} {
		if CheckEvent(&retail.Receipt{Type: retail.Event, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: kind}}}) == nil {
			t.Errorf("a door takes %s", kind)
		}
	}
	plain := newLife(t)
	plain.anonymous(saleOf("r1", 1000))
	plain.anonymous(returnOf("r2", "r1", 400))
	if len(plain.sent) > 0 || plain.replay.task.part.Stats().Slots > 0 {
		t.Error("a programme without claims keeps anonymous receipts")
	}
	plain.claim("e1", "m", "r1", nil, "", "CLAIM_REFUSED not_offered")
}

// A claim of a closed account is the survivor's, and of two claims in flight the first is served.
func TestClaimsOnTheirWay(t *testing.T) {
	l := newClaims(t)
	l.anonymous(saleOf("r1", 1000))
	l.as("a", saleOf("r0", 1000))
	claim := func(id, account string) {
		l.as(account, &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: eventClaim}, {Key: "receipt", Value: "r1"}}})
	}
	claim("e1", "a")
	claim("e1", "c") // of another account: an event of its own
	l.merge("e2", "a", "b")
	l.arrives("b merge 1.00 available 1.00, b earn 1.00 available 2.00")
	if !slices.ContainsFunc(l.allTold, func(id string) bool { return strings.HasSuffix(id, ":CLAIM_REFUSED") }) {
		t.Error("the second was not told")
	}
}

// The receipt, the claim, what is asked and what is answered are on four partitions: each finds its own.
func TestClaimAcrossPartitions(t *testing.T) {
	const partitions = 4
	codec, now := simCodec(t), time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	docs := []*kgo.Record{{Key: []byte("a"), Value: []byte(lifeDocs[0])}, {Key: []byte("b"), Value: []byte(claimDoc), Offset: 1}}
	var queue []*kgo.Record
	var replays [partitions]*Replay
	var offsets [partitions]int64
	for p := range replays {
		r, err := NewReplay(ReplayOptions{Codec: codec, Policy: retail.DefaultPolicy(), Partition: int32(p), Partitions: partitions, Campaigns: docs})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		r.task.out.produce = func(_ context.Context, rec *kgo.Record, _ func(*kgo.Record, error)) {
			if rec.Topic == schemas.TopicReceipts {
				queue = append(queue, &kgo.Record{Topic: rec.Topic, Partition: rec.Partition, Key: slices.Clone(rec.Key), Value: slices.Clone(rec.Value), Headers: rec.Headers})
			}
		}
		replays[p] = r
	}
	send := func(r *retail.Receipt) {
		r.EndedAt, r.Currency = retail.Instant(now.UnixMilli()), "EUR"
		queue = append(queue, &kgo.Record{Topic: schemas.TopicReceipts, Partition: schemas.PartitionOf(r.Key(), partitions), Key: []byte(r.Key()), Value: codec.AppendReceipt(nil, r)})
	}
	run := func() {
		for ; len(queue) > 0; queue = queue[1:] {
			r := queue[0]
			r.Offset, r.Timestamp = offsets[r.Partition], now
			offsets[r.Partition]++
			if got, err := replays[r.Partition].Judge(r, 2); err != nil || got.Refused != "" || got.Forwarded {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	}
	have := func(account string) money.Amount {
		a, err := replays[schemas.PartitionOf(account, partitions)].Account(retail.AccountID(account))
		if err != nil {
			t.Fatal(err)
		}
		return a.Available
	}
	for i := range 12 {
		account, receipt := fmt.Sprint("m", i), fmt.Sprint("r", i)
		send(saleOf(receipt, 1000))
		run()
		send(&retail.Receipt{ID: retail.ReceiptID(fmt.Sprint("e", i)), Type: retail.Event, Loyalty: retail.Loyalty{AccountID: retail.AccountID(account)},
			Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: eventClaim}, {Key: "receipt", Value: receipt}}})
		run()
		if have(account) != 100 {
			t.Fatalf("%s has %v of %s", account, have(account), receipt)
		}
		back := returnOf(fmt.Sprint("b", i), receipt, 1000)
		if send(back); i%2 == 0 {
			run()
			if have(account) != 0 {
				t.Fatalf("%s has %v after the return", account, have(account))
			}
		}
	}
}
