package sinktest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Campaign is the campaign of every world; its window is around the receipts, a fifth of the accounts is held out.
const Campaign = "coffee-week"

const document = `{id: coffee-week, version: 1, name: {fr: Café, en: Coffee}, window: {from: %s, to: %s, tz: UTC},
  lines: {category: GROCERY/COFFEE}, reward: {percent: 10}, holdout: 20}`

// generator makes records from a seed, and keeps the truth about them.
type generator struct {
	w        *World
	rng      *rand.Rand
	prefix   string
	truth    *truth
	next     int
	seq      map[string]uint64
	balance  map[string]money.Amount
	counter  int64
	began    time.Time
	out      []*kgo.Record
	sent     []retail.Receipt // for copies
	campaign bool
	refused  []*kgo.Record // events without a signature, as they were produced
}

func newGenerator(w *World) *generator {
	return &generator{w: w, rng: rand.New(rand.NewPCG(7, 11)), truth: w.truth, seq: map[string]uint64{}, balance: map[string]money.Amount{},
		began: time.Now().Add(-20 * 24 * time.Hour).UTC().Truncate(24 * time.Hour)}
}

func (g *generator) emit(topic, key string, partition int32, value []byte, headers ...kgo.RecordHeader) {
	g.out = append(g.out, &kgo.Record{Topic: topic, Key: []byte(key), Partition: partition, Value: value, Headers: headers})
}

// batch makes the records of n receipts and what follows from them.
func (g *generator) batch(n int) []*kgo.Record {
	g.out = nil
	if !g.campaign && g.prefix == "" {
		g.campaign = true
		day := func(d int) string { return g.began.AddDate(0, 0, d).Format(time.DateOnly) }
		g.emit(schemas.TopicCampaigns, Campaign, 0, fmt.Appendf(nil, document, day(7), day(13)))
		g.emit(schemas.TopicCampaigns, "broken", 0, []byte("{id: 7}"))
	}
	m := schemas.MetricBatch{Partition: int32(g.rng.IntN(Partitions)), AsOf: instant(time.Now())}
	g.counter++
	m.Counter = g.counter
	for range n {
		g.receipt(&m)
	}
	g.emit(schemas.TopicMetrics, strconv.Itoa(int(m.Partition)), m.Partition, g.w.Codec.AppendMetrics(nil, &m))
	g.truth.metrics(&m)
	if g.rng.IntN(2) == 0 { // produced again, as after a torn transaction: replaced as a whole
		g.emit(schemas.TopicMetrics, strconv.Itoa(int(m.Partition)), m.Partition, g.w.Codec.AppendMetrics(nil, &m))
	}
	return g.out
}

// receipt makes one receipt of a random kind with its consequences.
func (g *generator) receipt(m *schemas.MetricBatch) {
	r := g.sale()
	switch kind := g.rng.IntN(100); {
	case kind < 3:
		r.Training = true
		g.place(&r)
	case kind < 6:
		r.Currency = "USD" // refused
		g.place(&r)
		g.deadLetter(&r)
	case kind < 8:
		g.misplace(&r)
	case kind < 12 && len(g.sent) > 0:
		g.copy()
	case kind < 15 && len(g.sent) > 0:
		g.void()
	case kind < 19:
		g.event()
		if kind < 16 {
			g.unsigned()
		}
	default:
		if kind < 25 {
			r.Loyalty.AccountID = ""
		}
		g.place(&r)
		g.sent = append(g.sent, r)
		g.truth.receipt(&r)
		g.consequences(&r, m)
	}
}

func (g *generator) sale() retail.Receipt {
	g.next++
	at := g.began.Add(time.Duration(g.rng.Int64N(int64(19 * 24 * time.Hour))))
	r := retail.Receipt{
		ID: retail.ReceiptID(fmt.Sprintf("%sR%06d", g.prefix, g.next)), Type: retail.Sale, Currency: "EUR", TerminalID: "T1",
		Shop:         retail.Shop{ID: retail.ShopID(fmt.Sprintf("S%d", g.rng.IntN(5))), Country: "FR"},
		BusinessDate: retail.Date(at.Unix() / 86400), EndedAt: instant(at), UTCOffsetMin: 60, Channel: retail.InStore,
		Loyalty: retail.Loyalty{AccountID: retail.AccountID(fmt.Sprintf("A%03d", g.rng.IntN(200)))},
	}
	for no := range int32(1 + g.rng.IntN(4)) {
		net := money.Amount(1 + g.rng.IntN(5000))
		l := retail.Line{No: no + 1, Kind: retail.SaleLine, Category: "GROCERY/COFFEE", Brand: "Arabelle", QuantityMilli: 1000, Unit: retail.Each, Gross: net + 10, Net: net,
			Discounts: []retail.Discount{{Amount: -10, Kind: retail.Coupon}}, Labels: []string{"organic", "eco-a"}[:g.rng.IntN(3)]}
		r.Lines = append(r.Lines, l)
		r.Total += net
	}
	r.Tenders = []retail.Tender{{Type: retail.Cash, Amount: r.Total}}
	return r
}

