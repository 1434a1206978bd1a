package loadtest

import (
	"fmt"
	"slices"
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// BudgetCampaigns returns n campaigns with a budget each, sized from the stream that o describes so that every budget is used up before its end: the
// first receipts of the stream are generated, what the campaigns would give without a budget is added up, and a budget is a third to three quarters of
// that. Each campaign is about one shelf in a tenth of the shops, so that all partitions draw on every budget and a receipt earns one or two of them;
// every fourth counts gross (recycle: false).
func BudgetCampaigns(n int, receipts int64, o Options, to retail.Instant) ([]Document, error) {
	if n < 1 {
		return nil, nil
	}
	o.Fill()
	plans := make([]budgetPlan, n)
	for i := range plans {
		plans[i] = newBudgetPlan(i, o.Shops)
	}
	seen, err := wish(plans, min(receipts, mostSampled), o)
	if err != nil {
		return nil, err
	}
	var text []string
	for i := range plans {
		share := int64(33 + i*17%42) // percent of what is wanted
		total := money.Amount(int64(plans[i].wanted) * share / 100 * receipts / seen)
		text = append(text, plans[i].document(i, max(total, leastBudget)))
	}
	return documents(strings.Join(text, "\n---\n"), o.Start, to)
}

const (
	mostSampled = 500_000          // receipts that are generated to see what is wanted
	leastBudget = money.Amount(50) // of a stream too short to want anything
)

// budgetPlan is a campaign as far as it takes to say what it would give.
type budgetPlan struct {
	category string
	shops    []string
	percent  int64 // of the shelf's lines, or
	perUnit  money.Amount
	from     money.Amount // or a fixed reward from some spend on
	fixed    money.Amount
	wanted   money.Amount
}

func newBudgetPlan(i, shops int) budgetPlan {
	categories := []string{"FRESH/DAIRY", "GROCERY/COFFEE", "FRESH/FRUIT", "HOUSEHOLD/CLEANING", "BEVERAGE/SODA", "FRESH/MEAT", "GROCERY/PASTA", "BEAUTY/CARE", "PET/FOOD", "FRESH/BAKERY", "HOUSEHOLD/PAPER"}
	p := budgetPlan{category: categories[i%len(categories)]}
	for every, s := min(10, shops), 0; s < shops; s++ {
		if s%every == i%every {
			p.shops = append(p.shops, "S"+pad(s+1, 3))
		}
	}
	switch i % 3 {
	case 0:
		p.percent = int64(3 + i%4)
	case 1:
		p.perUnit = money.Amount(5 + i%20)
	default:
		p.from, p.fixed = 200, money.Amount(15+i%30)
	}
	return p
}

// wish lets the plans see the sales of members among the first receipts of the stream, and returns how many items it has looked at.
func wish(plans []budgetPlan, items int64, o Options) (int64, error) {
	o.Encode = nil
	g, err := New(o)
	if err != nil {
		return 0, err
	}
	var it Item
	for range items {
		g.Next(&it)
		r := &it.Receipt
		if it.Kind != KindSale && it.Kind != KindLate && it.Kind != KindMisplaced || r.Loyalty.AccountID == "" || r.Training {
			continue
		}
		for i := range plans {
			plans[i].see(r)
		}
	}
	return max(items, 1), nil
}

// see adds what the plan would give for a sale, near enough.
func (p *budgetPlan) see(r *retail.Receipt) {
	if !slices.Contains(p.shops, string(r.Shop.ID)) {
		return
	}
	var spend money.Amount
	var pieces int64
	for i := range r.Lines {
		l := &r.Lines[i]
		if l.Kind != retail.SaleLine || l.Ineligible || !strings.HasPrefix(l.Category, p.category) {
			continue
		}
		spend += l.Net
		pieces += max(l.QuantityMilli/1000, 1)
	}
	switch {
	case spend <= 0:
	case p.percent > 0:
		p.wanted += spend * money.Amount(p.percent) / 100
	case p.perUnit > 0:
		p.wanted += p.perUnit * money.Amount(pieces)
	case spend >= p.from:
		p.wanted += p.fixed
	}
}

// document writes the campaign.
func (p *budgetPlan) document(i int, total money.Amount) string {
	when, reward := "", fmt.Sprintf("{percent: %d}", p.percent)
	switch {
	case p.perUnit > 0:
		reward = fmt.Sprintf("{per_unit: %v, max_per_receipt: 2.00}", p.perUnit)
	case p.fixed > 0:
		when, reward = fmt.Sprintf("\nwhen: {min_spend: %v}", p.from), fmt.Sprintf("{fixed: %v}", p.fixed)
	}
	recycle := ""
	if i%4 == 3 {
		recycle = ", recycle: false"
	}
	return fmt.Sprintf(`id: budget-%02d
version: 1
name: {fr: "Enveloppe %02d", en: "Budget %02d"}
window: {from: $START, to: $END, tz: Europe/Paris}
stores: {ids: [%s]}
lines: {category: %s}%s
reward: %s
budget: {total: %v%s}`, i, i, i, strings.Join(p.shops, ", "), p.category, when, reward, total, recycle)
}
