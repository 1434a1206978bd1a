package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Ids and tokens that a till may send and a query must survive.
const (
	oddReceipt = `S9'00\T1:{id}/é 1`
	oddMember  = `m'em\ber-7f3a`
)

// send puts receipts on their partition, as a till on Kafka does.
func (s *shop) send(receipts ...*retail.Receipt) {
	s.t.Helper()
	for _, r := range receipts {
		err := s.kafka.ProduceSync(context.Background(), &kgo.Record{
			Topic: schemas.TopicReceipts, Partition: schemas.PartitionOf(r.Key(), 8), Key: []byte(r.Key()), Value: s.codec.AppendReceipt(nil, r),
		}).FirstErr()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// explain runs the command against the running dev.
func (s *shop) explain(args ...string) (x explain.Explanation, out, errOut string, code int) {
	s.t.Helper()
	g := &Globals{Brokers: s.ends.Brokers, RegistryURL: s.ends.Registry, Output: "json", Logger: slog.New(slog.DiscardHandler), In: strings.NewReader("")}
	var o, e bytes.Buffer
	g.Out, g.Err = &o, &e
	c := &ReceiptExplainCmd{ID: args[0], Lang: "en", clickHouseSource: clickHouseSource{s.ends.ClickHouse}, Group: "cagnotte", MaxReceiptAge: 9600 * time.Hour}
	for _, a := range args[1:] {
		c.Verify = c.Verify || a == "--verify"
		if a == "text" {
			g.Output = "table"
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	err := c.Run(ctx, g)
	if g.Output == "json" && o.Len() > 0 {
		if err := json.Unmarshal(o.Bytes(), &x); err != nil {
			s.t.Fatalf("%v: %s", err, o.String())
		}
	}
	text := e.String()
	if err != nil {
		text += err.Error()
	}
	return x, o.String(), text, exitCode(err)
}

// memberSale is a sale of coffee to a member.
func memberSale(id, account string, net money.Amount) *retail.Receipt {
	r := good(id)
	r.Loyalty.AccountID, r.Total = retail.AccountID(account), net
	r.Lines[0].Net, r.Lines[0].Gross, r.Lines[0].UnitPrice = net, net, net/2
	return r
}

// giveBack is a return of one of the two packets.
func giveBack(id string, sale *retail.Receipt) *retail.Receipt {
	r := memberSale(id, string(sale.Loyalty.AccountID), -sale.Total/2)
	r.Type, r.Original = retail.Return, retail.Original{Given: true, ReceiptID: sale.ID}
	r.EndedAt++
	l := &r.Lines[0]
	l.Kind, l.QuantityMilli, l.UnitPrice, l.ReturnOfLine = retail.ReturnLine, -1000, -l.UnitPrice, 1
	return r
}

// Goal: on the whole product, what the command says is what happened, and --verify derives the same decision from the log; a decision that somebody
// changed in ClickHouse is found. Method: receipts of every kind through Kafka, the command against the running stack, an ALTER of one row.
func TestReceiptExplain(t *testing.T) {
	s := openShop(t)
	s.silenceMerges()
	first := memberSale("ex-1", "member-0001-c041", 6400)
	odd := memberSale(oddReceipt, oddMember, 2400)
	anonymous := memberSale("ex-anonymous", "", 2400)
	bad := memberSale("ex-bad", "member-0001-c041", 2400)
	bad.Total += 500
	s.send(neighbours(200, first)...)
	s.send(first, memberSale("ex-2", "member-0001-c041", 9900), giveBack("ex-1-back", first), anonymous, bad, odd, giveBack("ex-alone", memberSale("ex-never", "member-0002", 100)))
	s.settled("ex-1", "ex-2", "ex-1-back", "ex-anonymous", oddReceipt)
	s.send(first) // once more
	s.send(memberSale("ex-last", "member-0001-c041", 1200))
	s.settled("ex-last")

	t.Run("verified", s.explainVerified)
	t.Run("budget", s.explainBudget)
	t.Run("answers", s.explainAnswers)
	t.Run("api", s.explainByHTTP)
	t.Run("altered", s.explainAltered)
}

// neighbours are receipts of other members that share a partition with one.
func neighbours(n int, of *retail.Receipt) (out []*retail.Receipt) {
	for i := 0; len(out) < n; i++ {
		r := memberSale(fmt.Sprintf("ex-noise-%d", i), fmt.Sprintf("neighbour-%d", i), 2400)
		if schemas.PartitionOf(r.Key(), 8) == schemas.PartitionOf(of.Key(), 8) {
			out = append(out, r)
		}
	}
	return out
}

// silenceMerges keeps copies of a receipt where they can be seen.
func (s *shop) silenceMerges() {
	s.t.Helper()
	if err := s.conn.Exec(context.Background(), "SYSTEM STOP MERGES cagnotte_raw.receipts"); err != nil {
		s.t.Fatal(err)
	}
}

// settled waits until the decisions, the account's entries and the pipeline's progress are in ClickHouse.
func (s *shop) settled(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		s.wait("explanation of "+id, func() bool {
			x, _, _, _ := s.explain(id)
			return x.Status == explain.Decided && (x.Totals.Unbooked == (x.Receipt.Member == "" && x.Totals.Granted != 0))
		})
	}
}

func (s *shop) explainVerified(t *testing.T) {
	for _, id := range []string{"ex-1", "ex-2", "ex-1-back", "ex-anonymous", oddReceipt, "ex-last", "ex-alone"} {
		x, out, errOut, code := s.explain(id, "--verify")
		if code != ExitOK || x.Verification == nil || !x.Verification.Identical {
			t.Fatalf("%s: exit %d: %s %s", id, code, errOut, out)
		}
		if id != "ex-alone" && (x.Verification.Results == 0 || x.Verification.Steps == 0) {
			t.Errorf("%s: nothing was compared: %+v", id, x.Verification)
		}
		if strings.Contains(out, "member-0001-c041") {
			t.Errorf("%s: the member's token shows: %s", id, out)
		}
		t.Logf("%-20s %s", id, x.Verification.Text)
	}
	x, _, _, _ := s.explain("ex-2", "--verify")
	if x.Verification.Judged != 2 || x.Verification.Records < 202 || x.Verification.Entries == 0 || x.Totals.Granted <= 0 {
		t.Errorf("the second receipt stands on the first: %+v %+v", x.Verification, x.Totals)
	}
}

// explainBudget: a decision that a budget has limited is derived again too, and what follows from it; what the budget had left is not derived but known.
func (s *shop) explainBudget(t *testing.T) {
	doc := `{"id": "ex-short", "version": 1, "name": "Short", "window": {"from": "2020-01-01"}, "lines": {"brand": "Ex-Short"}, "reward": {"percent": 10}, "budget": {"total": 40.00, "per_store": {"amount": 4.00, "per": "day"}}}`
	if err := s.kafka.ProduceSync(context.Background(), &kgo.Record{Topic: schemas.TopicCampaigns, Key: []byte("ex-short"), Value: []byte(doc)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	sale := func(id string, net money.Amount) *retail.Receipt {
		r := memberSale(id, "member-0001-c041", net)
		r.Lines[0].Brand = "Ex-Short"
		return r
	}
	known := func(id string) bool {
		s.send(sale(id, 100))
		s.settled(id)
		x, _, _, _ := s.explain(id)
		return slices.ContainsFunc(x.Campaigns, func(c explain.Campaign) bool { return c.Campaign == "ex-short" })
	}
	n := 0
	s.wait("the campaign", func() bool { n++; return known(fmt.Sprint("ex-known-", n)) })
	big := sale("ex-big", 9000)
	s.send(big, giveBack("ex-big-back", big), sale("ex-after", 9000))
	s.settled("ex-big", "ex-after")
	for _, id := range []string{"ex-big", "ex-big-back", "ex-after"} {
		x, out, errOut, code := s.explain(id, "--verify")
		if code != ExitOK || x.Verification == nil || !x.Verification.Identical {
			t.Fatalf("%s: exit %d: %s %s", id, code, errOut, out)
		}
		if id != "ex-big-back" && !strings.Contains(out, `"capped_by":"budget"`) && !strings.Contains(out, `"capped_by": "budget"`) {
			t.Errorf("%s: no budget has limited it: %s", id, out)
		}
	}
}

func (s *shop) explainAnswers(t *testing.T) {
	x, _, _, _ := s.explain("ex-1")
	if len(x.Returns) != 1 || x.Returns[0].ReceiptID != "ex-1-back" || x.Totals.TakenBack <= 0 || x.Totals.Standing != x.Totals.Granted-x.Totals.TakenBack {
		t.Errorf("the return is missing: %+v %+v", x.Returns, x.Totals)
	}
	if !strings.Contains(strings.Join(x.Summary, " "), "was sent again (1 copy)") {
		t.Errorf("the copy is missing: %q", x.Summary)
	}
	s.wait("the dead letter", func() bool { x, _, _, _ := s.explain("ex-bad"); return x.Status == explain.Refused })
	x, _, _, code := s.explain("ex-bad")
	if code != ExitOK || x.Status != explain.Refused || x.Refusals[0].Code != "RCP-0005" || x.Refusals[0].Remedy == "" {
		t.Errorf("refused: exit %d: %+v", code, x)
	}
	if _, _, errOut, code := s.explain("ex-bad", "--verify"); code != ExitNotFound {
		t.Errorf("verified what has no decision: exit %d: %s", code, errOut)
	}
	x, _, errOut, code := s.explain("ex-nobody")
	if code != ExitNotFound || x.Status != explain.Unknown || !strings.Contains(errOut, "not known") {
		t.Errorf("unknown: exit %d: %s %+v", code, errOut, x)
	}
	x, _, _, _ = s.explain("ex-anonymous")
	if x.Receipt.Member != "" || x.Campaigns[0].Outcome != "NO_ACCOUNT" {
		t.Errorf("anonymous: %+v", x)
	}
	x, _, _, _ = s.explain("ex-alone")
	if x.Status != explain.NoCampaign || !strings.Contains(strings.Join(x.Summary, " "), "has not arrived") {
		t.Errorf("a return that came alone: %+v", x)
	}
	if _, out, _, _ := s.explain("ex-2", "text"); !strings.Contains(out, "Campaigns\n") || !strings.Contains(out, "✓") {
		t.Errorf("for people: %s", out)
	}
}

func (s *shop) explainByHTTP(t *testing.T) {
	for path, want := range map[string]struct {
		status int
		holds  string
	}{
		"ex-1/explanation?lang=fr":                          {200, "Accordé"},
		url.PathEscape(oddReceipt) + "/explanation?lang=en": {200, "Granted"},
		"ex-nobody/explanation":                             {404, "API-0008"},
		"ex-1/explanation?lang=xx":                          {400, "API-0009"},
	} {
		resp, err := http.Get(s.ends.URL + "/v1/receipts/" + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || resp.StatusCode != want.status || !strings.Contains(string(body), want.holds) {
			t.Errorf("%s: %d %s, want %d with %q", path, resp.StatusCode, body, want.status, want.holds)
		}
	}
}

// explainAltered changes what one campaign granted, and one step, behind the product's back.
func (s *shop) explainAltered(t *testing.T) {
	for _, column := range []string{
		"`results.granted_minor` = arrayMap((g, i) -> if(i = 1, g + 100, g), `results.granted_minor`, arrayEnumerate(`results.granted_minor`))",
		"`results.step_observed` = arrayMap(s -> arrayMap(v -> v + 1, s), `results.step_observed`)",
	} {
		if err := s.conn.Exec(context.Background(), "ALTER TABLE cagnotte_raw.decisions UPDATE "+column+" WHERE receipt_id = 'ex-2' SETTINGS mutations_sync = 1"); err != nil {
			t.Fatal(err)
		}
	}
	x, out, errOut, code := s.explain("ex-2", "--verify")
	if code != ExitFailed || x.Verification == nil || x.Verification.Identical || !strings.Contains(errOut, "differences") {
		t.Fatalf("exit %d: %s %s", code, errOut, out)
	}
	found := map[string]bool{}
	for _, d := range x.Verification.Differences {
		found[d.What] = true
	}
	if !found["granted"] || !found["observed"] || found["outcome"] || found["desired"] {
		t.Errorf("differences: %+v", x.Verification.Differences)
	}
	if x, _, _, code := s.explain("ex-1", "--verify"); code != ExitOK || !x.Verification.Identical {
		t.Errorf("another receipt: exit %d %+v", code, x.Verification)
	}
	t.Log(fmt.Sprintf("%+v", x.Verification.Differences[0]), x.Verification.Text)
}

// A receipt that is in Kafka and not processed is found there, with what waits before it.
func TestExplainWaiting(t *testing.T) {
	x := openTill(t)
	sample, _, _ := x.command(t, "", "receipt", "sample", "-n", "40", "--seed", "7")
	if _, errOut, code := x.command(t, sample, "receipt", "send", "-", "--to", x.url); code != ExitOK {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	g := &Globals{Brokers: x.brokers, RegistryURL: x.registry, Logger: slog.New(slog.DiscardHandler), Out: io.Discard, Err: io.Discard}
	lines := strings.Split(strings.TrimSpace(sample), "\n")
	id := receiptIDOf([]byte(lines[len(lines)-1]))
	c := &ReceiptExplainCmd{ID: id, Group: "cagnotte"}
	w, err := c.findWaiting(testContext(t), g)
	if err != nil || w == nil || w.Since == 0 || w.Ahead != w.Offset {
		t.Fatalf("%s: %+v %v", id, w, err)
	}
	c.ID = "nobody"
	if w, err := c.findWaiting(testContext(t), g); err != nil || w != nil {
		t.Fatalf("%+v %v", w, err)
	}
}
