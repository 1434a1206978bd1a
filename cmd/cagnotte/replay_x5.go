package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

var (
	x5ReceiptsHeader = []string{"receipt_id", "client_id", "ts", "store_id", "regular_points_received", "express_points_received",
		"regular_points_spent", "express_points_spent", "purchase_sum", "is_next_purchase"}
	x5LinesHeader    = []string{"receipt_id", "product_id", "quantity"}
	x5ProductsHeader = []string{"product_id", "level_1", "level_2", "level_3", "level_4", "segment_id", "brand_id", "vendor_id", "netto", "is_own_trademark", "is_alcohol"}
)

// Columns of the X5 receipts.
const (
	x5ID = iota
	x5Client
	x5Time
	x5Store
	x5RegularGot
	x5ExpressGot
	x5RegularSpent
	x5ExpressSpent
	x5Sum
	x5Next
)

// x5 joins receipts, lines and products in memory: the sample is small. Receipts come by time, then id.
type x5 struct {
	receipts []retail.Receipt
	at       int
}

func openX5(dir string) (*x5, error) {
	products, err := readX5Products(dir)
	if err != nil {
		return nil, err
	}
	lines, err := readX5Lines(dir, products)
	if err != nil {
		return nil, err
	}
	receipts, err := readX5Receipts(dir, lines)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(receipts, func(a, b retail.Receipt) int {
		return cmp.Or(cmp.Compare(a.EndedAt, b.EndedAt), strings.Compare(string(a.ID), string(b.ID)))
	})
	return &x5{receipts: receipts}, nil
}

func (x *x5) about() replayInfo {
	return replayInfo{name: "X5 RetailHero", receipts: len(x.receipts), currency: "RUB", campaigns: "x5"}
}

func (x *x5) next(r *retail.Receipt) error {
	if x.at == len(x.receipts) {
		return io.EOF
	}
	*r = x.receipts[x.at]
	x.at++
	return nil
}

func (x *x5) close() error { return nil }

// eachRow calls fn with every row of a table of the directory.
func eachRow(dir, name string, header []string, fn func(*table, []string) error) error {
	path, err := tableIn(dir, name)
	if err != nil {
		return err
	}
	t, err := openTable(path)
	if err != nil {
		return err
	}
	defer t.close()
	if !slices.Equal(t.header, header) {
		return exitf(ExitInvalid, "%s: columns %s, want %s", path, strings.Join(t.header, ","), strings.Join(header, ","))
	}
	for {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := fn(t, row); err != nil {
			return err
		}
	}
}

// x5Product is what a line takes from the product table.
type x5Product struct{ category, brand string }

func readX5Products(dir string) (map[string]x5Product, error) {
	products := map[string]x5Product{}
	err := eachRow(dir, "products.csv", x5ProductsHeader, func(_ *table, row []string) error {
		var levels []string
		for _, level := range row[1:5] {
			if level != "" {
				levels = append(levels, level)
			}
		}
		products[row[0]] = x5Product{category: strings.Join(levels, "/"), brand: row[6]}
		return nil
	})
	return products, err
}

func readX5Lines(dir string, products map[string]x5Product) (map[string][]retail.Line, error) {
	lines := map[string][]retail.Line{}
	err := eachRow(dir, "lines.csv", x5LinesHeader, func(t *table, row []string) error {
		quantity := int64(1)
		if row[2] != "" && row[2] != "0" { // empty: not told; 0: sold by weight
			var err error
			if quantity, err = strconv.ParseInt(row[2], 10, 32); err != nil || quantity < 1 {
				return t.fail(2, fmt.Errorf("%q is not a quantity", row[2]))
			}
		}
		id, product := row[0], products[row[1]]
		lines[id] = append(lines[id], retail.Line{
			No: int32(len(lines[id]) + 1), Kind: retail.SaleLine, SKU: row[1], Category: product.category, Brand: product.brand,
			QuantityMilli: quantity * 1000, Unit: retail.Each,
		})
		return nil
	})
	return lines, err
}

func readX5Receipts(dir string, lines map[string][]retail.Line) ([]retail.Receipt, error) {
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		return nil, exitf(ExitFailed, "load the time zone of the data: %w", err)
	}
	var receipts []retail.Receipt
	err = eachRow(dir, "receipts.csv", x5ReceiptsHeader, func(t *table, row []string) error {
		at, day, offset, err := localTime(row[x5Time], zone)
		if err != nil {
			return t.fail(x5Time, err)
		}
		total, err := minorUnits(1, row[x5Sum])
		if err != nil {
			return t.fail(x5Sum, err)
		}

		r := retail.Receipt{
			ID: retail.ReceiptID("x5-" + row[x5ID]), Type: retail.Sale, Channel: retail.InStore, Currency: "RUB",
			Shop: retail.Shop{ID: retail.ShopID(row[x5Store]), Banner: "x5", Country: "RU"}, TerminalID: "till",
			StartedAt: at, EndedAt: at, BusinessDate: day, UTCOffsetMin: offset, Total: total,
			Loyalty: retail.Loyalty{AccountID: retail.AccountID(row[x5Client]), ProgramID: "x5", Capture: retail.Card},
			Source:  retail.Source{POSVendor: "X5 RetailHero", Sender: "cagnotte replay"},
			Lines:   pricedLines(lines[row[x5ID]], total),
		}
		for _, column := range []int{x5ExpressGot, x5ExpressSpent, x5RegularGot, x5RegularSpent} {
			if v := row[column]; v != "" && v != "0.0" {
				r.Attributes = append(r.Attributes, retail.Attribute{Key: x5ReceiptsHeader[column], Value: v})
			}
		}
		receipts = append(receipts, r)
		return nil
	})
	return receipts, err
}

// pricedLines splits the total over the lines by their quantities: the data has no prices of lines.
func pricedLines(lines []retail.Line, total money.Amount) []retail.Line {
	weights, shares := make([]money.Amount, len(lines)), make([]money.Amount, len(lines))
	for i := range lines {
		weights[i] = money.Amount(lines[i].QuantityMilli)
	}
	money.Allocate(total, weights, shares)
	for i := range lines {
		pieces := lines[i].QuantityMilli / 1000
		lines[i].Gross, lines[i].Net = shares[i], shares[i]
		lines[i].UnitPrice = money.MulDiv(shares[i], 1, pieces, money.HalfUp)
	}
	return lines
}
