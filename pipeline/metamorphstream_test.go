package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// wholeLanguage has a campaign for every mechanic: caps, groups, goals of every kind, levels, wallets, members' facts, events, terms.
var wholeLanguage = documents(`
coffee | lines: {category: GROCERY/COFFEE} | reward: {percent: 10, max_per_member: {amount: 6.00, per: week}} | validity: {pending: 48h, expires: {after: 1d}} | stacking: {group: offers, mode: best_for_member}
basket | reward: {ladder: [{spend: 20.00, get: 1.00}, {spend: 50.00, get: 3.00}]} | funding: [{by: retailer, share: 66.6667}, {by: store, share: 33.3333}]
held | reward: {fixed: 0.50} | holdout: 40
points | notify: true | reward: {points: {get: 1, for: 1.00}, wallet: points} | validity: {pending: 1h, expires: {after: 30d}}
double | reward: {times: {factor: 2, of: [points]}, wallet: points} | when: {min_basket: 15.00}
draw | reward: {draw: {chance: 30, prize: 2.00, seed: "x"}}
trio | lines: {category: GROCERY} | reward: {percent: 100, every: 3, pick: cheapest}
week-challenge | notify: true | lines: {label: organic} | progress: {count: pieces, target: 5, per: week} | reward: {fixed: 3.00} | validity: {pending: 48h}
punch | lines: {category: GROCERY/COFFEE} | progress: {count: pieces, target: 6, repeat: true} | reward: {percent: 100} | returns: {progress: keep_once_completed}
streak | progress: {count: receipts, target: 1, per: day, streak: 2, repeat: true} | reward: {fixed: 1.00}
explorer | progress: {count: products, target: 5} | reward: {badge: explorer}
goals | progress: {per: week, need: 2, objectives: [{name: a, lines: {category: GROCERY}, count: pieces, target: 4}, {name: b, lines: {category: FRESH}, count: spend, target: 30.00}, {name: c, lines: {label: organic}, count: products, target: 3}]} | reward: {fixed: 2.00}
month | progress: {count: spend, per: month} | reward: {ladder: [{reach: 60.00, get: 2.00}, {reach: 150.00, get: 7.00}]}
rolling | progress: {count: spend, target: 60.00, per: {rolling: 3d}, repeat: true} | reward: {fixed: 1.50, wallet: points}
levels | tiers: {count: spend, per: month, levels: [{name: bronze, from: 0}, {name: silver, from: 60.00}, {name: gold, from: 150.00}], downgrade: one_down, grace: 2d}
silver-5 | who: {tiers: [silver, gold]} | reward: {percent: 5, donate: {to: red-cross, share: 20}}
welcome | who: {enrolled_within: 6d} | reward: {fixed: 2.00, max_per_member: {amount: 2.00, per: campaign}}
refer | who: {referred: true, first_receipt: true} | reward: {event: {kind: referral, to: referrer}}
thanks | notify: true | event: referral | reward: {fixed: 10.00}
sold | lines: {category: FRESH} | reward: {event: {kind: staff, to: operator}}
bonus | event: staff | reward: {percent: 2}
bottles | event: recycling | reward: {per_unit: 0.05, max_per_member: {amount: 1.00, per: week}}
young | who: {segments: [young], consent: [profiling]} | reward: {percent: 3}
club | who: {club: vip} | lines: {category: GROCERY/COFFEE} | reward: {percent: 15} | stacking: {group: offers, mode: best_for_member}
active | who: {opt_in: true} | reward: {fixed: 0.30}
birthday | who: {birthday_within: 5d} | reward: {fixed: 5.00, max_per_member: {amount: 5.00, per: year}}
expert | when: {cel: "total > 3000 && lines.exists(l, l.category == 'GROCERY/PASTA')"} | reward: {percent: 1}
terms | terms: {min_amount: 0.10, hold: 20h, negative_limit: 5.00, remind: 2d}
terms-points | terms: {wallet: points, min_amount: 1.00, remind: 1d, inactivity: 4d}
`)

// unorderedLanguage is what of it does not go by the order of arrival: no caps per member (D18), nothing that asks what is known of the member by now,
// nothing that asks whether a reward is spendable yet.
func unorderedLanguage() []string {
	var out []string
	for _, doc := range wholeLanguage {
		free := true
		for _, word := range []string{"max_per_member", "who:", "tiers:", "terms:", "event:", "keep_once_completed", "badge", "{after: 1d}"} {
			free = free && !strings.Contains(doc, word)
		}
		if free {
			out = append(out, doc)
		}
	}
	return out
}

