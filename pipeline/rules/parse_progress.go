package rules

import "fmt"

// progress reads the part of a document that makes it stateful, and holds it against the rest.
func (n node) progress(c *Campaign, reward node) Progress {
	if !n.given() {
		return Progress{}
	}
	k := n.keys("count", "target", "per", "repeat", "max", "objectives", "need", "streak")
	p := Progress{
		Repeat: child(k, n, "repeat").choice("true", "false") == 0,
		Max:    child(k, n, "max").integer(1, 1_000_000),
		Streak: int32(child(k, n, "streak").integer(2, maxPeriods)),
	}
	p.Per, p.RollingDays = child(k, n, "per").progressPeriod()
	if o := child(k, n, "objectives"); o.given() {
		p.Objectives = o.objectives()
		p.Need = int32(len(p.Objectives))
		if need := child(k, n, "need"); need.given() {
			p.Need = int32(need.integer(1, int64(max(len(p.Objectives), 1))))
		}
		for _, key := range []string{"count", "target", "repeat", "max", "streak"} {
			if v := child(k, n, key); v.given() {
				v.fail(CodeConflict, key+" is given beside objectives", "objectives alone: they are completed once per period", "each objective has its own count and target")
			}
		}
		n.progressFits(k, c, &p, reward)
		return p
	}
	if need := child(k, n, "need"); need.given() {
		need.fail(CodeConflict, "need is given without objectives", "objectives", "")
	}
	p.Count = child(k, n, "count").required("one of pieces, spend, receipts, products, days, amount").countKind()
	p.Target = child(k, n, "target").target(p.Count, len(c.Reward.Ladder) == 0)
	n.progressFits(k, c, &p, reward)
	return p
}

func (n node) countKind() CountKind {
	return CountKind(n.choice(countNames[1:]...) + 1)
}

// target reads an amount or a whole number, by what is counted.
func (n node) target(kind CountKind, required bool) int64 {
	if required {
		n.required("how much completes it")
	}
	if !n.given() || kind == NoCount {
		return 0
	}
	if kind.money() {
		return int64(n.amount())
	}
	return n.integer(1, 1_000_000)
}

func (n node) progressPeriod() (CapPeriod, int32) {
	if !n.given() {
		return PerCampaign, 0
	}
	if n.isGroup() {
		k := n.keys("rolling")
		days := child(k, n, "rolling")
		ms := days.required("a number of days such as 7d").duration(62)
		if ms%dayMs != 0 || ms < dayMs {
			days.fail(CodeRange, "a rolling window counts whole days", "1d to 62d", "")
			return PerCampaign, 1
		}
		return PerCampaign, int32(ms / dayMs)
	}
	if i := n.choice("campaign", "day", "week", "month", "year"); i > 0 {
		return CapPeriod(i), 0
	}
	return PerCampaign, 0
}

func (n node) objectives() []Objective {
	var out []Objective
	names := map[string]bool{}
	for _, v := range n.list() {
		k := v.keys("name", "lines", "count", "target")
		o := Objective{Name: child(k, v, "name").required("a name").text(64), Lines: child(k, v, "lines").selector()}
		o.Count = child(k, v, "count").required("one of pieces, spend, receipts, products, days").countKind()
		o.Target = child(k, v, "target").target(o.Count, true)
		if names[o.Name] {
			child(k, v, "name").fail(CodeDuplicate, "two objectives are called "+quoteShort(o.Name), "a name of its own for each", "")
		}
		names[o.Name] = true
		out = append(out, o)
	}
	if len(out) < 2 || len(out) > maxObjectives {
		n.fail(CodeRange, fmt.Sprintf("%d objectives", len(out)), fmt.Sprintf("2 to %d", maxObjectives), "one goal alone is count and target")
	}
	return out
}

// progressFits refuses what does not go together.
func (n node) progressFits(k map[string]node, c *Campaign, p *Progress, reward node) {
	at := func(key string) node { return child(k, n, key) }
	conflict := func(bad bool, where node, message, expected string) {
		if bad {
			where.fail(CodeConflict, message, expected, "")
		}
	}
	conflict(p.Max > 0 && !p.Repeat, at("max"), "max bounds what repeats", "repeat: true")
	conflict(p.Streak > 0 && (p.RollingDays > 0 || p.Per == PerCampaign), at("streak"), "a streak counts periods", "per: day, week, month or year")
	conflict(p.RollingDays > 0 && p.Count == CountProducts, at("count"), "distinct products are not counted over a rolling window", "per: week or month")
	conflict(p.RollingDays > 0 && len(p.Objectives) > 0, at("per"), "objectives have a calendar period", "per: day, week, month, year or campaign")
	rw := &c.Reward
	conflict(len(rw.Ladder) > 0 && (p.Repeat || p.overAll() || p.Target > 0 || len(p.Objectives) > 0), n, "a ladder of steps is reached once per period", "count and per alone")
	conflict(rw.Percent != 0 && p.Count.money() && p.Repeat, at("repeat"), "a percentage of what was spent is given once", "a fixed reward, or no repeat")
	conflict(len(p.Objectives) > 0 && !(c.Lines.Include.empty() && c.Lines.Exclude.empty()), at("objectives"), "lines are given beside objectives", "lines inside of each objective, which count what they say alone")
	conflict(rw.Percent != 0 && len(p.Objectives) > 0, n, "objectives have no common price", "a fixed reward")
	conflict(rw.PerUnit != 0 || rw.Every != 0, reward, "the reward of a goal is given per completion", "fixed, percent or ladder")
	conflict(rw.MaxPerReceipt != 0, reward, "max_per_receipt bounds what one receipt earns", "max_per_member: what is completed belongs to no single receipt")
	conflict(c.Stacking.Group != "", n, "a goal belongs to no stacking group", "no stacking")
	conflict(p.overAll() && c.tooLong(p), n, "the window is longer than what is looked back on", fmt.Sprintf("a window of at most %d periods", maxPeriods))
}

// returns reads what happens to a reward when goods come back.
func (n node) returns(c *Campaign) {
	if !n.isGroup() {
		n.choice("reverse")
		return
	}
	how := child(n.keys("progress"), n, "progress")
	c.Progress.KeepDone = how.required("revoke or keep_once_completed").choice("revoke", "keep_once_completed") == 1
	if !c.Progress.given() {
		how.fail(CodeConflict, "the campaign completes nothing", "progress", "leave returns out")
		c.Progress.KeepDone = false
	}
}

// tooLong reports whether a streak or rolling window could look back on more periods than an account keeps.
func (c *Campaign) tooLong(p *Progress) bool {
	loc, err := loadZone(c.Window.TZ)
	if err != nil {
		return false
	}
	return c.Window.To == 0 || p.slotOf(c.Window.To-1, loc)-p.slotOf(c.Window.From, loc) >= maxPeriods
}

// given reports whether the document is stateful.
func (p *Progress) given() bool { return p.Count != NoCount || len(p.Objectives) > 0 }
