package backtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cagnotte/pipeline/retail"
)

// budget fits the draft into its budget, and follows its net cost without one hour by hour. Where the archive covers only a part of the window and the
// budget outlives it, the mean pace of the covered days is continued.
func (b *builder) budget(i int, coveredDays float64) *Budget {
	doc, t := b.job.drafts[i], &b.t.campaigns[i]
	if doc.Budget == 0 && doc.StoreBudget.Amount == 0 {
		return nil
	}
	e := b.job.enforce(i, b.workers)
	out := &Budget{
		TotalMinor: int64(doc.Budget), UsedMinor: t.granted - t.returned, Hours: []Burn{},
		GrantedMinor: e.granted, ReturnedMinor: e.returned, RefusedMinor: e.refused, RefusedReceipts: e.receipts,
	}
	used := int64(0)
	for _, hour := range slices.Sorted(maps.Keys(t.hours)) {
		used += t.hours[hour].granted - t.hours[hour].returned
		out.burn(b.clock, hour, used)
	}
	end := e.ends / hourMs * hourMs
	if end == 0 && doc.Budget != 0 && !doc.BudgetEven && e.refused == 0 {
		end = b.project(out, span{doc.Window.From, doc.Window.To}, coveredDays)
	}
	if end > 0 {
		out.EndsAt = b.own(end)
		if !out.Projected {
			out.PastEndsAt = b.clock.instant(end)
		}
	}
	out.Statement = b.budgetStatement(out)
	return out
}

// burn keeps the last point of each day.
func (x *Budget) burn(c clock, hour, used int64) {
	p := Burn{At: c.instant(retail.Instant(hour * hourMs)), UsedMinor: used}
	if n := len(x.Hours); n > 0 && x.Hours[n-1].At[:len(time.DateOnly)] == p.At[:len(time.DateOnly)] {
		x.Hours[n-1] = p
		return
	}
	x.Hours = append(x.Hours, p)
}

// project continues the mean pace after the archive; 0 when the budget outlives the window, or nothing is known of the pace.
func (b *builder) project(x *Budget, w span, days float64) retail.Instant {
	_, last := b.archiveSpan()
	if days <= 0 || x.UsedMinor <= 0 || w.to != 0 && w.to <= last {
		return 0
	}
	const dayMs = 24 * hourMs
	more := float64(x.TotalMinor-x.UsedMinor) / (float64(x.UsedMinor) / days)
	if more > 20_000 {
		return 0
	}
	at := (last + retail.Instant(more*dayMs)) / hourMs * hourMs
	if w.to != 0 && at >= w.to {
		return 0
	}
	x.Projected = true
	return at
}

// own turns an hour of the archive into the campaign's own calendar.
func (b *builder) own(at retail.Instant) string {
	return time.UnixMilli(int64(at)).In(b.clock.loc).AddDate(0, 0, -7*b.job.o.ShiftWeeks).Format(time.RFC3339)
}

func (b *builder) budgetStatement(x *Budget) Text {
	share := float64(x.UsedMinor) / float64(max(x.TotalMinor, 1)) * 100
	switch {
	case x.TotalMinor == 0:
		return b.within(x, Text{EN: "Each shop has its part.", FR: "Chaque magasin a sa part."})
	case x.Projected:
		return Text{
			EN: fmt.Sprintf("At the pace of the archive the budget would end around %s; the archive itself uses %.1f %% of it.", hourEN(x.EndsAt), share),
			FR: fmt.Sprintf("Au rythme de l'archive, le budget serait épuisé vers le %s ; l'archive elle-même en utilise %s %%.", hourFR(x.EndsAt), comma(share)),
		}
	case x.EndsAt != "":
		return b.within(x, Text{
			EN: fmt.Sprintf("The budget would end in the hour of %s.", hourEN(x.EndsAt)),
			FR: fmt.Sprintf("Le budget serait épuisé dans l'heure du %s.", hourFR(x.EndsAt)),
		})
	case x.RefusedMinor > 0:
		return b.within(x, Text{EN: "The budget would not be used up, but for a time or in shops there is none left.", FR: "Le budget ne serait pas épuisé, mais il n'en resterait rien par moments ou dans des magasins."})
	}
	return Text{EN: fmt.Sprintf("The budget would last: %.1f %% of it is used.", share), FR: fmt.Sprintf("Le budget suffirait : %s %% en sont utilisés.", comma(share))}
}

// within adds what the draft comes to within its budget.
func (b *builder) within(x *Budget, t Text) Text {
	net := x.GrantedMinor - x.ReturnedMinor
	en, fr := writerIn(b.job.o.Currency, b.job.wallet, "en"), writerIn(b.job.o.Currency, b.job.wallet, "fr")
	return Text{
		EN: t.EN + fmt.Sprintf(" Within it, receipt by receipt, the cost is %s; %s are refused on %s. The other figures are without the budget.", en.money(net), en.money(x.RefusedMinor), en.several(x.RefusedReceipts, "receipt")),
		FR: t.FR + fmt.Sprintf(" Dans sa limite, ticket après ticket, le coût est de %s ; %s sont refusés sur %s. Les autres chiffres sont sans le budget.",
			fr.money(net), fr.money(x.RefusedMinor), fr.several(x.RefusedReceipts, "ticket")),
	}
}

// several writes a number of things, with the plural that both languages have.
func (x *writer) several(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return x.n(n) + " " + what + "s"
}

func comma(v float64) string { return strings.Replace(fmt.Sprintf("%.1f", v), ".", ",", 1) }

// hourEN and hourFR write an RFC 3339 hour for people.
func hourEN(s string) string { return hourText(s, "2006-01-02 15:04") }

func hourFR(s string) string { return hourText(s, "02/01/2006 à 15 h") }

func hourText(s, layout string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.Format(layout)
}

// comparison says who gets more and less when the drafts join the live set; nil when nothing is compared.
func (b *builder) comparison() *Comparison {
	j := b.job
	if j.without == nil {
		return nil
	}
	c := &Comparison{Against: j.o.Live, Campaigns: len(j.liveAt), Members: b.people.changes, ShopWinners: []Change{}, ShopLosers: []Change{}, Live: []Before{}, Apart: j.apart()}
	var changes []Change
	for id, s := range b.t.shops {
		d := s.total[with] - s.total[without]
		c.Shops.add(d)
		c.WithMinor += s.total[with]
		c.WithoutMinor += s.total[without]
		if d != 0 {
			changes = append(changes, Change{string(id), d})
		}
	}
	slices.SortFunc(changes, func(x, y Change) int { return cmp.Or(cmp.Compare(y.Minor, x.Minor), strings.Compare(x.Name, y.Name)) })
	for i := 0; i < min(len(changes), topCount/2); i++ {
		if x := changes[i]; x.Minor > 0 {
			c.ShopWinners = append(c.ShopWinners, x)
		}
		if x := changes[len(changes)-1-i]; x.Minor < 0 {
			c.ShopLosers = append(c.ShopLosers, x)
		}
	}
	for i, s := range j.subjects {
		if t := &b.t.campaigns[i]; !s.draft && t.total[with] != t.total[without] {
			c.Live = append(c.Live, Before{s.id, t.total[without], t.total[with]})
		}
	}
	slices.SortFunc(c.Live, func(x, y Before) int {
		return cmp.Or(cmp.Compare(x.WithMinor-x.WithoutMinor, y.WithMinor-y.WithoutMinor), strings.Compare(x.ID, y.ID))
	})
	return c
}
