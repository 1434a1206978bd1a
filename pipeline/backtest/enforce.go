package backtest

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// The budget of a draft is one for all members, and workers see members apart. So it is enforced after they have ended: what the draft gave and took
// back, in the order of the receipts' close and id, is fitted into the budget once more. The order, and so every figure, is the same for any number of
// workers. What members would have had later of caps that a smaller award would have left open is not judged again.

// movement is what a receipt changed of what a draft stands at.
type movement struct {
	at            retail.Instant // close of the receipt
	id, sale      string         // of the receipt, and of the sale that it is about
	account, shop string         // the sale's shop
	sold          retail.Instant // close of the sale
	amount        int64
}

// moves notes a change for drafts that have a budget.
func (w *worker) moves(r *retail.Receipt, s int, res *rules.Result, fp *rules.Footprint, back bool) {
	doc := w.job.drafts[s]
	if doc.Budget == 0 && doc.StoreBudget.Amount == 0 {
		return
	}
	m := movement{at: r.EndedAt, id: strings.Clone(string(r.ID)), account: strings.Clone(string(r.Loyalty.AccountID)), sold: fp.EndedAt, amount: int64(res.Granted)}
	m.sale, m.shop = m.id, fp.Shop
	if back {
		m.sale = strings.Clone(string(r.OriginalID()))
	}
	if w.movements == nil {
		w.movements = make([][]movement, len(w.job.drafts))
	}
	w.movements[s] = append(w.movements[s], m)
}

// keepShop has the footprint remember the shop of a sale that a shop's budget may have to get something back for.
func (j *job) keepShop(r *retail.Receipt, fp *rules.Footprint) {
	if j.perShop && len(fp.Awards) > 0 {
		fp.Shop = strings.Clone(string(r.Shop.ID))
	}
}

// enforced is what a draft comes to within its budget.
type enforced struct {
	granted, returned int64
	refused, receipts int64          // what was refused, and on how many receipts
	ends              retail.Instant // when the total was used up for the first time; 0: never
}

// standing is what a sale has, and would have without the budget.
type standing struct{ wanted, given, room int64 }

// shopPart is what one shop may give in one period.
type shopPart struct {
	shop   string
	period int32
}

// purse is a draft's budget while it is spent.
type purse struct {
	doc   *rules.Campaign
	zone  *time.Location
	total int64
	shops map[shopPart]int64
	sales map[string]*standing
	out   enforced
}

// enforce fits what a draft did into its budget.
func (j *job) enforce(i int, workers []*worker) *enforced {
	var list []movement
	for _, w := range workers {
		if w.movements != nil {
			list = append(list, w.movements[i]...)
		}
	}
	slices.SortFunc(list, func(a, b movement) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id), cmp.Compare(a.account, b.account))
	})
	p := &purse{doc: j.drafts[i], zone: j.drafts[i].Zone(), shops: map[shopPart]int64{}, sales: map[string]*standing{}}
	for k := range list {
		p.take(&list[k])
	}
	return &p.out
}

func (p *purse) take(m *movement) {
	key := m.account + "\x00" + m.sale
	s := p.sales[key]
	if s == nil {
		s = &standing{room: math.MaxInt64}
		p.sales[key] = s
	}
	s.wanted += m.amount
	delta := min(max(s.wanted, 0), s.room) - s.given
	shop := shopPart{m.shop, p.doc.StoreBudget.Per.Number(m.sold, p.zone)}
	if delta > 0 {
		delta = p.fit(m, s, shop, delta)
		p.out.granted += delta
	} else {
		p.out.returned -= delta
	}
	s.given += delta
	if delta > 0 || !p.doc.BudgetOnce {
		p.total, p.shops[shop] = p.total+delta, p.shops[shop]+delta
	}
	if p.out.ends == 0 && p.doc.Budget != 0 && p.total >= int64(p.doc.Budget) {
		p.out.ends = m.at
	}
}

// fit cuts an award to what is left. On a sale the cut is kept: what remains of the basket never earns more.
func (p *purse) fit(m *movement, s *standing, shop shopPart, wanted int64) int64 {
	left := wanted
	if p.doc.Budget != 0 {
		left = min(left, int64(p.doc.Released(m.at))-p.total)
	}
	if part := int64(p.doc.StoreBudget.Amount); part != 0 {
		left = min(left, part-p.shops[shop])
	}
	left = max(left, 0)
	if left < wanted {
		p.out.refused += wanted - left
		p.out.receipts++
		if m.id == m.sale {
			s.room = left
		}
	}
	return left
}
