package rules

import (
	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"

	"github.com/cespare/xxhash/v2"
)

// Footprint is what a later return needs of a sale: how much of each line is left, which campaigns each line counts for, and what those
// campaigns may still grant. It only grows by sums that commute, so what remains does not depend on the order or partition of returns.
//
// A return may come first: then only returns are known, until Evaluate meets the sale with this footprint and takes both into account.
// Not safe for concurrent use.
type Footprint struct {
	// ContentHash is the caller's: the hash of the sale's content, by which it tells a repeat from a conflict. Nothing here reads it.
	ContentHash uint64
	// EndedAt is the sale's close; 0 as long as the sale is not known.
	EndedAt retail.Instant

	Total    money.Amount // of the sale, less what may never be rewarded
	Lines    []FootprintLine
	Awards   []Award // in evaluation order; empty when no campaign can grant anything
	Returned []Returned
	Voided   bool     // the whole sale was undone
	Shop     string   // of the sale, when a campaign is funded by it; else empty
	Operator string   // of the sale, when a campaign sends something to its account; else empty
	Event    bool     // of an event: what has no price counts by its pieces
	Burn     string   // of an event that spent: what, as ledger.Burn encodes it; nothing here reads it
	Products bool     // a campaign counts products: they are told apart by the whole hash
	masks    []uint64 // words per line, see mask
}

// FootprintLine is one line of the sale that counts for a stored campaign, or for its basket threshold.
type FootprintLine struct {
	No            int32
	Net           money.Amount // price paid: after its share of the basket's discounts
	QuantityMilli int64
	Each          bool   // whole pieces
	Product       uint32 // hash of gtin or sku; 0 when the line has neither. Only its lower half is kept unless products are counted
	Limits        LineLimits
}

// LineLimits is what the law said about the line when it was sold. The zero value is no limit.
type LineLimits struct {
	Product, All money.Rate   // largest share of the price for rewards attached to products, and for all; 0: no limit
	Off          money.Amount // immediate discount on the line
	Share        money.Amount // its share of the basket's discounts
}

// Award is what one campaign grants for the sale.
type Award struct {
	CampaignKey uint64
	Version     int32
	Arm         Arm
	Room        money.Amount // of the member cap when the sale was evaluated; -1: no cap
	Granted     money.Amount // now, after the returns so far; of a stateful campaign what stands for all its receipts
	Period      int32        // of the member cap
	ActiveFrom  retail.Instant
	ExpiresAt   retail.Instant
}

// Returned sums what return receipts said about one line, or about one product when they did not name the line.
type Returned struct {
	Line          int32  // 0: by product
	Product       uint16 // when Line is 0: the lower half of the line's
	Net           money.Amount
	QuantityMilli int64
}

// maxPendingReturns bounds what is remembered before the sale is known.
const maxPendingReturns = 4096

// HasSale reports whether the sale is known.
func (f *Footprint) HasSale() bool { return f.EndedAt != 0 }

// Reset empties the footprint and keeps its memory.
func (f *Footprint) Reset() {
	*f = Footprint{Lines: f.Lines[:0], Awards: f.Awards[:0], Returned: f.Returned[:0], masks: f.masks[:0]}
}

// beginSale forgets an earlier evaluation of the sale and keeps the returns that came before it.
func (f *Footprint) beginSale(r *retail.Receipt) {
	f.EndedAt, f.Total, f.Event = r.EndedAt, r.Total, r.Type == retail.Event
	f.Lines, f.Awards, f.masks, f.Shop, f.Operator, f.Products = f.Lines[:0], f.Awards[:0], f.masks[:0], "", "", false
}

// words is the length of a line's mask: one bit per award.
func (f *Footprint) words() int { return (len(f.Awards) + 63) / 64 }

// Counts reports whether line i counts for award a.
func (f *Footprint) Counts(i, a int) bool {
	return f.masks[i*f.words()+a/64]&(1<<(a%64)) != 0
}

// productTag shortens a product's name to what fits a footprint. Two products of one receipt share its lower half, by which returns find their lines,
// once in some thousand receipts. A member's products are many more: they are told apart by the whole.
func productTag(l *retail.Line) uint32 {
	name := l.GTIN
	if name == "" {
		name = l.SKU
	}
	if name == "" {
		return 0
	}
	tag := uint32(xxhash.Sum64String(name))
	if uint16(tag) == 0 {
		tag++
	}
	return tag
}

// add sums one return line. It returns false when there is no room to remember it.
func (f *Footprint) add(ret Returned) bool {
	for i := range f.Returned {
		r := &f.Returned[i]
		if r.Line == ret.Line && r.Product == ret.Product {
			r.Net = min(r.Net+ret.Net, money.Max)
			r.QuantityMilli = min(r.QuantityMilli+ret.QuantityMilli, maxMilli)
			return true
		}
	}
	if len(f.Returned) >= maxPendingReturns {
		return false
	}
	f.Returned = append(f.Returned, ret)
	return true
}

const maxMilli = 1 << 53

// remain is what is left of a line.
type remain struct {
	net           money.Amount
	quantityMilli int64
}

// remaining computes what is left of every line. Returns that name a line come first, then those that name a product, over its lines in
// their order. A line whose whole quantity has come back has nothing left, even when less money was refunded than paid. Nothing falls
// below zero. It returns the net that was given back beyond what the lines hold.
func (f *Footprint) remaining(out []remain) (excess money.Amount) {
	for i := range f.Lines {
		out[i] = remain{f.Lines[i].Net, f.Lines[i].QuantityMilli}
	}
	for i := range f.Returned {
		if f.Returned[i].Line != 0 {
			excess += f.give(&f.Returned[i], out)
		}
	}
	for i := range f.Returned {
		if f.Returned[i].Line == 0 {
			excess += f.give(&f.Returned[i], out)
		}
	}
	for i := range f.Lines {
		if f.Voided {
			out[i] = remain{}
		}
		if f.Lines[i].QuantityMilli > 0 && out[i].quantityMilli == 0 {
			out[i].net = min(out[i].net, 0)
		}
	}
	return excess
}

// give takes one sum of returns off the lines it is about.
func (f *Footprint) give(r *Returned, out []remain) (excess money.Amount) {
	net, quantity := r.Net, r.QuantityMilli
	for i := range f.Lines {
		if !r.about(&f.Lines[i]) {
			continue
		}
		n := min(net, max(out[i].net, 0))
		q := min(quantity, max(out[i].quantityMilli, 0))
		out[i].net -= n
		out[i].quantityMilli -= q
		net, quantity = net-n, quantity-q
	}
	return net
}

// about reports whether the returns concern the line.
func (r *Returned) about(l *FootprintLine) bool {
	if r.Line != 0 {
		return r.Line == l.No
	}
	return r.Product == uint16(l.Product)
}

// known reports whether any line is concerned.
func (f *Footprint) known(r *Returned) bool {
	for i := range f.Lines {
		if r.about(&f.Lines[i]) {
			return true
		}
	}
	return false
}

// forgetUnknown drops returns that concern no line.
func (f *Footprint) forgetUnknown() {
	kept := f.Returned[:0]
	for i := range f.Returned {
		if f.known(&f.Returned[i]) {
			kept = append(kept, f.Returned[i])
		}
	}
	f.Returned = kept
}
