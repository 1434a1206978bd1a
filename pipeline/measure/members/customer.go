package members

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"cagnotte/pipeline/measure"
)

// Customer is one member's history in the form of Fader, Hardie & Lee 2005. Times in any one unit (weeks, days), counted from the first
// purchase.
type Customer struct {
	Frequency int64   `json:"frequency"`        // purchases after the first
	Recency   float64 `json:"recency"`          // time of the last purchase; 0 when the first is the only one
	T         float64 `json:"T"`                // time observed
	Value     float64 `json:"value,omitempty"`  // mean value of the purchases after the first; only Gamma-Gamma and CLV read it
	Weight    float64 `json:"weight,omitempty"` // members with exactly this history; 0 for one
}

// FitOptions of the purchase and spend models.
type FitOptions struct {
	Level      float64 `json:"level"`
	Horizon    float64 `json:"horizon,omitempty"`     // time ahead whose expected purchases per member are BG/NBD's figure; 0 for the mean T
	MinMembers int64   `json:"min_members,omitempty"` // fewer are refused; 0 for 100
}

func (o FitOptions) minMembers() float64 {
	if o.MinMembers == 0 {
		return 100
	}
	return float64(o.MinMembers)
}

// check names the first field that contradicts itself.
func (c Customer) check() error {
	switch {
	case c.Frequency < 0 || c.Frequency > maxExact:
		return fmt.Errorf("frequency: %d is not a count", c.Frequency)
	case !measure.Finite(c.T) || c.T < 0:
		return fmt.Errorf("%s: %v is not a time", "T", c.T)
	case !measure.Finite(c.Recency) || c.Recency < 0 || c.Recency > c.T:
		return fmt.Errorf("recency: %v is not within the %v observed", c.Recency, c.T)
	case c.Frequency == 0 && c.Recency != 0:
		return fmt.Errorf("recency: %v without a purchase after the first", c.Recency)
	case !measure.Finite(c.Value) || c.Value < 0:
		return fmt.Errorf("value: %v is not an amount", c.Value)
	case !measure.Finite(c.Weight) || c.Weight < 0:
		return fmt.Errorf("weight: %v is not a number of members", c.Weight)
	}
	return nil
}

func (c Customer) weight() float64 {
	if c.Weight == 0 {
		return 1
	}
	return c.Weight
}

func checkCustomers(rows []Customer) error {
	for i, c := range rows {
		if err := c.check(); err != nil {
			return fmt.Errorf("customers[%d].%w", i, err)
		}
	}
	return nil
}

// byHistory orders customers so that equal ones and equal frequencies are neighbours.
func byHistory(a, b Customer) int {
	return cmp.Or(cmp.Compare(a.Frequency, b.Frequency), cmp.Compare(a.T, b.T), cmp.Compare(a.Recency, b.Recency), cmp.Compare(a.Value, b.Value))
}

// merged returns the customers in order, those with the same history as one with their weight. In real data most members never came again and
// differ in T alone: CDNOW's 2 357 rows are about half as many.
func merged(rows []Customer) []Customer {
	out := make([]Customer, 0, len(rows))
	for _, c := range rows {
		c.Value, c.Weight = 0, c.weight()
		out = append(out, c)
	}
	slices.SortFunc(out, byHistory)
	n := 0
	for i, c := range out {
		if i > 0 && byHistory(c, out[n-1]) == 0 {
			out[n-1].Weight += c.Weight
			continue
		}
		out[n] = c
		n++
	}
	return out[:n]
}

// totals are the sums that gates and scales look at.
type totals struct {
	members, repeaters, purchases, time float64
}

func total(rows []Customer) (t totals) {
	for _, c := range rows {
		w := c.weight()
		t.members += w
		t.time += w * c.T
		t.purchases += w * float64(c.Frequency)
		if c.Frequency > 0 {
			t.repeaters += w
		}
	}
	return t
}

// forbidden returns the first reason against fitting a model of repeat purchases.
func (t totals) forbidden(o FitOptions) measure.Reason {
	switch {
	case !measure.Finite(t.members, t.time, t.purchases) || t.members > maxExact:
		return measure.NotFinite
	case t.members == 0:
		return measure.EmptyArm
	case t.members < math.Max(2, o.minMembers()):
		return measure.TooFewMembers
	case t.repeaters == 0 || t.time == 0:
		return NoEvents
	}
	return ""
}
