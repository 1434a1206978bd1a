package rules_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// book is a pipeline of one member: it posts what is decided and sums the results by campaign.
type book struct {
	rs   *rules.Ruleset
	eval *rules.Evaluator
	used usage
	fp   map[retail.ReceiptID][]byte
	sums map[string]sums
	d    rules.Decision
}

type sums struct {
	basis, desired, granted, net money.Amount
	pieces                       int64
	held                         int8
}

func newBook(rs *rules.Ruleset) *book {
	return &book{rs: rs, eval: rules.NewEvaluator(), used: newUsage(), fp: map[retail.ReceiptID][]byte{}, sums: map[string]sums{}}
}

const member = retail.AccountID("member")

func (b *book) sale(t *rapid.T, r *retail.Receipt) {
	fp := b.load(t, r.ID)
	b.eval.Evaluate(b.rs, r, member, b.used, &b.d, fp)
	b.save(r.ID, fp)
}

func (b *book) giveBack(t *rapid.T, id retail.ReceiptID, lines ...retail.Line) {
	fp := b.load(t, id)
	if rapid.IntRange(0, 3).Draw(t, "another process") == 0 {
		b.eval = rules.NewEvaluator()
	}
	b.eval.Return(b.rs, &retail.Receipt{Type: retail.Return, Lines: lines}, b.used, &b.d, fp)
	b.save(id, fp)
}

func (b *book) void(t *rapid.T, id retail.ReceiptID) {
	fp := b.load(t, id)
	b.eval.Return(b.rs, &retail.Receipt{Type: retail.Void}, b.used, &b.d, fp)
	b.save(id, fp)
}

func (b *book) load(t *rapid.T, id retail.ReceiptID) *rules.Footprint {
	fp := &rules.Footprint{}
	if enc, ok := b.fp[id]; ok {
		if err := fp.Decode(enc); err != nil {
			t.Fatal(err)
		}
	}
	return fp
}

func (b *book) save(id retail.ReceiptID, fp *rules.Footprint) {
	b.used.post(&b.d)
	b.fp[id] = fp.AppendBinary(nil)
	for i := range b.d.Results {
		r := &b.d.Results[i]
		s := b.sums[r.Campaign]
		b.sums[r.Campaign] = sums{s.basis + r.Basis, s.desired + r.Desired, s.granted + r.Granted, s.net + r.Emit.Net, s.pieces + r.Emit.Pieces, s.held + r.Held}
	}
}

// granted is what stands granted by campaign, from the footprint.
func (b *book) granted(t *rapid.T, id retail.ReceiptID) map[string]money.Amount {
	out := map[string]money.Amount{}
	for _, a := range b.load(t, id).Awards {
		if a.Granted != 0 {
			out[b.rs.CampaignID(a.CampaignKey)] = a.Granted
		}
	}
	return out
}

// D12: however the returned lines are cut into receipts, in whatever order, before or after the sale - what is granted in the end is the same,
// it is what the results sum to, and a full return leaves nothing.
func TestReturnsArePathIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rs := compiled(t, campaigns(t, 5))
		sale := basket(t, "r")
		lines := returnsOf(t, sale)
		once := newBook(rs)
		once.sale(t, sale)
		once.giveBack(t, "r", lines...)
		want := once.granted(t, "r")

		many := newBook(rs)
		order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(len(lines))
		saleAt := rapid.IntRange(0, len(lines)).Draw(t, "sale at")
		for i, n := range order {
			if i == saleAt {
				many.sale(t, sale)
			}
			many.giveBack(t, "r", lines[n])
		}
		if saleAt == len(lines) {
			many.sale(t, sale)
		}
		if got := many.granted(t, "r"); !reflect.DeepEqual(got, want) {
			t.Fatalf("granted %v, all at once %v", got, want)
		}
		for _, b := range []*book{once, many} {
			checkSums(t, b, "r")
		}
		for c, s := range once.sums {
			if o := many.sums[c]; s.net != o.net || s.pieces != o.pieces || s.held != o.held || s.held < 0 {
				t.Fatalf("%s: sent or held %+v, all at once %+v", c, o, s)
			}
		}
		fullReturn(t, many, sale)
	})
}

