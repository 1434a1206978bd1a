package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// as judges a receipt of an account.
func (l *life) as(account string, r *retail.Receipt) Judged {
	l.t.Helper()
	r.Loyalty.AccountID = retail.AccountID(account)
	return l.judge(r)
}

func (l *life) merge(id, from, into string) Judged {
	l.t.Helper()
	r := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: eventMerge}, {Key: "into", Value: into}}}
	return l.as(from, r)
}

func returnOf(id, original string, net int64) *retail.Receipt {
	r := saleOf(id, -net)
	r.Type, r.Original = retail.Return, retail.Original{Given: true, ReceiptID: retail.ReceiptID(original)}
	r.Lines[0].Kind, r.Lines[0].QuantityMilli, r.Lines[0].ReturnOfLine = retail.ReturnLine, -1000, 1
	return r
}

// arrives delivers all that is on its way and compares what it books with lines such as "n earn 1.00 available 16.00".
func (l *life) arrives(want string) {
	l.t.Helper()
	l.arrivesTelling(want, new([]schemas.Notification))
}

// arrivesTelling adds what is told while it arrives to said.
func (l *life) arrivesTelling(want string, said *[]schemas.Notification) {
	l.t.Helper()
	var text []string
	l.said = said
	defer func() { l.said = nil }()
	for _, got := range l.deliver() {
		for _, e := range got.Entries {
			text = append(text, fmt.Sprintf("%s %v %v available %v", e.Account, e.Kind, e.Amount, e.AvailableAfter))
		}
	}
	if is := strings.Join(text, ", "); is != want {
		l.t.Fatalf("arrived %q, want %q", is, want)
	}
}

// D30: an account goes into another with all it has. What comes for it later goes on; a return of what was bought before is judged by the other account,
// under whichever of the two it comes.
func TestMergeOfAccounts(t *testing.T) {
	l := newLife(t)
	l.as("n", saleOf("r0", 5000))
	l.sale("r1", 10000)
	l.sale("r1b", 2000)
	l.event("e1", "s1", "adjust", "amount=70.00", "reason=gift", "wallet=points")
	l.event("e2", "s1", "hold", "hold=h", "amount=4.00", "purchase=20.00")
	l.want(l.event("e3", "s1", "merge", "into=m"), "", "MERGE_REFUSED bad_target")
	l.want(l.event("e4", "s1", "merge", "into=n"), "cancel 4.00 available 12.00, merge -12.00 available 0.00, merge -70.00 available 0.00", "BURN_CANCELLED merged")
	l.want(l.event("e4", "s1", "merge", "into=n"), "") // a repeat
	l.arrives("n merge 12.00 available 17.00, n merge 70.00 available 70.00")
	l.want(l.event("e5", "s1", "merge", "into=x"), "", "MERGE_REFUSED closed")
	l.want(l.sale("r2", 1000), "")
	l.arrives("n earn 1.00 available 18.00")
	if again := l.sale("r1", 10000); again.Refused != retail.CodeConflict || len(l.sent) > 0 { // closed a moment later than it was
		t.Fatalf("%+v", again)
	}
	l.want(l.as("m", returnOf("r3", "r1", 10000)), "")
	l.arrives("n reverse -10.00 available 8.00")
	l.want(l.as("n", returnOf("r4", "r1b", 2000)), "")
	l.arrives("n reverse -2.00 available 6.00")
	l.want(l.as("n", returnOf("r5", "r2", 1000)), "reverse -1.00 available 5.00")
	l.want(l.as("n", returnOf("r6", "never", 1000)), "")
	l.arrives("")
	never := saleOf("never", 1000)
	l.want(l.as("n", never), "") // its return was there before it
}