// place puts a receipt on its own partition.
func (g *generator) place(r *retail.Receipt) {
	p := schemas.PartitionOf(r.Key(), Partitions)
	g.emit(schemas.TopicReceipts, r.Key(), p, g.w.Codec.AppendReceipt(nil, r))
}

// misplace puts it elsewhere: it does not count there.
func (g *generator) misplace(r *retail.Receipt) {
	p := (schemas.PartitionOf(r.Key(), Partitions) + 1) % Partitions
	g.emit(schemas.TopicReceipts, r.Key(), p, g.w.Codec.AppendReceipt(nil, r))
}

// copy sends an earlier receipt again; every other time with other content, more lines and another month, which must not show.
func (g *generator) copy() {
	r := g.sent[g.rng.IntN(len(g.sent))]
	if g.rng.IntN(2) == 0 {
		r.EndedAt -= 40 * 24 * 3600 * 1000
		for no := range int32(6) {
			r.Lines = append(r.Lines[:len(r.Lines):len(r.Lines)], retail.Line{No: 10 + no, Kind: retail.SaleLine, QuantityMilli: 1000, Gross: 999, Net: 999})
			r.Total += 999
		}
	}
	g.place(&r)
}

// void cancels an earlier receipt of the same account.
func (g *generator) void() {
	i := g.rng.IntN(len(g.sent))
	orig := g.sent[i]
	if orig.Type == retail.Void || g.truth.voided[orig.ID] {
		return
	}
	r := g.sale()
	r.Type, r.Loyalty, r.Lines, r.Total, r.Shop = retail.Void, orig.Loyalty, nil, 0, orig.Shop
	r.Original = retail.Original{Given: true, ReceiptID: orig.ID}
	if orig.Loyalty.AccountID == "" {
		return
	}
	g.place(&r)
	g.truth.receipt(&r)
}

// event is what happens to an account apart from a till; one in three is taken back by a return. None of it counts as a receipt.
func (g *generator) event() {
	r := g.sale()
	r.Type, r.TerminalID, r.Tenders, r.Shop = retail.Event, "", nil, retail.Shop{}
	r.Attributes = []retail.Attribute{{Key: retail.EventAttribute, Value: "recycling"}, {Key: "by", Value: "app"}}
	if g.rng.IntN(2) == 0 {
		r.Lines, r.Total, r.Shop = nil, 1200, retail.Shop{ID: "S1", Country: "FR"}
	}
	g.place(&r)
	g.truth.events[r.ID] = r
	if len(r.Lines) == 0 || g.rng.IntN(3) > 0 {
		return
	}
	back := r
	back.ID, back.Type, back.Attributes, back.Original = r.ID+"/back", retail.Return, r.Attributes[:1], retail.Original{Given: true, ReceiptID: r.ID}
	back.Shop, back.TerminalID, back.Total = retail.Shop{ID: "S1", Country: "FR"}, "T1", -r.Lines[0].Net
	back.Lines = []retail.Line{{No: 1, Kind: retail.ReturnLine, ReturnOfLine: 1, QuantityMilli: -1000, Gross: back.Total, Net: back.Total}}
	g.place(&back)
	g.truth.events[back.ID] = back
}

// unsigned is an event that the pipeline refuses for its signature: it stands among the receipts, and a dead letter names its place.
func (g *generator) unsigned() {
	r := g.sale()
	r.Type, r.TerminalID, r.Tenders, r.Lines, r.Total = retail.Event, "", nil, nil, 0
	r.Attributes = []retail.Attribute{{Key: retail.EventAttribute, Value: "recycling"}, {Key: "by", Value: "nobody"}}
	g.place(&r)
	g.refused = append(g.refused, g.out[len(g.out)-1])
}

// refusals are the dead letters of unsigned events that have been produced, so that it is known where they stand.
func (g *generator) refusals() []*kgo.Record {
	g.out = nil
	for _, r := range g.refused {
		g.letter(r.Key, r.Value, r.Partition, r.Offset, retail.CodeSignature)
		g.truth.unsigned++
	}
	g.refused = nil
	return g.out
}