// checkSums compares the sums of all results with what stands in the footprint.
func checkSums(t *rapid.T, b *book, id retail.ReceiptID) {
	granted := b.granted(t, id)
	for c, s := range b.sums {
		if s.granted != granted[c] {
			t.Fatalf("results of %s sum to %v, granted are %v", c, s.granted, granted[c])
		}
	}
}

func fullReturn(t *rapid.T, b *book, sale *retail.Receipt) {
	if rapid.Bool().Draw(t, "void") {
		b.void(t, sale.ID)
	} else {
		for _, l := range sale.Lines {
			if l.QuantityMilli > 0 {
				b.giveBack(t, sale.ID, retail.Line{Kind: retail.ReturnLine, ReturnOfLine: l.No, Net: -l.Net, QuantityMilli: -l.QuantityMilli})
			}
		}
	}
	if got := b.granted(t, sale.ID); len(got) != 0 {
		t.Fatalf("after a full return %v is still granted", got)
	}
	for c, s := range b.sums {
		if s.granted != 0 || s.desired != 0 || s.net != 0 || s.pieces != 0 || s.held != 0 {
			t.Fatalf("after a full return the results of %s sum to %+v", c, s)
		}
	}
	for _, p := range b.used.Account.Progress {
		if p.Used != 0 {
			t.Fatalf("after a full return the cap %+v is still used", p)
		}
	}
	if left := b.used.Account.Counters; len(left) > 0 {
		t.Fatalf("after a full return counters stand: %+v", left)
	}
}

// D9: over any sequence of sales and returns no member cap is exceeded, and nothing negative stands granted.
func TestCapsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*rules.Campaign
		limits := map[uint64]money.Amount{}
		for _, c := range campaigns(t, 5) {
			if c.Version == 1 {
				all = append(all, c)
				limits[rules.CampaignKey(c.ID)] = c.Reward.MaxPerMember.Amount
			}
		}
		b := newBook(compiled(t, all))
		var sold []*retail.Receipt
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			if len(sold) == 0 || rapid.Bool().Draw(t, "sale") {
				r := basket(t, "r"+string(rune('a'+len(sold))))
				b.sale(t, r)
				sold = append(sold, r)
			} else {
				r := pickOf(t, sold, "of")
				b.giveBack(t, r.ID, returnsOf(t, r)...)
			}
			for _, p := range b.used.Account.Progress {
				if limit := limits[p.Campaign]; p.Used < 0 || limit != 0 && p.Used > limit {
					t.Fatalf("cap of %s in period %d: %v used of %v", b.rs.CampaignID(p.Campaign), p.Period, p.Used, limit)
				}
			}
		}
	})
}

// The order of the campaigns given to Compile is irrelevant.
func TestInputOrderIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := campaigns(t, 6)
		shuffled := append([]*rules.Campaign(nil), all...)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		g := someRails(t)
		a, b := newBook(compiledUnder(t, g, all)), newBook(compiledUnder(t, g, shuffled))
		for _, id := range []retail.ReceiptID{"r1", "r2"} {
			r := basket(t, string(id))
			a.sale(t, r)
			b.sale(t, r)
			if !reflect.DeepEqual(a.d.Results, b.d.Results) {
				t.Fatalf("%+v\n%+v", a.d.Results, b.d.Results)
			}
			if !reflect.DeepEqual(a.fp[id], b.fp[id]) {
				t.Fatal("footprints differ")
			}
		}
	})
}

// One evaluator, warm from other receipts and rulesets, decides as a fresh one.
func TestCachesDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sets := []*rules.Ruleset{compiled(t, campaigns(t, 4)), compiled(t, campaigns(t, 4))}
		warm := rules.NewEvaluator()
		for i := range rapid.IntRange(1, 12).Draw(t, "receipts") {
			rs, r := sets[rapid.IntRange(0, 1).Draw(t, "set")].WithVersion(int64(i)), basket(t, "r")
			var got, want rules.Decision
			var gotFP, wantFP rules.Footprint
			warm.Evaluate(rs, r, member, rules.Nobody{}, &got, &gotFP)
			rules.NewEvaluator().Evaluate(rs, r, member, rules.Nobody{}, &want, &wantFP)
			if !reflect.DeepEqual(got.Results, want.Results) {
				t.Fatalf("warm %+v\nfresh %+v", got.Results, want.Results)
			}
			if string(gotFP.AppendBinary(nil)) != string(wantFP.AppendBinary(nil)) {
				t.Fatal("footprints differ")
			}
		}
	})
}
