package pipeline

import (
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// D14: what comes back without its receipt is taken, and nothing is taken back for it, whatever the account has; with its receipt it is.
func TestReturnWithoutItsOriginal(t *testing.T) {
	l := newLife(t)
	l.want(l.sale("r1", 10000), "earn 10.00 available 10.00")
	nameless := returnOf("r2", "", 10000)
	nameless.Original = retail.Original{}
	got := l.judge(nameless)
	if l.want(got, ""); got.Refused != "" || len(got.Results) != 0 {
		t.Fatalf("%+v", got)
	}
	l.want(l.judge(returnOf("r3", "r1", 10000)), "reverse -10.00 available 0.00")
}

// D17, I7: the same receipt again is nothing, also long after and after its goods came back; another content under its id is refused and counts for nothing.
func TestReceiptsHappenOnce(t *testing.T) {
	l := newLife(t)
	first := saleOf("r1", 10000)
	l.want(l.judge(first), "earn 10.00 available 10.00")
	closed := first.EndedAt
	again := func() Judged {
		rec := saleOf("r1", 10000)
		rec.EndedAt, rec.Loyalty.AccountID = closed, "m"
		return l.judgeAsClosed(rec)
	}
	if got := again(); !got.Duplicate || len(got.Entries) != 0 {
		t.Fatalf("%+v", got)
	}
	l.want(l.judge(returnOf("r2", "r1", 10000)), "reverse -10.00 available 0.00")
	l.now = l.now.Add(399 * 24 * time.Hour)
	for range 600 { // more receipts than an account remembers by itself
		l.now = l.now.Add(time.Second)
		l.sale("n"+l.now.String(), 1)
	}
	if got := again(); !got.Duplicate || len(got.Entries) != 0 {
		t.Fatalf("%+v", got)
	}
	other := saleOf("r1", 20000)
	other.EndedAt, other.Loyalty.AccountID = closed, "m"
	if got := l.judgeAsClosed(other); got.Refused != retail.CodeConflict || len(got.Entries) != 0 {
		t.Fatalf("%+v", got)
	}
}

// judgeAsClosed judges a receipt that closed at an instant of its own.
func (l *life) judgeAsClosed(r *retail.Receipt) Judged {
	l.t.Helper()
	l.now = l.now.Add(time.Minute)
	r.Currency = "EUR"
	return l.record(&kgo.Record{Topic: schemas.TopicReceipts, Key: []byte(r.Key()), Value: l.codec.AppendReceipt(nil, r)})
}

// D20: a till's clock may be five minutes ahead; further ahead the receipt is refused, as is one that closed longer ago than returns may take. What is
// taken is judged by its own close, late as it may be.
func TestClockOfATill(t *testing.T) {
	l := newLife(t)
	for i, c := range []struct {
		closed time.Duration // against the instant of arrival
		refuse retail.Code
		earns  money.Amount
	}{
		{5 * time.Minute, "", 1000}, {5*time.Minute + time.Millisecond, retail.CodeTime, 0}, {-20 * 24 * time.Hour, "", 1000},
		{-400 * 24 * time.Hour, "", 1000}, {-400*24*time.Hour - time.Millisecond, retail.CodeTime, 0},
	} {
		r := saleOf("r"+string(rune('a'+i)), 10000)
		closed := l.now.Add(time.Minute + c.closed)
		r.EndedAt, r.Loyalty.AccountID = retail.Instant(closed.UnixMilli()), "m"
		got := l.judgeAsClosed(r)
		var earned money.Amount
		for _, e := range got.Entries {
			if e.Receipt == r.ID && e.Amount > 0 {
				earned += e.Amount
				if e.At != r.EndedAt {
					t.Errorf("closed %v: booked at %v", c.closed, e.At)
				}
			}
		}
		if got.Refused != c.refuse || earned != c.earns {
			t.Errorf("closed %v: refused %q, earned %v", c.closed, got.Refused, earned)
		}
	}
}

// D29: an anonymous receipt moves no money and is not remembered; when it comes again with its account it earns what it would have, by the rules of its close,
// and once.
func TestAnonymousReceiptGetsItsAccount(t *testing.T) {
	l := newLife(t)
	closed := retail.Instant(l.now.UnixMilli())
	ticket := func(account retail.AccountID) *retail.Receipt {
		r := saleOf("t1", 10000)
		r.EndedAt, r.Loyalty.AccountID = closed, account
		return r
	}
	if got := l.judgeAsClosed(ticket("")); len(got.Entries) != 0 || len(got.Results) != 1 || got.Results[0].Granted != 0 {
		t.Fatalf("%+v", got)
	}
	l.now = l.now.Add(20 * 24 * time.Hour)
	got := l.judgeAsClosed(ticket("m"))
	if l.want(got, "earn 10.00 available 10.00"); got.Entries[0].At != closed {
		t.Fatalf("%+v", got)
	}
	if got := l.judgeAsClosed(ticket("m")); !got.Duplicate || len(got.Entries) != 0 {
		t.Fatalf("%+v", got)
	}
}
