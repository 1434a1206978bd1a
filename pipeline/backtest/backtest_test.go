package backtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest"
	"cagnotte/loadtest/model"
	"cagnotte/loadtest/wire"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"cagnotte/schemas"
)

// Goal: a simulation gives the euros that an independent model gives, for every worker count. Method: a seeded stream of the load test with returns,
// early returns, repeats, conflicts, late and broken receipts; the campaigns that use every construct.

const (
	streamSeed = 11
	framedID   = 7 // of the schema, in the frames that the model reads
)

// stream makes n receipts; broken bytes are left to the readers' own tests.
func stream(tb testing.TB, n int) []retail.Receipt {
	tb.Helper()
	g, err := loadtest.New(loadtest.Options{Seed: streamSeed, PerDay: 1500, Members: 1200, Shops: 25, MisplacedBP: -1, ReturnBP: 800, ConflictBP: 30})
	if err != nil {
		tb.Fatal(err)
	}
	reader, err := schemas.NewReceiptReader(receiptSchema())
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]retail.Receipt, 0, n)
	var it loadtest.Item
	for len(out) < n {
		g.Next(&it)
		if it.Raw == nil {
			var r retail.Receipt
			if _, err := reader.ReadNext(schemas.AppendReceiptBody(nil, &it.Receipt), &r); err != nil {
				tb.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

func receiptSchema() string {
	s, _ := schemas.CurrentSchema("receipt")
	return s.Text
}

func generous(tb testing.TB, receipts []retail.Receipt) (docs [][]byte, parsed []*rules.Campaign) {
	tb.Helper()
	list, err := loadtest.Campaigns(receipts[0].EndedAt, receipts[len(receipts)-1].EndedAt)
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range list {
		docs = append(docs, d.YAML)
		parsed = append(parsed, parse(tb, string(d.YAML)))
	}
	return docs, parsed
}

func parse(tb testing.TB, doc string) *rules.Campaign {
	tb.Helper()
	c, findings := rules.Parse("doc", []byte(doc))
	if c == nil {
		tb.Fatal(findings)
	}
	return c
}

func run(tb testing.TB, receipts []retail.Receipt, o Options) *Report {
	tb.Helper()
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	r, err := Run(context.Background(), Slice(receipts, 97), o)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// expected asks the independent model.
func expected(t *testing.T, docs [][]byte, receipts []retail.Receipt) *model.Expected {
	t.Helper()
	campaigns, err := model.Parse(docs...)
	if err != nil {
		t.Fatal(err)
	}
	reader := wire.NewReaderFunc(func(id int) (string, error) {
		if id != framedID {
			return "", nil
		}
		return receiptSchema(), nil
	})
	p := model.NewPartition(campaigns, model.DefaultLimits(), reader, 0, 1)
	for i := range receipts {
		value := schemas.AppendReceiptBody([]byte{0, 0, 0, 0, framedID}, &receipts[i])
		if err := p.Feed(model.Record{Offset: int64(i), Appended: int64(receipts[i].EndedAt), Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	return p.Expected()
}

// lastVersions keeps one version of each campaign: a draft is one document.
func lastVersions(docs [][]byte, list []*rules.Campaign) ([][]byte, []*rules.Campaign) {
	at := map[string]int{}
	var outDocs [][]byte
	var out []*rules.Campaign
	for i, c := range list {
		if k, ok := at[c.ID]; ok {
			outDocs[k], out[k] = docs[i], c
			continue
		}
		at[c.ID] = len(out)
		outDocs, out = append(outDocs, docs[i]), append(out, c)
	}
	return outDocs, out
}

func TestEurosOfTheModel(t *testing.T) {
	receipts := stream(t, 20_000)
	docs, drafts := lastVersions(generous(t, receipts))
	want := expected(t, docs, receipts)
	r := run(t, receipts, Options{Drafts: drafts, Workers: 2})
	var granted, ghosts, net int64
	for _, c := range r.Campaigns {
		if c.Cost.NetMinor != want.Granted[c.ID] || c.Cost.GhostMinor != want.Ghosts[c.ID] {
			t.Errorf("%s: net %d, ghost %d; the model says %d and %d", c.ID, c.Cost.NetMinor, c.Cost.GhostMinor, want.Granted[c.ID], want.Ghosts[c.ID])
		}
		granted, ghosts = granted+c.Cost.GrantedMinor, ghosts+c.Cost.GhostMinor
		checkSums(t, &c)
	}
	rewarded := int64(0)
	for _, a := range want.Accounts {
		net += a.Total()
		if a.Total() != 0 {
			rewarded++
		}
	}
	if r.Cost.NetMinor != net || r.Reach.MembersRewarded != rewarded || r.Archive.Members != int64(len(want.Accounts)) {
		t.Errorf("net %d, %d rewarded of %d; the model says %d, %d, %d", r.Cost.NetMinor, r.Reach.MembersRewarded, r.Archive.Members, net, rewarded, len(want.Accounts))
	}
	if r.Cost.ReturnedMinor == 0 || ghosts == 0 || r.Archive.Repeats == 0 || r.Archive.Refused == 0 || granted != r.Cost.GrantedMinor {
		t.Errorf("the stream has no returns, holdout, repeats or broken receipts: %+v", r.Archive)
	}
	if r.Archive.Refused != int64(len(want.Dead))-conflicts(want) {
		t.Errorf("%d refused, the model says %d", r.Archive.Refused, len(want.Dead))
	}
}

// conflicts are repeats here: a known id counts once, whatever it says the second time.
func conflicts(want *model.Expected) (n int64) {
	for _, d := range want.Dead {
		if d.Code == string(retail.CodeConflict) {
			n++
		}
	}
	return n
}

// checkSums compares the parts of a campaign with each other.
func checkSums(t *testing.T, c *Campaign) {
	t.Helper()
	funders, outcomes := int64(0), c.Returns.GrantedMinor
	for _, f := range c.Cost.Funders {
		funders += f.Minor
	}
	for _, o := range c.Outcomes {
		outcomes += o.GrantedMinor
	}
	if funders != c.Cost.NetMinor || outcomes != c.Cost.NetMinor || c.Cost.NetMinor != c.Cost.GrantedMinor-c.Cost.ReturnedMinor {
		t.Errorf("%s: net %d, by funder %d, by outcome %d", c.ID, c.Cost.NetMinor, funders, outcomes)
	}
	if c.Cost.LowMinor > c.Cost.NetMinor || c.Cost.HighMinor < c.Cost.NetMinor {
		t.Errorf("%s: %d is outside its range %d to %d", c.ID, c.Cost.NetMinor, c.Cost.LowMinor, c.Cost.HighMinor)
	}
}

// Without a draft of its own, the live set alone is what the model says of it, several versions included; with it the drafts' part is the difference.
func TestAgainstTheLiveSet(t *testing.T) {
	receipts := stream(t, 8_000)
	docs, live := generous(t, receipts)
	draft := `
id: rival
version: 1
name: Rival
window: {from: 2026-09-01}
lines: {category: GROCERY/COFFEE}
reward: {percent: 30}
stacking: {group: grocery, mode: best_for_member}
`
	r := run(t, receipts, Options{Drafts: []*rules.Campaign{parse(t, draft)}, Against: live, Compare: true, Live: "live", Workers: 3})
	before, after := sum(expected(t, docs, receipts)), sum(expected(t, append(docs, []byte(draft)), receipts))
	c := r.Comparison
	if c == nil || c.WithoutMinor != before || c.WithMinor != after {
		t.Fatalf("got %+v, the model says %d and %d", c, before, after)
	}
	if after-before != c.Members.MoreMinor-c.Members.LessMinor || after-before != c.Shops.MoreMinor-c.Shops.LessMinor {
		t.Errorf("winners and losers do not come to %d: %+v", after-before, c)
	}
	if c.Members.More == 0 || len(c.Live) == 0 || len(c.ShopWinners) == 0 || c.Members.More+c.Members.Less+c.Members.Same != r.Archive.Members {
		t.Errorf("got %+v", c)
	}
	change := r.Cost.NetMinor
	for _, b := range c.Live {
		change += b.WithMinor - b.WithoutMinor
	}
	if change != after-before || r.Cost.NetMinor <= after-before {
		t.Errorf("the draft gives %d and displaces others: together %d, want %d", r.Cost.NetMinor, change, after-before)
	}
}

func sum(e *model.Expected) (minor int64) {
	for _, v := range e.Granted {
		minor += v
	}
	return minor
}

// A draft with the id of a live campaign takes its place from its effective date on, under the next version.
func TestDraftReplacesItsLiveVersion(t *testing.T) {
	receipts := stream(t, 3_000)
	doc := "id: c\nversion: 1\nname: x\nwindow: {from: 2026-09-01}\nreward: {percent: %d}\n"
	old, better := parse(t, fmt.Sprintf(doc, 1)), parse(t, fmt.Sprintf(doc, 2))
	r := run(t, receipts, Options{Drafts: []*rules.Campaign{better}, Against: []*rules.Campaign{old}, Compare: true})
	alone := run(t, receipts, Options{Drafts: []*rules.Campaign{better}})
	if r.Campaigns[0].Version != 2 || r.Cost.NetMinor != alone.Cost.NetMinor || r.Comparison.WithMinor != alone.Cost.NetMinor {
		t.Errorf("version %d, %d with the live set, %d alone", r.Campaigns[0].Version, r.Comparison.WithMinor, alone.Cost.NetMinor)
	}
	if l := r.Comparison.Live; len(l) != 1 || l[0].WithMinor != 0 || l[0].WithoutMinor == 0 || r.Comparison.Members.Less != 0 {
		t.Errorf("got %+v", r.Comparison)
	}
}

// The same receipts give the same bytes for every number of workers.
func TestWorkersDoNotShow(t *testing.T) {
	receipts := stream(t, 6_000)
	docs, live := generous(t, receipts)
	_, drafts := lastVersions(docs, live)
	var first []byte
	for _, n := range []int{1, 2, 3, 8} {
		r := run(t, receipts, Options{Drafts: drafts[:6], Against: live[10:], Compare: true, Workers: n})
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if string(text) != string(first) {
			t.Fatalf("%d workers:\n%s\none:\n%s", n, text, first)
		}
	}
}

func TestRunFails(t *testing.T) {
	receipts := stream(t, 300)
	draft := parse(t, "id: c\nversion: 1\nname: x\nwindow: {from: 2026-09-01}\nreward: {percent: 1}\n")
	broken := errors.New("the disk is gone")
	if _, err := Run(context.Background(), failing{Slice(receipts, 10), broken}, Options{Drafts: []*rules.Campaign{draft}, Workers: 2}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Slice(receipts, 10), Options{Drafts: []*rules.Campaign{draft}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, drafts := range [][]*rules.Campaign{nil, {draft, draft}, make([]*rules.Campaign, maxDrafts+1)} {
		if _, err := Run(context.Background(), Slice(receipts, 10), Options{Drafts: drafts}); err == nil {
			t.Errorf("%d drafts were taken", len(drafts))
		}
	}
}

// failing is a source whose parts cannot be decoded.
type failing struct {
	Source
	err error
}

func (f failing) Chunk() Chunk { return failingChunk{f.Source.Chunk(), f.err} }

type failingChunk struct {
	Chunk
	err error
}

func (c failingChunk) Decode([]retail.Receipt, int) ([]retail.Receipt, int64, error) {
	return nil, 0, c.err
}

// golden compares a file of testdata; -update is the environment variable UPDATE_GOLDEN.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 rewrites it:\n%s", path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func amount(cents int64) money.Amount { return money.Amount(cents) }

func instant(tb testing.TB, s string) retail.Instant {
	tb.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return retail.Instant(v.UnixMilli())
}
