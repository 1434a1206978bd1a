package model

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cagnotte/loadtest/wire"
)

// run is a partition that is fed decoded receipts, one after the other.
type run struct {
	t *testing.T
	p *Partition
	n int64
}

func newRun(t *testing.T, docs ...string) *run {
	t.Helper()
	var raw [][]byte
	for _, d := range docs {
		raw = append(raw, []byte(d))
	}
	c, err := Parse(raw...)
	if err != nil {
		t.Fatal(err)
	}
	return &run{t: t, p: NewPartition(c, DefaultLimits(), nil, 0, 1)}
}

func (r *run) feed(rs ...*wire.Receipt) *run {
	for _, x := range rs {
		r.n++
		r.p.accept(Record{Offset: r.n, Appended: x.EndedAt}, x)
	}
	return r
}

// want compares the movements of account A with "receipt campaign amount" triples.
func (r *run) want(triples ...string) {
	r.t.Helper()
	var got []string
	if a := r.p.Expected().Accounts["A"]; a != nil {
		for _, m := range a.Movements {
			got = append(got, fmt.Sprintf("%s %s %d", m.Receipt, m.Campaign, m.Amount))
		}
	}
	if !reflect.DeepEqual(got, triples) && len(got)+len(triples) > 0 {
		r.t.Errorf("movements:\n got %q\nwant %q", got, triples)
	}
}

