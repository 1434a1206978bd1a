package dashboards

import (
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
	"fmt"
	"reflect"
	"time"
)

// ruleOf turns a checked campaign document into the parts of its sentence; the pages put them into words.
func ruleOf(c *rules.Campaign) Rule {
	r := Rule{
		TZ: c.Window.TZ, FromMs: int64(c.Window.From), ToMs: int64(c.Window.To), Hours: hoursOf(c.Window.Hours), Weekdays: weekdaysOf(c.Window.Weekdays),
		Stores: c.Stores.IDs, Banners: c.Stores.Banners, Countries: c.Stores.Countries,
		Category: c.Lines.Include.Category, Brand: c.Lines.Include.Brand, Departments: c.Lines.Include.Department,
		Products: len(c.Lines.Include.GTIN) + len(c.Lines.Include.SKU),
		MinSpend: int64(c.When.MinSpend), MinQuantity: c.When.MinQuantity, MinBasket: int64(c.When.MinBasket),
		PercentPPM: int64(c.Reward.Percent), FixedMinor: int64(c.Reward.Fixed), PerUnitMinor: int64(c.Reward.PerUnit),
		MaxReceipt: int64(c.Reward.MaxPerReceipt), MaxMember: int64(c.Reward.MaxPerMember.Amount),
		PendingMs: c.Validity.PendingMs, Words: wordsOf(c),
	}
	r.Excluded = append(append(r.Excluded, c.Lines.Exclude.Category...), c.Lines.Exclude.Brand...)
	if r.MaxMember > 0 {
		r.MaxPer = c.Reward.MaxPerMember.Per.String()
	}
	for _, ch := range c.Channels {
		r.Channels = append(r.Channels, ch.String())
	}
	for _, step := range c.Reward.Ladder {
		r.Ladder = append(r.Ladder, Rung{int64(step.Spend), int64(step.Get)})
	}
	for _, f := range c.Funding {
		r.Funders = append(r.Funders, Funder{f.Party, int64(f.Rate)})
	}
	return r
}

func hoursOf(h rules.Hours) string {
	if h == (rules.Hours{}) {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// weekdaysOf lists the days of a set by their number, 1 is Monday; nil means every day.
func weekdaysOf(w rules.Weekdays) []int {
	if w == 0 || w == 1<<7-1 {
		return nil
	}
	var days []int
	for d := range 7 {
		if w&(1<<d) != 0 {
			days = append(days, d+1)
		}
	}
	return days
}

// rowOf starts a campaign's row; its counts are filled in by whoever has them.
func rowOf(c *rules.Campaign, now time.Time) CampaignRow {
	return CampaignRow{
		ID: c.ID, Version: c.Version, Name: Text{FR: either(c.Name.FR, c.Name.EN, c.ID), EN: either(c.Name.EN, c.Name.FR, c.ID)},
		Status: statusAt(c.Window, retail.Instant(now.UnixMilli())), FromMs: int64(c.Window.From), ToMs: int64(c.Window.To), TZ: c.Window.TZ,
		HoldoutBP: int(c.HoldoutBP), BudgetMinor: int64(c.Budget), Wallet: c.Reward.Wallet,
	}
}

func statusAt(w rules.Window, now retail.Instant) string {
	switch {
	case now < w.From:
		return statusScheduled
	case w.To != 0 && now >= w.To:
		return statusEnded
	}
	return statusRunning
}

const (
	statusScheduled = "scheduled"
	statusRunning   = "running"
	statusEnded     = "ended"
)

func either(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// wordsOf returns the rules' own sentence for a document that the page's fields do not say in full: goals, levels, terms, events, who it is for, and the
// rarer rewards. nil: the fields say it all.
func wordsOf(c *rules.Campaign) *Words {
	rest := c.Reward
	rest.Percent, rest.Fixed, rest.PerUnit, rest.Ladder, rest.Rounding, rest.MaxPerReceipt, rest.MaxPerMember = 0, 0, 0, nil, 0, 0, rules.MemberCap{}
	if c.Progress.Count == rules.NoCount && len(c.Progress.Objectives) == 0 && len(c.Tiers.Levels) == 0 && c.Terms == nil && c.Event == "" &&
		reflect.DeepEqual(c.Who, rules.Who{}) && reflect.DeepEqual(rest, rules.Reward{}) {
		return nil
	}
	return &Words{FR: rules.Sentence(c, "fr"), EN: rules.Sentence(c, "en")}
}
