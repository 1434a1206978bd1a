package backtest

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes the report for a terminal, in French ("fr") or English.
func (r *Report) WriteTable(out io.Writer, lang string) error {
	var b bytes.Buffer
	t := &table{writer: newWriter(r, lang), b: &b, tab: tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)}
	t.head(r)
	for i := range r.Campaigns {
		t.campaign(&r.Campaigns[i], len(r.Campaigns) > 1)
	}
	t.spread(t.t("members"), t.t("rewarded_only"), &r.Members)
	t.spread(t.t("shops"), t.t("shops_only"), &r.Shops.Spread)
	t.shops(r.Shops.Top)
	t.receipts(r.Top)
	if r.Comparison != nil {
		t.comparison(r.Comparison)
	}
	t.line("")
	t.line("! %s", r.Statement.In(lang))
	t.flush()
	_, err := out.Write(b.Bytes())
	return err
}

// table is a report under way. Blocks of columns are aligned by themselves.
type table struct {
	*writer
	b   *bytes.Buffer
	tab *tabwriter.Writer
}

func (t *table) flush() { _ = t.tab.Flush() } // into memory

func (t *table) line(format string, args ...any) {
	t.flush()
	fmt.Fprintf(t.b, format+"\n", args...)
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t.tab, "\t")
		}
		fmt.Fprint(t.tab, c)
	}
	fmt.Fprintln(t.tab)
}

func (t *table) section(title, about string) {
	t.line("")
	if about != "" {
		title += " (" + about + ")"
	}
	t.line("%s", title)
}

func (t *table) head(r *Report) {
	t.line("! %s", r.Statement.In(t.lang))
	t.line("  %s", r.Shift.Statement.In(t.lang))
	t.section(t.t("archive"), r.Source)
	a := &r.Archive
	t.line("  "+t.t("from_to"), t.when(a.From), t.when(a.To))
	t.line("  %s%s %s (%s %s, %s %s)  %s %s, %s %s, %s %s", t.t("receipts_short"), t.t("colon"), t.n(a.Receipts), t.n(a.Anonymous), t.t("anonymous"), t.n(a.Returns), t.t("returns"),
		t.n(a.Repeats), t.t("repeats"), t.n(a.Refused), t.t("refused"), t.n(a.Unreadable), t.t("unreadable"))
	if a.OrphanReturns > 0 {
		t.line("  %s %s", t.n(a.OrphanReturns), t.t("orphans"))
	}
	if r.Sent != nil {
		t.line("  %s", r.Sent.Statement.In(t.lang))
	}
	t.cost(&r.Cost)
	t.section(t.t("reach"), "")
	x := &r.Reach
	t.line("  %s %s / %s %s / %s %s; %s %s", t.n(x.MembersRewarded), t.t("members_rewarded"), t.n(x.MembersConsidered), t.t("members_considered"), t.n(x.MembersOnFile), t.t("members_on_file"), t.n(x.MembersHeldOut), t.t("members_held_out"))
	t.line("  %s %s / %s %s / %s %s", t.n(x.ReceiptsRewarded), t.t("receipts_rewarded"), t.n(x.ReceiptsConsidered), t.t("receipts_considered"), t.n(x.ReceiptsInWindow), t.t("receipts_in_window"))
}

func (t *table) cost(c *Cost) {
	t.section(t.t("cost"), "")
	t.line("  %s  %s %s - %s", t.money(c.NetMinor), t.t("range"), t.money(c.LowMinor), t.money(c.HighMinor))
	t.row("  "+t.t("granted"), t.money(c.GrantedMinor))
	t.row("  "+t.t("returned"), t.money(-c.ReturnedMinor))
	t.row("  "+t.t("per_week"), t.money(c.PerWeekMinor))
	for _, f := range c.Funders {
		t.row("  "+t.t("funders")+t.t("colon")+" "+f.Name, t.money(f.Minor))
	}
	if c.GhostMinor != 0 {
		t.row("  "+t.t("ghost"), t.money(c.GhostMinor))
	}
	t.line("  %s", c.Method.In(t.lang))
}