func ms(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

const noon = "2026-12-02T12:00:00+01:00"

// sale makes a receipt of account A; each line is a category with its price in cents, one piece.
func sale(id string, lines ...wire.Line) *wire.Receipt {
	r := &wire.Receipt{ID: id, Type: "SALE", Store: wire.Store{ID: "S1", Banner: "hyper", Country: "FR"}, TerminalID: "T", EndedAt: ms(noon),
		Channel: "IN_STORE", Currency: "EUR", Loyalty: &wire.Loyalty{AccountID: "A"}}
	for i, l := range lines {
		l.No = int32(i + 1)
		r.Lines = append(r.Lines, l)
		r.Total += l.Net
	}
	return r
}

func line1(category string, cents int64) wire.Line { return lineOf(category, cents, 1) }

func lineOf(category string, cents, pieces int64) wire.Line {
	return wire.Line{Kind: "SALE", Category: category, Net: cents, Gross: cents, Quantity: 1000 * pieces, Unit: "EA", Eligible: true, GTIN: category + fmt.Sprint(cents)}
}

// back returns quantity pieces and cents of a line of the original.
func back(id, original string, no int32, cents, pieces int64) *wire.Receipt {
	r := sale(id, wire.Line{Kind: "RETURN", Net: -cents, Quantity: -1000 * pieces, Unit: "EA", ReturnOfLine: no, Eligible: true})
	r.Type, r.Original = "RETURN", &wire.Original{ReceiptID: original}
	r.EndedAt += 60_000
	return r
}

func campaignDoc(id, rest string) string {
	return "id: " + id + "\nversion: 1\nname: x\nwindow: {from: 2026-12-01, to: 2026-12-07, tz: Europe/Paris}\n" + rest
}

func TestPercentOfMatchingLines(t *testing.T) {
	doc := campaignDoc("c", "lines: {category: GROCERY/COFFEE, exclude: {brand: [Bad]}}\nreward: {percent: 10}\n")
	excluded := line1("GROCERY/COFFEE", 1000)
	excluded.Brand = "Bad"
	deposit := line1("GROCERY/COFFEE", 1000)
	deposit.Kind = "DEPOSIT"
	tobacco := line1("GROCERY/COFFEE", 1000)
	tobacco.Eligible = false
	// 10 % of 12.34 + 0.01 = 1.235, half up 1.24. GROCERY/COFFEESHOP is another category.
	newRun(t, doc).feed(sale("r", line1("GROCERY/COFFEE/BEANS", 1234), line1("GROCERY/COFFEE", 1), line1("GROCERY/COFFEESHOP", 9999), excluded, deposit, tobacco)).want("r c 124")
}

func TestRoundings(t *testing.T) {
	for _, c := range []struct {
		rounding string
		net      int64
		want     int64
	}{{"floor", 19, 1}, {"ceil", 11, 2}, {"half_up", 15, 2}, {"half_up", 14, 1}, {"half_even", 15, 2}, {"half_even", 25, 2}, {"half_even", 26, 3}} {
		if got := product(c.net, 100_000, 1_000_000, c.rounding); got != c.want {
			t.Errorf("10 %% of %d by %s is %d, want %d", c.net, c.rounding, got, c.want)
		}
	}
}

func TestSpreadByLargestRemainder(t *testing.T) {
	// 100 over 1:1:1 is 34, 33, 33: the odd cent goes to the first.
	if got := spread(100, []int64{1, 1, 1}); !reflect.DeepEqual(got, []int64{34, 33, 33}) {
		t.Errorf("got %v", got)
	}
	// -10 over 5:3:2 of 11: shares 5, 3, 2 exactly; of -11 they are 5.5, 3.3, 2.2: the largest remainder is the first.
	if got := spread(-11, []int64{5, 3, 2}); !reflect.DeepEqual(got, []int64{-6, -3, -2}) {
		t.Errorf("got %v", got)
	}
}

func TestBasketDiscountLowersTheBasis(t *testing.T) {
	doc := campaignDoc("c", "lines: {category: A}\nreward: {percent: 50}\n")
	r := sale("r", line1("A", 1000), line1("B", 3000))
	r.Discounts = []wire.Discount{{Amount: -400}} // 100 of it on A
	r.Total -= 400
	newRun(t, doc).feed(r).want("r c 450")
}

func TestThresholdsLadderAndUnits(t *testing.T) {
	ladder := campaignDoc("ladder", "reward: {ladder: [{spend: 50.00, get: 2.00}, {spend: 100.00, get: 5}]}\n")
	unit := campaignDoc("unit", "lines: {category: A}\nwhen: {min_quantity: 3}\nreward: {per_unit: 0.50, max_per_receipt: 2.00}\n")
	fixed := campaignDoc("fixed", "when: {min_basket: 60.00}\nreward: {fixed: 1.00}\n")
	newRun(t, ladder).feed(sale("r", line1("A", 4999))).want()
	newRun(t, ladder).feed(sale("r", line1("A", 9999))).want("r ladder 200")
	newRun(t, ladder).feed(sale("r", line1("A", 10000))).want("r ladder 500")
	newRun(t, unit).feed(sale("r", lineOf("A", 900, 2))).want()
	newRun(t, unit).feed(sale("r", lineOf("A", 900, 3))).want("r unit 150")
	newRun(t, unit).feed(sale("r", lineOf("A", 900, 9))).want("r unit 200")
	newRun(t, fixed).feed(sale("r", line1("A", 6000))).want("r fixed 100")
	newRun(t, fixed).feed(sale("r", line1("A", 5999))).want()
}

func TestWindowHoursWeekdaysShopsChannels(t *testing.T) {
	doc := func(window, rest string) string {
		return "id: c\nversion: 1\nname: x\nwindow: " + window + "\nreward: {fixed: 1}\n" + rest
	}
	at := func(when string) *wire.Receipt {
		r := sale("r", line1("A", 100))
		r.EndedAt = ms(when)
		return r
	}
	day := doc("{from: 2026-12-02, to: 2026-12-02}", "")
	newRun(t, day).feed(at("2026-12-01T23:59:59+01:00")).want()
	newRun(t, day).feed(at("2026-12-02T00:00:00+01:00")).want("r c 100")
	newRun(t, day).feed(at("2026-12-02T23:59:59+01:00")).want("r c 100")
	newRun(t, day).feed(at("2026-12-03T00:00:00+01:00")).want()
	hours := doc(`{from: 2026-12-01, to: 2026-12-07, hours: "08:00-12:00", weekdays: [wed]}`, "")
	newRun(t, hours).feed(at("2026-12-02T11:59:59+01:00")).want("r c 100")
	newRun(t, hours).feed(at(noon)).want()
	newRun(t, hours).feed(at("2026-12-03T10:00:00+01:00")).want() // a Thursday
	newRun(t, doc("{from: 2026-12-01}", "stores: {banners: [hyper], countries: [BE]}\n")).feed(at(noon)).want()
	newRun(t, doc("{from: 2026-12-01}", "stores: {banners: [hyper], ids: [S1, S2]}\nchannels: [IN_STORE]\n")).feed(at(noon)).want("r c 100")
	newRun(t, doc("{from: 2026-12-01}", "channels: [DRIVE]\n")).feed(at(noon)).want()
}

func TestVersionsByEventTime(t *testing.T) {
	v1 := campaignDoc("c", "reward: {fixed: 1}\n")
	v2 := "id: c\nversion: 2\nname: x\neffective_from: 2026-12-03\nwindow: {from: 2026-12-01, to: 2026-12-07}\nreward: {fixed: 2}\n"
	late := sale("late", line1("A", 100))
	late.EndedAt = ms("2026-12-03T00:00:00+01:00")
	newRun(t, v2, v1).feed(sale("r", line1("A", 100)), late).want("r c 100", "late c 200")
}

func TestStackingGroups(t *testing.T) {
	group := func(id, mode, cents string, priority int) string {
		return campaignDoc(id, fmt.Sprintf("reward: {fixed: %s}\nstacking: {group: g, mode: %s}\npriority: %d\n", cents, mode, priority))
	}
	r := func() *wire.Receipt { return sale("r", line1("A", 1000)) }
	newRun(t, group("a", "best_for_member", "1", 9), group("b", "best_for_member", "2", 0)).feed(r()).want("r b 200")
	newRun(t, group("b", "best_for_member", "1", 0), group("a", "best_for_member", "1", 0)).feed(r()).want("r a 100")
	newRun(t, group("a", "first", "1", 0), group("b", "first", "2", 5)).feed(r()).want("r b 200")
	newRun(t, group("a", "stack", "1", 0), group("b", "stack", "2", 5)).feed(r()).want("r b 200", "r a 100")
}

func TestMemberCaps(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 100, max_per_member: {amount: 15.00, per: day}}\n")
	next := sale("r3", line1("A", 1000))
	next.EndedAt = ms("2026-12-03T00:30:00+01:00")
	newRun(t, doc).feed(sale("r1", line1("A", 1000)), sale("r2", line1("A", 1000)), next).want("r1 c 1000", "r2 c 500", "r3 c 1000")
}

