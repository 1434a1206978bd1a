package backtest

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"time"
)

//go:embed report.gohtml
var pageText string

// page is what the template is given.
type page struct {
	*writer
	R     *Report
	Lang  string
	Plots []*plot
	Burns []*plot
}

// WriteHTML writes the report as one page that needs nothing else: no script, no request. lang is fr or en.
func (r *Report) WriteHTML(out io.Writer, lang string) error {
	if lang != "fr" {
		lang = "en"
	}
	w := newWriter(r, lang)
	p := &page{writer: w, R: r, Lang: lang}
	p.Plots = []*plot{p.daysPlot(), p.distributionPlot(), p.shopsPlot()}
	p.Burns = p.burnPlots()
	t, err := template.New("report").Funcs(template.FuncMap{
		"t": w.t, "outcome": w.outcome, "limit": w.limit, "n": w.n, "money": w.money, "spend": w.spend, "rate": w.rate, "signed": w.signed, "bp": w.bp, "day": w.day, "when": w.when, "until": w.until, "coverage": w.coverage,
		"neg": func(v int64) int64 { return -v }, "sub": func(a, b int64) int64 { return a - b }, "f": coordinate, "text": func(x Text) string { return x.In(lang) },
		"percent": func(q Quantile) string { return fmt.Sprintf(w.t("quantile"), q.Percent) }, "say": func(key string, args ...any) string { return fmt.Sprintf(w.t(key), args...) },
		"share": func(bp int32) string { return w.float(float64(bp)/100) + hard + "%" },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	_, err = out.Write(b.Bytes())
	return err
}

func coordinate(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// axisMoney writes round amounts without cents, so that they fit beside an axis.
func (x *writer) axisMoney(minor int64) string {
	if minor < 0 {
		return "-" + x.axisMoney(-minor)
	}
	v, unit := float64(minor)/100, ""
	switch {
	case v >= 1e6:
		v, unit = v/1e6, "M"
	case v >= 1e4:
		v, unit = v/1e3, "k"
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	switch {
	case x.wallet != "" && x.lang == "fr":
		return commaText(s) + unit
	case x.wallet != "":
		return s + unit
	case x.lang == "fr":
		return commaText(s) + hard + unit + x.currency
	}
	return x.currency + s + unit
}

func commaText(s string) string {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i] + "," + s[i+1:]
		}
	}
	return s
}

func (p *page) daysPlot() *plot {
	days := p.R.Days
	values := make([]int64, len(days))
	for i, d := range days {
		values[i] = d.GrantedMinor - d.ReturnedMinor
	}
	return bars(p.t("days"), values,
		func(i int) string { return p.dayMonth(days[i].Day) },
		func(i int) string { return p.day(days[i].Day) + ": " + p.money(values[i]) }, p.axisMoney)
}

// dayMonth is short enough for an axis.
func (p *page) dayMonth(s string) string {
	t, err := time.Parse(time.DateOnly, s[:min(len(s), len(time.DateOnly))])
	if err != nil {
		return s
	}
	if p.Lang == "fr" {
		return t.Format("02/01")
	}
	return t.Format("2 Jan")
}

func (p *page) distributionPlot() *plot {
	list := p.R.Members.Distribution
	values := make([]int64, len(list))
	for i, b := range list {
		values[i] = b.Count
	}
	return bars(p.t("distribution"), values,
		func(i int) string { return p.bucketName(&list[i], p.axisMoney) },
		func(i int) string { return p.bucketName(&list[i], p.money) + ": " + p.n(values[i]) }, p.n)
}

func (p *page) bucketName(b *Bucket, unit func(int64) string) string {
	if b.ToMinor == 0 {
		return fmt.Sprintf(p.t("above"), unit(b.FromMinor))
	}
	return "≤" + hard + unit(b.ToMinor)
}

func (p *page) shopsPlot() *plot {
	var names []string
	var values []int64
	for _, s := range p.R.Shops.Top {
		names, values = append(names, s.ID), append(values, s.NetMinor)
	}
	return rows(p.t("shops"), names, values, p.money)
}

// burnPlots draws what is left of each budget; without any budget what the drafts have cost so far.
func (p *page) burnPlots() []*plot {
	var out []*plot
	for i := range p.R.Campaigns {
		if c := &p.R.Campaigns[i]; c.Budget != nil && c.Budget.TotalMinor > 0 && len(c.Budget.Hours) > 0 {
			points := []point{{0, c.Budget.TotalMinor}}
			for _, h := range c.Budget.Hours {
				points = append(points, point{p.share(h.At), max(c.Budget.TotalMinor-h.UsedMinor, 0)})
			}
			title := p.t("burn")
			if len(p.R.Campaigns) > 1 {
				title += ": " + c.ID
			}
			out = append(out, line(title, points, p.spanLabels(), p.axisMoney))
		}
	}
	if len(out) == 0 && len(p.R.Days) > 0 {
		points, sum := []point{{0, 0}}, int64(0)
		for i, d := range p.R.Days {
			sum += d.GrantedMinor - d.ReturnedMinor
			points = append(points, point{float64(i+1) / float64(len(p.R.Days)), sum})
		}
		out = append(out, line(p.t("cumulative"), points, p.spanLabels(), p.axisMoney))
	}
	return out
}

// share is where an instant lies between the first and the last day.
func (p *page) share(at string) float64 {
	days := p.R.Days
	from, err1 := time.Parse(time.DateOnly, days[0].Day)
	to, err2 := time.Parse(time.DateOnly, days[len(days)-1].Day)
	t, err3 := time.Parse("2006-01-02T15", at[:min(len(at), 13)]) // local, as the days are
	if err1 != nil || err2 != nil || err3 != nil {
		return 0
	}
	return math.Min(1, t.Add(time.Hour).Sub(from).Hours()/to.AddDate(0, 0, 1).Sub(from).Hours())
}

func (p *page) spanLabels() []tick {
	days := p.R.Days
	var out []tick
	for _, share := range []float64{0, 0.25, 0.5, 0.75} {
		i := int(share * float64(len(days)))
		if n := len(out); n == 0 || out[n-1].Text != p.dayMonth(days[i].Day) {
			out = append(out, tick{float64(i) / float64(len(days)), p.dayMonth(days[i].Day)})
		}
	}
	return out
}
