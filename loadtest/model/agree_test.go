package model

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/ledger"
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// Goal: the product's rules and the model, written apart from one description, agree to the cent on the whole language. Method: random documents, and
// sales, returns and events in random order and with random instants, so that most come late; after each one everything that stands is compared.
func TestModelAgreesOnTheWholeLanguage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var docs []string
		for i := range rapid.IntRange(1, 5).Draw(t, "campaigns") {
			docs = append(docs, wideDoc(t, fmt.Sprint("c", i)))
		}
		if rapid.Bool().Draw(t, "tiers") {
			docs = append(docs, tiersDoc(t))
		}
		w := newOurs(t, docs)
		for i, r := range randomLife(t) {
			w.feed(i, r)
			w.compare()
		}
	})
}

func wideDoc(t *rapid.T, id string) string {
	about, reward := anyOf(t, "event", "", "", "", "event: recycle\n", "event: enrol\n"), "reward: {"+anyOf(t, "reward", append(gifts, rewards...)...)
	reward = strings.Replace(reward, "OTHERS", strings.ReplaceAll("c0, c1, c2", id, "c9"), 1)
	if strings.Contains(reward, "{event:") {
		about = ""
	}
	progress, plain := "", !strings.Contains(reward, "{event:") && !strings.Contains(reward, "{badge")
	switch {
	case !plain:
	case rapid.Bool().Draw(t, "progress"):
		progress, reward = randomProgress(t)
		reward += anyOf(t, "caps", "", "", ", max_per_member: {amount: 4.00, per: week}")
	default:
		reward += anyOf(t, "caps", "", "", ", max_per_receipt: 1.50", ", max_per_member: {amount: 2.00, per: day}")
	}
	stacking, wallet := "", anyOf(t, "wallet", "", "", ", wallet: points")
	if progress == "" && plain {
		group := "g"
		if strings.Contains(reward, "{times") {
			group = "t"
		}
		if wallet != "" {
			group += "w"
		}
		stacking = anyOf(t, "stacking", "", "", "", "stacking: {group: "+group+", mode: best_for_member}\n")
	}
	who := anyOf(t, "who", whos...)
	lines := anyOf(t, "lines", "", "lines: {category: A}\n", "lines: {label: [l, m]}\n", "lines: {exclude: {label: [m], brand: Z}}\n")
	if strings.Contains(progress, "objectives") {
		lines = ""
	}
	if plain {
		reward += wallet + anyOf(t, "donate", "", "", ", donate: {to: charity, share: 33.33}")
	}
	return "id: " + id + "\nversion: 1\nname: N\n" + about + anyOf(t, "window", "window: {from: 2026-11-28, to: 2027-01-20}\n", "window: {from: 2026-12-03, to: 2026-12-09, weekdays: [mon, tue, thu, fri, sat]}\n") +
		who +
		lines +
		anyOf(t, "stores", "", "", "stores: {exclude_ids: [S2]}\n") +
		anyOf(t, "when", "", "", "when: {min_spend: 3.00}\n", "when: {min_quantity: 2}\n", "when: {min_basket: 9.00}\n", "when: {coupon: [k]}\n", "when: {cel: \"total > 800 && hour < 12 && lines.exists(l, l.net > 200 && 'l' in l.labels)\"}\n",
			"when: {cel: \"weekday != 3 && !('m' in labels) && store == 'S1' || lines[2].brand == 'X'\"}\n") +
		progress + reward + "}\n" + stacking + "holdout: " + anyOf(t, "holdout", "0", "0", "40") + "\n" + anyOf(t, "validity", "", "validity: {pending: 24h, expires: {after: 5d}}\n")
}

var whos = []string{"", "", "who: {segments: [x, y]}\n", "who: {not_segments: [x]}\n", "who: {consent: [p, q]}\n", "who: {opt_in: true}\n", "who: {club: vip}\n", "who: {enrolled_within: 4d}\n",
	"who: {birthday_within: 2d}\n", "who: {first_receipt: true}\n", "who: {referred: true}\n", "who: {tiers: [silver, gold]}\n", "who: {consent: [p], not_segments: [y]}\n"}