// documents turns lines of parts into campaign documents. A streak's window has at most 64 days.
func documents(table string) (out []string) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		parts := strings.Split(strings.TrimSpace(line), " | ")
		out = append(out, fmt.Sprintf("id: %s\nversion: 1\nname: N\nwindow: {from: 2000-01-15, to: 2000-03-10, tz: Europe/Paris}\n%s\n", parts[0], strings.Join(parts[1:], "\n")))
	}
	return out
}

// wholeStream is what happens in the lives: %[1]d is a number, attributes follow the kind of an event. A sale, a return and a repeat stand for themselves.
var wholeStream = []string{
	"sale", "sale", "sale", "sale", "sale", "late", "late", "return", "return", "repeat", "conflict", "junk",
	"enrol referrer=h%[1]d birthday=02-01", "consent purpose=profiling given=true", "segment segment=young in=true until=2000-02-02", "consent purpose=profiling given=false",
	"opt_in campaign=active", "opt_out campaign=active", "club club=vip until=2000-02-03", "recycling", "adjust amount=3.00 reason=goodwill",
	"hold hold=k%[1]d amount=0.80", "hold hold=k%[1]d amount=0.80", "hold hold=k%[1]d amount=0.80", "commit amount=0.50", "commit amount=0.50", "cancel", "redeem amount=0.40", "redeem amount=2.00 wallet=points", "commit amount=1.00",
	"refund amount=0.20", "merge into=h1",
}

// firstFacts is the place in wholeStream of what is first said of members: enrolment, consent, segment.
const firstFacts = 12

// mergesAt is when x0 goes into h1, which has everything from then on that x0 buys.
const mergesAt = 280

// livesOf draws what happens over some twelve days to a dozen members. It depends on the seed alone.
func livesOf(s *sim, kinds []string) (out []arriving) {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	l := &lives{s: s, rng: rng, now: time.Now()}
	for i := range 420 {
		pause := time.Duration(rng.IntN(80)) * time.Minute
		l.now = l.now.Add(pause)
		kind := "sale"
		if i%2 == 0 {
			kind = kinds[rng.IntN(len(kinds))]
		}
		if strings.HasPrefix(kind, "merge") {
			kind = "sale"
		}
		if i == mergesAt && slices.Contains(kinds, "merge into=h1") {
			kind = "merge into=h1"
		}
		if i < 9 && len(kinds) > 10 {
			kind = wholeStream[firstFacts+i/3] // three members of whom everything is known before they buy
		}
		a := l.next(i, kind)
		if i < 9 && a.receipt.Type == retail.Event {
			a.receipt.Loyalty.AccountID = retail.AccountID(fmt.Sprint("a0", i%3))
		}
		a.pause = pause
		out = append(out, a)
	}
	return out
}

// lives remembers what has happened, for returns, repeats, and what settles a reservation or gives a payment back.
type lives struct {
	s     *sim
	rng   *rand.Rand
	now   time.Time
	sales []*retail.Receipt
	holds []*retail.Receipt
	burns []*retail.Receipt
}

func (l *lives) next(i int, kind string) arriving {
	switch {
	case kind == "junk":
		return arriving{raw: []byte{0, 9, 9, byte(i)}}
	case kind == "sale" || kind == "late" || len(l.sales) == 0 && slices.Contains([]string{"return", "repeat", "conflict"}, kind):
		return arriving{receipt: l.sale(i, kind == "late")}
	case kind == "return":
		if back := l.s.giveBack(l.rng, i, l.sales[l.rng.IntN(len(l.sales))]); back != nil {
			back.EndedAt = l.ended()
			return arriving{receipt: back}
		}
		return arriving{receipt: l.sale(i, false)}
	case kind == "repeat" || kind == "conflict":
		again := *l.sales[l.rng.IntN(len(l.sales))]
		if kind == "conflict" {
			again.OperatorID += "x"
		}
		return arriving{receipt: &again}
	}
	return arriving{receipt: l.event(i, kind)}
}

func (l *lives) ended() retail.Instant { return retail.Instant(l.now.UnixMilli()) }

func (l *lives) account() retail.AccountID {
	if l.rng.IntN(6) == 0 {
		return retail.AccountID(fmt.Sprintf("h%d", l.rng.IntN(3)))
	}
	return retail.AccountID(fmt.Sprintf("a%02d", l.rng.IntN(9)))
}