// Payments of the closed account can be refunded by the other one; a return that came before its sale meets it there.
func TestMergeOfWhatIsReferredTo(t *testing.T) {
	l := newLife(t)
	l.sale("r1", 10000)
	l.event("e1", "s1", "redeem", "amount=3.00", "purchase=20.00")
	l.want(l.as("m", returnOf("r3", "r2", 1000)), "")
	l.merge("e2", "m", "n")
	l.arrives("n merge 7.00 available 7.00")
	l.event("e3", "s1", "refund", "redeem=e1", "amount=1.00")
	l.arrives("n refund 1.00 available 8.00")
	l.event("e4", "s1", "refund", "redeem=e1", "amount=3.00")
	l.arrives("")
	l.sale("r2", 3000)
	l.arrives("") // its one piece is back already
}

// A chain ends at its last account, whatever is on its way; a circle comes back to the account that would have closed it, which stays open.
func TestMergeChainsAndCircles(t *testing.T) {
	l := newLife(t)
	for _, a := range []string{"a", "b", "c"} {
		l.as(a, saleOf("r-"+a, 1000))
	}
	l.merge("e1", "a", "b") // not delivered yet: it meets a closed account
	l.merge("e2", "b", "c")
	l.arrives("c merge 1.00 available 2.00, c merge 1.00 available 3.00")
	l.as("a", saleOf("r-a2", 1000))
	l.arrives("c earn 1.00 available 4.00")
	l.as("a", returnOf("r-a3", "r-a", 1000))
	l.arrives("c reverse -1.00 available 3.00")
	l.as("c", returnOf("r-b3", "r-b", 1000))
	l.arrives("c reverse -1.00 available 2.00")
	l.want(l.merge("e3", "c", "a"), "merge -2.00 available 0.00")
	l.arrives("c merge 2.00 available 2.00")
	if got, err := l.replay.Account("c"); err != nil || got.MergedInto != "" || got.Available != 200 {
		t.Fatalf("%+v, %v", got, err)
	}
	l.as("b", saleOf("r-b4", 1000))
	l.arrives("c earn 1.00 available 3.00")
	l.as("x", saleOf("r-x", 1000))
	l.as("y", saleOf("r-y", 1000))
	l.merge("e4", "x", "y") // two that go into one another at once stay as they are
	l.merge("e5", "y", "x")
	l.arrives("x merge 1.00 available 1.00, y merge 1.00 available 1.00")
}

// Two accounts may go into one by events of the same id, and each event that is refused by a door names its attribute.
func TestMergeNames(t *testing.T) {
	l := newLife(t)
	l.as("a", saleOf("r1", 1000))
	l.as("b", saleOf("r1", 2000))
	l.merge("e", "a", "c")
	l.merge("e", "b", "c")
	l.arrives("c merge 1.00 available 1.00, c merge 2.00 available 3.00")
	for _, into := range []string{"", "a\x00b", strings.Repeat("x", 129)} {
		if got := l.merge("e2", "c", into); got.Refused != retail.CodeEvent {
			t.Errorf("%q: %+v", into, got)
		}
	}
	for _, attributes := range []string{"", "from=a", "from=a account=%%", "from=a account=AAAA", "from=a receipt=r footprint=%%"} {
		if got := l.event("e3", "s1", eventMerged, strings.Fields(attributes)...); got.Refused != retail.CodeEvent {
			t.Errorf("%q: %+v", attributes, got)
		}
	}
	forged := &retail.Receipt{Type: retail.Event, Attributes: []retail.Attribute{{Key: retail.EventAttribute, Value: eventMerged}}}
	if pr := CheckEvent(forged); pr == nil || pr.Code != retail.CodeEvent {
		t.Errorf("a door takes what only the pipeline may say: %+v", pr)
	}
}

// Money is conserved whatever is merged into whatever while receipts, returns and payments go on: what all accounts have is what was earned less what was
// spent or taken back, nothing stays on its way, entries sum to zero and have no holes, and the same records give the same accounts.
func TestMergeConservesMoney(t *testing.T) {
	for seed := range uint64(25) {
		first, again := runMerges(t, seed), runMerges(t, seed)
		for id, bytes := range first {
			if !slices.Equal(bytes, again[id]) {
				t.Fatalf("seed %d: account %s is another one the second time", seed, id)
			}
		}
	}
}

