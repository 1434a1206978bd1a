package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// replaySource reads receipts from a file of real ones. replay.md documents each mapping.
type replaySource interface {
	// about returns what is read. It is known before the first receipt.
	about() replayInfo
	// next fills r with the next receipt, io.EOF after the last. Receipts come in the same order each time.
	next(r *retail.Receipt) error
	// close ends reading.
	close() error
}

// replayInfo describes a source.
type replayInfo struct {
	name      string // for people
	receipts  int
	currency  string
	campaigns string // directory of the embedded campaigns that fit its time and currency
}

// openReplay finds out what path holds, a file (plain or gzip) or a directory, by the header of its table.
func openReplay(path string) (replaySource, error) {
	path, err := replayFile(path)
	if err != nil {
		return nil, err
	}
	header, err := readHeader(path)
	if err != nil {
		return nil, err
	}
	switch {
	case slices.Equal(header, onlineRetailHeader):
		return openOnlineRetail(path)
	case slices.Equal(header, x5ReceiptsHeader), slices.Equal(header, x5LinesHeader):
		return openX5(filepath.Dir(path))
	default:
		return nil, exitf(ExitInvalid, "--replay %s: unknown columns %s; known are the Online Retail lines (%s) and the X5 receipts (%s)",
			path, strings.Join(header, ","), strings.Join(onlineRetailHeader, ","), strings.Join(x5ReceiptsHeader, ","))
	}
}

// replayFile resolves a directory to the table in it that names the format.
func replayFile(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", exitf(ExitNotFound, "--replay %s: no such file", path)
	}
	if err != nil {
		return "", exitf(ExitFailed, "--replay: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range []string{"receipts.csv", "lines.csv"} {
		if file, err := tableIn(path, name); err == nil {
			return file, nil
		}
	}
	return "", exitf(ExitNotFound, "--replay %s: the directory holds neither receipts.csv(.gz) nor lines.csv(.gz)", path)
}

// tableIn returns the path of a table in dir, plain or compressed.
func tableIn(dir, name string) (string, error) {
	for _, ext := range []string{"", ".gz"} {
		file := filepath.Join(dir, name+ext)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", exitf(ExitNotFound, "%s holds no %s(.gz)", dir, name)
}

func readHeader(path string) ([]string, error) {
	t, err := openTable(path)
	if err != nil {
		return nil, err
	}
	defer t.close()
	return slices.Clone(t.header), nil
}

// table reads a CSV file, plain or gzip, with a header. Rows are reused.
type table struct {
	path   string
	header []string
	rows   *csv.Reader
	closes []io.Closer
}

func openTable(path string) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, exitf(ExitNotFound, "open %s: %w", path, err)
	}
	t := &table{path: path, closes: []io.Closer{f}}
	var in io.Reader = bufio.NewReaderSize(f, 1<<18)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			t.close()
			return nil, exitf(ExitInvalid, "open %s: %w", path, err)
		}
		in = z
	}
	t.rows = csv.NewReader(in)
	t.rows.ReuseRecord = true
	header, err := t.rows.Read()
	if err != nil {
		t.close()
		return nil, exitf(ExitInvalid, "read %s: no header: %w", path, err)
	}
	t.header = slices.Clone(header)
	return t, nil
}

// next returns the next row, valid until the following call; io.EOF after the last.
func (t *table) next() ([]string, error) {
	row, err := t.rows.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, exitf(ExitInvalid, "read %s: %w", t.path, err)
	}
	return row, err
}

// fail reports a value that cannot be read, with its place.
func (t *table) fail(column int, err error) error {
	line, _ := t.rows.FieldPos(column)
	return exitf(ExitInvalid, "%s line %d, %s: %w", t.path, line, t.header[column], err)
}

func (t *table) close() error {
	var errs []error
	for _, c := range t.closes {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// minorUnits returns quantity x price x 100 of two decimal numbers, computed exactly from their text and rounded half away from zero.
func minorUnits(quantity int64, price string) (money.Amount, error) {
	if digits, den, ok := shortDecimal(price); ok && quantity <= math.MaxInt32 && quantity >= math.MinInt32 {
		return inRange(money.MulDiv(money.Amount(digits), quantity*100, den, money.HalfUp), quantity, price)
	}
	if len(price) > 32 || strings.Trim(price, "0123456789.-") != "" {
		return 0, fmt.Errorf("%.40q is not a decimal number", price)
	}
	p, ok := new(big.Rat).SetString(price)
	if !ok {
		return 0, fmt.Errorf("%q is not a decimal number", price)
	}
	p.Mul(p, new(big.Rat).SetInt64(2*100*quantity)) // twice the value, so that adding one and halving rounds
	twice := new(big.Int).Quo(p.Num(), p.Denom())
	sign := int64(twice.Sign())
	twice.Add(twice, big.NewInt(sign)).Quo(twice, big.NewInt(2))
	if !twice.IsInt64() {
		return 0, fmt.Errorf("%d x %s is out of range", quantity, price)
	}
	return inRange(money.Amount(twice.Int64()), quantity, price)
}

func inRange(a money.Amount, quantity int64, price string) (money.Amount, error) {
	if a > money.Max || a < money.Min {
		return 0, fmt.Errorf("%d x %s is out of range", quantity, price)
	}
	return a, nil
}

// shortDecimal reads a number of at most seven digits before the point and four behind it as digits/den. Nearly all prices are such, and it takes
// a tenth of the time of a rational.
func shortDecimal(text string) (digits, den int64, ok bool) {
	whole, frac, _ := strings.Cut(text, ".")
	if bare := strings.TrimPrefix(whole, "-"); bare == "" || len(bare) > 7 || len(frac) > 4 {
		return 0, 0, false
	}
	digits, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil || strings.ContainsAny(frac, "+-") || strings.HasPrefix(whole, "+") {
		return 0, 0, false
	}
	return digits, [...]int64{1, 10, 100, 1000, 10_000}[len(frac)], true
}

const localLayout = "2006-01-02T15:04:05"

// localTime reads a local time of the zone and returns it with the day it falls on and the zone's offset.
func localTime(text string, zone *time.Location) (at retail.Instant, day retail.Date, offsetMin int32, err error) {
	t, err := time.ParseInLocation(localLayout, text, zone)
	if err != nil {
		return 0, 0, 0, err
	}
	_, offset := t.Zone()
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return retail.Instant(t.UnixMilli()), retail.Date(midnight.Unix() / 86400), int32(offset / 60), nil
}
