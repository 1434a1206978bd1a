package simulate

import (
	"math/rand/v2"
	"strconv"

	"cagnotte/pipeline/measure"

	"github.com/cespare/xxhash/v2"
)

// arm are the running sums of one arm: Y is what a member has spent in the window so far, X what it spent in the window before.
type arm struct{ measure.FloatSums }

// enter counts a member with the covariate x, who has spent nothing yet.
func (a *arm) enter(x float64) {
	a.N++
	a.X += x
	a.XX += x * x
}

// spend adds an amount to a member who had spent y and has the covariate x: (y+d)^2 - y^2 = 2yd + d^2, so that no look walks over members.
func (a *arm) spend(y, x, amount float64) {
	a.Y += amount
	a.YY += 2*y*amount + amount*amount
	a.XY += x * amount
}

// event is a receipt of a member in the window.
type event struct {
	member int32
	next   int32 // the next event of the same hour, -1 at the end
	amount float64
}

// campaign is one simulated campaign. It is used again for the next one: its slices keep their room.
type campaign struct {
	spent, before []float64 // by member
	control, seen []bool    // by member
	events        []event
	hours         [WindowHours]int32 // first event of each hour
	key           []byte
}

// holdout says which arm a member is in as the product does: xxhash64(campaign "|" member) mod 10 000 against the basis points held out
// (rules.ArmOf; a test compares them).
func (c *campaign) holdout(id, member, holdoutBP int) bool {
	c.key = append(c.key[:0], "aa-"...)
	c.key = strconv.AppendInt(c.key, int64(id), 10)
	c.key = append(c.key, '|')
	c.key = strconv.AppendInt(c.key, int64(member), 10)
	return xxhash.Sum64(c.key)%10_000 < uint64(holdoutBP)
}

// fill draws the members, their arms and all their receipts.
func (c *campaign) fill(id int, b *Baskets, o Options, rng *rand.Rand) {
	c.spent, c.before = c.spent[:0], c.before[:0]
	c.control, c.seen = c.control[:0], c.seen[:0]
	c.events = c.events[:0]
	for h := range c.hours {
		c.hours[h] = -1
	}
	for m := range o.Members {
		before, during, start := b.draw(rng)
		x := 0.0
		for _, one := range before {
			x += one.amount
		}
		c.spent, c.before = append(c.spent, 0), append(c.before, x)
		c.control, c.seen = append(c.control, c.holdout(id, m, o.HoldoutBP)), append(c.seen, false)
		for _, one := range during {
			h := one.hour - start
			c.events = append(c.events, event{member: int32(m), next: c.hours[h], amount: one.amount})
			c.hours[h] = int32(len(c.events) - 1)
		}
	}
}

// watch plays the window hour by hour. base counts every member from the start, as the product's member view does; exposed counts a member
// from the first receipt in the window.
func (c *campaign) watch(look func(hour int, base, exposed *pair)) {
	var base, exposed pair
	for m, x := range c.before {
		base.of(c.control[m]).enter(x)
	}
	for hour := range WindowHours {
		for i := c.hours[hour]; i >= 0; i = c.events[i].next {
			e := &c.events[i]
			m := e.member
			x, held := c.before[m], c.control[m]
			if !c.seen[m] {
				c.seen[m] = true
				exposed.of(held).enter(x)
			}
			base.of(held).spend(c.spent[m], x, e.amount)
			exposed.of(held).spend(c.spent[m], x, e.amount)
			c.spent[m] += e.amount
		}
		look(hour, &base, &exposed)
	}
}

// pair holds both arms.
type pair struct{ treatment, control arm }

func (p *pair) of(control bool) *arm {
	if control {
		return &p.control
	}
	return &p.treatment
}
