package model

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"cagnotte/loadtest/wire"
)

// said is an EVENT of account A.
func said(id, kind, at string, attributes ...string) *wire.Receipt {
	r := &wire.Receipt{ID: id, Type: "EVENT", EndedAt: ms(at), Channel: "IN_STORE", Currency: "EUR", Loyalty: &wire.Loyalty{AccountID: "A"}, Attributes: map[string]string{"event": kind}}
	for i := 0; i < len(attributes); i += 2 {
		r.Attributes[attributes[i]] = attributes[i+1]
	}
	return r
}

// bought is a sale at an instant, in a campaign's week of December 2026.
func bought(id, at string, lines ...wire.Line) *wire.Receipt {
	r := sale(id, lines...)
	r.EndedAt = ms(at)
	return r
}

func yearDoc(id, rest string) string {
	return "id: " + id + "\nversion: 1\nname: x\nwindow: {from: 2026-01-01, to: 2027-12-31, tz: Europe/Paris}\n" + rest
}

func TestWhoIsAskedAtTheClose(t *testing.T) {
	const before, after = "2026-12-01T12:00:00+01:00", "2026-12-03T12:00:00+01:00"
	for name, c := range map[string]struct {
		who  string
		said []*wire.Receipt
		want bool
	}{
		"in the segment":       {"segments: [a, b]", []*wire.Receipt{said("1", "segment", before, "segment", "b", "in", "true")}, true},
		"later in the segment": {"segments: [b]", []*wire.Receipt{said("1", "segment", after, "segment", "b", "in", "true")}, false},
		"was in the segment":   {"segments: [b]", []*wire.Receipt{said("1", "segment", before, "segment", "b", "in", "true", "until", "2026-12-01")}, false},
		"last day":             {"segments: [b]", []*wire.Receipt{said("1", "segment", before, "segment", "b", "in", "true", "until", "2026-12-02")}, true},
		"left, heard too late": {"segments: [b]", []*wire.Receipt{said("2", "segment", noon, "segment", "b", "in", "false"), said("1", "segment", before, "segment", "b", "in", "true")}, false},
		"not staff":            {"not_segments: [staff]", nil, true},
		"staff":                {"not_segments: [staff]", []*wire.Receipt{said("1", "segment", before, "segment", "staff", "in", "true")}, false},
		"all consents":         {"consent: [x, y]", []*wire.Receipt{said("1", "consent", before, "purpose", "x", "given", "true")}, false},
		"consent":              {"consent: [x]", []*wire.Receipt{said("1", "consent", before, "purpose", "x", "given", "true")}, true},
		"opted in":             {"opt_in: true", []*wire.Receipt{said("1", "opt_in", before, "campaign", "c")}, true},
		"opted out":            {"opt_in: true", []*wire.Receipt{said("1", "opt_in", before, "campaign", "c"), said("2", "opt_out", noon, "campaign", "c")}, false},
		"club":                 {"club: vip", []*wire.Receipt{said("1", "club", before, "club", "vip", "until", "2027-11-30")}, true},
		"new":                  {"enrolled_within: 30d", []*wire.Receipt{said("1", "enrol", before)}, true},
		"not that new":         {"enrolled_within: 1d", []*wire.Receipt{said("1", "enrol", before)}, false},
		"birthday soon":        {"birthday_within: 3d", []*wire.Receipt{said("1", "birthday", before, "birthday", "12-05")}, true},
		"birthday later":       {"birthday_within: 2d", []*wire.Receipt{said("1", "birthday", before, "birthday", "12-05")}, false},
		"birthday today":       {"birthday_within: 0d", []*wire.Receipt{said("1", "enrol", before, "birthday", "12-02")}, true},
		"referred":             {"referred: true", []*wire.Receipt{said("1", "enrol", before, "referrer", "B")}, true},
		"by nobody":            {"referred: true", []*wire.Receipt{said("1", "enrol", before)}, false},
		"first":                {"first_receipt: true", []*wire.Receipt{bought("0", after, line1("B", 100))}, true},
		"second":               {"first_receipt: true", []*wire.Receipt{bought("0", before, line1("B", 100))}, false},
	} {
		r := newRun(t, campaignDoc("c", "lines: {category: A}\nwho: {"+c.who+"}\nreward: {fixed: 1}\n")).feed(c.said...).feed(sale("r", line1("A", 100)))
		if got := len(r.p.Expected().Accounts["A"].Movements) == 1; got != c.want {
			t.Errorf("%s: rewarded %v", name, got)
		}
	}
}

func TestBirthdayOverTheTurnOfTheYear(t *testing.T) {
	w := who{birthdayDays: 3, enrolledMs: -1}
	if !w.nearBirthday(&member{birthday: "01-02"}, ms("2026-12-30T12:00:00+01:00"), paris) || w.nearBirthday(&member{birthday: "01-03"}, ms("2026-12-30T12:00:00+01:00"), paris) {
		t.Error("days are not counted over the turn of the year")
	}
	if w.birthdayDays = 0; !w.nearBirthday(&member{birthday: "02-29"}, ms("2027-03-01T12:00:00+01:00"), paris) {
		t.Error("a birthday on a leap day has no day in other years")
	}
}

