package pipeline

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Metamorphic tests of the whole stream processor: nobody says what is right, but two runs that must not differ are compared. They are over the whole
// language without budgets (what is granted to whom near the end of a budget hangs on when leases come; see TestBudgetSimulation).

// setting is how a run takes the same stream.
type setting struct {
	partitions int32
	batch      int  // records of a transaction
	crashes    bool // and freezes, and a second instance
}

func (s setting) String() string {
	text := fmt.Sprintf("%d partitions, %d records a commit", s.partitions, s.batch)
	if s.crashes {
		text += ", crashes"
	}
	return text
}

// outcome is what a run left behind, by account.
type outcome struct {
	exact    map[string][]string         // entries, decisions and notifications in their order, of accounts that no campaign sends events to
	sums     map[string]map[string]int64 // of the others: per campaign, wallet and kind; the order in which events from other partitions come is free
	balances map[string]string           // in Pebble
	dead     map[string]int
	crashes  int
	entries  int
	kinds    map[ledger.Kind]int
	awarded  map[string]int   // by campaign
	told     map[string]int   // notifications by type
	traces   map[string]int64 // by account, receipt and campaign: what decisions granted less what entries booked
}

// Goal: I4, I8, I10: the ledger is a function of each account's log alone, and every entry has its decision. Method: one stream over twelve days - sales, returns, late receipts, repeats, facts about
// members, commands, referrals - waits in the topic before the first instance comes, and is taken by 1 and 4 partitions, with commits of 1, 50 and 1 000
// records, in peace and with crashes, freezes and a second instance. Checked against the first setting: entries with their sequence numbers, amounts,
// instants and postings, decisions, notifications, dead letters and the state in Pebble.
func TestSameLedgerAnySetting(t *testing.T) {
	codec := simCodec(t)
	var want outcome
	crashes := 0
	for i, s := range []setting{{1, 1000, false}, {4, 50, false}, {4, 1, false}, {1, 50, true}, {4, 1000, true}, {4, 1, true}} {
		got := runSetting(t, codec, s, func(m *sim) { m.sendLives(livesOf(m, wholeStream)) }, wholeLanguage)
		crashes += got.crashes
		if i == 0 {
			want = got
			want.provesSomething(t)
			continue
		}
		want.compare(t, s.String(), got)
	}
	if crashes < 3 {
		t.Errorf("%d crashes: the faults prove nothing", crashes)
	}
	t.Logf("%d entries of %d accounts, %d crashes", want.entries, len(want.balances), crashes)
}

// Goal: D12, D18, D19, I9 through the stream processor: what was bought and brought back decides, not when it arrived or in how many parts. Method: the
// same sales and returns in order; shuffled, returns before their sales; shuffled with every return in parts of one piece and one record in three sent twice.
// Checked: what every campaign has granted to every account, all balances, and every counter of every goal.
func TestSameLedgerAnyArrival(t *testing.T) {
	codec := simCodec(t)
	var want outcome
	for i, arrival := range []string{"in order", "shuffled", "shuffled, returns in parts, repeats"} {
		send := func(m *sim) {
			time.Sleep(13 * 24 * time.Hour) // everything has happened before anything arrives
			m.sendLives(rearranged(m, arrival))
		}
		got := runSetting(t, codec, setting{2, 50, false}, send, unorderedLanguage())
		if i == 0 {
			want = got
			continue
		}
		compareKeys(t, 1, arrival+": granted", summed(want), summed(got), func(s string) string { return s })
		compareKeys(t, 1, arrival+": balances", want.balances, got.balances, withoutSeq)
	}
	if want.entries < 150 || len(want.awarded) < len(unorderedLanguage()) {
		t.Errorf("%d entries, awards of %v: the runs prove nothing", want.entries, want.awarded)
	}
}

// runSetting takes what send sends.
func runSetting(t *testing.T, codec *schemas.Codec, set setting, send func(*sim), campaigns []string) (out outcome) {
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, seed: 3, faults: set.crashes, rng: rand.New(rand.NewPCG(3, 7)), codec: codec, campaigns: campaigns, parts: set.partitions, batch: set.batch,
			interval: time.Duration(min(set.batch, 20)) * 100 * time.Millisecond, stream: func() {}}
		s.prelude = func() { send(s) }
		s.after = func() { out = s.outcomes() }
		time.Sleep(23 * 24 * time.Hour) // a month's end falls into the stream
		res := s.run()
		out.balances, out.dead, out.crashes = res.balances, res.dead, res.crashes
	})
	return out
}

// outcomes reads the topics.
func (s *sim) outcomes() outcome {
	out := outcome{exact: map[string][]string{}, sums: map[string]map[string]int64{}, kinds: map[ledger.Kind]int{}, awarded: map[string]int{}, told: map[string]int{}, traces: map[string]int64{}}
	for _, r := range s.readAll(schemas.TopicLedger) {
		var rec schemas.LedgerRecord
		if err := s.codec.DecodeLedger(r.Value, &rec); err != nil {
			s.t.Fatal(err)
		}
		for i := range rec.Entries {
			out.entry(strings.Clone(string(rec.Account)), &rec.Entries[i])
		}
	}
	for _, r := range s.readAll(schemas.TopicDecisions) {
		var d schemas.ReceiptDecision
		if err := s.codec.DecodeDecision(r.Value, &d); err != nil {
			s.t.Fatal(err)
		}
		a := string(d.Account)
		for i := range d.Results {
			res := &d.Results[i]
			if out.traces[fmt.Sprint(a, " ", d.Receipt, " ", res.Campaign)] += int64(res.Granted); res.Outcome == 0 {
				s.t.Errorf("%s of %s: %s has no outcome", d.Receipt, a, res.Campaign)
			}
		}
		if a != "" && !foreign(a) {
			out.exact[a+" decides"] = append(out.exact[a+" decides"], fmt.Sprintf("%s %+v", d.Receipt, d.Results))
		}
	}
	for _, r := range s.readAll(schemas.TopicNotifications) {
		var n schemas.Notification
		if err := json.Unmarshal(r.Value, &n); err != nil {
			s.t.Fatal(err)
		}
		out.told[n.Type]++
		if a := string(n.Account); !foreign(a) {
			out.exact[a+" is told"] = append(out.exact[a+" is told"], string(r.Value))
		}
	}
	return out
}

