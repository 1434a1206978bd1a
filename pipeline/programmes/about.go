package programmes

import (
	"bytes"
	"errors"
	"fmt"

	"cagnotte/pipeline/money"

	"github.com/goccy/go-yaml"
)

// About is programme.yaml.
type About struct {
	Name     Text   `yaml:"name"`
	About    Text   `yaml:"about"`
	Currency string `yaml:"currency"`
	Stream   Stream `yaml:"stream"`
	Checks   Checks `yaml:"checks"`
}

// Text is read by people, in French and English.
type Text struct {
	FR string `yaml:"fr"`
	EN string `yaml:"en"`
}

// Checks are what the programme promises of itself, beyond the examples of its documents.
type Checks struct {
	RewardCost *RewardCost `yaml:"reward_cost"`
}

// RewardCost bounds what rewards cost the shops, in percent of what members spend for them over the demo stream. A reward that is paid in goods costs
// what the goods cost.
type RewardCost struct {
	Least       Percent `yaml:"least"`
	Most        Percent `yaml:"most"`
	CostOfGoods Percent `yaml:"cost_of_goods"` // of their price; 100 when rewards are money
}

// Stream is the demo of the programme.
type Stream struct {
	Seed      uint64         `yaml:"seed"`
	PerHour   int            `yaml:"per_hour"` // receipts and events
	Members   int            `yaml:"members"`
	Shops     int            `yaml:"shops"`
	Prefix    string         `yaml:"prefix"` // of the shops' ids
	Operators int            `yaml:"operators"`
	Shares    Shares         `yaml:"shares"`
	Formats   []Format       `yaml:"formats"`
	Channels  []ChannelShare `yaml:"channels"`
	Shelves   []Shelf        `yaml:"shelves"`
	Events    []Event        `yaml:"events"`
}

// Shares are parts of the stream.
type Shares struct {
	Anonymous Percent `yaml:"anonymous"` // of the sales
	Returns   Percent `yaml:"returns"`   // of all items
	Newcomers Percent `yaml:"newcomers"` // of the members: they enrol within the stream
	Referred  Percent `yaml:"referred"`  // of the newcomers: another member brought them
}

// Format is a kind of shop.
type Format struct {
	Banner    string  `yaml:"banner"`
	Country   string  `yaml:"country"` // default FR
	Share     Percent `yaml:"share"`   // of the shops
	Terminals int     `yaml:"terminals"`
	Weight    int     `yaml:"weight"` // of one shop among all
	Lines     int     `yaml:"lines"`  // mean of a basket
}

// ChannelShare is how much of the sales a channel makes.
type ChannelShare struct {
	Channel string  `yaml:"channel"`
	Share   Percent `yaml:"share"`
}

// Shelf is a category of the range: so many articles, with prices between two bounds.
type Shelf struct {
	Category   string   `yaml:"category"`
	Department string   `yaml:"department"`
	Names      []string `yaml:"names"`
	Brands     []string `yaml:"brands"`
	Labels     []string `yaml:"labels"`
	Articles   int      `yaml:"articles"`
	Price      []Price  `yaml:"price"`
	Unit       string   `yaml:"unit"`   // EA, KGM, LTR; default EA
	Kind       string   `yaml:"kind"`   // SALE, DEPOSIT, FEE, GIFT_CARD, SERVICE; default SALE
	VAT        Percent  `yaml:"vat"`    // default 20
	Weight     int      `yaml:"weight"` // share of lines among all shelves
	Pieces     int      `yaml:"pieces"` // most pieces of a line; default 5, and mostly one
	Excluded   bool     `yaml:"excluded"`
}

// Event is something else that happens to members, so many times in 10 000 items.
type Event struct {
	Kind       string              `yaml:"kind"`
	Per10k     int                 `yaml:"per_10k"`
	Attributes map[string][]string `yaml:"attributes"` // one of the values each; +365d is a day from now on, MM-DD the member's birthday
	Amount     []Price             `yaml:"amount"`     // attribute amount, between two bounds
	Line       *EventLine          `yaml:"line"`
}

