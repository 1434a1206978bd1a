package panel

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cagnotte/pipeline/measure"
)

// dataDir finds the folder of real data, or skips; in CI, absence is a failure.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CAGNOTTE_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CAGNOTTE_CI") == "1" {
			t.Fatalf("the real data are mandatory here: %v", err)
		}
		t.Skipf("no real data (set CAGNOTTE_DATA): %v", err)
	}
	return dir
}

// readCSV returns the wanted columns of a file of the data folder.
func readCSV(t testing.TB, name string, columns ...string) [][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir(t), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	all, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(all[0], c); at[i] < 0 {
			t.Fatalf("%s has no column %q", name, c)
		}
	}
	var out [][]string
	for _, r := range all[1:] {
		row := make([]string, len(columns))
		for i, a := range at {
			row[i] = r[a]
		}
		out = append(out, row)
	}
	return out
}

// number64 parses a number; NA is missing.
func number64(t testing.TB, s string) float64 {
	t.Helper()
	if s == "NA" || s == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// expected returns a vector's published numbers and its tolerance.
func expected(t testing.TB, id string, into any) (tolerance float64) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dataDir(t), "..", "vectors", "kpi_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		ID        string
		Expected  json.RawMessage
		Tolerance float64
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.ID == id {
			if err := json.Unmarshal(v.Expected, into); err != nil {
				t.Fatal(err)
			}
			return v.Tolerance
		}
	}
	t.Fatalf("no vector %q", id)
	return 0
}

// TestCardKrueger: table 3 of Card and Krueger (1994), from the stores' rows.
func TestCardKrueger(t *testing.T) {
	var want struct {
		PABefore [2]float64 `json:"pa_before"`
		NJBefore [2]float64 `json:"nj_before"`
		PAAfter  [2]float64 `json:"pa_after"`
		NJAfter  [2]float64 `json:"nj_after"`
		All      float64    `json:"did_all"`
		Balanced float64    `json:"did_balanced"`
		SE       float64    `json:"did_balanced_se"`
		N        [2]int     `json:"n_balanced"`
	}
	tolerance := expected(t, "card_krueger", &want)
	index := map[string]int{}
	var pairs []Pair
	for _, r := range readCSV(t, "card_krueger/card_krueger.csv", "id", "nj", "d", "fte") {
		i, known := index[r[0]]
		if !known {
			i = len(pairs)
			index[r[0]] = i
			pairs = append(pairs, Pair{Unit: r[0], Treated: r[1] == "1", Before: math.NaN(), After: math.NaN()})
		}
		if r[2] == "0" {
			pairs[i].Before = number64(t, r[3])
		} else {
			pairs[i].After = number64(t, r[3])
		}
	}
	r, err := TwoByTwo(pairs, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  Group
		want [2]float64
	}{{"PA before", r.ControlBefore, want.PABefore}, {"NJ before", r.TreatedBefore, want.NJBefore}, {"PA after", r.ControlAfter, want.PAAfter}, {"NJ after", r.TreatedAfter, want.NJAfter}} {
		if math.Abs(c.got.Mean-c.want[0]) > tolerance || math.Abs(c.got.StdErr-c.want[1]) > tolerance {
			t.Errorf("%s: %+v, want %v", c.what, c.got, c.want)
		}
	}
	f := need(t, r.Result)
	if math.Abs(r.All.Estimate-want.All) > 1e-5 || math.Abs(f.Estimate-want.Balanced) > 1e-5 || math.Abs(f.StdErr-want.SE) > 1e-5 || r.NBalanced != want.N {
		t.Errorf("all %.5f balanced %.5f (%.5f) n %v, want %+v", r.All.Estimate, f.Estimate, f.StdErr, r.NBalanced, want)
	}
	t.Logf("all %.5f (%.5f), balanced %.5f (%.5f), n %v", r.All.Estimate, r.All.StdErr, f.Estimate, f.StdErr, r.NBalanced)
}

func completeJourney(t testing.TB) []CampaignRow {
	var rows []CampaignRow
	for _, r := range readCSV(t, "completejourney/full2y/household_campaign_28d.csv.gz", "household_key", "campaign", "exposed", "pre_spend", "post_spend") {
		rows = append(rows, CampaignRow{Household: r[0], Campaign: r[1], Exposed: r[2] == "1", Pre: number64(t, r[3]), Post: number64(t, r[4])})
	}
	return rows
}

// TestNaiveAgainstDiD: 30 real campaigns, targeted by past spend: the naive comparison shows selection.
func TestNaiveAgainstDiD(t *testing.T) {
	var want map[string][2]float64
	tolerance := expected(t, "cj_naive_vs_did", &want)
	r, err := Campaigns(completeJourney(t), DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []measure.Result{r.Naive, r.DiDPooled, r.Result, r.ANCOVA} {
		f, w := need(t, got), want[string(got.Method)]
		t.Logf("%s %.4f (%.4f), want %v", got.Method, f.Estimate, f.StdErr, w)
		if math.Abs(f.Estimate-w[0]) > tolerance || math.Abs(f.StdErr-w[1]) > tolerance {
			t.Errorf("%s: %.4f (%.4f), want %v", got.Method, f.Estimate, f.StdErr, w)
		}
	}
	if r.Households != 2500 || r.Campaigns != 30 {
		t.Errorf("%d households, %d campaigns", r.Households, r.Campaigns)
	}
}

// favorita is the real traffic of 54 stores as a matrix, NaN on days without receipts.
func favorita(t testing.TB) [][]float64 {
	t.Helper()
	rows := readCSV(t, "favorita_traffic/store_day_transactions.csv.gz", "date", "store_nbr", "transactions")
	epoch := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	const days = 1688 // to 2017-08-15; calendar days, so that windows are whole weeks
	y := make([][]float64, 54)
	for i := range y {
		y[i] = slices.Repeat([]float64{math.NaN()}, days)
	}
	for _, r := range rows {
		day, err := time.Parse(time.DateOnly, r[0])
		if err != nil {
			t.Fatal(err)
		}
		y[int(number64(t, r[1]))-1][int(day.Sub(epoch).Hours()/24)] = number64(t, r[2])
	}
	return y
}

// syntheticPanel has units, period effects and noise; a third each starts at period 3, at period 5, and never; the effect is constant.
func syntheticPanel(n, periods int, seed uint64, effect float64) Panel {
	rng := rand.New(rand.NewPCG(seed, 3))
	units, labels, y, from := make([]string, n), make([]int, periods), make([][]float64, n), make([]int, n)
	season := make([]float64, periods)
	for t := range labels {
		labels[t], season[t] = t+1, rng.NormFloat64()
	}
	for i := range n {
		units[i], from[i], y[i] = fmt.Sprint(i), []int{3, 5, Never}[i%3], make([]float64, periods)
		level := 3 * rng.NormFloat64()
		for t := range periods {
			y[i][t] = level + season[t] + rng.NormFloat64()
			if labels[t] >= from[i] {
				y[i][t] += effect
			}
		}
	}
	p, err := New(units, labels, y, from, RejectMissing)
	if err != nil {
		panic(err)
	}
	return p
}