// foreign accounts get events that campaigns send from other accounts, or what another account has brought them.
func foreign(account string) bool {
	return strings.HasPrefix(account, "h") || strings.HasPrefix(account, "x") || strings.HasPrefix(account, "op:")
}

func (o *outcome) entry(account string, e *ledger.Entry) {
	o.entries++
	o.kinds[e.Kind]++
	if e.Kind == ledger.Earn {
		o.awarded[strings.Clone(e.Campaign)]++
	}
	if e.Kind == ledger.Earn || e.Kind == ledger.Reverse {
		for _, p := range e.Postings {
			if p.Book == ledger.Funding || p.Book == ledger.WriteOff {
				o.traces[fmt.Sprint(account, " ", e.Receipt, " ", e.Campaign)] += int64(p.Amount)
			}
		}
	}
	if o.sums[account] == nil {
		o.sums[account] = map[string]int64{}
	}
	if e.Kind != ledger.Activate { // moves it, and where it was hangs on when it was taken back
		o.sums[account][fmt.Sprint(e.Campaign, " ", e.Wallet)] += int64(e.Amount)
	}
	if !foreign(account) {
		o.exact[account] = append(o.exact[account], fmt.Sprintf("%+v", *e))
	}
}

func (o *outcome) compare(t *testing.T, what string, got outcome) {
	t.Helper()
	lines := func(v []string) string { return strings.Join(v, "\n") }
	compareKeys(t, 3, what, o.exact, got.exact, lines)
	compareKeys(t, 3, what+": sums", summed(*o), summed(got), func(s string) string { return s })
	compareKeys(t, 3, what+": dead letters", o.dead, got.dead, func(n int) string { return fmt.Sprint(n) })
	compareKeys(t, 3, what+": balances", o.balances, got.balances, withoutSeq)
}

// provesSomething fails when a part of the language has not taken part.
func (o *outcome) provesSomething(t *testing.T) {
	t.Helper()
	for what, left := range o.traces {
		if left != 0 {
			t.Errorf("%s: decisions have granted %d cents more than was booked", what, left)
		}
	}
	for _, k := range []ledger.Kind{ledger.Earn, ledger.Activate, ledger.Reverse, ledger.Expire, ledger.Redeem, ledger.Adjust, ledger.Reserve, ledger.Commit, ledger.Cancel, ledger.Refund, ledger.Merge} {
		if o.kinds[k] == 0 {
			t.Errorf("no entry of kind %v: the stream proves nothing about it", k)
		}
	}
	for _, n := range []string{noticeEarned, noticeProgress, noticeCompleted, noticeTierUp, noticeBadge, noticeExpiring, noticeExpired, noticeHeld, noticeCommitted, noticeCancelled, noticeRefused} {
		if o.told[n] == 0 {
			t.Errorf("nobody was told %s", n)
		}
	}
	for _, doc := range wholeLanguage {
		id := strings.TrimSpace(strings.TrimPrefix(strings.SplitN(strings.TrimSpace(doc), "\n", 2)[0], "id: "))
		if silent := []string{"levels", "terms", "terms-points", "explorer", "refer", "sold"}; o.awarded[id] == 0 && !slices.Contains(silent, id) {
			t.Errorf("nothing was awarded by %s", id)
		}
	}
	for _, a := range []string{"h0", "op:o1"} {
		if len(o.sums[a]) == 0 {
			t.Errorf("no campaign has sent an event to %s", a)
		}
	}
}

// summed is one text per account: what each campaign, or nobody's, has come to.
func summed(o outcome) map[string]string {
	out := map[string]string{}
	for a, by := range o.sums {
		for _, k := range sortedKeys(by) {
			if by[k] != 0 {
				out[a] += fmt.Sprintln(k, by[k])
			}
		}
	}
	return out
}

// withoutSeq leaves out how many entries it took, and into how many lots they went.
func withoutSeq(balance string) string {
	words := strings.Fields(balance)
	return strings.Join(words[2:], " ")
}

// sendLives produces records on the partitions of their accounts, each at its time.
func (s *sim) sendLives(all []arriving) {
	cl := s.client(&simNet{stack: &s.stack}, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMaxAge(time.Hour))
	defer cl.Close()
	for _, a := range all {
		if a.pause > 0 {
			time.Sleep(a.pause)
		}
		raw, part := a.raw, int32(0)
		if a.receipt != nil {
			a.receipt.EndedAt = max(a.receipt.EndedAt, 1)
			raw, part = s.codec.AppendReceipt(nil, a.receipt), schemas.PartitionOf(a.receipt.Key(), s.partitions())
		}
		if err := cl.ProduceSync(s.t.Context(), &kgo.Record{Topic: schemas.TopicReceipts, Partition: part, Value: raw}).FirstErr(); err != nil {
			s.t.Fatal(err)
		}
	}
}

// arriving is a record that comes a while after the one before it.
type arriving struct {
	receipt *retail.Receipt // nil: raw is no receipt
	raw     []byte
	pause   time.Duration
}