// consequences are ledger entry, balance, decision and metrics of a receipt.
func (g *generator) consequences(r *retail.Receipt, m *schemas.MetricBatch) {
	basis := r.Total
	reward := money.Rate(100_000).Of(basis, money.HalfUp)
	d := schemas.ReceiptDecision{Receipt: r.ID, Account: r.Loyalty.AccountID, Shop: r.Shop.ID, Channel: r.Channel, Type: r.Type, EndedAt: r.EndedAt,
		Total: r.Total, Currency: "EUR", Offset: int64(g.next), RulesetVersion: 1}
	res := rules.Result{Campaign: Campaign, Version: 1, Outcome: rules.NoAccount, Basis: basis,
		Funding: []ledger.Share{{Party: "retailer", Rate: money.One}},
		Steps:   []rules.Step{{Node: "when.min_spend", Code: "spend", Passed: true, Unit: rules.Minor, Observed: int64(basis), Expected: 100}, {Node: "lines", Code: "match", ObservedText: "GROCERY/COFFEE", Unit: rules.Text}}}
	if account := string(r.Loyalty.AccountID); account != "" {
		res.Desired, res.Arm = reward, armOf(account)
		res.Outcome = rules.HeldOut
		if res.Arm == rules.Treatment {
			res.Outcome, res.Granted = rules.Awarded, reward
			g.earn(account, r, reward)
		}
	}
	d.Results = append(d.Results, res, rules.Result{Campaign: "never", Version: 3, Outcome: rules.OutOfWindow})
	g.emit(schemas.TopicDecisions, string(r.ID), schemas.PartitionOf(string(r.ID), Partitions), g.w.Codec.AppendDecision(nil, &d))
	g.truth.decision(&d)
	m.Receipts++
	m.Net += r.Total
	m.Campaigns = append(m.Campaigns, schemas.CampaignCell{Campaign: Campaign, Version: 1, Arm: res.Arm, Minute: r.EndedAt / 60_000 * 60_000, Considered: 1,
		BasketSum: r.Total, BasketSumSq: float64(r.Total) * float64(r.Total), Granted: res.Granted})
}

func (g *generator) earn(account string, r *retail.Receipt, reward money.Amount) {
	g.seq[account]++
	g.balance[account] += reward
	rec := schemas.LedgerRecord{Account: retail.AccountID(account), Currency: "EUR", ProcessedAt: r.EndedAt, Entries: []ledger.Entry{{
		Account: retail.AccountID(account), Seq: g.seq[account], Kind: ledger.Earn, Amount: reward, AvailableAfter: g.balance[account], Campaign: Campaign, CampaignVersion: 1,
		Receipt: r.ID, Shop: r.Shop.ID, At: r.EndedAt,
		Postings: []ledger.Posting{{Book: ledger.MemberAvailable, Party: account, Amount: reward}, {Book: ledger.Funding, Party: "retailer", Amount: -reward}},
	}}}
	p := schemas.PartitionOf(account, Partitions)
	g.emit(schemas.TopicLedger, account, p, g.w.Codec.AppendLedger(nil, &rec))
	if g.rng.IntN(20) == 0 { // produced again under the same name
		g.emit(schemas.TopicLedger, account, p, g.w.Codec.AppendLedger(nil, &rec))
	}
	u := schemas.BalanceUpdate{Account: retail.AccountID(account), Version: g.seq[account], Currency: "EUR", Available: g.balance[account], LifetimeEarned: g.balance[account]}
	g.emit(schemas.TopicBalances, account, p, g.w.Codec.AppendBalance(nil, &u))
	g.truth.earn(account, reward, g.balance[account])
	g.notify(account, r, reward)
}

// notify tells the member of the reward; one in ten is told again in a later transaction's bytes, under the same id.
func (g *generator) notify(account string, r *retail.Receipt, reward money.Amount) {
	n := schemas.Notification{ID: string(r.ID) + ":" + Campaign + ":EARNED", Account: retail.AccountID(account), At: r.EndedAt, Type: "EARNED", Campaign: Campaign,
		Amount: reward, Reference: string(r.ID), TextKey: "notification.EARNED"}
	b, err := json.Marshal(n)
	if err != nil {
		g.w.tb.Fatal(err)
	}
	p := schemas.PartitionOf(account, Partitions)
	for range 1 + g.rng.IntN(10)/9 {
		g.emit(schemas.TopicNotifications, account, p, b)
	}
}

func (g *generator) deadLetter(r *retail.Receipt) {
	place := schemas.PartitionOf(r.Key(), Partitions)
	g.letter([]byte(r.Key()), g.w.Codec.AppendReceipt(nil, r), place, 1_000_000+int64(g.next), retail.CodeCurrency)
}

func (g *generator) letter(key, value []byte, partition int32, offset int64, code retail.Code) {
	h := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
	g.emit(schemas.TopicDeadLetters, string(key), partition, value, h(schemas.HeaderErrorTopic, schemas.TopicReceipts), h(schemas.HeaderErrorPartition, strconv.Itoa(int(partition))),
		h(schemas.HeaderErrorOffset, strconv.FormatInt(offset, 10)), h(schemas.HeaderErrorCode, string(code)), h("traceparent", "00-0-0-0"))
	g.truth.deadLetters++
	g.truth.deadBytes += int64(len(value))
}

func instant(t time.Time) retail.Instant { return retail.Instant(t.UnixMilli()) }

func splitPort(addr string) (host string, port int) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, 0
	}
	port, _ = strconv.Atoi(text)
	return host, port
}