func TestHoldoutGetsNothingAndIsCounted(t *testing.T) {
	doc := campaignDoc("c", "reward: {fixed: 1}\nholdout: 25\n")
	held := 0
	for i := range 400 {
		r := sale("r", line1("A", 100))
		r.Loyalty.AccountID = fmt.Sprint("acct-", i)
		run := newRun(t, doc).feed(r)
		ghosts := run.p.Expected().Ghosts["c"]
		if got := run.p.Expected().Granted["c"]; got+ghosts != 100 {
			t.Fatalf("granted %d and %d as a ghost, want 100 together", got, ghosts)
		}
		held += int(ghosts / 100)
	}
	if held < 70 || held > 130 {
		t.Fatalf("%d of 400 accounts are held out, expected about 100", held)
	}
}

func TestValidity(t *testing.T) {
	c := func(rest string) *campaign {
		cs, err := Parse([]byte(campaignDoc("c", "reward: {fixed: 1}\nvalidity: "+rest+"\n")))
		if err != nil {
			t.Fatal(err)
		}
		return cs.all[0]
	}
	at := ms("2026-10-24T10:15:00+02:00") // the clock goes back on the 25th
	for _, x := range []struct{ doc, active, expires string }{
		{"{}", "", ""},
		{"{pending: 48h}", "2026-10-26T10:00:00+01:00", ""}, // 48 hours later it is 09:15; up to the full hour
		{"{pending: 2d, expires: {after: 30d}}", "2026-10-26T10:00:00+01:00", "2026-12-01T00:00:00+01:00"},
		{"{expires: {after: 10d}}", "", "2026-12-01T00:00:00+01:00"},
		{`{expires: {calendar: "03-01"}}`, "", "2027-03-01T00:00:00+01:00"},
	} {
		active, expires := c(x.doc).validity(at)
		if x.active != "" && active != ms(x.active) || x.active == "" && active != 0 {
			t.Errorf("%s: active %v", x.doc, time.UnixMilli(active).UTC())
		}
		if x.expires != "" && expires != ms(x.expires) || x.expires == "" && expires != 0 {
			t.Errorf("%s: expires %v", x.doc, time.UnixMilli(expires).UTC())
		}
	}
}

