package rules_test

import (
	"crypto/sha256"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"

	"pgregory.net/rapid"
)

// The naive evaluation below reads documents, loops over everything, and knows no index and no cache.

type naive struct {
	c             *rules.Campaign
	basis, pieces int64
	touched       bool
	meets         bool // thresholds hold
	valueless     bool
	desired       money.Amount
}

func naiveVersion(all []*rules.Campaign, id string, t retail.Instant) *rules.Campaign {
	var best *rules.Campaign
	for _, c := range all {
		if c.ID == id && c.EffectiveFrom <= t && (best == nil || c.Version > best.Version) {
			best = c
		}
	}
	return best
}

func naiveUnder(list []string, path string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

func naiveMatches(s *rules.Selector, l *retail.Line) bool {
	in, ex := &s.Include, &s.Exclude
	any := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	included := (len(in.Category) == 0 || naiveUnder(in.Category, l.Category)) && any(in.Brand, l.Brand) && any(in.GTIN, l.GTIN) &&
		any(in.SKU, l.SKU) && any(in.Department, l.Department) && (len(in.Label) == 0 || naiveLabel(in.Label, l))
	excluded := naiveUnder(ex.Category, l.Category) || slices.Contains(ex.Brand, l.Brand) || slices.Contains(ex.GTIN, l.GTIN) ||
		slices.Contains(ex.SKU, l.SKU) || slices.Contains(ex.Department, l.Department) || naiveLabel(ex.Label, l)
	return included && !excluded
}

func naiveLabel(list []string, l *retail.Line) bool {
	return slices.ContainsFunc(l.Labels, func(s string) bool { return slices.Contains(list, s) })
}

func naiveOpen(c *rules.Campaign, t retail.Instant) bool {
	loc, err := time.LoadLocation(c.Window.TZ)
	if err != nil {
		return false
	}
	local := time.UnixMilli(int64(t)).In(loc)
	minute := int16(local.Hour()*60 + local.Minute())
	weekday := (int(local.Weekday()) + 6) % 7
	return c.Window.From <= t && (c.Window.To == 0 || t < c.Window.To) &&
		(c.Window.Hours == rules.Hours{} || c.Window.Hours.From <= minute && minute < c.Window.Hours.To) &&
		(c.Window.Weekdays == 0 || c.Window.Weekdays&(1<<weekday) != 0)
}

func naiveShop(c *rules.Campaign, r *retail.Receipt) bool {
	any := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return any(c.Stores.IDs, string(r.Shop.ID)) && any(c.Stores.Banners, r.Shop.Banner) && any(c.Stores.Countries, r.Shop.Country) &&
		(len(c.Channels) == 0 || slices.Contains(c.Channels, r.Channel)) && !slices.Contains(c.Stores.ExcludeIDs, string(r.Shop.ID))
}

// naivePaid allocates the basket's discounts with exact fractions.
func naivePaid(r *retail.Receipt) []money.Amount {
	out := make([]money.Amount, len(r.Lines))
	var weights []money.Amount
	var sum, off money.Amount
	for i := range r.Lines {
		out[i] = r.Lines[i].Net
		weights = append(weights, max(out[i], 0))
		sum += weights[i]
	}
	for _, d := range r.Discounts {
		off += d.Amount
	}
	if off == 0 || sum == 0 {
		return out
	}
	shares := make([]money.Amount, len(weights))
	money.Allocate(max(off, -sum), weights, shares)
	for i := range out {
		out[i] += shares[i]
	}
	return out
}

func naiveEvaluate(c *rules.Campaign, r *retail.Receipt) naive {
	w := &c.Reward
	n := naive{c: c, valueless: w.Percent == 0 && w.Fixed == 0 && w.PerUnit == 0 && len(w.Ladder) == 0 && w.Points.Get == 0 && w.Draw.Prize == 0 && len(w.Times.Of) == 0}
	var prices []money.Amount
	paid := naivePaid(r)
	for i := range r.Lines {
		l := &r.Lines[i]
		if !naiveMatches(&c.Lines, l) {
			continue
		}
		n.touched = true
		sold := (l.Kind == retail.SaleLine || l.Kind == retail.Service) && (paid[i] > 0 || paid[i] == 0 && r.Type == retail.Event)
		back := l.Kind == retail.ReturnLine && r.Type == retail.Exchange
		if l.Ineligible || !sold && !back {
			continue
		}
		n.basis += int64(paid[i])
		prices = append(prices, naivePrices(l, paid[i])...)
		switch {
		case l.Unit == retail.Each:
			n.pieces += l.QuantityMilli / 1000
		case sold:
			n.pieces++
		case paid[i] < 0:
			n.pieces--
		}
	}
	coupon := len(c.When.Coupon) == 0 || slices.ContainsFunc(r.Coupons, func(s string) bool { return slices.Contains(c.When.Coupon, s) })
	if naiveOpen(c, r.EndedAt) && naiveShop(c, r) && coupon {
		n.desired = naiveReward(c, &n, r, prices)
	}
	return n
}

// naivePrices lists the price of every piece of a line.
func naivePrices(l *retail.Line, paid money.Amount) (out []money.Amount) {
	pieces := l.QuantityMilli / 1000
	if l.Unit != retail.Each {
		pieces = 1
	}
	for i := range pieces {
		if paid > 0 {
			out = append(out, (paid+money.Amount(pieces-1-i))/money.Amount(pieces))
		}
	}
	return out
}

// naiveNth takes one piece, or one reward, of every group.
func naiveNth(c *rules.Campaign, pieces int64, prices []money.Amount) (out money.Amount) {
	w := &c.Reward
	slices.Sort(prices)
	slices.Reverse(prices)
	var sum money.Amount
	for group := range max(pieces, 0) / w.Every {
		out += w.Fixed
		at := group * w.Every
		if w.Pick == rules.Cheapest {
			at += w.Every - 1
		}
		if w.Fixed == 0 && at < int64(len(prices)) {
			sum += prices[at]
		}
	}
	return out + w.Percent.Of(sum, w.Rounding)
}

func naiveReward(c *rules.Campaign, n *naive, r *retail.Receipt, prices []money.Amount) (out money.Amount) {
	spend, total := money.Amount(n.basis), r.Total
	if spend < 0 || spend == 0 && (n.pieces <= 0 || r.Type != retail.Event) || spend < c.When.MinSpend || n.pieces < c.When.MinQuantity || c.When.MinBasket != 0 && total < c.When.MinBasket {
		return 0
	}
	w := &c.Reward
	n.meets = true
	switch {
	case w.Every != 0:
		out = naiveNth(c, n.pieces, prices)
	case w.Percent != 0:
		out = w.Percent.Of(spend, w.Rounding)
	case w.Fixed != 0:
		out = w.Fixed
	case w.Points.Get != 0:
		out = w.Points.Get * (spend / w.Points.For)
	case w.Draw.Prize != 0 && naiveWins(c, r.ID):
		out = w.Draw.Prize
	case w.PerUnit != 0:
		out = w.PerUnit * money.Amount(max(n.pieces, 0))
	}
	for _, s := range w.Ladder {
		if spend >= s.Spend {
			out = s.Get
		}
	}
	if w.MaxPerReceipt != 0 {
		out = min(out, w.MaxPerReceipt)
	}
	return out
}

// naiveWins computes a draw as an auditor would, from the published rule.
func naiveWins(c *rules.Campaign, id retail.ReceiptID) bool {
	sum := sha256.Sum256([]byte(c.Reward.Draw.Seed + "|" + c.ID + "|" + string(id)))
	n := new(big.Int).Mod(new(big.Int).SetBytes(sum[:8]), big.NewInt(1_000_000))
	return n.Int64() < int64(c.Reward.Draw.Chance)
}

// naiveRepeats is what a multiplier wants, from what the results of the others say that they want.
func naiveRepeats(c *rules.Campaign, all []*rules.Campaign, t retail.Instant, results map[string]*rules.Result) (out money.Amount) {
	for _, id := range c.Reward.Times.Of {
		b := naiveVersion(all, id, t)
		r := results[id]
		if r == nil || b == nil || r.Outcome == rules.HeldOut || r.Outcome == rules.Outranked || len(b.Reward.Times.Of) > 0 || r.Wallet != c.Reward.Wallet {
			continue
		}
		out += r.Desired
	}
	out = money.MulDiv(out, c.Reward.Times.Hundredths-100, 100, c.Reward.Rounding)
	if most := c.Reward.MaxPerReceipt; most != 0 {
		out = min(out, most)
	}
	return out
}

// The index finds exactly the campaigns that looking at all of them finds, with the version that the event time chooses (D28).
func TestIndexAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := campaigns(t, 12)
		rs, err := rules.CompileWith(nil, all)
		if err != nil {
			t.Fatal(err)
		}
		b := newBook(rs)
		r := basket(t, "r")
		b.sale(t, r)
		got := map[string]*rules.Result{}
		for i := range b.d.Results {
			if got[b.d.Results[i].Campaign] != nil {
				t.Fatalf("%s is reported twice", b.d.Results[i].Campaign)
			}
			got[b.d.Results[i].Campaign] = &b.d.Results[i]
		}
		for _, c := range all {
			if c.Version != 1 {
				continue
			}
			compareNaive(t, all, c.ID, r, got)
		}
	})
}

