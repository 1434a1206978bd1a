package model

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// document is a campaign, a list of tiers or the terms of a wallet as written. Scalars are kept as text, so that no float ever stands between an author's number and ours.
type document struct {
	ID            text         `yaml:"id"`
	Version       text         `yaml:"version"`
	EffectiveFrom text         `yaml:"effective_from"`
	Name          any          `yaml:"name"`
	Window        docWindow    `yaml:"window"`
	Stores        docStores    `yaml:"stores"`
	Channels      texts        `yaml:"channels"`
	Lines         docLines     `yaml:"lines"`
	When          docWhen      `yaml:"when"`
	Reward        docReward    `yaml:"reward"`
	Validity      docValidity  `yaml:"validity"`
	Stacking      docStacking  `yaml:"stacking"`
	Priority      text         `yaml:"priority"`
	Funding       []docFunding `yaml:"funding"`
	Holdout       text         `yaml:"holdout"`
	Budget        docBudget    `yaml:"budget"`
	Returns       docReturns   `yaml:"returns"`
	Notify        text         `yaml:"notify"`
	Tests         any          `yaml:"tests"`

	Who      docWho       `yaml:"who"`
	Event    text         `yaml:"event"`
	Progress *docProgress `yaml:"progress"`
	Tiers    *docTiers    `yaml:"tiers"`
	Terms    *docTerms    `yaml:"terms"`
}

type docBudget struct {
	Total    text   `yaml:"total"`
	Recycle  text   `yaml:"recycle"`
	PerStore docCap `yaml:"per_store"`
	Pacing   text   `yaml:"pacing"`
}

type docWindow struct {
	From     text  `yaml:"from"`
	To       text  `yaml:"to"`
	TZ       text  `yaml:"tz"`
	Hours    text  `yaml:"hours"`
	Weekdays texts `yaml:"weekdays"`
}

type docStores struct {
	IDs        texts `yaml:"ids"`
	ExcludeIDs texts `yaml:"exclude_ids"`
	Banners    texts `yaml:"banners"`
	Countries  texts `yaml:"countries"`
}

type docKeys struct {
	Category   texts `yaml:"category"`
	Brand      texts `yaml:"brand"`
	GTIN       texts `yaml:"gtin"`
	SKU        texts `yaml:"sku"`
	Department texts `yaml:"department"`
	Label      texts `yaml:"label"`
}

type docLines struct {
	Category   texts   `yaml:"category"`
	Brand      texts   `yaml:"brand"`
	GTIN       texts   `yaml:"gtin"`
	SKU        texts   `yaml:"sku"`
	Department texts   `yaml:"department"`
	Label      texts   `yaml:"label"`
	Exclude    docKeys `yaml:"exclude"`
}

type docWhen struct {
	MinSpend    text  `yaml:"min_spend"`
	MinQuantity text  `yaml:"min_quantity"`
	MinBasket   text  `yaml:"min_basket"`
	Coupon      texts `yaml:"coupon"`
	CEL         text  `yaml:"cel"`
}

type docReward struct {
	Percent       text      `yaml:"percent"`
	Fixed         text      `yaml:"fixed"`
	PerUnit       text      `yaml:"per_unit"`
	Ladder        []docStep `yaml:"ladder"`
	Every         text      `yaml:"every"`
	Pick          text      `yaml:"pick"`
	Rounding      text      `yaml:"rounding"`
	MaxPerReceipt text      `yaml:"max_per_receipt"`
	MaxPerMember  docCap    `yaml:"max_per_member"`

	Points *docPoints `yaml:"points"`
	Times  *docTimes  `yaml:"times"`
	Draw   *docDraw   `yaml:"draw"`
	Event  *docEmit   `yaml:"event"`
	Wallet text       `yaml:"wallet"`
	Donate docDonate  `yaml:"donate"`
	Badge  text       `yaml:"badge"`
}

type docStep struct {
	Spend text `yaml:"spend"`
	Reach text `yaml:"reach"`
	Get   text `yaml:"get"`
}

type docCap struct {
	Amount text `yaml:"amount"`
	Per    text `yaml:"per"`
}

type docValidity struct {
	Pending text       `yaml:"pending"`
	Expires docExpires `yaml:"expires"`
}

type docExpires struct {
	After    text `yaml:"after"`
	Calendar text `yaml:"calendar"`
}

type docStacking struct {
	Group text `yaml:"group"`
	Mode  text `yaml:"mode"`
}

type docFunding struct {
	By    text `yaml:"by"`
	Share text `yaml:"share"`
}

// text is a scalar as written, without its quotes.
type text string

// UnmarshalYAML takes the scalar's own characters.
func (t *text) UnmarshalYAML(b []byte) error {
	s := strings.TrimSpace(string(b))
	switch {
	case strings.HasPrefix(s, `"`):
		var out string
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			return fmt.Errorf("text %s: %w", s, err)
		}
		s = out
	case strings.HasPrefix(s, "'"):
		s = strings.ReplaceAll(strings.Trim(s, "'"), "''", "'")
	case s == "null" || s == "~":
		s = ""
	}
	*t = text(s)
	return nil
}

// texts is a list of scalars, or one that stands for a list.
type texts []string

// UnmarshalYAML takes a list or a scalar.
func (l *texts) UnmarshalYAML(decode func(any) error) error {
	var many []text
	if err := decode(&many); err == nil {
		for _, t := range many {
			*l = append(*l, string(t))
		}
		return nil
	}
	var one text
	if err := decode(&one); err != nil {
		return err
	}
	if one != "" {
		*l = texts{string(one)}
	}
	return nil
}

func readDocument(b []byte) (*document, error) {
	var d document
	if err := yaml.UnmarshalWithOptions(b, &d, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read campaign: %w", err)
	}
	return &d, nil
}