func runMerges(t *testing.T, seed uint64) map[string][]byte {
	l, rnd := newLife(t), rand.New(rand.NewPCG(seed, 30))
	defer l.close()
	m := &merges{l: l, t: t, seq: map[retail.AccountID]uint64{}, books: map[ledger.Book]money.Amount{}}
	for i := range 10 + rnd.IntN(60) {
		step := rnd.IntN(1 << 20)
		m.do(i, step)
		for len(l.sent) > 0 && step%3 == 0 { // or it stays on its way for a while
			m.deliver()
		}
	}
	for hops := 0; len(l.sent) > 0; hops++ {
		if hops > 5000 {
			t.Fatal("records go round for ever")
		}
		m.deliver()
	}
	have, state := money.Amount(0), map[string][]byte{}
	for _, id := range mergeAccounts {
		a, err := l.replay.Account(retail.AccountID(id))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
		have += owedTo(a)
		state[id] = a.AppendBinary(nil)
	}
	if m.books[ledger.Transfer] != 0 || have != m.books[ledger.MemberPending]+m.books[ledger.MemberAvailable]+m.books[ledger.Held] {
		t.Fatalf("members have %v, books say %v", have, m.books)
	}
	return state
}

var mergeAccounts = []string{"a", "b", "c", "d"}

func owedTo(a *ledger.Account) money.Amount { return a.Pending + a.Available + a.Held("") }

// merges adds up what the records of some accounts book.
type merges struct {
	l     *life
	t     *testing.T
	sales []string // account/receipt
	seq   map[retail.AccountID]uint64
	books map[ledger.Book]money.Amount
}

func (m *merges) do(i, step int) {
	id, account := fmt.Sprint("r", i), mergeAccounts[step%4]
	switch step / 4 % 6 {
	case 0, 1:
		m.sales = append(m.sales, account+"/"+id)
		m.took(m.l.as(account, saleOf(id, 1000)))
	case 2:
		if len(m.sales) == 0 {
			return
		}
		owner, receipt, _ := strings.Cut(m.sales[step/24%len(m.sales)], "/")
		if step%5 == 0 {
			owner = account // under another card
		}
		m.took(m.l.as(owner, returnOf(id, receipt, 1000)))
	case 3:
		m.took(m.l.merge(id, account, mergeAccounts[step/24%4]))
	case 4:
		m.took(m.l.as(account, saleOf(id, 300)))
	case 5:
		e := &retail.Receipt{ID: retail.ReceiptID(id), Type: retail.Event, Shop: retail.Shop{ID: "s1"}, Attributes: []retail.Attribute{
			{Key: retail.EventAttribute, Value: "hold"}, {Key: "hold", Value: id}, {Key: "amount", Value: "0.50"}, {Key: "purchase", Value: "20.00"}}}
		m.took(m.l.as(account, e))
	}
}

func (m *merges) deliver() {
	next := m.l.sent[0]
	m.l.sent = m.l.sent[1:]
	m.took(m.l.record(next))
}

func (m *merges) took(got Judged) {
	for _, e := range got.Entries {
		if e.Seq != m.seq[e.Account]+1 {
			m.t.Fatalf("account %s: entry %d after %d", e.Account, e.Seq, m.seq[e.Account])
		}
		m.seq[e.Account] = e.Seq
		sum := money.Amount(0)
		for _, p := range e.Postings {
			sum += p.Amount
			m.books[p.Book] += p.Amount
		}
		if sum != 0 {
			m.t.Fatalf("%+v does not sum to zero", e)
		}
	}
	if got.Refused != "" {
		m.t.Fatalf("%s was refused: %s", got.Receipt, got.Refused)
	}
}