func TestLabelsCouponsAndShopsThatDeclined(t *testing.T) {
	organic := line1("A", 1000)
	organic.Labels = []string{"organic", "eco-a"}
	r := sale("r", organic, line1("A", 500))
	newRun(t, campaignDoc("c", "lines: {label: [msc, organic]}\nreward: {percent: 10}\n")).feed(r).want("r c 100")
	newRun(t, campaignDoc("c", "lines: {exclude: {label: eco-a}}\nreward: {percent: 10}\n")).feed(r).want("r c 50")
	coupon := campaignDoc("c", "when: {coupon: [X, Y]}\nreward: {fixed: 1}\n")
	newRun(t, coupon).feed(sale("r", line1("A", 100))).want()
	scanned := sale("r", line1("A", 100))
	scanned.Coupons = []string{"Z", "Y"}
	newRun(t, coupon).feed(scanned).want("r c 100")
	newRun(t, campaignDoc("c", "stores: {exclude_ids: [S1]}\nreward: {fixed: 1}\n")).feed(sale("r", line1("A", 100))).want()
}

func TestPointsMultipliersAndDraws(t *testing.T) {
	points := campaignDoc("p", "reward: {points: {get: 2, for: 1.50}, wallet: points}\n")
	double := campaignDoc("x", "reward: {times: {factor: 2.5, of: [p, q]}, wallet: points}\n")
	euros := campaignDoc("y", "reward: {times: {factor: 2, of: [p, q]}}\n")
	newRun(t, points, double, euros).feed(sale("r", line1("A", 1000)), back("b", "r", 1, 300, 0)).want("r p 1200", "r x 1800", "b p -400", "b x -600")
	// SHA-256("s|d|r5") decides: a chance of 100 % always wins, one of 0.0001 % nearly never, the same receipt always the same.
	sure := campaignDoc("d", "reward: {draw: {chance: 100, prize: 5, seed: s}}\n")
	newRun(t, sure).feed(sale("r5", line1("A", 100)), back("b", "r5", 1, 100, 1)).want("r5 d 500", "b d -500")
	won := 0
	half := newRun(t, campaignDoc("d", "reward: {draw: {chance: 50, prize: 5, seed: s}}\n"))
	for i := range 400 {
		half.feed(sale(fmt.Sprint("r", i), line1("A", 100)))
	}
	if won = len(half.p.Expected().Accounts["A"].Movements); won < 160 || won > 240 {
		t.Errorf("%d of 400 draws at 50 %% are won", won)
	}
}

func TestDonationsAndShopsThatPay(t *testing.T) {
	run := newRun(t, campaignDoc("c", "reward: {percent: 10, donate: {to: red-cross, share: 20}}\nfunding: [{by: store, share: 100}]\n"))
	run.feed(sale("r", line1("A", 1005)), back("b", "r", 1, 1005, 1)).want("r c 101", "b c -101")
	m := run.p.Expected().Accounts["A"].Movements
	if m[0].Donated != 20 || m[1].Donated != -20 || m[0].Shop != "S1" {
		t.Errorf("%+v", m)
	}
}

func TestEventsAreOnlyForCampaignsAboutThem(t *testing.T) {
	about := campaignDoc("e", "event: recycling\nreward: {per_unit: 0.10}\n")
	flat := campaignDoc("f", "event: recycling\nwhen: {min_quantity: 1}\nreward: {fixed: 1}\n")
	shop := campaignDoc("s", "reward: {percent: 10}\n")
	bottles := said("ev", "recycling", noon)
	bottles.Lines = []wire.Line{{No: 1, Kind: "SERVICE", Unit: "EA", Quantity: 5000, Eligible: true}}
	newRun(t, about, flat, shop).feed(bottles, said("bare", "recycling", noon), said("other", "game", noon)).
		want("ev e 50", "ev f 100", "bare e 10", "bare f 100")
	void := said("v", "", noon)
	void.Type, void.Attributes, void.Original = "VOID", nil, &wire.Original{ReceiptID: "ev"}
	newRun(t, about).feed(bottles, void).want("ev e 50", "v e -50")
}

