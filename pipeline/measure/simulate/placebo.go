package simulate

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"cagnotte/pipeline/measure/panel"
)

// Traffic reads receipts per store and day (CSV, gzipped, columns date, store_nbr, transactions) into store-days; a day without a row is
// missing. Errors name the line.
func Traffic(in io.Reader) (panel.Days, error) {
	type cell struct {
		store string
		day   time.Time
		n     float64
	}
	var cells []cell
	var first, last time.Time
	err := eachRow(in, []string{"date", "store_nbr", "transactions"}, func(row []string) error {
		day, err := time.Parse(time.DateOnly, row[0])
		if err != nil {
			return err
		}
		n, err := strconv.ParseFloat(row[2], 64)
		if err != nil {
			return err
		}
		if len(cells) == 0 || day.Before(first) {
			first = day
		}
		if len(cells) == 0 || day.After(last) {
			last = day
		}
		cells = append(cells, cell{row[1], day, n})
		return nil
	})
	if err != nil {
		return panel.Days{}, fmt.Errorf("read store traffic: %w", err)
	}
	days := int(last.Sub(first).Hours()/24) + 1
	if days > 36_600 {
		return panel.Days{}, fmt.Errorf("read store traffic: %d days are too many", days)
	}
	var names []string
	for _, c := range cells {
		names = append(names, c.store)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	traffic := make([][]float64, len(names))
	for i := range traffic {
		traffic[i] = slices.Repeat([]float64{math.NaN()}, days)
	}
	for _, c := range cells {
		i, _ := slices.BinarySearch(names, c.store)
		traffic[i][int(c.day.Sub(first).Hours()/24)] = c.n
	}
	return panel.NewDays(traffic)
}

// TreatedStores are the numbers of treated stores that are tried.
func TreatedStores() []int { return []int{1, 2, 3, 5, 8, 15} }

// FalsePositives counts how often a test called an effect in windows in which no campaign ran. Shares are of the windows in which the test
// could be made, and 0 where it never can.
type FalsePositives struct {
	Treated     int     `json:"treated"`
	Windows     int     `json:"windows"`      // that had enough stores
	Pooled      float64 `json:"pooled"`       // difference-in-differences, pooled t
	Welch       float64 `json:"welch"`        // difference-in-differences, Welch's t; needs two treated stores
	Permutation float64 `json:"permutation"`  // re-assignment
	BeforeAfter float64 `json:"before_after"` // without a comparison; needs two treated stores
	SpreadOf    float64 `json:"spread"`       // standard deviation of the uplift
}

// Placebos draws windows without a campaign and random treated stores, and asks the store methods. Errors: the design does not fit the data,
// or that of the context.
func Placebos(ctx context.Context, days panel.Days, windows int, seed uint64, workers int, progress func(done, total int)) ([]FalsePositives, error) {
	if windows < 1 || windows > 1_000_000 {
		return nil, fmt.Errorf("simulate: %d windows, want 1 to 1000000", windows)
	}
	stores := TreatedStores()
	outcomes := make([]panel.PlaceboOutcome, len(stores)*windows)
	errs := make([]error, len(outcomes))
	err := inParallel(ctx, workers, len(outcomes), progress, func() func(int) {
		return func(i int) {
			design := panel.DefaultPlacebo()
			design.Treated = stores[i/windows]
			outcomes[i], errs[i] = panel.Placebo(days, design, seed<<32+uint64(i))
		}
	})
	if err != nil {
		return nil, err
	}
	rows := make([]FalsePositives, len(stores))
	for k := range stores {
		if err := errs[k*windows]; err != nil { // a design fits all windows or none
			return nil, fmt.Errorf("simulate: placebo with %d treated stores: %w", stores[k], err)
		}
		rows[k] = falsePositives(stores[k], outcomes[k*windows:(k+1)*windows])
	}
	return rows, nil
}

func falsePositives(treated int, outcomes []panel.PlaceboOutcome) FalsePositives {
	row := FalsePositives{Treated: treated}
	var mean, m2 float64
	var made [4]int
	var wrong [4]int
	for i := range outcomes {
		o := &outcomes[i]
		if o.Reason != "" {
			continue
		}
		row.Windows++
		d := o.Uplift - mean
		mean += d / float64(row.Windows)
		m2 += d * (o.Uplift - mean)
		for t, decision := range [4]panel.Decision{o.Pooled, o.Welch, o.Permutation, o.BeforeAfter} {
			made[t] += one(decision.Made)
			wrong[t] += one(decision.Reject)
		}
	}
	share := func(t int) float64 { return float64(wrong[t]) / math.Max(1, float64(made[t])) }
	row.Pooled, row.Welch, row.Permutation, row.BeforeAfter = share(0), share(1), share(2), share(3)
	row.SpreadOf = math.Sqrt(m2 / math.Max(1, float64(row.Windows-1)))
	return row
}
