package panel

import (
	"fmt"
	"math"
	"testing"
)

// TestStaggeredOracle: csdid on a random panel, both comparison groups and both base periods: every cell and every aggregation.
func TestStaggeredOracle(t *testing.T) {
	o := loadOracle(t).Staggered
	p := matrixPanel(t, o.Outcome, o.Start, nil)
	for _, c := range o.Cases {
		t.Run(c.Name, func(t *testing.T) {
			opt := DefaultStaggered(5)
			opt.Universal = c.Base == "universal"
			if c.Control == "notyettreated" {
				opt.Control = NotYetTreated
			}
			r, err := Staggered(p, opt)
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for _, want := range c.Cells {
				if want[3] == nil {
					continue // the base period itself, listed by csdid as zero without an error
				}
				for _, cell := range r.GroupTime {
					if cell.Group == int(*want[0]) && cell.Period == int(*want[1]) {
						checkEffect(t, fmt.Sprintf("ATT(%d,%d)", cell.Group, cell.Period), cell.Effect, [2]*float64{want[2], want[3]})
						checked++
					}
				}
			}
			if checked != len(r.GroupTime) || checked == 0 {
				t.Errorf("%d cells compared of %d", checked, len(r.GroupTime))
			}
			checkEffect(t, "simple", r.Simple, c.Simple.Overall)
			checkAggregation(t, "event", r.Event, c.Dynamic.Overall, c.Dynamic.Cells)
			checkAggregation(t, "group", r.Group, c.Group.Overall, c.Group.Cells)
			checkAggregation(t, "calendar", r.Calendar, c.Calendar.Overall, c.Calendar.Cells)
		})
	}
}

func checkEffect(t *testing.T, what string, got Effect, want [2]*float64) {
	t.Helper()
	if got.Figure == nil {
		t.Errorf("%s: no figure: %s", what, got.Reason)
		return
	}
	near(t, what, got.Figure.Estimate, *want[0], 1e-9)
	near(t, what+" se", got.Figure.StdErr, *want[1], 1e-9)
	if !(got.BandLow <= got.Figure.Low+1e-12) && got.BandLow != got.BandHigh {
		t.Errorf("%s: band %g is narrower than the interval %g", what, got.BandLow, got.Figure.Low)
	}
}

func checkAggregation(t *testing.T, what string, got Aggregation, overall [2]*float64, cells [][3]*float64) {
	t.Helper()
	checkEffect(t, what, got.Overall, overall)
	checked := 0
	for _, want := range cells {
		if want[2] == nil {
			continue
		}
		for _, cell := range got.Cells {
			if cell.Key == int(*want[0]) {
				checkEffect(t, fmt.Sprint(what, " ", cell.Key), cell.Effect, [2]*float64{want[1], want[2]})
				checked++
			}
		}
	}
	if checked != len(got.Cells) || checked == 0 {
		t.Errorf("%s: %d of %d compared", what, checked, len(got.Cells))
	}
}

// published are the figures that the package did prints for its data mpdta (github.com/bcallaway11/did README at 71ba8a5): group, period,
// estimate, bootstrapped standard error, simultaneous band.
var published = [][6]float64{
	{2004, 2004, -0.0105, 0.0241, -0.0749, 0.0539}, {2004, 2005, -0.0704, 0.0313, -0.1540, 0.0131},
	{2004, 2006, -0.1373, 0.0380, -0.2389, -0.0357}, {2004, 2007, -0.1008, 0.0337, -0.1909, -0.0107},
	{2006, 2004, 0.0065, 0.0223, -0.0531, 0.0662}, {2006, 2005, -0.0028, 0.0196, -0.0552, 0.0497},
	{2006, 2006, -0.0046, 0.0188, -0.0549, 0.0457}, {2006, 2007, -0.0412, 0.0202, -0.0952, 0.0128},
	{2007, 2004, 0.0305, 0.0154, -0.0107, 0.0717}, {2007, 2005, -0.0027, 0.0168, -0.0478, 0.0423},
	{2007, 2006, -0.0311, 0.0190, -0.0818, 0.0196}, {2007, 2007, -0.0261, 0.0182, -0.0746, 0.0225},
}

