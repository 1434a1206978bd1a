package panel

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"cagnotte/pipeline/measure"
)

// extremes1 are numbers that break formulas.
var extremes1 = []float64{0, 1, -1, 1 << 62, 0.1, math.NaN(), math.Inf(1), 1e308, -1e308, 5e-324, 1e-160, 1e160}

// numbers turns bytes into numbers: a byte below 16 picks an extreme, 255 takes the next eight bytes as they are, the rest is a small number.
func numbers(raw []byte, most int) []float64 {
	var out []float64
	for len(raw) > 0 && len(out) < most {
		b := raw[0]
		raw = raw[1:]
		switch {
		case int(b) < len(extremes1):
			out = append(out, extremes1[b])
		case b == 255 && len(raw) >= 8:
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
			raw = raw[8:]
		default:
			out = append(out, float64(b)-128)
		}
	}
	return out
}

// seeds are equal arms, extremes, and something ordinary.
func seeds(f *testing.F) {
	f.Add([]byte{200, 201, 202, 203, 204, 205, 206, 207, 208, 190, 191, 192, 193, 180, 181, 182, 170, 140, 150, 160}, uint16(0x0312), uint8(3), 0.95)
	for i := range extremes1 {
		row := make([]byte, 24)
		for j := range row {
			row[j] = byte(100 + 7*j*j%90)
			if j%(i+2) == 0 {
				row[j] = byte(i)
			}
		}
		f.Add(row, uint16(0x1234+i), uint8(2+i%4), 0.9)
	}
	f.Add([]byte{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, uint16(0xffff), uint8(2), 1.0)
	f.Add([]byte{3, 3, 3, 3, 3, 3, 3, 3}, uint16(1), uint8(2), math.NaN())
}

// FuzzPanel: whatever the cells, the starts, the clusters and the level, no number that is not finite leaves an estimator, and a figure is missing
// only with a reason.
func FuzzPanel(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, pattern uint16, width uint8, level float64) {
		periods := 2 + int(width%5)
		cells := numbers(raw, 60)
		var rows []Row
		by := map[string]string{}
		for i, v := range cells {
			unit := i / periods
			from := Never
			if pattern>>(unit%16)&1 == 1 {
				from = (unit * 7) % (periods + 1)
			}
			rows = append(rows, Row{fmt.Sprint(unit), i % periods, v, from})
			by[fmt.Sprint(unit)] = fmt.Sprint(unit / (1 + int(width/64)))
		}
		p, err := FromRows(rows, DropUnits)
		if err != nil {
			return
		}
		if p, err = p.Clustered(by); err != nil {
			t.Fatal(err)
		}
		o := Options{Level: level, Design: measure.Randomised}
		if r, err := TwoWay(p, o); err == nil {
			whole(t, r, r.Result, measure.Result{Figure: r.CR2, Reason: r.CR2Reason})
		}
		if r, err := WildCluster(p, WildOptions{Options: o, Draws: 99, Seed: uint64(pattern), Weights: Weights(width % 2)}); err == nil {
			whole(t, r, r.Result)
		}
		if r, err := Staggered(p, StaggeredOptions{Options: o, Control: Control(width % 2), Anticipation: int(width/2) % 2, Universal: width%3 == 0, Draws: 99}); err == nil {
			whole(t, r, r.Result)
		}
		if r, err := LogDiD(p, Window{Span{0, 1}, Span{1, periods}}, o); err == nil {
			whole(t, r, r.Result, measure.Result{Figure: r.Welch, Reason: r.WelchReason})
		}
	})
}

// FuzzUnits: the same for the estimators that take rows of units.
func FuzzUnits(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte, pattern uint16, width uint8, level float64) {
		x := numbers(raw, 40)
		o := Options{Level: level}
		var pairs []Pair
		var rows []CampaignRow
		treated := make([]bool, len(x))
		for i := range x {
			treated[i] = pattern>>(i%16)&1 == 1
			next := x[(i+1)%len(x)]
			pairs = append(pairs, Pair{fmt.Sprint(i), treated[i], x[i], next})
			rows = append(rows, CampaignRow{fmt.Sprint(i % (1 + int(width%9))), fmt.Sprint(i / (1 + int(width%9))), treated[i], x[i], next})
		}
		if r, err := TwoByTwo(pairs, o); err == nil {
			whole(t, r, r.Result, measure.Result{Figure: r.All, Reason: r.AllReason})
		}
		if r, err := Permutation(x, treated, PermutationOptions{Options: o, MaxExact: 300, Draws: 99, Logs: width%2 == 0}); err == nil {
			whole(t, r, r.Result)
		}
		if r, err := Campaigns(rows, o); err == nil {
			whole(t, r, r.Result, r.Naive, r.DiDPooled, r.ANCOVA)
		}
		if d, err := NewDays([][]float64{x, x, x, x, x}); err == nil {
			if r, err := Placebo(d, PlaceboDesign{Treated: 1 + int(width%2), Pre: 1, Post: 1, Level: level, Draws: 99}, uint64(pattern)); err == nil {
				whole(t, r)
			}
		}
	})
}