func TestReturnsByRecomputation(t *testing.T) {
	doc := campaignDoc("c", "when: {min_spend: 30.00}\nreward: {percent: 10}\n")
	r := func() *wire.Receipt { return sale("r", lineOf("A", 2000, 2), line1("B", 1500)) }
	// 35.00 earns 3.50. One of the two A goes back: 25.00 is below the threshold, everything is taken back; then nothing is left to take.
	newRun(t, doc).feed(r(), back("x", "r", 1, 1000, 1), back("y", "r", 2, 1500, 1)).want("r c 350", "x c -350")
	// B goes back first: 20.00, below as well.
	newRun(t, doc).feed(r(), back("y", "r", 2, 500, 0), back("x", "r", 1, 1000, 1)).want("r c 350", "y c -50", "x c -300")
	// More comes back than was bought: never below zero.
	newRun(t, doc).feed(r(), back("x", "r", 2, 9900, 7)).want("r c 350", "x c -350")
	// A whole line back for less money than paid: the line is worth nothing.
	newRun(t, doc).feed(sale("r", line1("A", 3000), line1("B", 1000)), back("x", "r", 2, 1, 1)).want("r c 400", "x c -100")
	// Before the sale: the sale earns for what remains.
	newRun(t, doc).feed(back("x", "r", 2, 500, 0), r()).want("r c 300")
	// Without its original, or for another account's receipt, nothing is taken back.
	newRun(t, doc).feed(r(), back("x", "", 1, 1000, 1), back("z", "unknown", 1, 1000, 1)).want("r c 350")
}

func TestReturnByProduct(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 10}\n")
	x := back("x", "r", 0, 700, 1)
	x.Lines[0].GTIN = "A500"
	// Two lines of one product at 5.00; 7.00 comes back: 5.00 of the first, 2.00 of the second.
	newRun(t, doc).feed(sale("r", line1("A", 500), line1("A", 500), line1("B", 100)), x).want("r c 110", "x c -70")
}

func TestReturnByTheOriginalsParts(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 10}\n")
	x := back("x", "", 1, 500, 0)
	x.Original = &wire.Original{StoreID: "S1", TerminalID: "T1", BusinessDate: 20424, SequenceNo: 7}
	newRun(t, doc).feed(sale("S1:T1:2025-12-02:7", line1("A", 1000)), x).want("S1:T1:2025-12-02:7 c 100", "x c -50")
}

func TestReturnCanMakeAnotherCampaignWin(t *testing.T) {
	a := campaignDoc("a", "lines: {category: A}\nreward: {percent: 10}\nstacking: {group: g, mode: best_for_member}\n")
	b := campaignDoc("b", "lines: {category: B}\nreward: {percent: 10}\nstacking: {group: g, mode: best_for_member}\n")
	newRun(t, a, b).feed(sale("r", line1("A", 2000), line1("B", 1000)), back("x", "r", 1, 2000, 1)).want("r a 200", "x a -200", "x b 100")
}