var gifts = []string{"points: {get: 1, for: 1.50}", "points: {get: 3.50, for: 2.00}", "times: {factor: 2, of: [OTHERS]}", "times: {factor: 3.25, of: [OTHERS]}, rounding: floor", "times: {factor: 1.5, of: [OTHERS]}",
	"draw: {chance: 40, prize: 2.00, seed: s}", "draw: {chance: 70, prize: 0.35, seed: t}", "event: {kind: referral, to: referrer}", "event: {kind: sold, to: operator}", "badge: b"}

func randomProgress(t *rapid.T) (progress, reward string) {
	calendar := anyOf(t, "calendar", "", ", per: day", ", per: week", ", per: month", ", per: year")
	per := anyOf(t, "per", calendar, ", per: {rolling: 3d}")
	repeat := anyOf(t, "repeat", "", ", repeat: true", ", repeat: true, max: 2")
	fixed := anyOf(t, "fixed", "fixed: 1.30", "fixed: 0.50")
	keep := anyOf(t, "keep", "", "", "returns: {progress: keep_once_completed}\n")
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 6:
		return keep + "progress: {count: products, target: 3" + calendar + repeat + "}\n", "reward: {" + fixed
	case 0:
		return keep + "progress: {count: " + anyOf(t, "count", "pieces, target: 4", "spend, target: 12.00", "receipts, target: 2", "days, target: 2") + per + repeat + "}\n", "reward: {" + fixed
	case 1:
		return keep + "progress: {count: pieces, target: 3" + per + repeat + "}\n", "reward: {percent: " + anyOf(t, "percent", "100", "33.3, rounding: floor", "50, rounding: half_even")
	case 2:
		return keep + "progress: {count: spend, target: 10.00" + per + "}\n", "reward: {percent: 7.7"
	case 3:
		return keep + "progress: {count: " + anyOf(t, "ladder", "spend", "pieces", "receipts") + calendar + "}\n", "reward: {ladder: [{reach: 2, get: 0.30}, {reach: 8, get: 1.10}, {reach: 15, get: 2.50}]"
	case 4:
		return keep + "progress: {count: pieces, target: 2, streak: 2" + anyOf(t, "every", ", per: day", ", per: week", ", per: month") + anyOf(t, "again", "", ", repeat: true") + "}\n", "reward: {" + fixed
	}
	return keep + "progress: {need: 2, objectives: [{name: a, lines: {category: A}, count: pieces, target: 3}, {name: b, lines: {label: l}, count: spend, target: 6.00}, {name: c, lines: {brand: [X, Y]}, count: products, target: 2}]" + calendar + "}\n", "reward: {" + fixed
}

func tiersDoc(t *rapid.T) string {
	return "id: status\nversion: 1\nname: N\nwindow: {from: 2026-09-01}\n" + anyOf(t, "tier lines", "", "lines: {category: A}\n") + "tiers: {count: " +
		anyOf(t, "tier count", "spend, levels: [{name: bronze, from: 0}, {name: silver, from: 15}, {name: gold, from: 30}]", "pieces, levels: [{name: bronze, from: 1}, {name: silver, from: 5}, {name: gold, from: 9}]",
			"receipts, levels: [{name: silver, from: 2}, {name: gold, from: 3}]") +
		", per: " + anyOf(t, "tier per", "month", "year") + ", downgrade: " + anyOf(t, "downgrade", "one_down", "requalify") + anyOf(t, "grace", "", ", grace: 3d") + "}\n"
}

