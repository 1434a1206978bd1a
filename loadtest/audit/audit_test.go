package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/cluster"
	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const partitions = 3

// world is a broker with a stream of receipts on it, and a product that made of it what the model says, unless a test spoils it.
type world struct {
	t        *testing.T
	brokers  []string
	client   *kgo.Client
	registry *sr.Client
	camp     *model.Campaigns
	sent     *Sent
	ledger   *avro.Schema
	balance  *avro.Schema
	ids      map[string]int

	spoilEntry   func(account string, seq int, e *wire.Entry) []wire.Entry // what to write instead; nil: the entry
	spoilBalance func(b *wire.Balance)
	dropDead     bool
	dropForward  bool
	dump         bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	broker, err := cluster.StartFake(cluster.FakeOptions{Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.Background()) })
	reg, err := schemas.StartRegistry("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reg.Close() })
	registry, err := sr.NewClient(sr.URLs(reg.URL()))
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	w := &world{t: t, brokers: broker.Brokers, client: cl, registry: registry, sent: &Sent{}, ids: map[string]int{}}
	return w
}

// stream sends n items of the generator, ending an hour ago.
func (w *world) stream(n int) {
	w.t.Helper()
	codec, err := schemas.NewCodec(context.Background(), w.registry)
	if err != nil {
		w.t.Fatal(err)
	}
	to := retail.Instant(time.Now().Add(-time.Hour).UnixMilli())
	from := to - 12*86_400_000
	g, err := loadtest.New(loadtest.Options{Seed: 5, Start: from, PerDay: float64(n) / 13, Partitions: partitions, Members: 300, Shops: 8,
		ReturnBP: 1500, LateBP: 600, MalformedBP: 300, ConflictBP: 50, MisplacedBP: 100, Encode: codec.AppendReceipt})
	if err != nil {
		w.t.Fatal(err)
	}
	docs, err := loadtest.Campaigns(from, to)
	if err != nil {
		w.t.Fatal(err)
	}
	w.publish(docs)
	place := kgo.StickyKeyPartitioner(nil).ForTopic("")
	var it loadtest.Item
	for range n {
		g.Next(&it)
		value := it.Raw
		if value == nil {
			value = codec.AppendReceipt(nil, &it.Receipt)
		}
		p := it.Partition
		if p < 0 {
			p = int32(place.Partition(&kgo.Record{Key: []byte(it.Key)}, partitions))
		}
		w.send(schemas.TopicReceipts, p, []byte(strings.Clone(it.Key)), append([]byte{}, value...), nil, true)
	}
	w.flush()
}