func (l *lives) sale(i int, late bool) *retail.Receipt {
	rec := l.s.blank(i, retail.Sale)
	rec.EndedAt, rec.OperatorID, rec.Loyalty.AccountID = l.ended(), fmt.Sprint("o", l.rng.IntN(2)), l.account()
	merging := !late && l.rng.IntN(12) == 0
	if merging {
		rec.Loyalty.AccountID = "x0"
	}
	if late {
		rec.EndedAt -= retail.Instant(l.rng.IntN(4*24*60)) * 60_000
	}
	for n := range 1 + l.rng.IntN(4) {
		quantity, net := int64(1+l.rng.IntN(3)), money.Amount(80+l.rng.IntN(1500))
		line := retail.Line{No: int32(n + 1), Kind: retail.SaleLine, SKU: fmt.Sprint("s", l.rng.IntN(9)), Category: []string{"GROCERY/COFFEE/BEANS", "GROCERY/PASTA", "FRESH/FRUIT"}[l.rng.IntN(3)],
			QuantityMilli: 1000 * quantity, Unit: retail.Each, UnitPrice: net, Gross: net * money.Amount(quantity), Net: net * money.Amount(quantity)}
		if l.rng.IntN(3) == 0 {
			line.Labels = []string{"organic"}
		}
		rec.Lines, rec.Total = append(rec.Lines, line), rec.Total+line.Net
	}
	if !merging { // how much of a return is written off would hang on which events have come from others by then
		l.sales = append(l.sales, rec)
	}
	return rec
}

// event is a kind with its attributes, key=value.
func (l *lives) event(i int, text string) *retail.Receipt {
	if strings.Contains(text, "%") {
		text = fmt.Sprintf(text, l.rng.IntN(3))
	}
	words := strings.Fields(text)
	rec := l.s.blank(i, retail.Event)
	rec.Shop, rec.TerminalID, rec.EndedAt, rec.Loyalty.AccountID = retail.Shop{}, "", l.ended(), l.account()
	rec.Attributes = []retail.Attribute{{Key: retail.EventAttribute, Value: words[0]}}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		rec.Attributes = append(rec.Attributes, retail.Attribute{Key: key, Value: value})
	}
	switch words[0] {
	case "merge":
		rec.Loyalty.AccountID = "x0"
	case "recycling":
		rec.Lines = []retail.Line{{No: 1, Kind: retail.Service, SKU: "bottle", Unit: retail.Each, QuantityMilli: 7000, UnitPrice: 1, Gross: 7, Net: 7}}
		rec.Total = 7
	case "hold":
		l.holds = append(l.holds, rec)
	case "redeem":
		l.burns = append(l.burns, rec)
	case "commit", "cancel":
		if n := len(l.holds); n > 0 {
			about(rec, l.holds[n-1], "hold", l.holds[n-1].Attributes[1].Value)
		}
	case "refund":
		if n := len(l.burns); n > 0 {
			about(rec, l.burns[n-1], "redeem", string(l.burns[n-1].ID))
		}
	}
	return rec
}

// about makes an event ask something of what another one did.
func about(rec, of *retail.Receipt, key, value string) {
	rec.Loyalty.AccountID = of.Loyalty.AccountID
	rec.Attributes = append(rec.Attributes, retail.Attribute{Key: key, Value: value})
}

// rearranged is one stream of sales and returns, as arrival says.
func rearranged(s *sim, arrival string) (out []arriving) {
	rng := rand.New(rand.NewPCG(s.seed, 2))
	for _, a := range livesOf(&sim{t: s.t, seed: s.seed}, []string{"sale", "late", "return"}) {
		a.receipt.EndedAt -= 14 * 24 * 3600_000 // the stream was drawn from now on; it ended before
		a.pause = 0
		if strings.Contains(arrival, "parts") && a.receipt.Type == retail.Return {
			out = append(out, inParts(a.receipt)...)
			continue
		}
		out = append(out, a)
	}
	if strings.Contains(arrival, "repeats") {
		for _, a := range out[:len(out)/3] {
			out = append(out, arriving{receipt: a.receipt})
		}
	}
	if strings.Contains(arrival, "shuffled") {
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// inParts splits a return into one for each piece; the cents of a line go to its pieces in turn.
func inParts(ret *retail.Receipt) (out []arriving) {
	for _, line := range ret.Lines {
		pieces := -line.QuantityMilli / 1000
		left := line.Net
		for n := range pieces {
			part, one := *ret, line
			one.Net = left / money.Amount(pieces-n)
			left -= one.Net
			one.No, one.Gross, one.QuantityMilli = 1, one.Net, -1000
			part.ID += retail.ReceiptID(fmt.Sprintf("-%d-%d", line.No, n))
			part.Lines, part.Total = []retail.Line{one}, one.Net
			out = append(out, arriving{receipt: &part})
		}
	}
	return out
}