// randomLife is what happens to two members within some weeks, in the order in which it is heard of.
func randomLife(t *rapid.T) []*retail.Receipt {
	var life []*retail.Receipt
	for i := range rapid.IntRange(2, 12).Draw(t, "things") {
		switch rapid.IntRange(0, 5).Draw(t, "thing") {
		case 0, 1:
			life = append(life, randomEvent(t, i))
		default:
			life = append(life, randomShopping(t, i))
		}
	}
	for n := range rapid.IntRange(0, 5).Draw(t, "returns") {
		of := life[rapid.IntRange(0, len(life)-1).Draw(t, "of receipt")]
		if of.Type == retail.Return || of.Type == retail.Void {
			continue
		}
		life = append(life, randomGivingBack(t, of, n))
	}
	order := rapid.Permutation(life).Draw(t, "order")
	if rapid.IntRange(0, 2).Draw(t, "as it happened") > 0 {
		return life
	}
	return order
}

func randomInstant(t *rapid.T) retail.Instant {
	return retail.Instant(ms("2026-11-24T09:30:00+01:00")) + retail.Instant(rapid.IntRange(0, 60).Draw(t, "half days"))*43_200_000
}

func randomShopping(t *rapid.T, i int) *retail.Receipt {
	r := randomSale(t)
	r.ID, r.EndedAt = retail.ReceiptID(fmt.Sprint("r", i)), randomInstant(t)
	r.Loyalty.AccountID = retail.AccountID(anyOf(t, "member", "A", "B"))
	r.Shop.ID, r.OperatorID = retail.ShopID(anyOf(t, "shop", "S1", "S2")), anyOf(t, "operator", "", "7")
	if rapid.IntRange(0, 2).Draw(t, "scanned") == 0 {
		r.Coupons = []string{"k"}
	}
	for j := range r.Lines {
		r.Lines[j].Labels = [][]string{nil, {"l"}, {"m", "n"}}[rapid.IntRange(0, 2).Draw(t, "labels")]
	}
	return r
}

func randomEvent(t *rapid.T, i int) *retail.Receipt {
	r := &retail.Receipt{ID: retail.ReceiptID(fmt.Sprint("e", i)), Type: retail.Event, Currency: "EUR", EndedAt: randomInstant(t), Loyalty: retail.Loyalty{AccountID: retail.AccountID(anyOf(t, "member", "A", "B"))}}
	text := anyOf(t, "event", "enrol", "enrol,referrer=B", "enrol,birthday=12-04", "birthday,birthday=12-01", "consent,purpose=p,given=true", "consent,purpose=p,given=false", "consent,purpose=q,given=true",
		"segment,segment=x,in=true", "segment,segment=x,in=false", "segment,segment=x,in=true,until=2026-12-04", "segment,segment=y,in=true,until=2026-12-06T12:00:00Z", "segment,segment=y,in=false",
		"opt_in,campaign=c0", "opt_out,campaign=c0", "opt_in,campaign=c1", "club,club=vip,until=2026-12-07", "club,club=vip,until=2026-12-20", "recycle", "recycle")
	for j, pair := range strings.Split(text, ",") {
		k, v, _ := strings.Cut(pair, "=")
		if j == 0 {
			k, v = "event", k
		}
		r.Attributes = append(r.Attributes, retail.Attribute{Key: k, Value: v})
	}
	if n := rapid.IntRange(0, 2).Draw(t, "event lines"); text == "recycle" && n > 0 {
		for j := range n {
			net := money.Amount(rapid.Int64Range(0, 900).Draw(t, "event net"))
			r.Lines = append(r.Lines, retail.Line{No: int32(j + 1), Kind: retail.Service, SKU: anyOf(t, "sku", "1", "2"), Category: anyOf(t, "event category", "A", "B"), Unit: retail.Each,
				QuantityMilli: 1000 * rapid.Int64Range(1, 3).Draw(t, "event pieces"), Net: net, Gross: net})
			r.Total += net
		}
	}
	return r
}