func (w *world) publish(docs []loadtest.Document) {
	var raw [][]byte
	for _, d := range docs {
		raw = append(raw, d.JSON)
	}
	var err error
	if w.camp, err = model.Parse(raw...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(topic string, p int32, key, value []byte, h []kgo.RecordHeader, note bool) {
	w.client.Produce(context.Background(), &kgo.Record{Topic: topic, Partition: p, Key: key, Value: value, Headers: h}, func(r *kgo.Record, err error) {
		if err != nil {
			w.t.Error(err)
			return
		}
		if note {
			w.sent.Add(r.Partition, r.Offset, xxhash.Sum64(r.Value))
		}
	})
}

func (w *world) flush() {
	if err := w.client.Flush(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() Options {
	return Options{Brokers: w.brokers, Reader: wire.NewReader(w.registry), Partitions: partitions, Campaigns: w.camp, Limits: model.DefaultLimits(), Sent: w.sent}
}

// product does the product's work: forwards, dead letters, ledger, balances, dump.
func (w *world) product() {
	w.t.Helper()
	w.ledger = w.schema("ledger_record")
	w.balance = w.schema("balance_update")
	a := &auditor{o: w.options(), report: NewReport()}
	w.forward(a)
	for p := range int32(partitions) {
		w.work(a, p)
	}
	w.flush()
}

func (w *world) schema(name string) *avro.Schema {
	s, _ := schemas.CurrentSchema(name)
	parsed, err := avro.Parse(s.Text)
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := w.registry.LookupSchema(context.Background(), s.Subject(), sr.Schema{Schema: s.Text, Type: sr.TypeAvro})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ids[name] = id.ID
	return parsed
}

func (w *world) framed(name string, s *avro.Schema, v any) []byte {
	id := w.ids[name]
	b, err := s.AppendEncode([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, v)
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

type values map[int64]*kgo.Record

func (w *world) replay(a *auditor, p int32) (*model.Expected, values) {
	m := model.NewPartition(w.camp, a.o.Limits, a.o.Reader, p, partitions)
	vals := values{}
	err := a.each(context.Background(), schemas.TopicReceipts, p, func(r *kgo.Record) error {
		vals[r.Offset] = r
		return m.Feed(model.Record{Offset: r.Offset, Appended: r.Timestamp.UnixMilli(), Value: r.Value})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return m.Expected(), vals
}

func (w *world) forward(a *auditor) {
	for p := range int32(partitions) {
		e, vals := w.replay(a, p)
		for i, m := range e.Moved {
			if !w.dropForward || i > 0 {
				w.send(schemas.TopicReceipts, m.To, vals[m.Offset].Key, vals[m.Offset].Value, nil, false)
			}
		}
	}
	w.flush()
}

func (w *world) work(a *auditor, p int32) {
	e, vals := w.replay(a, p)
	for i, d := range e.Dead {
		if w.dropDead && i == 0 {
			continue
		}
		h := []kgo.RecordHeader{{Key: schemas.HeaderErrorTopic, Value: []byte(schemas.TopicReceipts)}, {Key: schemas.HeaderErrorPartition, Value: fmt.Append(nil, p)},
			{Key: schemas.HeaderErrorOffset, Value: fmt.Append(nil, d.Offset)}, {Key: schemas.HeaderErrorCode, Value: []byte(d.Code)}}
		w.send(schemas.TopicDeadLetters, p, vals[d.Offset].Key, vals[d.Offset].Value, h, false)
	}
	names := make([]string, 0, len(e.Accounts))
	for id := range e.Accounts {
		names = append(names, id)
	}
	sort.Strings(names)
	for _, id := range names {
		w.account(p, id, e.Accounts[id])
	}
}

// account writes the ledger of one account: each reward, and its activation when it is due.
func (w *world) account(p int32, id string, a *model.Account) {
	var b wire.Balance
	b.Account = id
	now := time.Now().UnixMilli()
	entry := func(e wire.Entry, pending, available int64) {
		b.Version++
		b.Pending, b.Available = b.Pending+pending, b.Available+available
		e.Seq, e.PendingAfter, e.AvailableAfter = b.Version, b.Pending, b.Available
		for _, x := range []wire.Posting{{Book: "MEMBER_PENDING", Party: id, Amount: pending}, {Book: "MEMBER_AVAILABLE", Party: id, Amount: available}} {
			if x.Amount != 0 {
				e.Postings = append(e.Postings, x)
			}
		}
		out := []wire.Entry{e}
		if w.spoilEntry != nil {
			if other := w.spoilEntry(id, int(e.Seq), &e); other != nil {
				out = other
			}
		}
		if len(out) > 0 {
			w.send(schemas.TopicLedger, p, []byte(id), w.framed("ledger_record", w.ledger, wire.Ledger{Account: id, Currency: "EUR", Entries: out, ProcessedAt: now}), nil, false)
		}
	}
	for _, m := range a.Movements {
		e := wire.Entry{Kind: "EARN", Amount: m.Amount, Campaign: m.Campaign, Version: m.Version, Receipt: m.Receipt, At: m.At, ActiveFrom: m.Active, ExpiresAt: m.Expires,
			Postings: fundingOf(w.camp.Funders(m.Campaign, m.Version), m.Amount)}
		if m.Amount < 0 {
			e.Kind = "REVERSE"
		}
		b.LifetimeEarned += m.Amount
		if m.Active > now {
			entry(e, m.Amount, 0)
		} else {
			entry(e, 0, m.Amount)
		}
	}
	a.Fire(now)
	if left := a.Balances()[""]; left.Pending+left.Available < b.Pending+b.Available { // something has lapsed
		gone := b.Pending + b.Available - left.Pending - left.Available
		entry(wire.Entry{Kind: "EXPIRE", Amount: -gone, At: now, Postings: []wire.Posting{{Book: "BREAKAGE", Party: id, Amount: gone}}}, 0, -gone)
	}
	if w.spoilBalance != nil {
		w.spoilBalance(&b)
	}
	w.send(schemas.TopicBalances, p, []byte(id), w.framed("balance_update", w.balance, balanceOut{b, "EUR", 0, now}), nil, false)
	row, _ := json.Marshal(map[string]any{"account_id": id, "seq": b.Version, "pending_minor": b.Pending, "available_minor": b.Available})
	w.dump.Write(append(row, '\n'))
}

type balanceOut struct {
	wire.Balance
	Currency  string `avro:"currency"`
	NextDueAt int64  `avro:"next_due_at"`
	UpdatedAt int64  `avro:"updated_at"`
}

// fundingOf splits by share, odd cents where the running sum passes them.
func fundingOf(shares map[string]int64, amount int64) []wire.Posting {
	names := make([]string, 0, len(shares))
	for f := range shares {
		names = append(names, f)
	}
	sort.Strings(names)
	var out []wire.Posting
	ppm, paid := int64(0), int64(0)
	for _, f := range names {
		ppm += shares[f]
		part := amount*ppm/1_000_000 - paid
		paid += part
		if part != 0 {
			out = append(out, wire.Posting{Book: "FUNDING", Party: f, Amount: -part})
		}
	}
	return out
}

func (w *world) audit(change func(*Options)) *Report {
	w.t.Helper()
	o := w.options()
	o.Dump = bytes.NewReader(w.dump.Bytes())
	if change != nil {
		change(&o)
	}
	rep, err := Run(context.Background(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return rep
}

func TestAFaithfulProductPasses(t *testing.T) {
	w := newWorld(t)
	w.stream(3000)
	w.product()
	rep := w.audit(nil)
	var text bytes.Buffer
	if err := rep.Write(&text); err != nil {
		t.Fatal(err)
	}
	if !rep.OK() {
		t.Fatal(text.String())
	}
	for _, kind := range []string{"receipt records", "ledger entries", "rewards given or taken back", "dead letters", "balances in Kafka", "balances in the state stores", "misplaced records", "values read by two Avro libraries"} {
		if rep.Checked[kind] == 0 {
			t.Errorf("nothing was compared of: %s\n%s", kind, text.String())
		}
	}
}

// TestEveryFaultIsFound spoils a right product in one way at a time: the audit must name each.
func TestEveryFaultIsFound(t *testing.T) {
	at := func(n int, do func(e *wire.Entry) []wire.Entry) func(*world) {
		return func(w *world) {
			victim := ""
			w.spoilEntry = func(account string, seq int, e *wire.Entry) []wire.Entry {
				if seq != n || victim != "" && victim != account {
					return nil
				}
				victim = account
				return do(e)
			}
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*world)
		late  func(*world)
		class string
	}{
		{name: "an entry is left out", spoil: at(2, func(*wire.Entry) []wire.Entry { return []wire.Entry{} }), class: "ledger sequence has a hole"},
		{name: "the last entry is left out", spoil: at(1, func(*wire.Entry) []wire.Entry { return []wire.Entry{} }), class: "reward missing"},
		{name: "an entry stands twice", spoil: at(2, func(e *wire.Entry) []wire.Entry { return []wire.Entry{*e, *e} }), class: "ledger entry stands twice"},
		{name: "a reward is given twice", spoil: at(3, func(e *wire.Entry) []wire.Entry {
			again := *e
			again.Seq++
			return []wire.Entry{*e, again}
		}), class: "receipt rewarded twice"},
		{name: "one cent more, well booked", spoil: at(2, func(e *wire.Entry) []wire.Entry {
			e.Amount++
			e.Postings[0].Amount--
			e.Postings[len(e.Postings)-1].Amount++
			return []wire.Entry{*e}
		}), class: "reward of another amount"},
		{name: "one posting is a cent off", spoil: at(2, func(e *wire.Entry) []wire.Entry { e.Postings[0].Amount--; return []wire.Entry{*e} }), class: "postings do not sum to zero"},
		{name: "the wrong funder pays", spoil: at(1, func(e *wire.Entry) []wire.Entry { e.Postings[0].Party = "nobody"; return []wire.Entry{*e} }), class: "share of a funder"},
		{name: "another end of validity", spoil: at(1, func(e *wire.Entry) []wire.Entry { e.ExpiresAt += 86_400_000; return []wire.Entry{*e} }), class: "reward with other terms"},
		{name: "a balance is a cent off", spoil: func(w *world) { w.spoilBalance = func(b *wire.Balance) { b.Available++ } }, class: "balances topic: balance differs"},
		{name: "a dead letter is missing", spoil: func(w *world) { w.dropDead = true }, class: "dead-letter topic: dead letter missing"},
		{name: "a misplaced record is not forwarded", spoil: func(w *world) { w.dropForward = true }, class: "misplaced, not forwarded"},
		{name: "a state store is a cent off", late: func(w *world) {
			b := w.dump.Bytes()
			i := bytes.Index(b, []byte(`"available_minor":`)) + len(`"available_minor":`)
			b[i] = "1234567890"[(b[i]-'0')%10]
		}, class: "state store: balance differs"},
		{name: "a record that nobody sent", late: func(w *world) { w.send(schemas.TopicReceipts, 0, nil, []byte{1, 2, 3}, nil, false); w.flush() }, class: "on the topic, neither sent nor forwarded once"},
		{name: "a record that was sent is gone", late: func(w *world) { w.sent.Add(1, 1<<30, 7) }, class: "sent, not on the topic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.stream(400)
			if c.spoil != nil {
				c.spoil(w)
			}
			w.product()
			if c.late != nil {
				c.late(w)
			}
			if rep := w.audit(nil); !rep.Has(c.class) {
				var text bytes.Buffer
				_ = rep.Write(&text)
				t.Fatalf("not found: %s\n%s", c.class, text.String())
			}
		})
	}
}
