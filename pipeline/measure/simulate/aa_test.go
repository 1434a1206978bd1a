package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"cagnotte/pipeline/measure/panel"
	"cagnotte/pipeline/retail"
	"cagnotte/pipeline/rules"
)

// open opens a file of the real data, or skips; where services are mandatory, absence is a failure.
func open(t testing.TB, name ...string) io.Reader {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(append([]string{dir}, name...)...))
	if err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("the real data are mandatory here: %v", err)
		}
		t.Skipf("no real data (set CAGNOTTE_DATA): %v", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func baskets(t testing.TB) []*Baskets {
	t.Helper()
	online, err := OnlineRetail(open(t, "online_retail_uci", "lines.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	// The README of the data says 4 372 customers.
	if online.Customers() != 4372 {
		t.Errorf("%d customers were read, want 4372", online.Customers())
	}
	return []*Baskets{online, groceries(t)}
}

// groceries are the small source, read in no time.
func groceries(t testing.TB) *Baskets {
	t.Helper()
	x5, err := X5(open(t, "x5_retailhero", "receipts.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if x5.Receipts() != 1760 {
		t.Errorf("%d receipts were read, want 1760", x5.Receipts())
	}
	return x5
}

// quick is the form of the simulation that every test run makes.
func quick() Options {
	o := DefaultOptions()
	o.Campaigns, o.Members, o.Workers = 60, 8000, 2
	o.Plan = 8000
	return o
}

// find returns the row of a variant.
func find(t *testing.T, rows []Watching, source, counted string, adjusted bool, lift float64) Watching {
	t.Helper()
	for _, r := range rows {
		if r.Source == source && r.Counted == counted && r.Adjusted == adjusted && r.Lift == lift {
			return r
		}
	}
	t.Fatalf("no row %s %s %v %v", source, counted, adjusted, lift)
	return Watching{}
}

// TestWatchingQuick: goal, that the interval which claims to be safe to watch is, on heavy-tailed spend, and that the simulation can show when one is
// not. Method: the quick form, with bounds that the full run meets with room to spare.
func TestWatchingQuick(t *testing.T) {
	o := quick()
	rows, err := Campaigns(t.Context(), baskets(t), o)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := NewResult(o, nil, rows, nil).Write(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	for _, source := range []string{"online_retail", "x5"} {
		for _, counted := range []string{"exposed", "clock"} {
			for _, adjusted := range []bool{false, true} {
				if r := find(t, rows, source, counted, adjusted, 0); r.AlwaysEver > 0.05 || r.NoFigure > 0 {
					t.Errorf("%s %s adjusted %v: the always-valid interval was wrong in %.1f %%, %d without a figure", source, counted, adjusted, 100*r.AlwaysEver, r.NoFigure)
				}
			}
		}
		if r := find(t, rows, source, "base", false, 0); r.FixedEver < 0.2 {
			t.Errorf("%s: the fixed interval was wrong in only %.1f %%: the simulation does not show the danger", source, 100*r.FixedEver)
		}
	}
	small, large := find(t, rows, "x5", "clock", false, 0.03), find(t, rows, "x5", "clock", false, 0.10)
	if large.AlwaysEver <= small.AlwaysEver || large.FixedEnd <= small.FixedEnd {
		t.Errorf("power does not grow with the lift: %+v and %+v", small, large)
	}
	raw, adjusted := find(t, rows, "x5", "clock", false, 0.05), find(t, rows, "x5", "clock", true, 0.05)
	if adjusted.AlwaysHalf >= raw.AlwaysHalf {
		t.Errorf("the covariate does not narrow the interval: %.4f and %.4f", adjusted.AlwaysHalf, raw.AlwaysHalf)
	}
	if raw.FixedCover < 0.85 || raw.AlwaysCover < 0.93 {
		t.Errorf("the truth is outside too often: %+v", raw)
	}
}

// TestWorkersDoNotMatter: the same seed gives the same figures with one worker and with several, another seed gives others.
func TestWorkersDoNotMatter(t *testing.T) {
	sources := []*Baskets{groceries(t)}
	o := quick()
	o.Campaigns, o.Members, o.Workers = 6, 2000, 1
	run := func() []Watching {
		rows, err := Campaigns(t.Context(), sources, o)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	one := run()
	o.Workers = 5
	if five := run(); !reflect.DeepEqual(one, five) {
		t.Error("the figures depend on the number of workers")
	}
	o.Seed++
	if other := run(); reflect.DeepEqual(one, other) {
		t.Error("the figures do not depend on the seed")
	}
}

// TestRunningSums: what the incremental sums say at the end is what the members' totals say.
func TestRunningSums(t *testing.T) {
	c, o := &campaign{}, quick()
	c.fill(3, groceries(t), o, newRand(1, 3))
	var last pair
	c.watch(func(_ int, base, _ *pair) { last = *base })
	var want pair
	for m, y := range c.spent {
		a := want.of(c.control[m])
		a.enter(c.before[m])
		a.Y += y
		a.YY += y * y
		a.XY += y * c.before[m]
	}
	for _, arms := range [][2]arm{{last.treatment, want.treatment}, {last.control, want.control}} {
		got, want := arms[0].Joint(), arms[1].Joint()
		if got.N != want.N || !near(got.Y, want.Y) || !near(got.YY, want.YY) || !near(got.XY, want.XY) || !near(got.XX, want.XX) {
			t.Errorf("%+v and %+v", got, want)
		}
	}
	if n := last.control.N; n < 600 || n > 1000 {
		t.Errorf("%d of 8000 members are held out, want a tenth", n)
	}
}

func near(a, b float64) bool { return a-b <= 1e-9*b && b-a <= 1e-9*b }

// TestArmsAreTheProducts: the simulated assignment is that of the rules engine.
func TestArmsAreTheProducts(t *testing.T) {
	c := &campaign{}
	for m := range 2000 {
		want := rules.ArmOf("aa-7", retail.AccountID(strconv.Itoa(m)), 1000) == rules.Holdout
		if got := c.holdout(7, m, 1000); got != want {
			t.Fatalf("member %d: held out %v, the engine says %v", m, got, want)
		}
	}
}

// TestPlacebosQuick: on real stores without a campaign the store tests are wrong about one time in twenty, before/after several times as often.
func TestPlacebosQuick(t *testing.T) {
	days, err := Traffic(open(t, "favorita_traffic", "store_day_transactions.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Placebos(t.Context(), days, 400, 1, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		t.Logf("%+v", r)
		if r.Windows < 300 || r.Pooled > 0.10 || r.Permutation > 0.10 || r.Pooled < 0.01 {
			t.Errorf("%d treated: %+v", r.Treated, r)
		}
	}
	if r := rows[4]; r.Treated != 8 || r.BeforeAfter < 2*r.Pooled {
		t.Errorf("before/after is not worse than a comparison: %+v", r)
	}
}

// TestRefused: options and data that make no simulation are errors, and a context that has ended ends it.
func TestRefused(t *testing.T) {
	good := quick()
	b := &Baskets{Name: "x", customers: [][]basket{{{0, 1}, {1500, 2}}}, weeks: 1}
	for name, change := range map[string]func(*Options){
		"campaigns": func(o *Options) { o.Campaigns = 0 }, "members": func(o *Options) { o.Members = 1 },
		"held out": func(o *Options) { o.HoldoutBP = 10_000 }, "planned": func(o *Options) { o.Plan = 0 },
	} {
		o := good
		change(&o)
		if _, err := Campaigns(t.Context(), []*Baskets{b}, o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Campaigns(t.Context(), nil, good); err == nil {
		t.Error("no baskets")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Campaigns(ended, []*Baskets{b}, good); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "no gzip at all"} {
		if _, err := OnlineRetail(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if _, err := Placebos(t.Context(), panel.Days{}, 0, 1, 1, nil); err == nil {
		t.Error("no windows")
	}
}

// TestResultIsJSON: the result can be written.
func TestResultIsJSON(t *testing.T) {
	o := quick()
	raw, err := json.Marshal(NewResult(o, nil, []Watching{{Source: "x"}}, nil))
	if err != nil || !strings.Contains(string(raw), `"always_ever"`) {
		t.Errorf("%s %v", raw, err)
	}
}

func BenchmarkCampaign(b *testing.B) {
	x5 := groceries(b)
	o := DefaultOptions()
	c := &campaign{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var out outcome
		c.fill(i, x5, o, newRand(1, i))
		out.observe(c, o)
	}
}
