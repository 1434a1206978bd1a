package rules

// progress writes the part of a document that makes it stateful.
func (w *jsonWriter) progress(c *Campaign) {
	p := &c.Progress
	w.group("progress", func() {
		if p.Count != NoCount {
			w.str("count", p.Count.String())
		}
		w.target(p.Count, p.Target)
		switch {
		case p.RollingDays > 0:
			w.key("per", func() { w.object(func() { w.str("rolling", itoa(int64(p.RollingDays))+"d") }) })
		case p.given() && p.Per != PerCampaign:
			w.str("per", p.Per.String())
		}
		if p.Repeat {
			w.raw("repeat", "true")
		}
		w.number("max", p.Max)
		if len(p.Objectives) > 0 {
			w.array("objectives", len(p.Objectives), func(i int) { w.objective(&p.Objectives[i]) })
			w.number("need", int64(p.Need))
		}
		w.number("streak", int64(p.Streak))
	})
}

func (w *jsonWriter) objective(o *Objective) {
	w.str("name", o.Name)
	w.group("lines", func() {
		w.lineKeys(&o.Lines.Include)
		w.group("exclude", func() { w.lineKeys(&o.Lines.Exclude) })
	})
	w.str("count", o.Count.String())
	w.target(o.Count, o.Target)
}

// target is an amount or a number, by what is counted.
func (w *jsonWriter) target(kind CountKind, target int64) {
	if kind.money() {
		w.scaled("target", target, 2)
		return
	}
	w.number("target", target)
}

func (w *jsonWriter) tiers(t *Tiers) {
	w.str("count", t.Count.String())
	w.str("per", t.Per.String())
	w.array("levels", len(t.Levels), func(i int) {
		w.str("name", t.Levels[i].Name)
		w.raw("from", `"`+t.Levels[i].From.String()+`"`)
	})
	if t.OneDown {
		w.str("downgrade", "one_down")
	} else {
		w.str("downgrade", "requalify")
	}
	if t.GraceDays > 0 {
		w.str("grace", itoa(int64(t.GraceDays))+"d")
	}
}