func randomGivingBack(t *rapid.T, of *retail.Receipt, n int) *retail.Receipt {
	if len(of.Lines) == 0 || rapid.IntRange(0, 4).Draw(t, "void") == 0 {
		return &retail.Receipt{ID: retail.ReceiptID(fmt.Sprint("v", n)), Type: retail.Void, EndedAt: of.EndedAt + 7_200_000, Shop: of.Shop, Loyalty: of.Loyalty, Original: retail.Original{Given: true, ReceiptID: of.ID}}
	}
	r := randomReturn(t, of, n)
	r.Original.ReceiptID = of.ID
	r.EndedAt = of.EndedAt + retail.Instant(rapid.IntRange(1, 60).Draw(t, "hours later"))*3_600_000
	return r
}

// ours is the product's own rules and ledger, without its topics and stores, beside the model.
type ours struct {
	t          *rapid.T
	docs       []string
	life       []*retail.Receipt
	rs         *rules.Ruleset
	eval       *rules.Evaluator
	accounts   map[retail.AccountID]*ledger.Account
	footprints map[retail.ReceiptID]*rules.Footprint
	decision   rules.Decision
	journal    ledger.Journal
	granted    map[string]int64
	ghosts     map[string]int64
	emitted    []Emitted
	model      *Partition
}

func newOurs(t *rapid.T, docs []string) *ours {
	var raw [][]byte
	var list []*rules.Campaign
	for _, doc := range docs {
		c, findings := rules.Parse("doc", []byte(doc))
		if c == nil {
			t.Fatal(doc, findings)
		}
		raw, list = append(raw, []byte(doc)), append(list, c)
	}
	cs, err := Parse(raw...)
	if err != nil {
		t.Fatal(err)
	}
	if err := cs.Guard([]byte(laws)); err != nil {
		t.Fatal(err)
	}
	g, _ := rules.ParseGuardrails("laws", []byte(laws))
	rs, err := rules.CompileWith(g, list)
	if err != nil {
		t.Fatal(err)
	}
	return &ours{t: t, docs: docs, rs: rs, eval: rules.NewEvaluator(), accounts: map[retail.AccountID]*ledger.Account{}, footprints: map[retail.ReceiptID]*rules.Footprint{},
		granted: map[string]int64{}, ghosts: map[string]int64{}, model: NewPartition(cs, DefaultLimits(), nil, 0, 1)}
}

// heard is when a record is appended: long after all that it tells.
func heard(i int) int64 { return ms("2027-01-10T00:00:00+01:00") + int64(i) }

func (w *ours) feed(i int, r *retail.Receipt) {
	w.life = append(w.life, r)
	id := r.Loyalty.AccountID
	a := w.accounts[id]
	if a == nil {
		a = &ledger.Account{}
		w.accounts[id] = a
	}
	a.FireDue(&w.journal, id, retail.Instant(heard(i)), w.rs)
	back := r.Type == retail.Return || r.Type == retail.Void
	key := r.ID
	if back {
		key = r.OriginalID()
	}
	fp := w.footprints[key]
	if fp == nil {
		fp = &rules.Footprint{}
		w.footprints[key] = fp
	}
	view := rules.MemberView{Account: a}
	if back {
		w.eval.Return(w.rs, r, view, &w.decision, fp)
	} else {
		if r.Type == retail.Event {
			if problem := rules.NoteEvent(&a.Profile, r); problem != nil {
				w.t.Fatal(problem)
			}
		}
		w.eval.Evaluate(w.rs, r, id, view, &w.decision, fp)
	}
	w.post(a, r, fp)
	if !back && r.Type != retail.Event {
		a.Profile.Bought(r.EndedAt)
	}
	w.model.accept(Record{Offset: int64(i), Appended: heard(i)}, wired(r))
}