func compareNaive(t *rapid.T, all []*rules.Campaign, id string, r *retail.Receipt, results map[string]*rules.Result) {
	c, got := naiveVersion(all, id, r.EndedAt), results[id]
	if c == nil || c.Event != r.EventKind() {
		if got != nil {
			t.Fatalf("%s has no version at %d, and is reported: %+v", id, r.EndedAt, got)
		}
		return
	}
	want := naiveEvaluate(c, r)
	if len(c.Reward.Times.Of) > 0 && got != nil && want.meets {
		want.desired = naiveRepeats(c, all, r.EndedAt, results)
	}
	if marker := c.Reward.Badge != "" && got != nil && want.valueless; marker && want.meets != (got.Outcome == rules.Awarded || got.Outcome == rules.HeldOut) {
		t.Fatalf("%s: outcome %v, conditions hold %v", id, got.Outcome, want.meets)
	}
	switch {
	case got == nil && want.desired != 0:
		t.Fatalf("%s wants %v and is not considered", id, want.desired)
	case got == nil && want.touched && !everyLine(c) && c.Window.To == 0:
		t.Fatalf("%s has a matching line and is not considered", id)
	case got == nil:
		return
	case got.Version != c.Version:
		t.Fatalf("%s: version %d, want %d", id, got.Version, c.Version)
	case !want.touched && !everyLine(c):
		t.Fatalf("%s is considered without a matching line", id)
	case got.Basis != money.Amount(want.basis) || got.Desired != want.desired:
		t.Fatalf("%s: basis %v desired %v, want %d and %v\n%s", id, got.Basis, got.Desired, want.basis, want.desired, c.JSON())
	case (got.Outcome == rules.OutOfWindow) != !naiveOpen(c, r.EndedAt):
		t.Fatalf("%s: outcome %v, open %v", id, got.Outcome, naiveOpen(c, r.EndedAt))
	case got.Outcome == rules.ShopExcluded && naiveShop(c, r):
		t.Fatalf("%s: outcome %v in an accepted shop", id, got.Outcome)
	case got.Granted > 0 && got.Arm != rules.ArmOf(id, member, c.HoldoutBP):
		t.Fatalf("%s: arm %v", id, got.Arm)
	}
}

func everyLine(c *rules.Campaign) bool {
	in := &c.Lines.Include
	return len(in.Category)+len(in.Brand)+len(in.GTIN)+len(in.SKU)+len(in.Department)+len(in.Label) == 0
}
