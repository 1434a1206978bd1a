package backtest

import (
	"cmp"
	"slices"
	"strings"

	"cagnotte/pipeline/retail"
)

// topCount is how many receipts and shops are named.
const topCount = 20

// receiptReward is what the drafts give for, or take back from, the receipt at hand.
type receiptReward struct {
	considered bool
	amount     int64
	by         []int64 // by draft
}

func (r *receiptReward) begin() {
	r.considered, r.amount = false, 0
	clear(r.by)
}

func (r *receiptReward) add(draft int, amount int64) {
	for len(r.by) <= draft {
		r.by = append(r.by, 0)
	}
	r.by[draft] += amount
	r.amount += amount
}

// topReceipt is a receipt with a large reward.
type topReceipt struct {
	id       retail.ReceiptID
	account  retail.AccountID
	shop     retail.ShopID
	at       retail.Instant
	total    int64
	reward   int64 // at the sale
	returned int64
	by       []int64
}

// topReceipts keeps the receipts with the largest rewards, by what was granted at the sale. A receipt that falls out of a worker's list is not in the
// list over all workers either, so that returns of those that stay are all seen.
type topReceipts struct{ list []topReceipt }

func newTop() topReceipts { return topReceipts{list: make([]topReceipt, 0, topCount+1)} }

func compareTop(a, b *topReceipt) int {
	return cmp.Or(cmp.Compare(b.reward, a.reward), strings.Compare(string(a.id), string(b.id)), strings.Compare(string(a.account), string(b.account)))
}

func (t *topReceipts) offer(r *retail.Receipt, w *receiptReward) {
	if len(t.list) == topCount && w.amount < t.list[topCount-1].reward {
		return
	}
	t.insert(topReceipt{
		id: retail.ReceiptID(strings.Clone(string(r.ID))), account: retail.AccountID(strings.Clone(string(r.Loyalty.AccountID))),
		shop: retail.ShopID(strings.Clone(string(r.Shop.ID))), at: r.EndedAt, total: int64(r.Total), reward: w.amount, by: slices.Clone(w.by),
	})
}

func (t *topReceipts) insert(x topReceipt) {
	i, _ := slices.BinarySearchFunc(t.list, x, func(a, b topReceipt) int { return compareTop(&a, &b) })
	t.list = slices.Insert(t.list, i, x)
	t.list = t.list[:min(len(t.list), topCount)]
}

// change notes what a return took back (negative amounts) from a receipt of the list.
func (t *topReceipts) change(account retail.AccountID, id retail.ReceiptID, amount int64) {
	for i := range t.list {
		if t.list[i].id == id && t.list[i].account == account {
			t.list[i].returned -= amount
			return
		}
	}
}

func (t *topReceipts) add(o *topReceipts) {
	for _, x := range o.list {
		t.insert(x)
	}
}
