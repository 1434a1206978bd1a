package backtest

import (
	"fmt"
	"math"
)

// The plots are drawn in a frame of this size and scaled by the page. The fonts are sized to be read on a phone.
const (
	plotWidth, plotHeight           = 460.0, 220.0
	plotLeft, plotRight, plotBottom = 56.0, 8.0, 26.0
	plotTop                         = 10.0
	innerWidth                      = plotWidth - plotLeft - plotRight
	innerHeight                     = plotHeight - plotTop - plotBottom
	rowHeight                       = 20.0
	maxPlotRows                     = 15
	maxLabels                       = 6
)

// plot is what the template draws: bars or a line over an axis.
type plot struct {
	Title         string
	Width, Height float64
	Bars          []bar
	Line, Area    string // path data
	Grid          []tick
	Labels        []tick
	Rows          bool // bars lie
	Zero          float64
	Left, Right   float64
}

// bar is a rectangle with what a pointer is told.
type bar struct {
	X, Y, W, H  float64
	Title, Name string
	Value       string
	TextX       float64
	Negative    bool
}

// tick is a line across the plot, or a text under it.
type tick struct {
	At   float64
	Text string
}

// bars draws one bar for each value over names; only a few names are written.
func bars(title string, values []int64, name func(i int) string, tell func(i int) string, unit func(int64) string) *plot {
	p := &plot{Title: title, Width: plotWidth, Height: plotHeight, Left: plotLeft, Right: plotWidth - plotRight}
	top, bottom := int64(1), int64(0)
	for _, v := range values {
		top, bottom = max(top, v), min(bottom, v)
	}
	y := p.axis(bottom, top, unit)
	p.Zero = y(0)
	step := innerWidth / float64(max(len(values), 1))
	every := (len(values) + maxLabels - 1) / maxLabels
	for i, v := range values {
		x := plotLeft + step*float64(i)
		from, to := math.Min(y(v), p.Zero), math.Max(y(v), p.Zero)
		gap := math.Min(step*0.15, 3)
		p.Bars = append(p.Bars, bar{X: x + gap/2, Y: from, W: math.Max(step-gap, 0.5), H: to - from, Title: tell(i), Negative: v < 0})
		if i%every == 0 {
			p.Labels = append(p.Labels, tick{x + step/2, name(i)})
		}
	}
	return p
}

// rows draws lying bars, one for each name.
func rows(title string, names []string, values []int64, unit func(int64) string) *plot {
	n := min(len(values), maxPlotRows)
	p := &plot{Title: title, Width: plotWidth, Height: rowHeight*float64(n) + plotTop, Rows: true}
	const name, figure = 96.0, 92.0
	top := int64(1)
	for _, v := range values[:n] {
		top = max(top, v)
	}
	for i, v := range values[:n] {
		w := math.Max(float64(v)/float64(top), 0) * (plotWidth - name - figure)
		p.Bars = append(p.Bars, bar{X: name, Y: plotTop/2 + rowHeight*float64(i) + 3, W: w, H: rowHeight - 6, Name: short(names[i]), Title: names[i] + ": " + unit(v), Value: unit(v), TextX: name + w + 4})
	}
	return p
}

// short cuts a name that has no room beside its bar.
func short(s string) string {
	if r := []rune(s); len(r) > 14 {
		return string(r[:13]) + "…"
	}
	return s
}

// point is a step of a line; at is a share of the width.
type point struct {
	at float64
	v  int64
}

// line draws a staircase through the points, with the area to zero.
func line(title string, points []point, labels []tick, unit func(int64) string) *plot {
	p := &plot{Title: title, Width: plotWidth, Height: plotHeight, Left: plotLeft, Right: plotWidth - plotRight}
	top, bottom := int64(1), int64(0)
	for _, q := range points {
		top, bottom = max(top, q.v), min(bottom, q.v)
	}
	y := p.axis(bottom, top, unit)
	p.Zero = y(0)
	x := func(share float64) float64 { return plotLeft + innerWidth*share }
	for i, q := range points {
		if i == 0 {
			p.Line = fmt.Sprintf("M%.1f %.1f", x(q.at), y(q.v))
			continue
		}
		p.Line += fmt.Sprintf("H%.1fV%.1f", x(q.at), y(q.v))
	}
	if len(points) > 0 {
		p.Area = fmt.Sprintf("%sV%.1fH%.1fZ", p.Line, p.Zero, x(points[0].at))
	}
	for _, l := range labels {
		p.Labels = append(p.Labels, tick{x(l.At), l.Text})
	}
	return p
}

// axis draws the grid of a scale from bottom to top and returns where a value lies.
func (p *plot) axis(bottom, top int64, unit func(int64) string) func(int64) float64 {
	step := niceStep(float64(top-bottom) / 4)
	lo, hi := math.Floor(float64(bottom)/step)*step, math.Ceil(float64(top)/step)*step
	y := func(v int64) float64 { return plotTop + innerHeight*(1-(float64(v)-lo)/(hi-lo)) }
	for v := lo; v <= hi+step/2; v += step {
		p.Grid = append(p.Grid, tick{y(int64(v)), unit(int64(v))})
	}
	return y
}

// niceStep is 1, 2 or 5 times a power of ten, at least v.
func niceStep(v float64) float64 {
	if v < 1 {
		return 1
	}
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range [...]float64{1, 2, 5} {
		if v <= k*ten {
			return k * ten
		}
	}
	return 10 * ten
}
