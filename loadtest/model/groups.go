package model

import "sort"

// byGroups rewards one piece of every group, or every group. Groups are made of the pieces in falling order of price; what is left over earns
// nothing. A line's price is dealt out to its pieces cent by cent.
func (c *campaign) byGroups(groups int64, b *basket) int64 {
	if c.fixed > 0 {
		return c.fixed * groups
	}
	type pile struct{ price, pieces int64 }
	var piles []pile
	for i := range b.lines {
		l := &b.lines[i]
		if n := l.pieces(); l.rewardable(b.kind) && c.matches(l) && l.paid > 0 && n > 0 {
			piles = append(piles, pile{l.paid/n + 1, l.paid % n}, pile{l.paid / n, n - l.paid%n})
		}
	}
	sort.Slice(piles, func(i, j int) bool { return piles[i].price > piles[j].price })
	next := c.every // the place, from 1, of the next piece that is rewarded
	if c.dearest {
		next = 1
	}
	sum, place := int64(0), int64(0)
	for _, p := range piles {
		for place += p.pieces; groups > 0 && next <= place; groups-- {
			sum, next = sum+p.price, next+c.every
		}
	}
	return product(sum, c.percentPPM, 1_000_000, c.rounding)
}