// EventLine is what an event is about: a fee, empty bottles, a contract.
type EventLine struct {
	Category string  `yaml:"category"`
	SKU      string  `yaml:"sku"`
	Kind     string  `yaml:"kind"`
	Pieces   int     `yaml:"pieces"` // at most; default 1
	Price    []Price `yaml:"price"`  // of a piece, between two bounds
}

// Percent is hundredths of a percent, read from 12.5.
type Percent int64

// UnmarshalYAML reads a percentage with at most two decimals.
func (p *Percent) UnmarshalYAML(b []byte) error {
	a, err := money.Parse(string(bytes.Trim(b, " \"'\n")))
	if err != nil || a < 0 || a > 100_00 {
		return fmt.Errorf("found %s; want a percentage from 0 to 100 with at most two decimals", b)
	}
	*p = Percent(a)
	return nil
}

// Price is an amount of the currency, read from 1.20.
type Price money.Amount

// UnmarshalYAML reads an amount with at most two decimals.
func (p *Price) UnmarshalYAML(b []byte) error {
	a, err := money.Parse(string(bytes.Trim(b, " \"'\n")))
	if err != nil || a < 0 {
		return fmt.Errorf("found %s; want an amount such as 1.20", b)
	}
	*p = Price(a)
	return nil
}

func parseAbout(data []byte) (About, error) {
	var a About
	if err := yaml.UnmarshalWithOptions(data, &a, yaml.Strict()); err != nil {
		return a, fmt.Errorf("programme.yaml: %w", err)
	}
	if err := a.check(); err != nil {
		return a, fmt.Errorf("programme.yaml: %w", err)
	}
	return a, nil
}

func (a *About) check() error {
	s := &a.Stream
	switch {
	case a.Name.FR == "" || a.Name.EN == "" || a.About.FR == "" || a.About.EN == "":
		return errors.New("name and about are needed, in fr and en")
	case len(a.Currency) != 3:
		return fmt.Errorf("currency %q: want a code such as EUR", a.Currency)
	case s.Members < 1 || s.Members > 1_000_000 || s.Shops < 1 || s.Shops > 2000 || s.PerHour < 1 || s.PerHour > 10_000_000:
		return errors.New("stream: members from 1 to 1 000 000, shops from 1 to 2 000, per_hour from 1 to 10 000 000")
	case len(s.Formats) == 0 || len(s.Shelves) == 0 || len(s.Channels) == 0:
		return errors.New("stream: formats, shelves and channels are needed")
	}
	for i := range s.Shelves {
		if err := s.Shelves[i].check(); err != nil {
			return fmt.Errorf("stream.shelves[%d]: %w", i, err)
		}
	}
	for i := range s.Events {
		if err := s.Events[i].check(); err != nil {
			return fmt.Errorf("stream.events[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *Shelf) check() error {
	switch {
	case len(s.Names) == 0 || s.Articles < 1 || s.Articles > 10_000 || s.Weight < 1:
		return errors.New("names, articles from 1 to 10 000 and a weight are needed")
	case !isRange(s.Price):
		return errors.New("price: want two amounts, [least, most]")
	}
	return nil
}

func (e *Event) check() error {
	switch {
	case e.Kind == "" || e.Per10k < 1 || e.Per10k > 5000:
		return errors.New("a kind, and per_10k from 1 to 5 000, are needed")
	case e.Line != nil && !isRange(e.Line.Price), len(e.Amount) > 0 && !isRange(e.Amount):
		return errors.New("price and amount: want two amounts, [least, most]")
	}
	for key, values := range e.Attributes {
		if len(values) == 0 {
			return fmt.Errorf("attributes.%s: want at least one value", key)
		}
	}
	return nil
}

func isRange(p []Price) bool { return len(p) == 2 && p[0] <= p[1] }

// In returns the text in a language, English when it is not French.
func (t Text) In(lang string) string {
	if lang == "fr" {
		return t.FR
	}
	return t.EN
}