func TestReturnCanMakeTheSecondOfAGroupWin(t *testing.T) {
	a := campaignDoc("a", "lines: {category: A}\nwhen: {min_spend: 15.00}\nreward: {percent: 10}\nstacking: {group: g, mode: first}\npriority: 5\n")
	b := campaignDoc("b", "lines: {category: B}\nreward: {percent: 10}\nstacking: {group: g, mode: first}\n")
	newRun(t, a, b).feed(sale("r", lineOf("A", 2000, 2), line1("B", 1000)), back("x", "r", 1, 1000, 1)).want("r a 200", "x a -200", "x b 100")
}

func TestVoidTakesEverythingBack(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 10}\n")
	void := func() *wire.Receipt {
		x := back("x", "r", 1, 0, 0)
		x.Type = "VOID"
		return x
	}
	newRun(t, doc).feed(sale("r", line1("A", 1000), line1("B", 500)), void(), back("y", "r", 2, 500, 1)).want("r c 150", "x c -150")
	newRun(t, doc).feed(void(), sale("r", line1("A", 1000))).want()
}

func TestAnIncreaseKeepsWithinTheCap(t *testing.T) {
	a := campaignDoc("a", "lines: {category: A}\nreward: {percent: 100}\nstacking: {group: g, mode: best_for_member}\n")
	b := campaignDoc("b", "lines: {category: B}\nreward: {percent: 100, max_per_member: {amount: 15, per: campaign}}\nstacking: {group: g, mode: best_for_member}\n")
	// r1: a wins with 20, b would want 10 of its free 15. r2 then takes 12 of b's cap. When r1's A comes back, b wins r1, with the 3 that are left.
	newRun(t, a, b).feed(sale("r1", line1("A", 2000), line1("B", 1000)), sale("r2", line1("B", 1200)), back("x", "r1", 1, 2000, 1)).
		want("r1 a 2000", "r2 b 1200", "x a -2000", "x b 300")
}

func TestReturnGivesCapRoomBack(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 100, max_per_member: {amount: 15, per: campaign}}\n")
	// r1 takes 10 of 15, r2 gets 5. r2's return of half changes nothing: 5 are left and it still wants 5. r1's return gives its room back.
	newRun(t, doc).feed(sale("r1", line1("A", 1000)), sale("r2", line1("A", 1000)), back("x", "r2", 1, 500, 0), back("y", "r1", 1, 1000, 1), sale("r3", line1("A", 2000))).
		want("r1 c 1000", "r2 c 500", "y c -1000", "r3 c 1000")
}

func TestRepeatsAndConflicts(t *testing.T) {
	doc := campaignDoc("c", "reward: {percent: 10}\n")
	other := sale("r", line1("A", 1001))
	run := newRun(t, doc).feed(sale("r", line1("A", 1000)), sale("r", line1("A", 1000)), other, back("x", "r", 1, 1000, 1), back("x", "r", 1, 1000, 1))
	run.want("r c 100", "x c -100")
	e := run.p.Expected()
	if e.Duplicates != 2 || !reflect.DeepEqual(e.Dead, []Dead{{3, codeConflict}}) || len(e.Receipts) != 2 {
		t.Errorf("duplicates %d, dead %v, receipts %d", e.Duplicates, e.Dead, len(e.Receipts))
	}
}

func TestTrainingEarnsNothing(t *testing.T) {
	r := sale("r", line1("A", 1000))
	r.Training = true
	newRun(t, campaignDoc("c", "reward: {percent: 10}\n")).feed(r).want()
}

func event(id, kind string) *wire.Receipt {
	return &wire.Receipt{ID: id, Type: "EVENT", EndedAt: ms(noon), Currency: "EUR", Loyalty: &wire.Loyalty{AccountID: "A"}, Attributes: map[string]string{"event": kind, "by": "app"}}
}