func (w *ours) post(a *ledger.Account, r *retail.Receipt, fp *rules.Footprint) {
	w.journal.Reset()
	for k := range w.decision.Results {
		res := &w.decision.Results[k]
		w.granted[res.Campaign] += int64(res.Granted)
		if res.Arm == rules.Holdout {
			w.ghosts[res.Campaign] += int64(res.Desired)
		}
		res.Post(a)
		w.emit(a, r, fp, res)
		g := res.Grant(r, fp)
		if res.Granted > 0 {
			a.Earn(&w.journal, r.Loyalty.AccountID, &g)
		} else if res.Granted < 0 {
			a.Reverse(&w.journal, r.Loyalty.AccountID, &g)
		}
	}
}

// emit keeps what the result sends to another account, as the product's pipeline would write it.
func (w *ours) emit(a *ledger.Account, r *retail.Receipt, fp *rules.Footprint, res *rules.Result) {
	to := map[rules.EmitTo]string{rules.ToReferrer: string(a.Profile.Referrer), rules.ToOperator: ""}[res.Emit.To]
	if res.Emit.To == rules.ToOperator && fp.Operator != "" {
		to = "op:" + fp.Operator
	}
	if to == "" || res.Emit.Net == 0 && res.Emit.Pieces == 0 {
		return
	}
	e := Emitted{Account: to, ID: res.Campaign + "/" + string(r.ID), Type: "EVENT", Event: res.Emit.Kind, From: string(r.Loyalty.AccountID), At: int64(r.EndedAt), Net: int64(res.Emit.Net), Pieces: res.Emit.Pieces}
	if r.Original.Given {
		e.Type, e.Original, e.Event, e.From = "RETURN", res.Campaign+"/"+string(r.Original.ReceiptID), "", ""
	}
	w.emitted = append(w.emitted, e)
}

// story is the documents and what has happened so far, for whoever looks into a difference.
func (w *ours) story() string {
	var b strings.Builder
	b.WriteString(strings.Join(w.docs, "---\n") + "\n")
	for _, r := range w.life {
		fmt.Fprintf(&b, "%s %s of %s in %s at %s, total %d", r.Type, r.ID, r.Loyalty.AccountID, r.Shop.ID, time.UnixMilli(int64(r.EndedAt)).In(paris).Format("2006-01-02T15:04"), r.Total)
		if r.Original.Given {
			fmt.Fprintf(&b, ", gives back %s", r.Original.ReceiptID)
		}
		fmt.Fprintf(&b, " %v %v\n", r.Attributes, r.Coupons)
		for _, l := range r.Lines {
			fmt.Fprintf(&b, "    %d %s %s %s gtin=%s %s net %d x %d of line %d %v\n", l.No, l.Kind, l.Category, l.Brand, l.GTIN, l.Department, l.Net, l.QuantityMilli/1000, l.ReturnOfLine, l.Labels)
		}
	}
	return b.String()
}

// compare holds what stands in the product against the model.
func (w *ours) compare() {
	e := w.model.Expected()
	for _, id := range w.model.campaigns.IDs() {
		if w.granted[id] != e.Granted[id] || w.ghosts[id] != e.Ghosts[id] {
			w.t.Fatalf("%s: %s: rules %d (ghost %d), model %d (ghost %d)", w.story(), id, w.granted[id], w.ghosts[id], e.Granted[id], e.Ghosts[id])
		}
	}
	if !reflect.DeepEqual(w.emitted, e.Emitted) && len(w.emitted)+len(e.Emitted) > 0 {
		w.t.Fatalf("%s: sent to others %+v, model %+v", w.story(), w.emitted, e.Emitted)
	}
	for id, a := range w.accounts {
		want := e.Accounts[string(id)].Balances()
		for _, wallet := range []string{"", "points"} {
			got := Balance{Held: int64(a.Held(wallet))}
			if p := a.Of(wallet); p != nil {
				got.Pending, got.Available = int64(p.Pending), int64(p.Available)
			}
			if got != want[wallet] {
				w.t.Fatalf("%s: account %s wallet %q: ledger %+v, model %+v", w.story(), id, wallet, got, want[wallet])
			}
		}
	}
}
