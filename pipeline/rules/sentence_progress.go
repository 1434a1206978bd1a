package rules

import (
	"fmt"
	"strings"

	"cagnotte/pipeline/money"
)

// goals are the words of a language for stateful campaigns and levels.
type goals struct {
	counted, one                                    [7]string // by CountKind, with its target; and with a target of one
	per                                             [5]string
	rolling, repeat, most, streak, objectives, keep string
	ladder, step, mean, back, level                 string
	units                                           [5]string
	oneDown, requalify, grace                       string
}

func englishGoals() goals {
	return goals{
		counted: [7]string{"", "%s pieces", "%s spent", "%s receipts", "%s different products", "%s days of purchase", "%s"},
		one:     [7]string{"", "%s piece", "%s spent", "%s receipt", "%s product", "%s day of purchase", "%s"},
		per:     [5]string{" in all", " within a day", " within a week", " within a month", " within a year"},
		rolling: " within %d days", repeat: ", again and again", most: ", at most %d times", streak: "%s, %d %s running", objectives: "%d of %d: %s",
		keep: "kept once it is completed", ladder: "back: %s", step: "%s for %s", mean: "%s of the mean price of a piece", back: "%s back for %s",
		level: "%s from %s", units: [5]string{"", "days", "weeks", "months", "years"},
		oneDown: "at most one level is lost at the end", requalify: "the level is earned anew each time", grace: "nothing is lost in the first %d days",
	}
}

func frenchGoals() goals {
	return goals{
		counted: [7]string{"", "%s articles", "%s d'achats", "%s tickets", "%s produits différents", "%s jours d'achat", "%s"},
		one:     [7]string{"", "%s article", "%s d'achats", "%s ticket", "%s produit", "%s jour d'achat", "%s"},
		per:     [5]string{" en tout", " dans la journée", " dans la semaine", " dans le mois", " dans l'année"},
		rolling: " en %d jours", repeat: ", autant de fois que l'on veut", most: ", %d fois au plus", streak: "%s, %d %s de suite", objectives: "%d sur %d : %s",
		keep: "acquis une fois l'objectif atteint", ladder: "remboursés : %s", step: "%s pour %s", mean: "%s du prix moyen d'un article", back: "%s remboursés pour %s",
		level: "%s dès %s", units: [5]string{"", "jours", "semaines", "mois", "années"},
		oneDown: "un niveau perdu au plus à la fin", requalify: "le niveau se regagne à chaque fois", grace: "rien n'est perdu les %d premiers jours",
	}
}

// goal says what has to be reached, such as 3 pieces within a week.
func (w *words) goal(c *Campaign) string {
	g, p := &w.goals, &c.Progress
	span := g.per[p.Per]
	if p.RollingDays > 0 {
		span = fmt.Sprintf(g.rolling, p.RollingDays)
	}
	if len(p.Objectives) > 0 {
		var parts []string
		for i := range p.Objectives {
			o := &p.Objectives[i]
			parts = append(parts, w.target(o.Count, o.Target)+" ("+o.Name+")")
		}
		return fmt.Sprintf(g.objectives, p.Need, len(p.Objectives), strings.Join(parts, ", ")) + span
	}
	out := w.target(p.Count, p.Target) + span
	if p.Streak > 0 {
		out = fmt.Sprintf(g.streak, out, p.Streak, g.units[p.Per])
	}
	switch {
	case p.Max > 0:
		out += fmt.Sprintf(g.most, p.Max)
	case p.Repeat:
		out += g.repeat
	}
	return out
}

func (w *words) target(kind CountKind, target int64) string {
	switch {
	case kind.money():
		return fmt.Sprintf(w.goals.counted[kind], w.amount(money.Amount(target)))
	case target == 1:
		return fmt.Sprintf(w.goals.one[kind], "1")
	}
	return fmt.Sprintf(w.goals.counted[kind], itoa(target))
}

// achieved says what a stateful campaign gives.
func (w *words) achieved(c *Campaign) string {
	g, r := &w.goals, &c.Reward
	switch {
	case len(r.Ladder) > 0:
		var steps []string
		for _, s := range r.Ladder {
			at := int64(s.Spend)
			if !c.Progress.Count.money() {
				at /= 100
			}
			steps = append(steps, fmt.Sprintf(g.step, w.gain(s.Get), w.target(c.Progress.Count, at)))
		}
		return fmt.Sprintf(g.ladder, strings.Join(steps, ", ")) + g.per[c.Progress.Per]
	case r.Percent != 0 && !c.Progress.Count.money():
		return fmt.Sprintf(g.back, fmt.Sprintf(g.mean, w.share(int64(r.Percent), 4)), w.goal(c))
	case r.Percent != 0:
		return fmt.Sprintf(g.back, w.share(int64(r.Percent), 4), w.goal(c))
	}
	switch {
	case !r.Valued():
		return fmt.Sprintf(g.step, w.gift(r), w.goal(c))
	case r.Wallet != "":
		return fmt.Sprintf(g.step, w.gain(r.Fixed+r.Points.Get), w.goal(c))
	}
	return fmt.Sprintf(g.back, w.gain(r.Fixed+r.Points.Get), w.goal(c))
}

// ranks says which levels there are.
func (w *words) ranks(t *Tiers) string {
	g := &w.goals
	var levels []string
	for _, l := range t.Levels {
		at := int64(l.From)
		if !t.Count.money() {
			at /= 100
		}
		levels = append(levels, fmt.Sprintf(g.level, l.Name, w.target(t.Count, at)))
	}
	out := strings.Join(levels, ", ") + g.per[t.Per]
	if t.OneDown {
		out += ", " + g.oneDown
	} else {
		out += ", " + g.requalify
	}
	if t.GraceDays > 0 {
		out += ", " + fmt.Sprintf(g.grace, t.GraceDays)
	}
	return out
}
