package measure

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestStoreUplift: a table by hand. Three stores grow by e^0.1, three by nothing, with one tenth of log spread each.
func TestStoreUplift(t *testing.T) {
	store := func(treated bool, growth float64) StoreTraffic {
		return StoreTraffic{Treated: treated, Before: 200, During: 200 * math.Exp(growth)}
	}
	stores := []StoreTraffic{
		store(true, 0), store(true, .1), store(true, .2), store(false, -.1), store(false, 0), store(false, .1),
	}
	r := StoreUplift(stores, 0.95)
	// pooled variance .01, se = .1 sqrt(2/3) = .0816497, t(4, .975) = 2.776445, t(4, .8) = .940965
	want := Figure{Estimate: math.Expm1(.1), Low: math.Expm1(.1 - .2266957), High: math.Expm1(.1 + .2266957), StdErr: .0816497, DF: 4, P: .287864, MinDetectable: math.Expm1((2.776445 + .940965) * .0816497)}
	got := *r.Figure
	for _, pair := range [][2]float64{{got.Estimate, want.Estimate}, {got.Low, want.Low}, {got.High, want.High}, {got.StdErr, want.StdErr}, {got.DF, want.DF}, {got.P, want.P}, {got.MinDetectable, want.MinDetectable}} {
		if math.Abs(pair[0]-pair[1]) > 1e-5 {
			t.Errorf("%+v, want %+v", got, want)
			break
		}
	}
	if r.Design != Observational || !slices.Contains(r.Warnings, FewTreatedStore) {
		t.Errorf("design %q warnings %v", r.Design, r.Warnings)
	}
	reasons := []struct {
		stores []StoreTraffic
		want   Reason
	}{
		{nil, NoTreatedStore}, {stores[3:], NoTreatedStore}, {stores[:3], NoControlStore}, {stores[:5], TooFewStores},
		{append([]StoreTraffic{{Treated: true}}, stores[3:]...), NoTreatedStore},
		{[]StoreTraffic{store(true, 0), store(false, 0), store(false, 0), store(false, 0)}, ZeroVariance},
	}
	for i, tc := range reasons {
		if r := StoreUplift(tc.stores, 0.95); r.Reason != tc.want {
			t.Errorf("row %d: %q, want %q", i, r.Reason, tc.want)
		}
	}
}

// TestStoreUpliftPlacebo: goal, that on real stores with no campaign the interval excludes zero about one time in twenty, and far less often
// than before/after comparison. Method: random windows and random eight stores of a real panel, seeded.
func TestStoreUpliftPlacebo(t *testing.T) {
	panel := loadTraffic(t, filepath.Join(dataDir(t), "favorita_traffic", "store_day_transactions.csv.gz"))
	rng := rand.New(rand.NewPCG(7, 11))
	var did, beforeAfter, runs int
	for runs < 1000 {
		start := 60 + rng.IntN(1500)
		stores := placebo(panel, start, rng)
		if len(stores) < 30 {
			continue
		}
		runs++
		r := StoreUplift(stores, 0.95)
		did += tally(significant(r))
		beforeAfter += tally(beforeAfterSignificant(stores[:8]))
	}
	t.Logf("placebo, %d windows of 14 days, 8 stores: difference-in-differences %.1f %%, before/after %.1f %% false positives", runs, float64(did)/10, float64(beforeAfter)/10)
	if did < 20 || did > 85 {
		t.Errorf("false positives %d of 1000, want about 50", did)
	}
	if beforeAfter < 2*did {
		t.Errorf("before/after has %d false positives of 1000: the panel does not show why a comparison is needed", beforeAfter)
	}
}

// beforeAfterSignificant is the naive test: mean log growth of the treated stores alone against zero.
func beforeAfterSignificant(stores []StoreTraffic) bool {
	treated, _, _ := logGrowth(stores)
	a := treated.arm()
	return math.Abs(a.Mean) > 2.365*math.Sqrt(a.Var/float64(a.N)) // t(7, .975)
}

// placebo makes a campaign that never was: 56 days before, 14 days of window, the first eight of shuffled stores treated.
func placebo(panel map[string]map[int]float64, start int, rng *rand.Rand) []StoreTraffic {
	names := make([]string, 0, len(panel))
	for n := range panel {
		names = append(names, n)
	}
	slices.Sort(names)
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var out []StoreTraffic
	for _, n := range names {
		before, okBefore := meanOf(panel[n], start-56, start)
		during, okDuring := meanOf(panel[n], start, start+14)
		if okBefore && okDuring {
			out = append(out, StoreTraffic{Store: n, Treated: len(out) < 8, Before: before, During: during})
		}
	}
	return out
}

// meanOf returns the mean of a span, and false when more than a tenth of its days are missing.
func meanOf(days map[int]float64, from, to int) (float64, bool) {
	var sum float64
	n := 0
	for d := from; d < to; d++ {
		if v, ok := days[d]; ok {
			sum += v
			n++
		}
	}
	return sum / float64(n), n > 0 && n >= (to-from)*9/10
}

func loadTraffic(t *testing.T, path string) map[string]map[int]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	panel := map[string]map[int]float64{}
	epoch := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return panel
		}
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, row[0])
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if panel[row[1]] == nil {
			panel[row[1]] = map[int]float64{}
		}
		panel[row[1]][int(day.Sub(epoch).Hours()/24)] = n
	}
}