// TestStaggeredPublished: the published table. Estimates and the pre-test's p agree to the printed digits; standard errors and bands there come
// from 1 000 bootstrap draws studentised by quartiles, which move in the second digit from run to run.
func TestStaggeredPublished(t *testing.T) {
	p := mpdta(t)
	r, err := Staggered(p, DefaultStaggered(11))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.GroupTime) != len(published) {
		t.Fatalf("%d cells, want %d", len(r.GroupTime), len(published))
	}
	for i, want := range published {
		got := r.GroupTime[i]
		if got.Group != int(want[0]) || got.Period != int(want[1]) || got.Figure == nil {
			t.Fatalf("cell %d is %+v, want %v", i, got, want)
		}
		t.Logf("ATT(%d,%d) %.4f (%.4f) band [%.4f, %.4f]; published %.4f (%.4f) [%.4f, %.4f]", got.Group, got.Period,
			got.Figure.Estimate, got.Figure.StdErr, got.BandLow, got.BandHigh, want[2], want[3], want[4], want[5])
		near(t, "estimate", got.Figure.Estimate, want[2], 0.00006)
		near(t, "standard error", got.Figure.StdErr/want[3], 1, 0.12)
		near(t, "band", (got.BandHigh-got.BandLow)/(want[5]-want[4]), 1, 0.15)
	}
	near(t, "pre-test", r.Pretest.P, 0.16812, 0.000006)
	checkPublished(t, "dynamic", r.Event, -0.0772, 0.0196, [][3]float64{
		{-3, 0.0305, 0.0153}, {-2, -0.0006, 0.0136}, {-1, -0.0245, 0.0138}, {0, -0.0199, 0.0115}, {1, -0.0510, 0.0174}, {2, -0.1373, 0.0356}, {3, -0.1008, 0.0354}})
	checkPublished(t, "group", r.Group, -0.031, 0.0123, [][3]float64{{2004, -0.0797, 0.0277}, {2006, -0.0229, 0.0172}, {2007, -0.0261, 0.0177}})
	t.Logf("simple %.4f (%.4f), calendar %.4f (%.4f), pre-test p %.5f", r.Simple.Figure.Estimate, r.Simple.Figure.StdErr,
		r.Calendar.Overall.Figure.Estimate, r.Calendar.Overall.Figure.StdErr, r.Pretest.P)
}

func checkPublished(t *testing.T, what string, got Aggregation, overall, se float64, cells [][3]float64) {
	t.Helper()
	near(t, what, got.Overall.Figure.Estimate, overall, 0.0006)
	near(t, what+" se", got.Overall.Figure.StdErr/se, 1, 0.12)
	for i, want := range cells {
		if got.Cells[i].Key != int(want[0]) {
			t.Fatalf("%s: key %d, want %g", what, got.Cells[i].Key, want[0])
		}
		near(t, fmt.Sprint(what, want[0]), got.Cells[i].Figure.Estimate, want[1], 0.00006)
		near(t, fmt.Sprint(what, want[0], " se"), got.Cells[i].Figure.StdErr/want[2], 1, 0.12)
	}
}

// mpdta is the county panel of the package did: log teen employment, groups by the year of the first rise of the minimum wage.
func mpdta(t testing.TB) Panel {
	t.Helper()
	var rows []Row
	for _, r := range readCSV(t, "did_mpdta/mpdta.csv.gz", "countyreal", "year", "lemp", "first.treat") {
		from := int(number64(t, r[3]))
		if from == 0 {
			from = Never
		}
		rows = append(rows, Row{Unit: r[0], Period: int(number64(t, r[1])), Outcome: number64(t, r[2]), TreatedFrom: from})
	}
	p, err := FromRows(rows, RejectMissing)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestStaggeredCoverage: goal, that the uniform band holds the whole truth about as often as it says; method, panels with a known effect.
func TestStaggeredCoverage(t *testing.T) {
	const runs = 200
	held := 0
	for seed := range uint64(runs) {
		o := DefaultStaggered(seed)
		o.Draws = 199
		r, err := Staggered(syntheticPanel(120, 6, seed, 0.5), o)
		if err != nil {
			t.Fatal(err)
		}
		all := true
		for _, c := range r.Event.Cells {
			truth := 0.0
			if c.Key >= 0 {
				truth = 0.5
			}
			all = all && c.BandLow <= truth && truth <= c.BandHigh
		}
		if all {
			held++
		}
	}
	t.Logf("uniform 95 %% band over event times held all effects in %.1f %% of %d panels", 100*float64(held)/runs, runs)
	if share := float64(held) / runs; math.Abs(share-0.93) > 0.06 {
		t.Errorf("coverage %g", share)
	}
}
