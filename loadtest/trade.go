package loadtest

import (
	"errors"
	"fmt"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// Trade is what another kind of shop than the supermarket sells, to whom, and what else happens to its members. Shares are of the sum of their list.
type Trade struct {
	Prefix    string // of the shops' ids
	Formats   []Format
	Channels  []ChannelShare
	Shelves   []Shelf
	Events    []EventShare
	Operators int // persons at the tills

	NewcomersBP int // of the members: they enrol at their first purchase in the stream
	ReferredBP  int // of the newcomers: another member brought them
}

// Format is a kind of shop: its banner, how many of 100 shops it is, and what its baskets look like.
type Format struct {
	Banner, Country          string
	Share                    int // of 100 shops
	Terminals, Weight, Lines int // tills; size of one shop; mean lines of a basket
}

// ChannelShare is how much of the sales a channel makes.
type ChannelShare struct {
	Channel retail.Channel
	Share   int
}

// Shelf is a category of the range.
type Shelf struct {
	Category, Department string
	Names, Brands        []string
	Labels               []string
	Articles             int
	Low, High            money.Amount // price range
	Unit                 retail.Unit
	VATBP                int32
	Weight               int // share of lines
	Kind                 retail.LineKind
	Excluded             bool  // the till says: never rewarded
	Pieces               int64 // most of a line; 0: the supermarket's mix
}

// EventShare is a kind of event that happens to members.
type EventShare struct {
	Kind       string
	Per10k     int // of all items
	Attributes []EventAttribute
	AmountLow  money.Amount // attribute amount, between two bounds; 0: none
	AmountHigh money.Amount
	Line       *EventLine
}

// EventAttribute takes one of the values. "+365d" is the day so many days on, "MM-DD" the member's birthday.
type EventAttribute struct {
	Key    string
	Values []string
}

// EventLine is what an event is about: a fee, empty bottles, a contract.
type EventLine struct {
	Category, SKU string
	Kind          retail.LineKind
	Pieces        int64 // at most
	Low, High     money.Amount
}

func (t *Trade) check() error {
	switch {
	case t == nil:
		return nil
	case len(t.Formats) == 0 || len(t.Shelves) == 0 || len(t.Channels) == 0:
		return errors.New("generator: a trade needs formats, channels and shelves")
	case t.Operators < 1 || t.Operators > 9999:
		return fmt.Errorf("generator: operators must be 1 to 9999, not %d", t.Operators)
	case t.eventsPer10k() > 9000:
		return fmt.Errorf("generator: %d of 10 000 items are events; want at most 9 000", t.eventsPer10k())
	}
	articles := 0
	for i := range t.Shelves {
		s := &t.Shelves[i]
		if s.Articles < 1 || s.Weight < 1 || len(s.Names) == 0 || s.Low > s.High || s.Low < 0 {
			return fmt.Errorf("generator: the shelf %s needs names, articles, a weight and rising prices", s.Category)
		}
		articles += s.Articles
	}
	if articles > 1<<16 {
		return fmt.Errorf("generator: %d articles; want at most %d", articles, 1<<16)
	}
	return nil
}

func (t *Trade) eventsPer10k() int {
	n := 0
	if t != nil {
		for i := range t.Events {
			n += t.Events[i].Per10k
		}
	}
	return n
}

// supermarket turns the demo range into shelves of the exported form.
func (s *shelf) exported() Shelf {
	return Shelf{
		Category: s.category, Department: s.department, Names: s.names, Brands: s.brands, Articles: s.articles, Low: s.low, High: s.high,
		Unit: s.unit, VATBP: s.vatBP, Weight: s.weight, Kind: s.kind, Excluded: s.ineligible,
	}
}

// shelvesOf returns the trade's shelves, the supermarket's without one.
func shelvesOf(t *Trade) []Shelf {
	if t != nil {
		return t.Shelves
	}
	var out []Shelf
	for _, s := range shelves() {
		out = append(out, s.exported())
	}
	return out
}

// channelTable spreads channels over the values of a byte.
func channelTable(t *Trade) *[256]retail.Channel {
	var table [256]retail.Channel
	if t == nil {
		for i := range table {
			table[i] = channelOf(uint64(i))
		}
		return &table
	}
	total, sum, at := 0, 0, 0
	for _, c := range t.Channels {
		total += c.Share
	}
	for _, c := range t.Channels {
		sum += c.Share
		for ; at < len(table) && at*total < sum*len(table); at++ {
			table[at] = c.Channel
		}
	}
	return &table
}