func (t *table) campaign(c *Campaign, several bool) {
	t.section(fmt.Sprintf("%s%s %s", t.t("campaign"), t.t("colon"), c.ID), fmt.Sprintf("%s %d", t.t("version"), c.Version))
	t.line("  %s", c.Sentence.In(t.lang))
	t.line("  %s "+t.t("from_to")+"; %s "+t.t("from_to"), t.t("as_written"), t.day(c.From), t.until(c.To), t.t("simulated"), t.day(c.SimulatedFrom), t.until(c.SimulatedTo))
	t.line("  %s", t.coverage(c))
	if several {
		t.line("  %s  %s %s - %s; %s %s", t.money(c.Cost.NetMinor), t.t("range"), t.money(c.Cost.LowMinor), t.money(c.Cost.HighMinor), t.n(c.MembersRewarded), t.t("members_rewarded"))
	}
	if c.Budget != nil && c.Budget.TotalMinor == 0 {
		t.line("  %s%s %s", t.t("budget"), t.t("colon"), c.Budget.Statement.In(t.lang))
	} else if c.Budget != nil {
		t.line("  %s %s%s %s %s. %s", t.t("budget"), t.money(c.Budget.TotalMinor), t.t("colon"), t.money(c.Budget.UsedMinor), t.t("used"), c.Budget.Statement.In(t.lang))
	}
	t.row("  "+t.t("outcome"), t.t("results"), t.t("basis"), t.t("desired"), t.t("granted"))
	for _, o := range append(c.Outcomes[:len(c.Outcomes):len(c.Outcomes)], c.Returns) {
		if o.Results > 0 {
			t.row("  "+t.outcome(o.Outcome), t.n(o.Results), t.spend(o.BasisMinor), t.money(o.DesiredMinor), t.money(o.GrantedMinor))
		}
	}
	if len(c.Limits) > 0 {
		t.line("  %s%s", t.t("limits"), t.t("colon"))
		t.row("  "+t.t("limit"), t.t("results"), t.t("clipped"), t.t("barred"))
	}
	for _, l := range c.Limits {
		t.row("  "+t.limit(l.Limit), t.n(l.Results), t.money(l.ClippedMinor), t.spend(l.BarredMinor))
	}
}

// coverage says how much of the window the archive holds.
func (x *writer) coverage(c *Campaign) string {
	if c.WindowDays == 0 {
		return fmt.Sprintf(x.t("covered_open"), x.float(c.CoveredDays))
	}
	return fmt.Sprintf(x.t("covered"), x.float(c.CoveredDays), x.float(c.WindowDays))
}

func (t *table) spread(title, about string, s *Spread) {
	t.section(title, about)
	if s.Count == 0 {
		t.line("  %s", t.t("nothing"))
		return
	}
	t.line("  %s %s, %s %s, %s %s", t.t("mean"), t.money(s.MeanMinor), t.t("largest"), t.money(s.TopMinor), t.t("top1"), t.bp(s.Top1ShareBP))
	for _, q := range s.Quantiles {
		t.row("  "+fmt.Sprintf(t.t("quantile"), q.Percent), t.money(q.Minor))
	}
}

func (t *table) shops(list []Shop) {
	if len(list) == 0 {
		return
	}
	t.row("  "+t.t("shop"), t.t("net"), t.t("receipts_rewarded"), t.t("sales"), t.t("cost_rate"))
	for _, s := range list {
		t.row("  "+s.ID, t.money(s.NetMinor), t.n(s.Rewarded), t.spend(s.SalesMinor), t.rate(s.CostBP))
	}
}

func (t *table) receipts(list []Receipt) {
	t.section(t.t("top_receipts"), "")
	t.row("  "+t.t("receipt"), t.t("account"), t.t("shop"), t.t("at"), t.t("total"), t.t("reward"), t.t("returned"))
	for _, r := range list {
		t.row("  "+r.ID, r.Account, r.Shop, t.when(r.At), t.spend(r.TotalMinor), t.money(r.RewardMinor), t.money(-r.ReturnedMinor))
	}
}

func (t *table) comparison(c *Comparison) {
	t.section(t.t("comparison"), fmt.Sprintf(t.t("against"), c.Against, c.Campaigns))
	t.line("  %s %s, %s %s (%s)", t.t("without"), t.money(c.WithoutMinor), t.t("with"), t.money(c.WithMinor), t.signed(c.WithMinor-c.WithoutMinor))
	if c.Apart > 0 {
		t.line("  "+t.t("apart"), c.Apart)
	}
	t.row("  "+t.t("who"), t.t("more"), t.t("more_amount"), t.t("less"), t.t("less_amount"), t.t("same"))
	for _, x := range []struct {
		name string
		w    *WinLose
	}{{t.t("members_short"), &c.Members}, {t.t("shops_short"), &c.Shops}} {
		t.row("  "+x.name, t.n(x.w.More), t.money(x.w.MoreMinor), t.n(x.w.Less), t.money(-x.w.LessMinor), t.n(x.w.Same))
	}
	if len(c.Live) > 0 {
		t.row("  "+t.t("live"), t.t("without"), t.t("with"), t.t("change"))
	}
	for _, l := range c.Live {
		t.row("  "+l.ID, t.money(l.WithoutMinor), t.money(l.WithMinor), t.signed(l.WithMinor-l.WithoutMinor))
	}
	for _, x := range []struct {
		name string
		list []Change
	}{{"shop_winners", c.ShopWinners}, {"shop_losers", c.ShopLosers}} {
		if len(x.list) > 0 {
			t.line("  %s%s", t.t(x.name), t.t("colon"))
		}
		for _, s := range x.list {
			t.row("  "+s.Name, t.signed(s.Minor))
		}
	}
}