func TestEventsToOthers(t *testing.T) {
	doc := campaignDoc("c", "lines: {category: A}\nwho: {referred: true}\nreward: {event: {kind: referral, to: referrer}}\n")
	run := newRun(t, doc).feed(said("1", "enrol", "2026-12-01T12:00:00+01:00", "referrer", "B"), sale("r", lineOf("A", 1000, 2), line1("B", 1)),
		back("b1", "r", 1, 500, 1), back("b2", "r", 2, 1, 1), back("b3", "r", 1, 500, 1))
	run.want()
	at := ms(noon)
	want := []Emitted{
		{Account: "B", ID: "c/r", Type: "EVENT", Event: "referral", From: "A", At: at, Net: 1000, Pieces: 2},
		{Account: "B", ID: "c/b1", Type: "RETURN", Original: "c/r", At: at + 60_000, Net: -500, Pieces: -1},
		{Account: "B", ID: "c/b3", Type: "RETURN", Original: "c/r", At: at + 60_000, Net: -500, Pieces: -1},
	}
	if got := run.p.Expected().Emitted; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	seller := newRun(t, campaignDoc("c", "reward: {event: {kind: staff-sale, to: operator}}\n"))
	r := sale("r", line1("A", 100))
	r.OperatorID = "7"
	if got := seller.feed(r, sale("q", line1("A", 100))).p.Expected().Emitted; len(got) != 1 || got[0].Account != "op:7" {
		t.Errorf("got %+v", got)
	}
}

func TestRefusalsOfEvents(t *testing.T) {
	l, at := DefaultLimits(), ms(noon)
	labelled := said("1", "x", noon)
	labelled.Lines = []wire.Line{{No: 1, Kind: "SALE", Quantity: 1000, Labels: []string{"Organic"}}}
	nobody := said("1", "x", noon)
	nobody.Loyalty = nil
	alone := said("1", "x", noon)
	alone.Total = 1200
	for i, c := range []struct {
		r    *wire.Receipt
		want string
	}{
		{said("1", "anything", noon), ""}, {alone, ""}, {nobody, codeSchema}, {said("1", "", noon), codeSchema}, {said("1", "Big", noon), codeSchema}, {labelled, codeSchema},
		{said("1", "consent", noon, "purpose", "p"), codeEvent}, {said("1", "consent", noon, "purpose", "p", "given", "yes"), codeEvent},
		{said("1", "segment", noon, "segment", "p", "in", "true", "until", "tomorrow"), codeEvent}, {said("1", "opt_in", noon), codeEvent},
		{said("1", "birthday", noon, "birthday", "13-01"), codeEvent}, {said("1", "club", noon, "until", "2027-01-01"), codeEvent}, {said("1", "enrol", noon), ""},
	} {
		if got := l.refuse(c.r, at); got != c.want {
			t.Errorf("case %d: %q, want %q", i, got, c.want)
		}
	}
}

func TestTiers(t *testing.T) {
	doc := func(rest string) string {
		return yearDoc("t", "tiers: {count: spend, per: year, levels: [{name: bronze, from: 0}, {name: silver, from: 300}, {name: gold, from: 1000}], "+rest+"}\n")
	}
	level := func(r *run, at string) int {
		cs := r.p.campaigns
		return r.p.out.Accounts["A"].tierAt(cs.at(ms(at))[0], ms(at))
	}
	const in26, jan, jun, dec = "2026-06-01T12:00:00+02:00", "2027-01-10T12:00:00+01:00", "2027-06-01T12:00:00+02:00", "2027-12-31T12:00:00+01:00"
	for _, c := range []struct {
		doc   string
		given bool // the gold sale is given back
		want  [4]int
	}{
		{"downgrade: requalify, grace: 60d", false, [4]int{2, 2, 2, 2}}, {"downgrade: one_down, grace: 60d", false, [4]int{2, 2, 2, 2}},
		{"downgrade: one_down", true, [4]int{2, 0, 0, 0}}, // the peak of the year stays, what is carried into the next is gone
	} {
		r := newRun(t, doc(c.doc)).feed(bought("r", in26, lineOf("A", 100_000, 2)))
		if c.given {
			r.feed(back("b", "r", 1, 100_000, 2))
		}
		if got := [4]int{level(r, in26), level(r, jan), level(r, jun), level(r, dec)}; got != c.want {
			t.Errorf("%s: %v, want %v", c.doc, got, c.want)
		}
	}
	r := newRun(t, doc("downgrade: one_down, grace: 60d")).feed(bought("r", in26, line1("A", 100_000)))
	if got := [3]int{level(r, jan), level(r, jun), level(r, "2028-06-01T12:00:00+02:00")}; got != [3]int{2, 2, 1} {
		t.Errorf("a year without shopping: %v", got)
	}
	gold := campaignDoc("g", "who: {tiers: [gold]}\nreward: {fixed: 1}\n")
	newRun(t, doc(""), gold).feed(bought("r", "2026-12-02T10:00:00+01:00", line1("A", 100_000)), bought("s", "2026-12-02T11:00:00+01:00", line1("A", 1))).want("s g 100")
}

func TestDayOfClock(t *testing.T) {
	if d := dayOf(ms("2026-12-02T23:30:00Z"), paris); time.Unix(d*86_400, 0).UTC().Format(time.DateOnly) != "2026-12-03" {
		t.Error("the day is not local")
	}
	if ordinal(ms("2026-12-06T12:00:00Z"), paris, "week")+1 != ordinal(ms("2026-12-07T12:00:00Z"), paris, "week") {
		t.Error("weeks do not change on Monday")
	}
}
