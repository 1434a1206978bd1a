package simulate

import (
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// WindowHours is the length of a simulated campaign: 28 days, looked at every hour. The window before, from which the covariate comes, has
// the same length.
const WindowHours = 28 * 24

// basket is the total of one real receipt; returns are negative.
type basket struct {
	hour   int32 // since the first midnight of the data
	amount float64
}

// Baskets are the receipts of real customers over a span of time: what simulated members are drawn from, whole histories at a time, so that
// the frequency, the sizes and the returns of one person stay together.
type Baskets struct {
	Name      string
	customers [][]basket // by hour
	weeks     int        // how many whole weeks a pair of windows can be moved by
}

// Customers returns how many there are.
func (b *Baskets) Customers() int { return len(b.customers) }

// Receipts returns how many there are of all customers.
func (b *Baskets) Receipts() int {
	n := 0
	for _, c := range b.customers {
		n += len(c)
	}
	return n
}

// draw picks a customer and a start, at midnight, a whole number of weeks away from the others': weekdays and hours of the day stay those of
// the data. It returns the baskets of the window before and of the window.
func (b *Baskets) draw(rng *rand.Rand) (before, during []basket, start int32) {
	history := b.customers[rng.IntN(len(b.customers))]
	start = int32(WindowHours + 7*24*rng.IntN(b.weeks))
	from := func(h int32) int {
		return sort.Search(len(history), func(i int) bool { return history[i].hour >= h })
	}
	first, middle, last := from(start-WindowHours), from(start), from(start+WindowHours)
	return history[first:middle], history[middle:last], start
}

// newBaskets sorts the histories and checks that they span two windows. Errors: nothing in it, or too short a span.
func newBaskets(name string, byCustomer map[string]map[string]basket) (*Baskets, error) {
	b := &Baskets{Name: name}
	names := make([]string, 0, len(byCustomer))
	for n := range byCustomer {
		names = append(names, n)
	}
	slices.Sort(names) // a map's order must not decide what a seed gives
	var last int32
	for _, n := range names {
		var history []basket
		for _, one := range byCustomer[n] {
			history = append(history, one)
			last = max(last, one.hour)
		}
		slices.SortFunc(history, func(x, y basket) int {
			return cmp.Or(cmp.Compare(x.hour, y.hour), cmp.Compare(x.amount, y.amount))
		})
		b.customers = append(b.customers, history)
	}
	b.weeks = (int(last)+1-2*WindowHours)/(7*24) + 1
	if len(b.customers) == 0 || int(last)+1 < 2*WindowHours {
		return nil, fmt.Errorf("%s: the receipts do not span two windows of %d hours", name, WindowHours)
	}
	return b, nil
}

// OnlineRetail reads the lines of the UCI Online Retail data set (CSV, gzipped) into receipts of named customers: returns included, anonymous
// receipts left out, line totals rounded to the cent. Errors name the row.
func OnlineRetail(lines io.Reader) (*Baskets, error) {
	epoch := time.Date(2010, 12, 1, 0, 0, 0, 0, time.UTC)
	customers := map[string]map[string]basket{}
	err := eachRow(lines, []string{"invoice_no", "quantity", "invoice_ts", "unit_price", "customer_id"}, func(cell []string) error {
		if cell[4] == "" {
			return nil
		}
		quantity, errQ := strconv.ParseFloat(cell[1], 64)
		price, errP := strconv.ParseFloat(cell[3], 64)
		hour, errT := hoursSince(epoch, cell[2])
		if err := errors.Join(errQ, errP, errT); err != nil {
			return err
		}
		addTo(customers, cell[4], cell[0], basket{hour, math.Round(100*quantity*price) / 100})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read Online Retail: %w", err)
	}
	return newBaskets("online_retail", customers)
}

// X5 reads the receipts of the X5 RetailHero sample (CSV, gzipped); the next purchases, which were to be predicted, are left out.
// Errors name the row.
func X5(receipts io.Reader) (*Baskets, error) {
	epoch := time.Date(2018, 11, 22, 0, 0, 0, 0, time.UTC)
	customers := map[string]map[string]basket{}
	err := eachRow(receipts, []string{"receipt_id", "client_id", "ts", "purchase_sum", "is_next_purchase"}, func(cell []string) error {
		if cell[4] == "1" {
			return nil
		}
		amount, errA := strconv.ParseFloat(cell[3], 64)
		hour, errT := hoursSince(epoch, cell[2])
		if err := errors.Join(errA, errT); err != nil {
			return err
		}
		addTo(customers, cell[1], cell[0], basket{hour, amount})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read X5: %w", err)
	}
	return newBaskets("x5", customers)
}

// addTo adds a line to its receipt; the receipt has the hour of its first line.
func addTo(customers map[string]map[string]basket, customer, receipt string, line basket) {
	if customers[customer] == nil {
		customers[customer] = map[string]basket{}
	}
	b, ok := customers[customer][receipt]
	if !ok {
		b.hour = line.hour
	}
	b.amount += line.amount
	customers[customer][receipt] = b
}

func hoursSince(epoch time.Time, stamp string) (int32, error) {
	at, err := time.Parse("2006-01-02T15:04:05", stamp)
	if err != nil {
		return 0, err
	}
	hours := at.Sub(epoch).Hours()
	if hours < 0 || hours > 24*366*20 {
		return 0, fmt.Errorf("time %s is out of the data's span", stamp)
	}
	return int32(hours), nil
}

// eachRow reads a gzipped CSV and hands the named columns of each row over.
func eachRow(in io.Reader, columns []string, take func([]string) error) error {
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	defer z.Close()
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(header, c); at[i] < 0 {
			return fmt.Errorf("no column %q (there are: %s)", c, strings.Join(header, ", "))
		}
	}
	cells := make([]string, len(columns))
	for line := 2; ; line++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range cells {
			cells[i] = row[at[i]]
		}
		if err := take(cells); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}