// An event is accepted and remembered, earns nothing whatever it sells, and is no receipt in any figure.
func TestEventsHaveNoEffect(t *testing.T) {
	everything := campaignDoc("c", "reward: {percent: 10}\n")
	sold := event("e2", "recycling")
	sold.Lines, sold.Total = []wire.Line{line1("A", 1000)}, 1000
	again, other := event("e1", "enrol"), event("e1", "consent")
	r := newRun(t, everything).feed(event("e1", "enrol"), sold, again, other, sale("r", line1("A", 500)))
	r.want("r c 50")
	out := r.p.Expected()
	if out.Duplicates != 1 || len(out.Dead) != 1 || out.Dead[0].Code != codeConflict {
		t.Errorf("%d duplicates, dead %v", out.Duplicates, out.Dead)
	}
	if !out.Receipts["e1"].Event || !out.Receipts["e2"].Event || out.Receipts["r"].Event {
		t.Errorf("receipts %+v", out.Receipts)
	}
}

func TestEventRefusals(t *testing.T) {
	l := DefaultLimits()
	for want, spoil := range map[string]func(*wire.Receipt){
		"":                       func(r *wire.Receipt) { r.Total = 1200 },
		codeSchema + " account":  func(r *wire.Receipt) { r.Loyalty = nil },
		codeSchema + " kind":     func(r *wire.Receipt) { r.Attributes = nil },
		codeSchema + " letters":  func(r *wire.Receipt) { r.Attributes["event"] = "Enrol" },
		codeSchema + " newline":  func(r *wire.Receipt) { r.Attributes["event"] = "enrol\n" },
		codeSchema + " label":    func(r *wire.Receipt) { r.Lines = []wire.Line{{No: 1, Labels: []string{"Organic"}}} },
		codeTooLarge + " labels": func(r *wire.Receipt) { r.Lines = []wire.Line{{No: 1, Labels: make([]string, 17)}} },
		codeTotal:                func(r *wire.Receipt) { r.Lines, r.Total = []wire.Line{line1("A", 100)}, 300 },
		codeRange:                func(r *wire.Receipt) { r.Total = 1 << 42 },
	} {
		r := event("e", "enrol")
		spoil(r)
		want, _, _ = strings.Cut(want, " ")
		if got := l.refuse(r, r.EndedAt); got != want {
			t.Errorf("%s, want %s: %+v", got, want, r)
		}
	}
}

func TestRefusals(t *testing.T) {
	l := DefaultLimits()
	now := ms(noon)
	for _, c := range []struct {
		name   string
		change func(*wire.Receipt)
		want   string
	}{
		{"good", func(*wire.Receipt) {}, ""},
		{"one cent per line", func(r *wire.Receipt) { r.Total++ }, ""},
		{"no id before the wrong currency", func(r *wire.Receipt) { r.ID, r.Currency = "", "CHF" }, codeSchema},
		{"currency before time", func(r *wire.Receipt) { r.Currency, r.EndedAt = "CHF", now+1e12 }, codeCurrency},
		{"ahead", func(r *wire.Receipt) { r.EndedAt = now + 300_001 }, codeTime},
		{"just not ahead", func(r *wire.Receipt) { r.EndedAt = now + 300_000 }, ""},
		{"too old", func(r *wire.Receipt) { r.EndedAt = now - 401*86_400_000 }, codeTime},
		{"void", func(r *wire.Receipt) { r.Type = "VOID" }, codeVoid},
		{"total", func(r *wire.Receipt) { r.Total += 2 }, codeTotal},
		{"sign", func(r *wire.Receipt) { r.Lines[0].Net = -5 }, codeSign},
		{"return line", func(r *wire.Receipt) { r.Lines[0].Kind = "RETURN" }, codeSign},
		{"range", func(r *wire.Receipt) { r.Lines[0].Gross = 1 << 42 }, codeRange},
		{"same number", func(r *wire.Receipt) { r.Lines = append(r.Lines, r.Lines[0]) }, codeLineNo},
		{"no lines", func(r *wire.Receipt) { r.Lines = nil }, codeSchema},
	} {
		r := sale("r", line1("A", 1000))
		c.change(r)
		if got := l.refuse(r, now); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUnknownKeyIsAnError(t *testing.T) {
	if _, err := Parse([]byte(campaignDoc("c", "reward: {percent: 10, prozent: 3}\n"))); err == nil {
		t.Fatal("an unknown key was accepted")
	}
}
